"""What a network expected at each character of a text.

Shapes: n characters, V vocabulary, k guesses.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from charrnn.arrays import Array, Ids
from charrnn.nn.functional import softmax, surprisal

GUESSES = 5
"""How many of the likeliest characters are kept."""


class Expectations(NamedTuple):
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
    p = softmax(logits)
    guesses = np.argsort(-p, axis=-1, kind="stable")[:, :GUESSES]
    return Expectations(surprisal(logits, ids), guesses, np.take_along_axis(p, guesses, axis=-1))


def joined(parts: Sequence[Expectations]) -> Expectations:
    """The expectations of a text from those of its parts, one or more."""
    return Expectations(*map(np.concatenate, zip(*parts, strict=True)))
