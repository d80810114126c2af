"""``charrnn gradients``"""

import json
import math
import shutil
import statistics
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from charrnn.cli.pictures import check_picture, picture_options, write_picture
from charrnn.cli.settings import Layers, layers_of, settings_options
from charrnn.cli.terminal import say

if TYPE_CHECKING:
    from charrnn.analysis.context import ContextLoss
    from charrnn.analysis.gradients import Clipping, Curve, Flow
    from charrnn.arrays import Array, Ids
    from charrnn.config import Settings
    from charrnn.model import Model
    from charrnn.text.corpus import Corpus
    from charrnn.text.vocabulary import Unknown
    from charrnn.training.trainer import Step, Trainer

MARKS = {("rnn", "h"): "r", ("gru", "h"): "g", ("lstm", "h"): "h", ("lstm", "c"): "c"}
"""What stands for a curve in a chart; other cells have an ``x``."""
ROWS = 20
"""Of a table, about."""
DECADES = 12
"""Powers of ten that a chart goes down from its largest number."""


@dataclass
class Report:
    """All that is shown."""

    steps: int
    flows: "list[Flow]"
    contexts: "list[list[ContextLoss]]"
    """Of each network, that with all characters before first."""
    clipping: "list[Clipping]"
    """Without and with; empty with a checkpoint."""


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
    type=click.IntRange(1, 10_000),
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
    and an lstm of like parameter counts are trained on it, and then an rnn whose recurrent weights are too large, with
    and without clipping. With --checkpoint that network is measured, and no other is trained.

    The gradient is that of the loss at one step by the state that the step k before it passed on: by the hidden state
    h, through which a step acts on the gates of the next, and for the LSTM by its cell state c too, which is carried
    beside the gates. Norms are averaged over 256 places; where few of them make the mean, the median says so.
    """
    if plot is not None:
        check_picture(plot, force, "--plot")
    layers = layers_of(corpus, configs, assignments, iterations=iterations)
    if path is None:
        report = _of_small_networks(layers, steps, positions)
    else:
        report = _of_checkpoint(path, layers, steps, positions, unknown)
    if as_json:
        click.echo(json.dumps(_document(report), allow_nan=False))
    else:
        _print(report)
    if plot is not None:
        from charrnn.cli.gradient_plot import draw

        write_picture(draw(report), plot, "--plot")
        say(f"wrote {plot}")


def _of_small_networks(layers: Layers, steps: int, positions: int) -> Report:
    """Trains them."""
    from charrnn.analysis.baselines import held_out
    from charrnn.analysis.gradients import COMPARED, EXPLODING, flow, like_sized
    from charrnn.config import from_mapping, resolve
    from charrnn.training.recipe import NAMES, corpus_of
    from charrnn.training.trainer import Trainer

    settings, exploding = (
        resolve([from_mapping(own, "charrnn gradients"), *layers], NAMES) for own in (COMPARED, EXPLODING)
    )
    text = corpus_of(settings)
    measured = held_out(text)
    report = Report(steps, [], [], [])
    for each in like_sized(settings, text.vocabulary):
        trainer = Trainer(each, text)
        for _ in _train(trainer, _clip_text(each.training.clip)):
            pass
        report.flows.append(flow(each, trainer.model, measured, steps))
        report.contexts.append(_contexts(trainer.model, measured, positions))
    for clip in (None, exploding.training.clip or 1.0):
        report.clipping.append(_clipping(exploding, text, clip))
    return report


def _of_checkpoint(path: str, layers: Layers, steps: int, positions: int, unknown: "Unknown") -> Report:
    from charrnn.analysis.baselines import held_out
    from charrnn.analysis.gradients import flow
    from charrnn.checkpoint import load_checkpoint
    from charrnn.config import from_mapping, resolve
    from charrnn.errors import UnknownCharacterError
    from charrnn.training.recipe import NAMES, corpus_of

    checkpoint = load_checkpoint(path)
    model, own = checkpoint.model, checkpoint.settings.corpus.model_dump() | {"path": []}
    text = corpus_of(resolve([from_mapping({"corpus": own}, "the checkpoint"), *layers], NAMES))
    try:
        measured = model.vocabulary.encode(text.vocabulary.decode(held_out(text)), unknown)
    except UnknownCharacterError as error:
        raise UnknownCharacterError(f"{error}, or skip or replace them with --unknown") from None
    say(f"corpus: {text.name}, {len(measured):,} characters measured, of its validation part")
    reached = flow(checkpoint.settings, model, measured, steps)
    return Report(steps, [reached], [_contexts(model, measured, positions)], [])


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


def _clipping(settings: "Settings", corpus: "Corpus", clip: float | None) -> "Clipping":
    from charrnn.analysis.gradients import clipping
    from charrnn.training.trainer import Trainer

    training = settings.training.model_copy(update={"clip": clip})
    settings = settings.model_copy(update={"training": training})
    return clipping(settings, _train(Trainer(settings, corpus), _clip_text(clip)))


def _train(trainer: "Trainer", name: str) -> "Iterator[Step]":
    """The iterations of a training, with a bar on a terminal."""
    from tqdm import tqdm

    from charrnn.training.trainer import Step

    m, size = trainer.settings.model, len(trainer.model.parameters.vector)
    say(f"training {m.cell}, {m.layers} x {m.hidden}, {size:,} parameters, {trainer.iterations:,} iterations; {name}")
    with tqdm(
        total=trainer.iterations, delay=1, leave=False, disable=None, bar_format="{n}/{total}, {remaining} left {bar}"
    ) as bar:
        for fact in trainer.train():
            if isinstance(fact, Step):
                bar.update()
                yield fact


def _clip_text(clip: float | None) -> str:
    return "no clipping" if clip is None else f"the gradient's norm clipped to {clip:g}"


def _print(report: Report) -> None:
    for when in ("untrained", "trained"):
        _flow_table(when, {curve: norms for flow in report.flows for curve, norms in flow.curves(when).items()})
    _context_table([flow.name for flow in report.flows], report.contexts)
    if report.clipping:
        _clipping_table(*report.clipping)


def _flow_table(when: str, curves: "dict[Curve, Array]") -> None:
    """The mean norms at some of the steps back, each with its mark at its place on a logarithmic scale."""
    import numpy as np

    from charrnn.analysis.gradients import LEFT, reach

    marks = [MARKS.get(curve, "x") for curve in curves]
    names = [f"{cell} {state}" for cell, state in curves]
    rows = list(zip(*(norms.mean(axis=-1).tolist() for norms in curves.values()), strict=True))
    chart = _log_chart([norm for row in rows for norm in row], 6 + 10 * len(names))
    click.echo(f"mean norm of d loss[t] / d state[t-k], {when}")
    click.echo(f"   k{''.join(f'{name:>10}' for name in names)}  {chart.axis}")
    for k in range(0, len(rows), max(1, math.ceil((len(rows) - 1) / ROWS))):
        click.echo(f"{k:4}{''.join(map(_norm_text, rows[k]))}  {chart.row(map(_log, rows[k]), marks)}")
    for average in (np.mean, np.median):
        reached = (reach(average(norms, axis=-1)) for norms in curves.values())
        last = ", ".join(f"{name} ({mark}) {k}" for name, mark, k in zip(names, marks, reached, strict=True))
        click.echo(f"the last k with {LEFT:.0%} of the {average.__name__} at k = 1: {last}")
    click.echo()


def _context_table(names: "Sequence[str]", networks: "Sequence[Sequence[ContextLoss]]") -> None:
    from charrnn.analysis.context import WITHIN, horizon

    marks = [MARKS.get((name, "h"), "x") for name in names]
    rows = list(zip(*networks, strict=True))
    losses = [each.loss for row in rows for each in row]
    low, high = min(losses), max(losses)
    chart = _Chart(low, high, f"{low:.2f}", f"{high:.2f}", 10 + 15 * len(names))
    click.echo("loss by characters of context, nats/char (bits)")
    click.echo(f" context{''.join(f'{name:>15}' for name in names)}  {chart.axis}")
    for row in (*rows[1:], rows[0]):
        numbers = "".join(f"{f'{each.loss:.3f} ({each.bits:.3f})':>15}" for each in row)
        click.echo(f"{row[0].context or 'all':>8}{numbers}  {chart.row([each.loss for each in row], marks)}")
    for name, losses_of_one in zip(names, networks, strict=True):
        within = horizon(losses_of_one)
        error = next((each.error for each in losses_of_one if each.context == within), losses_of_one[-1].error)
        what = f"{within} on" if within else f"no context up to {losses_of_one[-1].context} on"
        click.echo(f"{name}: within {WITHIN:g} nats/char of all from {what} (standard error {error:.3f})")


def _clipping_table(without: "Clipping", clipped: "Clipping") -> None:
    """Blocks of iterations: the largest norm and the mean loss of each."""
    from charrnn.cli.output import loss_text

    pair = (without, clipped)
    chart = _log_chart([*without.gradient_norm, *clipped.gradient_norm], 52)
    click.echo(
        f"\nrnn with recurrent weights that lengthen a vector {without.scale:g} times, without clipping (n) and with\n"
        f"the norm clipped to {clipped.clip:g} (c): largest norm of the whole gradient before clipping, mean loss\n"
        f"{'iterations':>13}{'norm n':>10}{'norm c':>10}{'loss n':>8}{'loss c':>8}  {chart.axis}"
    )
    iterations = max(len(each.loss) for each in pair)
    size = max(1, math.ceil(iterations / ROWS))
    for start in range(0, iterations, size):
        block = slice(start, start + size)
        norms = [max(each.gradient_norm[block], default=math.nan) for each in pair]
        losses = [statistics.fmean(each.loss[block]) if each.loss[block] else math.nan for each in pair]
        shown = "".join(f"{'-' if math.isnan(loss) else f'{loss:.3f}':>8}" for loss in losses)
        rows = f"{start + 1} to {min(start + size, iterations)}"
        click.echo(f"{rows:>13}{''.join(map(_norm_text, norms))}{shown}  {chart.row(map(_log, norms), 'nc')}")
    for each, name in zip(pair, ("without clipping", "with clipping"), strict=True):
        parts = []
        if each.loss:
            end = statistics.fmean(each.loss[-10:])
            parts.append(f"largest norm {max(each.gradient_norm):.2g}, mean loss of the last 10 {loss_text(end)}")
        if each.diverged:
            parts.append(f"training stopped after iteration {len(each.loss)}, at a number that was not finite")
        click.echo(f"{name}: {'; '.join(parts)}")


def _norm_text(norm: float) -> str:
    return f"{norm:10.1e}" if norm > 0 else f"{'-':>10}"


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
        self._width = max(20, min(60, shutil.get_terminal_size().columns - used - 1))
        self.axis = left + "-" * (self._width - len(left) - len(right)) + right

    def row(self, places: "Iterable[float]", marks: "Iterable[str]") -> str:
        """``<`` stands for marks beyond the axis to the left, ``*`` for several at one place; NaN has none."""
        cells = [" "] * self._width
        for place, mark in zip(places, marks, strict=True):
            if place == -math.inf or math.isnan(place):
                continue
            share = (place - self._low) / (self._high - self._low)
            at = round(min(max(share, 0), 1) * (self._width - 1))
            shown = "<" if share < 0 else mark
            cells[at] = shown if cells[at] in (" ", shown) else "*"
        return "".join(cells).rstrip()


def _document(report: Report) -> dict[str, Any]:
    import numpy as np

    from charrnn.analysis.context import WITHIN, horizon

    networks = []
    for flow, contexts in zip(report.flows, report.contexts, strict=True):
        norms = {
            when: {
                state: {"mean": norms.mean(axis=-1).tolist(), "median": np.median(norms, axis=-1).tolist()}
                for (_, state), norms in flow.curves(when).items()
            }
            for when in ("untrained", "trained")
        }
        networks.append(
            {
                "cell": flow.name,
                "hidden": flow.hidden,
                "parameters": flow.parameters,
                "gradient_norm": norms,
                "loss_by_context": [asdict(each) | {"bits": each.bits} for each in contexts],
                "context_within": {"nats": WITHIN, "characters": horizon(contexts)},
            }
        )
    return {"steps": report.steps, "networks": networks, "clipping": [asdict(each) for each in report.clipping]}
