"""How well a network predicts a text that it is given: the surprisal of every character.

The text is read in windows, and the hidden state is carried from the first character to the last, so that a text of any
length takes the same memory. The first character is predicted as when sampling begins: from a zero state after the
vocabulary's start character.

Shapes: n characters of a piece of text, V vocabulary.
"""

import math
import re
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import chain

import numpy as np

from charrnn.analysis.streams import CONTEXT, StreamScorer
from charrnn.arrays import Array, Ids
from charrnn.generation.reader import Reader, check_finite
from charrnn.machine import available_cores
from charrnn.model import Model
from charrnn.nn.functional import quiet_overflow, surprisal
from charrnn.text.vocabulary import Unknown, code_points

SHORT = 20_000
"""Characters of a text that is read in one stream in any case."""
PIECE = 4096
"""Characters of a piece of a longer text."""
LINE_KEPT = 400
"""Characters of a line that are kept; this bounds the memory that a text without line ends takes."""


@dataclass(frozen=True)
class Score:
    """The surprisal of some characters, summed; scores can be added."""

    characters: int = 0
    nats: float = 0.0
    unknown: int = 0
    """How many characters the network had not learnt. They were skipped, or replaced and then scored with the rest."""

    def __add__(self, other: "Score") -> "Score":
        return Score(self.characters + other.characters, self.nats + other.nats, self.unknown + other.unknown)

    @property
    def loss(self) -> float:
        """Nats per character; NaN for no characters."""
        return self.nats / self.characters if self.characters else math.nan

    @property
    def bits(self) -> float:
        """Bits per character."""
        return self.loss / math.log(2)

    @property
    def perplexity(self) -> float:
        """exp(loss): a network that chooses among this many equally likely characters has the same loss."""
        return math.exp(min(self.loss, 700))


@dataclass(frozen=True)
class Piece:
    """Some characters of a text, as the network read them."""

    text: str
    nats: Array
    """(n,) float64: the surprisal -ln p of each character."""
    unknown: int = 0
    """As for ``Score``."""

    @property
    def score(self) -> Score:
        """The sum over the piece."""
        return Score(len(self.text), float(self.nats.sum()), self.unknown)


@dataclass(frozen=True)
class ScoredLine:
    """A line that is not blank."""

    number: int
    """Counted from 1."""
    text: str
    """The beginning of the line, up to ``LINE_KEPT`` characters, without the line end."""
    score: Score
    """The score of the whole line, with its line end."""


class ItemLosses:
    """The losses of items in nats, each with its end, from the pieces of a text."""

    def __init__(self, mark: str) -> None:
        self._mark = mark
        self._begun = 0.0
        self._nats: list[float] = []

    def add(self, piece: Piece) -> None:
        """Takes in the next piece."""
        ends = np.flatnonzero(code_points(piece.text) == ord(self._mark)) + 1
        sums = np.add.reduceat(np.append(piece.nats, 0.0), [0, *ends])  # up to each end, and after the last
        sums[0] += self._begun
        *ended, self._begun = sums.tolist()
        self._nats += ended

    def __len__(self) -> int:
        return len(self._nats)

    @property
    def mean(self) -> float:
        """Nats per item."""
        return float(np.mean(self._nats))

    @property
    def spread(self) -> float:
        """Their standard deviation."""
        return float(np.std(self._nats))


def score_text(
    model: Model, blocks: Iterable[str], name: str = "the text", unknown: Unknown = "error", exact: bool = False
) -> Iterator[Piece]:
    """The surprisal of a text, given in blocks of any length, a piece at a time.

    A text of more than ``SHORT`` characters is read in many streams on all cores (see ``streams.py``) unless ``exact``
    asks for one stream, in which each character is predicted from all that stands before it.

    Raises UnknownCharacterError, naming the text, the line or item and the character, unless ``unknown`` says what to
    do, and DivergenceError where the network computes something that is not finite.
    """
    encoded = model.vocabulary.encode_blocks(blocks, name, unknown, model.mark)
    beginning, n = [], 0
    while n <= SHORT and not exact and (block := next(encoded, None)):
        beginning.append(block)
        n += len(block[0])
    score = _score_streams if n > SHORT else _score_stream
    return score(model, chain(beginning, encoded), name)


def _score_stream(model: Model, encoded: Iterable[tuple[Ids, int]], name: str) -> Iterator[Piece]:
    vocabulary, reader = model.vocabulary, Reader(model, name=name)
    before = model.start
    for ids, strange in encoded:
        if strange:
            yield Piece("", np.zeros(0), strange)
        start = 0
        for window, logits in reader.windows(np.concatenate([before, ids])[:-1]):
            y = ids[start : start + len(window)]  # what the network predicted in each step
            start += len(window)
            with quiet_overflow():
                nats = surprisal(logits[:, 0], y)
            yield Piece(vocabulary.decode(y), nats)
        before = ids[-1:] if len(ids) else before


def _score_streams(model: Model, encoded: Iterable[tuple[Ids, int]], name: str) -> Iterator[Piece]:
    vocabulary = model.vocabulary
    before = model.start
    with closing(StreamScorer(model, available_cores())) as scorer:
        for ids, strange in parts(encoded, scorer.most):
            if strange:
                yield Piece("", np.zeros(0), strange)
            nats = scorer.surprisal(before, ids)
            check_finite(nats, name)
            before = np.concatenate([before, ids])[-CONTEXT:]
            for start in range(0, len(ids), PIECE):
                part = slice(start, start + PIECE)
                yield Piece(vocabulary.decode(ids[part]), nats[part])


def parts(encoded: Iterable[tuple[Ids, int]], most: int) -> Iterator[tuple[Ids, int]]:
    """A text in parts of ``most`` ids, the last one shorter, with how many of its characters were unknown before each
    part's end."""
    part, unknown = np.empty(0, np.uint8), 0
    for ids, strange in encoded:
        part, unknown = np.concatenate([part, ids]), unknown + strange
        while len(part) >= most:
            yield part[:most], unknown
            part, unknown = part[most:], 0
    if len(part) or unknown:
        yield part, unknown


def scored_lines(pieces: Iterable[Piece], mark: str = "\n") -> Iterator[ScoredLine]:
    """The lines of a text that are not blank; each is scored with all that stands before it as context. With the
    ``mark`` that ends items, the items."""
    number, text, is_blank, score = 1, "", True, Score()
    for piece in pieces:
        start = 0
        for part in re.findall(f"[^{mark}]*{mark}|[^{mark}]+", piece.text):
            nats = piece.nats[start : start + len(part)]
            start += len(part)
            text, is_blank = (text + part)[:LINE_KEPT], is_blank and not part.strip()
            score += Score(len(part), float(nats.sum()))
            if part[-1] == mark:
                if not is_blank:
                    yield ScoredLine(number, text.rstrip(f"\r\n{mark}"), score)
                number, text, is_blank, score = number + 1, "", True, Score()
    if not is_blank:
        yield ScoredLine(number, text, score)
