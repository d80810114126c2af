"""A folder that one process at a time writes, and that knows whether another has written there since."""

import os
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

from filelock import FileLock, Timeout

from charrnn import layout
from charrnn.errors import RunError
from charrnn.files import unfinished

SECONDS_TO_LOCK = 0.25
"""``is_going_on`` in another process holds the lock for a small part of this."""
Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def named_errors(method: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Turns the operating system's refusals into one sentence that names the file."""

    @wraps(method)
    def checked(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        try:
            return method(*args, **kwargs)
        except OSError as error:
            raise RunError(
                f"{error.filename or args[0]}: {error.strerror}",
                "check the folder, and the disk that it is on",
            ) from None

    return checked


class WrittenFolder:
    """Who writes it holds its ``.lock``. Its ``.writer`` keeps the number of that process, and the claim of whoever
    last began something there or went on with it."""

    _parts: tuple[Path, ...] = ()
    """The folders in it that are written too."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._writer = folder / layout.WRITER
        self._lock = FileLock(folder / layout.LOCK, timeout=0)
        self._claim: str | None = None
        """That was made here."""

    def __str__(self) -> str:
        return str(self.folder)

    @property
    def _is_claimed(self) -> bool:
        """Whether somebody has begun something there."""
        return re.fullmatch("[0-9a-f]{16}", self._read_writer()[1]) is not None

    def is_going_on(self) -> bool | None:
        """Whether a process holds the folder; None where that cannot be told. To find out, this process holds it for a
        moment, too short to keep a writer out."""
        if self._lock.is_locked or not os.path.exists(self._lock.lock_file):
            return self._lock.is_locked
        try:
            with self._lock:
                return False
        except Timeout:
            return True
        except OSError:
            return None

    @contextmanager
    def writing(self, continued: bool = False) -> Iterator[None]:
        """Holds the folder, which is made if need be, for this process alone; may be entered again within itself. The
        lock ends with the process, however that ends; what a killed process left half written is removed by the next.

        Raises RunError where another process holds the folder. With ``continued``, also where somebody else has begun
        or gone on with a run there since this Run did: what is known here of the folder is then no longer true.
        """
        entered = self._lock.is_locked
        self._acquire()
        try:
            if not entered:
                if continued and self._claim not in (None, self._read_writer()[1]):
                    raise RunError(f"{str(self)!r} has been written by another in the meantime", "resume it anew")
                self._take_over()
            yield
        finally:
            self._lock.release()

    @named_errors
    def _acquire(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            self._lock.acquire(timeout=SECONDS_TO_LOCK)
        except Timeout:
            raise RunError(
                f"{str(self)!r} is being written by process {self._read_writer()[0]}",
                "wait for it, stop it, or name another folder with {run}",
            ) from None

    @named_errors
    def _take_over(self) -> None:
        self._write_writer(self._read_writer()[1])
        for folder in (self.folder, *self._parts):
            for file in unfinished(folder):
                file.unlink()

    def _claim_folder(self) -> None:
        """Marks what is there as begun or gone on with here."""
        self._claim = secrets.token_hex(8)
        self._write_writer(self._claim)

    def _write_writer(self, claim: str) -> None:
        self._writer.write_text(f"{os.getpid()}\n{claim}\n", "utf-8")

    def _read_writer(self) -> tuple[str, str]:
        """The number of the process that last held the folder, and the claim of the Run that last wrote it."""
        try:
            process, claim, *_ = f"{self._writer.read_text('utf-8', errors='replace')}\n\n".split("\n")
        except OSError:
            return "unknown", ""
        return process, claim
