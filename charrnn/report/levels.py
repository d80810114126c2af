"""Texts whose characters each have a level: coloured for a terminal, or with a digit under each character."""

import itertools
from collections.abc import Iterable, Iterator, Sequence

from charrnn.report.columns import in_lines
from charrnn.report.escaping import escaped

Stretch = tuple[int, str]
"""A level, and neighbouring characters that all have it."""


def stretches(levels: Iterable[int], text: str) -> Iterator[Stretch]:
    """A text, cut where the level changes."""
    for level, pairs in itertools.groupby(zip(levels, text, strict=True), key=lambda pair: pair[0]):
        yield level, "".join(character for _, character in pairs)


def background(number: int) -> str:
    """The code for black text on one of a terminal's 256 colours."""
    return f"\x1b[30;48;5;{number}m"


def painted(colour: str, text: str) -> str:
    """A text without line ends in a colour; ``""`` leaves it as it is."""
    return f"{colour}{text}\x1b[0m" if colour and text else text


def visible(text: str) -> str:
    """A text with an arrow before each line end, for the line end itself cannot show a colour."""
    return text.replace("\n", "\u21b5\n")


def coloured(text: Iterable[Stretch], colours: Sequence[str]) -> Iterator[str]:
    """A text for a terminal, in a colour for each level."""
    for level, characters in text:
        shown = visible(characters) if colours[level] else characters
        yield "\n".join(painted(colours[level], escaped(line)) for line in shown.split("\n"))


def marked(text: Iterable[Stretch], width: int) -> Iterator[str]:
    """A text without colours: lines of at most ``width`` columns, and under each a line of digits, the levels."""
    leveled = ((level, character) for level, characters in text for character in characters)
    for line in in_lines(leveled, width):
        shown = "".join(character.text for character in line)
        yield f"{shown}\n{''.join(str(character.number) * character.columns for character in line)}\n"


def scale(colours: Sequence[str], labels: Sequence[str], colour: bool, between: str = " ") -> str:
    """What the levels mean: their labels, each in its colour, with ``between`` them, or after its digit. A level whose
    label is empty is left out."""
    named = [(level, label) for level, label in enumerate(labels) if label]
    if colour:
        return between.join(painted(colours[level], f" {label} ") for level, label in named)
    return ", ".join(f"{level}: {label}" for level, label in named)
