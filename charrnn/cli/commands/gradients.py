"""``charrnn gradients``"""

import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import get_args

import click

from charrnn.analysis.context import LONGEST, POSITIONS, ContextLoss
from charrnn.analysis.gradient_study import Findings, compare_cells, study_network, text_to_measure, training_steps
from charrnn.cli.numbers import Whole, WholeRange
from charrnn.cli.options import SettingsOptions, settings_options
from charrnn.cli.paths import GivenPath
from charrnn.cli.pictures import check_picture, picture_beside, picture_options
from charrnn.cli.progress import progress_bar
from charrnn.cli.terminal import print_json, say
from charrnn.report.figures import list_text, telling_names
from charrnn.report.gradient_picture import draw_gradients
from charrnn.report.gradient_tables import clip_text, gradients_document, tables
from charrnn.settings.overlays import Overlay
from charrnn.storage.run import load_checkpoint
from charrnn.text.vocabulary import Unknown
from charrnn.training.facts import Step
from charrnn.training.trainer import Trainer
from charrnn.wording import how_many


@click.command("gradients")
@settings_options()
@click.option(
    "--checkpoint",
    "path",
    type=GivenPath(),
    metavar="RUN|FILE",
    help="The network to measure.  [default: three small ones, trained briefly]",
)
@click.option(
    "--steps",
    type=WholeRange(1, 512),
    default=100,
    show_default=True,
    help="How far back gradients are followed.",
)
@click.option(
    "--iterations", type=Whole(), metavar="N", help="How long the small networks are trained.  [default: 300]"
)
@click.option(
    "--positions",
    type=WholeRange(2, 1_000_000),
    default=POSITIONS,
    show_default=True,
    help="How many characters of the text to average the losses by context over.",
)
@click.option(
    "--unknown",
    type=click.Choice(get_args(Unknown)),
    default="error",
    show_default=True,
    help="With --checkpoint: what to do with characters that the network has not learnt.",
)
@picture_options("--plot")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    given: SettingsOptions,
    path: str | None,
    steps: int,
    iterations: int | None,
    positions: int,
    unknown: Unknown,
    plot: Path | None,
    force: bool,
    as_json: bool,
) -> None:
    """Show how gradients fade and explode over time, what clipping does, and how far back a network looks.

    CORPUS and settings are those of charrnn train; everything is measured on the validation part. An rnn, a gru and an
    lstm with about as many parameters each are trained on the rest; then again, with and without clipping, by plain
    gradient descent and from recurrent weights that are too large. With --checkpoint, that network is measured and none
    is trained; without CORPUS, on the text that it learnt.

    The gradient is that of the loss at one step with respect to the state k steps before: the hidden state h, and for
    the LSTM its cell state c too. Norms are averaged over 256 places; the median shows whether a few of them make up
    the mean.
    """
    if plot is not None:
        check_picture(plot, force, "plot")
    overlays = given.overlays(iterations=iterations)
    if path is None:
        found = compare_cells(overlays, steps, positions, training=_training, contexts=_shown)
    else:
        found = _study(path, overlays, steps, positions, unknown)
    of = telling_names([path])[0] if path else list_text([flow.settings.model.cell for flow in found.usual])
    with picture_beside(plot, lambda: draw_gradients(found, f"The gradients of {of}")):
        if as_json:
            print_json(gradients_document(found))
        else:
            for line in tables(found, shutil.get_terminal_size().columns):
                click.echo(line)


def _study(path: str, overlays: Sequence[Overlay], steps: int, positions: int, unknown: Unknown) -> Findings:
    """Studies the network in a checkpoint."""
    for entry in (entry for overlay in overlays for entry in overlay.entries):
        if not entry.key.startswith("corpus."):
            raise click.UsageError(
                f"{entry.origin}: {entry.key} says how to train, and with --checkpoint nothing is trained"
            )
    checkpoint = load_checkpoint(path)
    corpus, measured = text_to_measure(checkpoint, overlays, unknown)
    say(f"corpus: {corpus.name}, {how_many(len(measured), 'character')} measured, of its validation part")
    return study_network(checkpoint, measured, steps, positions, contexts=_shown)


def _shown(losses: Iterable[ContextLoss]) -> Iterator[ContextLoss]:
    """The losses by context, with a bar on a terminal."""
    with progress_bar("contexts {bar} {remaining} left", total=2 * LONGEST) as bar:
        for loss in losses:
            yield loss
            bar.update(loss.context or 1)


def _training(trainer: Trainer) -> Iterator[Step]:
    """The iterations of a training, which it announces, with a bar on a terminal."""
    trainer.plan()
    assert trainer.iterations is not None
    m, size = trainer.settings.model, len(trainer.model.parameters.vector)
    say(
        f"training {m.summary}, {size:,} parameters, {how_many(trainer.iterations, 'iteration')}, "
        f"{clip_text(trainer.settings.training)}"
    )
    yield from progress_bar("{n}/{total}, {remaining} left {bar}", training_steps(trainer), total=trainer.iterations)
