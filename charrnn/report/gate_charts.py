"""How open gates are, and how often saturated: a table, plots and a text with bars for a terminal; and a picture."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from charrnn.analysis.gates import LEFT_SATURATED, QUANTILES, RIGHT_SATURATED, Gate
from charrnn.report.columns import in_lines
from charrnn.report.look import INK, drawing
from charrnn.report.panels import COLOURS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BARS = "\u2581\u2582\u2583\u2584\u2585\u2586\u2587\u2588"
DIGITS = "01234567"
"""Instead of bars, where a terminal lacks them."""
WIDTH, HEIGHT = 21, 11
"""The size of a scatter plot in characters: steps of 0.05 across and of 0.1 upwards."""
LINE = 80
"""Columns of text in a line, where the width of the terminal does not matter."""


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
    yield "each digit is a unit of that layer, and * units of several layers"
    yield f"across: how much of the time its gate is closed, below {LEFT_SATURATED}; up: open, above {RIGHT_SATURATED}"


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
    column. Lines take ``width`` columns with the names of the gates, or ``LINE`` columns of text if None."""
    labels = [f"{gate.layer} {gate.name}" for gate in gates]
    column = max(map(len, labels))
    levels = []
    for label, gate in zip(labels, gates, strict=True):
        low, high = gate.along.min(), gate.along.max()
        levels.append(((gate.along - low) / max(high - low, 1e-9) * (len(bars) - 1)).round().astype(int).tolist())
        yield f"{label:>{column}}  {bars[0]} {low:.2f}  {bars[-1]} {high:.2f}"
    for line in in_lines(enumerate(text), LINE if width is None else max(width - column - 3, 1)):
        yield ""
        yield f"{'':{column}}  {''.join(character.text for character in line)}".rstrip()
        for label, level in zip(labels, levels, strict=True):
            yield f"{label:>{column}}  {''.join(bars[level[place]] * columns for place, _, columns in line)}"


def draw_gates(gates: Sequence[Gate], title: str) -> "Figure":
    """A plot for each gate, side by side, with a point for each unit in the colour of its layer."""
    names = list(dict.fromkeys(gate.name for gate in gates))
    point = {"marker": "o", "markersize": 4, "linestyle": "none", "alpha": 0.7}
    looks = [point | {"color": COLOURS[n % len(COLOURS)]} for n in range(1 + max(gate.layer for gate in gates))]
    key = [(f"a unit of layer {layer}", look) for layer, look in enumerate(looks)]
    with drawing(title, 1 + 3 * len(names), 3.5, key) as figure:
        for axes, name in zip(figure.subplots(1, len(names), sharey=True, squeeze=False).flat, names, strict=True):
            axes.set(title=f"{name} gate", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
            axes.set_xlabel(f"closed: share of time below {LEFT_SATURATED}")
            axes.plot([0, 1], [1, 0], color=INK, alpha=0.3, linewidth=1)
            for gate in gates:
                if gate.name == name:
                    axes.plot(gate.left, gate.right, **looks[gate.layer])
        figure.axes[0].set_ylabel(f"open: share of time above {RIGHT_SATURATED}")
    return figure
