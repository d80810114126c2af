"""How well a network predicts a part of the text that is held out.

Shapes: T window, B streams, L layers, S states of a cell, H hidden size.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from charrnn.arrays import Array, Ids


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
    """The loss over streams of any lengths, which are read side by side, window by window, each from a zero state to
    its end; each id but a stream's first is predicted. ``state`` makes zero states for so many streams, and ``read``
    gives the loss of each stream (B,) in a window x, y (T, B), and the state after it."""
    streams = sorted(streams, key=len)
    lengths = np.array([len(ids) - 1 for ids in streams])
    nats, count = np.zeros(len(streams)), len(streams)
    at, first, after = 0, 0, state(count)
    while first < count:
        stop = min(at + window, int(lengths[first]))
        text = np.stack([ids[at : stop + 1] for ids in streams[first:]], axis=1)
        if stop > at:
            losses, after = read(text[:-1], text[1:], after)
            nats[first:] += losses * (stop - at)
        at = stop
        ended = int(np.count_nonzero(lengths[first:] == at))
        first, after = first + ended, after[:, :, ended:]
    loss = float(nats.sum() / lengths.sum())
    spread = float(np.linalg.norm(nats - loss * lengths) / lengths.sum())
    return Measured(loss, spread * math.sqrt(count / (count - 1)) if count > 1 else None)
