"""Charts of runs on a page, drawn by Bokeh in the reader's browser, where they can be zoomed."""

import json
from collections.abc import Sequence
from typing import Any

from charrnn.extras import load_extra
from charrnn.report.curves import Series
from charrnn.report.escaping import escaped
from charrnn.report.panels import COLOURS, Line, Panel

STRETCHES = 1000
"""How many stretches a curve is cut into, if it has more than twice as many points. Only the lowest and the highest
point of each stretch are drawn, and the ends of the curve."""


def charts(panels: Sequence[Panel], runs: Sequence[str]) -> dict[str, Any]:
    """For Bokeh's ``embed_items``: ``charts``, the document as JSON, and ``roots``, which gives for each chart's id
    that of the element it goes into, ``chart0`` and so on. All charts share the range of iterations. A renderer that
    has a name is a line whose values the page's script shows; its tag is the line's style."""
    models = load_extra("bokeh.models")
    document = load_extra("bokeh.document").Document()
    x_range = models.DataRange1d(range_padding=0.02)
    roots = {}
    for k, panel in enumerate(panels):
        figure = _figure(panel, x_range)
        for line in panel.lines:
            _draw(figure, line, f"{runs[line.run]}, {line.name}" if len(runs) > 1 else line.name)
        document.add_root(figure)
        roots[figure.id] = f"chart{k}"
    text = load_extra("bokeh.core.json_encoder").serialize_json(document.to_json())
    return {"charts": json.loads(text), "roots": roots}


def _figure(panel: Panel, x_range: Any) -> Any:
    models = load_extra("bokeh.models")
    figure = load_extra("bokeh.plotting").figure(
        x_range=x_range,
        y_axis_type="log" if panel.logarithmic else "linear",
        x_axis_label="iteration",
        y_axis_label=panel.unit,
        sizing_mode="stretch_both",
        tools="box_zoom,wheel_zoom,pan,reset",
        active_drag="box_zoom",
    )
    figure.toolbar.logo = figure.background_fill_color = figure.border_fill_color = None
    figure.xaxis.formatter = models.NumeralTickFormatter(format="0,0")
    figure.xaxis.ticker.min_interval = 1
    if not panel.logarithmic:
        figure.y_range.default_span = _span(panel)
        figure.yaxis.formatter = models.BasicTickFormatter(power_limit_high=7, power_limit_low=-6)
    figure.add_tools(models.CrosshairTool(dimensions="height", line_color="#808080", visible=False))
    figure.add_layout(models.Span(dimension="height", line_dash="dotted", visible=False, name="marker"))
    return figure


def _span(panel: Panel) -> float:
    """The span of an axis if all its values are the same, such as a constant learning rate."""
    return max((abs(value) for line in panel.lines for value in line.series.values), default=0.0) or 1.0


def _draw(figure: Any, line: Line, name: str) -> None:
    models = load_extra("bokeh.models")
    series = _thinned(line.series)
    source = models.ColumnDataSource({"x": series.iterations, "y": series.values})
    look = {"source": source, "color": COLOURS[line.run % len(COLOURS)], "line_width": 2, "name": escaped(name)}
    if line.style == "crosses":
        figure.scatter("x", "y", marker="x", size=10, **look).tags = [line.style]
        return
    dash = "solid" if line.style == "points" else line.style
    figure.line("x", "y", line_dash=dash, **look).tags = [line.style]
    if line.style == "points" or len(series) == 1:
        figure.scatter("x", "y", size=8, **look | {"name": None})


def _thinned(series: Series) -> Series:
    """The same curve with fewer points."""
    if len(series) <= 2 * STRETCHES:
        return series
    kept = {0, len(series) - 1}
    for stretch in range(STRETCHES):
        inside = range(stretch * len(series) // STRETCHES, (stretch + 1) * len(series) // STRETCHES)
        kept |= {min(inside, key=series.values.__getitem__), max(inside, key=series.values.__getitem__)}
    return Series([series.iterations[k] for k in sorted(kept)], [series.values[k] for k in sorted(kept)])
