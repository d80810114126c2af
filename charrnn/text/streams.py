"""The training text cut into streams, read window by window."""

import numpy as np

from charrnn import seeds
from charrnn.arrays import Ids
from charrnn.errors import CorpusError


def count_windows(n: int, streams: int, window: int) -> int:
    """How many windows an epoch over n characters has; raises CorpusError if not one fits."""
    length = (n - 1) // streams
    if length < window:
        raise CorpusError(
            f"{streams} streams of {window} characters need a training part of {streams * window + 1}, and it has {n}",
            f"lower {{training.batch}} ({streams}) or {{training.window}} ({window}), or give a longer text",
        )
    return length // window


class Streams:
    """Ids (n,) cut into B contiguous streams of equal length, read in windows of T steps.

    ``windows`` is how many windows an epoch has. A window is found by its number alone, counted through all epochs, so
    the iteration says where a run is in the text: ``divmod(iteration, windows)`` is the epoch and the window in it.
    What is left over at the end of the text and of each stream, less than a window, is not read.

    With a ``seed``, every epoch but the first begins all streams a random number of characters farther on: each reads
    on into the next, and the last into the beginning of the text. So windows are cut at other places in every epoch,
    and what is left over is other text.
    """

    def __init__(self, ids: Ids, streams: int, window: int, seed: int | None = None) -> None:
        self.streams = streams
        self.window_length = window
        self.windows = count_windows(len(ids), streams, window)
        self._ids = ids
        self._seed = seed

    def window(self, number: int) -> tuple[Ids, Ids]:
        """(x, y), both (T, B) and contiguous, y one step ahead of x."""
        n, T, B = len(self._ids), self.window_length, self.streams
        epoch, window = divmod(number, self.windows)
        starts = np.arange(B) * (n // B) + self._offset(epoch) + window * T
        text = self._ids[(starts + np.arange(T + 1)[:, None]) % n]
        return text[:-1], text[1:]

    def _offset(self, epoch: int) -> int:
        if self._seed is None or epoch == 0:
            return 0
        length = len(self._ids) // self.streams
        return int(seeds.generator(self._seed, "epoch offset", epoch).integers(length))
