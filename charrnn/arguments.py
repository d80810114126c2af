"""What callers of the library give, checked where it comes in: a mistake is one sentence, not an error from deep
inside."""

import os
import reprlib
from numbers import Integral, Real
from pathlib import Path
from typing import Any

from charrnn.errors import CharRNNError


def shown(given: object) -> str:
    """A thing as a message names it: by its value, or where that says little by its type."""
    tells = given is None or isinstance(given, str | bytes | int | float | os.PathLike)
    return reprlib.repr(given) if tells else f"an object of type {type(given).__name__}"


def as_path(given: Any, name: str, error: type[CharRNNError] = CharRNNError) -> Path:
    """The path that a string or a Path gives; raises an ``error`` for anything else, and for an empty one, which an
    unset variable leaves. ``name`` says what it is the path of."""
    path = os.fspath(given) if isinstance(given, str | os.PathLike) else None
    if not isinstance(path, str) or not path or "\0" in path:
        raise error(f"{name} is {shown(given)}", "give a path")
    return Path(path)


def as_whole(given: Any, name: str, least: int = 0) -> int:
    """A whole number, NumPy's too; raises CharRNNError for anything else, and for less than ``least``."""
    if not isinstance(given, Integral) or isinstance(given, bool) or int(given) < least:
        raise CharRNNError(f"{name} is {shown(given)}", f"give {{{name}}} a whole number of at least {least}")
    return int(given)


def is_number(given: object) -> bool:
    """Whether it is a number, NumPy's too; truth values are none."""
    return isinstance(given, Real) and not isinstance(given, bool)


def check_type(given: Any, kind: Any, name: str, remedy: str, error: type[CharRNNError] = CharRNNError) -> None:
    """Raises an ``error`` for a thing of another type."""
    if not isinstance(given, kind):
        raise error(f"{name} is {shown(given)}", remedy)
