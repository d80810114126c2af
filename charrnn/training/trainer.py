"""The training loop: a generator of facts, which prints nothing."""

import math
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from charrnn.arguments import check_type
from charrnn.arrays import Ids
from charrnn.errors import CorpusError, DivergenceError, RunError, SettingsError, UnknownCharacterError, WorkerError
from charrnn.layout import BEST, LAST
from charrnn.machine import versions
from charrnn.settings.build import build_sample, build_streams
from charrnn.settings.schema import Settings
from charrnn.storage.checkpoint import Checkpoint, TrainingState
from charrnn.storage.document import CorpusRecord, Progress
from charrnn.storage.records import State, Status
from charrnn.storage.run import Run
from charrnn.storage.snapshot import Snapshot
from charrnn.text.corpus import Corpus
from charrnn.training.budget import Budget
from charrnn.training.calibration import calibrate
from charrnn.training.divergence import far_beyond, not_finite
from charrnn.training.facts import Calibrated, Evaluation, Fact, Planned, Saved, Step, Turned
from charrnn.training.learner import Learner
from charrnn.training.origins import first_model
from charrnn.training.snapshots import is_due, take_snapshot
from charrnn.training.speed import REHEARSAL, Duration, Speed, duration, forecast, measure_speed
from charrnn.training.transport import engine_for
from charrnn.wording import how_many

FIRST_SAVE = 60.0
"""Seconds after which a run is saved for the first time, where ``checkpoints.every`` would save it later."""


class Trainer:
    """Trains a model on a corpus. ``start`` and ``resume``, in ``start.py``, make one for a run folder.

    With a ``run``, already created, it writes that folder. With a ``checkpoint`` it goes on from there. With
    ``init_from`` it begins with the network of that checkpoint, extended by the characters that are new in the corpus,
    and with everything else new.

    ``model`` is the one being trained; between two facts it can be sampled.
    """

    def __init__(
        self,
        settings: Settings,
        corpus: Corpus,
        run: Run | None = None,
        checkpoint: Checkpoint | None = None,
        init_from: Checkpoint | None = None,
        create: Callable[[], None] | None = None,
        started: float | None = None,
    ) -> None:
        """``create`` is called when the run folder is first held, to make it. Minutes count from ``started``, a time of
        ``time.perf_counter``, or else from now.

        Raises CorpusError where the text is too short, RunError where it is not the checkpoint's, and SettingsError
        where the settings are not those of the checkpoint's run, or ``training.init_from`` is set and not given here.
        """
        check_type(settings, Settings, "the settings", "give what load_settings returns", SettingsError)
        check_type(corpus, Corpus, "the corpus", "give what load_corpus or make_corpus returns", CorpusError)
        started = started or time.perf_counter()
        t, items = settings.training, settings.corpus.made_of
        if (items and items.mark) != corpus.mark:
            raise SettingsError(
                f"the corpus {'has' if corpus.mark else 'is not made of'} items, and the settings say otherwise "
                f"(corpus.items is {settings.corpus.items})",
                "use start(settings, corpus), which takes that from the corpus",
            )
        try:
            corpus.vocabulary.encode(settings.snapshots.prime)  # now rather than at the first snapshot
        except UnknownCharacterError as error:
            raise UnknownCharacterError(error.problem, "write {snapshots.prime} without them") from None
        self.settings = settings
        self.corpus = corpus
        self.run = run
        self.progress = checkpoint.progress if checkpoint else Progress()
        self.model, self.origins = first_model(settings, corpus, checkpoint, init_from)
        known = init_from.model.vocabulary.characters if init_from else corpus.vocabulary.characters
        self.new_characters = "".join(c for c in corpus.vocabulary.characters if c not in known)
        """The characters that the network it began with did not know."""
        self.streams = build_streams(settings, corpus)
        # Rounded first: 2.2 epochs of 25 windows are 55 iterations, and 2.2 * 25 is more in floating point.
        in_epochs = t.epochs and max(1, math.ceil(round(t.epochs * self.streams.windows, 6)))
        self.iterations: int | None = t.iterations or in_epochs or None
        """How many iterations there will be in all; where the settings give minutes, None until ``plan`` or ``train``
        is called."""
        self.speed: Speed | None = None
        """As ``plan`` measured it."""
        self._budget: Budget | None = None
        self._seconds = 0.0  # spent in training so far, also before the run was stopped and went on
        self._saved: Saved | None = None
        self._turned_from = 0  # the best iteration of which it was said that the loss has turned
        self._stopping = False
        self._create = create
        self._engine = engine_for(settings, self.model.network, self.model.parameters)
        self._made_with = versions() | self._engine.made_with
        self._learner = Learner(settings, self.model, self.streams, self._engine)
        if checkpoint and checkpoint.training:
            self._restore(checkpoint, checkpoint.training)
        if run:
            self.checkpoint().check()  # now rather than at the first save
        self._seconds_to_make = time.perf_counter() - started

    def stop(self) -> None:
        """Makes ``train`` save and end after the current iteration."""
        self._stopping = True

    @property
    def has_turned(self) -> bool:
        """Whether the validation loss has not fallen for as many validations as it may rest."""
        return self.progress.since_best >= self.patience

    @property
    def patience(self) -> int:
        """For how many validations the loss may rest: ``training.patience``, or more where a plan of minutes has grown
        since it was first made, in proportion; never fewer than before, so that none is passed over. At a high rate it
        may rest long, and fall when the rate does."""
        patience, planned = self.settings.training.patience, [iterations for _, iterations in self.progress.plan]
        return round(patience * max(planned) / planned[0]) if planned else patience

    @property
    def ends_early(self) -> bool:
        """Whether the run is to end because its validation loss falls no longer."""
        return self.settings.training.early_stop and self.has_turned

    @property
    def has_ended(self) -> bool:
        """Whether nothing is left to train: every iteration is done, or the run ends early."""
        return self.progress.iteration == self.iterations or self.ends_early

    def train(self) -> Iterator[Fact]:
        """Trains for as long as the settings say, or until ``stop``; called again, it goes on. ``stop`` ends it with
        the iteration observed and saved; whoever leaves the loop by a ``break`` loses what was due.

        Raises DivergenceError when a loss, gradient or parameter is no longer finite, or the training loss far beyond
        that of guessing evenly; RunError when the folder cannot be written; what was saved before stays. Raises
        WorkerError when a worker's process is gone, after what was learnt has been saved.
        """
        self.plan()
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
            self._stopping = False

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Holds the run folder for this process alone. ``train`` does so too: this is for those who write to the folder
        themselves. Raises RunError where another process holds it, or has gone on with the run in the meantime."""
        if not self.run:
            yield
            return
        with self.run.writing(continued=True):
            if self._create:
                self._create()
                self._create = None
            yield

    def plan(self) -> None:
        """Where the settings give minutes, measures how fast this machine is and plans how many iterations fit, unless
        that has been done. ``train`` does so too: this is for those who want to know before."""
        minutes = self.settings.training.minutes
        if minutes is None or self._budget:
            return
        started, seconds = time.perf_counter(), 60 * minutes
        self.speed = speed = self.measure(min(REHEARSAL, seconds / 20))
        # Making a large network takes seconds too.
        self._advance(seconds=self.progress.seconds + self._seconds_to_make + time.perf_counter() - started)
        done, spent = self.progress.iteration, self.progress.seconds
        self._budget = Budget(seconds, forecast(self.settings, self.corpus, speed), done, spent)
        if self.iterations is None:
            self._plan(self._budget.plan(done, spent))

    def measure(self, seconds: float) -> Speed:
        """How fast this machine trains and samples this model, from ``seconds`` of iterations on a copy of it."""
        return measure_speed(self.settings, self.corpus, self.model, seconds)

    def time_left(self, speed: Speed) -> Duration:
        """How long the rest of the training takes at that speed."""
        return duration(self.settings, self.corpus, speed, self.progress.iteration, self._last_iteration)

    def checkpoint(self) -> Checkpoint:
        """Everything as it stands; its arrays are the trainer's own, and change with the next iteration."""
        corpus = CorpusRecord(self.corpus.name, self.corpus.sha256, len(self.corpus), self.corpus.labels)
        state = self._learner.state
        return Checkpoint(self.model, self.settings, self.progress, corpus, state, self._made_with, self.origins)

    def _train(self) -> Generator[Fact]:
        started = time.monotonic()
        with self.writing(), self._engine:
            self._note("running")
            yield from self._observe_end()
            while not (self.has_ended or self._stopping):
                try:
                    step = self._step()
                except WorkerError:
                    if self._is_unsaved:
                        yield self._save()
                    raise
                yield step
                yield from self._observe(step)
                if not self.ends_early:
                    yield from self._look_at_plan()
                first = self._saved is None and time.monotonic() - started >= FIRST_SAVE
                if self.run and (first or step.iteration % self.settings.checkpoints.every == 0):
                    yield self._save()
            if self._is_unsaved:
                yield self._save()
            if self.has_ended:
                yield from self._conclude()
            self._note_end()

    def _step(self) -> Step:
        t, done = self.settings.training, self.progress.iteration
        started = time.perf_counter()
        learnt, rate = self._learner.step(done, self._last_iteration)
        self._advance(iteration=done + 1, recent_losses=(*self.progress.recent_losses, learnt.loss)[-t.report :])
        numbers = {"loss": learnt.loss, "gradient": learnt.gradient_norm, "state": learnt.state}
        self._check(
            not_finite(**numbers, parameters=self.model.parameters.vector)
            or far_beyond(self.progress.training_loss, len(self.corpus.vocabulary))
        )
        return Step(
            iteration=done + 1,
            epoch=(done + 1) / self.streams.windows,
            loss=self.progress.training_loss,
            gradient_norm=learnt.gradient_norm,
            learning_rate=rate,
            characters_per_second=t.batch * t.window / (time.perf_counter() - started),
        )

    def _observe(self, step: Step) -> Iterator[Fact]:
        """Evaluation, snapshot and report, where they are due, and all of them at the end. None of them changes what
        training does next, but that it may end."""
        t, now = self.settings.training, step.iteration
        ended = now == self.iterations
        snapshot_due = ended or is_due(now, self.settings.snapshots)
        validated = len(self.corpus.validation) and (now % t.validate_every == 0 or snapshot_due)
        evaluation = self._validate() if validated else None
        if evaluation:
            yield evaluation
            yield from self._look_at_validation()
        if snapshot_due or (evaluation and self.ends_early):
            yield self._snapshot()
        if self.run and (evaluation or now % t.report == 0 or ended):
            loss, error = (evaluation.loss, evaluation.error) if evaluation else (None, None)
            measured = {"validation_loss": loss, "validation_error": error, "seconds": round(self._seconds, 3)}
            self.run.report(vars(step) | measured)

    def _observe_end(self) -> Iterator[Fact]:
        """What is due at the end of a run that ends where it was stopped, by settings that changed since."""
        if not self.run or not self.has_ended or self.progress.iteration in self.run.kept():
            return
        if len(self.corpus.validation):
            yield self._validate()
        if self.has_ended:  # a loss that fell again lets it go on
            yield self._snapshot()
        yield self._save()

    def _validate(self) -> Evaluation:
        now, (loss, error) = self.progress.iteration, self._evaluate(self.corpus.validation)
        is_best = self.progress.best_loss is None or loss < self.progress.best_loss
        self._advance(validation_loss=loss, since_best=0 if is_best else self.progress.since_best + 1)
        if is_best:
            self._advance(best_loss=loss, best_iteration=now)
            if self.run:
                self.run.save(self.checkpoint().weights_only(), BEST)
        return Evaluation(now, "validation", loss, error, is_best)

    def _look_at_validation(self) -> Iterator[Turned]:
        progress = self.progress
        if progress.since_best == self.patience and progress.best_iteration != self._turned_from:
            assert progress.best_loss is not None
            self._turned_from = progress.best_iteration
            yield Turned(progress.iteration, progress.best_iteration, progress.best_loss)

    def _conclude(self) -> Iterator[Evaluation | Calibrated]:
        if len(self.corpus.test):
            yield Evaluation(self.progress.iteration, "test", *self._evaluate(self.corpus.test), is_best=False)
        t = self.settings.training
        if self.run and t.calibrate and self.progress.best_iteration:
            best = self.run.best_checkpoint()
            own = best.progress.iteration == self.progress.best_iteration  # no other takes the place of a damaged one
            if own and best.progress.best_loss == self.progress.best_loss:  # which calibration lowers: not done yet
                sample = build_sample(self.settings, self.corpus, self.corpus.validation)
                best, calibrated = calibrate(best, sample, t.window)
                self.run.save(best.weights_only(), BEST)
                yield calibrated

    def _evaluate(self, ids: Ids) -> tuple[float, float | None]:
        """The loss, and where not all was read its standard error."""
        t, sample = self.settings.training, build_sample(self.settings, self.corpus, ids)
        measured = self._engine.evaluate(self.model.parameters, sample, t.window)
        self._check(not_finite(evaluation=measured.loss))
        return measured.loss, measured.error if t.evaluate_characters and len(ids) > t.evaluate_characters else None

    def _snapshot(self) -> Snapshot:
        snapshot = take_snapshot(self.model, self.settings, self.progress, self.corpus.real_words)
        if self.run:
            self.run.keep(snapshot, self.checkpoint())
        return snapshot

    @property
    def _is_unsaved(self) -> bool:
        """Whether there is a run that was not saved since the last iteration, or, before the first, not at all."""
        return self.run is not None and (self._saved is None or self._saved.iteration < self.progress.iteration)

    def _save(self) -> Saved:
        assert self.run
        self._check(not_finite(**self._learner.updater.memory))
        self._saved = Saved(self.progress.iteration, self.run.save(self.checkpoint(), LAST))
        return self._saved

    @property
    def _last_iteration(self) -> int:
        assert self.iterations is not None, "plan() comes first"
        return self.iterations

    def _look_at_plan(self) -> Iterator[Planned]:
        if self._budget:
            now = self.progress.iteration
            iterations = self._budget.look(now, self.progress.seconds, self._last_iteration)
            if iterations != self.iterations:
                self._plan(iterations)
                self._note("running")
                yield Planned(now, iterations)

    def _plan(self, iterations: int) -> None:
        self.iterations = iterations
        self._advance(plan=(*self.progress.plan, (self.progress.iteration, iterations)))

    def _spend(self, seconds: float) -> None:
        self._seconds += seconds
        if self._budget:
            self._advance(seconds=self.progress.seconds + seconds)

    def _restore(self, checkpoint: Checkpoint, state: TrainingState) -> None:
        if self.run:
            self._saved = Saved(self.progress.iteration, self.run.resumed_from)
            rows = [row for row in self.run.metrics() if row["iteration"] <= self.progress.iteration]
            self._seconds = max((row["seconds"] for row in rows if isinstance(row.get("seconds"), float)), default=0.0)
        minutes = self.settings.training.minutes
        if minutes and minutes == checkpoint.settings.training.minutes and self.progress.plan:
            self.iterations = self.progress.plan[-1][1]
        self._check_length(checkpoint)
        checkpoint.warn_of_other_bits(self._made_with)
        self._learner.state = state

    def _check_length(self, checkpoint: Checkpoint) -> None:
        """Raises RunError where the settings ask for less than has been done. A changed number of minutes counts
        from the beginning of the run, whose time only the metrics hold where it had none, and is planned anew."""
        t, done = self.settings.training, self.progress.iteration
        if t.minutes != checkpoint.settings.training.minutes:
            spent = max(self.progress.seconds, self._seconds)
            if t.minutes and 60 * t.minutes <= spent:
                raise RunError(
                    f"the run has trained for {how_many(spent / 60, 'minute', '.3g')}, and {t.minutes:g} are now set",
                    "set {minutes} higher",
                )
            self._advance(seconds=spent)
        if self.iterations is not None and self.iterations < done:
            problem = f"the run is at iteration {done:,}, beyond the {self.iterations:,} now set"
            raise RunError(problem, f"set training.{t.length} higher")

    def _advance(self, **changes: Any) -> None:
        self.progress = replace(self.progress, **changes)

    def _note(self, state: State, why: str = "") -> None:
        if self.run:
            self.run.note(Status(state, self.progress.iteration, self.iterations, why))

    def _note_end(self) -> None:
        early = self.ends_early and self.progress.iteration != self.iterations
        why = "the validation loss falls no longer" if early else ""
        self._note("finished" if self.has_ended else "stopped", why)

    def _check(self, how: str) -> None:
        """Raises DivergenceError where something says how training has diverged."""
        if not how:
            return
        self._note("diverged", how)
        if self._saved:
            good = f"the last good checkpoint is {str(self._saved.path)!r}, of iteration {self._saved.iteration:,}"
        else:
            good = "no checkpoint was saved before"
        where = f"at iteration {self.progress.iteration:,} of {self.iterations:,}"
        raise DivergenceError(f"training diverged {where}: {how}; {good}", DivergenceError.ADVICE)
