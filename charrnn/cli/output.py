"""How losses, snapshots and progress are shown. Generated text goes to stdout, everything else to stderr."""

import math
import sys
import time
from contextlib import suppress

from tqdm import tqdm

from charrnn.cli.terminal import print_text, say
from charrnn.storage.snapshot import Snapshot
from charrnn.training.trainer import Evaluation, Fact, Planned, Step, Trainer

SECONDS_BETWEEN_LINES = 10


def loss_text(nats: float) -> str:
    """A loss in both units: ``1.405 nats/char (2.027 bits)``."""
    kind = ".3f" if nats < 1e6 else ".3e"
    return f"{nats:{kind}} nats/char ({nats / math.log(2):{kind}} bits)"


def snapshot_text(snapshot: Snapshot) -> str:
    """A snapshot as the progression shows it, iteration first."""
    facts = [f"iteration {snapshot.iteration}", f"loss {loss_text(snapshot.loss)}"]
    if snapshot.validation_loss is not None:
        facts.append(f"validation {loss_text(snapshot.validation_loss)}")
    facts.append(f"{snapshot.real_words:.0%} real words at temperature {snapshot.temperature:g}")
    return f"{', '.join(facts)}\n\n{snapshot.text}\n"


def duration_text(seconds: float) -> str:
    """A duration that was estimated: ``about 2.4 minutes``."""
    if seconds < 1.5:
        return "about a second"
    value, unit = seconds, "seconds"
    for factor, longer in ((60, "minutes"), (60, "hours"), (24, "days")):
        if value < 1.5 * factor:
            break
        value, unit = value / factor, longer
    return f"about {f'{value:.1f}'.removesuffix('.0') if value < 9.95 else f'{value:,.0f}'} {unit}"


def introduce(trainer: Trainer) -> None:
    """Says what is learnt, and by what."""
    c, m, t = trainer.corpus, trainer.settings.model, trainer.settings.training
    say(
        f"corpus: {c.name}, {len(c):,} characters, {len(c.vocabulary)} distinct; "
        f"{len(c.training):,} to learn, {len(c.validation):,} to validate, {len(c.test):,} to test"
    )
    say(
        f"model: {m.cell}, {m.layers} x {m.hidden}, {len(trainer.model.parameters.vector):,} parameters; "
        f"{trainer.iterations:,} iterations of {t.batch} x {t.window} characters, "
        f"{trainer.iterations / trainer.streams.windows:.1f} epochs"
    )


class TrainingBar:
    """A bar on a terminal; a plain line now and then where stderr goes elsewhere."""

    def __init__(self, iteration: int, iterations: int) -> None:
        self._iterations = iterations
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
        """Takes a fact of training into what is shown; a snapshot is printed to stdout."""
        match fact:
            case Step():
                self._step(fact)
            case Evaluation():
                self._validation = f", validation {fact.loss:.3f}"
            case Planned():
                self._iterations = self._bar.total = fact.iterations
                with tqdm.external_write_mode(file=sys.stderr):
                    say(f"iteration {fact.iteration:,}: at this speed {fact.iterations:,} fit in the time")
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
            say(f"iteration {step.iteration} of {self._iterations}: {facts}")

    def close(self) -> None:
        """Leaves the last state standing."""
        with suppress(OSError):  # of a terminal that was closed
            self._bar.close()
