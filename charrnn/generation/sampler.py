"""Text out of a model, one character at a time.

Shapes: B samples written side by side, V vocabulary, L layers, S states of a cell, H hidden size.
"""

from collections.abc import Iterator, Mapping

import numpy as np

from charrnn.arrays import Array, Ids
from charrnn.errors import DivergenceError
from charrnn.generation.filters import apply_filters, softmax
from charrnn.model import Model
from charrnn.nn.functional import quiet_overflow
from charrnn.nn.parameters import Workspace

WINDOW = 256
"""How many steps of a long text are read at a time, which bounds the memory it takes."""


class Sampler:
    """Reads and writes with B hidden states, which it holds between calls."""

    def __init__(self, model: Model, count: int = 1) -> None:
        self.model = model
        self.state: Array = model.network.zero_state(count)  # (L, S, B, H)
        self._space = Workspace(model.network.dtype)

    def read(self, ids: Ids) -> Array:
        """Takes in ids (T, B), or (T,) for all alike; returns the logits (B, V) of what comes next."""
        x = np.broadcast_to(ids.reshape(len(ids), -1), (len(ids), self.state.shape[2]))
        with quiet_overflow():
            for start in range(0, len(x), WINDOW):
                window = x[start : start + WINDOW]
                logits, self.state, _ = self.model.network.forward(
                    self.model.parameters, window, self.state, self._space
                )
        last: Array = logits[-1].copy()
        return last


def generate(
    model: Model,
    length: int,
    rng: np.random.Generator,
    *,
    prime: str = "",
    count: int = 1,
    filters: Mapping[str, float | None] | None = None,
) -> Iterator[list[str]]:
    """Writes ``count`` texts side by side: yields ``length`` times a list of one character for each.

    ``prime`` is read first and not yielded; without one, the texts begin as a line begins, where the vocabulary has
    a line end. ``filters`` are those of ``filters.py`` by name; with none, characters are drawn as the model learnt
    them. Raises UnknownCharacterError for a prime that the vocabulary cannot spell, at the call.
    """
    characters = model.vocabulary.characters
    start = prime or ("\n" if "\n" in characters else characters[0])
    primed = model.vocabulary.encode(start)
    return _write(Sampler(model, count), primed, length, rng, characters, filters or {})


def _write(
    sampler: Sampler,
    ids: Ids,
    length: int,
    rng: np.random.Generator,
    characters: str,
    filters: Mapping[str, float | None],
) -> Iterator[list[str]]:
    for _ in range(length):
        ids = draw(apply_filters(sampler.read(ids), filters), rng)[None]
        yield [characters[v] for v in ids[0]]


def draw(logits: Array, rng: np.random.Generator) -> Ids:
    """One id for each row of logits (B, V), with the probabilities of their softmax.

    Raises DivergenceError where there are none.
    """
    with quiet_overflow():
        cumulative = np.cumsum(softmax(logits), axis=-1)
    if not np.isfinite(cumulative).all():
        raise DivergenceError("what the network computes is no longer a finite number; sample an earlier checkpoint")
    # Compared with the last sum, which rounding may leave off 1, a draw never falls beyond it.
    threshold = rng.random((len(logits), 1)) * cumulative[:, -1:]
    ids: Ids = np.argmax(cumulative > threshold, axis=-1)
    return ids
