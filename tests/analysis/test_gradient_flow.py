"""The gradient by the state passed on: the slope of the loss, and that of PyTorch."""

import numpy as np
import pytest

from charrnn import Model, load_settings, make_corpus
from charrnn.analysis.gradients import gradients_back, norms_back, reach
from charrnn.arrays import Array
from charrnn.errors import CorpusError
from charrnn.nn.cells import CELLS

TEXT = "The cat sat on the mat.\nAnd then, all at once,\nit left. " * 12
K, P = 4, 2


def model_of(cell: str, layers: int = 1, embedding: int | None = None, skips: bool = False) -> Model:
    model = {"cell": cell, "layers": layers, "embedding": embedding, "skips": skips, "hidden": 5, "scale": 1.5}
    return Model.new(load_settings(model=model, compute={"precision": "float64"}), make_corpus(TEXT).vocabulary)


def problem(model: Model) -> tuple[Array, Array, Array]:
    """x (K + 1, P), y (P,) and a state (L, S, P, H)."""
    rng, V = np.random.default_rng(3), len(model.vocabulary)
    state = rng.normal(0, 0.6, model.network.state_shape(P))
    return rng.integers(V, size=(K + 1, P)), rng.integers(V, size=P), state


def losses_from(model: Model, x: Array, y: Array, state: Array) -> Array:
    """(P,): of what comes after x, read from a state on."""
    state = state.copy()
    for ids in x:
        logits = model.network.step(model.parameters, ids, state)
    return np.log(np.exp(logits).sum(axis=-1)) - logits[np.arange(len(y)), y]


@pytest.mark.parametrize(("layers", "embedding", "skips"), [(1, None, False), (2, 3, False), (3, None, True)])
@pytest.mark.parametrize("cell", CELLS)
def test_gradients_are_the_slopes_of_the_loss(cell: str, layers: int, embedding: int | None, skips: bool) -> None:
    model = model_of(cell, layers, embedding, skips)
    x, y, state = problem(model)
    found = [gradient.copy() for gradient in gradients_back(model, x, y, state)]
    assert len(found) == K + 1
    for k in range(1, K + 1):
        passed_on = state.copy()
        for ids in x[:-k]:
            model.network.step(model.parameters, ids, passed_on)
        measured = np.empty_like(passed_on)
        for at in np.ndindex(passed_on.shape):
            above, below = passed_on.copy(), passed_on.copy()
            above[at] += 1e-5
            below[at] -= 1e-5
            rise = losses_from(model, x[-k:], y, above) - losses_from(model, x[-k:], y, below)
            measured[at] = rise[at[2]] / 2e-5
        np.testing.assert_allclose(found[k], measured, atol=1e-8)


@pytest.mark.parametrize("skips", [False, True])
def test_at_the_step_itself_it_comes_through_the_head(skips: bool) -> None:
    model = model_of("lstm", layers=2, skips=skips)
    x, y, state = problem(model)
    first = next(gradients_back(model, x, y, state)).copy()
    for ids in x:
        logits = model.network.step(model.parameters, ids, state)
    W = model.parameters["head.W"]
    p = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    expected = np.zeros_like(state)
    through_head = p @ W.T - W[:, y].T
    expected[-1, 0] = through_head[:, -5:]
    if skips:
        expected[0, 0] = through_head[:, :5]
    np.testing.assert_allclose(first, expected, atol=1e-12)


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_gradients_are_those_of_torch(cell: str) -> None:
    torch = pytest.importorskip("torch")
    model = model_of(cell, embedding=3)
    x, y, state = problem(model)
    p, H = model.parameters, 5
    peer = {"lstm": torch.nn.LSTMCell, "gru": torch.nn.GRUCell, "rnn": torch.nn.RNNCell}[cell](3, H).double()
    with torch.no_grad():
        peer.weight_ih[:] = torch.tensor(p["layer0.Wx"].T.copy())
        peer.weight_hh[:] = torch.tensor(p["layer0.Wh"].T.copy())
        peer.bias_ih[:] = torch.tensor(p["layer0.b"])
        peer.bias_hh[:] = 0
        if cell == "gru":
            peer.bias_hh[2 * H :] = torch.tensor(p["layer0.bhn"])
    passed_on = []
    states = tuple(torch.tensor(each) for each in state[0])
    for ids in x:
        # Cut from what went before and joined again by a gradient, so that h and c are variables of their own.
        states = tuple(each.clone() if each.requires_grad else each.requires_grad_() for each in states)
        passed_on.append(states)
        out = peer(torch.tensor(p["embedding.W"][ids]), states if cell == "lstm" else states[0])
        states = out if cell == "lstm" else (out,)
    logits = states[0] @ torch.tensor(p["head.W"]) + torch.tensor(p["head.b"])
    loss = torch.nn.functional.cross_entropy(logits, torch.tensor(y), reduction="sum")
    variables = [each for states in reversed(passed_on) for each in states]
    theirs = [gradient.numpy() for gradient in torch.autograd.grad(loss, variables)]
    S = len(state[0])
    _, *ours = (gradient[0].copy() for gradient in gradients_back(model, x, y, state))
    for k, mine in enumerate(ours):
        np.testing.assert_allclose(mine, np.array(theirs[k * S : (k + 1) * S]), atol=1e-10)


def test_norms_at_positions_each_read_from_before() -> None:
    model = model_of("lstm", layers=2)
    ids = model.vocabulary.encode(TEXT)
    found = norms_back(model, ids, steps=3, positions=5)
    assert found.shape == (4, 5)
    norms = []
    for at in np.linspace(6, len(ids) - 2, 5).astype(int):
        state = model.network.zero_state(1)
        for v in ids[at - 6 : at - 3]:
            model.network.step(model.parameters, np.array([v]), state)
        back = gradients_back(model, ids[at - 3 : at + 1, None], ids[at + 1 : at + 2], state)
        norms.append([np.linalg.norm(gradient) for gradient in back])
    np.testing.assert_allclose(found, np.transpose(norms), rtol=1e-9)
    with pytest.raises(CorpusError, match=r"3 steps back takes a text of 8 characters, and there are 7; lower steps"):
        norms_back(model, ids[:7], steps=3)
    assert norms_back(model, ids[:8], steps=3).shape == (4, 1)


def slope_of_log(norms: Array) -> float:
    return float(np.polyfit(np.arange(1, len(norms)), np.log(norms[1:]), 1)[0])


def test_it_fades_explodes_or_stays_as_the_recurrent_weights_have_it() -> None:
    """A linear network with an orthogonal recurrent matrix: relu far above zero. The norm goes by its scale."""
    for scale in (0.5, 1.0, 2.0):
        model = model_of("rnn-relu")
        model.parameters["layer0.Wh"][:] = scale * np.eye(5)
        model.parameters["layer0.b"][:] = 100
        norms = norms_back(model, model.vocabulary.encode(TEXT), steps=6).mean(axis=-1)
        assert slope_of_log(norms) == pytest.approx(np.log(scale), abs=1e-9)


def test_a_gradient_beyond_all_numbers() -> None:
    model = model_of("rnn-relu")
    model.parameters["layer0.Wh"][:] = 1e100 * np.eye(5)
    assert not np.isfinite(norms_back(model, model.vocabulary.encode(TEXT), steps=6)[-1]).any()


def test_a_reach_is_the_last_step_with_a_thousandth_left() -> None:
    assert reach(np.array([9.0, 1.0, 0.5, 0.0009])) == 2
    assert reach(np.array([9.0, 1.0, 0.0001, 0.002, 0.0009])) == 3
    assert reach(np.array([9.0, 1.0, 5.0])) == 2
    assert reach(np.array([9.0, 1.0, np.nan])) == 1
    assert reach(np.zeros(4)) == reach(np.full(4, np.nan)) == 0
