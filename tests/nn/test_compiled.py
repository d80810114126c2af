"""The compiled cells, held to the cells they derive from."""

import sys
from dataclasses import replace

import numpy as np
import pytest
from naive import DROPOUTS, Problem
from numpy.linalg import norm
from numpy.testing import assert_allclose
from test_gradients import slopes

from charrnn.errors import CharRNNError
from charrnn.nn.network import Network
from charrnn.nn.parameters import Parameters, Workspace

pytest.importorskip("numba")

CELLS = ["lstm", "lstm-coupled", "mogrifier", "gru", "rnn"]


def compiled(problem: Problem) -> Problem:
    return replace(problem, network=problem.network.compiled())


@pytest.mark.parametrize("embedding", [None, 3])
@pytest.mark.parametrize(("layers", "dropout"), [(1, "nothing"), (2, "everywhere")])
@pytest.mark.parametrize("cell", CELLS)
def test_gradients_are_the_slopes_of_the_loss(cell: str, layers: int, dropout: str, embedding: int | None) -> None:
    problem = compiled(Problem.random(cell, layers, embedding, DROPOUTS[dropout], T=3, B=2))
    _, analytic, _ = problem.gradients()
    for name, numbers in problem.p.items():
        numeric = slopes(problem.loss, numbers)
        assert norm(numeric - analytic[name]) / (norm(numeric) + norm(analytic[name])) < 1e-6, name


@pytest.mark.parametrize("cell", CELLS)
def test_what_is_compiled_computes_the_same(cell: str) -> None:
    problem = Problem.random(cell, 2, T=29, B=5)
    loss, gradient, after = problem.gradients()
    its_loss, its_gradient, its_after = compiled(problem).gradients()
    assert its_loss == pytest.approx(loss, rel=1e-14)
    assert_allclose(its_gradient.vector, gradient.vector, atol=1e-15)
    assert_allclose(its_after, after, atol=1e-14)


@pytest.mark.parametrize("cell", CELLS)
def test_units_are_traced_as_in_the_cell(cell: str) -> None:
    problem = Problem.random(cell, 2)
    traces = []
    for network in (problem.network, problem.network.compiled()):
        unrolled = network.forward(problem.p, problem.x, problem.state, Workspace(np.float64))
        traces.append(network.trace(unrolled))
    for layer, its_layer in zip(*traces, strict=True):
        assert layer.keys() == its_layer.keys()
        for name, numbers in layer.items():
            assert_allclose(its_layer[name], numbers, atol=1e-14, err_msg=name)


@pytest.mark.parametrize("scale", [1, 300])
@pytest.mark.parametrize("cell", CELLS)
def test_it_is_as_exact_in_single_precision(cell: str, scale: float) -> None:
    """Against the same in double precision; with weights 300 times as large all gates are open or closed."""
    network, rng = Network(30, cell=cell, layers=2, hidden_size=40), np.random.default_rng(0)
    double = Network(30, cell=cell, layers=2, hidden_size=40, dtype=np.float64)
    p = network.parameters(rng)
    p.vector *= scale
    exact = double.parameters(rng)
    exact.vector[:] = p.vector
    x = rng.integers(30, size=(4, 7))

    def states(network: Network, p: Parameters) -> np.ndarray:
        unrolled = network.forward(p, x, network.zero_state(7), Workspace(network.dtype))
        return np.stack(network.cells[0].states(unrolled.layers[0]))

    expected = states(double, exact)
    errors = [max(abs(states(each, p) - expected).max(), 1e-7) for each in (network, network.compiled())]
    assert errors[1] < 3 * errors[0]


@pytest.mark.parametrize("cell", CELLS)
def test_what_is_no_number_is_not_hidden(cell: str) -> None:
    network = Network(6, cell=cell, hidden_size=5).compiled()
    p = network.parameters(np.random.default_rng(0))
    p["layer0.Wh"][:] = np.nan
    x = np.zeros((3, 2), np.uint8)
    loss, _ = network.loss_and_gradients(p, p.like(), x, x, network.zero_state(2), Workspace())
    assert np.isnan(loss)


def test_a_cell_without_a_compiled_form_says_so() -> None:
    with pytest.raises(CharRNNError, match="'rnn-relu' has no compiled form"):
        Network(6, cell="rnn-relu").compiled()


def test_where_nothing_can_be_kept_it_says_how_to_say_where(monkeypatch: pytest.MonkeyPatch) -> None:
    caching = pytest.importorskip("numba.core.caching")
    monkeypatch.setattr(caching.CacheImpl, "_locator_classes", [])  # as root every folder can be written
    monkeypatch.delitem(sys.modules, "charrnn.nn.cells.compiled", raising=False)
    with pytest.raises(CharRNNError, match="Numba cannot keep what it compiles") as caught:
        Network(6).compiled()
    assert "NUMBA_CACHE_DIR" in caught.value.remedy


def test_without_numba_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "numba", None)
    with pytest.raises(CharRNNError, match=r"needs numba") as caught:
        Network(6).compiled()
    assert caught.value.remedy == "python3 -m pip install numba"
