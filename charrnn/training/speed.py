"""How fast this machine trains and writes, and how long a run will take.

Everything is measured on the network and the text that will be used, and the training stays unchanged: iterations are
rehearsed on a copy of the parameters, and everything else only reads.
"""

import math
import statistics
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from charrnn.arrays import Ids
from charrnn.generation.sampler import Sampling, generate
from charrnn.machine import available_cores, blas_threads
from charrnn.model import Model
from charrnn.settings.build import build_sample, build_streams
from charrnn.settings.schema import Settings
from charrnn.text.corpus import Corpus
from charrnn.training.learner import Learner
from charrnn.training.transport import engine_for

REHEARSAL = 1.0
"""Seconds of iterations that are timed to plan how many fit in a number of minutes; less where the minutes are few."""
REPEATS = 50
"""The most repetitions, enough for a median: a measurement of something quick need not take its full time."""


@dataclass(frozen=True)
class Speed:
    """Characters per second."""

    training: float
    """In whole iterations, without evaluations and snapshots."""
    evaluation: float | None
    """None where no part of the text is held out."""
    sampling: float
    """In writing one text alone."""


@dataclass(frozen=True)
class Duration:
    """How many seconds the rest of a run takes, without the files that it writes."""

    training: float
    evaluation: float
    snapshots: float

    @property
    def total(self) -> float:
        return self.training + self.evaluation + self.snapshots


def measure_speed(settings: Settings, corpus: Corpus, model: Model, seconds: float) -> Speed:
    """Times iterations for ``seconds``, at least one after a first, and everything else for about half as long.

    Raises CorpusError where the text is too short to train on, DivergenceError where the model's numbers are not
    finite.
    """
    t = settings.training
    held_out = max(corpus.validation, corpus.test, key=len)
    rehearsed = replace(model, parameters=model.parameters.copy())
    evaluation = None
    with engine_for(settings, model.network, rehearsed.parameters) as engine:
        learner = Learner(settings, rehearsed, build_streams(settings, corpus), engine)
        training = t.batch * t.window / typical(_timed(lambda: learner.step(0, 1)), seconds)
        if len(held_out):
            streams = build_sample(settings, corpus, held_out)
            streams = [ids[: t.window + 1] for ids in streams]
            evaluate = _timed(lambda: engine.evaluate(rehearsed.parameters, streams, t.window))
            evaluation = sum(len(ids) - 1 for ids in streams) / typical(evaluate, seconds / 4)
    return Speed(training, evaluation, _sampling(model, settings.snapshots.temperature, seconds / 4))


def duration(settings: Settings, corpus: Corpus, speed: Speed, done: int, last: int) -> Duration:
    """How long the iterations after number ``done`` take, up to ``last``, the last of all."""
    s, t = settings.snapshots, settings.training
    every = [s.every] if s.every else []
    validations = occasions(done, last, [t.validate_every, *every], {*s.at, last})
    validated, tested = (characters_read(part, t.evaluate_characters) for part in (corpus.validation, corpus.test))
    evaluated = validated * (validations + t.calibrate) + tested
    return Duration(
        training=(last - done) * t.batch * t.window / speed.training,
        evaluation=evaluated / speed.evaluation if speed.evaluation else 0.0,
        snapshots=occasions(done, last, every, {*s.at, last}) * s.length / speed.sampling,
    )


def forecast(settings: Settings, corpus: Corpus, speed: Speed) -> Callable[[int, int], float]:
    """``duration`` in seconds, as a function of ``done`` and ``last``."""
    return lambda done, last: duration(settings, corpus, speed, done, last).total


def characters_read(part: Ids, most: int | None) -> int:
    """How many characters of a held-out part are read to measure a loss: ``most``, or all of them."""
    return min(len(part), most or len(part))


def occasions(done: int, last: int, every: Collection[int], at: Iterable[int]) -> int:
    """How many of the iterations after ``done``, up to ``last``, are a multiple of one of ``every`` (two at most), or
    one of ``at``."""
    regular = sum(last // n - done // n for n in every)
    if len(every) == 2:
        both = math.lcm(*every)
        regular -= last // both - done // both
    return regular + sum(done < n <= last and all(n % m for m in every) for n in set(at))


def product_ceiling(dtype: npt.DTypeLike, seconds: float = 0.5) -> float:
    """Floating-point operations per second that large matrix products reach on all cores: the best of several."""
    size = 1536
    rng = np.random.default_rng(0)
    a, b = (rng.random((size, size)).astype(dtype) for _ in range(2))
    out, times = np.empty_like(a), [math.inf]
    multiply = _timed(lambda: np.matmul(a, b, out=out))
    with blas_threads(available_cores()):
        until = time.perf_counter() + seconds
        while len(times) < 4 or time.perf_counter() < until:
            times.append(multiply())
    return 2 * size**3 / min(times)


def typical(seconds_of: Callable[[], float], seconds: float) -> float:
    """The median of what repeated calls return, for ``seconds`` in all, at least one. A call before them, which starts
    the workers and allocates memory, does not count."""
    seconds_of()
    times = [seconds_of()]
    while sum(times) < seconds and len(times) < REPEATS:
        times.append(seconds_of())
    return statistics.median(times)


def _timed(work: Callable[[], object]) -> Callable[[], float]:
    """A function that does the work and returns how many seconds it took."""

    def timed() -> float:
        started = time.perf_counter()
        work()
        return time.perf_counter() - started

    return timed


def _sampling(model: Model, temperature: float, seconds: float) -> float:
    """Characters per second, from the first character on."""
    times = []
    sampling = Sampling(filters={"temperature": temperature})
    for _ in generate(model, 10 * REPEATS, np.random.default_rng(0), sampling):
        times.append(time.perf_counter())
        if len(times) > 1 and times[-1] - times[0] > seconds:
            break
    return (len(times) - 1) / (times[-1] - times[0])
