"""From a text in blocks to its ids: what it is made of, then each character as a number, in memory or in a file."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from charrnn.arrays import Ids
from charrnn.errors import CorpusError, UnknownCharacterError
from charrnn.files import replace_file, reserve
from charrnn.text.vocabulary import Vocabulary, code_points, describe_character


def survey_characters(blocks: Iterable[str], name: str) -> tuple[int, str, str]:
    """Number of characters, distinct characters and SHA-256 of a text."""
    np.empty(1 << 20, np.uint8)  # after this is freed, glibc keeps the memory of blocks for the next: a sixth less time
    n, sha256 = 0, hashlib.sha256()
    seen = np.zeros(0x110000, np.bool_)  # by code point
    for block in blocks:
        try:
            sha256.update(block.encode())
        except UnicodeEncodeError as error:
            raise CorpusError(
                f"corpus {name!r} holds {describe_character(block[error.start])} at position {n + error.start}, "
                "half of a character",
                "set {encoding} to the right one",
            ) from None
        points = code_points(block)
        if not seen.take(points, mode="clip").all():  # marking takes four times as long as looking
            seen[points] = True
        n += len(block)
    return n, "".join(map(chr, np.flatnonzero(seen).tolist())), sha256.hexdigest()


def encoded_blocks(blocks: Iterable[str], vocabulary: Vocabulary, n: int, name: str) -> Iterator[tuple[int, Ids]]:
    """The ids of a text in blocks, each with its place; raises CorpusError if this is not the text surveyed before."""
    changed = CorpusError(f"corpus {name!r} changed while it was read", "start again when nothing writes to it")
    start = 0
    for block in blocks:
        try:
            ids = vocabulary.encode(block)
        except UnknownCharacterError:
            raise changed from None
        if start + len(ids) > n:
            raise changed
        yield start, ids
        start += len(ids)
    if start < n:
        raise changed


def mapped_ids(path: Path, fill: Callable[[Ids], None], dtype: np.dtype[np.unsignedinteger], n: int) -> Ids:
    """Ids (n,) mapped from a file, which is filled first unless it is there and complete."""

    def write(file: BinaryIO) -> None:
        reserve(file, n * dtype.itemsize)
        ids = np.memmap(file.name, dtype, "r+")
        fill(ids)
        ids.flush()

    try:
        if not path.exists() or path.stat().st_size != n * dtype.itemsize:
            path.parent.mkdir(parents=True, exist_ok=True)
            replace_file(path, write)
        return np.memmap(path, dtype, "r").view(np.ndarray)
    except OSError as error:
        raise CorpusError(
            f"the ids of the text, {n * dtype.itemsize} bytes, cannot be kept in {str(path.parent)!r}: "
            f"{error.strerror}",
            "make room there, or name a run elsewhere with {run}",
        ) from None
