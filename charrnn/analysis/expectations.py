"""What a network expected at each character of a text.

Shapes: n characters, V vocabulary, k guesses.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from charrnn.arrays import Array, Ids
from charrnn.nn.functional import surprisal

GUESSES = 5
"""How many of the likeliest characters are kept."""


@dataclass(frozen=True)
class Expectations:
    """Of n characters: how much each surprised the network, and what it held likeliest in their places."""

    nats: Array
    """(n,) float64: the surprisal -ln p of each character."""
    guesses: Ids
    """(n, k): the ids of the likeliest characters, the likeliest first."""
    chances: Array
    """(n, k): their probabilities."""

    def cut(self, part: slice) -> "Expectations":
        """Those of some of the characters."""
        return Expectations(self.nats[part], self.guesses[part], self.chances[part])


def expectations(logits: Array, ids: Ids) -> Expectations:
    """Of characters, ids (n,), and the logits (n, V) that predicted them."""
    shifted = logits.astype(np.float64)
    shifted -= shifted.max(axis=-1, keepdims=True)
    p = np.exp(shifted)
    p /= p.sum(axis=-1, keepdims=True)
    guesses = np.argsort(-p, axis=-1, kind="stable")[:, :GUESSES]
    return Expectations(surprisal(logits, ids), guesses, np.take_along_axis(p, guesses, axis=-1))


def joined(parts: Sequence[Expectations]) -> Expectations:
    """The expectations of a text from those of its parts, one or more."""
    return Expectations(
        *(np.concatenate([getattr(part, name) for part in parts]) for name in ("nats", "guesses", "chances"))
    )
