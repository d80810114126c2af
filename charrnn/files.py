"""Files that are whole or not there at all, whatever happens while they are written."""

import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, BinaryIO

import numpy as np
import numpy.typing as npt

from charrnn.errors import CharRNNError, CorpusError


def name_of(path: str) -> str:
    """The last part of a path from any system; of a root, the root itself."""
    return re.split(r"[/\\]", path.rstrip("/\\"))[-1] or path[:1]


def replace_file(
    path: Path,
    write: Callable[[BinaryIO], object],
    verify: Callable[[Path], object] = lambda written: None,
    previous: Path | None = None,
) -> None:
    """Puts a file in the place of ``path``: the old one stays until the new one is whole and on the disk.

    ``write`` writes the new file beside ``path``, under another name; once it is on the disk, ``verify`` may read it
    and raise; then it is moved to its place. With ``previous``, the old file is kept under that name, and neither name
    is ever missing. Where anything fails, the unfinished file is removed and the error passes on.
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


def write_output(path: Path, write: Callable[[BinaryIO], object], argument: str = "to") -> None:
    """``replace_file`` for an output that a user named with ``argument``; raises CharRNNError where it cannot be
    written."""
    try:
        replace_file(path, write)
    except OSError as error:
        raise CharRNNError(
            f"{str(path)!r} cannot be written: {error.strerror or error}", f"name another file with {{{argument}}}"
        ) from None


def check_free(path: Path, force: bool, argument: str = "to") -> None:
    """Raises CharRNNError, before anything is computed, where the file that a user named with ``argument`` cannot be
    made, or is there already and may not be replaced."""
    if not path.name or path.is_dir():
        raise CharRNNError(f"{str(path)!r} is a folder", f"name a file in it with {{{argument}}}")
    if path.exists() and not path.is_file():
        raise CharRNNError(f"{str(path)!r} is a device or a pipe", f"name a file with {{{argument}}}")
    check_folder(path)
    if os.path.lexists(path) and not force:
        raise CharRNNError(
            f"{str(path)!r} is already there", f"replace it with {{force}}, or name another file with {{{argument}}}"
        )


def check_folder(path: Path) -> None:
    """Raises CharRNNError where there is no folder to make a file in."""
    if not path.parent.is_dir():
        raise CharRNNError(f"{str(path)!r} cannot be written: there is no folder {str(path.parent)!r}", "make it first")


def replace_text(path: Path, text: str) -> None:
    """``replace_file`` with a text, in UTF-8, its line ends unchanged."""
    replace_file(path, lambda file: file.write(text.encode()))


def reserve(file: IO[bytes], size: int) -> None:
    """Makes a new file so long, of zeros that are on the disk: where it is full, this fails, and not a program that
    writes to a mapping of the file later, which the system would end."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file.fileno(), 0, size)
        return
    for start in range(0, size, 1 << 20):
        file.write(bytes(min(1 << 20, size - start)))
    file.flush()


def room(n: int, dtype: npt.DTypeLike, folder: Path | None) -> Any:
    """An array (n,) of zeros: in memory, or with a ``folder`` mapped from a file there that has no name and goes with
    the array; raises CorpusError where it cannot be kept there."""
    if folder is None or not n:
        return np.zeros(n, dtype)
    size = n * np.dtype(dtype).itemsize
    with kept_in(folder, f"what is noted of the items, {size} bytes,"):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            reserve(file, size)
            return np.memmap(file, dtype, "r+", shape=(n,)).view(np.ndarray)


@contextmanager
def kept_in(folder: Path, what: str) -> Iterator[None]:
    """Raises CorpusError where ``what`` belongs to a text cannot be kept in a folder beside its runs."""
    try:
        yield
    except OSError as error:
        raise CorpusError(
            f"{what} cannot be kept in {str(folder)!r}: {error.strerror}",
            "make room there, or name a run elsewhere with {run}",
        ) from None


def unfinished(folder: Path, name: str = "*") -> list[Path]:
    """Files of that name in a folder that processes left half written when they were killed."""
    return [path for path in folder.glob(f".{name}.unfinished-*") if path.is_file()]


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.unfinished-{os.getpid()}")


def _keep(path: Path, previous: Path) -> None:
    """Gives a file a second name; a copy where the file system has no links."""
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
