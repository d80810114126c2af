"""Text out of a model, one character at a time.

Shapes: B samples written side by side, V vocabulary, L layers, S states of a cell, H hidden size.
"""

import math
from collections.abc import Iterator, Mapping

import numpy as np

from charrnn.arrays import Array, Ids
from charrnn.errors import DivergenceError
from charrnn.generation.filters import apply_filters
from charrnn.model import Model
from charrnn.nn.functional import quiet_overflow
from charrnn.nn.parameters import Workspace

WINDOW = 256
"""How many steps of a long text are read at a time, which bounds the memory it takes."""
NOISE = 2**14
"""How many random numbers are drawn at a time, for several steps where the samples are few."""


class Sampler:
    """Reads and writes with B hidden states, which it holds between calls."""

    def __init__(self, model: Model, count: int = 1) -> None:
        self.model = model
        self.state: Array = model.network.zero_state(count)  # (L, S, B, H)
        self._space = Workspace(model.network.dtype)

    def read(self, ids: Ids) -> Array:
        """Takes in ids (T,), the same for all samples; returns the logits (B, V) of what comes next."""
        network, p = self.model.network, self.model.parameters
        x = np.broadcast_to(ids[:, None], (len(ids), self.state.shape[2]))
        with quiet_overflow():
            for start in range(0, len(x), WINDOW):
                logits, self.state, _ = network.forward(p, x[start : start + WINDOW], self.state, self._space)
        last: Array = logits[-1].copy()
        return last

    def step(self, ids: Ids) -> Array:
        """Takes in one character of each sample, ids (B,); returns the logits (B, V) of what comes next."""
        with quiet_overflow():
            return self.model.network.step(self.model.parameters, ids, self.state)


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
    primed = model.vocabulary.encode(prime or beginning(characters))
    return _write(Sampler(model, count), primed, length, rng, characters, filters or {})


def beginning(characters: str) -> str:
    """What is read before the first character of a text: a line end, or where the vocabulary has none its first
    character."""
    return "\n" if "\n" in characters else characters[0]


def _write(
    sampler: Sampler,
    ids: Ids,
    length: int,
    rng: np.random.Generator,
    characters: str,
    filters: Mapping[str, float | None],
) -> Iterator[list[str]]:
    count, V = sampler.state.shape[2], len(characters)
    block = max(1, NOISE // (count * V))
    for written in range(length):
        logits = sampler.step(ids) if written else sampler.read(ids)
        if not math.isfinite(logits.sum(dtype=np.float64)):
            raise DivergenceError(
                "what the network computes is no longer a finite number; sample an earlier checkpoint"
            )
        if written % block == 0:
            noise = gumbel(rng, (block, count, V))
        ids = draw(apply_filters(logits, filters), noise[written % block])
        yield [characters[v] for v in ids.tolist()]


def draw(logits: Array, noise: Array) -> Ids:
    """One id for each row of logits (B, V), with the probabilities of their softmax, which need not be computed: the
    largest of logits to which ``gumbel`` noise (B, V) was added (Maddison et al. 2014, "A* sampling")."""
    ids: Ids = (logits + noise).argmax(axis=-1)
    return ids


def gumbel(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Numbers of the Gumbel distribution: minus the logarithm of exponentially distributed ones, float64."""
    noise: Array = np.log(rng.standard_exponential(shape))
    return np.negative(noise, out=noise)
