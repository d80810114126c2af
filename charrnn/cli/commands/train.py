"""``charrnn train``"""

import math
import shlex
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from types import FrameType

import click

from charrnn.analysis.baselines import baselines_document
from charrnn.arrays import Ids
from charrnn.cli.commands.baseline import measured_baselines
from charrnn.cli.numbers import Real
from charrnn.cli.options import SettingsOptions, field_hint, settings_options
from charrnn.cli.output import TrainingBar, introduce
from charrnn.cli.paths import GivenPath
from charrnn.cli.terminal import abandon, say
from charrnn.errors import DivergenceError, WorkerError
from charrnn.report.figures import duration_text, loss_text
from charrnn.settings.build import build_corpus
from charrnn.settings.effects import remarks
from charrnn.settings.overlays import Overlay
from charrnn.settings.runs import over_default, settings_to_resume, settings_to_start
from charrnn.settings.schema import Settings
from charrnn.storage.run import Run
from charrnn.storage.snapshot import Snapshot
from charrnn.text.corpus import Corpus, corpus_name
from charrnn.text.items import looks_like_list, readable_in_place
from charrnn.text.survey import suspicions
from charrnn.text.tables import columns
from charrnn.training.choice import best, leaves_choice, propose, reasons
from charrnn.training.facts import Calibrated, Evaluation, Fact
from charrnn.training.start import resume, start, starting_settings
from charrnn.training.tensorboard import EventFile
from charrnn.training.trainer import Trainer
from charrnn.wording import how_many

LONG_EVALUATIONS = 60.0
"""Seconds that evaluations may take before anything is said of them."""
SECONDS_TIMED = 0.3
"""Seconds of iterations that are timed to say how long the run will take."""

SAME_MOMENT = 0.2
"""Seconds in which nobody presses Ctrl-C twice."""
LONG_BEHIND, LEAST_RISE = 0.25, 0.01
"""The share of a run since its best validation loss, and the share by which the loss has risen since, from which on
that was in vain."""
AGAINST_IT = {"dropout_head": 0.3, "dropout_recurrent": 0.2}
"""The settings of the model that keep it from learning a text by heart."""


@click.command("train")
@settings_options()
@click.option(
    "--run", "folder", type=GivenPath(), help="Folder of the run.  [default: runs/ and the name of the corpus]"
)
@click.option("--minutes", type=Real(), help="How long to train; with no --config, what and how is chosen too.")
@click.option(
    "--init-from",
    type=GivenPath(),
    metavar="RUN|FILE",
    help="Begin with the network of a run folder or a checkpoint file.",
)
@click.option("--resume", "resuming", is_flag=True, help="Go on with the run in that folder, with its own settings.")
@click.option(
    "--auto-resume", is_flag=True, help="Go on with the run in that folder if there is one, or else begin it."
)
@click.option("--force", is_flag=True, help="Replace the run in that folder.")
@click.option("--tensorboard", type=GivenPath(), metavar="FOLDER", help="Write event files for TensorBoard there too.")
@click.option("--baseline", is_flag=True, help="Say first what the network has to beat; see charrnn baseline.")
@click.option("--print-config", is_flag=True, help="Print the settings, each with its meaning, and do nothing.")
def command(
    given: SettingsOptions,
    folder: str | None,
    minutes: float | None,
    init_from: str | None,
    resuming: bool,
    auto_resume: bool,
    force: bool,
    tensorboard: str | None,
    baseline: bool,
    print_config: bool,
) -> None:
    """Learn to write from a text, and show samples on the way.

    CORPUS is files, folders of .txt files, - for standard input, or the name of a fetched text (charrnn corpus list).
    With none, it is Python's own reference manual. Settings come from the recipe "quick", or from each --config in
    turn, then from each --set; --print-config shows them all. With --minutes and no --config, they are chosen for the
    text, the time and this machine. Ctrl-C stops a run safely, and --resume goes on with it exactly; a job that may be
    started again says --auto-resume.
    """
    if resuming and force:
        raise click.UsageError("--resume goes on with a run and --force replaces it; give one of them")
    if resuming and init_from:
        raise click.UsageError("--resume goes on with a run and --init-from begins one; give one of them")
    if auto_resume and (resuming or force):
        raise click.UsageError("--auto-resume goes on with a run or begins it; leave out --resume and --force")
    overlays = given.overlays(minutes=minutes, init_from=init_from)
    settings = settings_to_start(overlays)
    run = Run(folder or Path("runs") / corpus_name(settings.corpus.path))
    if auto_resume and run.exists:
        resuming = run.is_resumable
        force = not resuming  # it ended before it saved anything
    choose = partial(_chosen, overlays) if leaves_choice(overlays, settings) else None
    if auto_resume and resuming and choose:
        overlays = _as_chosen(overlays, run)
    if print_config:
        if resuming:
            checkpoint = run.last_checkpoint()
            settings = settings_to_resume(checkpoint.settings, [run.edits(checkpoint), *overlays])
        elif choose:
            settings = choose(build_corpus(settings))
        else:
            settings, _ = starting_settings(overlays)
        click.echo(settings.to_yaml(meanings=True), nl=False)
        return
    with ExitStack() as stack:
        event_file = stack.enter_context(closing(EventFile(Path(tensorboard)))) if tensorboard else None
        with _said_if_never_begun(run, resuming):
            trainer = resume(run, *overlays) if resuming else start(overlays, run=run, force=force, choose=choose)
            if trainer.origins and not resuming:
                _say_beginning(trainer)
            trainer.plan()
            assert trainer.iterations is not None
            laid = overlays if resuming or choose else over_default(overlays)
            for remark in remarks(trainer.settings, trainer.iterations, laid):
                say(remark)
            if not resuming:
                text = trainer.corpus
                # The marks of items are ours, and no mistake of the text.
                characters = readable_in_place(text.vocabulary.characters) if text.mark else text.vocabulary.characters
                for kind, advice in suspicions(characters, text.beginning):
                    say(f"the text holds {kind}: {advice}; charrnn corpus show says where")
            found = None
            if baseline and not (resuming and run.baseline()):
                found = baselines_document(trainer.corpus, measured_baselines(trainer.corpus))
        signals = stack.enter_context(_stopped_by_signals(trainer, run))  # first, so that what is begun can be resumed
        stack.enter_context(trainer.writing())
        if found:
            run.keep_baseline(found)
        _train(trainer, run, event_file)
    if signals:
        sys.exit(128 + signals[0])


def _chosen(overlays: Sequence[Overlay], corpus: Corpus) -> Settings:
    """The settings that suit a text and the minutes of the overlays; says what they are and why."""
    say("measuring how fast this machine trains networks of several sizes")
    proposals = list(propose(overlays, corpus))
    chosen = best(proposals)
    for reason in reasons(chosen, proposals):
        say(f"chosen: {reason}")
    return chosen.settings


def _as_chosen(overlays: list[Overlay], run: Run) -> list[Overlay]:
    """What the line that left the choice to the program sets when it is given again, to go on with the run: where the
    minutes came to a number of epochs, that stays its length, and they do not replace it."""
    epochs = run.settings().training.epochs
    if epochs is None:
        return overlays
    say(f"the length stays {how_many(epochs, 'epoch', 'g')}; --resume --minutes would change it")
    return [Overlay(tuple(e for e in overlay.entries if e.key != "training.minutes")) for overlay in overlays]


def _say_beginning(trainer: Trainer) -> None:
    """Says which network training begins with, and which of its characters are new."""
    origin, new = trainer.origins[-1], trainer.new_characters
    shown = f": {new[:40]}{' and others' if len(new) > 40 else ''}" if new else ""
    say(
        f"begins with the network of {origin.corpus.name}, iteration {origin.iteration:,}: "
        f"its {len(trainer.corpus.vocabulary) - len(new)} characters are kept, "
        f"{len(new)} {'is' if len(new) == 1 else 'are'} new{shown}"
    )


def _train(trainer: Trainer, run: Run, event_file: EventFile | None) -> None:
    """Trains, and shows what happens."""
    _introduce(trainer, run)
    test: Evaluation | None = None
    calibrated: Calibrated | None = None
    failed: OSError | None = None
    bar = TrainingBar(trainer.progress.iteration, trainer.iterations)
    with closing(bar), _said_if_saved(trainer, run):
        for fact in trainer.train():
            if isinstance(fact, Evaluation) and fact.part == "test":
                test = fact
            elif isinstance(fact, Calibrated):
                calibrated = fact
            if failed is None:
                try:
                    _show(bar, fact, run)
                    if event_file:
                        event_file.write(fact)
                except OSError as error:  # the disk is full: keep what is learnt
                    failed = error
                    trainer.stop()
    _conclude(trainer, run, test, calibrated)
    if failed:
        raise failed


def _show(bar: TrainingBar, fact: Fact, run: Run) -> None:
    """Shows a fact. Where nobody reads on, as with ``charrnn train | head``, only the display is lost, and not the
    run."""
    try:
        bar.show(fact)
    except BrokenPipeError:
        if isinstance(fact, Snapshot):
            abandon(sys.stdout)
            where = shlex.quote(str(run))
            say(f"nobody reads the samples any more; training goes on, and keeps them: charrnn snapshots {where}")
        else:
            abandon(sys.stderr)


def _introduce(trainer: Trainer, run: Run) -> None:
    introduce(trainer)
    c = trainer.corpus
    if c.mark is None:
        if c.files and (table := columns(c.files[0], c.beginning)):
            say(f"this looks like a table; {field_hint(table)}")
        elif looks_like_list(c.beginning):
            say("each line of this text looks like an item of its own; --items lines learns them as such")
    evenly = math.log(len(c.vocabulary))
    say(f"losses: nats per character, the lower the better; guessing evenly is {evenly:.3f}; a nat is 1.443 bits")
    _say_baseline(run)
    begun = f", from iteration {trainer.progress.iteration:,}" if trainer.progress.iteration else ""
    say(f"run: {run}{begun}")
    if trainer.has_ended:
        length = trainer.settings.training.length
        why, change = "", f"{'--minutes' if length == 'minutes' else f'training.{length}'} higher"
        if trainer.ends_early:
            why, change = ", as the validation loss falls no longer", "training.early_stop=false"
        say(f"nothing is left to do{why}; set {change} to train longer")
        return
    with suppress(DivergenceError):  # training itself says more about it
        speed = trainer.speed or trainer.measure(SECONDS_TIMED)
        left = trainer.time_left(speed)
        a_pass = trainer.streams.characters / speed.training
        say(
            f"time: {duration_text(left.total)} ({speed.training:,.0f} characters/s); "
            f"a pass over the text to learn takes {duration_text(a_pass)}"
        )
        if left.evaluation > max(LONG_EVALUATIONS, left.total / 3):
            fewer = "lower" if trainer.settings.training.evaluate_characters else "set"
            # What is saved holds a lowest loss, which another measure could not be compared with.
            begin_with = "" if run.is_resumable else f"{fewer} training.evaluate_characters or "
            say(
                f"{left.evaluation / left.total:.0%} of it goes to evaluations; for less, {begin_with}raise "
                "training.validate_every"
            )


def _say_baseline(run: Run) -> None:
    """Says what the network has to beat, where that is known."""
    kept = run.baseline()
    if kept:
        best = min(kept, key=lambda name: kept[name])
        say(f"baseline on the validation part {loss_text(kept[best])}, by {best}")


@contextmanager
def _said_if_saved(trainer: Trainer, run: Run) -> Iterator[None]:
    """Says what is saved where a worker process is gone, for whatever reason."""
    try:
        yield
    except WorkerError:
        if run.is_resumable:
            _say_stopped(trainer, run)
        raise


def _say_stopped(trainer: Trainer, run: Run) -> None:
    say(f"stopped at iteration {trainer.progress.iteration:,} of {trainer.iterations:,}, saved; {_continue(run)}")


def _continue(run: Run) -> str:
    """The command that goes on with a run."""
    return f"continue: charrnn train --run {shlex.quote(str(run))} --resume"


@contextmanager
def _said_if_never_begun(run: Run, resuming: bool) -> Iterator[None]:
    """Says what there is where Ctrl-C ends training before it has begun."""
    try:
        yield
    except KeyboardInterrupt:
        say(
            f"stopped before training went on; {_continue(run)}"
            if resuming
            else "stopped before training began, and nothing was changed; begin again with the same command"
        )
        raise SystemExit(128 + signal.SIGINT) from None


def _conclude(trainer: Trainer, run: Run, test: Evaluation | None, calibrated: Calibrated | None) -> None:
    done, where = trainer.progress, shlex.quote(str(run))
    if not trainer.has_ended:
        _say_stopped(trainer, run)
        return
    if done.iteration != trainer.iterations:
        say(f"ended at iteration {done.iteration:,} of {trainer.iterations:,}, as the validation loss falls no longer")
    if done.best_loss is not None:
        per_item = _per_item(trainer, trainer.corpus.validation, done.best_loss)
        say(f"best validation loss {loss_text(done.best_loss)}{per_item}, at iteration {done.best_iteration:,}")
        if calibrated and (times := f"{calibrated.scale:.2f}") != "1.00":
            say(f"calibrated, its logits times {times}: {loss_text(calibrated.loss)}")
        _say_baseline(run)
        _say_what_was_in_vain(trainer)
    if test:
        loss = f"{loss_text(test.loss, test.error)}{_per_item(trainer, trainer.corpus.test, test.loss)}"
        say(f"test loss {loss}, by the last network, of iteration {done.iteration:,}")
    other = done.best_loss is not None and done.best_iteration != done.iteration
    which = f"   # with the best network, of iteration {done.best_iteration:,}; --at {done.iteration} for the last"
    say(f"write: charrnn sample {where}{which if other else ''}")


def _per_item(trainer: Trainer, part: Ids, loss: float) -> str:
    items = trainer.corpus.items_in(part)
    return f", {loss * len(part) / items:.2f} nats/item" if items else ""


def _say_what_was_in_vain(trainer: Trainer) -> None:
    """Says how much of a run, that trained to its end, only taught it the text by heart, and what to set against it."""
    done, t, m = trainer.progress, trainer.settings.training, trainer.settings.model
    if t.early_stop or done.best_loss is None or done.validation_loss is None:
        return
    in_vain, rise = done.iteration - done.best_iteration, done.validation_loss - done.best_loss
    if rise < LEAST_RISE * done.best_loss or not (trainer.has_turned or in_vain > LONG_BEHIND * done.iteration):
        return
    more = [f"model.{name}={rate}" for name, rate in AGAINST_IT.items() if getattr(m, name) < rate]
    learn_longer = f"; to learn longer, {' and '.join(more)}, or a longer text" if more else "; or give a longer text"
    say(
        f"the last {how_many(in_vain, 'iteration')}, {in_vain / done.iteration:.0%} of the run, taught it the text by "
        f"heart: the validation loss rose by {rise:.3f} to {done.validation_loss:.3f}; to end there, set "
        f"training.early_stop=true{learn_longer}"
    )


@contextmanager
def _stopped_by_signals(trainer: Trainer, run: Run) -> Iterator[list[int]]:
    """Within it, a first Ctrl-C, SIGTERM or closed terminal stops the trainer after its iteration, a second at once,
    and what is kept is said. Yields the list that the signal's number is put in.

    The same signal twice at the same moment is one: a terminal sends it to a process, and whoever started that too.
    """
    received: list[int] = []
    first = 0.0

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal first
        if not received:
            first = time.monotonic()
            received.append(number)
            trainer.stop()
        elif number != received[0] or time.monotonic() - first > SAME_MOMENT:
            sys.exit(128 + number)

    watched = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {number: signal.signal(number, stop) for number in watched}
    try:
        yield received
    except SystemExit:
        kept, again = "nothing is saved yet", "begin again with --force"
        if run.is_resumable:
            kept, again = "what was saved before is kept", _continue(run)
        say(f"stopped at once, and {kept}; {again}")
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
