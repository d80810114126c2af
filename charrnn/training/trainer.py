"""The training loop: a generator of facts, which prints nothing."""

import math
import time
import warnings
from collections import deque
from collections.abc import Generator, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from charrnn import seeds
from charrnn.arrays import Array, Ids
from charrnn.errors import CharRNNWarning, DivergenceError, RunError
from charrnn.layout import BEST, LAST
from charrnn.model import Model
from charrnn.nn.functional import quiet_overflow
from charrnn.optim.schedules import Position
from charrnn.settings.build import build_clip, build_optimizer, build_schedule
from charrnn.settings.schema import Settings
from charrnn.storage.checkpoint import Checkpoint, TrainingState, versions
from charrnn.storage.document import CorpusRecord, Origin, Progress
from charrnn.storage.run import Run
from charrnn.storage.snapshot import Snapshot
from charrnn.text.corpus import Corpus
from charrnn.text.streams import Streams
from charrnn.training.budget import Budget
from charrnn.training.cores import available_cores
from charrnn.training.engine import Engine
from charrnn.training.snapshots import is_due, take_snapshot
from charrnn.training.speed import Speed, duration, measure


@dataclass(frozen=True)
class Step:
    """One iteration done. Losses are in nats per character."""

    iteration: int
    epoch: float
    """Passes over the training text so far."""
    loss: float
    """Mean of the latest iterations."""
    gradient_norm: float
    """Before clipping."""
    learning_rate: float
    characters_per_second: float


@dataclass(frozen=True)
class Evaluation:
    """A loss over a whole part of the text that is not learnt."""

    iteration: int
    part: str
    """``validation``, or at the end of training ``test``."""
    loss: float
    is_best: bool


@dataclass(frozen=True)
class Saved:
    """A checkpoint that training can resume from."""

    iteration: int
    path: Path


@dataclass(frozen=True)
class Planned:
    """Another number of iterations fits in the minutes of the run than was planned before."""

    iteration: int
    iterations: int
    """In all."""


Fact = Step | Evaluation | Snapshot | Saved | Planned

REHEARSAL = 1.0
"""Seconds of iterations that are timed to plan how many fit in a number of minutes; less where those are few."""


class Trainer:
    """Trains a model on a corpus. With a ``run``, already created, it writes that folder; with a ``checkpoint`` it goes
    on from there; with ``init_from`` it begins with the network of that checkpoint, extended by the characters that
    are new in the corpus, and all else anew. Where the settings give minutes, it first measures how fast it is.

    ``model`` is the one being trained, at any moment ready to be sampled; ``engine`` computes its gradients, and
    ``train`` enters it. The corpus is taken as given: ``build_corpus`` in ``settings/build.py`` loads the one
    that the settings name.
    """

    def __init__(
        self,
        settings: Settings,
        corpus: Corpus,
        run: Run | None = None,
        checkpoint: Checkpoint | None = None,
        init_from: Checkpoint | None = None,
    ) -> None:
        started = time.perf_counter()
        t = settings.training
        corpus.vocabulary.encode(settings.snapshots.prime)  # now rather than at the first snapshot
        self.settings = settings
        self.corpus = corpus
        self.run = run
        self.streams = Streams(corpus.training, t.batch, t.window)
        self.iterations = t.iterations or math.ceil((t.epochs or 0) * self.streams.windows)
        """How many there are to be in all; where the settings give minutes, as planned now."""
        self.progress = checkpoint.progress if checkpoint else Progress()
        self.model, self.origins = _beginning(settings, corpus, checkpoint, init_from)
        self.optimizer = build_optimizer(settings, self.model.parameters)
        self._clip = build_clip(settings)
        self._learning_rate = build_schedule(settings)
        self.state = self.model.network.zero_state(t.batch)
        workers = min(settings.compute.workers or available_cores(), t.batch)
        self._made_with = versions() | {"workers": workers}
        self._saved: Saved | None = None
        if checkpoint:
            self._restore(checkpoint)
        self._recent = deque(self.progress.recent_losses, maxlen=t.report)
        self.engine = Engine(self.model.network, workers)
        self._stopping = False
        self.speed: Speed | None = None
        """As it was measured where the settings give minutes."""
        if run:
            self.checkpoint().check()  # now rather than at the first save
        self._budget = None if t.minutes is None else self._budgeted(60 * t.minutes, started)

    def stop(self) -> None:
        """Makes ``train`` end after the iteration it is in, saved."""
        self._stopping = True

    def train(self) -> Iterator[Fact]:
        """Trains to the end of the settings, or until ``stop``.

        Raises DivergenceError when a loss or gradient is no longer finite; what was saved before stands.
        """
        facts = self._train()
        try:
            while True:
                started = time.perf_counter()
                fact = next(facts, None)
                self._spend(time.perf_counter() - started)
                if fact is None:
                    return
                yield fact
        finally:
            facts.close()

    def _train(self) -> Generator[Fact]:
        saved = self.progress.iteration
        with self.run.writing(continued=True) if self.run else nullcontext(), self.engine:
            while self.progress.iteration < self.iterations and not self._stopping:
                with quiet_overflow():
                    step = self._step()
                yield step
                yield from self._observe(step)
                yield from self._look_at_plan()
                if self.run and step.iteration % self.settings.checkpoints.every == 0:
                    yield self._save()
                    saved = step.iteration
            if self.run and saved < self.progress.iteration:
                yield self._save()
            if self.progress.iteration == self.iterations and len(self.corpus.test):
                yield Evaluation(self.iterations, "test", self._evaluate(self.corpus.test), is_best=False)
        self._stopping = False

    def checkpoint(self) -> Checkpoint:
        """Everything as it stands; its arrays are the trainer's own, and change with the next iteration."""
        corpus = CorpusRecord(self.corpus.name, self.corpus.sha256, len(self.corpus))
        training = TrainingState(self.optimizer.steps, self.optimizer.state, self.state)
        return Checkpoint(self.model, self.settings, self.progress, corpus, training, self._made_with, self.origins)

    def _budgeted(self, seconds: float, started: float) -> Budget:
        """A budget of so many seconds, and the plan for it where there is none yet. What has passed since ``started``
        is spent: to draw a large network takes seconds too."""
        self.speed = speed = measure(self, min(REHEARSAL, seconds / 20))
        self._advance(seconds=self.progress.seconds + time.perf_counter() - started)

        def forecast(done: int, last: int) -> float:
            return duration(self.settings, self.corpus, speed, done, last).total

        done, spent = self.progress.iteration, self.progress.seconds
        budget = Budget(seconds, forecast, done, spent)
        if not self.progress.plan:
            self._plan(budget.plan(done, spent))
        self.iterations = self.progress.plan[-1][1]
        return budget

    def _look_at_plan(self) -> Iterator[Planned]:
        if self._budget:
            now = self.progress.iteration
            iterations = self._budget.look(now, self.progress.seconds, self.iterations)
            if iterations != self.iterations:
                self._plan(iterations)
                yield Planned(now, iterations)

    def _plan(self, iterations: int) -> None:
        self.iterations = iterations
        self._advance(plan=(*self.progress.plan, (self.progress.iteration, iterations)))

    def _spend(self, seconds: float) -> None:
        if self._budget:
            self._advance(seconds=self.progress.seconds + seconds)

    def _step(self) -> Step:
        p, done = self.model.parameters, self.progress.iteration
        started = time.perf_counter()

        x, y = self.streams.window(done % self.streams.windows)
        self._begin_streams(done)
        loss, gradient, after = self.engine.loss_and_gradients(p, x, y, self.state, self._dropout_masks(done))
        norm = self._clip(gradient.vector)
        rate = self._learning_rate(Position(done, self.iterations, self.streams.windows))
        self.optimizer.step(p.vector, gradient.vector, rate)
        self._check_finite(loss=loss, gradient=norm, parameters=p.vector, state=after)
        self.state = after

        self._recent.append(loss)
        self._advance(iteration=done + 1, recent_losses=tuple(self._recent))
        return Step(
            iteration=done + 1,
            epoch=(done + 1) / self.streams.windows,
            loss=self._loss,
            gradient_norm=norm,
            learning_rate=rate,
            characters_per_second=x.size / (time.perf_counter() - started),
        )

    def _begin_streams(self, done: int) -> None:
        """Zeroes the state where a stream starts anew: of all at the end of an epoch, if so set, and now and then of
        any. A state that is only ever carried becomes one that the network cannot do without: after 1,000 iterations
        an LSTM of 512 units lost 0.23 nats/char when it had to begin from zero, as every sample does.
        """
        t = self.settings.training
        if done and done % self.streams.windows == 0 and t.epoch_end == "reset":
            self.state[:] = 0
        rng = seeds.generator(t.seed, "fresh streams", done)
        self.state[:, :, rng.random(t.batch) < t.state_reset] = 0

    def _observe(self, step: Step) -> Iterator[Fact]:
        """Evaluation, snapshot and report, where they are due. None of them changes what training does next."""
        t, now = self.settings.training, step.iteration
        snapshot_due = is_due(now, self.settings.snapshots)
        ended = now == self.iterations
        evaluate = len(self.corpus.validation) and (now % t.validate_every == 0 or snapshot_due or ended)
        if evaluate:
            yield self._validate()
        if snapshot_due:
            yield self._snapshot()
        if self.run and (evaluate or now % t.report == 0 or ended):
            validation_loss = self.progress.validation_loss if evaluate else None
            self.run.report(vars(step) | {"validation_loss": validation_loss})

    def _validate(self) -> Evaluation:
        now, loss = self.progress.iteration, self._evaluate(self.corpus.validation)
        best = self.progress.best_loss
        is_best = best is None or loss < best
        self._advance(validation_loss=loss)
        if is_best:
            self._advance(best_loss=loss, best_iteration=now)
            if self.run:
                self.run.save(self.checkpoint().weights_only(), BEST)
        return Evaluation(now, "validation", loss, is_best)

    def _evaluate(self, ids: Ids) -> float:
        t = self.settings.training
        loss = self.engine.evaluate(self.model.parameters, ids, t.batch, t.window)
        self._check_finite(evaluation=loss)
        return loss

    def _snapshot(self) -> Snapshot:
        snapshot = take_snapshot(
            self.model,
            self.settings.snapshots,
            self.settings.training.seed,
            self.progress.iteration,
            self._loss,
            self.progress.validation_loss,
            self.corpus.real_words,
        )
        if self.run:
            self.run.keep(snapshot, self.checkpoint())
        return snapshot

    def _save(self) -> Saved:
        assert self.run
        self._check_finite(**self.optimizer.state)
        self._saved = Saved(self.progress.iteration, self.run.save(self.checkpoint(), LAST))
        return self._saved

    def _restore(self, checkpoint: Checkpoint) -> None:
        learnt = checkpoint.corpus
        if learnt.sha256 != self.corpus.sha256:
            raise RunError(
                f"the text of {', '.join(self.settings.corpus.path) or self.corpus.name} is not what this run learnt "
                f"({learnt.characters:,} characters, SHA-256 {learnt.sha256[:12]}...); "
                "bring that one back, or start a new run"
            )
        if checkpoint.training is None:
            raise RunError("the checkpoint holds weights only; resume from the run folder's last.npz")
        if checkpoint.training.optimizer.keys() != self.optimizer.state.keys():
            raise RunError("the checkpoint does not hold what its optimizer remembers; start a new run")
        t, spent = self.settings.training, self.progress.seconds
        if t.minutes != checkpoint.settings.training.minutes:
            if t.minutes and 60 * t.minutes <= spent:
                raise RunError(
                    f"the run has trained for {spent / 60:.3g} minutes, and {t.minutes:g} are now set; "
                    "set training.minutes higher"
                )
            self._advance(plan=())
        if t.minutes is None and self.iterations < self.progress.iteration:
            raise RunError(
                f"the run is at iteration {self.progress.iteration}, beyond the {self.iterations} now set; "
                "set training.iterations higher"
            )
        if self.run:
            self._saved = Saved(self.progress.iteration, self.run.last)
        differences = [
            f"{name} {checkpoint.made_with.get(name, 'unknown')}, here {here}"
            for name, here in self._made_with.items()
            if name not in ("charrnn", "python") and checkpoint.made_with.get(name) != here
        ]
        if differences:
            warnings.warn(
                f"the checkpoint was made with {'; '.join(differences)}: the run goes on, but not with the very bits "
                "that it would have had",
                CharRNNWarning,
                stacklevel=3,
            )
        self.optimizer.steps = checkpoint.training.optimizer_steps
        for name, vector in checkpoint.training.optimizer.items():
            self.optimizer.state[name][:] = vector
        self.state = checkpoint.training.state

    def _dropout_masks(self, iteration: int) -> Array | None:
        t, rate = self.settings.training, self.settings.model.dropout
        rng = seeds.generator(t.seed, "dropout", iteration)
        return self.model.network.dropout_masks(rate, t.window, t.batch, rng)

    @property
    def _loss(self) -> float:
        return sum(self._recent) / len(self._recent)

    def _advance(self, **changes: Any) -> None:
        self.progress = replace(self.progress, **changes)

    def _check_finite(self, **numbers: float | Array) -> None:
        lost = [name for name, number in numbers.items() if not math.isfinite(np.sum(number))]
        if not lost:
            return
        if self._saved:
            good = f"the last good checkpoint is {str(self._saved.path)!r}, of iteration {self._saved.iteration}"
        else:
            good = "no checkpoint was saved before"
        raise DivergenceError(
            f"training diverged after iteration {self.progress.iteration}: {', '.join(lost)} not finite; {good}; "
            "try a lower training.learning_rate or a smaller training.clip"
        )


def _beginning(
    settings: Settings, corpus: Corpus, checkpoint: Checkpoint | None, init_from: Checkpoint | None
) -> tuple[Model, tuple[Origin, ...]]:
    """The model that training begins or goes on with, and the checkpoints it goes back to."""
    if checkpoint:
        return checkpoint.model, checkpoint.origins
    if init_from:
        path = settings.training.init_from or ""
        model = init_from.model.extended(settings, corpus.vocabulary)
        return model, (*init_from.origins, init_from.as_origin(path))
    return Model.new(settings, corpus.vocabulary), ()
