from dataclasses import replace

import naive
import numpy as np
import pytest
from naive import DROPOUTS, Problem
from numpy.testing import assert_allclose, assert_array_equal

from charrnn.nn.cells import CELLS
from charrnn.nn.initialisers import INITIALISERS
from charrnn.nn.network import Network, UnrolledNetwork
from charrnn.nn.parameters import Parameters, Workspace

EXACT = {"rtol": 0, "atol": 1e-12}

every_cell = pytest.mark.parametrize("cell", CELLS)
every_initialiser = pytest.mark.parametrize("initialiser", INITIALISERS)


@pytest.mark.parametrize("embedding", [None, 4])
@pytest.mark.parametrize(
    ("layers", "dropout"), [(1, "nothing"), (1, "everywhere"), (2, "nothing"), (2, "everywhere"), (3, "fixed")]
)
@pytest.mark.parametrize("skips", [False, True])
@every_cell
def test_network_equals_its_naive_form(
    cell: str, skips: bool, layers: int, dropout: str, embedding: int | None
) -> None:
    problem = Problem.random(cell, layers, embedding, DROPOUTS[dropout], skips=skips)
    logits, after = naive.forward(cell, problem.p, problem.x, problem.state, problem.masks)

    assert_allclose(problem.forward()[0], logits, **EXACT)
    loss, _, state = problem.gradients()
    assert_allclose(loss, naive.mean_loss(logits, problem.y), **EXACT)
    assert_allclose(state, after, **EXACT)


@pytest.mark.parametrize("layers", [1, 2])
@every_cell
def test_trace_equals_the_naive_states_and_gates(cell: str, layers: int) -> None:
    problem, space = Problem.random(cell, layers), Workspace(np.float64)
    traces = problem.network.trace(problem.network.forward(problem.p, problem.x, problem.state, space))
    _, _, naive_traces = naive.forward_and_trace(cell, problem.p, problem.x, problem.state)
    assert len(traces) == layers
    for trace, of_streams in zip(traces, naive_traces, strict=True):
        assert trace.keys() == of_streams[0][0].keys()
        for name, values in trace.items():
            expected = [[step[name] for step in steps] for steps in of_streams]
            assert_allclose(values.swapaxes(0, 1), expected, **EXACT)


@every_cell
def test_window_equals_its_two_halves_with_the_state_carried(cell: str) -> None:
    whole = Problem.random(cell, layers=2, T=8)
    logits, after = whole.forward()

    space = Workspace(np.float64)
    first, between = whole.cut(0, 4, whole.state).forward(space)
    second, end = whole.cut(4, 8, between).forward(space)

    assert_allclose(np.concatenate([first, second]), logits, **EXACT)
    assert_allclose(end, after, **EXACT)


@every_cell
def test_gradients_equal_those_of_two_halves_with_the_gradient_of_the_state_carried_back(cell: str) -> None:
    whole = Problem.random(cell, layers=2, embedding=3, T=26)
    network, p = whole.network, whole.p
    dlogits = np.random.default_rng(1).normal(size=(26, 3, network.vocabulary_size))

    def unrolled(part: Problem) -> UnrolledNetwork:
        return network.forward(p, part.x, part.state, Workspace(np.float64))

    expected, dstate = p.like(), np.zeros_like(whole.state)
    network.backward(p, expected, unrolled(whole), dlogits, dstate)

    first = unrolled(whole.cut(0, 13, whole.state))
    second = unrolled(whole.cut(13, 26, first.state))
    total, carried = np.zeros_like(p.vector), np.zeros_like(whole.state)
    for half, d in ((second, dlogits[13:]), (first, dlogits[:13])):
        grads = p.like()
        network.backward(p, grads, half, d, carried)
        total += grads.vector
    assert_allclose(total, expected.vector, **EXACT)
    assert_allclose(carried, dstate, **EXACT)
    assert np.all(np.abs(dstate).max(axis=(-2, -1)) > 1e-6)


@every_cell
def test_streams_do_not_touch_one_another(cell: str) -> None:
    problem = Problem.random(cell, layers=2, B=3)
    logits, _ = problem.forward()
    alone = replace(problem, x=problem.x[:, 1:2], y=problem.y[:, 1:2], state=problem.state[:, :, 1:2])
    assert_allclose(alone.forward()[0], logits[:, 1:2], **EXACT)


@every_cell
def test_ids_equal_one_hot_vectors(cell: str) -> None:
    problem = Problem.random(cell)
    layer = problem.network.cells[0]
    p = problem.p.under("layer0")
    dh = np.random.default_rng(1).normal(size=(*problem.x.shape, layer.hidden_size))

    results = []
    for x in (problem.x, np.eye(layer.input_size)[problem.x]):
        space, grads = Workspace(np.float64), problem.p.like()
        unrolled = layer.forward(p, x, problem.state[0], space)
        result = [unrolled.h.copy(), unrolled.state.copy()]
        dstate = np.ones_like(problem.state[0])
        layer.backward(p, grads.under("layer0"), unrolled, reversed(dh), dstate, None)
        results.append([*result, dstate, grads.vector])

    for by_ids, by_vectors in zip(*results, strict=True):
        assert_allclose(by_ids, by_vectors, **EXACT)


@every_cell
def test_arguments_are_not_changed(cell: str) -> None:
    problem = Problem.random(cell, layers=2, dropout=DROPOUTS["everywhere"])
    masks = problem.masks
    of_masks = (masks.input, *masks.outputs, *masks.recurrent)
    arguments = (problem.p.vector, problem.x, problem.y, problem.state, *of_masks)
    before = [argument.copy() for argument in arguments]
    problem.gradients()
    for argument, original in zip(arguments, before, strict=True):
        assert_array_equal(argument, original)


@every_cell
def test_state_outlives_the_next_window(cell: str) -> None:
    problem = Problem.random(cell)
    space = Workspace(np.float64)
    _, after = problem.forward(space)
    kept = after.copy()
    replace(problem, state=problem.state + 1).forward(space)
    assert_array_equal(after, kept)


@every_cell
def test_workspace_carries_nothing_from_window_to_window(cell: str) -> None:
    """Neither from one of another shape, nor from one of the same shape with other numbers."""
    problem = Problem.random(cell, layers=2, embedding=4)
    space = Workspace(np.float64)
    loss, grads, after = problem.gradients(space)
    for other in (Problem.random(cell, layers=2, embedding=4, T=7, B=2), replace(problem, state=problem.state + 1)):
        other.gradients(space)
        again, grads_again, after_again = problem.gradients(space)
        assert again == loss
        assert_array_equal(grads_again.vector, grads.vector)
        assert_array_equal(after_again, after)


@every_cell
def test_single_precision_is_kept_and_close_to_double(cell: str) -> None:
    double = Problem.random(cell, layers=2, embedding=4)
    network = Network(5, cell=cell, layers=2, hidden_size=4, embedding_size=4, dtype=np.float32)
    p, grads, space = Parameters(network.shapes), Parameters(network.shapes), Workspace()
    p.vector[:] = double.p.vector
    state = double.state.astype(np.float32)

    logits = network.forward(p, double.x, state, space).logits
    assert logits.dtype == np.float32
    assert_allclose(logits, double.forward()[0], rtol=0, atol=1e-5)
    _, after = network.loss_and_gradients(p, grads, double.x, double.y, state, space)
    assert after.dtype == np.float32
    assert_allclose(grads.vector, double.gradients()[1].vector, rtol=0, atol=1e-5)


@every_cell
def test_zero_state(cell: str) -> None:
    state = Network(6, cell=cell, layers=3, hidden_size=5, dtype=np.float32).zero_state(streams=4)
    assert state.shape == (3, 2 if cell in ("lstm", "lstm-coupled", "mogrifier") else 1, 4, 5)
    assert state.dtype == np.float32
    assert not state.any()


def draw(initialiser: str, cell: str = "lstm", seed: int = 0, **settings: float) -> Parameters:
    network = Network(7, cell=cell, layers=2, hidden_size=6, embedding_size=5, dtype=np.float64)
    return network.parameters(np.random.default_rng(seed), initialiser, **settings)


def recurrent_blocks(p: Parameters) -> list[np.ndarray]:
    return [block for layer in (0, 1) for block in np.hsplit(p[f"layer{layer}.Wh"], p["layer0.Wh"].shape[1] // 6)]


@every_initialiser
@every_cell
def test_same_seed_same_parameters(initialiser: str, cell: str) -> None:
    first, again, other = (draw(initialiser, cell, seed) for seed in (0, 0, 1))
    assert_array_equal(first.vector, again.vector)
    assert (first["layer0.Wh"] != other["layer0.Wh"]).any()


@every_initialiser
@every_cell
def test_every_weight_is_drawn(initialiser: str, cell: str) -> None:
    for name, weights in draw(initialiser, cell).items():
        if weights.ndim == 2:
            assert weights.all(), name


@every_initialiser
def test_forget_gate_begins_at_its_bias_and_others_do_not(initialiser: str) -> None:
    p = draw(initialiser, forget_bias=1.5)
    for layer in (0, 1):
        i, f, g, o = np.split(p[f"layer{layer}.b"], 4)
        assert (f == 1.5).all()
        assert (np.concatenate([i, o, g]) != 1.5).all()


@every_cell
def test_orthogonal_makes_each_recurrent_block_orthogonal(cell: str) -> None:
    for scale in (1, 0.5):
        for block in recurrent_blocks(draw("orthogonal", cell, scale=scale)):
            assert_allclose(block.T @ block, scale**2 * np.eye(6), **EXACT)


@pytest.mark.parametrize("embedding", [None, 60])
def test_orthogonal_keeps_the_variance_of_what_weights_take(embedding: int | None) -> None:
    """Rows that are looked up have variance 1, input weights that of Glorot and Bengio."""
    network = Network(80, cell="rnn", layers=2, hidden_size=50, embedding_size=embedding, dtype=np.float64)
    p = network.parameters(np.random.default_rng(0), "orthogonal")
    expected = {"layer1.Wx": 2 / (50 + 50), "head.W": 2 / (50 + 80)}
    expected |= {"layer0.Wx": 2 / (60 + 50), "embedding.W": 1} if embedding else {"layer0.Wx": 1}
    for name, variance in expected.items():
        assert_allclose(p[name].var(), variance, rtol=0.1, err_msg=name)


@every_cell
def test_uniform_fills_its_bounds(cell: str) -> None:
    """1 / sqrt(H) as in PyTorch where no scale is given."""
    for scale, bound in ((None, 6**-0.5), (0.08, 0.08)):
        p = draw("uniform", cell, scale=scale, forget_bias=0.0)
        assert 0.97 * bound < np.abs(p.vector).max() <= bound


@every_cell
def test_normal_has_its_deviation(cell: str) -> None:
    for scale, deviation in ((None, 0.01), (0.3, 0.3)):
        W = np.concatenate([block.ravel() for block in recurrent_blocks(draw("normal", cell, scale=scale))])
        assert_allclose(W.std(), deviation, rtol=0.3)


@pytest.mark.parametrize("initialiser", ["normal", "orthogonal"])
@every_cell
def test_biases_begin_at_zero(initialiser: str, cell: str) -> None:
    for name, bias in draw(initialiser, cell, forget_bias=0.0).items():
        if bias.ndim == 1:
            assert not bias.any(), name


@pytest.mark.parametrize(
    ("cell", "layers", "embedding", "products"),
    [
        ("lstm", 1, None, 5 * 20 + 5 * 7),  # V = 7, H = 5, E = 3
        ("lstm", 1, 3, 3 * 20 + 5 * 20 + 5 * 7),
        ("gru", 2, None, 3 * 5 * 15 + 5 * 7),
        ("rnn", 3, 3, 3 * 5 + 5 * 5 * 5 + 5 * 7),
    ],
)
def test_look_ups_and_biases_take_no_part_in_products(
    cell: str, layers: int, embedding: int | None, products: int
) -> None:
    network = Network(7, cell=cell, layers=layers, hidden_size=5, embedding_size=embedding)
    assert network.product_parameters == products
