"""The training text cut into streams, read window by window."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from charrnn import seeds
from charrnn.arrays import Ids
from charrnn.errors import CorpusError, ShortTextError
from charrnn.files import room
from charrnn.text.items import CHUNK
from charrnn.wording import how_many

LEAST_WINDOW = 10
"""The shortest window that is advised: in a shorter one hardly anything can be learnt of what came before."""


def count_windows(n: int, streams: int, window: int) -> int:
    """How many windows an epoch over n characters has; raises CorpusError if not one fits."""
    length = (n - 1) // streams
    if length < window:
        needs = f"{how_many(streams, 'stream')} of {how_many(window, 'character')}"
        short = f"{needs} need{'s' * (streams == 1)} a training part of {streams * window + 1:,}, and it has {n:,}"
        if n <= LEAST_WINDOW:
            raise CorpusError(short, "give a text of a few thousand characters")
        raise ShortTextError(short, _what_fits(n, streams, window))
    return length // window


def _what_fits(n: int, streams: int, window: int) -> str:
    """The remedy for a training part of n characters that is too short for a window of each stream."""
    length, most_streams = (n - 1) // streams, (n - 1) // window
    fit = [f"{{training.batch}} to {_at_most(most_streams)}"] if most_streams else []
    if length >= LEAST_WINDOW:
        fit.append(f"{{training.window}} to {_at_most(length)}")
    if not fit:
        fit.append(f"{{training.batch}} to 1 and {{training.window}} to {_at_most(n - 1)}")
    return f"set {' or '.join(fit)}, or give a longer text"


def _at_most(number: int) -> str:
    return f"at most {number}" if number > 1 else "1"


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

    @property
    def characters(self) -> int:
        """How many are read in an epoch."""
        return self.windows * self.window_length * self.streams

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


class ItemStreams(Streams):
    """Items with their marks (n,), which every epoch puts in another order and cuts into B streams of equal length.

    The order is a function of the seed and the number of the epoch. Each stream begins with a mark, and so with the
    first item that starts in it, and reads on into the next: all characters of an item are predicted, its mark too.
    Where items are longer than streams, one in which none starts, and the one after it, begin where they are cut: else
    the ends of long items would never be read.
    """

    def __init__(
        self,
        ids: Ids,
        starts: npt.NDArray[np.unsignedinteger],
        streams: int,
        window: int,
        seed: int,
        folder: Path | None = None,
    ) -> None:
        """``starts`` (N,): where the items begin. With a ``folder``, where they go in an epoch is kept in files
        there."""
        super().__init__(ids, streams, window, seed)
        self._starts = starts
        self._epoch = -1
        self._order = room(len(starts), np.min_scalar_type(len(starts)), folder)
        self._ends, self._moved = (room(len(starts), np.int64, folder) for _ in range(2))

    def window(self, number: int) -> tuple[Ids, Ids]:
        """(x, y), both (T, B) and contiguous, y one step ahead of x."""
        n, T = len(self._ids), self.window_length
        epoch, window = divmod(number, self.windows)
        if epoch != self._epoch:
            self._shuffle(epoch)
        places = (self._begin + window * T + np.arange(-1, T)[:, None]) % n
        text = self._ids[places + self._moved[np.searchsorted(self._ends, places, side="right")]]
        return text[:-1], text[1:]

    def _shuffle(self, epoch: int) -> None:
        """Puts the items in the order of an epoch: where each ends then, how far it was moved, and where each stream
        begins."""
        n, B = len(self._ids), self.streams
        assert self._seed is not None
        N, order = len(self._starts), self._order
        for at in range(0, N, CHUNK):
            order[at : at + CHUNK] = np.arange(at, min(at + CHUNK, N))
        seeds.generator(self._seed, "items", epoch).shuffle(order)
        end = 0
        for at in range(0, N, CHUNK):
            chunk = slice(at, at + CHUNK)
            items = order[chunk]
            starts = self._starts[items].astype(np.int64)
            after = np.minimum(items.astype(np.int64) + 1, N - 1)
            lengths = np.where(items == N - 1, len(self._ids), self._starts[after]) - starts
            ends = end + np.cumsum(lengths)
            self._ends[chunk], self._moved[chunk] = ends, starts - (ends - lengths)
            end = int(ends[-1])
        cuts = np.arange(B) * (n // B)
        firsts = np.where(cuts, self._ends[np.searchsorted(self._ends, cuts)], 0)
        has_start = firsts - cuts < n // B
        self._begin = np.where(has_start & np.append(True, has_start[:-1]), firsts, cuts)
        self._epoch = epoch
