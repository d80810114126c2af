"""Charts of runs as a picture, drawn by Matplotlib."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from charrnn.report.curves import Curves
from charrnn.report.escaping import escaped
from charrnn.report.figures import list_text
from charrnn.report.look import INK, count_iterations, drawing, make_logarithmic
from charrnn.report.panels import COLOURS, panels
from charrnn.report.status import status_sentence

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAMED = 3
"""Of so many runs the title says the names; of more, how many there are."""
_LOOKS: dict[str, dict[str, Any]] = {
    "solid": {},
    "dashed": {"linestyle": "--"},
    "dotted": {"linestyle": ":"},
    "points": {"marker": "o", "markersize": 4},
    "crosses": {"marker": "x", "markersize": 4, "linestyle": "none"},
}


def draw_charts(runs: Sequence[Curves]) -> "Figure":
    """All charts: the first, the loss, as wide as the picture, and the others below it in twos."""
    from matplotlib.lines import Line2D

    drawn = [panel for panel in panels(runs) if not panel.is_empty]
    last = len(drawn) - 1
    rows = ["00", *(f"{k}{min(k + 1, last)}" for k in range(1, last + 1, 2))]
    heights = [1.4] + [1] * (len(rows) - 1)
    of = list_text([curves.run for curves in runs]) if len(runs) <= NAMED else f"{len(runs)} runs"
    about = [_about(curves) for curves in runs]
    title = f"The training of {of if len(runs) > 1 else about[0]}"
    key = [(text, {"color": COLOURS[k % len(COLOURS)]}) for k, text in enumerate(about)]
    with drawing(title, 9, 2.1 * sum(heights), key if len(runs) > 1 else []) as figure:
        grid: dict[str, Any] = figure.subplot_mosaic("\n".join(rows), sharex=True, height_ratios=heights)
        for panel, (k, axes) in zip(drawn, grid.items(), strict=True):
            axes.set_title(panel.title)
            axes.set_ylabel(panel.unit)
            if panel.logarithmic:
                make_logarithmic(axes)
            if panel.is_loss:
                bits = axes.secondary_yaxis("right", functions=(lambda x: x / math.log(2), lambda x: x * math.log(2)))
                bits.set_ylabel("bits/char")
            styles = {line.name: _LOOKS[line.style] for line in panel.lines}
            for line in panel.lines:
                look = {"marker": "."} if len(line.series) == 1 else {}
                look |= _LOOKS[line.style] | {"color": COLOURS[line.run % len(COLOURS)]}
                axes.plot(line.series.iterations, line.series.values, **look)
            if panel.is_cut:
                low, high = panel.bounds
                axes.set_ylim(low / 1.2 if panel.logarithmic else low - 0.05 * (high - low), high)
            if len(styles) > 1:
                handles = [Line2D([], [], color=INK, label=escaped(name), **look) for name, look in styles.items()]
                axes.legend(handles=handles, fontsize="small")
            if k in rows[0] + rows[-1]:
                axes.tick_params(labelbottom=True)
                count_iterations(axes)
    return figure


def _about(curves: Curves) -> str:
    """The name of a run, and how it stands unless it finished."""
    return curves.run if curves.status.state == "finished" else f"{curves.run}: {status_sentence(curves.status)}"
