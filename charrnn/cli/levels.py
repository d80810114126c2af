"""A text whose characters each have a level: coloured on a terminal, or with a digit under each."""

import itertools
import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence

from charrnn.report.escaping import escaped

Stretch = tuple[int, str]
"""Characters of one level."""


def has_colour() -> bool:
    """Whether stdout shows colours: a terminal, unless NO_COLOR is set (no-color.org); or FORCE_COLOR asks for them."""
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or (sys.stdout.isatty() and os.environ.get("TERM") != "dumb")


def line_width() -> int:
    """Columns of the terminal, or 80 where stdout is none."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else 80


def runs(levels: Iterable[int], text: str) -> Iterator[Stretch]:
    """A text in runs of characters of one level."""
    for level, run in itertools.groupby(zip(levels, text, strict=True), key=lambda pair: pair[0]):
        yield level, "".join(character for _, character in run)


def background(number: int) -> str:
    """Black on one of the 256 colours of a terminal."""
    return f"\x1b[30;48;5;{number}m"


def painted(colour: str, text: str) -> str:
    """A line, or some of it, in a colour; ``""`` is that of all other text."""
    return f"{colour}{text}\x1b[0m" if colour and text else text


def visible(text: str) -> str:
    """Line ends shown, for they have no colour of their own."""
    return text.replace("\n", "\u21b5\n")


def coloured(found: Iterable[Stretch], colours: Sequence[str]) -> Iterator[str]:
    """A text for a terminal, a colour for each level; line ends are shown where they have one."""
    for level, text in found:
        shown = visible(text) if colours[level] else text
        yield "\n".join(painted(colours[level], escaped(line)) for line in shown.split("\n"))


def marked(found: Iterable[Stretch]) -> Iterator[str]:
    """A text without colours: under each line, cut to ``line_width``, one of digits, the level of each character."""
    text, digits, width = "", "", line_width()
    for level, run in found:
        for character in run:
            shown = " " if character == "\t" else escaped(character)
            if character == "\n":
                yield f"{text}\n{digits}{level}\n"
                text, digits = "", ""
                continue
            if len(text) + len(shown) > width:
                yield f"{text}\n{digits}\n"
                text, digits = "", ""
            text, digits = text + shown, digits + str(level) * len(shown)
    if text:
        yield f"{text}\n{digits}\n"
