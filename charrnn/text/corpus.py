"""From a text to its vocabulary and its ids, split into a training, a validation and a test part."""

import math
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from charrnn.arguments import as_whole, check_type, is_number, shown
from charrnn.arrays import Ids
from charrnn.errors import CorpusError
from charrnn.text.ids import Blocks, encode_text
from charrnn.text.items import KINDS, LOOKED_AT, Items, as_items, item_sample, item_starts, item_streams, marked
from charrnn.text.normalisation import FORMS, Form
from charrnn.text.notes import Notes
from charrnn.text.reading import Source, check_different, find_sources, in_blocks, read_blocks
from charrnn.text.vocabulary import Vocabulary
from charrnn.text.words import real_words
from charrnn.wording import how_many

NEWLINES = ("universal", "keep")

WORDS_FROM = 1 << 24
"""The most characters of a text that are read for its words, which takes seconds."""
PLACES = 50
"""The fewest places of a part from which a sample of it is taken, unless it is too short for that."""


@dataclass(frozen=True)
class Corpus:
    """A text as ids (n,), cut into a training part, then a validation part, then a test part.

    It is cut as a whole, or in ``pieces`` of equal length, each cut the same way, so that every part comes from all
    over the text. A part is then what the pieces hold of it, one after another. What is left over at the end of the
    text, fewer characters than pieces, is in no part.

    Karpathy, Johnson, Li 2015 (arXiv 1506.02078) held out the ends of 100 pieces, to judge by their n-gram losses: the
    loader of char-rnn cuts a text so.

    A text of many items, each of which ends with a ``mark``, is kept in an order drawn at random (``items.Order``), so
    that each part has items from all over the text. It is cut between items, where two equal ones are not parted.
    """

    name: str
    """What it is called in messages and in the name of a run: ``war-and-peace``."""
    vocabulary: Vocabulary
    ids: Ids
    sha256: str
    """SHA-256 of the text as it is learnt, in UTF-8, with its line ends unified and in its normal form; of items, one
    that does not depend on their order."""
    validation_start: int
    """In the text, or in each piece."""
    test_start: int
    pieces: int = 1
    files: tuple[str, ...] = ()
    """What it was read from, in this order."""
    mark: str | None = None
    """The character that ends each item; None where the text is one."""
    labels: tuple[str, ...] = ()
    """The labels that stand before items, sorted."""
    seed: int = 0
    """Of the order of items."""
    folder: Path | None = None
    """Where arrays as long as the text are kept, in files that are mapped into memory; None for in memory."""

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

    def cut(self, validation: float, test: float, pieces: int = 1) -> "Corpus":
        """The same text with other shares held out, of each of so many pieces; raises CorpusError if one of the parts
        would be too small, and for items in pieces."""
        places = (*split(len(self), self.name, validation, test, pieces), len(self))
        if self.mark is None:
            return replace(self, validation_start=places[0], test_start=places[1], pieces=pieces)
        if pieces > 1:
            raise CorpusError(f"items are held out at random, and pieces is {pieces}", "leave it out")
        starts = [self._between_items(at) for at in places]
        for k, (part, share) in enumerate((("validation", validation), ("test", test))):
            if share and starts[k] == starts[k + 1]:
                raise self._no_item_for(part, share, *places[k : k + 2])
        return replace(self, validation_start=starts[0], test_start=starts[1])

    @property
    def shares(self) -> dict[str, Any]:
        """How it is cut, under the names of the settings: ``corpus.cut(**corpus.shares)`` has the same parts."""
        n = sum(map(len, self._parts))
        held_out = {"validation": len(self.validation) / n, "test": len(self.test) / n}
        return held_out | {"pieces": self.pieces}

    @cached_property
    def beginning(self) -> str:
        """As much of the text as shows what it looks like."""
        return self.vocabulary.decode(self.ids[:LOOKED_AT])

    @property
    def mark_id(self) -> int | None:
        """The id of the mark."""
        return None if self.mark is None else self.vocabulary.characters.index(self.mark)

    @cached_property
    def starts(self) -> npt.NDArray[np.unsignedinteger]:
        """Where each item begins, (items,)."""
        assert self.mark_id is not None
        return item_starts(self.ids, self.mark_id, self.folder)

    def items_in(self, ids: Ids) -> int:
        """How many items a part of the text has; 0 where it is one."""
        return 0 if self.mark_id is None else int(np.count_nonzero(ids == self.mark_id))

    def sample(self, ids: Ids, count: int, window: int, most: int | None) -> list[Ids]:
        """A part of the text in streams, as of ``in_streams``; of one that is longer than ``most`` characters no more
        than these, in ``count`` streams or ``PLACES``, or fewer where these would be shorter than a window, from
        places that are spread evenly over it. Of items, each begins with one, but where these are longer than streams.
        """
        if most is None or len(ids) <= most:
            return self.in_streams(ids, count, window)
        places = max(2, min(max(count, PLACES), most // window))
        length = max(1, most // places)
        if self.mark_id is not None:
            return item_sample(ids, self.mark_id, places, length)
        starts = [k * (len(ids) - 1) // places for k in range(places)]
        return [ids[at : at + length + 1] for at in starts]

    def in_streams(self, ids: Ids, count: int, window: int) -> list[Ids]:
        """A part of the text cut into ``count`` streams or fewer, to be read side by side in windows, each an array
        whose first id is not predicted. ``ids`` is one of the parts.

        The streams of a text that is one follow each other, the last of them a little longer where it does not divide.
        A text in pieces has a stream for each. Streams of items begin and end with the mark, which comes first in each.
        """
        if self.mark_id is not None:
            return item_streams(ids, self.mark_id, count)
        if self.pieces > 1:
            return list(ids.reshape(self.pieces, -1))
        count = max(1, min(count, (len(ids) - 1) // window))
        length = (len(ids) - 1) // count
        ends = [*(k * length + 1 for k in range(1, count)), len(ids)]
        return [ids[k * length : end] for k, end in enumerate(ends)]

    def _no_item_for(self, part: str, share: float, start: int, stop: int) -> CorpusError:
        """Why there is no item for a part that was to be between two places."""
        first, after = np.searchsorted(self.starts, (start, stop))
        if first == after:
            return CorpusError(
                f"corpus {self.name!r} has {how_many(len(self.starts), 'item')}, and none begins within the "
                f"{how_many(stop - start, 'character')} of a {part} part of {share:g}",
                f"set {{corpus.{part}}} higher, or to 0 for none, or give more items",
            )
        return CorpusError(
            f"equal items of corpus {self.name!r} are not parted, and it has too few different ones for a "
            f"{part} part of {share:g}, {how_many(len(self.starts), 'item')} in all",
            f"set {{corpus.{part}}} to 0 for none, or give more items",
        )

    def _between_items(self, at: int) -> int:
        """The first place from ``at`` on where an item begins that is not the same as the one before it."""
        starts, n = self.starts, len(self.starts)
        k = int(np.searchsorted(starts, at))
        while 0 < k < n and np.array_equal(self._item(k - 1), self._item(k)):
            k += 1
        return int(starts[k]) if k < n else len(self)

    def _item(self, k: int) -> Ids:
        end = self.starts[k + 1] if k + 1 < len(self.starts) else len(self)
        return self.ids[self.starts[k] : end]

    @cached_property
    def _parts(self) -> list[Ids]:
        """Views of the ids, where the text is cut as a whole."""
        pieces = self.ids[: len(self) // self.pieces * self.pieces].reshape(self.pieces, -1)
        return [part.ravel() for part in np.split(pieces, [self.validation_start, self.test_start], axis=1)]

    @cached_property
    def real_words(self) -> frozenset[str]:
        """The words that count as real: those that occur often enough in the training part; none where these are so few
        of its words that they tell nothing of a sample, as in scripts without spaces and in lists. Of a very long text
        they are those of a sample of it."""
        texts = self.sample(self.training, 1, 1, WORDS_FROM)
        if len(self.training) > WORDS_FROM:
            texts = [self._whole_words(ids) for ids in texts]
        return real_words(self.vocabulary.decode(block) for ids in texts for block in in_blocks(ids))

    def _whole_words(self, ids: Ids) -> Ids:
        """A piece of the text from its first space or line end to its last."""
        gaps = np.flatnonzero(np.isin(ids, self.vocabulary.encode(" \n", "skip")))
        return ids[gaps[0] : gaps[-1]] if len(gaps) else ids[:0]


def load_corpus(
    paths: str | Path | Sequence[str | Path] = (),
    *,
    encoding: str = "utf-8",
    newline: str = "universal",
    normalise: Form = "none",
    items: str = "none",
    field: str | None = None,
    label: str | None = None,
    validation: float = 0.1,
    test: float = 0.0,
    pieces: int = 1,
    seed: int = 0,
    characters: str = "",
    standard_input: bytes | None = None,
    cache: str | Path | None = None,
) -> Corpus:
    """Reads a file, a folder of ``.txt`` files or ``-``, or several of them as one text, in the order given.

    ``-`` is standard input, or ``standard_input`` where it has been read already.

    In a folder, names that begin with a dot are passed over. Files are read by name, ``c2`` before ``c10``; where one
    does not end in a line end, one is put between it and the next.

    Without a path, the text is the reference manual that comes with every CPython. A byte-order mark is dropped; line
    ends become ``\\n`` unless ``newline`` is ``"keep"``; with ``normalise`` the text is brought into a normal form of
    Unicode, NFC or NFD. ``validation`` and ``test`` are shares of the text, 0 for
    none, held out at its end, or at the end of each of so many equal ``pieces``. The vocabulary holds ``characters`` as
    well as those of the text, for a network that knows them already.

    With ``items``, an entry of ``ITEMS``, the text is made of items. With a ``field``, they are the values of that
    field in files of CSV or of JSON lines, each after its ``label``, the value of another field, if that is named. Of
    items, ``seed`` says which are held out.

    Files are read twice, a block at a time, and only the ids stay in memory. If they take at least ``MAPPED_FROM``
    bytes and a folder ``cache`` is given, they are kept in a file there, which is mapped into memory; as long as the
    size and the time of change of the text stay as they are, it is not read again.

    Raises CorpusError for what cannot be read or decoded, for a file that is given twice, for a text too small for its
    split, and for ids that cannot be written.
    """
    paths = list(paths) if isinstance(paths, Iterable) and not isinstance(paths, str | bytes) else [paths]
    _check_reading(encoding, newline)
    _check_form(normalise)
    _check_items(items, field, label)
    made_of, sources = as_items(items, field, label), find_sources(paths, standard_input)
    check_different(sources)
    if paths:
        blocks = partial(read_text, sources, encoding, newline, made_of)
    else:
        manual = Source("the reference manual", python_manual().encode())
        blocks = partial(read_text, [manual], "utf-8", "keep", made_of)
    how = encoding, newline, normalise, items, field, label
    notes = Notes(Path(cache), sources, how) if cache is not None and paths else None
    corpus = _make(blocks, corpus_name(paths), validation, test, pieces, characters, normalise, made_of, seed, notes)
    return replace(corpus, files=tuple(source.name for source in sources))


def read_text(sources: Sequence[Source], encoding: str, newline: str, items: Items | None) -> Iterator[str]:
    """The text of all sources in blocks of any length, as ``load_corpus`` reads it. Of items, the blocks are of whole
    ones with their marks, in the order in which they stand there. Raises CorpusError for what cannot be read."""
    if items is None:
        return read_blocks(sources, encoding, newline)
    found = items.read((source.name, read_blocks([source], encoding, newline)) for source in sources)
    if newline == "keep":
        return found
    return (block.replace("\r\n", "\n").replace("\r", "\n") for block in found)  # JSON writes line ends as \r\n too


def make_corpus(
    text: str | Sequence[str],
    name: str = "text",
    *,
    normalise: Form = "none",
    items: str = "none",
    validation: float = 0.1,
    test: float = 0.0,
    pieces: int = 1,
    seed: int = 0,
    characters: str = "",
) -> Corpus:
    """A corpus of a text already in memory, or of a list of items; see ``load_corpus``."""
    check_type(name, str, "the name of the corpus", "give {name} a text", CorpusError)
    _check_form(normalise)
    _check_items(items)
    made_of: Items | None

    def blocks() -> Iterator[str]:
        if not isinstance(text, str):
            assert made_of
            return marked(text, made_of.mark)
        return in_blocks(text) if made_of is None else made_of.read([(name, in_blocks(text))])

    if isinstance(text, str):
        made_of = as_items(items)
    else:
        remedy = "give a text, or a list of them, which are items; load_corpus reads files"
        check_type(text, list | tuple, "the text of the corpus", remedy, CorpusError)
        for item in text:
            check_type(item, str, "an item of the corpus", remedy, CorpusError)
        made_of = Items("blank-lines" if any("\n" in item for item in text) else "lines")
    return _make(blocks, name, validation, test, pieces, characters, normalise, made_of, seed)


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
    for part, share in (("validation", validation), ("test", test)):
        if not is_number(share) or not 0 <= share < math.inf:
            raise CorpusError(f"corpus.{part} is {shown(share)}", f"give {{corpus.{part}}} a share of the text, 0 to 1")
    n //= as_whole(pieces, "pieces", 1)
    of = f"corpus {name!r}" if pieces == 1 else f"each of the {pieces} pieces of corpus {name!r}"
    validation_size, test_size = round(n * validation), round(n * test)
    for part, share, size in (("validation", validation, validation_size), ("test", test, test_size)):
        if share > 0 and size < 2:
            raise CorpusError(
                f"the {part} part would have {size} of the {n} characters of {of}",
                f"{'lower {corpus.pieces}, ' if pieces > 1 else ''}set {{corpus.{part}}} to 0 for none, "
                "or give a longer text",
            )
    if n - validation_size - test_size < 2:
        raise CorpusError(
            f"corpus.validation ({validation:g}) and corpus.test ({test:g}) leave nothing to train on of the {n} "
            f"characters of {of}",
            f"lower them{', or {corpus.pieces}' if pieces > 1 else ''}",
        )
    return n - validation_size - test_size, n - test_size


def _check_reading(encoding: str, newline: str) -> None:
    try:
        "".encode(encoding)
    except (LookupError, TypeError, ValueError):
        raise CorpusError(
            f"the encoding is {shown(encoding)}",
            "give {encoding} one that Python knows, such as 'utf-8' or 'latin-1'",
        ) from None
    if newline not in NEWLINES:
        raise CorpusError(f"newline is {shown(newline)}", f"give one of {', '.join(map(repr, NEWLINES))}")


def _check_form(normalise: str) -> None:
    if normalise not in FORMS:
        raise CorpusError(f"normalise is {shown(normalise)}", f"give one of {', '.join(map(repr, FORMS))}")


def _check_items(items: str, field: str | None = None, label: str | None = None) -> None:
    if items not in KINDS:
        raise CorpusError(f"items is {shown(items)}", f"give one of {', '.join(map(repr, KINDS))}")
    for name, column in (("field", field), ("label", label)):
        check_type(column, str | None, f"the {name} of the items", f"give {{{name}}} the name of a column", CorpusError)
    if label is not None and field is None:
        raise CorpusError(f"the label of the items is {label!r}, and there is no field", "name that of the items too")


def _make(
    blocks: Blocks,
    name: str,
    validation: float,
    test: float,
    pieces: int,
    characters: str,
    form: Form,
    items: Items | None,
    seed: int,
    notes: Notes | None = None,
) -> Corpus:
    check_type(characters, str, "characters", "give {characters} a text", CorpusError)
    seed = as_whole(seed, "seed") if items else seed
    made = encode_text(blocks, name, characters, form, items, seed, notes)
    n = len(made.ids)
    corpus = Corpus(name, made.vocabulary, made.ids, made.contents.sha256, n, n, seed=seed, folder=made.folder)
    if items:
        corpus = replace(corpus, mark=items.mark, labels=made.contents.labels)
    return corpus.cut(validation, test, pieces)
