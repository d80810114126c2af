"""How fast this machine trains and writes, and how long a run will take.

All is measured with the trainer's own network, text and engine, and none of it changes the training: the optimizer
steps on a copy, the rest reads.
"""

import math
import statistics
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from charrnn import seeds
from charrnn.generation.sampler import Sampling, generate
from charrnn.model import Model
from charrnn.nn.functional import quiet_overflow
from charrnn.nn.parameters import Parameters
from charrnn.settings.build import build_clip, build_optimizer
from charrnn.settings.schema import Settings
from charrnn.text.corpus import Corpus
from charrnn.training.cores import available_cores

if TYPE_CHECKING:
    from charrnn.training.trainer import Trainer

REPEATS = 50
"""Enough for a median: what takes a moment is not repeated for as long as what takes long."""
SCRATCH = 2**22
"""Of how many parameters at most a copy is made, to try the optimizer on; its time grows with their number."""


@dataclass(frozen=True)
class Speed:
    """Characters a second."""

    training: float
    """Of whole iterations, but for evaluations and snapshots."""
    evaluation: float | None
    """None where no part of the text is held back."""
    sampling: float
    """Of one text written alone."""


@dataclass(frozen=True)
class Duration:
    """Seconds of what a run has before it. Files that it writes are not counted."""

    training: float
    evaluation: float
    snapshots: float

    @property
    def total(self) -> float:
        return self.training + self.evaluation + self.snapshots


def measure(trainer: "Trainer", seconds: float) -> Speed:
    """The speed of a trainer that is not training now, from so many seconds of iterations, one at least, and about
    half as long of the rest.

    Raises DivergenceError where its numbers are not finite.
    """
    t, corpus = trainer.settings.training, trainer.corpus
    held_back = max(corpus.validation, corpus.test, key=len)[: t.batch * t.window + 1]
    evaluation = None
    with trainer.engine, quiet_overflow():
        training = t.batch * t.window / typical(_rehearsal(trainer), seconds)
        if len(held_back):

            def evaluate() -> float:
                started = time.perf_counter()
                trainer.engine.evaluate(trainer.model.parameters, held_back, t.batch, t.window)
                return time.perf_counter() - started

            evaluation = (len(held_back) - 1) / typical(evaluate, seconds / 4)
    return Speed(training, evaluation, _sampling(trainer.model, trainer.settings.snapshots.temperature, seconds / 4))


def time_left(trainer: "Trainer", speed: Speed) -> Duration:
    """How long the trainer will take from where it stands to the end of its settings."""
    return duration(trainer.settings, trainer.corpus, speed, trainer.progress.iteration, trainer.iterations)


def duration(settings: Settings, corpus: Corpus, speed: Speed, done: int, last: int) -> Duration:
    """How long the iterations after ``done`` take if ``last`` is the last of all."""
    s, t = settings.snapshots, settings.training
    every = [s.every] if s.every else []
    evaluated = len(corpus.test)
    if len(corpus.validation):
        evaluated += len(corpus.validation) * occasions(done, last, [t.validate_every, *every], {*s.at, last})
    return Duration(
        training=(last - done) * t.batch * t.window / speed.training,
        evaluation=evaluated / speed.evaluation if speed.evaluation else 0.0,
        snapshots=occasions(done, last, every, s.at) * s.length / speed.sampling,
    )


def occasions(done: int, last: int, every: Collection[int], at: Iterable[int]) -> int:
    """How many of the iterations after ``done``, to ``last``, are a multiple of one of ``every`` (two at most), or one
    of ``at``."""
    regular = sum(last // n - done // n for n in every)
    if len(every) == 2:
        both = math.lcm(*every)
        regular -= last // both - done // both
    return regular + sum(done < n <= last and all(n % m for m in every) for n in set(at))


def product_ceiling(dtype: npt.DTypeLike, seconds: float = 0.5) -> float:
    """Floating-point operations a second that large matrix products reach with all cores: the best of several."""
    size = 1536
    rng = np.random.default_rng(0)
    a, b = (rng.random((size, size)).astype(dtype) for _ in range(2))
    out, times = np.empty_like(a), [math.inf]
    with threadpool_limits(available_cores(), user_api="blas"):
        until = time.perf_counter() + seconds
        while len(times) < 4 or time.perf_counter() < until:
            started = time.perf_counter()
            np.matmul(a, b, out=out)
            times.append(time.perf_counter() - started)
    return 2 * size**3 / min(times)


def typical(seconds_of: Callable[[], float], seconds: float) -> float:
    """The median of what repeated calls return, for so long. The first, which allocates, counts only if there is no
    time for another."""
    times = [seconds_of()]
    while sum(times) < seconds and len(times) < REPEATS:
        times.append(seconds_of())
    return statistics.median(times[1:] or times)


def _rehearsal(trainer: "Trainer") -> Callable[[], float]:
    """Does what an iteration does and returns the seconds one takes."""
    t, network, p = trainer.settings.training, trainer.model.network, trainer.model.parameters
    scratch = p.vector[:SCRATCH].copy()
    optimizer = build_optimizer(trainer.settings, Parameters({"scratch": scratch.shape}, vector=scratch))
    clip = build_clip(trainer.settings)
    rng = seeds.generator(t.seed, "rehearsal")

    def iteration() -> float:
        started = time.perf_counter()
        x, y = trainer.streams.window(0)
        masks = network.dropout_masks(trainer.settings.model.dropout, t.window, t.batch, rng)
        _, gradient, _ = trainer.engine.loss_and_gradients(p, x, y, trainer.state, masks)
        clip(gradient.vector)
        clipped = time.perf_counter()
        optimizer.step(scratch, gradient.vector[:SCRATCH], t.learning_rate)
        stepped = time.perf_counter()
        return clipped - started + (stepped - clipped) * len(p.vector) / len(scratch)

    return iteration


def _sampling(model: Model, temperature: float, seconds: float) -> float:
    """Characters a second, not counting what comes before the first of them."""
    times = []
    sampling = Sampling(filters={"temperature": temperature})
    for _ in generate(model, 10 * REPEATS, np.random.default_rng(0), sampling):
        times.append(time.perf_counter())
        if len(times) > 1 and times[-1] - times[0] > seconds:
            break
    return (len(times) - 1) / (times[-1] - times[0])
