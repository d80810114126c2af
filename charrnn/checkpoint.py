"""A model on disk, with how it was made and, where training may go on from it, where training stood.

One uncompressed ``.npz``, no pickle: ``document`` is JSON (format, settings, vocabulary, counters, provenance) as
bytes, ``parameters/...`` the parameters by name, ``optimizer/...`` the optimizer's vectors and ``state`` the hidden
state of every stream. Random numbers follow from the seed and the iteration (see ``seeds.py``), so these are their
generators' states; the cursor and the schedule's position follow from the iteration too.
"""

import json
import os
import platform
import zipfile
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np

from charrnn import __version__
from charrnn.arrays import Array
from charrnn.config import Settings, from_mapping, resolve
from charrnn.errors import CharRNNError, CheckpointError
from charrnn.model import Model, network_of
from charrnn.nn.cells import CELLS
from charrnn.nn.initialisers import INITIALISERS
from charrnn.nn.parameters import Parameters
from charrnn.text.vocabulary import Vocabulary

FORMAT = 1


@dataclass(frozen=True)
class Progress:
    """How far training had come."""

    iteration: int = 0
    best_iteration: int = 0
    best_loss: float | None = None
    """Lowest validation loss so far, nats per character."""
    validation_loss: float | None = None
    """The latest one."""
    recent_losses: tuple[float, ...] = ()
    """Training losses of the latest iterations, from which reports take their mean."""


@dataclass(frozen=True)
class TrainingState:
    """What training needs beyond the model, to go on as if it had not stopped."""

    optimizer_steps: int
    optimizer: Mapping[str, Array]
    """Vectors (P,) by name."""
    state: Array
    """Recurrent state of every stream, (L, S, B, H)."""


@dataclass(frozen=True)
class Checkpoint:
    """``training`` is None in a checkpoint of weights only: enough to sample, not to resume."""

    model: Model
    settings: Settings
    progress: Progress
    corpus: Mapping[str, Any]
    """Name, SHA-256 and number of characters of the text."""
    training: TrainingState | None = None
    made_with: Mapping[str, Any] = field(default_factory=lambda: versions())

    def weights_only(self) -> Self:
        """The same without what training needs."""
        return type(self)(self.model, self.settings, self.progress, self.corpus, None, self.made_with)

    def save(self, path: Path) -> None:
        """Writes the file whole or not at all: beside its place first, then moved there."""
        document = {
            "format": FORMAT,
            "settings": self.settings.model_dump(),
            "vocabulary": self.model.vocabulary.characters,
            "progress": asdict(self.progress),
            "corpus": dict(self.corpus),
            "made_with": dict(self.made_with),
        }
        arrays = {f"parameters/{name}": array for name, array in self.model.parameters.items()}
        if self.training is not None:
            document["optimizer_steps"] = self.training.optimizer_steps
            arrays |= {f"optimizer/{name}": vector for name, vector in self.training.optimizer.items()}
            arrays["state"] = self.training.state
        text = np.frombuffer(json.dumps(document).encode(), np.uint8)
        beside = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            with open(beside, "wb") as file:
                np.savez(file, document=text, **arrays)  # type: ignore[arg-type]
                file.flush()
                os.fsync(file.fileno())
            os.replace(beside, path)
        except OSError as error:
            raise CheckpointError(f"checkpoint {str(path)!r} cannot be written: {error.strerror}") from None
        finally:
            beside.unlink(missing_ok=True)


def load_checkpoint(path: str | Path, at: int | None = None) -> Checkpoint:
    """Loads a checkpoint file, or out of a run folder its best (its last, where none was validated), or with ``at``
    the weights of the snapshot at that iteration.

    Raises CheckpointError for what is not a checkpoint or is not whole.
    """
    try:
        path = find_checkpoint(Path(path), at)
        with open(path, "rb") as file:
            if not zipfile.is_zipfile(file):
                raise CheckpointError(f"{str(path)!r} is not a whole checkpoint; give a run folder or its .npz file")
            file.seek(0)
            with np.load(file, allow_pickle=False) as archive:
                return _checkpoint(dict(archive), str(path))
    except FileNotFoundError:
        raise CheckpointError(f"checkpoint {str(path)!r} does not exist; give a run folder or an .npz file") from None
    except OSError as error:
        raise CheckpointError(f"checkpoint {str(path)!r} cannot be read: {error.strerror or error}") from None
    except CheckpointError:
        raise
    except _NOT_A_CHECKPOINT as error:
        reason = f"it lacks {error}" if isinstance(error, KeyError) else " ".join(str(error).split())
        raise CheckpointError(f"{str(path)!r} is not a checkpoint this version can read: {reason}") from None


_NOT_A_CHECKPOINT = (
    *(CharRNNError, LookupError, ValueError, TypeError, AttributeError, ArithmeticError, EOFError, MemoryError),
    *(RuntimeError, zipfile.BadZipFile),  # of which NotImplementedError for members that zipfile cannot read
)
"""What a file that is no checkpoint, or a damaged one, makes NumPy, zipfile, json and our own checks raise."""


def find_checkpoint(path: Path, at: int | None = None) -> Path:
    """The file that a run folder or a path stands for."""
    if not path.is_dir():
        if at is not None:
            raise CheckpointError(f"--at picks from a run folder, and {str(path)!r} is not one; leave it out")
        return path
    folder = path / "checkpoints"
    if at is not None:
        kept = kept_iterations(path)
        if at not in kept:
            there = ", ".join(map(str, kept)) or "none"
            raise CheckpointError(f"run {str(path)!r} kept no weights at iteration {at}; there are: {there}")
        return kept[at]
    for name in ("best.npz", "last.npz"):
        if (folder / name).is_file():
            return folder / name
    raise CheckpointError(f"folder {str(path)!r} holds no checkpoint; give a run folder made by charrnn train")


def checkpoint_name(iteration: int) -> str:
    """The file name of a snapshot's weights."""
    return f"iteration-{iteration:06d}.npz"


def kept_iterations(run: Path) -> dict[int, Path]:
    """The weights that a run folder kept with its snapshots, by iteration."""
    files = {path.stem.removeprefix("iteration-"): path for path in (run / "checkpoints").glob("iteration-*.npz")}
    numbered = {int(number): path for number, path in files.items() if number.isdecimal()}
    return dict(sorted(numbered.items()))


def versions() -> dict[str, Any]:
    """What computes here."""
    return {"charrnn": __version__, "numpy": np.__version__, "python": platform.python_version()}


def _checkpoint(arrays: dict[str, Any], path: str) -> Checkpoint:
    document = json.loads(arrays["document"].tobytes())
    if document["format"] != FORMAT:
        raise CheckpointError(
            f"{path!r} has format {document['format']!r}, and this version reads {FORMAT}; update charrnn"
        )
    known: dict[str, Collection[str]] = {"model.cell": CELLS, "model.initialisation": INITIALISERS}
    settings = resolve([from_mapping(document["settings"], "checkpoint")], known)
    vocabulary = Vocabulary(document["vocabulary"])
    network = network_of(settings, vocabulary)
    parameters = Parameters(network.shapes, network.dtype)
    for key, view in parameters.items():
        view[:] = _array(arrays, f"parameters/{key}", view)
    training = None
    if "state" in arrays:
        prefix = "optimizer/"
        training = TrainingState(
            optimizer_steps=document["optimizer_steps"],
            optimizer={
                key.removeprefix(prefix): _array(arrays, key, parameters.vector)
                for key in arrays
                if key.startswith(prefix)
            },
            state=_array(arrays, "state", network.zero_state(settings.training.batch)),
        )
    progress = document["progress"] | {"recent_losses": tuple(document["progress"]["recent_losses"])}
    return Checkpoint(
        Model(network, parameters, vocabulary),
        settings,
        Progress(**progress),
        document["corpus"],
        training,
        document["made_with"],
    )


def _array(arrays: Mapping[str, Any], key: str, like: Array) -> Array:
    """The array of that name, if it has the shape and type that the settings promise."""
    array: Array = arrays[key]
    if array.shape != like.shape or array.dtype != like.dtype:
        raise ValueError(f"{key} is {array.dtype} {array.shape}, where its settings say {like.dtype} {like.shape}")
    return array
