"""The surprisal of a long text on all cores: the text is cut into streams, which are read side by side.

Each stream begins with a zero state, ``CONTEXT`` characters before the first one that it scores. So every character but
those at the beginning of the text is scored with at least that many before it; what stands farther back is lost. For
the network that comes with the program, that changes the mean over 60,000 characters of War and Peace by 0.000002 nats
and no single character by more than 0.03 (``benchmarks/score_speed.py``).

Shapes: n characters, S streams, T steps, V vocabulary.
"""

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np

from charrnn.arrays import Array, Ids
from charrnn.machine import blas_threads
from charrnn.model import Model
from charrnn.nn.functional import quiet_overflow, surprisal
from charrnn.nn.parameters import Workspace

CONTEXT = 512
STREAMS = 64
"""For each core: as many as it takes for matrix products to reach their speed."""
LENGTH = 8192
"""Characters that a stream scores at most, which bounds the memory."""
WINDOW = 32
"""Steps, few enough for their arrays to stay in a core's cache."""


class StreamScorer:
    """Scores a text, a long part of it at a time, with a thread on each core, until it is closed."""

    def __init__(self, model: Model, cores: int) -> None:
        self.most = cores * STREAMS * LENGTH
        """Characters of a part at most."""
        self._model = model
        self._spaces = [Workspace(model.network.dtype) for _ in range(cores)]
        self._threads = ThreadPoolExecutor(cores)

    def close(self) -> None:
        """Ends the threads."""
        self._threads.shutdown(cancel_futures=True)

    def surprisal(self, before: Ids, ids: Ids) -> Array:
        """-log p of each of ids (n,), (n,) float64. ``before`` are the ids that stand before them, one at least: the
        last ``CONTEXT``, or where there are not so many, all from the beginning of the text."""
        if not len(ids):
            return np.empty(0)
        S = min(len(self._spaces) * STREAMS, max(1, len(ids) // (4 * CONTEXT)))
        length = -(-len(ids) // S)
        missing, rest = CONTEXT - len(before), S * length - len(ids)
        text = np.pad(np.concatenate([before, ids]), (missing, rest))  # the padding is read, but never scored
        rows = text[np.arange(S)[:, None] * length + np.arange(CONTEXT + length)]
        parts = np.array_split(rows, min(S, len(self._spaces)))
        with blas_threads(1):
            nats = self._threads.map(self._score, parts, [missing] + [0] * (len(parts) - 1), self._spaces)
            return np.concatenate(list(nats)).ravel()[: len(ids)]

    def _score(self, rows: Ids, missing: int, space: Workspace) -> Array:
        """Scores streams (S, CONTEXT + n), each from ``CONTEXT`` on: (S, n). The first begins after ``missing``."""
        network, p = self._model.network, self._model.parameters
        x, y = np.ascontiguousarray(rows[:, :-1].T), np.ascontiguousarray(rows[:, 1:].T)
        nats, state = np.empty(y.shape), network.zero_state(len(rows))
        for start, stop in pairwise(sorted({missing, *range(0, len(x), WINDOW), len(x)})):
            if start == missing:
                state[:, :, :1] = 0
            with quiet_overflow():
                unrolled = network.forward(p, x[start:stop], state, space)
                state = unrolled.state
                if stop >= CONTEXT:
                    nats[start:stop] = surprisal(unrolled.logits, y[start:stop])
        return nats[CONTEXT - 1 :].T
