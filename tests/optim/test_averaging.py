"""The average of the parameters over the steps."""

import numpy as np
import pytest

from charrnn.optim.averaging import update_average


def averages(steps: int, decay: float) -> np.ndarray:
    """The share that each step has in the average after them, found by averaging unit vectors."""
    average = np.full(steps, np.nan)
    average[:] = 7  # what stands there before the first step is forgotten
    for step in range(1, steps + 1):
        update_average(average, np.eye(steps)[step - 1], step, decay)
    return average


@pytest.mark.parametrize("decay", [0, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("steps", [1, 2, 50])
def test_it_is_an_average(steps: int, decay: float) -> None:
    shares = averages(steps, decay)
    assert shares.sum() == pytest.approx(1)
    assert (shares >= 0).all()
    assert (np.diff(shares) > 0).all() or steps == 1 or decay < 0.9


def test_later_steps_count_as_its_decay_says() -> None:
    shares = averages(400, 0.9)
    assert shares[-50:] == pytest.approx(0.1 * 0.9 ** np.arange(50)[::-1])


def test_with_a_decay_of_nothing_it_is_the_last_step() -> None:
    assert averages(30, 0).tolist() == [0] * 29 + [1]


def test_at_first_it_goes_back_over_about_a_tenth() -> None:
    shares = averages(1000, 0.9999)
    assert 0.6 < shares[-100:].sum() < 0.7
