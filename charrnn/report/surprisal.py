"""Texts whose characters are coloured by their surprisal."""

import math
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from charrnn.analysis.scoring import Piece
from charrnn.report.levels import Stretch, background, scale, stretches
from charrnn.report.page import make_page, page_script

BOUNDS = (1, 2, 4, 6, 8)
"""In bits, between the levels. A character below one bit had a probability of more than a half, below two bits of more
than a quarter."""
LABELS = [f"< {bound}" for bound in BOUNDS] + [f">= {BOUNDS[-1]}"]
COLOURS = ["", *map(background, (230, 222, 215, 209, 203))]
"""Pale yellow to red; characters that were expected look like all other text."""


def legend(colour: bool) -> str:
    """A line that says what the levels mean."""
    return f"surprisal in bits (a bit is 0.693 nats): {scale(COLOURS, LABELS, colour)}"


def by_surprisal(pieces: Iterable[Piece]) -> Iterator[Stretch]:
    """A text with the level of each character's surprisal."""
    for piece in pieces:
        levels = np.searchsorted(BOUNDS, piece.nats / math.log(2), side="right")
        yield from stretches(levels.tolist(), piece.text)


def surprisal_page(
    title: str, figures: Iterable[str], texts: Iterable[tuple[str, str, dict[str, Any]]]
) -> Iterator[str]:
    """A page of HTML, part by part: lines of figures, and then texts, each with its name, how much of it is shown, and
    its data (see ``pane_data``)."""
    return make_page(
        "surprisal.html",
        title=title,
        scripts=[page_script(name) for name in ("base64.js", "pane.js", "surprisal.js")],
        figures=figures,
        texts=texts,
    )
