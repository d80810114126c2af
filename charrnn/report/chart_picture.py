"""Charts of runs as a picture, drawn by Matplotlib."""

import itertools
import math
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from charrnn.report.curves import Curves
from charrnn.report.escaping import escaped
from charrnn.report.panels import COLOURS, panels
from charrnn.report.status import status_sentence

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_LOOKS: dict[str, dict[str, Any]] = {
    "solid": {},
    "dashed": {"linestyle": "--"},
    "dotted": {"linestyle": ":"},
    "points": {"marker": "o", "markersize": 4},
    "crosses": {"marker": "x", "markersize": 4, "linestyle": "none"},
}


_COLUMNS = 100
"""How many characters of the key fit in a line."""


def draw_charts(runs: Sequence[Curves]) -> "Figure":
    """All charts, one under the other."""
    import matplotlib
    from matplotlib import ticker
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    class Plain(ticker.LogFormatter):
        """0.6, not 6e-01."""

        def __call__(self, x: float, pos: int | None = None) -> str:
            return super().__call__(x, pos) and f"{x:g}"

    drawn = [panel for panel in panels(runs) if not panel.is_empty]
    with matplotlib.rc_context({"text.parse_math": False}):  # the name of a run is no formula
        figure = Figure(figsize=(9, 2.4 * len(drawn) + 0.2 * len(runs)), layout="constrained")
        for panel, axes in zip(drawn, figure.subplots(len(drawn), sharex=True), strict=True):
            axes.set_title(panel.title, loc="left", fontsize="medium")
            axes.set_ylabel(panel.unit)
            axes.grid(alpha=0.3)
            if panel.logarithmic:
                axes.set_yscale("log")
                axes.yaxis.set_major_formatter(Plain())
                axes.yaxis.set_minor_formatter(Plain(minor_thresholds=(2, 0.5)))
            if panel.is_loss:
                bits = axes.secondary_yaxis("right", functions=(lambda x: x / math.log(2), lambda x: x * math.log(2)))
                bits.set_ylabel("bits/char")
            styles = {line.name: _LOOKS[line.style] for line in panel.lines if len(line.series)}
            for line in panel.lines:
                look = {"marker": "."} if len(line.series) == 1 else {}
                look |= _LOOKS[line.style] | {"color": COLOURS[line.run % len(COLOURS)]}
                axes.plot(line.series.iterations, line.series.values, **look)
            if panel.is_cut:
                low, high = panel.bounds
                axes.set_ylim(low / 1.2 if panel.logarithmic else low - 0.05 * (high - low), high)
            if len(styles) > 1:
                key = [Line2D([], [], color="grey", label=escaped(name), **look) for name, look in styles.items()]
                axes.legend(handles=key, fontsize="x-small")
        axes.xaxis.set_major_locator(ticker.MaxNLocator(steps=[1, 2, 5, 10], integer=True, min_n_ticks=1))
        names = zip(runs, itertools.cycle(COLOURS), strict=False)
        key = [Line2D([], [], color=colour, label=_about(curves)) for curves, colour in names]
        figure.legend(handles=key, loc="outside upper left", fontsize="small", frameon=False)
        axes.set_xlabel("iteration")
    return figure


def _about(curves: Curves) -> str:
    """What the key says of a run."""
    return textwrap.fill(escaped(f"{curves.run}: {status_sentence(curves.status)}"), _COLUMNS)
