"""Windows into the training text."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.errors import CorpusError
from charrnn.text.streams import LEAST_WINDOW, Streams, count_windows


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
    ("streams", "window", "size", "says"),
    [
        (
            *(50, 50, 1500),
            "50 streams of 50 characters need a training part of 2,501, and it has 1,500; "
            "set training.batch to at most 29 or training.window to at most 29, or give a longer text",
        ),
        (
            *(50, 50, 88),
            "50 streams of 50 characters need a training part of 2,501, and it has 88; "
            "set training.batch to 1, or give a longer text",
        ),
        (
            *(2, 50, 30),
            "2 streams of 50 characters need a training part of 101, and it has 30; "
            "set training.window to at most 14, or give a longer text",
        ),
        (
            *(3, 50, 30),
            "3 streams of 50 characters need a training part of 151, and it has 30; "
            "set training.batch to 1 and training.window to at most 29, or give a longer text",
        ),
        (
            *(1, 50, 10),
            "1 stream of 50 characters needs a training part of 51, and it has 10; give a text of a few thousand "
            "characters",
        ),
        (
            *(2, 1, 2),
            "2 streams of 1 character need a training part of 3, and it has 2; give a text of a few thousand ",
        ),
        (
            *(4, 5, 0),
            "4 streams of 5 characters need a training part of 21, and it has 0; give a text of a few thousand ",
        ),
    ],
)
def test_a_text_too_small_names_the_numbers_that_fit(streams: int, window: int, size: int, says: str) -> None:
    with pytest.raises(CorpusError) as refused:
        Streams(np.arange(size), streams, window)
    assert str(refused.value).startswith(says)


@given(size=st.integers(0, 400), streams=st.integers(1, 40), window=st.integers(1, 40))
def test_the_numbers_that_fit_are_the_largest(size: int, streams: int, window: int) -> None:
    try:
        count_windows(size, streams, window)
        return
    except CorpusError as refused:
        remedy = refused.remedy
    batch, length = (re.search(rf"{key}}} to (?:at most )?(\d+)", remedy) for key in ("batch", "window"))
    batch, length = (named and int(named[1]) for named in (batch, length))
    assert length is None or length >= LEAST_WINDOW
    assert bool(batch or length) == (size > LEAST_WINDOW)
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
