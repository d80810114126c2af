"""``charrnn train``"""

import os
import shlex
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

import click

from charrnn.analysis.baselines import document
from charrnn.cli.commands.baseline import measured_baselines
from charrnn.cli.options import overlays_of, settings_options
from charrnn.cli.output import TrainingBar, introduce
from charrnn.cli.terminal import say
from charrnn.errors import DivergenceError
from charrnn.report.figures import duration_text, loss_text
from charrnn.settings.build import build_corpus
from charrnn.settings.overlays import Overlay
from charrnn.settings.runs import settings_to_begin, settings_to_resume, settings_to_start
from charrnn.settings.schema import Settings
from charrnn.storage.checkpoint import Checkpoint
from charrnn.storage.run import Run, load_checkpoint
from charrnn.text.catalogue import locate
from charrnn.text.corpus import corpus_name
from charrnn.text.vocabulary import Vocabulary
from charrnn.training.speed import measure, time_left
from charrnn.training.tensorboard import EventFile
from charrnn.training.trainer import Evaluation, Trainer

REHEARSAL = 0.3
"""Seconds of iterations that are timed to say how long the run will take."""


@click.command("train")
@settings_options
@click.option("--run", "folder", type=click.Path(), help="Folder of the run.  [default: runs/ and the corpus's name]")
@click.option("--minutes", type=float, help="How long to train; the schedule ends with it.")
@click.option(
    "--init-from",
    type=click.Path(),
    metavar="CHECKPOINT",
    help="Begin with a trained network: a run folder, or an .npz file.",
)
@click.option("--resume", is_flag=True, help="Go on with the run in that folder, with its own settings.")
@click.option("--force", is_flag=True, help="Replace the run in that folder.")
@click.option("--tensorboard", type=click.Path(), metavar="FOLDER", help="Write event files for TensorBoard there too.")
@click.option("--baseline", is_flag=True, help="Say first what the network has to beat; see charrnn baseline.")
@click.option("--print-config", is_flag=True, help="Print the settings, each with its meaning, and do nothing.")
def command(
    corpus: tuple[str, ...],
    configs: tuple[str, ...],
    assignments: tuple[str, ...],
    folder: str | None,
    minutes: float | None,
    init_from: str | None,
    resume: bool,
    force: bool,
    tensorboard: str | None,
    baseline: bool,
    print_config: bool,
) -> None:
    """Learn to write from a text, and show samples on the way.

    CORPUS is files, folders of .txt files, or - for standard input. With none, it is Python's own reference manual.
    Settings come from the recipe "quick", or from each --config in turn, then from each --set; --print-config shows
    them all. Ctrl-C stops a run safely, and --resume goes on with it exactly.
    """
    if resume and force:
        raise click.UsageError("--resume goes on with a run and --force replaces it; give one of them")
    if resume and init_from:
        raise click.UsageError("--resume goes on with a run and --init-from begins one; give one of them")
    overlays = overlays_of(corpus, configs, assignments, minutes=minutes, init_from=init_from)
    settings = settings_to_start(overlays)
    beginning = None
    if settings.training.init_from and not resume:
        beginning = load_checkpoint(settings.training.init_from)
        settings = settings_to_begin(overlays, beginning.settings.model)
    run = Run(folder or Path("runs") / corpus_name(settings.corpus.path))
    if print_config:
        if resume:
            settings = settings_to_resume(run.last_checkpoint().settings, overlays)
        click.echo(settings.to_yaml(meanings=True), nl=False)
        return
    with ExitStack() as stack:
        event_file = _event_file(tensorboard, stack)
        if resume:
            trainer = _resumed(run, overlays, baseline, stack)
        else:
            trainer = _started(run, settings, beginning, force, baseline, stack)
        _train(trainer, event_file)


def _started(
    run: Run, settings: Settings, beginning: Checkpoint | None, force: bool, baseline: bool, stack: ExitStack
) -> Trainer:
    """The trainer of a new run, its folder held until the stack is closed. Nothing of it is written before everything
    has been found to fit."""
    run.check_free(force)
    piped = sys.stdin.buffer.read() if "-" in settings.corpus.path else None
    corpus = build_corpus(settings, piped, run.ids, beginning.model.vocabulary if beginning else None)
    settings = _with_paths(settings, run)
    trainer = Trainer(settings, corpus, run, init_from=beginning)
    if beginning:
        _say_beginning(beginning, corpus.vocabulary)
    found = _baseline(trainer) if baseline else None
    stack.enter_context(run.writing())
    run.create(settings, force)
    if piped is not None:
        run.keep_corpus(piped)
    if found:
        run.keep_baseline(found)
    return trainer


def _resumed(run: Run, overlays: Sequence[Overlay], baseline: bool, stack: ExitStack) -> Trainer:
    """The trainer of a run that goes on, its folder held until the stack is closed. What the run wrote beyond its
    checkpoint is cut off."""
    run.check_exists()
    stack.enter_context(run.writing())
    checkpoint = run.last_checkpoint()
    settings = _with_paths(settings_to_resume(checkpoint.settings, overlays), run)
    corpus = build_corpus(settings, cache=run.ids, known=checkpoint.model.vocabulary)
    corpus = replace(corpus, name=checkpoint.corpus.name)
    trainer = Trainer(settings, corpus, run, checkpoint)
    found = _baseline(trainer) if baseline and not run.baseline() else None
    run.cut_back(trainer.progress.iteration, settings)
    if found:
        run.keep_baseline(found)
    return trainer


def _baseline(trainer: Trainer) -> dict[str, Any]:
    return document(trainer.corpus, measured_baselines(trainer.corpus))


def _baseline_text(run: Run | None) -> str | None:
    """What the network has to beat, where that is known."""
    kept = run.baseline() if run else {}
    if not kept:
        return None
    best = min(kept, key=lambda name: kept[name])
    return f"baseline on the validation part {loss_text(kept[best])}, by {best}"


def _with_paths(settings: Settings, run: Run) -> Settings:
    """Paths that hold from any folder, and for standard input the copy that the run keeps."""
    absolute = [os.path.abspath(run.corpus if path == "-" else locate(path)) for path in settings.corpus.path]
    corpus = settings.corpus.model_copy(update={"path": absolute})
    origin = settings.training.init_from
    training = settings.training.model_copy(update={"init_from": origin and os.path.abspath(origin)})
    return settings.model_copy(update={"corpus": corpus, "training": training})


def _say_beginning(beginning: Checkpoint, vocabulary: Vocabulary) -> None:
    """Says which network training begins with, and which of its characters are new."""
    known = beginning.model.vocabulary.characters
    new = "".join(character for character in vocabulary.characters if character not in known)
    shown = f": {new[:40]}{' and others' if len(new) > 40 else ''}" if new else ""
    say(
        f"begins with the network of {beginning.corpus.name}, iteration {beginning.progress.iteration}: "
        f"its {len(known)} characters are kept, {len(new)} {'is' if len(new) == 1 else 'are'} new{shown}"
    )


def _event_file(folder: str | None, stack: ExitStack) -> EventFile | None:
    """What writes for TensorBoard, closed with the stack; None where no folder is named."""
    return stack.enter_context(closing(EventFile(Path(folder)))) if folder else None


def _train(trainer: Trainer, event_file: EventFile | None) -> None:
    """Trains, shows what happens, and exits as the signal that stopped it asks."""
    _introduce(trainer)
    progress = TrainingBar(trainer.progress.iteration, trainer.iterations)
    test_loss = None
    unseen: OSError | None = None
    with _stopped_by_signals(trainer) as signals, closing(progress):
        for fact in trainer.train():
            if isinstance(fact, Evaluation) and fact.part == "test":
                test_loss = fact.loss
            elif unseen is None:
                try:
                    progress.show(fact)
                    if event_file:
                        event_file.write(fact)
                except OSError as error:  # nobody reads on, or the disk is full: keep what is learnt
                    unseen = error
                    trainer.stop()
    _conclude(trainer, test_loss)
    if signals:
        sys.exit(128 + signals[0])
    if unseen and not isinstance(unseen, BrokenPipeError):
        raise unseen


def _introduce(trainer: Trainer) -> None:
    introduce(trainer)
    say("losses: nats per character; a nat is 1.443 bits")
    if baseline := _baseline_text(trainer.run):
        say(baseline)
    begun = f", from iteration {trainer.progress.iteration}" if trainer.progress.iteration else ""
    say(f"run: {trainer.run}{begun}")
    if trainer.progress.iteration == trainer.iterations:
        say("nothing is left to do; set training.iterations or --minutes higher to train longer")
        return
    with suppress(DivergenceError):  # of which training itself says more
        speed = trainer.speed or measure(trainer, REHEARSAL)
        left = time_left(trainer, speed)
        say(f"time: {duration_text(left.total)} ({speed.training:,.0f} characters/s)")
        if trainer.speed and left.evaluation > left.total / 3:
            say(
                f"{left.evaluation / left.total:.0%} of it goes to evaluations; to learn more in that time, lower "
                "corpus.validation or raise training.validate_every"
            )


def _conclude(trainer: Trainer, test_loss: float | None) -> None:
    done = trainer.progress
    where = shlex.quote(str(trainer.run))
    if done.iteration < trainer.iterations:
        say(f"stopped at iteration {done.iteration} of {trainer.iterations}, saved;")
        say(f"continue: charrnn train --run {where} --resume")
        return
    if done.best_loss is not None:
        say(f"best validation loss {loss_text(done.best_loss)}, at iteration {done.best_iteration}")
        if baseline := _baseline_text(trainer.run):
            say(baseline)
    if test_loss is not None:
        say(f"test loss {loss_text(test_loss)}")
    say(f"write: charrnn sample --checkpoint {where}")


@contextmanager
def _stopped_by_signals(trainer: Trainer) -> Iterator[list[int]]:
    """Within it, a first Ctrl-C, SIGTERM or closed terminal stops the trainer after its iteration, a second at once.
    Yields the list that the signal's number is put in."""
    received: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        if received:
            sys.exit(128 + number)
        received.append(number)
        trainer.stop()

    watched = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {number: signal.signal(number, stop) for number in watched}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
