"""How much of a text is new, and how much stands verbatim in the training text."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from charrnn.arrays import Ids
from charrnn.errors import CharRNNError, CorpusError
from charrnn.extras import load_extra
from charrnn.settings.build import build_corpus
from charrnn.storage.checkpoint import Checkpoint
from charrnn.text.corpus import Corpus
from charrnn.wording import how_many

STRETCH = 20
"""A stretch of at least this many characters that stands in the training text counts as copied."""


def learnt_corpus(checkpoint: Checkpoint, paths: Sequence[str] = ()) -> Corpus:
    """The text that a network learnt, with what was held out of it.

    It is read again from where it was read for training, or from ``paths``. Raises CorpusError where it cannot be read
    or is another text.
    """
    settings, learnt = checkpoint.settings, checkpoint.corpus
    if paths:
        settings = settings.changed(corpus={"path": list(paths)})
    try:
        corpus = build_corpus(settings, known=checkpoint.model.vocabulary)
    except CorpusError as error:
        raise error.also("say with {corpus} where the training text is now") from None
    if corpus.sha256 != learnt.sha256:
        raise CorpusError(
            f"the text of corpus {corpus.name!r} is not the one this network learnt (its SHA-256 begins "
            f"{corpus.sha256[:12]}, and that of {learnt.name!r} {learnt.sha256[:12]})",
            "give that one with {corpus}",
        )
    return corpus


class TextIndex:
    """Finds strings in a text by its suffix array: the places where its suffixes begin, sorted by suffix (Manber and
    Myers 1993, "Suffix arrays: a new method for on-line string searches").

    A text of n characters, at most 256 of them distinct, takes O(n log n) time and 5 n bytes; finding a string takes
    O(log n) comparisons. Strings are ids of the same vocabulary.
    """

    def __init__(self, ids: Ids) -> None:
        divsufsort = load_extra("pydivsufsort").divsufsort
        self._type = ids.dtype.newbyteorder(">")  # big-endian: bytes sort as ids do
        self._text = self._bytes(ids)
        self._suffixes = divsufsort(np.ascontiguousarray(ids))

    def longest_matches(self, ids: Ids) -> Ids:
        """For each place in a string (n,), how many characters from there on occur in the text in one piece, (n,)."""
        string, width = self._bytes(ids), self._type.itemsize
        lengths = np.zeros(len(ids), np.int64)
        match = 0  # bytes
        for i in range(len(ids)):
            # What matched at the previous place still matches without its first character.
            match = self._longest_match(string[i * width :], max(0, match - width))
            lengths[i] = match // width
        return lengths

    def _longest_match(self, string: bytes, least: int) -> int:
        seen = least + 64 * self._type.itemsize
        while True:
            beginning = string[:seen]
            at = self._first(beginning)
            # The suffixes that share most with a string are its neighbours in sorted order.
            beside = self._suffixes[max(0, at - 1) : at + 1].tolist()
            common = max((_common(beginning, self._suffix(place, seen), least) for place in beside), default=0)
            if common < seen:
                return common
            seen *= 2

    def followers(self, ids: Ids) -> Iterator[int]:
        """The ids that follow a string (n,) anywhere in the text, each once."""
        string, width = self._bytes(ids), self._type.itemsize
        end = len(string) + width
        at = self._first(string)
        while at < len(self._suffixes):
            longer = self._suffix(self._suffixes[at], end)
            if not longer.startswith(string):
                return
            if len(longer) == end:  # shorter where the text ends
                yield int(np.frombuffer(longer[-width:], self._type)[0])
            at = bisect_right(self._suffixes, longer, lo=at, key=lambda place: self._suffix(place, end))

    def _first(self, string: bytes) -> int:
        """The index of the first suffix that does not sort before a string."""
        return bisect_left(self._suffixes, string, key=lambda place: self._suffix(place, len(string)))

    def _suffix(self, place: int, size: int) -> bytes:
        """The first ``size`` bytes of the suffix that begins at a place."""
        start = int(place) * self._type.itemsize
        return self._text[start : start + size]

    def _bytes(self, ids: Ids) -> bytes:
        return ids.astype(self._type).tobytes()


def _common(one: bytes, other: bytes, least: int) -> int:
    """The length in bytes of the common beginning of two strings, 0 if it is shorter than ``least``."""
    if one[:least] != other[:least]:
        return 0
    shorter = min(len(one), len(other))
    return next((k for k in range(least, shorter) if one[k] != other[k]), shorter)


@dataclass(frozen=True)
class Novelty:
    """How much of a text stands verbatim in the training text."""

    start: int
    """Where the longest stretch that stands in the training text begins."""
    length: int
    """The length of that stretch, in characters."""
    share: float
    """The share of the text's characters in such stretches of at least ``STRETCH`` characters, from 0 to 1."""


def measure_novelty(index: TextIndex, ids: Ids) -> Novelty:
    """Measures a text of one or more ids (n,) against the index of the training text."""
    lengths = index.longest_matches(ids)
    start = int(lengths.argmax())
    places = np.arange(len(ids))
    reached = np.maximum.accumulate(np.where(lengths >= STRETCH, places + lengths, 0))
    return Novelty(start, int(lengths[start]), float((reached > places).mean()))


@dataclass(frozen=True)
class NoCopies:
    """Forbids each character that would complete a stretch of more than ``most`` characters of the training text; it is
    the ``forbid`` of a ``Sampling``."""

    index: TextIndex
    most: int
    size: int
    """The number of characters in the vocabulary."""

    def __call__(self, recent: Ids) -> npt.NDArray[np.bool_]:
        forbidden = np.zeros((len(recent), self.size), np.bool_)
        if recent.shape[1] >= self.most:
            for row, ids in zip(forbidden, recent, strict=True):
                row[list(self.index.followers(ids[-self.most :]))] = True
                if row.all():
                    raise CharRNNError(
                        f"whatever comes next, more than {how_many(self.most, 'character')} in a row are copied "
                        "from the training text",
                        "raise {max_copy}",
                    )
        return forbidden
