"""The learning rate over a run, as a factor of its largest: pure functions of how far the run is, and numbers.

Each begins with a warm-up of ``warmup`` iterations, and with its own curve where that ends.
"""

import math
from collections.abc import Callable
from typing import NamedTuple


class Position(NamedTuple):
    """How far a run is: ``iteration`` of ``iterations`` are done; an epoch takes ``windows`` of them."""

    iteration: int
    iterations: int
    windows: int


def constant(at: Position, *, warmup: int = 0) -> float:
    """1 throughout, after a straight warm-up."""
    if at.iteration < warmup:
        return _straight_rise(at, warmup)
    return 1.0


def exponential(at: Position, *, warmup: int = 0, rate_decay: float = 0.97, rate_decay_after: int = 10) -> float:
    """char-rnn's: times ``rate_decay`` at the end of each epoch from number ``rate_decay_after`` on; before it a
    straight warm-up."""
    if at.iteration < warmup:
        return _straight_rise(at, warmup)
    epochs = at.iteration // at.windows
    return rate_decay ** max(0, epochs - rate_decay_after + 1)


def cosine(at: Position, *, warmup: int = 0, final_rate: float = 0.0) -> float:
    """Half a cosine from 1 to ``final_rate`` (Loshchilov & Hutter 2016, arXiv 1608.03983, without restarts), after a
    straight warm-up."""
    if at.iteration < warmup:
        return _straight_rise(at, warmup)
    return final_rate + (1 - final_rate) * (1 + math.cos(math.pi * _progress(at, warmup))) / 2


def linear(at: Position, *, warmup: int = 0, final_rate: float = 0.0) -> float:
    """A straight line from 1 to ``final_rate``, after a straight warm-up."""
    if at.iteration < warmup:
        return _straight_rise(at, warmup)
    return 1 + (final_rate - 1) * _progress(at, warmup)


def one_cycle(at: Position, *, warmup: int = 0, final_rate: float = 0.0) -> float:
    """Half a cosine up over the warm-up, then half a cosine down: begins more slowly than a straight warm-up. (Smith &
    Topin 2017, arXiv 1708.07120, whose ramps are straight.)"""
    if at.iteration < warmup:
        return (1 - math.cos(math.pi * (at.iteration + 1) / warmup)) / 2
    return cosine(at, warmup=warmup, final_rate=final_rate)


def _straight_rise(at: Position, warmup: int) -> float:
    """From nothing to 1 over the warm-up."""
    return (at.iteration + 1) / warmup


def _progress(at: Position, warmup: int) -> float:
    """From 0 where the warm-up ends towards 1 where training does."""
    return (at.iteration - warmup) / max(1, at.iterations - warmup)


SCHEDULES: dict[str, Callable[..., float]] = {
    "constant": constant,
    "exponential": exponential,
    "cosine": cosine,
    "linear": linear,
    "one-cycle": one_cycle,
}
