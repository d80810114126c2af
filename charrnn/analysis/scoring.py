"""How well a network predicts a text it is given: the surprisal of every character.

The state is carried from the first character to the last, in windows, so that a text of any length takes the same
memory. The first character is predicted as sampling begins: from a zero state and a line end, or where the vocabulary
has none from its first character.

Shapes: n characters of a piece of text, V vocabulary.
"""

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from charrnn.arrays import Array, Ids
from charrnn.errors import DivergenceError, UnknownCharacterError
from charrnn.generation.sampler import WINDOW, beginning
from charrnn.model import Model
from charrnn.nn.functional import quiet_overflow
from charrnn.nn.parameters import Workspace
from charrnn.text.vocabulary import Unknown, Vocabulary, describe

LINE = 400
"""Characters of a line that are kept, so that a text without line ends takes no more memory."""


@dataclass(frozen=True)
class Score:
    """A sum over characters; scores of texts can be added."""

    characters: int = 0
    nats: float = 0.0
    unknown: int = 0
    """How many characters the network had not learnt, skipped or replaced; those replaced are scored too."""

    def __add__(self, other: "Score") -> "Score":
        return Score(self.characters + other.characters, self.nats + other.nats, self.unknown + other.unknown)

    @property
    def loss(self) -> float:
        """Nats per character; NaN where there is none."""
        return self.nats / self.characters if self.characters else math.nan

    @property
    def bits(self) -> float:
        """Bits per character."""
        return self.loss / math.log(2)

    @property
    def perplexity(self) -> float:
        """Among how many equally likely characters the network might as well have chosen: exp(loss)."""
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
        """Its sum."""
        return Score(len(self.text), float(self.nats.sum()), self.unknown)


@dataclass(frozen=True)
class Line:
    """A line that has something on it."""

    number: int
    """From 1."""
    text: str
    """Its beginning, up to ``LINE`` characters, without the line end."""
    score: Score
    """Of the whole line and its line end."""


def read(model: Model, blocks: Iterable[str], name: str = "the text", unknown: Unknown = "error") -> Iterator[Piece]:
    """The surprisal of a text, given in blocks of any length, a piece at a time.

    Raises UnknownCharacterError, naming the text, the line and the character, unless ``unknown`` says what to do, and
    DivergenceError where the network computes what is no finite number.
    """
    network, p, vocabulary = model.network, model.parameters, model.vocabulary
    space, state = Workspace(network.dtype), network.zero_state(1)
    before = vocabulary.encode(beginning(vocabulary.characters))
    for ids, strange in encoded(vocabulary, blocks, name, unknown):
        if strange:
            yield Piece("", np.zeros(0), strange)
        for start in range(0, len(ids), WINDOW):
            y = ids[start : start + WINDOW]
            x = np.concatenate([before, y[:-1]])
            before = y[-1:]
            with quiet_overflow():
                logits, state, _ = network.forward(p, x[:, None], state, space)
                nats = surprisal(logits[:, 0], y)
            if not math.isfinite(nats.sum()):
                raise DivergenceError(
                    f"what the network computes for {name} is no longer a finite number; take an earlier checkpoint"
                )
            yield Piece(vocabulary.decode(y), nats)


def encoded(
    vocabulary: Vocabulary, blocks: Iterable[str], name: str = "the text", unknown: Unknown = "error"
) -> Iterator[tuple[Ids, int]]:
    """The ids of each block, and how many of its characters are unknown; raises as ``read`` does."""
    learnt, line = set(vocabulary.characters), 1
    for block in blocks:
        strange = set(block) - learnt
        if strange and unknown == "error":
            at = min(map(block.index, strange))
            line += block[:at].count("\n")
            raise UnknownCharacterError(
                f"{name}, line {line}: {describe(block[at])} is not one of the {len(vocabulary)} characters that the "
                "network has learnt; skip such characters with --unknown skip, or replace them with --unknown replace"
            )
        line += block.count("\n")
        yield vocabulary.encode(block, unknown), sum(map(block.count, strange))


def surprisal(logits: Array, targets: Ids) -> Array:
    """``-ln softmax(logits)[target]`` of each row: logits (n, V), targets (n,) -> (n,) float64."""
    shifted = logits.astype(np.float64)
    shifted -= shifted.max(axis=-1, keepdims=True)
    picked = shifted[np.arange(len(targets)), targets]
    nats: Array = np.log(np.exp(shifted).sum(axis=-1)) - picked
    return nats


def lines(pieces: Iterable[Piece]) -> Iterator[Line]:
    """The lines of a text but for those of white space alone, each read after those before it."""
    number, text, score = 1, "", Score()
    for piece in pieces:
        start = 0
        for part in re.findall(r"[^\n]*\n|[^\n]+", piece.text):
            nats = piece.nats[start : start + len(part)]
            start += len(part)
            text, score = (text + part)[:LINE], score + Score(len(part), float(nats.sum()))
            if part[-1] == "\n":
                if text.strip():
                    yield Line(number, text.rstrip("\r\n"), score)
                number, text, score = number + 1, "", Score()
    if text.strip():
        yield Line(number, text, score)
