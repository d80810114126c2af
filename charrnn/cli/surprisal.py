"""A text coloured by the surprisal of its characters: on a terminal, without colours, and as a page of HTML."""

import html
import math
from collections.abc import Iterable, Iterator

import numpy as np

from charrnn.analysis.scoring import Piece
from charrnn.cli import levels
from charrnn.cli.levels import Stretch, background, painted, visible
from charrnn.report import page
from charrnn.report.page import safe

BOUNDS = (1, 2, 4, 6, 8)
"""In bits. Below one bit a character was given a probability of more than a half, below two of more than a quarter."""
LEVELS = len(BOUNDS) + 1
_LABELS = [f"< {bound}" for bound in BOUNDS] + [f">= {BOUNDS[-1]}"]
_COLOURS = ["", *map(background, (230, 222, 215, 209, 203))]
"""Pale yellow to red; what is expected is as all other text is there."""


def legend(colour: bool) -> str:
    """What the levels mean, a line."""
    marks = [
        painted(_COLOURS[level], f" {label} ") if colour else f"{level}: {label}" for level, label in enumerate(_LABELS)
    ]
    return f"surprisal in bits (a bit is 0.693 nats): {(' ' if colour else ', ').join(marks)}"


def coloured(pieces: Iterable[Piece]) -> Iterator[str]:
    """A text for a terminal, its line ends shown where they surprise."""
    return levels.coloured(_runs(pieces), _COLOURS)


def marked(pieces: Iterable[Piece]) -> Iterator[str]:
    """A text without colours, a digit under each character."""
    return levels.marked(_runs(pieces))


def page_begin(title: str) -> str:
    """A page of HTML up to its texts."""
    marks = " ".join(
        f"<span class=s{level}>&nbsp;{html.escape(label)}&nbsp;</span>" for level, label in enumerate(_LABELS)
    )
    return (
        page.page_begin(title, "surprisal.css")
        + f"<p class=legend>Surprisal in bits (a bit is 0.693 nats): {marks}</p>\n"
    )


def page_text(name: str, pieces: Iterable[Piece]) -> Iterator[str]:
    """One text of the page."""
    yield f"<h2>{safe(name)}</h2>\n<pre dir=auto>\n"
    for level, text in _runs(pieces):
        yield f"<span class=s{level}>{safe(visible(text))}</span>" if level else safe(text)
    yield "</pre>\n"


def page_figures(figures: str) -> str:
    """A line of figures under a text."""
    return f"<p>{safe(figures)}</p>\n"


def _runs(pieces: Iterable[Piece]) -> Iterator[Stretch]:
    for piece in pieces:
        found = np.searchsorted(BOUNDS, piece.nats / math.log(2), side="right")
        yield from levels.runs(found.tolist(), piece.text)
