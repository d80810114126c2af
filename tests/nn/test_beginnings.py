"""Streams in which items begin: where the mark between them is read, the state is zero, and no gradient passes."""

from dataclasses import replace

import naive
import numpy as np
import pytest
from naive import DROPOUTS, Problem
from numpy.linalg import norm
from numpy.testing import assert_allclose, assert_array_equal
from test_gradients import slopes

from charrnn.nn.cells import CELLS
from charrnn.nn.parameters import Workspace

MARK = 1
every_cell = pytest.mark.parametrize("cell", CELLS)


def problem_with_items(cell: str, layers: int = 2, embedding: int | None = None, T: int = 23) -> Problem:
    """Longer than what is kept of the cell state, so that some is computed anew."""
    problem = Problem.random(cell, layers, embedding, T=T, mark=MARK)
    assert (problem.x == MARK).sum() > T // 4
    return problem


@pytest.mark.parametrize("embedding", [None, 3])
@every_cell
def test_logits_and_states_are_those_of_the_naive_form(cell: str, embedding: int | None) -> None:
    problem = problem_with_items(cell, embedding=embedding)
    logits, after = naive.forward(cell, problem.p, problem.x, problem.state, mark=MARK)
    unrolled = problem.network.forward(problem.p, problem.x, problem.state, Workspace(np.float64))
    assert_allclose(unrolled.logits, logits, atol=1e-13)
    assert_allclose(unrolled.state, after, atol=1e-13)
    for layer, its in zip(problem.network.cells, unrolled.layers, strict=True):
        assert_array_equal(np.stack(layer.states(its))[:, -1], its.state)


@every_cell
def test_gradients_are_the_slopes_of_the_loss(cell: str) -> None:
    problem = Problem.random(cell, 2, None, DROPOUTS["everywhere"], T=13, B=2, mark=MARK)
    _, analytic, _ = problem.gradients()
    for name, numbers in problem.p.items():
        numeric = slopes(problem.loss, numbers)
        assert norm(numeric - analytic[name]) / (norm(numeric) + norm(analytic[name])) < 1e-6, name


@every_cell
def test_nothing_of_an_item_reaches_the_next(cell: str) -> None:
    problem = problem_with_items(cell)
    x = problem.x.copy()
    x[7] = MARK
    logits, _ = replace(problem, x=x).forward()
    x[:7] = 0
    other, _ = replace(problem, x=x, state=problem.state + 1).forward()
    assert_array_equal(other[7:], logits[7:])


@every_cell
def test_steps_one_by_one_are_the_window(cell: str) -> None:
    problem = problem_with_items(cell)
    logits, after = problem.forward()
    state = problem.state.copy()
    for x, expected in zip(problem.x, logits, strict=True):
        assert_allclose(problem.network.step(problem.p, x, state), expected, atol=1e-13)
    assert_allclose(state, after, atol=1e-13)


@pytest.mark.parametrize("cell", ["lstm", "lstm-coupled", "mogrifier", "gru", "rnn"])
def test_what_is_compiled_computes_the_same(cell: str) -> None:
    pytest.importorskip("numba")
    problem = problem_with_items(cell)
    loss, gradient, after = problem.gradients()
    compiled = replace(problem, network=problem.network.compiled())
    its_loss, its_gradient, its_after = compiled.gradients()
    assert its_loss == pytest.approx(loss, rel=1e-14)
    assert_allclose(its_gradient.vector, gradient.vector, atol=1e-15)
    assert_allclose(its_after, after, atol=1e-14)
