"""The training text cut into streams, read window by window."""

import numpy as np

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
    """Ids cut into B contiguous streams of equal length, read in windows of T steps.

    ``windows`` is how many windows an epoch has. A window is found by its number alone, so the iteration says where a
    run is in the text: ``divmod(iteration, windows)`` is the epoch and the window in it. What is left over at the end
    of the text and of each stream, less than a window, is not read.
    """

    def __init__(self, ids: Ids, streams: int, window: int) -> None:
        length = (len(ids) - 1) // streams
        self.streams = streams
        self.window_length = window
        self.windows = count_windows(len(ids), streams, window)
        self._x = ids[: streams * length].reshape(streams, length)
        self._y = ids[1 : streams * length + 1].reshape(streams, length)

    def window(self, number: int) -> tuple[Ids, Ids]:
        """(x, y), both (T, B) and contiguous, y one step ahead of x."""
        steps = slice(number * self.window_length, (number + 1) * self.window_length)
        return np.ascontiguousarray(self._x[:, steps].T), np.ascontiguousarray(self._y[:, steps].T)
