"""Weights as PyTorch names and lays them out, in files that it and others read, and back again.

Shapes: D input size, H hidden size, n gates, E embedding size, V vocabulary. The gates stand in PyTorch's order.

    here                              there
    embedding.W         (V, E)        embedding.weight       (V, E)
    layer0.Wx           (D, nH)       rnn.weight_ih_l0       (nH, D), for one-hot input D = V
    layer0.Wh           (H, nH)       rnn.weight_hh_l0       (nH, H)
    layer0.b            (nH,)         rnn.bias_ih_l0         (nH,)
    layer0.bhn (gru)    (H,)          rnn.bias_hh_l0         (nH,), zeros but for a gru's last third
    head.W              (H, V)        head.weight            (V, H)
    head.b              (V,)          head.bias              (V,)

On the way back both biases are added up, but for the gru's last third. Beside the arrays stands the document of a
checkpoint (``document`` in an ``.npz``, the metadata ``charrnn`` in a safetensors file), so that the file can be made
a checkpoint again, weights only. It is read as if an enemy had written it: see ``archive.py``.
"""

import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, Protocol

import numpy as np

from charrnn.arrays import Array
from charrnn.errors import CheckpointError, SettingsError
from charrnn.extras import load_extra
from charrnn.files import write_output
from charrnn.model import Model
from charrnn.nn.cells import CELLS
from charrnn.nn.network import Network
from charrnn.nn.parameters import Parameters
from charrnn.settings.schema import Settings
from charrnn.storage.archive import (
    MOST_ARRAYS,
    MOST_HEADER,
    ArchiveError,
    Shaped,
    check_writable,
    checked_text,
    differing,
    open_archive,
    shaped,
    write_archive,
)
from charrnn.storage.checkpoint import Checkpoint
from charrnn.storage.document import read_document

PEERS = [name for name, cell in CELLS.items() if cell.torch_class]
"""The cells that PyTorch has."""
METADATA = "charrnn"


def export_weights(checkpoint: Checkpoint, path: Path, kind: str) -> None:
    """Writes the weights as a file of one of the ``FORMATS``, whole or not at all, over what stands there.

    Raises CheckpointError for what PyTorch does not have and for more than can be read back, CharRNNError where
    the file cannot be written.
    """
    write, model = FORMATS[kind].write, checkpoint.model
    if beyond := _beyond_torch(checkpoint.settings):
        raise CheckpointError(beyond)
    arrays = _theirs(model.network, model.parameters)
    text = checkpoint.weights_only().document()
    try:
        check_writable(text, arrays)  # an export is not read back as a save is
    except ArchiveError as error:
        raise CheckpointError(f"{str(path)!r} cannot be written: {error}") from None
    write_output(path, lambda file: write(file, text, arrays))


def import_weights(path: Path) -> Checkpoint:
    """The checkpoint of a file that ``export_weights`` made, its numbers perhaps trained further elsewhere.

    Raises CheckpointError for any other file, and for one that a newer version made.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise ArchiveError("it is not a file")
        with open(path, "rb") as file:
            kind = "npz" if file.read(4) == b"PK\3\4" else "safetensors"
        with FORMATS[kind].open(path) as weights:
            return _read(weights, path)
    except OSError as error:
        raise CheckpointError(f"{str(path)!r} cannot be read: {error.strerror or error}") from None
    except (ArchiveError, ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())[:500]
        raise CheckpointError(
            f"{str(path)!r} is not what charrnn export writes ({reason})",
            "give a file made by charrnn export; a state dict of PyTorch comes with a {vocabulary}",
        ) from None


def torch_layer(checkpoint: Checkpoint) -> str:
    """The PyTorch expression that makes the module ``rnn``: ``torch.nn.LSTM(65, 128, num_layers=1)``."""
    network = checkpoint.model.network
    cell = network.cells[0]
    options = "".join(f', {name}="{value}"' for name, value in cell.torch_options.items())
    sizes = f"{cell.input_size}, {network.hidden_size}, num_layers={len(network.cells)}"
    return f"torch.nn.{cell.torch_class}({sizes}{options})"


class _Weights(Protocol):
    """An open file; its methods raise ArchiveError or OSError, as those of ``Archive`` do."""

    def text(self) -> bytes: ...
    def check(self, expected: Mapping[str, Shaped]) -> None: ...
    def read(self, name: str, out: Array) -> None: ...


class _Safetensors:
    """A safetensors file; the library has checked that its arrays lie within it."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def text(self) -> bytes:
        text = (self._file.metadata() or {}).get(METADATA)
        if text is None:
            raise ArchiveError(f"it lacks the metadata {METADATA!r}")
        return checked_text(text.encode())

    def check(self, expected: Mapping[str, Shaped]) -> None:
        names = set(self._file.keys())
        if names != expected.keys():
            raise ArchiveError(f"it {differing(expected.keys(), names)}")
        for name, (shape, dtype) in expected.items():
            part = self._file.get_slice(name)
            of_file, kind = tuple(part.get_shape()), part.get_dtype()
            if (of_file, kind) != (shape, f"F{8 * dtype.itemsize}"):
                raise ArchiveError(f"{name!r} is {kind} {of_file}, and its settings ask for {dtype} {shape}")

    def read(self, name: str, out: Array) -> None:
        out[...] = self._file.get_tensor(name)


@contextmanager
def _open_safetensors(path: Path) -> Iterator[_Safetensors]:
    library = load_extra("safetensors")
    with open(path, "rb") as beginning:
        header = int.from_bytes(beginning.read(8), "little")
    if header > MOST_HEADER:
        raise ArchiveError(f"its header has {header:,} bytes, of at most {MOST_HEADER:,}")
    try:
        with library.safe_open(path, framework="numpy") as file:
            yield _Safetensors(file)
    except library.SafetensorError as error:
        raise ArchiveError(str(error)) from None


def _write_safetensors(file: BinaryIO, text: bytes, arrays: Mapping[str, Array]) -> None:
    save = load_extra("safetensors.numpy").save
    file.write(save({name: np.ascontiguousarray(a) for name, a in arrays.items()}, {METADATA: text.decode()}))


class _Format(NamedTuple):
    write: Callable[[BinaryIO, bytes, Mapping[str, Array]], object]
    open: Callable[[Path], AbstractContextManager[_Weights]]


FORMATS = {
    "safetensors": _Format(_write_safetensors, _open_safetensors),
    "npz": _Format(write_archive, open_archive),
}


def _beyond_torch(settings: Settings) -> str | None:
    """What PyTorch does not have of a network; None where it has all."""
    m = settings.model
    if m.cell not in PEERS:
        return f"model.cell is {m.cell!r}, which PyTorch does not have; it has {', '.join(PEERS)}"
    return "model.skips is true, and a stack of layers in PyTorch has none" if m.skips and m.layers > 1 else None


def _read(weights: _Weights, path: Path) -> Checkpoint:
    try:
        document, settings, vocabulary, network = read_document(weights.text(), path)
    except SettingsError as error:
        raise ArchiveError(str(error)) from None
    if beyond := _beyond_torch(settings):
        raise ArchiveError(beyond)
    if len(network.shapes) > MOST_ARRAYS:
        raise ArchiveError(f"its settings ask for {len(network.shapes):,} arrays, of at most {MOST_ARRAYS:,}")
    expected = torch_shapes(network)
    weights.check(expected)
    arrays = {name: np.empty(*like) for name, like in expected.items()}
    for name, array in arrays.items():
        weights.read(name, array)
    with np.errstate(over="ignore"):
        parameters = from_torch(network, arrays)
    if not np.isfinite(parameters.vector).all():
        raise ArchiveError("it holds numbers that are not finite")
    model = Model(network, parameters, vocabulary)
    return Checkpoint(model, settings, document.progress, document.corpus, None, document.made_with, document.origins)


def torch_shapes(network: Network) -> dict[str, Shaped]:
    """The shapes and types that PyTorch's arrays must have. Zeros stand for ours; only the biases take memory."""
    ours = {name: np.broadcast_to(np.zeros((), network.dtype), shape) for name, shape in network.shapes.items()}
    return {name: shaped(array) for name, array in _theirs(network, ours).items()}


def _theirs(network: Network, p: Mapping[str, Array]) -> dict[str, Array]:
    """Our parameters under PyTorch's names."""
    theirs = {"embedding.weight": p["embedding.W"]} if network.embedding_size is not None else {}
    for layer, cell in enumerate(network.cells):
        own = {name: p[f"layer{layer}.{name}"] for name in cell.shapes()}
        input_bias, recurrent_bias = cell.torch_biases(own)
        theirs |= {
            f"rnn.weight_ih_l{layer}": own["Wx"].T,
            f"rnn.weight_hh_l{layer}": own["Wh"].T,
            f"rnn.bias_ih_l{layer}": input_bias,
            f"rnn.bias_hh_l{layer}": recurrent_bias,
        }
    return theirs | {"head.weight": p["head.W"].T, "head.bias": p["head.b"]}


def from_torch(network: Network, theirs: Mapping[str, Array]) -> Parameters:
    """The inverse of ``_theirs``."""
    p = Parameters(network.shapes, network.dtype)
    if network.embedding_size is not None:
        p["embedding.W"][:] = theirs["embedding.weight"]
    for layer, cell in enumerate(network.cells):
        own = p.under(f"layer{layer}")
        own["Wx"][:] = theirs[f"rnn.weight_ih_l{layer}"].T
        own["Wh"][:] = theirs[f"rnn.weight_hh_l{layer}"].T
        cell.set_torch_biases(own, theirs[f"rnn.bias_ih_l{layer}"], theirs[f"rnn.bias_hh_l{layer}"])
    p["head.W"][:], p["head.b"][:] = theirs["head.weight"].T, theirs["head.bias"]
    return p
