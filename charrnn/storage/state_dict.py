"""A network that was trained in PyTorch, from its state dict and the characters that its ids stand for.

One recurrent layer or a stack of them (``weight_ih_l0`` and so on, under any module's name), the linear layer after it
(the one weight with as many rows as there are characters and a bias), and perhaps an embedding before it (a weight with
as many rows, and no bias). What kind of cell it is follows from the shapes; a plain RNN is taken to have tanh.

Shapes: H hidden size, E embedding size, V vocabulary, D = E or V input size, n blocks of gates.
"""

import hashlib
import json
import pickle
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from charrnn.arrays import Array
from charrnn.errors import CheckpointError, SettingsError
from charrnn.extras import load_extra
from charrnn.files import name_of
from charrnn.model import Model
from charrnn.nn.cells import CELLS
from charrnn.settings.build import build_network
from charrnn.settings.overlays import from_mapping, resolve
from charrnn.settings.schema import Settings
from charrnn.storage.checkpoint import Checkpoint
from charrnn.storage.document import CorpusRecord, Progress
from charrnn.storage.interchange import from_torch, torch_shapes
from charrnn.text.vocabulary import Vocabulary

_RECURRENT = re.compile(r"(?:.*\.)?((?:weight|bias)_[ih]h_l\d+)")
_ORDERS = ("itos", "stoi", "chars")
"""What programs call the characters of ids, the ids of characters, and both."""
_SAVE = "write it with torch.save(model.state_dict(), FILE)"


def import_state_dict(path: Path, vocabulary: Path) -> Checkpoint:
    """The checkpoint of what ``torch.save(module.state_dict(), path)`` wrote, perhaps in a dict with other things.

    ``vocabulary`` is a file of JSON: the characters in the order of their ids, in one string or in a list, or each with
    its id, ``{"a": 0, "b": 1}``; these may stand in a dict as ``stoi``, ``itos`` or ``chars``.

    It knows nothing of the text that the network learnt. Raises CheckpointError for what is no such network, or does
    not fit the vocabulary; CharRNNError where PyTorch is missing.
    """
    characters = _characters(vocabulary)
    arrays, recurrent = _named(_state_dict(path), len(characters), path)
    settings = _settings(arrays, recurrent, path)
    known = Vocabulary("".join(characters))
    network = build_network(settings, known)
    expected = {name: like.shape for name, like in torch_shapes(network).items()}
    for name in sorted(expected.keys() | arrays.keys()):
        there = arrays[name].shape if name in arrays else "missing"
        if there != expected.get(name):
            wanted = expected.get(name, "no such array")
            raise _unfit(path, f"{name} is {there}, and a {settings.model.cell} like the rest has {wanted}")
    order = sorted(range(len(characters)), key=characters.__getitem__)
    parameters = from_torch(network, _reordered(arrays, order, settings.model.embedding))
    if not np.isfinite(parameters.vector).all():
        raise _unfit(path, "it holds numbers that are not finite")
    text = CorpusRecord(name_of(str(path)), hashlib.sha256(b"").hexdigest(), 0)
    return Checkpoint(Model(network, parameters, known), settings, Progress(), text)


def _characters(path: Path) -> list[str]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise CheckpointError(
            f"vocabulary {str(path)!r} cannot be read: {getattr(error, 'strerror', None) or error}",
            "write it with json.dump, in UTF-8",
        ) from None
    characters = _in_order(found)
    single = all(isinstance(c, str) and len(c) == 1 and not "\ud800" <= c <= "\udfff" for c in characters)
    if not single or len(set(characters)) < max(2, len(characters)):
        raise CheckpointError(
            f"vocabulary {str(path)!r} is not two or more distinct characters",
            "write them in the order of their ids, as one string of JSON or a list, or each with its id from 0 on",
        )
    return characters


def _in_order(found: Any) -> list[Any]:
    """What a vocabulary holds, in the order of ids; nothing where that order is not told."""
    if isinstance(found, dict):
        found = next((found[name] for name in _ORDERS if isinstance(found.get(name), str | list | dict)), found)
    if not isinstance(found, dict):
        return list(found) if isinstance(found, str | list) else []
    of_ids = all(isinstance(value, str) for value in found.values())
    in_order = found if of_ids else {str(value): key for key, value in found.items()}
    ids = [str(k) for k in range(len(found))]
    return [in_order[k] for k in ids] if in_order.keys() == {*ids} else []


def _state_dict(path: Path) -> dict[str, Array]:
    torch = load_extra("torch")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = torch.load(path, map_location="cpu", weights_only=True)  # which runs no code of the file's
        found = _unwrapped(found, torch.Tensor, path)
        return {
            str(name): np.asarray(tensor.detach().to(_type(torch, tensor)).numpy()) for name, tensor in found.items()
        }
    except (OSError, RuntimeError, pickle.UnpicklingError, EOFError, AttributeError, KeyError, ValueError) as error:
        if beyond := re.search(r"Unsupported global: GLOBAL ([\w.]+)", str(error)):
            raise CheckpointError(
                f"{str(path)!r} holds a Python object ({beyond[1]}), and reading one could run any code", _SAVE
            ) from None
        raise CheckpointError(f"{str(path)!r} is not a state dict of PyTorch ({_reason(error)})", _SAVE) from None


def _reason(error: Exception) -> str:
    """What is wrong with a file, without what PyTorch advises about it."""
    if isinstance(error, pickle.UnpicklingError):
        return "torch.save did not write it"
    if "TorchScript" in str(error):
        return "it is TorchScript"
    return " ".join((getattr(error, "strerror", None) or str(error)).split())[:200]


def _unwrapped(found: Any, tensor: type, path: Path) -> Any:
    """The state dict in a dict that holds other things too, such as how far training was; what is none as it is."""

    def is_state(value: object) -> bool:
        return isinstance(value, Mapping) and bool(value) and all(isinstance(each, tensor) for each in value.values())

    if not isinstance(found, Mapping) or is_state(found):
        return found
    inside = {name: value for name, value in found.items() if is_state(value)}
    if len(inside) > 1:
        names = ", ".join(map(repr, inside))
        raise CheckpointError(f"{str(path)!r} holds several state dicts, {names}", _SAVE)
    return next(iter(inside.values()), found)


def _type(torch: Any, tensor: Any) -> Any:
    return torch.float64 if tensor.dtype == torch.float64 else torch.float32


def _named(found: Mapping[str, Array], V: int, path: Path) -> tuple[dict[str, Array], dict[str, Array]]:
    """All arrays, under the names that exports have, and those of the recurrent layers under PyTorch's own."""
    matched = {name: match for name in found if (match := _RECURRENT.fullmatch(name))}
    recurrent = {match[1]: found[name] for name, match in matched.items()}
    if len(recurrent) < len(matched):
        raise _unfit(path, "it holds the recurrent layers of several modules")
    others = {name: a for name, a in found.items() if name not in matched}
    heads = [name for name in others if name.endswith("weight") and f"{name.removesuffix('weight')}bias" in others]
    tables = [name for name in others if name.endswith("weight") and name not in heads]
    if "weight_hh_l0" not in recurrent or len(heads) != 1 or len(tables) > 1 or len(others) != 2 + len(tables):
        raise _unfit(path, f"it holds {', '.join(map(repr, list(found)[:12])) or 'nothing'}")
    arrays = {f"rnn.{name}": a for name, a in recurrent.items()}
    arrays |= {"head.weight": others[heads[0]], "head.bias": others[f"{heads[0].removesuffix('weight')}bias"]}
    if tables:
        arrays["embedding.weight"] = others[tables[0]]
    for name in ("head.weight", "head.bias", "embedding.weight"):
        if name in arrays and (not arrays[name].ndim or len(arrays[name]) != V):
            raise CheckpointError(
                f"the vocabulary has {V} characters, and {name} in {str(path)!r} is {arrays[name].shape}",
                "give {vocabulary} the characters that the network was trained on",
            )
    return arrays, recurrent


def _settings(arrays: Mapping[str, Array], recurrent: Mapping[str, Array], path: Path) -> Settings:
    """The settings of the network that has these arrays, as far as one array of each kind tells."""
    square, table = recurrent["weight_hh_l0"], arrays.get("embedding.weight")
    rows, H = square.shape if square.ndim == 2 else (0, 1)  # (nH, H)
    cells = [name for name, cell in CELLS.items() if cell.torch_class and not cell.torch_options]
    cell = next((name for name in cells if CELLS[name].blocks * H == rows), None)
    if cell is None:
        raise _unfit(path, f"weight_hh_l0 is {square.shape}, which is none of {', '.join(cells)}")
    own: dict[str, Any] = {
        "model.cell": cell,
        "model.layers": sum(name.startswith("weight_hh") for name in recurrent),
        "model.hidden": H,
        "model.embedding": None if table is None or table.ndim != 2 else table.shape[1],
        "compute.precision": str(square.dtype),
    }
    try:
        return resolve([from_mapping(own, str(path))])
    except SettingsError as error:
        raise _unfit(path, " ".join(str(error).split())) from None


def _reordered(arrays: Mapping[str, Array], order: list[int], embedding: int | None) -> dict[str, Array]:
    """The arrays with the characters in the order of code points: ``order`` (V,) says which of theirs comes next."""
    reordered = dict(arrays)
    reordered |= {name: arrays[name][order] for name in ("head.weight", "head.bias")}
    if embedding is None:
        reordered["rnn.weight_ih_l0"] = arrays["rnn.weight_ih_l0"][:, order]
    else:
        reordered["embedding.weight"] = arrays["embedding.weight"][order]
    return reordered


def _unfit(path: Path, reason: str) -> CheckpointError:
    return CheckpointError(
        f"{str(path)!r} is no network that can be read here: {reason}",
        "give an LSTM, a GRU or an RNN of one direction, with a linear layer after it and perhaps an embedding before",
    )
