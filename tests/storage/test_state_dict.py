"""A network that PyTorch trained writes here as it does there, and nothing else is taken for one."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from charrnn import load_checkpoint, write
from charrnn.errors import CheckpointError
from charrnn.nn.parameters import Workspace
from charrnn.storage.state_dict import import_state_dict

torch = pytest.importorskip("torch")

CHARACTERS = "zebra, q\n"
"""In the order of their ids there, which is not that of code points."""
V, H, E = len(CHARACTERS), 6, 5


def network(cell: str, layers: int = 1, embedding: bool = False, dtype: Any = torch.float32) -> Any:
    torch.manual_seed(1)
    module = torch.nn.Module()
    if embedding:
        module.encoder = torch.nn.Embedding(V, E)
    module.core = getattr(torch.nn, cell)(E if embedding else V, H, num_layers=layers)
    module.fc = torch.nn.Linear(H, V)
    return module.to(dtype)


def saved(folder: Path, state: Any, characters: Any = CHARACTERS) -> tuple[Path, Path]:
    torch.save(state, folder / "net.pt")
    (folder / "characters.json").write_text(json.dumps(characters), "utf-8")
    return folder / "net.pt", folder / "characters.json"


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("embedding", [False, True])
@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("cell", ["RNN", "GRU", "LSTM"])
def test_it_computes_the_same(tmp_path: Path, cell: str, layers: int, embedding: bool, dtype: Any) -> None:
    there = network(cell, layers, embedding, dtype)
    import_state_dict(*saved(tmp_path, there.state_dict())).save(tmp_path / "here.npz")
    here = load_checkpoint(tmp_path / "here.npz").model

    text = "a zebra, a bar\n"
    ids = torch.tensor([CHARACTERS.index(c) for c in text])[:, None]  # (T, 1)
    x = there.encoder(ids) if embedding else torch.nn.functional.one_hot(ids, V).to(dtype)
    with torch.no_grad():
        theirs = there.fc(there.core(x)[0])[:, 0].numpy()  # (T, V)
    inputs = here.vocabulary.encode(text)[:, None]
    unrolled = here.network.forward(here.parameters, inputs, here.network.zero_state(1), Workspace(here.network.dtype))
    ours = unrolled.logits[:, 0, [here.vocabulary.characters.index(c) for c in CHARACTERS]]
    assert np.abs(theirs - ours).max() < 1e-5
    assert ours.dtype == theirs.dtype
    assert len(write(here, 20)) == 20


IDS = {c: k for k, c in enumerate(CHARACTERS)}


@pytest.mark.parametrize(
    "characters",
    [
        *(list(CHARACTERS), IDS, dict(enumerate(CHARACTERS)), {"stoi": IDS, "itos": dict(enumerate(CHARACTERS))}),
        *({"stoi": dict(reversed(IDS.items()))}, {"itos": list(CHARACTERS)}, {"size": V, "chars": CHARACTERS}),
    ],
)
def test_characters_in_other_forms(tmp_path: Path, characters: Any) -> None:
    state = network("GRU").state_dict()
    expected = import_state_dict(*saved(tmp_path, state)).model
    found = import_state_dict(*saved(tmp_path, state, characters)).model
    assert found.vocabulary.characters == expected.vocabulary.characters == "".join(sorted(CHARACTERS))
    np.testing.assert_array_equal(found.parameters.vector, expected.parameters.vector)


@pytest.mark.parametrize("name", ["state_dict", "model_state_dict", "model"])
def test_a_state_dict_beside_other_things(tmp_path: Path, name: str) -> None:
    there = network("GRU")
    optimizer = torch.optim.Adam(there.parameters())
    there.fc(there.core(torch.zeros(1, 1, V))[0]).sum().backward()
    optimizer.step()
    whole = {name: there.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 3, "loss": torch.zeros(())}
    found = import_state_dict(*saved(tmp_path, whole)).model
    expected = import_state_dict(*saved(tmp_path, there.state_dict())).model
    np.testing.assert_array_equal(found.parameters.vector, expected.parameters.vector)


def test_which_of_two_state_dicts_is_asked(tmp_path: Path) -> None:
    state = network("GRU").state_dict()
    with pytest.raises(CheckpointError, match=r"holds several state dicts, 'model', 'ema'; write it with torch.save"):
        import_state_dict(*saved(tmp_path, {"model": state, "ema": state}))


@pytest.mark.filterwarnings("ignore:.*torch.jit.*deprecated")
def test_a_whole_module_is_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError) as caught:
        import_state_dict(*saved(tmp_path, network("GRU")))
    assert str(caught.value) == (
        f"{str(tmp_path / 'net.pt')!r} holds a Python object (torch.nn.modules.module.Module), and reading one could "
        "run any code; write it with torch.save(model.state_dict(), FILE)"
    )
    torch.jit.script(torch.nn.Linear(2, 2)).save(tmp_path / "net.pt")
    with pytest.raises(CheckpointError, match=r"is not a state dict of PyTorch \(it is TorchScript\); write it"):
        import_state_dict(tmp_path / "net.pt", tmp_path / "characters.json")


STATES: dict[str, Callable[[dict], object]] = {
    "no head": lambda state: [state.pop("fc.weight"), state.pop("fc.bias")],
    "a head without bias": lambda state: state.pop("fc.bias"),
    "two heads": lambda state: state.update({"b.weight": state["fc.weight"], "b.bias": state["fc.bias"]}),
    "no recurrent weights": lambda state: state.pop("core.weight_hh_l0"),
    "no input weights": lambda state: state.pop("core.weight_ih_l0"),
    "no biases": lambda state: [state.pop("core.bias_ih_l0"), state.pop("core.bias_hh_l0")],
    "another shape": lambda state: state.update({"core.weight_hh_l0": torch.zeros(7, 3)}),
    "a vector": lambda state: state.update({"core.weight_hh_l0": torch.zeros(7)}),
    "two modules": lambda state: state.update({name.replace("core", "b"): a for name, a in state.items()}),
    "two stacks": lambda state: state.update(
        {name.replace("core", "b"): a for name, a in state.items() if name.startswith("core")}
    ),
    "nothing": lambda state: state.clear(),
    "numbers that are not finite": lambda state: state["fc.bias"].fill_(float("nan")),
    "both directions": lambda state: state.update({"core.weight_hh_l0_reverse": state["core.weight_hh_l0"]}),
}


@pytest.mark.parametrize("change", STATES.values(), ids=STATES)
def test_another_network_is_refused(tmp_path: Path, change: Callable[[dict], object]) -> None:
    state = network("LSTM").state_dict()
    change(state)
    with pytest.raises(CheckpointError, match=r"net.pt' is no network that can be read here"):
        import_state_dict(*saved(tmp_path, state))


@pytest.mark.parametrize("state", [3, [1], {"a": 3}, {1: torch.zeros(3)}])
def test_what_is_no_state_dict_is_refused(tmp_path: Path, state: Any) -> None:
    with pytest.raises(CheckpointError, match=r"net.pt' is not a state dict of PyTorch|no network that can be read"):
        import_state_dict(*saved(tmp_path, state))


@pytest.mark.parametrize(
    "characters",
    [
        *("a", "aab", ["ab", "c"], [1, 2], 3, "a\ud800b", {}),
        *({"a": 1, "b": 2}, {"a": [0], "b": 1}, {"stoi": {"a": 0, "b": 0}}, {"stoi": {"<pad>": 0, "a": 1}}),
    ],
    ids=ascii,
)
def test_what_is_no_vocabulary_is_refused(tmp_path: Path, characters: Any) -> None:
    with pytest.raises(CheckpointError, match=r"characters.json' is not two or more distinct characters"):
        import_state_dict(*saved(tmp_path, network("LSTM").state_dict(), characters))


@pytest.mark.parametrize("characters", [CHARACTERS[:-1], [*CHARACTERS, "!"]], ids=len)
def test_the_vocabulary_of_another_network_is_refused(tmp_path: Path, characters: Any) -> None:
    with pytest.raises(CheckpointError) as caught:
        import_state_dict(*saved(tmp_path, network("LSTM").state_dict(), characters))
    assert str(caught.value) == (
        f"the vocabulary has {len(characters)} characters, and head.weight in {str(tmp_path / 'net.pt')!r} is "
        f"({V}, {H}); give vocabulary the characters that the network was trained on"
    )


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    state, characters = saved(tmp_path, network("LSTM").state_dict())
    for wrong, says in (
        ((tmp_path / "nowhere", characters), "nowhere' is not a state dict"),
        ((state, tmp_path / "nowhere"), "nowhere' cannot be read"),
        ((characters, characters), r"characters.json' is not a state dict"),
        ((state, state), r"net.pt' cannot be read"),
    ):
        with pytest.raises(CheckpointError, match=says):
            import_state_dict(*wrong)
