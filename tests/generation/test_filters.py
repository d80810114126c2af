import math
from itertools import accumulate

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.testing import assert_array_equal

from charrnn.arrays import Array
from charrnn.generation.filters import FILTERS, apply_filters, softmax

every_filter = pytest.mark.parametrize("name", FILTERS)

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


@pytest.mark.parametrize("name", ["top_k", "top_p"])
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
        ],
    )
    def test_order_is_temperature_top_k_top_p(self, chosen: dict[str, float], expected: set[int]) -> None:
        assert kept(apply_filters(self.logits, chosen)[0]) == expected

    def test_each_is_applied(self) -> None:
        for name, parameter in (("temperature", 0.5), ("top_k", 2), ("top_p", 0.3)):
            expected = FILTERS[name].apply(self.logits, parameter)
            assert_array_equal(apply_filters(self.logits, {name: parameter}), expected)
            assert (expected != self.logits).any()

    def test_none_leaves_a_filter_out(self) -> None:
        assert_array_equal(apply_filters(self.logits, dict.fromkeys(FILTERS)), self.logits)
        assert_array_equal(apply_filters(self.logits, {}), self.logits)
