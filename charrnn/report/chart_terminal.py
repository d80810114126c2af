"""Charts of runs as text: each character holds two by four dots in Braille (from U+2800 on), or is a star."""

import math
import textwrap
from collections.abc import Iterable, Iterator

import numpy as np

from charrnn.report.escaping import escaped
from charrnn.report.panels import Line, Panel

_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""The bit of each dot of a cell, by row and column (Unicode Standard, Braille Patterns)."""
_DASHES = {"solid": (1, 1), "points": (1, 1), "dashed": (6, 4), "dotted": (4, 1)}
"""A line's pattern: after how many columns of dots it repeats, and how many of them are drawn."""
_COLOURS = {"solid": "", "points": "", "dashed": "36", "dotted": "33", "crosses": "31"}
_LABEL = 8


def chart(panel: Panel, width: int, height: int, braille: bool, colour: bool) -> list[str]:
    """A chart as ``height`` lines of ``width`` columns: its title in one or two lines, its curves, and the iterations.
    Without ``braille`` it is drawn with stars."""
    names = ", ".join(line.name if line.style == "solid" else f"{line.name} ({line.style})" for line in panel.lines)
    title = textwrap.wrap(escaped(f"{panel.title} in {panel.unit}: {names or 'none yet'}"), width)[:2]
    title = [line.ljust(width) for line in title]
    rows, columns = max(height - 1 - len(title), 1), max(width - _LABEL - 1, 2)
    if panel.is_empty:
        return [*title, *[" " * width] * (rows + 1)]
    scale = math.log10 if panel.logarithmic else float
    low, high = _range(map(scale, panel.bounds))
    first, last = _range(iteration for line in panel.lines for iteration in line.series.iterations)
    cells = np.zeros((rows, columns), int)
    colours = np.full((rows, columns), "", object)
    for line in panel.lines:
        x = (np.array(line.series.iterations) - first) / (last - first) * (2 * columns - 1)
        y = (np.array([min(scale(value), high) for value in line.series.values]) - low) / (high - low) * (4 * rows - 1)
        for column, dot in _dots(line, x, 4 * rows - 1 - y):
            cells[dot // 4, column // 2] |= _DOTS[dot % 4][column % 2]
            colours[dot // 4, column // 2] = _COLOURS[line.style]
    labels = [" " * _LABEL] * rows
    bounds = (10**low, 10**high) if panel.logarithmic else (low, high)
    labels[-1], labels[0] = (f"{bound:.4g}".rjust(_LABEL) for bound in bounds)
    drawn = [
        f"{label} {''.join(_cell(*cell, braille, colour) for cell in zip(bits, codes, strict=True))}"
        for label, bits, codes in zip(labels, cells.tolist(), colours.tolist(), strict=True)
    ]
    reached = max(line.series.iterations[-1] for line in panel.lines)
    end = f"{reached:,}" if reached > first else ""
    iterations = f"{first:<{columns // 2},.0f}{end:>{columns - columns // 2}}"
    return [*title, *drawn, f"{' ' * (_LABEL + 1)}{iterations}"]


def _range(values: Iterable[float]) -> tuple[float, float]:
    """The lowest and the highest value, moved apart where they are the same."""
    found = list(values)
    low, high = min(found), max(found)
    return (low, high) if high > low else (low, low + (abs(low) or 1.0) / 10)


def _dots(line: Line, x: np.ndarray, y: np.ndarray) -> Iterator[tuple[int, int]]:
    """Column and row of each dot of a line through points with ascending ``x``."""
    if line.style == "crosses":
        yield from zip(np.rint(x).astype(int).tolist(), np.rint(y).astype(int).tolist(), strict=True)
        return
    period, drawn = _DASHES[line.style]
    columns = np.arange(math.ceil(x[0] - 0.5), math.floor(x[-1] + 0.5) + 1)
    rows = np.rint(np.interp(columns, x, y)).astype(int).tolist()
    for column, before, row in zip(columns.tolist(), [rows[0], *rows], rows, strict=False):
        if column % period < drawn:
            for dot in range(min(before, row), max(before, row)) or [row]:
                yield column, dot
            yield column, row


def _cell(bits: int, code: str, braille: bool, colour: bool) -> str:
    text = (chr(0x2800 + bits) if braille else "*") if bits else " "
    return f"\x1b[{code}m{text}\x1b[0m" if code and colour else text
