"""How training is shown. Snapshots go to stdout, everything else to stderr."""

import os
import sys
import time
from collections.abc import Sequence
from contextlib import suppress

from tqdm import tqdm

from charrnn.cli.terminal import print_text, say
from charrnn.report.curves import Curves
from charrnn.report.figures import error_text, snapshot_text
from charrnn.report.status import status_sentence
from charrnn.storage.snapshot import Snapshot
from charrnn.training.choice import MOST_EPOCHS
from charrnn.training.facts import Evaluation, Fact, Planned, Step, Turned
from charrnn.training.trainer import Trainer
from charrnn.wording import how_many

SECONDS_BETWEEN_LINES = 10
WORTH_SAYING = 0.1
"""A new plan is said where it differs by more than this share from the one that was said last."""
FILES_SHOWN = 4
"""The most files of a corpus that are named: of more the first and the last."""


def introduce(trainer: Trainer) -> None:
    """Says what is learnt, by which network, and for how long; ``trainer.plan()`` comes first."""
    c, m, t = trainer.corpus, trainer.settings.model, trainer.settings.training
    assert trainer.iterations is not None
    items = f"{how_many(len(c.starts), 'item')}, " if c.mark else ""
    places = f", held out in {c.pieces} places" if c.pieces > 1 else ""
    say(
        f"corpus: {c.name}, {items}{how_many(len(c), 'character')}, {len(c.vocabulary)} distinct; "
        f"{len(c.training):,} to learn, {len(c.validation):,} to validate, {len(c.test):,} to test{places}"
    )
    if len(c.files) > 1 or any(map(os.path.isdir, trainer.settings.corpus.path)):
        shown = c.files if len(c.files) <= FILES_SHOWN else (*c.files[: FILES_SHOWN - 1], "...", c.files[-1])
        say(f"read: {how_many(len(c.files), 'file')}: {', '.join(shown)}")
    say(
        f"model: {m.summary}, {len(trainer.model.parameters.vector):,} parameters; "
        f"{how_many(trainer.iterations, 'iteration')} of {t.batch} x {how_many(t.window, 'character')}, "
        f"{trainer.iterations / trainer.streams.windows:,.1f} epochs"
    )
    if trainer.iterations > MOST_EPOCHS * trainer.streams.windows and not t.early_stop:
        say("a text that is read so often is learnt by heart; --minutes 1 chooses a network and a length that suit it")


def say_if_diverged(runs: Sequence[Curves]) -> None:
    """Says which of the runs diverged, and what to try."""
    for curves in runs:
        if curves.status.state == "diverged":
            say(f"{curves.run} {status_sentence(curves.status)}")


class TrainingBar:
    """A bar on a terminal; a plain line now and then where stderr goes elsewhere."""

    def __init__(self, iteration: int, iterations: int | None) -> None:
        self._iterations = self._said = iterations or 0
        self._validation = ""
        self._last_line = time.monotonic()
        self._bar = tqdm(
            total=iterations,
            initial=iteration,
            disable=not sys.stderr.isatty(),
            dynamic_ncols=True,
            bar_format="{n}/{total}, {remaining} left, {desc} {bar}",
        )

    def show(self, fact: Fact) -> None:
        """Shows a fact of training; a snapshot is printed to stdout."""
        match fact:
            case Step():
                self._step(fact)
            case Evaluation(part="validation"):
                self._validation = f", validation {fact.loss:.3f}{error_text(fact.error)} (at {fact.iteration:,})"
            case Planned():
                self._iterations = self._bar.total = fact.iterations
                if abs(fact.iterations - self._said) > WORTH_SAYING * self._said:
                    self._said = fact.iterations
                    with tqdm.external_write_mode(file=sys.stderr):
                        say(f"iteration {fact.iteration:,}: at this speed {fact.iterations:,} fit in the time")
            case Turned():
                with tqdm.external_write_mode(file=sys.stderr):
                    say(
                        f"iteration {fact.iteration:,}: the validation loss has not fallen since iteration "
                        f"{fact.best_iteration:,} ({fact.best_loss:.3f}); the network now learns the text by heart"
                    )
            case Snapshot():
                with tqdm.external_write_mode(file=sys.stdout):
                    print_text(f"{snapshot_text(fact)}\n")

    def _step(self, step: Step) -> None:
        facts = f"loss {step.loss:.3f}{self._validation}, {step.characters_per_second:,.0f} chars/s"
        self._bar.set_description_str(facts, refresh=False)
        self._bar.update()
        now = time.monotonic()
        if self._bar.disable and now - self._last_line >= SECONDS_BETWEEN_LINES:
            self._last_line = now
            say(f"iteration {step.iteration:,} of {self._iterations:,}: {facts}")

    def close(self) -> None:
        """Ends the bar, which stays as it is."""
        with suppress(OSError):  # of a terminal that was closed
            self._bar.close()
