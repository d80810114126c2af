"""What each cell says of itself, and the rest of the program relies on."""

import tracemalloc

import numpy as np
import pytest
from naive import Problem
from numpy.testing import assert_allclose, assert_array_equal

from charrnn.nn.cells import CELLS
from charrnn.nn.functional import cross_entropy_and_gradient
from charrnn.nn.network import Network
from charrnn.nn.parameters import Parameters, Workspace

every_cell = pytest.mark.parametrize("cell", CELLS)
with_a_peer = pytest.mark.parametrize("cell", [name for name, cell in CELLS.items() if cell.torch_class])


@every_cell
def test_names(cell: str) -> None:
    kind = CELLS[cell]
    assert len(kind.activations) in (0, kind.blocks)
    assert [name for name in kind.activations if name != "candidate"] == list(kind.gates)
    assert kind.carried[0] == "hidden"
    assert {kind.memory, *kind.through_tanh} <= set(kind.carried)
    assert not set(kind.carried) & set(kind.activations)
    assert len(kind.letter) == 1


@pytest.mark.parametrize("factor", [1, 50])
@every_cell
def test_gates_are_shares_and_only_a_state_named_for_tanh_is_unbounded(cell: str, factor: int) -> None:
    problem = Problem.random(cell, T=20)
    problem.p.vector[:] *= factor
    state = np.zeros_like(problem.state)
    unrolled = problem.network.forward(problem.p, problem.x, state, Workspace(np.float64))
    (trace,) = problem.network.trace(unrolled)
    for name, values in trace.items():
        if name in CELLS[cell].gates:
            assert ((values >= 0) & (values <= 1)).all()
        elif name not in CELLS[cell].through_tanh and cell != "rnn-relu":
            assert (np.abs(values) <= 1).all()


@every_cell
def test_the_states_of_a_long_window_end_with_the_one_after_it(cell: str) -> None:
    problem = Problem.random(cell, T=25)
    (layer,) = problem.network.cells
    unrolled = layer.forward(problem.p.under("layer0"), problem.x, problem.state[0], Workspace(np.float64))
    states = np.stack(layer.states(unrolled))
    assert states.shape == (len(layer.carried), *problem.x.shape, layer.hidden_size)
    assert_array_equal(states[:, -1], unrolled.state)


@pytest.mark.parametrize(
    ("cell", "numbers"),
    [
        ("lstm", 5),
        ("lstm-coupled", 4),
        ("mogrifier", 6),
        ("gru", 7),
        ("gru-reset-before", 5),
        ("rnn", 2),
        ("rnn-relu", 2),
    ],
)
def test_a_window_takes_so_many_numbers_for_each_step_stream_and_unit(cell: str, numbers: int) -> None:
    T, B, H = 400, 20, 64
    network = Network(3, cell=cell, layers=2, hidden_size=H)
    p = network.parameters(np.random.default_rng(0))
    grads, x = p.like(), np.zeros((T, B), np.uint8)
    tracemalloc.start()
    network.loss_and_gradients(p, grads, x, x, network.zero_state(B), Workspace())
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert 2 * numbers < most / (T * B * H * p.vector.itemsize) < 2 * numbers + 0.9


@every_cell
def test_two_windows_are_apart_in_workspaces_of_their_own(cell: str) -> None:
    first, second = (Problem.random(cell, layers=2, embedding=3, T=T) for T in (4, 6))
    unrolled = [p.network.forward(p.p, p.x, p.state, Workspace(np.float64)) for p in (first, second)]
    for problem, each in zip((first, second), unrolled, strict=True):
        _, expected, _ = problem.gradients()
        found = problem.p.like()
        _, dlogits = cross_entropy_and_gradient(each.logits, problem.y)
        problem.network.backward(problem.p, found, each, dlogits)
        assert_array_equal(found.vector, expected.vector)


def random_parameters(cell: str) -> Parameters:
    p = Parameters(CELLS[cell](3, 4).shapes(), np.float64)
    p.vector[:] = np.random.default_rng(0).normal(size=p.vector.size)
    return p


@with_a_peer
def test_biases_go_to_torch_and_back(cell: str) -> None:
    p, layer = random_parameters(cell), CELLS[cell](3, 4)
    back = p.copy()
    for bias in (array for array in back.values() if array.ndim == 1):
        bias[:] = np.nan
    original = p.vector.copy()
    input_bias, recurrent_bias = layer.torch_biases(p)
    assert input_bias.shape == recurrent_bias.shape == (4 * layer.blocks,)
    layer.set_torch_biases(back, input_bias, recurrent_bias)
    assert_array_equal(back.vector, original)
    assert_array_equal(p.vector, original)


@with_a_peer
def test_biases_of_torch_are_taken_so_that_its_layer_does_the_same(cell: str) -> None:
    """Both of its vectors are random here, as after training there."""
    torch = pytest.importorskip("torch")
    p, layer = random_parameters(cell), CELLS[cell](3, 4)
    peer = getattr(torch.nn, layer.torch_class)(3, 4, dtype=torch.float64, **layer.torch_options)
    with torch.no_grad():
        peer.weight_ih_l0[:], peer.weight_hh_l0[:] = torch.tensor(p["Wx"].T.copy()), torch.tensor(p["Wh"].T.copy())
    layer.set_torch_biases(p, *(bias.detach().numpy() for bias in (peer.bias_ih_l0, peer.bias_hh_l0)))
    x = np.random.default_rng(1).normal(size=(6, 2, 3))
    h = layer.forward(p, x, np.zeros((len(layer.carried), 2, 4)), Workspace(np.float64)).h
    assert_allclose(h, peer(torch.tensor(x))[0].detach().numpy(), rtol=0, atol=1e-12)
