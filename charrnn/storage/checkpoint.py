"""A model in one file, with how it was made and, where training may go on from it, how far training had come.

An uncompressed ``.npz``, no pickle: ``document`` is JSON (format, settings, vocabulary, counters, what made it) as
bytes, ``parameters/...`` are the parameters by name, ``optimizer/...`` the vectors that the optimizer remembers, and
``state`` is the hidden state of every stream. Nothing random needs a place: random numbers follow from the seed and the
iteration (see ``seeds.py``), and so do the place in the text and the learning rate.

``archive.py`` checks that a file is whole, and no larger than it may be; this module, that it holds what its own
settings promise; ``migrations.py`` reads what older versions wrote.
"""

import errno
import hashlib
import math
import warnings
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Self

import numpy as np

from charrnn.arguments import as_path
from charrnn.arrays import Array
from charrnn.errors import CharRNNError, CharRNNWarning, CheckpointError, DamagedCheckpointError
from charrnn.files import name_of, replace_file
from charrnn.machine import versions
from charrnn.model import Model
from charrnn.nn.parameters import Parameters
from charrnn.settings.schema import Settings
from charrnn.storage.archive import ArchiveError, Shaped, check_writable, open_archive, shaped, write_archive
from charrnn.storage.document import CorpusRecord, Origin, Progress, read_document, to_json, without_folders
from charrnn.storage.migrations import FORMAT

TORCH_ARRAY = "rnn.weight_ih_l0"
"""The name of an array that every export has, and no checkpoint."""


@dataclass(frozen=True)
class TrainingState:
    """What training needs beside the model, to go on as if it had not stopped."""

    optimizer_steps: int
    memory: Mapping[str, Array]
    """Vectors (P,) by name: what the optimizer remembers, and the parameters themselves where the model's are their
    average."""
    state: Array
    """Recurrent state of every stream, (L, S, B, H)."""


@dataclass(frozen=True)
class Checkpoint:
    """A model, how it was made, and what training needs to go on with it."""

    model: Model
    settings: Settings
    """A file holds the bare names of the corpus files; in a run folder their paths are known, from its settings."""
    progress: Progress
    corpus: CorpusRecord
    training: TrainingState | None = None
    """None in a checkpoint of weights only: enough to sample, not to resume."""
    made_with: Mapping[str, str | int] = field(default_factory=versions)
    """What computed it: versions of the libraries, the processor, the number of workers, Numba where it compiled."""
    origins: tuple[Origin, ...] = ()
    """The checkpoints whose networks it descends from, the oldest first."""

    def weights_only(self) -> Self:
        """The same without what training needs."""
        return replace(self, training=None)

    def as_origin(self, path: str) -> Origin:
        """How a run that begins with this network, read from ``path``, records it."""
        sha256 = hashlib.sha256(self.model.parameters.vector.data).hexdigest()
        return Origin(name_of(path), sha256, self.progress.iteration, self.corpus)

    def warn_of_other_bits(self, made_with: Mapping[str, str | int]) -> None:
        """A CharRNNWarning where what goes on with it rounds numbers in another way."""
        there, here = self.made_with, made_with
        differences = [
            f"{name} {there.get(name, 'none')}, here {here.get(name, 'none')}"
            for name in {**there, **here}
            if name not in ("charrnn", "python") and there.get(name) != here.get(name)
        ]
        if differences:
            warnings.warn(
                f"the checkpoint was made with {'; '.join(differences)}: the run goes on, but not with the very "
                "bits it would have had, since numbers are rounded differently",
                CharRNNWarning,
                stacklevel=5,
            )

    def check(self) -> None:
        """Raises CheckpointError for one that could not be saved, however large the disk."""
        try:
            check_writable(self.document(), self._arrays())
        except ArchiveError as error:
            raise CheckpointError(
                f"a checkpoint of this run could not be saved: {error}", "take fewer files or a smaller network"
            ) from None
        except UnicodeEncodeError as error:
            name = error.object[max(0, error.start - 40) : error.end + 20]
            raise CheckpointError(
                f"a checkpoint could not record the name {name!r}, which is not UTF-8",
                "give the file or folder another name",
            ) from None

    def save(self, path: Path | str, previous: Path | None = None) -> None:
        """Writes the file whole or not at all: it is read back before it takes its place. The file that was there is
        kept as ``previous``, if that is given. Raises CheckpointError where it cannot be written; the old file stays.
        """
        path, text, arrays = as_path(path, "the file of a checkpoint", CheckpointError), self.document(), self._arrays()
        try:
            replace_file(
                path,
                write=partial(write_archive, text=text, arrays=arrays),
                verify=partial(_verify, text=text, arrays=arrays),
                previous=previous,
            )
        except OSError as error:
            raise CheckpointError(
                f"checkpoint {str(path)!r} cannot be written: {error.strerror or error}; what was saved before is whole"
            ) from None
        except ArchiveError as error:
            raise CheckpointError(f"checkpoint {str(path)!r} cannot be written: {error}") from None

    def document(self) -> bytes:
        """All but the arrays, as JSON; ``read_document`` is its inverse."""
        training = self.training and {
            "steps": self.training.optimizer_steps,
            "optimizer": sorted(self.training.memory),
        }
        return to_json(
            {
                "format": FORMAT,
                "settings": without_folders(self.settings).model_dump(),
                "vocabulary": self.model.vocabulary.characters,
                "progress": asdict(self.progress),
                "corpus": asdict(self.corpus),
                "origins": [asdict(origin) for origin in self.origins],
                "made_with": dict(self.made_with),
                "training": training,
            }
        )

    def _arrays(self) -> dict[str, Array]:
        arrays = {f"parameters/{name}": array for name, array in self.model.parameters.items()}
        if self.training is not None:
            arrays |= {f"optimizer/{name}": vector for name, vector in self.training.memory.items()}
            arrays["state"] = self.training.state
        return arrays


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


def read_checkpoint(path: Path) -> Checkpoint:
    """The checkpoint in a file, of any format up to today's.

    Raises DamagedCheckpointError for what is not a whole checkpoint, CheckpointError for what cannot be found or read,
    and for the file of a newer version.
    """
    try:
        return _read(path)
    except FileNotFoundError:
        raise CheckpointError(f"checkpoint {str(path)!r} does not exist", "give a run folder or an .npz file") from None
    except OSError as error:
        kind = DamagedCheckpointError if error.errno == errno.EIO else CheckpointError
        raise kind(f"checkpoint {str(path)!r} cannot be read: {error.strerror or error}") from None
    except CheckpointError:
        raise
    except (ArchiveError, CharRNNError, ValueError, RecursionError) as error:
        if _looks_like_weights(path):
            raise _weights_of_others(path) from None
        reason = " ".join(str(error).split())[:500]
        raise DamagedCheckpointError(
            f"{str(path)!r} is no checkpoint, or a damaged one ({reason})", "give another, or the folder of its run"
        ) from None


def _looks_like_weights(path: Path) -> bool:
    """Whether a file begins as those of safetensors and PyTorch do."""
    with suppress(OSError), open(path, "rb") as file:
        beginning = file.read(128)
        return beginning[8:9] == b"{" or (beginning.startswith(b"PK\3\4") and b"data.pkl" in beginning)
    return False


def _weights_of_others(path: Path) -> DamagedCheckpointError:
    return DamagedCheckpointError(
        f"{str(path)!r} holds weights under PyTorch's names", "make a checkpoint of it with charrnn import"
    )


def _read(path: Path) -> Checkpoint:
    with open_archive(path) as archive:
        document, settings, vocabulary, network = read_document(archive.text(), path)
        if TORCH_ARRAY in archive:
            raise _weights_of_others(path)

        expected = {f"parameters/{name}": Shaped(shape, network.dtype) for name, shape in network.shapes.items()}
        if document.training:
            vector = Shaped((sum(math.prod(shape) for shape in network.shapes.values()),), network.dtype)
            expected |= {f"optimizer/{name}": vector for name in document.training.optimizer}
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
        if document.training:
            vectors = {name: read(f"optimizer/{name}") for name in document.training.optimizer}
            training = TrainingState(document.training.steps, vectors, read("state"))
    model = Model(network, parameters, vocabulary)
    return Checkpoint(
        model, settings, document.progress, document.corpus, training, document.made_with, document.origins
    )


def first_whole(paths: Collection[Path]) -> tuple[Path, Checkpoint]:
    """The path of the first checkpoint that is not damaged, and that checkpoint; with a CharRNNWarning where it is not
    the first of all."""
    damaged: DamagedCheckpointError | None = None
    for path in paths:
        try:
            checkpoint = read_checkpoint(path)
        except DamagedCheckpointError as error:
            damaged = damaged or error
        else:
            if damaged:
                warnings.warn(
                    f"{damaged.problem}; {str(path)!r} of iteration {checkpoint.progress.iteration} takes its place",
                    CharRNNWarning,
                    stacklevel=2,
                )
            return path, checkpoint
    assert damaged
    raise damaged
