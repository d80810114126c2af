"""How far back a network really looks: its loss when it is given the last n characters and nothing before them.

From a zero state n characters are read, and the one after them is predicted. The positions are the same for every n,
and are read side by side.

Shapes: P positions, S passages of a text, each of T characters.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile

import numpy as np

from charrnn.arrays import Array, Ids
from charrnn.errors import CorpusError, DivergenceError
from charrnn.machine import blas_threads
from charrnn.model import Model
from charrnn.nn.functional import quiet_overflow, surprisal
from charrnn.wording import how_many

LONGEST = 512
"""The longest context that is tried, in characters."""
POSITIONS = 1024
"""The number of positions in the text over which the loss is averaged."""
PASSAGES, PASSAGE = 32, 4 * LONGEST
"""How many passages of the text the positions lie in, and the length of each in characters."""
WITHIN = 0.01
"""The largest difference, in nats per character, that counts as none."""


@dataclass(frozen=True)
class ContextLoss:
    """The mean loss at all positions, in nats per character."""

    context: int | None
    """How many characters are read before; None for all from the beginning of the passage, at least ``LONGEST``."""
    loss: float
    difference: float
    """How much higher the loss is than with all characters."""
    error: float
    """The standard error of that difference."""

    @property
    def bits(self) -> float:
        """Bits per character."""
        return self.loss / math.log(2)


def losses_by_context(model: Model, text: Ids, positions: int = POSITIONS) -> Iterator[ContextLoss]:
    """The loss with all preceding characters as context, then with the last 1, 2, 4, ..., ``LONGEST`` of them; in a
    text (n,) shorter than ``PASSAGE``, with at most a quarter of it. Raises CorpusError for a text of fewer than 4
    characters, DivergenceError where a loss is not finite."""
    if len(text) < 4:
        raise CorpusError(f"a context cannot be cut from {how_many(len(text), 'character')}", "give a longer text")
    T = min(PASSAGE, len(text))
    S = min(PASSAGES, len(text) // T)
    longest = min(LONGEST, T // 4)
    starts = np.linspace(0, len(text) - T, S).astype(int)
    spread = np.unique(np.linspace(0, S * (T - longest) - 1, positions).astype(int))
    passage, offset = np.divmod(spread, T - longest)
    at = starts[passage] + longest + offset
    with blas_threads(1):
        whole = _losses_of_passages(model, text[starts[:, None] + np.arange(T)])[passage, longest + offset]
    if not np.isfinite(whole).all():
        raise DivergenceError("what the network computes is no longer a finite number", "take an earlier checkpoint")
    yield ContextLoss(None, float(whole.mean()), 0.0, 0.0)
    for n in (1 << power for power in range(longest.bit_length())):
        with blas_threads(1):
            cut = _losses_after(model, text, at, n)
        difference = cut - whole
        error = float(difference.std() / math.sqrt(len(at)))
        yield ContextLoss(n, float(cut.mean()), float(difference.mean()), error)


def horizon(losses: Sequence[ContextLoss]) -> int | None:
    """The shortest context from which on the loss is at most ``WITHIN`` higher than with all characters; None where it
    is higher even with the longest."""
    cut = sorted((each for each in losses if each.context), key=lambda each: each.context or 0, reverse=True)
    within = [each.context for each in takewhile(lambda each: each.difference <= WITHIN, cut)]
    return within[-1] if within else None


def _losses_of_passages(model: Model, passages: Ids) -> Array:
    """(S, T) nats, each character of passages (S, T) predicted from all before it; NaN for the first."""
    nats = np.full(passages.shape, np.nan)
    state = model.network.zero_state(len(passages))
    with quiet_overflow():
        for t in range(1, passages.shape[1]):
            logits = model.network.step(model.parameters, passages[:, t - 1], state)
            nats[:, t] = surprisal(logits, passages[:, t])
    return nats


def _losses_after(model: Model, text: Ids, at: Ids, n: int) -> Array:
    """(P,) nats, the characters at positions (P,) of a text, each predicted from the n before it."""
    state = model.network.zero_state(len(at))
    with quiet_overflow():
        for back in range(n, 0, -1):
            logits = model.network.step(model.parameters, text[at - back], state)
        return surprisal(logits, text[at])
