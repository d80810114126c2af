"""Charts of runs on a page, as data: the page's scripts draw them."""

from collections.abc import Sequence
from typing import Any

from charrnn.report.curves import Curves, Series
from charrnn.report.escaping import escaped
from charrnn.report.panels import COLOURS, Line, Panel

STRETCHES = 500
"""How many stretches a curve is cut into, if it has more than twice as many points. Only the lowest and the highest
point of each stretch are drawn, and the ends of the curve."""


def charts(panels: Sequence[Panel], runs: Sequence[Curves]) -> dict[str, Any]:
    """For the scripts: ``runs``, with what turns their iterations into characters and seconds, and ``charts``."""
    return {
        "runs": [_run(curves, k) for k, curves in enumerate(runs)],
        "charts": [
            {
                "unit": panel.unit,
                "isLoss": panel.is_loss,
                "top": panel.top if panel.is_cut else None,
                "lines": [_line(line, name) for line, name in zip(panel.lines, line_names(panel, runs), strict=True)],
            }
            for panel in panels
        ],
    }


def line_names(panel: Panel, runs: Sequence[Curves]) -> list[str]:
    """What the lines of a chart are called. Of several runs each is named, alone where it has but one line."""
    if len(runs) == 1:
        return [line.name for line in panel.lines]
    if len({line.name for line in panel.lines}) == 1:
        return [runs[line.run].run for line in panel.lines]
    return [f"{runs[line.run].run}, {line.name}" for line in panel.lines]


def summary(panel: Panel, runs: Sequence[Curves]) -> str:
    """What a chart shows, for those who cannot see it: a sentence for each line."""
    names = line_names(panel, runs)
    return " ".join(_sentence(name, line.series) for name, line in zip(names, panel.lines, strict=True))


def _sentence(name: str, series: Series) -> str:
    iterations, values = series.iterations, series.values
    if len({*values}) == 1:
        return f"{name}: {_number(values[0])} throughout."
    lowest = min(values)
    return (
        f"{name}: first {_number(values[0])} at iteration {iterations[0]:,}, last {_number(values[-1])} at "
        f"{iterations[-1]:,}, lowest {_number(lowest)} at {iterations[values.index(lowest)]:,}."
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if 1e4 <= abs(value) < 1e9 else f"{value:.4g}"


def _run(curves: Curves, k: int) -> dict[str, Any]:
    t, clock = curves.settings.training, _thinned(curves.seconds)
    return {
        "end": max([curves.last_iteration, *(snapshot.iteration for snapshot in curves.snapshots)]),
        "colour": COLOURS[k % len(COLOURS)],
        "characters": t.batch * t.window,
        "clock": {"iterations": clock.iterations, "seconds": clock.values},
    }


def _line(line: Line, name: str) -> dict[str, Any]:
    series = _thinned(line.series)
    return {
        "run": line.run,
        "name": escaped(name),
        "style": line.style,
        "iterations": series.iterations,
        "values": [float(f"{value:.6g}") for value in series.values],
    }


def _thinned(series: Series) -> Series:
    """The same curve with fewer points."""
    if len(series) <= 2 * STRETCHES:
        return series
    kept = {0, len(series) - 1}
    for stretch in range(STRETCHES):
        inside = range(stretch * len(series) // STRETCHES, (stretch + 1) * len(series) // STRETCHES)
        kept |= {min(inside, key=series.values.__getitem__), max(inside, key=series.values.__getitem__)}
    return Series([series.iterations[k] for k in sorted(kept)], [series.values[k] for k in sorted(kept)])
