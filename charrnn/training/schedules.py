"""The learning rate at each point of a run: pure functions of where it is, as factors of ``learning_rate``.

A warm-up, if there is one, first raises the rate from nothing in equal steps; the schedule begins where it ends.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

from charrnn.config import TrainingSettings


class Position(NamedTuple):
    """Where a run is: ``iteration`` of ``iterations`` are done, ``windows`` of them an epoch."""

    iteration: int
    iterations: int
    windows: int


def progress(at: Position, s: TrainingSettings) -> float:
    """From 0 where the warm-up ends towards 1 where training does."""
    return (at.iteration - s.warmup) / max(1, at.iterations - s.warmup)


def constant(at: Position, s: TrainingSettings) -> float:
    """1 throughout."""
    return 1.0


def exponential(at: Position, s: TrainingSettings) -> float:
    """char-rnn's: times ``rate_decay`` at the end of each epoch from number ``rate_decay_after`` on."""
    epochs = at.iteration // at.windows
    return s.rate_decay ** max(0, epochs - s.rate_decay_after + 1)


def cosine(at: Position, s: TrainingSettings) -> float:
    """Half a cosine from 1 to ``final_rate`` (Loshchilov & Hutter 2016, arXiv 1608.03983, without restarts)."""
    return s.final_rate + (1 - s.final_rate) * (1 + math.cos(math.pi * progress(at, s))) / 2


def linear(at: Position, s: TrainingSettings) -> float:
    """A straight line from 1 to ``final_rate``."""
    return 1 + (s.final_rate - 1) * progress(at, s)


SCHEDULES: dict[str, Callable[[Position, TrainingSettings], float]] = {
    "constant": constant,
    "exponential": exponential,
    "cosine": cosine,
    "linear": linear,
}


def learning_rate(at: Position, s: TrainingSettings) -> float:
    """The rate of the next step, under the schedule and warm-up of the settings."""
    if at.iteration < s.warmup:
        return s.learning_rate * (at.iteration + 1) / s.warmup
    return s.learning_rate * SCHEDULES[s.schedule](at, s)
