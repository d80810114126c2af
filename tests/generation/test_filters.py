import math
from itertools import accumulate

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.testing import assert_array_equal

from charrnn.arrays import Array, Ids
from charrnn.generation.filters import FILTERS, REPEAT, apply_filters, look_back, loop_penalty
from charrnn.nn.functional import softmax

every_filter = pytest.mark.parametrize("name", [name for name in FILTERS if not FILTERS[name].looks_back])

# Tenths, so that equals are frequent.
logits_of_any_shape = arrays(
    np.float32, array_shapes(min_dims=2, max_dims=2, max_side=8), elements=st.integers(-90, 90).map(lambda n: n / 10)
)


def parameters_of(name: str) -> st.SearchStrategy:
    """Every value that the filter's bounds allow, below ten."""
    filter_ = FILTERS[name]
    if filter_.type is int:
        return st.integers(int(filter_.least), 10)
    return st.just(filter_.least) | st.floats(max(0.01, filter_.least), filter_.most or 10)


def ranking(row: Array) -> list[int]:
    """Ids from the likeliest down, of equals the lower first."""
    return sorted(range(len(row)), key=lambda v: (-row[v], v))


NOTHING = np.zeros((1, 0), np.uint8)
LOOP = np.array([[0, 1, 2, 3] * (REPEAT // 4 + 1)], np.uint8)
"""After which 0 would make a repeat one longer than REPEAT."""


def kept(row: Array) -> set[int]:
    return set(np.flatnonzero(row > -np.inf).tolist())


@every_filter
@settings(deadline=None)
@given(data=st.data(), logits=logits_of_any_shape)
def test_filter_keeps_the_likeliest_and_its_input(name: str, data: st.DataObject, logits: Array) -> None:
    before = logits.copy()
    filtered = FILTERS[name].apply(logits, data.draw(parameters_of(name)))

    assert_array_equal(logits, before)
    assert filtered.shape == logits.shape
    assert filtered.dtype == logits.dtype
    for row, filtered_row in zip(logits, filtered, strict=True):
        assert kept(filtered_row)
        assert kept(filtered_row) == set(ranking(row)[: len(kept(filtered_row))])


@pytest.mark.parametrize("name", ["top_k", "top_p", "min_p"])
@settings(deadline=None)
@given(data=st.data(), logits=logits_of_any_shape)
def test_what_is_kept_keeps_its_logit(name: str, data: st.DataObject, logits: Array) -> None:
    filtered = FILTERS[name].apply(logits, data.draw(parameters_of(name)))
    assert_array_equal(filtered, np.where(np.isneginf(filtered), filtered, logits))


@settings(deadline=None)
@given(logits=logits_of_any_shape, k=st.integers(1, 10))
def test_top_k_keeps_exactly_k(logits: Array, k: int) -> None:
    for row in FILTERS["top_k"].apply(logits, k):
        assert len(kept(row)) == min(k, len(row))


def test_top_k_keeps_the_lower_of_equals() -> None:
    logits = np.array([[1.0, 2.0, 2.0, 2.0, 3.0]])
    assert kept(FILTERS["top_k"].apply(logits, 3)[0]) == {1, 2, 4}


@settings(deadline=None)
@given(logits=logits_of_any_shape, p=st.floats(0, 1))
def test_top_p_keeps_the_fewest_that_reach_p(logits: Array, p: float) -> None:
    for row, filtered in zip(logits, FILTERS["top_p"].apply(logits, p), strict=True):
        total = math.fsum(map(math.exp, row))
        sums = list(accumulate(math.exp(row[v]) / total for v in ranking(row)))
        assume(all(abs(s - p) > 1e-6 for s in sums))  # where rounding decides, either will do
        assert len(kept(filtered)) == 1 + sum(s < p for s in sums)


@pytest.mark.parametrize(("p", "count"), [(0, 1), (0.5, 1), (0.51, 2), (0.75, 2), (0.76, 3), (1, 4)])
def test_top_p_at_its_bounds(p: float, count: int) -> None:
    logits = np.log([[0.125, 0.5, 0.25, 0.125]])
    assert len(kept(FILTERS["top_p"].apply(logits, p)[0])) == count


def test_top_p_of_one_keeps_all_however_unlikely() -> None:
    logits = np.array([[0.0, -40.0, -41.0]])
    assert_array_equal(FILTERS["top_p"].apply(logits, 1.0), logits)


@settings(deadline=None)
@given(logits=logits_of_any_shape, p=st.floats(0.001, 1))
def test_min_p_keeps_all_within_a_factor_of_the_likeliest(logits: Array, p: float) -> None:
    for row, filtered in zip(logits, FILTERS["min_p"].apply(logits, p), strict=True):
        odds = [math.exp(logit - max(row)) for logit in row.tolist()]
        assume(all(abs(share - p) > 1e-5 for share in odds if share < 1))
        assert kept(filtered) == {v for v, share in enumerate(odds) if share >= p}


def test_min_p_of_nothing_keeps_all_however_unlikely() -> None:
    logits = np.array([[0.0, -4000.0]])
    assert_array_equal(FILTERS["min_p"].apply(logits, 0), logits)


@pytest.mark.parametrize("T", [0.5, 1, 2])
def test_temperature_is_an_exponent_of_the_odds(T: float) -> None:
    probabilities = softmax(FILTERS["temperature"].apply(np.log([[0.1, 0.2, 0.7]]), T))[0]
    assert probabilities[2] / probabilities[0] == pytest.approx(7 ** (1 / T))
    assert probabilities[1] / probabilities[0] == pytest.approx(2 ** (1 / T))


def test_temperature_zero_leaves_the_first_of_the_likeliest() -> None:
    assert_array_equal(softmax(FILTERS["temperature"].apply(np.array([[1.0, 3.0, 3.0]]), 0)), [[0, 1, 0]])


def test_softmax_of_huge_logits_and_of_those_ruled_out() -> None:
    probabilities = softmax(np.array([[1e4, -np.inf, 1e4], [-1e4, -1e4, -np.inf]], np.float32))
    assert_array_equal(probabilities, [[0.5, 0, 0.5], [0.5, 0.5, 0]])
    assert probabilities.dtype == np.float64


class TestApplyFilters:
    # At temperature 1 the shares are 0.4, 0.3, 0.2, 0.1; at 0.5 they are 0.53, 0.30, 0.13, 0.03.
    logits = np.log([[4.0, 3.0, 2.0, 1.0]])

    @pytest.mark.parametrize(
        ("chosen", "expected"),
        [
            ({"top_p": 0.8, "temperature": 1.0}, {0, 1, 2}),
            ({"top_p": 0.8, "temperature": 0.5}, {0, 1}),  # temperature first: 0.53 + 0.30
            ({"top_p": 0.55}, {0, 1}),
            ({"top_p": 0.55, "top_k": 2}, {0}),  # top_k first: 4 / (4 + 3)
            ({"top_k": 3, "temperature": 0.0}, {0}),
            ({"min_p": 0.6}, {0, 1}),
            ({"min_p": 0.6, "temperature": 0.5}, {0}),  # temperature first: 9 / 16
        ],
    )
    def test_order_is_temperature_top_k_top_p_min_p(self, chosen: dict[str, float], expected: set[int]) -> None:
        assert kept(apply_filters(self.logits, chosen, NOTHING)[0]) == expected

    def test_loop_penalty_comes_before_temperature(self) -> None:
        (lowered,) = apply_filters(self.logits, {"loop_penalty": 1.0, "temperature": 0.0}, LOOP)
        assert kept(lowered) == {1}  # log 4 - 1 is less than log 3

    def test_each_is_applied(self) -> None:
        chosen = {"loop_penalty": 1, "temperature": 0.5, "top_k": 2, "top_p": 0.3, "min_p": 0.5}
        assert chosen.keys() == FILTERS.keys()
        for name, parameter in chosen.items():
            expected = FILTERS[name].apply(self.logits, parameter, *([LOOP] if FILTERS[name].looks_back else []))
            assert_array_equal(apply_filters(self.logits, {name: parameter}, LOOP), expected)
            assert (expected != self.logits).any()

    def test_none_leaves_a_filter_out(self) -> None:
        assert_array_equal(apply_filters(self.logits, dict.fromkeys(FILTERS), LOOP), self.logits)
        assert_array_equal(apply_filters(self.logits, {}, LOOP), self.logits)

    def test_what_looks_back_is_known(self) -> None:
        assert look_back({"temperature": 1.0, "loop_penalty": 0.1})
        assert not look_back({"temperature": 1.0, "loop_penalty": None})


class TestLoopPenalty:
    logits = np.zeros((1, 5))

    @given(
        recent=st.lists(st.integers(0, 2), max_size=60).map(lambda ids: np.array([ids], np.uint8)),
        pattern=st.lists(st.integers(0, 2), min_size=1, max_size=20),
        times=st.integers(0, 4),
    )
    def test_it_is_the_longest_repeat_that_a_character_would_make(
        self, recent: Ids, pattern: list[int], times: int
    ) -> None:
        text = recent[0].tolist() + pattern * times
        lowered = loop_penalty(self.logits, 0.5, np.array([text], np.uint8).reshape(1, -1))
        for v in range(5):
            longer = [*text, v]
            repeated = max((k for k in range(1, len(longer)) if stands_before(longer, k)), default=0)
            assert lowered[0, v] == -0.5 * max(0, repeated - REPEAT)

    def test_rows_are_apart_and_what_is_given_stays(self) -> None:
        logits = np.zeros((2, 5))
        recent = np.array([LOOP[0], np.arange(LOOP.shape[1]) % 251], np.uint8)
        assert loop_penalty(logits, 1.0, recent)[0].any()
        assert not loop_penalty(logits, 1.0, recent)[1].any()
        assert not logits.any()


def stands_before(text: list[int], k: int) -> bool:
    """Whether the last k ids stand in the text earlier too."""
    return any(text[i : i + k] == text[-k:] for i in range(len(text) - k))
