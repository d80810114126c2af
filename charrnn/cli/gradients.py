"""``charrnn gradients``"""

import json
import math
import shutil
import statistics
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from charrnn.cli.pictures import check_picture, picture_options, write_picture
from charrnn.cli.settings import Layers, layers_of, settings_options
from charrnn.cli.terminal import say

if TYPE_CHECKING:
    from charrnn.analysis.context import ContextLoss
    from charrnn.analysis.gradients import Flow
    from charrnn.arrays import Ids
    from charrnn.config import TrainingSettings
    from charrnn.model import Model
    from charrnn.text.vocabulary import Unknown
    from charrnn.training.trainer import Step, Trainer

MARKS = {"rnn": "r", "gru": "g", "lstm": "l"}
"""What stands for a cell in a chart; other cells have an ``x``."""
ROWS = 10
"""Of a table, about."""
DECADES = 12
"""Powers of ten that a chart goes down from its largest number."""
NARROWEST = 10
"""Columns that a chart takes; where the terminal has fewer beside a table, there is none."""


@dataclass
class Report:
    """All that is shown."""

    steps: int
    usual: "list[Flow]"
    contexts: "list[list[ContextLoss]]"
    """Of each of those networks, that with all characters before first."""
    unclipped: "list[Flow]" = field(default_factory=list)
    """Of networks whose recurrent weights are too large; none with a checkpoint."""
    clipped: "list[Flow]" = field(default_factory=list)
    """Of the same."""


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
    unknown: "Unknown",
    plot: Path | None,
    force: bool,
    as_json: bool,
) -> None:
    """Show how gradients fade and explode over time, what clipping does, and how far back a network looks.

    CORPUS and settings are those of charrnn train; what is measured is measured on the validation part. An rnn, a gru
    and an lstm of like parameter counts are trained on it; and then again, with and without clipping, by plain gradient
    descent and from recurrent weights that are too large. With --checkpoint that network is measured, on the text that
    it learnt if there is no CORPUS, and none is trained.

    The gradient is that of the loss at one step by the state that the step k before it passed on: by the hidden state
    h, and for the LSTM by its cell state c too. Norms are averaged over 256 places; where few of them make the mean,
    the median says so.
    """
    if plot is not None:
        check_picture(plot, force, "--plot")
    layers = layers_of(corpus, configs, assignments, iterations=iterations)
    if path is None:
        report = _of_small_networks(layers, steps, positions)
    else:
        report = _of_checkpoint(path, layers, steps, positions, unknown)
    try:
        if as_json:
            click.echo(json.dumps(_document(report), allow_nan=False))
        else:
            _print(report)
    finally:  # whoever reads the tables may have read enough
        if plot is not None:
            from charrnn.cli.gradient_plot import draw

            write_picture(draw(report), plot, "--plot")
            say(f"wrote {plot}")


def _of_small_networks(layers: Layers, steps: int, positions: int) -> Report:
    """Trains them."""
    from charrnn.analysis.baselines import held_out
    from charrnn.analysis.gradients import COMPARED, LARGE, like_sized
    from charrnn.config import from_mapping, resolve
    from charrnn.errors import DivergenceError
    from charrnn.training.recipe import NAMES, corpus_of
    from charrnn.training.trainer import Trainer

    usual = [from_mapping(COMPARED, "charrnn gradients"), *layers]
    settings, large = (resolve([*usual, from_mapping(more, "charrnn gradients")], NAMES) for more in ({}, LARGE))
    unclipped = large.model_copy(update={"training": large.training.model_copy(update={"clip": None})})
    text = corpus_of(settings)
    measured = held_out(text)
    learnt = replace(text, ids=text.training, test_start=text.validation_start)  # no time goes into evaluations
    report = Report(steps, [], [])
    for each in like_sized(settings, text.vocabulary):
        trainer = Trainer(each, learnt)
        report.usual.append(_flow(trainer, measured, steps))
        if report.usual[-1].diverged:
            raise DivergenceError(
                f"the {each.model.cell} diverged after iteration {len(report.usual[-1].loss)}; try a lower "
                "training.learning_rate or a smaller training.clip"
            )
        report.contexts.append(_contexts(trainer.model, measured, positions))
    for flows, these in ((report.unclipped, unclipped), (report.clipped, large)):
        flows += [_flow(Trainer(each, learnt), measured, steps) for each in like_sized(these, text.vocabulary)]
    return report


def _of_checkpoint(path: str, layers: Layers, steps: int, positions: int, unknown: "Unknown") -> Report:
    from charrnn.analysis.baselines import held_out
    from charrnn.analysis.gradients import Flow, norms_back
    from charrnn.checkpoint import load_checkpoint
    from charrnn.config import from_mapping, resolve
    from charrnn.errors import CorpusError, UnknownCharacterError
    from charrnn.model import Model
    from charrnn.training.recipe import NAMES, corpus_of

    for entry in chain(*layers):
        if not entry.key.startswith("corpus."):
            raise click.UsageError(
                f"{entry.origin}: {entry.key} says how to train, and with --checkpoint nothing is trained"
            )
    checkpoint = load_checkpoint(path)
    model, own = checkpoint.model, checkpoint.settings.corpus.model_dump()
    try:
        text = corpus_of(resolve([from_mapping({"corpus": own}, "the checkpoint"), *layers], NAMES))
    except CorpusError as error:
        given = any(entry.key == "corpus.path" for entry in chain(*layers))
        raise CorpusError(f"{error}{'' if given else '; or give another text, as CORPUS'}") from None
    try:
        measured = model.vocabulary.encode(text.vocabulary.decode(held_out(text)), unknown)
    except UnknownCharacterError as error:
        raise UnknownCharacterError(f"{error}, or skip or replace them with --unknown") from None
    say(f"corpus: {text.name}, {len(measured):,} characters measured, of its validation part")
    untrained = Model.new(checkpoint.settings, model.vocabulary)
    began, trained = (norms_back(each, measured, steps) for each in (untrained, model))
    flow = Flow(checkpoint.settings, len(model.parameters.vector), began, trained)
    return Report(steps, [flow], [_contexts(model, measured, positions)])


def _contexts(model: "Model", text: "Ids", positions: int) -> "list[ContextLoss]":
    from tqdm import tqdm

    from charrnn.analysis.context import LONGEST, losses_by_context

    losses = []
    with tqdm(
        total=2 * LONGEST, delay=1, leave=False, disable=None, bar_format="contexts {bar} {remaining} left"
    ) as bar:
        for each in losses_by_context(model, text, positions):
            losses.append(each)
            bar.update(each.context or 1)
    return losses


def _flow(trainer: "Trainer", text: "Ids", steps: int) -> "Flow":
    """Trains, and says what."""
    from charrnn.analysis.gradients import flow

    m, size = trainer.settings.model, len(trainer.model.parameters.vector)
    say(
        f"training {m.cell}, {m.layers} x {m.hidden}, {size:,} parameters, {trainer.iterations:,} iterations, "
        f"{_clip_text(trainer.settings.training)}"
    )
    return flow(trainer.settings, trainer.model, _training(trainer), text, steps)


def _training(trainer: "Trainer") -> "Iterator[Step]":
    """The iterations of a training, with a bar on a terminal."""
    from tqdm import tqdm

    from charrnn.training.trainer import Step

    with tqdm(
        total=trainer.iterations, delay=1, leave=False, disable=None, bar_format="{n}/{total}, {remaining} left {bar}"
    ) as bar:
        for fact in trainer.train():
            if isinstance(fact, Step):
                bar.update()
                yield fact


def _clip_text(training: "TrainingSettings") -> str:
    return "without clipping" if training.clip is None else f"{training.clip_kind} clipped to {training.clip:g}"


def _print(report: Report) -> None:
    _flow_table("untrained", report.usual)
    _flow_table("trained", report.usual, trained=True)
    if report.clipped:
        large = f"recurrent weights that lengthen a vector {report.clipped[0].settings.model.scale:g} times"
        _flow_table(f"{large}, untrained", report.clipped)
        for flows in (report.unclipped, report.clipped):
            _flow_table(f"the same, trained, {_clip_text(flows[0].settings.training)}", flows, trained=True)
        _clipping_table(report.unclipped[0], report.clipped[0])
    _context_table(report)


def _flow_table(title: str, flows: "Sequence[Flow]", trained: bool = False) -> None:
    """The mean norms at some of the steps back, each with its mark at its place on a logarithmic scale, and what
    training was, where there was one."""
    import numpy as np

    from charrnn.analysis.gradients import LEFT, reach

    names = [flow.settings.model.cell for flow in flows]
    curves = [flow.trained if trained else flow.untrained for flow in flows]
    rows = list(zip(*(norms.mean(axis=-1).tolist() for norms in curves), strict=True))
    steps = len(rows) - 1
    chart = _log_chart([norm for row in rows for norm in row], 8 + 10 * len(names))
    click.echo(f"mean norm of d loss[t] / d state[t-k]\n{title}")
    click.echo(f"     k{''.join(f'{name:>10}' for name in names)}  {chart.axis}".rstrip())
    for k in range(0, len(rows), max(1, math.ceil(steps / ROWS))):
        numbers = "".join(f"{norm:10.1e}" for norm in rows[k])
        click.echo(f"{k:6}{numbers}  {chart.row(map(_log, rows[k]), map(_mark, names))}".rstrip())
    click.echo(f"the last k with {LEFT:.1%} of the norm at k = 1, by mean and median")
    for average in (np.mean, np.median):
        reached = (reach(average(norms, axis=-1)) for norms in curves)
        shown = [f">= {k}" if k == steps else f"{k}" for k in reached]
        click.echo(f"{average.__name__:>6}{''.join(f'{k:>10}' for k in shown)}")
    if trained and any(flow.loss or flow.diverged for flow in flows):
        click.echo("training: largest norm of the whole gradient, and loss at the end")
        click.echo("\n".join(map(_training_text, flows)))
    click.echo()


def _training_text(flow: "Flow") -> str:
    from charrnn.cli.output import loss_text

    training, done, parts = flow.settings.training, len(flow.loss), []
    if flow.loss:
        parts.append(f"largest norm {max(flow.gradient_norm):.2g}")
        if training.clip is not None and training.clip_kind == "norm":
            parts.append(f"clipped {sum(norm > training.clip for norm in flow.gradient_norm)} of {done} times")
        parts.append(loss_text(statistics.fmean(flow.loss[-10:])))
    if flow.diverged:
        parts.append(f"stopped after iteration {done} at a number that was not finite")
    return f"{flow.settings.model.cell}: {', '.join(parts)}"


def _context_table(report: Report) -> None:
    from charrnn.analysis.context import WITHIN, horizon

    names, networks = [flow.settings.model.cell for flow in report.usual], report.contexts
    rows = list(zip(*networks, strict=True))
    losses = [each.loss for row in rows for each in row]
    low, high = min(losses), max(losses)
    chart = _Chart(low, high, f"{low:.2f}", f"{high:.2f}", 10 + 15 * len(names))
    click.echo("loss by characters of context, nats/char (bits)")
    click.echo(f" context{''.join(f'{name:>15}' for name in names)}  {chart.axis}".rstrip())
    for row in (*rows[1:], rows[0]):
        numbers = "".join(f"{f'{each.loss:.3f} ({each.bits:.3f})':>15}" for each in row)
        marks = chart.row([each.loss for each in row], map(_mark, names))
        click.echo(f"{row[0].context or 'all':>8}{numbers}  {marks}".rstrip())
    for name, losses_of_one in zip(names, networks, strict=True):
        within = horizon(losses_of_one)
        error = next((each.error for each in losses_of_one if each.context == within), losses_of_one[-1].error)
        what = f"{within} on" if within else f"no context up to {losses_of_one[-1].context} on"
        click.echo(f"{name}: within {WITHIN:g} nats/char of all from {what} (standard error {error:.3f})")


def _clipping_table(unclipped: "Flow", clipped: "Flow") -> None:
    """Blocks of iterations: the largest norm and the mean loss of each."""
    pair = (unclipped, clipped)
    chart = _log_chart([norm for each in pair for norm in each.gradient_norm], 51)
    click.echo(
        f"that {clipped.settings.model.cell}, without clipping (n) and with (c): largest norm of the whole gradient\n"
        "before clipping, and mean training loss in nats/char\n"
        f"{'iterations':>13}{'norm n':>10}{'norm c':>10}{'loss n':>8}{'loss c':>8}  {chart.axis}".rstrip()
    )
    iterations = max(len(each.loss) for each in pair)
    size = max(1, math.ceil(iterations / ROWS))
    for start in range(0, iterations, size):
        block = slice(start, start + size)
        norms = [max(each.gradient_norm[block], default=math.nan) for each in pair]
        losses = [statistics.fmean(each.loss[block] or [math.nan]) for each in pair]
        numbers = "".join([f"{norm:10.1e}" for norm in norms] + [f"{loss:8.3f}" for loss in losses])
        rows = f"{start + 1} to {min(start + size, iterations)}"
        click.echo(f"{rows:>13}{numbers}  {chart.row(map(_log, norms), 'nc')}".rstrip())
    click.echo()


def _mark(cell: str) -> str:
    return MARKS.get(cell, "x")


def _log(number: float) -> float:
    return math.log10(number) if number > 0 else -math.inf if number == 0 else math.nan


def _log_chart(numbers: "Sequence[float]", used: int) -> "_Chart":
    """A chart of the powers of ten that hold the numbers, ``DECADES`` of them at most."""
    logs = [log for log in map(_log, numbers) if math.isfinite(log)]
    top = math.ceil(max(logs, default=0))
    bottom = min(max(math.floor(min(logs, default=0)), top - DECADES), top - 1)
    return _Chart(bottom, top, f"1e{bottom}", f"1e{top}", used)


class _Chart:
    """Rows of marks over an axis, in what is left of the terminal's width."""

    def __init__(self, low: float, high: float, left: str, right: str, used: int) -> None:
        self._low, self._high = low, max(high, low + 1e-9)
        free = min(60, shutil.get_terminal_size().columns - used - 1)
        self._width = free if free >= NARROWEST else 0
        self.axis = self._width and left + "-" * (self._width - len(left) - len(right)) + right

    def row(self, places: "Iterable[float]", marks: "Iterable[str]") -> str:
        """``<`` stands for marks beyond the axis to the left, ``*`` for several at one place; what is no finite number
        to the right has none."""
        cells = [" "] * self._width
        for place, mark in zip(places, marks, strict=True):
            if not self._width or not place < math.inf:
                continue
            share = (place - self._low) / (self._high - self._low)
            at = round(min(max(share, 0), 1) * (self._width - 1))
            shown = "<" if share < 0 else mark
            cells[at] = shown if cells[at] in (" ", shown) else "*"
        return "".join(cells).rstrip()


def _document(report: Report) -> dict[str, Any]:
    from charrnn.analysis.context import WITHIN, horizon

    networks = [
        _flow_document(flow)
        | {
            "loss_by_context": [asdict(each) | {"bits": each.bits} for each in contexts],
            "context_within": {"nats": WITHIN, "characters": horizon(contexts)},
        }
        for flow, contexts in zip(report.usual, report.contexts, strict=True)
    ]
    large = [_flow_document(flow) for flow in (*report.unclipped, *report.clipped)]
    return {"steps": report.steps, "networks": networks, "large_weights": large}


def _flow_document(flow: "Flow") -> dict[str, Any]:
    """With null for what is not finite."""
    import numpy as np

    m, t = flow.settings.model, flow.settings.training
    norms = {
        when: {
            average.__name__: [norm if math.isfinite(norm) else None for norm in average(norms, axis=-1).tolist()]
            for average in (np.mean, np.median)
        }
        for when, norms in (("untrained", flow.untrained), ("trained", flow.trained))
    }
    return {
        "cell": m.cell,
        "hidden": m.hidden,
        "parameters": flow.parameters,
        "scale": m.scale,
        "clip": t.clip,
        "gradient_norm_back": norms,
        "training": {"gradient_norm": flow.gradient_norm, "loss": flow.loss, "diverged": flow.diverged},
    }
