"""A model on disk, with how it was made and, where training may go on from it, where training stood.

One uncompressed ``.npz``, no pickle: ``document`` is JSON (format, settings, vocabulary, counters, provenance) as
bytes, ``parameters/...`` the parameters by name, ``optimizer/...`` the optimizer's vectors and ``state`` the hidden
state of every stream. Random numbers follow from the seed and the iteration (see ``seeds.py``), so these are their
generators' states; the cursor and the schedule's position follow from the iteration too.

What a file must be, and how large it may be, is said and checked in ``archive.py``; that it is what its own settings
promise, here.
"""

import errno
import hashlib
import json
import math
import platform
import re
import warnings
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cache, partial
from pathlib import Path
from typing import Annotated, Any, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from threadpoolctl import threadpool_info

from charrnn import __version__
from charrnn.arrays import Array
from charrnn.errors import CharRNNError, CharRNNWarning, CheckpointError, DamagedCheckpointError
from charrnn.files import replace_file
from charrnn.model import Model
from charrnn.nn.network import Network
from charrnn.nn.parameters import Parameters
from charrnn.settings.build import build_network
from charrnn.settings.overlays import from_mapping, resolve
from charrnn.settings.schema import Settings
from charrnn.storage.archive import ArchiveError, Shaped, check_writable, open_archive, shaped, write_archive
from charrnn.text.vocabulary import Vocabulary

FORMAT = 1
Counter = Annotated[int, Field(ge=0, le=10**12)]
Loss = Annotated[float, Field(allow_inf_nan=False)]
STRICT = ConfigDict(extra="forbid", strict=True)


@dataclass(frozen=True)
class Progress:
    """How far training had come."""

    iteration: Counter = 0
    best_iteration: Counter = 0
    best_loss: Loss | None = None
    """Lowest validation loss so far, nats per character."""
    validation_loss: Loss | None = None
    """The latest one."""
    recent_losses: tuple[Loss, ...] = ()
    """Training losses of the latest iterations, from which reports take their mean."""
    seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    """Spent so far, where the run has a number of minutes."""
    plan: tuple[tuple[Counter, Counter], ...] = ()
    """There, how many iterations in all it planned, and after which iteration it did so, the latest plan last."""


@dataclass(frozen=True)
class CorpusRecord:
    """The text that was learnt."""

    name: str
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    characters: Counter


@dataclass(frozen=True)
class Origin:
    """A checkpoint whose network was trained on."""

    path: str
    parameters_sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    """Of the parameters as they lie in memory, in the order of the file."""
    iteration: Counter
    corpus: CorpusRecord


@dataclass(frozen=True)
class TrainingState:
    """What training needs beyond the model, to go on as if it had not stopped."""

    optimizer_steps: int
    optimizer: Mapping[str, Array]
    """Vectors (P,) by name."""
    state: Array
    """Recurrent state of every stream, (L, S, B, H)."""


@cache
def versions() -> dict[str, str | int]:
    """What computes here. All but the first two have a say in how numbers are rounded."""
    libraries = [library for library in threadpool_info() if library["user_api"] == "blas"]
    blas = {f"{library['internal_api']} {library['version']}" for library in libraries}
    kernels = {str(library.get("architecture")) for library in libraries}
    simd = np.show_config(mode="dicts").get("SIMD Extensions", {}).get("found", [])
    return {
        "charrnn": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "blas": " and ".join(sorted(blas)),
        "processor": " ".join([platform.machine(), *sorted(kernels), *simd]),
    }


class _Optimizer(BaseModel):
    model_config = STRICT
    steps: Counter
    vectors: Annotated[list[Annotated[str, Field(pattern="^[a-z_]{1,32}$")]], Field(max_length=8)]


class Document(BaseModel):
    """What is in the archive beside arrays."""

    model_config = STRICT
    format: int
    settings: dict[str, Any]
    vocabulary: str
    progress: Progress
    corpus: CorpusRecord
    origins: tuple[Origin, ...] = ()
    made_with: dict[str, str | int]
    optimizer: _Optimizer | None
    """None in a checkpoint of weights only."""


@dataclass(frozen=True)
class Checkpoint:
    """``training`` is None in a checkpoint of weights only: enough to sample, not to resume."""

    model: Model
    settings: Settings
    progress: Progress
    corpus: CorpusRecord
    training: TrainingState | None = None
    made_with: Mapping[str, str | int] = field(default_factory=versions)
    origins: tuple[Origin, ...] = ()
    """The checkpoints that it goes back to, the oldest first."""

    def weights_only(self) -> Self:
        """The same without what training needs."""
        return replace(self, training=None)

    def as_origin(self, path: str) -> Origin:
        """How a run that begins with its network records it."""
        sha256 = hashlib.sha256(self.model.parameters.vector.data).hexdigest()
        return Origin(path, sha256, self.progress.iteration, self.corpus)

    def check(self) -> None:
        """Raises CheckpointError for one that could not be saved, however large the disk."""
        try:
            check_writable(self.document(), self._arrays())
        except ArchiveError as error:
            raise CheckpointError(
                f"a checkpoint of this run could not be saved: {error}; take fewer files or a smaller network"
            ) from None
        except UnicodeEncodeError as error:
            name = error.object[max(0, error.start - 40) : error.end + 20]
            raise CheckpointError(
                f"a checkpoint could not record the name {name!r}, which is not UTF-8; give the file or folder another"
            ) from None

    def save(self, path: Path, previous: Path | None = None) -> None:
        """Writes the file whole or not at all, reads it back, and only then lets it take its place; what stood there is
        kept as ``previous``, if that is given. Raises CheckpointError, and then what stood there still does."""
        text, arrays = self.document(), self._arrays()
        try:
            replace_file(
                path,
                write=partial(write_archive, text=text, arrays=arrays),
                verify=partial(_verify, text=text, arrays=arrays),
                previous=previous,
            )
        except OSError as error:
            raise CheckpointError(
                f"checkpoint {str(path)!r} cannot be written: {error.strerror or error}; what was saved before stands"
            ) from None
        except ArchiveError as error:
            raise CheckpointError(f"checkpoint {str(path)!r} cannot be written: {error}") from None

    def document(self) -> bytes:
        """All but the arrays, as JSON; ``read_document`` is the inverse."""
        optimizer = self.training and {
            "steps": self.training.optimizer_steps,
            "vectors": sorted(self.training.optimizer),
        }
        return _to_json(
            {
                "format": FORMAT,
                "settings": self.settings.model_dump(),
                "vocabulary": self.model.vocabulary.characters,
                "progress": asdict(self.progress),
                "corpus": asdict(self.corpus),
                "origins": [asdict(origin) for origin in self.origins],
                "made_with": dict(self.made_with),
                "optimizer": optimizer,
            }
        )

    def _arrays(self) -> dict[str, Array]:
        arrays = {f"parameters/{name}": array for name, array in self.model.parameters.items()}
        if self.training is not None:
            arrays |= {f"optimizer/{name}": vector for name, vector in self.training.optimizer.items()}
            arrays["state"] = self.training.state
        return arrays


def load_checkpoint(path: str | Path, at: int | None = None) -> Checkpoint:
    """Loads a checkpoint file, or out of a run folder its best (its last, where none was validated), or with ``at``
    the weights of the snapshot at that iteration. Where the file in a run folder is damaged, the next best is taken,
    with a CharRNNWarning.

    Raises DamagedCheckpointError for what is not a whole checkpoint, CheckpointError for what cannot be found or read.
    """
    try:
        paths = find_checkpoints(Path(path), at)
    except OSError as error:
        raise CheckpointError(f"checkpoint {str(path)!r} cannot be read: {error.strerror or error}") from None
    return load_first(paths)


def load_first(paths: Collection[Path]) -> Checkpoint:
    """The first of some checkpoints that is not damaged, with a CharRNNWarning where it is not the first of all."""
    damaged: DamagedCheckpointError | None = None
    for path in paths:
        try:
            checkpoint = _load(path)
        except DamagedCheckpointError as error:
            damaged = damaged or error
        else:
            if damaged:
                warnings.warn(
                    f"{damaged}; {str(path)!r} of iteration {checkpoint.progress.iteration} takes its place",
                    CharRNNWarning,
                    stacklevel=2,
                )
            return checkpoint
    assert damaged
    raise damaged


def find_checkpoints(path: Path, at: int | None = None) -> list[Path]:
    """The files that a run folder or a path stands for, the one to take first."""
    if not path.is_dir():
        if at is not None:
            raise CheckpointError(f"--at picks from a run folder, and {str(path)!r} is not one; leave it out")
        return [path]
    if at is not None:
        kept = kept_iterations(path)
        if at not in kept:
            there = ", ".join(map(str, kept)) or "none"
            raise CheckpointError(f"run {str(path)!r} kept no weights at iteration {at}; there are: {there}")
        return [kept[at]]
    folder = path / "checkpoints"
    found = [folder / name for name in (BEST, LAST, PREVIOUS) if (folder / name).is_file()]
    if not found:
        raise CheckpointError(f"folder {str(path)!r} holds no checkpoint; give a run folder made by charrnn train")
    return found


BEST, LAST, PREVIOUS = "best.npz", "last.npz", "last.prev.npz"


def checkpoint_name(iteration: int) -> str:
    """The file name of a snapshot's weights."""
    return f"iteration-{iteration:06d}.npz"


def kept_iterations(run: Path) -> dict[int, Path]:
    """The weights that a run folder kept with its snapshots, by iteration."""
    files = {path.stem.removeprefix("iteration-"): path for path in (run / "checkpoints").glob("iteration-*.npz")}
    numbered = {int(number): path for number, path in files.items() if re.fullmatch("[0-9]{1,12}", number)}
    return dict(sorted(numbered.items()))


def _to_json(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, allow_nan=False).encode()


def _verify(path: Path, text: bytes, arrays: Mapping[str, Array]) -> None:
    """Raises ArchiveError unless the file gives back exactly this."""
    with open_archive(path) as archive:
        archive.check({name: shaped(array) for name, array in arrays.items()})
        if archive.text() != text:
            raise ArchiveError("it reads back differently")
        for name, array in arrays.items():
            back = np.empty_like(array, order="C")
            archive.read(name, back)
            if not np.array_equal(back, array):
                raise ArchiveError(f"{name!r} reads back differently")


def _load(path: Path) -> Checkpoint:
    try:
        return _read(path)
    except FileNotFoundError:
        raise CheckpointError(f"checkpoint {str(path)!r} does not exist; give a run folder or an .npz file") from None
    except OSError as error:
        kind = DamagedCheckpointError if error.errno == errno.EIO else CheckpointError
        raise kind(f"checkpoint {str(path)!r} cannot be read: {error.strerror or error}") from None
    except CheckpointError:
        raise
    except (ArchiveError, CharRNNError, ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())[:500]
        raise DamagedCheckpointError(
            f"{str(path)!r} is not a whole checkpoint ({reason}); give a run folder or its .npz file"
        ) from None


def _read(path: Path) -> Checkpoint:
    with open_archive(path) as archive:
        document, settings, vocabulary, network = read_document(archive.text(), path)

        expected = {f"parameters/{name}": Shaped(shape, network.dtype) for name, shape in network.shapes.items()}
        if document.optimizer:
            vector = Shaped((sum(math.prod(shape) for shape in network.shapes.values()),), network.dtype)
            expected |= {f"optimizer/{name}": vector for name in document.optimizer.vectors}
            expected["state"] = Shaped(network.state_shape(settings.training.batch), network.dtype)
        archive.check(expected)

        def read(name: str) -> Array:
            array = np.empty(*expected[name])
            archive.read(name, array)
            return array

        parameters = Parameters(network.shapes, network.dtype)
        for name, view in parameters.items():
            archive.read(f"parameters/{name}", view)
        training = None
        if document.optimizer:
            vectors = {name: read(f"optimizer/{name}") for name in document.optimizer.vectors}
            training = TrainingState(document.optimizer.steps, vectors, read("state"))
    model = Model(network, parameters, vocabulary)
    return Checkpoint(
        model, settings, document.progress, document.corpus, training, document.made_with, document.origins
    )


def read_document(text: bytes, path: Path) -> tuple[Document, Settings, Vocabulary, Network]:
    """What a document says of the arrays that come with it, checked in itself.

    Raises ArchiveError, CharRNNError, ValueError or RecursionError for what is no such document.
    """
    document = _parse(text, path)
    settings = resolve([from_mapping(document.settings, "checkpoint")])
    vocabulary = Vocabulary(document.vocabulary)
    if vocabulary.characters != document.vocabulary or len(vocabulary) < 2:
        raise ArchiveError("its vocabulary is not two or more distinct characters in order")
    return document, settings, vocabulary, build_network(settings, len(vocabulary))


def _parse(text: bytes, path: Path) -> Document:
    _check_format(text, path)
    try:
        return Document.model_validate_json(text)
    except ValidationError as errors:
        first = errors.errors(include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise ArchiveError(f"{where}: {first['msg']}") from None


def _check_format(text: bytes, path: Path) -> None:
    document = json.loads(text)
    if isinstance(document, dict) and document.get("format") != FORMAT:
        raise CheckpointError(
            f"{str(path)!r} has format {document.get('format')!r:.40}, and this version reads {FORMAT}; update charrnn"
        )
    if _to_json(document) != text:
        raise ArchiveError("its document is not as it is written")
