"""Windows into the training text."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.errors import CorpusError
from charrnn.text.streams import Streams, count_windows


@given(data=st.data(), streams=st.integers(1, 7), window=st.integers(1, 9), windows=st.integers(1, 5))
def test_a_window_follows_from_its_number(data: st.DataObject, streams: int, window: int, windows: int) -> None:
    """On ids that are their own positions: every entry is where the text puts it."""
    spare = data.draw(st.integers(0, window - 1), "left over in each stream")
    rest = data.draw(st.integers(0, streams - 1), "left over at the end")
    n = streams * (windows * window + spare) + rest + 1
    cut = Streams(np.arange(n), streams, window)
    assert cut.windows == windows
    number = data.draw(st.integers(0, windows - 1), "number")
    x, y = cut.window(number)
    assert x.shape == y.shape == (window, streams)
    for t in range(window):
        for b in range(streams):
            assert x[t, b] == b * (n // streams) + number * window + t
    assert np.array_equal(y, x + 1)


def test_an_epoch_reads_each_stream_from_beginning_to_end() -> None:
    cut = Streams(np.arange(3 * 8 + 1), streams=3, window=4)
    read = np.concatenate([cut.window(number)[0] for number in range(cut.windows)])
    assert read.T.tolist() == [list(range(8)), list(range(8, 16)), list(range(16, 24))]


def test_the_last_target_of_a_window_is_the_first_input_of_the_next() -> None:
    cut = Streams(np.arange(50), streams=2, window=5)
    for number in range(cut.windows - 1):
        assert np.array_equal(cut.window(number)[1][-1], cut.window(number + 1)[0][0])


def test_windows_are_contiguous_arrays_of_ids() -> None:
    for array in Streams(np.arange(50, dtype=np.uint8), streams=3, window=4).window(1):
        assert array.flags.c_contiguous
        assert array.dtype == np.uint8


def test_the_smallest_text_that_is_enough() -> None:
    assert Streams(np.arange(4 * 5 + 1), streams=4, window=5).windows == 1


@pytest.mark.parametrize(
    ("size", "fit"),
    [
        (4 * 5, "set {training.batch} to 3 or {training.window} to 4"),
        (4 + 1, "set {training.window} to 1"),
        (4, "set {training.batch} to 1 and {training.window} to 3"),
        (0, "set"),
    ],
)
def test_a_text_too_small_names_the_numbers_that_fit(size: int, fit: str) -> None:
    with pytest.raises(CorpusError, match=rf"^4 streams of 5 characters need .* of 21, and it has {size};") as refused:
        Streams(np.arange(size), streams=4, window=5)
    assert refused.value.remedy.startswith(fit)


@given(size=st.integers(2, 200), streams=st.integers(1, 20), window=st.integers(1, 20))
def test_the_numbers_that_fit_are_the_largest(size: int, streams: int, window: int) -> None:
    try:
        count_windows(size, streams, window)
        return
    except CorpusError as refused:
        remedy = refused.remedy
    batch, length = (re.search(rf"{key}}} to (\d+)", remedy) for key in ("batch", "window"))
    batch, length = (named and int(named[1]) for named in (batch, length))
    if batch and length and "and" in remedy:
        assert (count_windows(size, batch, length), batch) == (1, 1)
        return
    for pair, more in (((batch, window), (1, 0)), ((streams, length), (0, 1))):
        if None not in pair:
            assert count_windows(size, *pair) == 1
            with pytest.raises(CorpusError):
                count_windows(size, pair[0] + more[0], pair[1] + more[1])


def test_pieces_of_a_text_are_read_each_by_a_stream_of_its_own() -> None:
    """Where the text is made of as many pieces as there are streams, no window holds characters of two of them."""
    cut = Streams(np.repeat(np.arange(6), 8), streams=6, window=4)
    for number in range(cut.windows):
        for array in cut.window(number):
            assert (array == np.arange(6)).all()


def test_every_epoch_but_the_first_begins_farther_on_in_a_ring() -> None:
    n, B, T = 31, 3, 2
    fixed, shifted = Streams(np.arange(n), B, T), Streams(np.arange(n), B, T, seed=1)
    W = fixed.windows
    assert np.array_equal(shifted.window(W - 1), fixed.window(W - 1))
    assert np.array_equal(fixed.window(W), fixed.window(0))
    offsets = set()
    for epoch in range(1, 40):
        offset = shifted.window(epoch * W)[0][0, 0]
        offsets.add(int(offset))
        for number in range(W):
            x, y = shifted.window(epoch * W + number)
            assert np.array_equal(x, (fixed.window(number)[0] + offset) % n)
            assert np.array_equal(y, (x + 1) % n)
    assert offsets == set(range(n // B))
