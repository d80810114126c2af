"""How well a network predicts a part of the text that is held out.

Shapes: T window, B streams, L layers, S states of a cell, H hidden size.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from charrnn.arrays import Array, Ids

MOST_STREAMS = 256
"""The most streams that are read side by side: a text in many pieces has as many, and each takes memory."""


@dataclass(frozen=True)
class Measured:
    """A loss in nats per character."""

    loss: float
    error: float | None
    """Its standard error, where what was read stands for more text of the kind, from how far streams differ; None for
    one stream."""


def measure(
    streams: Sequence[Ids],
    window: int,
    state: Callable[[int], Array],
    read: Callable[[Ids, Ids, Array], tuple[Array, Array]],
) -> Measured:
    """The loss over streams of any lengths, each read from a zero state to its end; each id but a stream's first is
    predicted. ``state`` makes zero states for so many streams, and ``read`` gives the loss of each stream (B,) in a
    window x, y (T, B), and the state after it."""
    streams, count = sorted(streams, key=len), len(streams)
    lengths = np.array([len(ids) - 1 for ids in streams])
    groups = [streams[first : first + MOST_STREAMS] for first in range(0, count, MOST_STREAMS)]
    nats = np.concatenate([_nats(group, window, state(len(group)), read) for group in groups])
    loss = float(nats.sum() / lengths.sum())
    spread = float(np.linalg.norm(nats - loss * lengths) / lengths.sum())
    return Measured(loss, spread * math.sqrt(count / (count - 1)) if count > 1 else None)


def _nats(
    streams: Sequence[Ids], window: int, state: Array, read: Callable[[Ids, Ids, Array], tuple[Array, Array]]
) -> Array:
    """The summed loss of each of some streams (B,), the shortest first: they are read side by side, window by window,
    and those that have ended are left out."""
    lengths = np.array([len(ids) - 1 for ids in streams])
    nats, at, first = np.zeros(len(streams)), 0, 0
    while first < len(streams):
        stop = min(at + window, int(lengths[first]))
        text = np.stack([ids[at : stop + 1] for ids in streams[first:]], axis=1)
        if stop > at:
            losses, state = read(text[:-1], text[1:], state)
            nats[first:] += losses * (stop - at)
        at = stop
        ended = int(np.count_nonzero(lengths[first:] == at))
        first, state = first + ended, state[:, :, ended:]
    return nats
