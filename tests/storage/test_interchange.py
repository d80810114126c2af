"""Weights leave as PyTorch has them, come back as they were, and nothing else comes back."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from charrnn import Model, Trainer, load_checkpoint, load_settings, make_corpus
from charrnn.errors import CheckpointError
from charrnn.nn.cells import CELLS
from charrnn.nn.parameters import Workspace
from charrnn.storage.archive import write_archive
from charrnn.storage.checkpoint import Checkpoint
from charrnn.storage.interchange import FORMATS, PEERS, export_weights, import_weights, torch_layer

CORPUS = make_corpus("a quick brown fox\n" * 30)
RNG = np.random.default_rng(1)


def checkpoint(
    cell: str = "lstm", embedding: int | None = None, precision: str = "float32", skips: bool = False
) -> Checkpoint:
    """With every number drawn, biases too."""
    settings = load_settings(
        "quick",
        model={"hidden": 5, "layers": 2, "cell": cell, "embedding": embedding, "skips": skips},
        training={"iterations": 1, "batch": 3, "window": 7},
        compute={"precision": precision, "workers": 1},
    )
    made = Trainer(settings, CORPUS).checkpoint()
    made.model.parameters.vector[:] = RNG.normal(0, 0.3, made.model.parameters.vector.size)
    return made


@pytest.fixture(params=list(FORMATS))
def kind(request: pytest.FixtureRequest) -> str:
    if request.param == "safetensors":
        pytest.importorskip("safetensors")
    return request.param


def load_arrays(path: Path) -> dict[str, np.ndarray]:
    """As anybody would."""
    if path.suffix == ".safetensors":
        from safetensors.numpy import load_file

        return load_file(path)
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file if name != "document"}


def load_text(path: Path) -> bytes:
    if path.suffix == ".safetensors":
        from safetensors import safe_open

        with safe_open(path, "numpy") as file:
            return file.metadata()["charrnn"].encode()
    with np.load(path) as file:
        return file["document"].tobytes()


def rewrite(path: Path, change: Callable[[dict, dict], object]) -> None:
    """Changes the document and the arrays as a stranger could."""
    document, arrays = json.loads(load_text(path)), load_arrays(path)
    change(document, arrays)
    text = json.dumps(document, ensure_ascii=False).encode()
    arrays = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    with open(path, "wb") as file:
        if path.suffix == ".npz":
            write_archive(file, text, arrays)
        else:
            from safetensors.numpy import save

            file.write(save(arrays, {"charrnn": text.decode()}))


def our_logits(model: Model, ids: np.ndarray) -> np.ndarray:
    """(T, B, V) of ids (T, B), from a zero state."""
    network = model.network
    return network.forward(model.parameters, ids, network.zero_state(ids.shape[1]), Workspace(network.dtype)).logits


def their_network(path: Path, made: Checkpoint):
    """PyTorch's layers with the weights of a file, by the names they have there."""
    torch = pytest.importorskip("torch")
    E, V = made.settings.model.embedding, len(made.model.vocabulary)
    network = torch.nn.Module()
    if E:
        network.embedding = torch.nn.Embedding(V, E)
    network.rnn = eval(torch_layer(made), {"torch": torch})
    network.head = torch.nn.Linear(made.settings.model.hidden, V)
    network.to(getattr(torch, made.settings.compute.precision))
    network.load_state_dict({name: torch.from_numpy(array.copy()) for name, array in load_arrays(path).items()})
    return network


def their_logits(network, ids: np.ndarray) -> np.ndarray:
    torch = pytest.importorskip("torch")
    x = torch.from_numpy(ids.astype(np.int64))
    with torch.no_grad():
        V = network.head.out_features
        v = network.embedding(x) if hasattr(network, "embedding") else torch.nn.functional.one_hot(x, V)
        return network.head(network.rnn(v.to(network.head.weight.dtype))[0]).numpy()


IDS = RNG.integers(0, len(CORPUS.vocabulary), (11, 3)).astype(np.uint8)


@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("embedding", [None, 4])
@pytest.mark.parametrize("cell", PEERS)
def test_torch_has_the_same_logits(tmp_path: Path, kind: str, cell: str, embedding: int | None, precision: str) -> None:
    made, path = checkpoint(cell, embedding, precision), tmp_path / f"weights.{kind}"
    export_weights(made, path, kind)
    assert np.abs(their_logits(their_network(path, made), IDS) - our_logits(made.model, IDS)).max() < 1e-5


@pytest.mark.parametrize("embedding", [None, 4])
@pytest.mark.parametrize("cell", PEERS)
def test_what_comes_back_is_the_checkpoint_weights_only(
    tmp_path: Path, kind: str, cell: str, embedding: int | None
) -> None:
    made, path = checkpoint(cell, embedding), tmp_path / "weights"
    export_weights(made, path, kind)
    back = import_weights(path)
    assert np.array_equal(back.model.parameters.vector, made.model.parameters.vector)
    assert back.model.vocabulary.characters == made.model.vocabulary.characters
    assert (back.settings, back.progress, back.corpus) == (made.settings, made.progress, made.corpus)
    assert (back.made_with, back.training) == (made.made_with, None)
    back.save(tmp_path / "back.npz")
    made.weights_only().save(tmp_path / "made.npz")
    assert (tmp_path / "back.npz").read_bytes() == (tmp_path / "made.npz").read_bytes()
    assert np.array_equal(our_logits(load_checkpoint(tmp_path / "back.npz").model, IDS), our_logits(made.model, IDS))


@pytest.mark.parametrize("cell", PEERS)
def test_what_torch_has_trained_further_comes_back(tmp_path: Path, kind: str, cell: str) -> None:
    """There both biases move."""
    made, path = checkpoint(cell, 4), tmp_path / f"weights.{kind}"
    export_weights(made, path, kind)

    def train(document: dict, arrays: dict) -> None:
        for name, array in arrays.items():
            arrays[name] = array + RNG.normal(0, 0.1, array.shape).astype(array.dtype)

    rewrite(path, train)
    theirs = their_logits(their_network(path, made), IDS)
    assert np.abs(theirs - our_logits(import_weights(path).model, IDS)).max() < 1e-5


BEYOND_TORCH = [
    *(({"cell": cell}, f"model.cell is '{cell}', which PyTorch") for cell in sorted(CELLS.keys() - set(PEERS))),
    ({"skips": True}, "model.skips is true, and a stack of layers in PyTorch has none"),
]


@pytest.mark.parametrize(("model", "said"), BEYOND_TORCH)
def test_what_torch_does_not_have_is_refused(tmp_path: Path, kind: str, model: dict[str, Any], said: str) -> None:
    path = tmp_path / "weights"
    with pytest.raises(CheckpointError, match=said):
        export_weights(checkpoint(**model), path, kind)
    assert not path.exists()
    export_weights(checkpoint("gru"), tmp_path / f"gru.{kind}", kind)
    rewrite(tmp_path / f"gru.{kind}", lambda document, arrays: document["settings"]["model"].update(model))
    with pytest.raises(CheckpointError, match=said):
        import_weights(tmp_path / f"gru.{kind}")


def put(value: float) -> Callable[[dict, dict], None]:
    def change(document: dict, arrays: dict) -> None:
        arrays["head.bias"] = arrays["head.bias"].copy()
        arrays["head.bias"][3] = value

    return change


CHANGES: dict[str, Callable[[dict, dict], object]] = {
    "missing": lambda document, arrays: arrays.pop("head.bias"),
    "another": lambda document, arrays: arrays.update(more=np.zeros(3, np.float32)),
    "a shape": lambda document, arrays: arrays.update({"head.bias": arrays["head.bias"][:-1]}),
    "an orientation": lambda document, arrays: arrays.update({"head.weight": arrays["head.weight"].T.copy()}),
    "a type": lambda document, arrays: arrays.update({"head.bias": arrays["head.bias"].astype(np.float64)}),
    "integers": lambda document, arrays: arrays.update({"head.bias": arrays["head.bias"].astype(np.int32)}),
    "nan": put(np.nan),
    "infinity": put(np.inf),
    "a sum that is not finite": lambda document, arrays: arrays.update(
        {name: np.full_like(arrays[name], 3e38) for name in ("rnn.bias_ih_l0", "rnn.bias_hh_l0")}
    ),
    "hidden": lambda document, arrays: document["settings"]["model"].update(hidden=10**5),
    "layers": lambda document, arrays: document["settings"]["model"].update(layers=10**5),
    "vocabulary": lambda document, arrays: document.update(vocabulary="ab"),
    "vocabulary out of order": lambda document, arrays: document.update(vocabulary=document["vocabulary"][::-1]),
    "nested deeply": lambda document, arrays: document.update(settings={"a": [[]] * 1000}),
    "no format": lambda document, arrays: document.update(format=0),
    "no settings": lambda document, arrays: document.pop("settings"),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.filterwarnings("error")
def test_a_file_that_does_not_hold_what_it_says_is_refused(tmp_path: Path, kind: str, change: str) -> None:
    path = tmp_path / f"weights.{kind}"
    export_weights(checkpoint(), path, kind)
    rewrite(path, CHANGES[change])
    with pytest.raises(CheckpointError, match="is not what charrnn export writes"):
        import_weights(path)


def test_the_file_of_a_newer_version_says_so(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"weights.{kind}"
    export_weights(checkpoint(), path, kind)
    rewrite(path, lambda document, arrays: document.update(format=99))
    with pytest.raises(CheckpointError, match=r"made by a newer charrnn \(format 99; .*; update charrnn"):
        import_weights(path)


@pytest.mark.parametrize("tenths", range(10))
def test_a_file_cut_short_is_refused(tmp_path: Path, kind: str, tenths: int) -> None:
    path = tmp_path / "weights"
    export_weights(checkpoint(), path, kind)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * tenths // 10])
    with pytest.raises(CheckpointError, match="is not what charrnn export writes"):
        import_weights(path)


def test_pickled_arrays_and_files_without_metadata_are_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"weights.{kind}"
    export_weights(checkpoint(), path, kind)
    arrays, text = load_arrays(path), np.frombuffer(load_text(path), np.uint8)
    if kind == "npz":
        np.savez(path, **arrays)
    else:
        from safetensors.numpy import save_file

        save_file(arrays, path)
    with pytest.raises(CheckpointError, match="it lacks "):
        import_weights(path)
    with open(path, "wb") as file:
        np.savez(file, document=text, **arrays | {"head.bias": np.array([{}], object)})
    with pytest.raises(CheckpointError, match="is not what charrnn export writes"):
        import_weights(path)


def test_a_header_that_is_too_long_is_not_read(tmp_path: Path) -> None:
    pytest.importorskip("safetensors")
    path = tmp_path / "weights"
    path.write_bytes((2**25).to_bytes(8, "little") + b"{" + b" " * (2**25 - 2) + b"}")
    with pytest.raises(CheckpointError, match="its header has 33,554,432 bytes"):
        import_weights(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(CheckpointError, match="it is not a file"):
        import_weights(tmp_path / "pipe")


def test_what_could_not_be_imported_is_not_exported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setattr("charrnn.storage.archive.MOST_BYTES", 100)
    with pytest.raises(CheckpointError, match="of at most 100"):
        export_weights(checkpoint(), tmp_path / "weights", kind)
    assert list(tmp_path.iterdir()) == []
