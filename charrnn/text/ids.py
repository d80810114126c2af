"""From a text in blocks to its ids: what it is made of, then each character as a number, in memory or in a file."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
from filelock import FileLock

from charrnn.arrays import Ids
from charrnn.errors import CorpusError, UnknownCharacterError
from charrnn.files import kept_in, replace_file, reserve, unfinished
from charrnn.text.items import Items, Order
from charrnn.text.normalisation import Form, normalised, normalised_blocks
from charrnn.text.notes import Contents, Notes
from charrnn.text.vocabulary import Vocabulary, code_points, describe_character
from charrnn.wording import how_many

MAPPED_FROM = 256 << 20
"""Ids that take at least this many bytes are kept in a file rather than in memory, if there is a folder for it."""

Blocks = Callable[[], Iterable[str]]
"""A text that can be read more than once."""


@dataclass(frozen=True)
class Encoded:
    """A text as ids (n,), with the vocabulary that they belong to."""

    ids: Ids
    vocabulary: Vocabulary
    contents: Contents
    folder: Path | None
    """Where the ids are in a file; None for in memory."""


def encode_text(
    blocks: Blocks,
    name: str,
    characters: str,
    form: Form,
    items: Items | None,
    seed: int,
    notes: Notes | None,
) -> Encoded:
    """The ids of a text, or of its ``items`` in their order by this seed. The vocabulary has ``characters`` too.

    Ids of a long text are kept in a file where its ``notes`` are, if there are some; where these know the text and the
    file is there, nothing is read. One process at a time writes them, and removes what was left half written by those
    that were killed. Raises CorpusError for a text that nothing can be learnt from.
    """
    folder, order_seed = notes.folder if notes else None, seed if items else None
    known = _known(notes, characters, form, order_seed) if notes else None
    if known:
        return known

    def text() -> Iterator[str]:
        if items is None:
            return normalised_blocks(blocks(), form)
        return (normalised(block, form) for block in blocks())  # of whole items

    order = Order(items, seed, folder) if items else None
    contents = contents_of(order.watch(text()) if order else text(), name)
    if order:
        contents = replace(contents, sha256=order.sha256, labels=tuple(sorted(order.labels)))
    n = contents.length
    if not n:
        raise CorpusError(f"corpus {name!r} is empty", "give a text of at least a few thousand characters")
    if len(contents.characters) < 2:
        raise CorpusError(
            f"corpus {name!r} repeats one character ({how_many(n, 'time')})",
            "a network needs at least two to learn from",
        )
    vocabulary = Vocabulary(contents.characters + characters, form)
    dtype, encoded = vocabulary.dtype, encoded_blocks(text(), vocabulary, n, name)

    def fill(ids: Ids) -> None:
        if order and items:
            order.fill(ids, encoded, vocabulary.characters.index(items.mark))
        else:
            for start, block in encoded:
                ids[start : start + len(block)] = block

    def write(file: BinaryIO) -> None:
        if order:
            reserve(file, n * dtype.itemsize)
            ids = np.memmap(file.name, dtype, "r+")
            fill(ids)
            ids.flush()
        else:  # what is written through a mapping would count as memory of this process
            for _, block in encoded:
                file.write(block.data)

    path = _file(folder, contents, vocabulary, order_seed)
    if path is None:
        ids = np.empty(n, dtype)
        fill(ids)
        return Encoded(ids, vocabulary, contents, None)
    with kept_in(path.parent, f"the ids of the text, {n * dtype.itemsize} bytes,"):
        if not _is_complete(path, dtype, n):
            path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(path.with_name(f".{path.name}.lock")):
                for left in unfinished(path.parent, path.name):
                    left.unlink()
                if not _is_complete(path, dtype, n):  # another process may have written them
                    replace_file(path, write)
        made = Encoded(_mapped(path, dtype), vocabulary, contents, folder)
    if notes:
        notes.note(contents)
    return made


def _known(notes: Notes, characters: str, form: Form, seed: int | None) -> Encoded | None:
    """A text whose ids are there, by its notes."""
    contents = notes.contents()
    if contents:
        vocabulary = Vocabulary(contents.characters + characters, form)
        path = _file(notes.folder, contents, vocabulary, seed)
        with suppress(OSError):  # removed just now
            if path and _is_complete(path, vocabulary.dtype, contents.length):
                return Encoded(_mapped(path, vocabulary.dtype), vocabulary, contents, notes.folder)
    return None


def contents_of(blocks: Iterable[str], name: str) -> Contents:
    """Length, distinct characters and SHA-256 of a text."""
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
                "write the whole character there, or leave the half out",
            ) from None
        points = code_points(block)
        if not seen.take(points, mode="clip").all():  # marking takes four times as long as looking
            seen[points] = True
        n += len(block)
    return Contents(n, "".join(map(chr, np.flatnonzero(seen).tolist())), sha256.hexdigest())


def encoded_blocks(blocks: Iterable[str], vocabulary: Vocabulary, n: int, name: str) -> Iterator[tuple[int, Ids]]:
    """The ids of a text in blocks, each with its place; raises CorpusError if this is not the text read before."""
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


def _file(folder: Path | None, contents: Contents, vocabulary: Vocabulary, seed: int | None) -> Path | None:
    """The file of the ids of a text, where they are to be kept in one; of items, each order has its own."""
    if folder is None or contents.length * vocabulary.dtype.itemsize < MAPPED_FROM:
        return None
    of_items = "" if seed is None else f" {seed}"
    key = hashlib.sha256(f"{contents.sha256} {vocabulary.characters}{of_items}".encode()).hexdigest()
    return folder / f"{key}.ids"


def _is_complete(path: Path, dtype: np.dtype[np.unsignedinteger], n: int) -> bool:
    return path.exists() and path.stat().st_size == n * dtype.itemsize


def _mapped(path: Path, dtype: np.dtype[np.unsignedinteger]) -> Ids:
    return np.memmap(path, dtype, "r").view(np.ndarray)
