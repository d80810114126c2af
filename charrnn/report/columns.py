"""How many columns a terminal gives to characters (Unicode Standard Annex 11), and lines of so many columns."""

import unicodedata
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from charrnn.report.escaping import escaped

_VOWELS_AND_FINALS = range(0x1160, 0x1200)
"""Hangul Jamo that join the consonant before them."""


class Shown(NamedTuple):
    """A character as a terminal shows it."""

    number: int
    """What is to be shown of it below, or its place."""
    text: str
    columns: int


def columns(text: str) -> int:
    """The columns that a line of text takes: two for each wide character, none for what joins the one before it."""
    return sum(map(_width, text))


def padded(text: str, width: int) -> str:
    """A text with spaces after it, up to so many columns."""
    return text + " " * (width - columns(text))


def in_lines(numbered: Iterable[tuple[int, str]], width: int) -> Iterator[list[Shown]]:
    """Characters, each with a number, in lines of at most ``width`` columns, or of one character that takes more. A
    tab is a space; a line end, which shows nothing, takes a column more in which to show its number."""
    line: list[Shown] = []
    taken = 0
    for number, character in numbered:
        if character == "\n":
            yield [*line, Shown(number, "", 1)]
            line, taken = [], 0
            continue
        text = " " if character == "\t" else escaped(character)
        needed = columns(text)
        if line and taken + needed > width:
            yield line
            line, taken = [], 0
        line.append(Shown(number, text, needed))
        taken += needed
    if line:
        yield line


def broken(text: str, width: int) -> list[str]:
    """A text as lines that a terminal shows in ``width`` columns each."""
    return ["".join(character.text for character in line) for line in in_lines(enumerate(text), width)]


def _width(character: str) -> int:
    if unicodedata.category(character) in {"Mn", "Me", "Cf"} and character != "\xad":
        return 0
    if ord(character) in _VOWELS_AND_FINALS:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
