"""Charts in a terminal."""

import pytest

from charrnn.report.chart_terminal import chart
from charrnn.report.curves import Series
from charrnn.report.panels import Line, Panel


@pytest.mark.parametrize("style", ["solid", "dashed", "dotted", "points", "crosses"])
def test_a_line_of_every_style_rises_from_corner_to_corner(style: str) -> None:
    line = Line(0, "words", Series.of([(1, 0.25), (10, 0.5), (20, 0.75)]), style)
    title, *rows, iterations = chart(Panel("Words", "share", [line]), 40, 8, braille=False, colour=False)
    assert title.startswith("Words in share: words")
    columns = [row.index("*", 9) for row in rows if "*" in row[9:]]
    assert columns == sorted(columns, reverse=True)
    assert rows[0].endswith("*")
    assert (rows[0].split()[0], rows[-1].split()[0]) == ("0.75", "0.25")
    assert iterations.split() == ["1", "20"]


@pytest.mark.parametrize("iteration", [1, 100])
def test_one_report_ends_where_it_stands(iteration: int) -> None:
    line = Line(0, "words", Series.of([(iteration, 0.25)]))
    *_, iterations = chart(Panel("Words", "share", [line]), 40, 8, braille=False, colour=False)
    assert iterations.split() == [str(iteration)]
