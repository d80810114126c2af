"""Files that are whole or not there, whatever happens while they are written."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from charrnn.errors import CharRNNError


def replace_file(
    path: Path,
    write: Callable[[BinaryIO], object],
    verify: Callable[[Path], object] = lambda written: None,
    previous: Path | None = None,
) -> None:
    """Puts a file in the place of ``path``: the old one stands until the new one is whole and on the disk.

    ``write`` writes it, beside its place; once it is on the disk ``verify`` may read it, and raise; then it is moved to
    its place. What stood there is kept as ``previous``, if that is given, and is not missing for a moment.
    Where anything fails, the file beside is removed and the error passes on.
    """
    beside = _beside(path)
    try:
        with open(beside, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        verify(beside)
        if previous is not None and path.exists():
            _keep(path, previous)
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)
    _sync_folder(path.parent)


def write_output(path: Path, write: Callable[[BinaryIO], object], option: str = "--to") -> None:
    """``replace_file`` for what a user asked for with ``option``; raises CharRNNError where it cannot be written."""
    try:
        replace_file(path, write)
    except OSError as error:
        raise CharRNNError(
            f"{str(path)!r} cannot be written: {error.strerror or error}; name another file with {option}"
        ) from None


def check_free(path: Path, force: bool, option: str = "--to") -> None:
    """Before anything is computed: raises CharRNNError where ``option`` names a file that cannot be made, or one that
    is there and may not go."""
    if not path.name or path.is_dir():
        raise CharRNNError(f"{str(path)!r} is a folder; name a file in it with {option}")
    if not path.parent.is_dir():
        raise CharRNNError(f"{str(path)!r} cannot be written: there is no folder {str(path.parent)!r}; make it first")
    if os.path.lexists(path) and not force:
        raise CharRNNError(
            f"{str(path)!r} is already there; replace it with --force, or name another file with {option}"
        )


def replace_text(path: Path, text: str) -> None:
    """``replace_file`` with a text, in UTF-8, its line ends as they are."""
    replace_file(path, lambda file: file.write(text.encode()))


def unfinished(folder: Path) -> list[Path]:
    """What processes that were killed while they wrote have left in a folder."""
    return [path for path in folder.glob(".*.unfinished-*") if path.is_file()]


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.unfinished-{os.getpid()}")


def _keep(path: Path, previous: Path) -> None:
    """The same file under another name; a copy where the file system knows no second names."""
    beside = _beside(previous)
    try:
        beside.unlink(missing_ok=True)
        try:
            os.link(path, beside)
        except OSError:
            shutil.copyfile(path, beside)
        os.replace(beside, previous)
    finally:
        beside.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Brings a folder's list of names to the disk, where the system can (Windows cannot, and does so by itself)."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
