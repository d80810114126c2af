"""From a text to its vocabulary and its ids, split into a training, a validation and a test part."""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path

import numpy as np

from charrnn.arrays import Ids
from charrnn.errors import CorpusError, UnknownCharacterError
from charrnn.files import replace_file
from charrnn.text.reading import find_sources, in_blocks, read_blocks
from charrnn.text.vocabulary import Vocabulary, code_points, describe_character
from charrnn.text.words import real_words

MAPPED_FROM = 256 << 20
"""Ids that take at least this many bytes are kept in a file rather than in memory, if there is a folder for it."""

Blocks = Callable[[], Iterable[str]]
"""A text that can be read more than once."""


@dataclass(frozen=True)
class Corpus:
    """A text as ids (n,), cut into a training part, then a validation part, then a test part.

    It is cut as a whole, or in ``pieces`` of equal length, each cut the same way, so that every part comes from all
    over the text. A part is then what the pieces hold of it, one after another. What is left over at the end of the
    text, fewer characters than pieces, is in no part.

    Karpathy, Johnson, Li 2015 (arXiv 1506.02078) held out the ends of 100 pieces, to judge by their n-gram losses: the
    loader of char-rnn cuts a text so.
    """

    name: str
    """What it is called in messages and in the name of a run: ``war-and-peace``."""
    vocabulary: Vocabulary
    ids: Ids
    sha256: str
    """SHA-256 of the text as it is learnt, in UTF-8, with its line ends unified."""
    validation_start: int
    """In the text, or in each piece."""
    test_start: int
    pieces: int = 1

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def training(self) -> Ids:
        return self._parts[0]

    @property
    def validation(self) -> Ids:
        return self._parts[1]

    @property
    def test(self) -> Ids:
        return self._parts[2]

    def cut(self, validation: float, test: float) -> "Corpus":
        """The same text with other shares held out; raises CorpusError if one of the parts would be too small."""
        starts = split(len(self), self.name, validation, test, self.pieces)
        return replace(self, validation_start=starts[0], test_start=starts[1])

    @cached_property
    def _parts(self) -> list[Ids]:
        """Views of the ids, where the text is cut as a whole."""
        pieces = self.ids[: len(self) // self.pieces * self.pieces].reshape(self.pieces, -1)
        return [part.ravel() for part in np.split(pieces, [self.validation_start, self.test_start], axis=1)]

    @cached_property
    def real_words(self) -> frozenset[str]:
        """The words that count as real: those that occur often enough in the training part."""
        return real_words(map(self.vocabulary.decode, in_blocks(self.training)))


def load_corpus(
    paths: str | Path | Sequence[str | Path] = (),
    *,
    encoding: str = "utf-8",
    newline: str = "universal",
    validation: float = 0.1,
    test: float = 0.0,
    pieces: int = 1,
    characters: str = "",
    standard_input: bytes | None = None,
    cache: str | Path | None = None,
) -> Corpus:
    """Reads a file, a folder of ``.txt`` files or ``-``, or several of them as one text, in the order given.

    ``-`` is standard input, or ``standard_input`` where it has been read already.

    Without a path, the text is the reference manual that comes with every CPython. A byte-order mark is dropped; line
    ends become ``\\n`` unless ``newline`` is ``"keep"``. ``validation`` and ``test`` are shares of the text, 0 for
    none, held out at its end, or at the end of each of so many equal ``pieces``. The vocabulary holds ``characters`` as
    well as those of the text, for a network that knows them already.

    Files are read twice, a block at a time, and only the ids stay in memory. If they take at least ``MAPPED_FROM``
    bytes and a folder ``cache`` is given, they are kept in a file there, which is mapped into memory and used again.

    Raises CorpusError for what cannot be read or decoded, for a text too small for its split, and for ids that cannot
    be written.
    """
    blocks: Blocks
    paths = [paths] if isinstance(paths, str | Path) else paths
    if paths:
        blocks = partial(read_blocks, find_sources(paths, standard_input), encoding, newline)
    else:
        blocks = partial(in_blocks, python_manual())
    return _make(blocks, corpus_name(paths), validation, test, pieces, characters, cache)


def make_corpus(
    text: str,
    name: str = "text",
    *,
    validation: float = 0.1,
    test: float = 0.0,
    pieces: int = 1,
    characters: str = "",
) -> Corpus:
    """A corpus of a text already in memory; see ``load_corpus``."""
    return _make(partial(in_blocks, text), name, validation, test, pieces, characters)


def python_manual() -> str:
    """The topics of the Python reference manual (``pydoc_data.topics``), in sorted order."""
    try:
        from pydoc_data.topics import topics
    except ImportError:
        raise CorpusError("this Python comes without its reference manual", "name a text to train on") from None
    return "\n".join(topics[name] for name in sorted(topics))


def corpus_name(paths: Sequence[str | Path]) -> str:
    """The name of a corpus of these paths: that of the first."""
    if not paths:
        return "python-manual"
    return "stdin" if str(paths[0]) == "-" else Path(os.path.abspath(paths[0])).stem or "text"


def split(n: int, name: str, validation: float, test: float, pieces: int = 1) -> tuple[int, int]:
    """Where the validation part and the test part of a text of n characters begin, or those of each of its pieces;
    raises CorpusError if one of the parts would be too small."""
    n //= pieces
    of = f"corpus {name!r}" if pieces == 1 else f"each of the {pieces} pieces of corpus {name!r}"
    validation_size, test_size = round(n * validation), round(n * test)
    for part, share, size in (("validation", validation, validation_size), ("test", test, test_size)):
        if share > 0 and size < 2:
            raise CorpusError(
                f"the {part} part would have {size} of the {n} characters of {of}",
                f"set {{corpus.{part}}} to 0 for none, or give a longer text",
            )
    if n - validation_size - test_size < 2:
        raise CorpusError(
            f"corpus.validation ({validation:g}) and corpus.test ({test:g}) leave nothing to train on of the {n} "
            f"characters of {of}",
            "lower them",
        )
    return n - validation_size - test_size, n - test_size


def _make(
    blocks: Blocks,
    name: str,
    validation: float,
    test: float,
    pieces: int,
    characters: str,
    cache: str | Path | None = None,
) -> Corpus:
    n, found, sha256 = _survey(blocks(), name)
    if not n:
        raise CorpusError(f"corpus {name!r} is empty", "give a text of at least a few thousand characters")
    if len(found) < 2:
        raise CorpusError(
            f"corpus {name!r} repeats one character ({n} times)", "a network needs at least two to learn from"
        )
    validation_start, test_start = split(n, name, validation, test, pieces)
    vocabulary = Vocabulary(found + characters)
    encoded = _encoded(blocks(), vocabulary, n, name)
    if cache is not None and n * vocabulary.dtype.itemsize >= MAPPED_FROM:
        key = hashlib.sha256(f"{sha256} {vocabulary.characters}".encode()).hexdigest()
        ids = _mapped(Path(cache, f"{key}.ids"), encoded, vocabulary.dtype, n)
    else:
        ids = np.empty(n, vocabulary.dtype)
        for start, block in encoded:
            ids[start : start + len(block)] = block
    return Corpus(name, vocabulary, ids, sha256, validation_start, test_start, pieces)


def _survey(blocks: Iterable[str], name: str) -> tuple[int, str, str]:
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


def _encoded(blocks: Iterable[str], vocabulary: Vocabulary, n: int, name: str) -> Iterator[tuple[int, Ids]]:
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


def _mapped(path: Path, encoded: Iterable[tuple[int, Ids]], dtype: np.dtype[np.unsignedinteger], n: int) -> Ids:
    """Ids (n,) mapped from a file, which is written first unless it is there and complete."""
    try:
        if not path.exists() or path.stat().st_size != n * dtype.itemsize:
            path.parent.mkdir(parents=True, exist_ok=True)
            replace_file(path, lambda file: file.writelines(block.data for _, block in encoded))
        return np.memmap(path, dtype, "r").view(np.ndarray)
    except OSError as error:
        raise CorpusError(
            f"the ids of the text, {n * dtype.itemsize} bytes, cannot be kept in {str(path.parent)!r}: "
            f"{error.strerror}",
            "make room there, or name a run elsewhere with {run}",
        ) from None
