"""Writing to a terminal: only text gets there, no character that moves its cursor, changes its colours or reverses its
reading direction."""

import json
import os
import shutil
import sys
import warnings
from contextlib import suppress
from typing import TextIO

import click

from charrnn.errors import CharRNNWarning
from charrnn.report.escaping import escaped, escaped_in_json

raw_option = click.option(
    "--raw", is_flag=True, help="On a terminal too, write control characters as they are, not as \\x1b."
)


def print_text(text: str, raw: bool = False) -> None:
    """Prints generated text to stdout at once: escaped on a terminal unless ``raw``; to a file or pipe as it is."""
    sys.stdout.write(text if raw or not sys.stdout.isatty() else escaped(text))
    sys.stdout.flush()


def print_json(document: object) -> None:
    """Prints a line of JSON with the characters as they are, but for those that drive a terminal; where stdout lacks
    some, only with those of ASCII."""
    line = escaped_in_json(json.dumps(document, ensure_ascii=False, allow_nan=False))
    sys.stdout.write(f"{line if can_show(line) else json.dumps(document)}\n")
    sys.stdout.flush()


def takes_control_sequences() -> bool:
    """Whether stdout is a terminal that does more than show characters: ``TERM=dumb`` is one that does not."""
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def has_colour() -> bool:
    """Whether stdout shows colours: a terminal, unless NO_COLOR is set (no-color.org); or FORCE_COLOR asks for them."""
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or takes_control_sequences()


def line_width() -> int:
    """How many columns a line may take: those of the terminal, or 80 where stdout is none."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else 80


def can_show(characters: str) -> bool:
    """Whether the encoding of stdout has these characters."""
    try:
        characters.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def say(message: str) -> None:
    """Prints a line for the user to stderr, or nothing if stderr is gone, as after a terminal was closed."""
    with suppress(OSError):
        click.echo(escaped(message).replace("\n", "\\n"), err=True)


def abandon(stream: TextIO) -> None:
    """Throws away what is still buffered and all that is written from now on, so that Python does not try again when it
    exits."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """A ``warnings.showwarning`` that prints our own warnings as one line, and others as usual."""
    if issubclass(category, CharRNNWarning):
        say(f"charrnn: {message}")
    else:
        sys.stderr.write(warnings.formatwarning(message, category, filename, lineno, line))
