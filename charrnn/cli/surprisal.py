"""A text coloured by the surprisal of its characters: on a terminal, without colours, and as a page of HTML."""

import html
import itertools
import math
import os
import sys
from collections.abc import Iterable, Iterator

import numpy as np

from charrnn.analysis.scoring import Piece
from charrnn.cli.terminal import escaped

BOUNDS = (1, 2, 4, 6, 8)
"""In bits. Below one bit a character was given a probability of more than a half, below two of more than a quarter."""
LEVELS = len(BOUNDS) + 1
_LABELS = [f"< {bound}" for bound in BOUNDS] + [f">= {BOUNDS[-1]}"]
_COLOURS = ["", *(f"\x1b[30;48;5;{n}m" for n in (230, 222, 215, 209, 203))]
"""Black on pale yellow to red, of the 256 colours of a terminal; what is expected is as all other text is there."""
_PLAIN_WIDTH = 80


def has_colour() -> bool:
    """Whether stdout shows colours: a terminal, unless NO_COLOR is set (no-color.org); or FORCE_COLOR asks for them."""
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or (sys.stdout.isatty() and os.environ.get("TERM") != "dumb")


def legend(colour: bool) -> str:
    """What the levels mean, a line."""
    marks = [
        f"{_painted(level, f' {label} ')}" if colour else f"{level}: {label}" for level, label in enumerate(_LABELS)
    ]
    return f"surprisal in bits (a bit is 0.693 nats): {(' ' if colour else ', ').join(marks)}"


def coloured(pieces: Iterable[Piece]) -> Iterator[str]:
    """A text for a terminal, its line ends shown where they surprise."""
    for level, text in _runs(pieces):
        yield "\n".join(_painted(level, escaped(line)) for line in _visible(level, text).split("\n"))


def marked(pieces: Iterable[Piece]) -> Iterator[str]:
    """A text without colours: under each line of up to 80 characters one of digits, the level of each character."""
    text, digits = "", ""
    for level, run in _runs(pieces):
        for character in run:
            shown = " " if character == "\t" else escaped(character)
            if character == "\n":
                yield f"{text}\n{digits}{level}\n"
                text, digits = "", ""
                continue
            if len(text) + len(shown) > _PLAIN_WIDTH:
                yield f"{text}\n{digits}\n"
                text, digits = "", ""
            text, digits = text + shown, digits + str(level) * len(shown)
    if text:
        yield f"{text}\n{digits}\n"


def page_begin(title: str) -> str:
    """A page of HTML up to its texts. It needs nothing else, is light or dark as its reader's system is, and fits a
    telephone."""
    marks = " ".join(
        f"<span class=s{level}>&nbsp;{html.escape(label)}&nbsp;</span>" for level, label in enumerate(_LABELS)
    )
    return (
        f'<!doctype html>\n<html>\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{_safe(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<h1>{_safe(title)}</h1>\n"
        f"<p class=legend>Surprisal in bits (a bit is 0.693 nats): {marks}</p>\n"
    )


def page_text(name: str, pieces: Iterable[Piece]) -> Iterator[str]:
    """One text of the page."""
    yield f"<h2>{_safe(name)}</h2>\n<pre dir=auto>\n"
    for level, text in _runs(pieces):
        shown = _safe(_visible(level, text))
        yield f"<span class=s{level}>{shown}</span>" if level else shown
    yield "</pre>\n"


def page_figures(figures: str) -> str:
    """A line of figures under a text."""
    return f"<p>{_safe(figures)}</p>\n"


PAGE_END = "</body>\n</html>\n"

_STYLE = """
:root { color-scheme: light dark; --1: #fdf6d8; --2: #fbe3a1; --3: #f9c47a; --4: #f59a6b; --5: #ee6c66; --on: #111; }
@media (prefers-color-scheme: dark) {
  :root { --1: #3b3520; --2: #57461c; --3: #74481b; --4: #8c3d22; --5: #a92a33; --on: #fff; }
}
body { font: 1rem/1.6 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.25rem; } h2 { font-size: 1rem; } h1, h2, p { overflow-wrap: anywhere; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; font: 1rem/1.6 ui-monospace, monospace; }
.legend span { white-space: nowrap; }
.s1 { background: var(--1); color: var(--on); } .s2 { background: var(--2); color: var(--on); }
.s3 { background: var(--3); color: var(--on); } .s4 { background: var(--4); color: var(--on); }
.s5 { background: var(--5); color: var(--on); }
"""


def _runs(pieces: Iterable[Piece]) -> Iterator[tuple[int, str]]:
    """The text in runs of characters of one level."""
    for piece in pieces:
        levels = np.searchsorted(BOUNDS, piece.nats / math.log(2), side="right")
        for level, run in itertools.groupby(zip(levels.tolist(), piece.text, strict=True), key=lambda pair: pair[0]):
            yield level, "".join(character for _, character in run)


def _visible(level: int, text: str) -> str:
    """Line ends shown where they surprise: they have no colour of their own."""
    return text.replace("\n", "\u21b5\n") if level else text


def _painted(level: int, text: str) -> str:
    return f"{_COLOURS[level]}{text}\x1b[0m" if level and text else text


def _safe(text: str) -> str:
    """A text that neither the page's markup nor the controls in it can harm."""
    return html.escape(escaped(text))
