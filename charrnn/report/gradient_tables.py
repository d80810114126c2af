"""How far back gradients and networks reach: tables with a chart beside them, and the same as a JSON document."""

import math
import statistics
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from charrnn.analysis.context import WITHIN, horizon
from charrnn.analysis.gradient_study import Findings, Flow
from charrnn.analysis.gradients import REMAINING, reach
from charrnn.nn.cells import CELLS
from charrnn.report.figures import loss_text
from charrnn.settings.schema import TrainingSettings
from charrnn.wording import how_many

ROWS = 10
"""How many rows a table has, about."""
DECADES = 12
"""How many powers of ten a chart reaches below its largest number."""
NARROWEST = 10
"""The fewest columns a chart needs; where there are fewer beside a table, there is no chart."""


def tables(found: Findings, width: int) -> Iterator[str]:
    """Everything that was found, as lines of at most ``width`` columns where the charts leave room."""
    yield from _flow_table("untrained", found.usual, width)
    yield from _flow_table("trained", found.usual, width, trained=True)
    if found.clipped:
        large = f"recurrent weights that lengthen a vector {found.clipped[0].settings.model.scale:g} times"
        yield from _flow_table(f"{large}, untrained", found.clipped, width)
        for flows in (found.unclipped, found.clipped):
            title = f"the same, trained, {clip_text(flows[0].settings.training)}"
            yield from _flow_table(title, flows, width, trained=True)
        yield from _clipping_table(found.unclipped[0], found.clipped[0], width)
    yield from _context_table(found, width)


def clip_text(training: TrainingSettings) -> str:
    """How training clips, such as ``norm clipped to 5``."""
    return "without clipping" if training.clip is None else f"{training.clip_kind} clipped to {training.clip:g}"


def _flow_table(title: str, flows: Sequence[Flow], width: int, trained: bool = False) -> Iterator[str]:
    """The mean norm at some of the steps back, as numbers and as marks on a logarithmic scale; and how training went,
    where there was one."""
    names = [flow.settings.model.cell for flow in flows]
    curves = [flow.trained if trained else flow.untrained for flow in flows]
    rows = list(zip(*(norms.mean(axis=-1).tolist() for norms in curves), strict=True))
    steps = len(rows) - 1
    chart = _log_chart([norm for row in rows for norm in row], width - 8 - 10 * len(names))
    yield f"mean norm of d loss[t] / d state[t-k]\n{title}"
    yield f"     k{''.join(f'{name:>10}' for name in names)}  {chart.axis}".rstrip()
    for k in range(0, len(rows), max(1, math.ceil(steps / ROWS))):
        numbers = "".join(f"{norm:10.1e}" for norm in rows[k])
        yield f"{k:6}{numbers}  {chart.row(map(_log, rows[k]), map(_mark, names))}".rstrip()
    yield f"the last k with {REMAINING:.1%} of the norm at k = 1, by mean and median"
    for average in (np.mean, np.median):
        reached = (reach(average(norms, axis=-1)) for norms in curves)
        shown = [f">= {k}" if k == steps else f"{k}" for k in reached]
        yield f"{average.__name__:>6}{''.join(f'{k:>10}' for k in shown)}"
    if trained and any(flow.loss or flow.diverged for flow in flows):
        yield "training: largest norm of the whole gradient, and loss at the end"
        yield from map(_training_text, flows)
    yield ""


def _training_text(flow: Flow) -> str:
    training, done, parts = flow.settings.training, len(flow.loss), []
    if flow.loss:
        parts.append(f"largest norm {max(flow.gradient_norm):.2g}")
        if training.clip is not None and training.clip_kind == "norm":
            parts.append(
                f"clipped {sum(norm > training.clip for norm in flow.gradient_norm)} of {how_many(done, 'time')}"
            )
        parts.append(loss_text(statistics.fmean(flow.loss[-10:])))
    if flow.diverged:
        parts.append(f"stopped after iteration {done:,} at a number that was not finite")
    return f"{flow.settings.model.cell}: {', '.join(parts)}"


def _context_table(found: Findings, width: int) -> Iterator[str]:
    """The loss by the number of characters of context, and from how many on more of them help little."""
    names, networks = [flow.settings.model.cell for flow in found.usual], found.contexts
    rows = list(zip(*networks, strict=True))
    losses = [each.loss for row in rows for each in row]
    low, high = min(losses), max(losses)
    chart = _Chart(low, high, f"{low:.2f}", f"{high:.2f}", width - 10 - 15 * len(names))
    yield "loss by characters of context, nats/char (bits)"
    yield f" context{''.join(f'{name:>15}' for name in names)}  {chart.axis}".rstrip()
    for row in (*rows[1:], rows[0]):
        numbers = "".join(f"{f'{each.loss:.3f} ({each.bits:.3f})':>15}" for each in row)
        marks = chart.row([each.loss for each in row], map(_mark, names))
        yield f"{row[0].context or 'all':>8}{numbers}  {marks}".rstrip()
    for name, losses_of_one in zip(names, networks, strict=True):
        within, longest = horizon(losses_of_one), losses_of_one[-1].context
        (error,) = (each.error for each in losses_of_one if each.context == (within or longest))
        near = f"within {WITHIN:g} nats/char of all from {within} on"
        far = f"more than {WITHIN:g} nats/char above all still with {longest}"
        yield f"{name}: {near if within else far} (standard error {error:.3f})"


def _clipping_table(unclipped: Flow, clipped: Flow, width: int) -> Iterator[str]:
    """Blocks of iterations: the largest norm and the mean loss of each."""
    pair = (unclipped, clipped)
    iterations = max(len(each.loss) for each in pair)
    column = max(13, len(f"{iterations:,} to {iterations:,}"))
    chart = _log_chart([norm for each in pair for norm in each.gradient_norm], width - 38 - column)
    yield (
        f"that {clipped.settings.model.cell}, without clipping (n) and with (c): largest norm of the whole gradient\n"
        "before clipping, and mean training loss in nats/char\n"
        f"{'iterations':>{column}}{'norm n':>10}{'norm c':>10}{'loss n':>8}{'loss c':>8}  {chart.axis}".rstrip()
    )
    size = max(1, math.ceil(iterations / ROWS))
    for start in range(0, iterations, size):
        block = slice(start, start + size)
        norms = [max(each.gradient_norm[block], default=math.nan) for each in pair]
        losses = [statistics.fmean(each.loss[block] or [math.nan]) for each in pair]
        numbers = "".join([f"{norm:10.1e}" for norm in norms] + [f"{loss:8.3f}" for loss in losses])
        last = min(start + size, iterations)
        rows = f"{start + 1:,} to {last:,}" if last > start + 1 else f"{last:,}"
        yield f"{rows:>{column}}{numbers}  {chart.row(map(_log, norms), 'nc')}".rstrip()
    yield ""


def _mark(cell: str) -> str:
    return CELLS[cell].letter


def _log(number: float) -> float:
    return math.log10(number) if number > 0 else -math.inf if number == 0 else math.nan


class _Chart:
    """Rows of marks under an axis, in at most ``room`` columns; empty where that is too narrow."""

    def __init__(self, low: float, high: float, left: str, right: str, room: int) -> None:
        self._low, self._high = low, max(high, low + 1e-9)
        free = min(60, room - 1)
        self._width = free if free >= NARROWEST else 0
        self.axis = left + "-" * (self._width - len(left) - len(right)) + right if self._width else ""

    def row(self, places: Iterable[float], marks: Iterable[str]) -> str:
        """A mark at each place: ``<`` for one left of the axis, ``*`` for several at one place; none for infinity and
        NaN."""
        cells = [" "] * self._width
        for place, mark in zip(places, marks, strict=True):
            if not self._width or not place < math.inf:
                continue
            share = (place - self._low) / (self._high - self._low)
            at = round(min(max(share, 0), 1) * (self._width - 1))
            shown = "<" if share < 0 else mark
            cells[at] = shown if cells[at] in (" ", shown) else "*"
        return "".join(cells).rstrip()


def _log_chart(numbers: Sequence[float], room: int) -> _Chart:
    """A chart with an axis of powers of ten that holds the numbers, at most ``DECADES`` long."""
    logs = [log for log in map(_log, numbers) if math.isfinite(log)]
    top = math.ceil(max(logs, default=0))
    bottom = min(max(math.floor(min(logs, default=0)), top - DECADES), top - 1)
    return _Chart(bottom, top, f"1e{bottom}", f"1e{top}", room)


def gradients_document(found: Findings) -> dict[str, Any]:
    """Everything that was found, for JSON."""
    networks = [
        _flow_document(flow)
        | {
            "loss_by_context": [asdict(each) | {"bits": each.bits} for each in contexts],
            "context_within": {"nats": WITHIN, "characters": horizon(contexts)},
        }
        for flow, contexts in zip(found.usual, found.contexts, strict=True)
    ]
    large = [_flow_document(flow) for flow in (*found.unclipped, *found.clipped)]
    return {"steps": found.steps, "networks": networks, "large_weights": large}


def _flow_document(flow: Flow) -> dict[str, Any]:
    """A network's gradients, with None for numbers that are not finite."""
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
