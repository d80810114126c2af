"""Arrays and a JSON text in one uncompressed ``.npz``, read as if an enemy had written it.

A reader says which arrays it expects, of which shape and type. Memory is allocated only after the file has been found
to hold exactly these, each as long as it must be; nothing is ever unpickled or unpacked. NumPy reads the same files:
``np.load(path)``.
"""

import io
import os
import re
import stat
import struct
import zipfile
from collections.abc import Iterator, Mapping, Set
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt

from charrnn.arrays import Array

MOST_BYTES = 2**31 - 2**21
"""Largest file: what ``zipfile`` writes without the zip format's 64-bit extension, less room for a directory."""
MOST_TEXT = 2**21
"""Bytes of the text; room for a vocabulary of half a million characters."""
MOST_NESTED = 1000
"""Objects and lists in the text; each may cost a parser a hundred times its bytes. Ours hold about twenty."""
MOST_ARRAYS = 8192
MOST_HEADER = 8 * MOST_TEXT
"""Bytes of a safetensors file's header: the text, its characters perhaps escaped, and the arrays' shapes."""
_MOST_DIRECTORY = 2**21
"""Bytes of the zip directory; an array takes about a hundred."""

TEXT = "document"
_CHUNK = 2**20
_END = struct.Struct("<4s4H2LH")
"""End of the central directory (PKWARE's APPNOTE 6.3.10, 4.3.16): signature, this disk, the directory's disk, entries
there, entries, bytes of the directory, where it starts, bytes of the comment."""
_LOCATOR = 20
"""Bytes of the 64-bit extension's locator, which stands before that end."""


class ArchiveError(Exception):
    """A file that is no such archive, is not whole, or does not hold the arrays that were asked for."""


class Shaped(NamedTuple):
    """The shape and type of an array."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def header(self) -> bytes:
        """The first bytes of its ``.npy`` file."""
        file = io.BytesIO()
        described = {"descr": self.dtype.str, "fortran_order": False, "shape": self.shape}
        np.lib.format.write_array_header_1_0(file, described)
        return file.getvalue()

    @property
    def nbytes(self) -> int:
        size = self.dtype.itemsize
        for n in self.shape:
            size *= n
        return len(self.header) + size


def shaped(array: npt.NDArray[Any]) -> Shaped:
    """The shape and type that an array has."""
    return Shaped(array.shape, array.dtype)


def check_writable(text: bytes, arrays: Mapping[str, Array]) -> None:
    """Raises ArchiveError for more than a reader would accept."""
    checked_text(text)
    size = len(text) + sum(shaped(array).nbytes for array in arrays.values())
    if size > MOST_BYTES or len(arrays) >= MOST_ARRAYS:
        raise ArchiveError(
            f"it would take {size:,} bytes, {len(arrays):,} arrays, of at most {MOST_BYTES:,} and {MOST_ARRAYS - 1:,}"
        )


def write_archive(file: BinaryIO, text: bytes, arrays: Mapping[str, Array]) -> None:
    """The same text and arrays give the same bytes. A reader may refuse what ``check_writable`` does."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, array in {TEXT: np.frombuffer(text, np.uint8), **arrays}.items():
            member = zipfile.ZipInfo(f"{name}.npy")  # dated 1980
            member.file_size = shaped(array).nbytes
            with archive.open(member, "w") as stream:
                stream.write(shaped(array).header)
                stream.write(_bytes(np.ascontiguousarray(array)))


def checked_text(text: bytes) -> bytes:
    """The text itself; raises ArchiveError for one that would cost a parser too much."""
    if len(text) > MOST_TEXT:
        raise ArchiveError(f"{TEXT!r} has {len(text):,} bytes, of at most {MOST_TEXT:,}")
    bare = re.sub(rb'"(?:[^"\\]|\\.)*"', b"", text)  # strings may hold what they like
    if (nested := bare.count(b"{") + bare.count(b"[")) > MOST_NESTED:
        raise ArchiveError(f"{TEXT!r} nests {nested:,} objects and lists, of at most {MOST_NESTED:,}")
    return text


def differing(expected: Set[str], names: Set[str]) -> str:
    """How names differ from those expected: ``lacks 'a', 'b', 'c' and 4 more and has too many: 'd'``."""
    parts = []
    for verb, these in (("lacks", expected - names), ("has too many:", names - expected)):
        first = ", ".join(map(repr, sorted(these)[:3]))
        parts += [f"{verb} {first}{f' and {len(these) - 3} more' if len(these) > 3 else ''}"] if these else []
    return " and ".join(parts)


@contextmanager
def open_archive(path: Path) -> Iterator["Archive"]:
    """An archive, open within the context. Raises ArchiveError, or OSError."""
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise ArchiveError("it is not a file")
    with open(path, "rb") as file:
        _check_end(file)
        try:
            archive = zipfile.ZipFile(file)
        except _DAMAGE as error:
            raise ArchiveError(str(error)) from None
        with archive:
            yield Archive(archive, os.fstat(file.fileno()).st_size)


class Archive:
    """What ``open_archive`` gives. Its methods raise ArchiveError, or OSError."""

    def __init__(self, archive: zipfile.ZipFile, size: int) -> None:
        """``size`` is that of the file, in bytes."""
        self._zip = archive
        self._members: dict[str, zipfile.ZipInfo] = {}
        for member in archive.infolist():
            name = member.orig_filename.removesuffix(".npy")
            if name in self._members or member.orig_filename != f"{name}.npy":
                raise ArchiveError(f"{member.orig_filename!r} is there twice, or no array")
            if member.compress_type != zipfile.ZIP_STORED or member.file_size != member.compress_size:
                raise ArchiveError(f"{name!r} is compressed")
            if member.flag_bits or member.extra or member.comment:
                raise ArchiveError(f"{name!r} comes with something that does not belong there")
            self._members[name] = member
        if sum(member.file_size for member in self._members.values()) > size:
            raise ArchiveError("its members lie over one another")

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def text(self) -> bytes:
        """The text beside the arrays."""
        if TEXT not in self._members:
            raise ArchiveError(f"it lacks {TEXT!r}")
        size = self._members[TEXT].file_size - len(Shaped((0,), np.dtype(np.uint8)).header)
        if not 0 <= size <= MOST_TEXT:
            raise ArchiveError(f"{TEXT!r} has {size:,} bytes, of at most {MOST_TEXT:,}")
        array = np.empty(size, np.uint8)
        self.read(TEXT, array)
        return checked_text(array.tobytes())

    def check(self, expected: Mapping[str, Shaped]) -> None:
        """Raises ArchiveError unless the archive holds these arrays, each as long as it must be, and no others."""
        names = self._members.keys() - {TEXT}
        if names != expected.keys():
            raise ArchiveError(f"it {differing(expected.keys(), names)}")
        for name, like in expected.items():
            if (size := self._members[name].file_size) != like.nbytes:
                raise ArchiveError(f"{name!r} has {size:,} bytes, and its settings ask for {like.nbytes:,}")

    def read(self, name: str, out: npt.NDArray[Any]) -> None:
        """Reads an array into ``out``. Raises ArchiveError where it has another shape or type, a wrong checksum, or
        numbers that are not finite."""
        header = shaped(out).header
        data = _bytes(out)
        try:
            with self._zip.open(self._members[name]) as stream:
                if stream.read(len(header)) != header:
                    raise ArchiveError(f"{name!r} is not {out.dtype} {out.shape}, as its settings say")
                start = 0
                while chunk := stream.read(_CHUNK):
                    data[start : start + len(chunk)] = chunk
                    start += len(chunk)
        except _DAMAGE as error:
            raise ArchiveError(str(error)) from None
        if start != len(data):
            raise ArchiveError(f"{name!r} ends too early")
        if not all(np.isfinite(part).all() for part in np.array_split(out.reshape(-1), 1 + out.size // _CHUNK)):
            raise ArchiveError(f"{name!r} holds numbers that are not finite")


_DAMAGE = (zipfile.BadZipFile, EOFError, ValueError, NotImplementedError, RuntimeError, struct.error)
"""Errors that zipfile raises when a file is damaged."""


def _bytes(array: npt.NDArray[Any]) -> memoryview:
    """The bytes of a contiguous array, not copied."""
    return array.reshape(-1).view(np.uint8).data


def _check_end(file: BinaryIO) -> None:
    """Checks the end of the file, which says how long its directory is; zipfile would believe any length."""
    size = file.seek(0, os.SEEK_END)
    if not _END.size + _LOCATOR <= size <= MOST_BYTES + _MOST_DIRECTORY:
        raise ArchiveError(f"it has {size:,} bytes")
    file.seek(size - _END.size - _LOCATOR)
    before, end = file.read(_LOCATOR), file.read(_END.size)
    signature, *disks, here, entries, directory, start, comment = _END.unpack(end)
    if signature != b"PK\5\6" or before.startswith(b"PK\6\7"):
        raise ArchiveError("it does not end as one does")
    if any(disks) or here != entries or comment or start + directory + _END.size != size:
        raise ArchiveError("its end does not fit the rest")
    if entries > MOST_ARRAYS or directory > _MOST_DIRECTORY:
        raise ArchiveError(f"it holds {entries:,} arrays, of at most {MOST_ARRAYS:,}")
