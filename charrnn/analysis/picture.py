"""The curves of runs as a picture, drawn by Matplotlib."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from charrnn.analysis.curves import COLOURS, Curves, panels
from charrnn.escaping import escaped
from charrnn.extras import load_extra

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_LOOKS: dict[str, dict[str, Any]] = {
    "solid": {},
    "dashed": {"linestyle": "--"},
    "dotted": {"linestyle": ":"},
    "points": {"marker": "o", "markersize": 4},
    "crosses": {"marker": "x", "markersize": 4, "linestyle": "none"},
}


def draw(runs: Sequence[Curves]) -> "Figure":
    """All panels, one under the other. Raises CharRNNError where the extra ``plot`` is missing."""
    matplotlib = load_extra("matplotlib", "plot")
    figures = load_extra("matplotlib.figure", "plot")
    plain = load_extra("matplotlib.ticker", "plot").LogFormatter
    drawn = panels(runs)
    with matplotlib.rc_context({"text.parse_math": False}):  # the name of a run is no formula
        figure: Figure = figures.Figure(figsize=(9, 2.4 * len(drawn)), layout="constrained")
        for panel, axes in zip(drawn, figure.subplots(len(drawn), sharex=True), strict=True):
            axes.set_title(panel.title, loc="left", fontsize="medium")
            axes.set_ylabel(panel.unit)
            axes.grid(alpha=0.3)
            if panel.logarithmic:
                axes.set_yscale("log")
                axes.yaxis.set_major_formatter(plain())
                axes.yaxis.set_minor_formatter(plain(minor_thresholds=(2, 0.5)))
            if panel.is_loss:
                bits = axes.secondary_yaxis("right", functions=(lambda x: x / math.log(2), lambda x: x * math.log(2)))
                bits.set_ylabel("bits/char")
            for line in panel.lines:
                name = escaped(f"{runs[line.run].run}, {line.name}")
                look = _LOOKS[line.style] | {"color": COLOURS[line.run % len(COLOURS)], "label": name}
                axes.plot(line.series.iterations, line.series.values, **look)
            if panel.lines:
                axes.legend(fontsize="x-small")
        axes.set_xlabel("iteration")
    return figure
