"""Many short texts in one: names, poems, messages. What an item is, and the mark that ends each of them.

A mark is a character that no item holds: a line end where items are lines, elsewhere one that cannot be typed. The next
item begins from it, so it stands in the text once for each item.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, groupby, islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from charrnn.arrays import Ids
from charrnn.errors import CorpusError
from charrnn.files import room
from charrnn.text.reading import BLOCK
from charrnn.text.tables import records
from charrnn.text.vocabulary import code_points

RECORD_SEPARATOR = "\x1e"
"""Ends an item that may hold line ends."""
UNIT_SEPARATOR = "\x1f"
"""Stands between an item's label and its text."""
LABELS = 10_000
"""The most different labels that a corpus may have."""

LOOKED_AT = 200_000
"""Characters at the beginning of a text that show whether it is a list, and what in it is a mistake."""
CHUNK = 1 << 20
"""Items or ids that are processed at a time."""
_NOTE = np.dtype([("hash", "<u8"), ("length", "<u4")])

Document = tuple[str, Iterable[str]]
"""A file by its name, and its text in blocks."""


def lines(blocks: Iterable[str]) -> Iterator[str]:
    """The lines of a text in blocks, without their ends."""

    def whole_ones() -> Iterator[list[str]]:
        parts: list[str] = []  # of a line that is not at its end yet
        for block in blocks:
            first, *others = block.split("\n")
            parts.append(first)
            if others:
                *whole, last = others
                yield ["".join(parts), *whole]
                parts = [last]
        yield [last] if (last := "".join(parts)) else []

    return chain.from_iterable(whole_ones())


def _lines(documents: Iterable[Document]) -> Iterator[str]:
    return chain.from_iterable(lines(blocks) for _, blocks in documents)


def _blank_lines(documents: Iterable[Document]) -> Iterator[str]:
    for _, blocks in documents:
        for filled, group in groupby(lines(blocks), key=lambda line: bool(line.strip())):
            if filled:
                yield "\n".join(group)


def _files(documents: Iterable[Document]) -> Iterator[str]:
    return ("".join(blocks).rstrip("\n") for _, blocks in documents)


ITEMS: dict[str, Callable[[Iterable[Document]], Iterator[str]]] = {
    "lines": _lines,
    "blank-lines": _blank_lines,
    "files": _files,
}
"""What an item may be: a line, what stands between blank lines, a file."""


KINDS = ("none", *ITEMS)


@dataclass(frozen=True)
class Items:
    """What the items of a text are: an entry of ``ITEMS``, or the values of a field in rows of CSV or JSON lines, each
    after its label, the value of another field, if one is named."""

    kind: str = "lines"
    field: str | None = None
    label: str | None = None

    @property
    def mark(self) -> str:
        """The character that ends each item."""
        return "\n" if self.kind == "lines" and self.field is None else RECORD_SEPARATOR

    def read(self, documents: Iterable[Document]) -> Iterator[str]:
        """The items of some files with their marks, in blocks, each of whole items. Raises CorpusError for what cannot
        be read."""
        found = ITEMS[self.kind](documents) if self.field is None else rows(documents, self.field, self.label)
        return marked(found, self.mark, self.label is not None)


def as_items(items: str, field: str | None = None, label: str | None = None) -> Items | None:
    """What the items of a text are, as settings name it; None where the text is one."""
    if items == "none" and field is None:
        return None
    return Items(items, field, label)


def readable(text: str) -> str:
    """A text as it is shown: without the characters that cannot be typed."""
    return text.replace(UNIT_SEPARATOR, ": ").replace(RECORD_SEPARATOR, "\n\n")


def readable_in_place(text: str) -> str:
    """The same, character for character."""
    return text.replace(UNIT_SEPARATOR, ":").replace(RECORD_SEPARATOR, "\n")


def rows(documents: Iterable[Document], field: str, label: str | None = None) -> Iterator[str]:
    """The values of a field, one item each, of the rows of files of CSV or of JSON lines; with a ``label``, each after
    the value of that field. Blank values are left out. Raises CorpusError that names the row for one without the
    fields."""
    for name, blocks in documents:
        for where, row in records(name, lines(blocks), [field, *([label] if label else [])]):
            item = _value(row, field, where)
            if item.strip():
                yield item if label is None else f"{_value(row, label, where)}{UNIT_SEPARATOR}{item}"


def marked(items: Iterable[str], mark: str, labelled: bool = False) -> Iterator[str]:
    """Items with their marks in blocks, each of whole items; those that are blank are left out. Raises CorpusError for
    an item that holds the mark, or, without a label, what stands after one."""
    filled, together = filter(str.strip, items), 1
    while batch := list(islice(filled, together)):
        block = mark.join([*batch, ""])
        if block.count(mark) > len(batch):
            raise _holds(mark, "ends items", batch)
        if not labelled and UNIT_SEPARATOR in block:
            raise _holds(UNIT_SEPARATOR, "stands between label and text", batch)
        yield block
        together = max(1, min(2 * together, together * BLOCK // len(block)))


def _holds(character: str, use: str, items: Iterable[str]) -> CorpusError:
    """What is wrong with the first of some items that holds a character."""
    item = next(item for item in items if character in item)
    return CorpusError(f"the item {item[:40]!r} holds U+{ord(character):04X}, which {use}", "remove that character")


def looks_like_list(text: str) -> bool:
    """Whether the lines of a text look like items: they are short, hardly any is blank or indented, and they are not
    prose that was wrapped at some width."""
    found = text.split("\n")[:-1]  # the last may be cut off
    if len(found) < 100:
        return False
    lengths = np.array([len(line) for line in found])
    odd = sum(not line or line[0].isspace() for line in found)
    usual, long = np.quantile(lengths, [0.5, 0.95])
    return bool(odd <= len(found) / 100 and (long <= 40 or (long <= 200 and usual <= 0.75 * long)))


def _value(row: Mapping[Any, Any], field: str, where: str) -> str:
    value = row.get(field)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise CorpusError(f"{where} has no text for {field!r}", "fill it in or leave that row out")
    text = str(value)
    if UNIT_SEPARATOR in text:
        raise CorpusError(f"{where}: {field!r} holds U+001F, which stands between label and text", "remove it")
    return text


def item_starts(ids: Ids, mark: int, folder: Path | None = None) -> npt.NDArray[np.unsignedinteger]:
    """Where the items of a text (n,) begin, (N,): at its beginning and after each mark but the last. They are mapped
    from a file in a ``folder``, if one is given."""
    count = sum(int(np.count_nonzero(ids[at : at + CHUNK] == mark)) for at in range(0, len(ids), CHUNK))
    starts = room(count + 1, np.min_scalar_type(len(ids)), folder)
    found = 1
    for at in range(0, len(ids), CHUNK):
        ends = np.flatnonzero(ids[at : at + CHUNK] == mark)
        starts[found : found + len(ends)] = ends + (at + 1)
        found += len(ends)
    return starts[:-1]  # type: ignore[no-any-return]


def item_streams(ids: Ids, mark: int, count: int) -> list[Ids]:
    """Items (n,) in ``count`` streams or fewer, of about the same length, a mark before each."""
    starts = item_starts(ids, mark)
    cuts = np.searchsorted(starts, np.arange(1, count) * (len(ids) / count))
    bounds = sorted({0, *starts[cuts[cuts < len(starts)]].tolist(), len(ids)})
    return _streams(ids, mark, list(pairwise(bounds)))


def item_sample(ids: Ids, mark: int, count: int, length: int) -> list[Ids]:
    """``count`` streams of at most ``length`` characters from places that are spread evenly over items (n,), none of
    which is read twice. Each begins with an item if one begins so soon after its place; otherwise, in a long item, at
    the place itself: the beginnings of long items alone would not stand for the rest of them."""
    places = [k * len(ids) // count for k in range(count)]
    starts = [0]
    for place in places[1:]:
        ends = np.flatnonzero(ids[place - 1 : place - 1 + length] == mark)
        starts.append(place + int(ends[0]) if len(ends) else place)
    parts = [(start, min(start + length, after)) for start, after in pairwise([*starts, len(ids)])]
    return _streams(ids, mark, parts)


def _streams(ids: Ids, mark: int, parts: Sequence[tuple[int, int]]) -> list[Ids]:
    """Parts of items (n,), each after the character before it, the first of which is a mark."""
    first, *others = (ids[max(0, start - 1) : stop] for start, stop in parts)
    return [np.concatenate([np.full(1, mark, ids.dtype), first]), *others]


class Order:
    """The order in which a corpus keeps its items, whatever their order was: by a random number that follows from what
    an item says and from a seed. Equal items stand together.
    """

    def __init__(self, items: Items, seed: int, folder: Path | None = None) -> None:
        """What is noted of very many items is kept in files in a ``folder``, if one is given."""
        self.labels: set[str] = set()
        """Those of the items, where these have some."""
        self._mark = items.mark
        self._labelled = items.label is not None
        self._seed = seed
        self._folder = folder
        self._notes: npt.NDArray[Any] = np.empty(0, _NOTE)

    def watch(self, blocks: Iterable[str]) -> Iterator[str]:
        """Passes blocks of whole items on, and takes note of their items. Raises CorpusError where their labels are too
        many to be labels."""
        kept, noted, count = [], [self._notes], 0
        for block in blocks:
            items = block.encode("utf-8", "surrogatepass").split(self._mark.encode())[:-1]
            notes = np.empty(len(items), _NOTE)
            hashes = b"".join([hashlib.blake2b(item, digest_size=8).digest() for item in items])
            notes["hash"] = np.frombuffer(hashes, "<u8")
            notes["length"] = np.diff(np.flatnonzero(code_points(block) == ord(self._mark)), prepend=-1)
            noted.append(notes)
            count += len(notes)
            if count >= CHUNK:
                kept.append(self._joined(noted))
                noted, count = [], 0
            if self._labelled:
                self._add_labels(block)
            yield block
        self._notes = self._joined([*kept, *noted])

    def _add_labels(self, block: str) -> None:
        self.labels.update(re.findall(f"([^{RECORD_SEPARATOR}{UNIT_SEPARATOR}]*){UNIT_SEPARATOR}", block))
        if len(self.labels) > LABELS:
            raise CorpusError(
                f"there are more than {LABELS:,} different labels",
                "name a field for {corpus.label} that has few values",
            )

    def _joined(self, notes: Sequence[npt.NDArray[Any]]) -> npt.NDArray[Any]:
        joined = self._room(sum(map(len, notes)), _NOTE)
        return np.concatenate(notes, out=joined)

    def _room(self, n: int, dtype: npt.DTypeLike) -> Any:
        return room(n, dtype, self._folder if n >= CHUNK else None)

    @property
    def sha256(self) -> str:
        """What tells these items from others, in any order."""
        sha256, hashes = hashlib.sha256(), self._notes["hash"]
        for chosen in _by_size(hashes):
            sha256.update(np.sort(hashes[chosen]).tobytes())
        return sha256.hexdigest()

    def fill(self, ids: Ids, encoded: Iterable[tuple[int, Ids]], mark: int) -> None:
        """Writes the text that was watched, now as the ids of its blocks, to ``ids`` (n,) in order. Raises CorpusError
        where it is another one."""
        notes, end = self._notes, 0
        starts, keys = self._room(len(notes), np.int64), self._room(len(notes), np.uint64)
        for at in range(0, len(notes), CHUNK):
            keys[at : at + CHUNK] = _mixed(notes["hash"][at : at + CHUNK], self._seed)
        for chosen in _by_size(keys):
            ordered = chosen[np.argsort(keys[chosen], kind="stable")]
            ends = end + np.cumsum(notes["length"][ordered], dtype=np.int64)
            starts[ordered] = ends - notes["length"][ordered]
            end = int(ends[-1])
        item = 0
        for start, block in encoded:
            ends = np.flatnonzero(block == mark) + 1
            own = slice(item, item + len(ends))
            lengths = notes["length"][own].astype(np.int64)
            if not np.array_equal(np.diff(ends, prepend=0), lengths):
                raise CorpusError("the items changed while they were read", "start again when nothing writes to them")
            moved = starts[own] - (start + ends - lengths)
            ids[np.arange(start, start + len(block)) + np.repeat(moved, lengths)] = block
            item += len(ends)


def _by_size(numbers: npt.NDArray[np.uint64]) -> Iterator[npt.NDArray[np.intp]]:
    """The places of random numbers in groups, those of the smallest first, each group small enough for memory."""
    groups = len(numbers) // CHUNK + 1
    bounds = [2**64 * k // groups for k in range(groups + 1)]
    for low, high in pairwise(bounds):
        parts = []
        for at in range(0, len(numbers), CHUNK):
            part = numbers[at : at + CHUNK]
            parts.append(np.flatnonzero((part >= np.uint64(low)) & (part <= np.uint64(high - 1))) + at)
        if any(map(len, parts)):
            yield np.concatenate(parts)


def _mixed(numbers: npt.NDArray[np.uint64], seed: int) -> npt.NDArray[np.uint64]:
    """Other random numbers for each seed (the finaliser of Steele et al. 2014, "Fast splittable pseudorandom number
    generators")."""
    z = numbers + np.uint64((seed + 1) * 0x9E3779B97F4A7C15 % 2**64)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: npt.NDArray[np.uint64] = z ^ (z >> np.uint64(31))
    return mixed
