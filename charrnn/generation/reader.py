"""A network that reads, one window of characters or one step at a time.

Shapes: n characters, T window, B texts side by side, V vocabulary, L layers, S states of a cell, H hidden size.
"""

import math
from collections.abc import Iterator

import numpy as np

from charrnn.arrays import Array, Ids
from charrnn.errors import DivergenceError
from charrnn.machine import blas_threads
from charrnn.model import Model
from charrnn.nn.functional import quiet_overflow
from charrnn.nn.network import UnrolledNetwork
from charrnn.nn.parameters import Workspace

WINDOW = 256
"""Characters of a long text that are read at a time; this bounds the memory that reading takes."""


class Reader:
    """Reads B texts side by side and keeps their hidden states between calls, from zero states on.

    Whatever it reads, it raises DivergenceError as soon as the network computes something that is not finite; the error
    calls the text by ``name``.
    """

    def __init__(self, model: Model, count: int = 1, name: str = "the text") -> None:
        self.model = model
        self.name = name
        self.state: Array = model.network.zero_state(count)  # (L, S, B, H)
        self._space = Workspace(model.network.dtype)
        self._latest: UnrolledNetwork | None = None

    def step(self, ids: Ids) -> Array:
        """Reads one character of each text, ids (B,); returns the logits (B, V) of the next characters."""
        with quiet_overflow():
            logits = self.model.network.step(self.model.parameters, ids, self.state)
        check_finite(logits, self.name)
        return logits

    def windows(self, ids: Ids) -> Iterator[tuple[Ids, Array]]:
        """Reads ids (n,), the same in all texts, in windows.

        Yields the ids (T,) of each window, and the logits (T, B, V) of the character after each of them; these hold
        until the next window is read.
        """
        network, p, count = self.model.network, self.model.parameters, self.state.shape[2]
        for start in range(0, len(ids), WINDOW):
            window = ids[start : start + WINDOW]
            x = np.broadcast_to(window[:, None], (len(window), count))
            # On one thread, as one text's step is a vector times a matrix: two threads took 7 times as long at 2x512.
            with blas_threads(1), quiet_overflow():
                unrolled = network.forward(p, x, self.state, self._space)
            self.state, self._latest = unrolled.state, unrolled
            check_finite(unrolled.logits, self.name)
            yield window, unrolled.logits

    def read(self, ids: Ids) -> Array:
        """Reads one or more ids (n,), the same in all texts; returns the logits (B, V) of what comes next."""
        for _, logits in self.windows(ids):
            last: Array = logits[-1]
        return last.copy()

    def activations(self) -> list[dict[str, Array]]:
        """For each layer, the states and gates by name during the latest window, (T, H) for the first text; views that
        hold until the next window is read."""
        assert self._latest, "no window has been read"
        layers = self.model.network.trace(self._latest)
        return [{name: a[:, 0] for name, a in layer.items()} for layer in layers]


def check_finite(computed: Array, name: str) -> None:
    """Raises DivergenceError unless all that a network computed for the text of that name is finite."""
    if not math.isfinite(computed.sum(dtype=np.float64)):
        raise DivergenceError(
            f"what the network computes for {name} is no longer a finite number", "take an earlier checkpoint"
        )


class PrimeReader:
    """Reads the primes of one text after another. Where a prime begins with all of the last one, only what is new is
    read."""

    def __init__(self, model: Model) -> None:
        self._reader = Reader(model)
        self._read: Ids = np.empty(0, np.uint8)

    def state_after(self, ids: Ids) -> Array:
        """The hidden state (L, S, 1, H) after ids (n,)."""
        if not np.array_equal(ids[: len(self._read)], self._read):
            self._reader, self._read = Reader(self._reader.model), self._read[:0]
        if len(ids) > len(self._read):
            self._reader.read(ids[len(self._read) :])
        self._read = ids
        return self._reader.state
