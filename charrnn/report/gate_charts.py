"""How open gates are, and how often saturated: a table, plots and a text with bars for a terminal; and a picture."""

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from charrnn.analysis.gates import LEFT_SATURATED, QUANTILES, RIGHT_SATURATED, Gate
from charrnn.report.escaping import escaped

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BARS = "\u2581\u2582\u2583\u2584\u2585\u2586\u2587\u2588"
DIGITS = "01234567"
"""Instead of bars, where a terminal lacks them."""
WIDTH, HEIGHT = 21, 11
"""The size of a scatter plot in characters: steps of 0.05 across and of 0.1 upwards."""
LINE = 80
"""Characters of text in a line, where the width of the terminal does not matter."""


def gate_table(gates: Sequence[Gate]) -> Iterator[str]:
    """A line for each gate: how open it is on average, and the shares of time that its units are saturated."""
    quantiles = "".join(f"{quantile:>7.0%}" for quantile in QUANTILES)
    below, above = f"share of time below {LEFT_SATURATED}", f"share of time above {RIGHT_SATURATED}"
    yield f"{'':22}  {below:^27}  {above:^27}".rstrip()
    yield f"layer  {'gate':<8}  {'mean':>5}  {'mean':>6}{quantiles}  {'mean':>6}{quantiles}"
    for gate in gates:
        row = f"{gate.layer:>5}  {gate.name:<8}  {gate.mean.mean():5.3f}"
        for share in (gate.left, gate.right):
            row += f"  {share.mean():6.1%}" + "".join(f"{q:7.1%}" for q in np.quantile(share, QUANTILES))
        yield row


def gate_plots(gates: Sequence[Gate], width: int) -> Iterator[str]:
    """A scatter plot of the units for each gate, as many side by side as fit into a ``width``."""
    names = list(dict.fromkeys(gate.name for gate in gates))
    fit = max(width // (WIDTH + 4), 1)
    for start in range(0, len(names), fit):
        yield from _plots(gates, names[start : start + fit])
    yield (
        f"to the right a unit's share of time below {LEFT_SATURATED}, upwards above {RIGHT_SATURATED}; a digit is its "
        "layer, * several"
    )


def _plots(gates: Sequence[Gate], names: Sequence[str]) -> Iterator[str]:
    """Plots side by side: at each place of a unit the number of its layer, or * for units of several layers."""
    plots = []
    for name in names:
        marks: dict[tuple[int, int], set[int]] = {}
        for gate in gates:
            if gate.name == name:
                columns = (gate.left * (WIDTH - 1)).round().astype(int).tolist()
                rows = (gate.right * (HEIGHT - 1)).round().astype(int).tolist()
                for at in zip(rows, columns, strict=True):
                    marks.setdefault(at, set()).add(gate.layer)
        plots.append({at: str(min(layers)) if len(layers) == 1 else "*" for at, layers in marks.items()})
    yield ""
    yield "   " + "   ".join(f"{f'{name} gate':^{WIDTH + 1}}" for name in names).rstrip()
    for row in reversed(range(HEIGHT)):
        axis = {HEIGHT - 1: "1", 0: "0"}.get(row, " ")
        drawn = ["".join(plot.get((row, column), " ") for column in range(WIDTH)) for plot in plots]
        yield f"{axis} |" + "   |".join(drawn).rstrip()
    yield "   " + "    ".join("-" * WIDTH for _ in names)
    yield "   " + "    ".join(f"0{'1':>{WIDTH - 1}}" for _ in names)


def gates_along(text: str, gates: Sequence[Gate], width: int | None, bars: str) -> Iterator[str]:
    """The text, and under each line how open each gate is, on a scale of its own, in one of the ``bars`` for each
    character. Lines take ``width`` columns with the names of the gates, or ``LINE`` characters of text if None."""
    labels = [f"{gate.layer} {gate.name}" for gate in gates]
    column = max(map(len, labels))
    levels = []
    for label, gate in zip(labels, gates, strict=True):
        low, high = gate.along.min(), gate.along.max()
        levels.append(((gate.along - low) / max(high - low, 1e-9) * (len(bars) - 1)).round().astype(int).tolist())
        yield f"{label:>{column}}  {bars[0]} {low:.2f}  {bars[-1]} {high:.2f}"
    length = LINE if width is None else max(width - column - 3, 1)
    for part in re.finditer(rf"[^\n]{{0,{length}}}\n|[^\n]{{1,{length}}}", text):
        shown = [" " if character in "\t\n" else escaped(character) for character in part.group()]
        yield ""
        yield f"{'':{column}}  {''.join(shown)}".rstrip()
        for label, level in zip(labels, levels, strict=True):
            pairs = zip(level[part.start() : part.end()], shown, strict=True)
            yield f"{label:>{column}}  {''.join(bars[n] * len(character) for n, character in pairs)}"


def draw_gates(gates: Sequence[Gate]) -> "Figure":
    """A plot for each gate, side by side, with a point for each unit."""
    from matplotlib.figure import Figure

    names = list(dict.fromkeys(gate.name for gate in gates))
    figure = Figure(figsize=(4 * len(names), 4.2), layout="constrained")
    for k, name in enumerate(names):
        axes = figure.add_subplot(1, len(names), k + 1, title=f"{name} gate", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
        axes.set_xlabel(f"share of time left-saturated (< {LEFT_SATURATED})")
        axes.set_ylabel(f"share of time right-saturated (> {RIGHT_SATURATED})")
        axes.set_aspect("equal")
        axes.plot([0, 1], [1, 0], color="0.8", linewidth=1)
        for gate in gates:
            if gate.name == name:
                axes.plot(gate.left, gate.right, "o", markersize=4, alpha=0.5, label=f"layer {gate.layer}")
        axes.legend()
    return figure
