"""The gradient of every number of every parameter, against the slope that central differences measure."""

from collections.abc import Callable

import numpy as np
import pytest
from naive import DROPOUTS, Problem
from numpy.linalg import norm

from charrnn.arrays import Array
from charrnn.nn.cells import CELLS


def slopes(loss: Callable[[], float], numbers: Array, eps: float = 1e-5) -> Array:
    """How steeply the loss rises with each of the numbers, which it reads."""
    measured = np.empty_like(numbers)
    for at in np.ndindex(numbers.shape):
        number = numbers[at]
        numbers[at] = number + eps
        above = loss()
        numbers[at] = number - eps
        below = loss()
        numbers[at] = number
        measured[at] = (above - below) / (2 * eps)
    return measured


@pytest.mark.parametrize(
    ("layers", "embedding", "dropout", "skips"),
    [
        (1, None, "nothing", False),
        (1, 3, "nothing", False),
        (1, None, "everywhere", False),
        (1, 3, "everywhere", False),
        (2, 3, "fixed", False),
        (3, None, "everywhere", True),
    ],
)
@pytest.mark.parametrize("cell", CELLS)
def test_gradients_are_the_slopes_of_the_loss(
    cell: str, layers: int, embedding: int | None, dropout: str, skips: bool
) -> None:
    problem = Problem.random(cell, layers, embedding, DROPOUTS[dropout], T=3, B=2, skips=skips)
    _, analytic, _ = problem.gradients()
    for name, numbers in problem.p.items():
        numeric = slopes(problem.loss, numbers)
        error = norm(numeric - analytic[name]) / (norm(numeric) + norm(analytic[name]))
        assert error < 1e-6, name
