"""Averages of the parameters over the steps of a run, which often predict better than those of the last step (Polyak &
Juditsky 1992, "Acceleration of stochastic approximation by averaging")."""

from charrnn.arrays import Array

WARM_UP = 10


def update_average(average: Array, p: Array, steps: int, decay: float) -> None:
    """The exponential moving average after step number ``steps``, in place: average = d average + (1 - d) p, both (P,).

    d is ``decay``, but at most (steps - 1) / (steps + ``WARM_UP`` - 1): the average begins with the first step, and as
    long as a network learns fast, it goes back over about a tenth of the steps.
    """
    d = min(decay, (steps - 1) / (steps + WARM_UP - 1))
    average *= d
    average += (1 - d) * p
