"""The learning rate at each point of a run: pure functions of where it is, as factors of ``learning_rate``."""

import math
from collections.abc import Callable
from typing import NamedTuple

from charrnn.settings.schema import TrainingSettings


class Position(NamedTuple):
    """Where a run is: ``iteration`` of ``iterations`` are done, ``windows`` of them an epoch."""

    iteration: int
    iterations: int
    windows: int


Schedule = Callable[[Position, TrainingSettings], float]


def constant(at: Position, s: TrainingSettings) -> float:
    """1 throughout."""
    return 1.0


def exponential(at: Position, s: TrainingSettings) -> float:
    """char-rnn's: times ``rate_decay`` at the end of each epoch from number ``rate_decay_after`` on."""
    epochs = at.iteration // at.windows
    return s.rate_decay ** max(0, epochs - s.rate_decay_after + 1)


def cosine(at: Position, s: TrainingSettings) -> float:
    """Half a cosine from 1 to ``final_rate`` (Loshchilov & Hutter 2016, arXiv 1608.03983, without restarts)."""
    return s.final_rate + (1 - s.final_rate) * (1 + math.cos(math.pi * _progress(at, s))) / 2


def linear(at: Position, s: TrainingSettings) -> float:
    """A straight line from 1 to ``final_rate``."""
    return 1 + (s.final_rate - 1) * _progress(at, s)


def one_cycle(at: Position, s: TrainingSettings) -> float:
    """Half a cosine up over the warm-up, then half a cosine down: begins more slowly than a straight warm-up. (Smith &
    Topin 2017, arXiv 1708.07120, whose ramps are straight.)"""
    rise = warmup(at, s)
    if at.iteration < rise:
        return (1 - math.cos(math.pi * (at.iteration + 1) / rise)) / 2
    return cosine(at, s)


def warmed_up(schedule: Schedule) -> Schedule:
    """First a straight line from nothing to 1 over the ``warmup``; the schedule begins where it ends."""

    def warmed(at: Position, s: TrainingSettings) -> float:
        rise = warmup(at, s)
        return (at.iteration + 1) / rise if at.iteration < rise else schedule(at, s)

    return warmed


def warmup(at: Position, s: TrainingSettings) -> int:
    """Iterations of it. Where the length of a run follows from its minutes, half of it at most: what comes down is to
    come down on a slow machine too."""
    return s.warmup if s.minutes is None else min(s.warmup, at.iterations // 2)


def _progress(at: Position, s: TrainingSettings) -> float:
    """From 0 where the warm-up ends towards 1 where training does."""
    rise = warmup(at, s)
    return (at.iteration - rise) / max(1, at.iterations - rise)


SCHEDULES: dict[str, Schedule] = {
    "constant": warmed_up(constant),
    "exponential": warmed_up(exponential),
    "cosine": warmed_up(cosine),
    "linear": warmed_up(linear),
    "one-cycle": one_cycle,
}


def learning_rate(at: Position, s: TrainingSettings) -> float:
    """The rate of the next step."""
    return s.learning_rate * SCHEDULES[s.schedule](at, s)
