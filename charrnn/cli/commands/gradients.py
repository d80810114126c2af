"""``charrnn gradients``"""

import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import click
from tqdm import tqdm

from charrnn.analysis.baselines import held_out
from charrnn.analysis.context import LONGEST, ContextLoss, losses_by_context
from charrnn.analysis.gradients import COMPARED, LARGE, Findings, Flow, flow, like_sized, norms_back
from charrnn.arrays import Ids
from charrnn.cli.options import overlays_of, settings_options
from charrnn.cli.pictures import check_picture, picture_beside, picture_options
from charrnn.cli.terminal import say
from charrnn.errors import CorpusError, DivergenceError, UnknownCharacterError
from charrnn.model import Model
from charrnn.report.gradient_picture import draw_gradients
from charrnn.report.gradient_tables import clip_text, document, tables
from charrnn.settings.build import build_corpus
from charrnn.settings.overlays import Overlay, from_mapping, resolve
from charrnn.storage.run import load_checkpoint
from charrnn.text.vocabulary import Unknown
from charrnn.training.facts import Step
from charrnn.training.trainer import Trainer


@click.command("gradients")
@settings_options
@click.option(
    "--checkpoint",
    "path",
    type=click.Path(),
    metavar="RUN|FILE",
    help="The network to look at.  [default: three small ones, trained for a moment]",
)
@click.option(
    "--steps",
    type=click.IntRange(1, 512),
    default=100,
    show_default=True,
    help="How far back gradients are followed.",
)
@click.option("--iterations", type=int, metavar="N", help="How long the small networks are trained.  [default: 300]")
@click.option(
    "--positions",
    type=click.IntRange(2, 1_000_000),
    default=1024,
    show_default=True,
    help="Over how many characters of the text losses by context are averaged.",
)
@click.option(
    "--unknown",
    type=click.Choice(["error", "skip", "replace"]),
    default="error",
    show_default=True,
    help="With --checkpoint: what to do with characters that the network has not learnt.",
)
@picture_options("--plot")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    corpus: tuple[str, ...],
    configs: tuple[str, ...],
    assignments: tuple[str, ...],
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

    CORPUS and settings are those of charrnn train; what is measured is measured on the validation part. An rnn, a gru
    and an lstm of like parameter counts are trained on the rest; and then again, with and without clipping, by plain
    gradient descent and from recurrent weights that are too large. With --checkpoint that network is measured, on the
    text that it learnt if there is no CORPUS, and none is trained.

    The gradient is that of the loss at one step by the state that the step k before it passed on: by the hidden state
    h, and for the LSTM by its cell state c too. Norms are averaged over 256 places; where few of them make the mean,
    the median says so.
    """
    if plot is not None:
        check_picture(plot, force, "plot")
    overlays = overlays_of(corpus, configs, assignments, iterations=iterations)
    if path is None:
        found = _of_small_networks(overlays, steps, positions)
    else:
        found = _of_checkpoint(path, overlays, steps, positions, unknown)
    with picture_beside(plot, lambda: draw_gradients(found)):
        if as_json:
            click.echo(json.dumps(document(found), allow_nan=False))
        else:
            for line in tables(found, shutil.get_terminal_size().columns):
                click.echo(line)


def _of_small_networks(overlays: Sequence[Overlay], steps: int, positions: int) -> Findings:
    """Trains them."""
    usual = [from_mapping(COMPARED, "charrnn gradients"), *overlays]
    settings, large = (resolve([*usual, from_mapping(more, "charrnn gradients")]) for more in ({}, LARGE))
    unclipped = large.model_copy(update={"training": large.training.model_copy(update={"clip": None})})
    text = build_corpus(settings)
    measured = held_out(text)
    learnt = replace(text, ids=text.training, test_start=text.validation_start)  # no time goes into evaluations
    found = Findings(steps, [], [])
    for each in like_sized(settings, text.vocabulary):
        trainer = Trainer(each, learnt)
        found.usual.append(_flow(trainer, measured, steps))
        if found.usual[-1].diverged:
            raise DivergenceError(
                f"the {each.model.cell} diverged after iteration {len(found.usual[-1].loss)}; try a lower "
                "training.learning_rate or a smaller training.clip"
            )
        found.contexts.append(_contexts(trainer.model, measured, positions))
    for flows, these in ((found.unclipped, unclipped), (found.clipped, large)):
        flows += [_flow(Trainer(each, learnt), measured, steps) for each in like_sized(these, text.vocabulary)]
    return found


def _of_checkpoint(path: str, overlays: Sequence[Overlay], steps: int, positions: int, unknown: Unknown) -> Findings:
    given = [entry for overlay in overlays for entry in overlay.entries]
    for entry in given:
        if not entry.key.startswith("corpus."):
            raise click.UsageError(
                f"{entry.origin}: {entry.key} says how to train, and with --checkpoint nothing is trained"
            )
    checkpoint = load_checkpoint(path)
    model, own = checkpoint.model, checkpoint.settings.corpus.model_dump()
    try:
        text = build_corpus(resolve([from_mapping({"corpus": own}, "the checkpoint"), *overlays]))
    except CorpusError as error:
        named = any(entry.key == "corpus.path" for entry in given)
        raise CorpusError(f"{error}{'' if named else '; or give another text, as CORPUS'}") from None
    try:
        measured = model.vocabulary.encode(text.vocabulary.decode(held_out(text)), unknown)
    except UnknownCharacterError as error:
        raise UnknownCharacterError(f"{error}, or skip or replace them with --unknown") from None
    say(f"corpus: {text.name}, {len(measured):,} characters measured, of its validation part")
    untrained = Model.new(checkpoint.settings, model.vocabulary)
    began, trained = (norms_back(each, measured, steps) for each in (untrained, model))
    flow = Flow(checkpoint.settings, len(model.parameters.vector), began, trained)
    return Findings(steps, [flow], [_contexts(model, measured, positions)])


def _contexts(model: Model, text: Ids, positions: int) -> list[ContextLoss]:
    losses = []
    with tqdm(
        total=2 * LONGEST, delay=1, leave=False, disable=None, bar_format="contexts {bar} {remaining} left"
    ) as bar:
        for each in losses_by_context(model, text, positions):
            losses.append(each)
            bar.update(each.context or 1)
    return losses


def _flow(trainer: Trainer, text: Ids, steps: int) -> Flow:
    """Trains, and says what."""
    m, size = trainer.settings.model, len(trainer.model.parameters.vector)
    say(
        f"training {m.cell}, {m.layers} x {m.hidden}, {size:,} parameters, {trainer.iterations:,} iterations, "
        f"{clip_text(trainer.settings.training)}"
    )
    return flow(trainer.settings, trainer.model, _training(trainer), text, steps)


def _training(trainer: Trainer) -> Iterator[Step]:
    """The iterations of a training, with a bar on a terminal."""
    with tqdm(
        total=trainer.iterations, delay=1, leave=False, disable=None, bar_format="{n}/{total}, {remaining} left {bar}"
    ) as bar:
        for fact in trainer.train():
            if isinstance(fact, Step):
                bar.update()
                yield fact
