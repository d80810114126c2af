"""What may reach a terminal: text, and nothing that moves its cursor, changes its colours or reverses its reading."""

import sys
import warnings
from contextlib import suppress
from typing import TextIO

import click

from charrnn.errors import CharRNNWarning

_CONTROLS = [*range(0x20), *range(0x7F, 0xA0)]  # C0, DEL, C1
_DIRECTIONS = [0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]
"""Bidirectional marks, embeddings, overrides and isolates (Unicode Standard Annex 9)."""
_ESCAPES = {point: f"\\x{point:02x}" for point in _CONTROLS} | {point: f"\\u{point:04x}" for point in _DIRECTIONS}
for _kept in "\n\t":
    del _ESCAPES[ord(_kept)]

raw_option = click.option(
    "--raw", is_flag=True, help="On a terminal too, write control characters as they are, not as \\x1b."
)


def escaped(text: str) -> str:
    """Control characters other than newline and tab, and bidirectional controls, as ``\\x1b`` and ``\\u202e``."""
    return text.translate(_ESCAPES)


def write(text: str, raw: bool = False) -> None:
    """Generated text to stdout, at once: escaped on a terminal unless ``raw``, to a file or pipe as it is."""
    sys.stdout.write(text if raw or not sys.stdout.isatty() else escaped(text))
    sys.stdout.flush()


def say(message: str) -> None:
    """A line for the user, to stderr; where that is gone, as with a closed terminal, nobody is there to miss it."""
    with suppress(OSError):
        click.echo(escaped(message).replace("\n", "\\n"), err=True)


def show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """A ``warnings.showwarning`` that shows our own as a line, and others as ever."""
    if issubclass(category, CharRNNWarning):
        say(f"charrnn: {message}")
    else:
        sys.stderr.write(warnings.formatwarning(message, category, filename, lineno, line))
