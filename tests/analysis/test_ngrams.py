"""Smoothed n-gram models, against the definition written out with dictionaries."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charrnn.analysis.ngrams import FALLBACK, probabilities

BEGIN = -1
ENGLISH = (
    "the cat sat on the mat and the dog ran at the cat that sat there so the cat and the dog ran on and on to the "
    "road where a man had a hat on his head and the rat ate the hat and then the oats that the hens had not eaten"
)


def items_of(text: list[int], mark: int | None) -> list[list[int]]:
    items: list[list[int]] = [[]]
    for k, w in enumerate(text):
        items[-1].append(w)
        if w == mark and k + 1 < len(text):
            items.append([])
    return items


def grams(text: list[int], order: int, mark: int | None = None) -> list[tuple[int, ...]]:
    """For each character those before it in its item, and it."""
    begun = [[BEGIN] * order + item for item in items_of(text, mark)]
    return [tuple(item[end - order : end + 1]) for item in begun for end in range(order, len(item))]


class Naive:
    """Interpolated modified Kneser-Ney as Chen & Goodman 1998 define it, one probability at a time."""

    def __init__(self, training: list[int], order: int, size: int, mark: int | None = None) -> None:
        self.size = size
        self.counts = [
            Counter(tuple(gram[order + 1 - m :]) for gram in grams(training, order, mark)) for m in range(order + 2)
        ]
        for m in range(1, order + 1):  # how many different characters stand before
            self.counts[m] = Counter(gram[1:] for gram in self.counts[m + 1])
        self.discounts = [self.discount(counts) for counts in self.counts]

    def discount(self, counts: Counter) -> list[float]:
        n = Counter(counts.values())
        if not all(n[c] for c in (1, 2, 3, 4)):
            return [0, 0.5, 1, 1.5]
        Y = n[1] / (n[1] + 2 * n[2])
        D = [0, 1 - 2 * Y * n[2] / n[1], 2 - 3 * Y * n[3] / n[2], 3 - 4 * Y * n[4] / n[3]]
        return D if min(D[1:]) > 1e-9 else [0, 0.5, 1, 1.5]

    def p(self, w: int, h: tuple[int, ...]) -> float:
        counts, D = self.counts[len(h) + 1], self.discounts[len(h) + 1]
        follow = {v: counts[(*h, v)] for v in range(self.size) if counts[(*h, v)]}
        lower = self.p(w, h[1:]) if h else 1 / self.size
        if not follow:
            return lower
        given_up = sum(D[min(c, 3)] for c in follow.values())
        c = follow.get(w, 0)
        return (c - D[min(c, 3)] + given_up * lower) / sum(follow.values())


def check(training: list[int], text: list[int], size: int, order: int, mark: int | None = None) -> None:
    found = list(probabilities(np.array(training, np.uint8), np.array(text, np.uint8), size, order, mark))
    assert len(found) == order + 1
    for k, p in enumerate(found):
        naive = Naive(training, k, size, mark)
        expected = [naive.p(w, tuple(context)) for *context, w in grams(text, k, mark)]
        np.testing.assert_allclose(p, expected, rtol=1e-12, atol=0)


texts = st.lists(st.integers(0, 2), min_size=1, max_size=40)


@given(texts, texts, st.integers(0, 5))
@settings(max_examples=60, deadline=None)
def test_as_defined(training: list[int], text: list[int], order: int) -> None:
    check(training, text, 3, order)


@given(texts, texts, st.integers(0, 5))
@settings(max_examples=60, deadline=None)
def test_as_defined_for_items(training: list[int], text: list[int], order: int) -> None:
    check(training, text, 3, order, mark=1)


def test_as_defined_where_discounts_are_estimated() -> None:
    letters = sorted(set(ENGLISH))
    ids = [letters.index(character) for character in ENGLISH]
    half = len(ids) // 2
    assert Naive(ids[:half], 2, len(letters)).discounts[2] != FALLBACK.tolist()
    check(ids[:half], ids[half:], len(letters), 4)


@given(st.lists(st.integers(0, 2), max_size=40), st.lists(st.integers(0, 3), max_size=6), st.integers(0, 6))
@settings(max_examples=60, deadline=None)
def test_probabilities_sum_to_one(training: list[int], context: list[int], order: int) -> None:
    size = 4  # the last of which never occurs in the training text
    total = np.zeros(order + 1)
    for w in range(size):
        text = np.array([*context, w])
        total += [p[-1] for p in probabilities(np.array(training, np.int64), text, size, order)]
        assert total.min() > 0
    np.testing.assert_allclose(total, 1, rtol=1e-12)


def test_what_always_follows_becomes_likely() -> None:
    training, text = np.arange(300) % 3, np.arange(30) % 3
    *_, longest = probabilities(training, text, 3, 2)
    assert longest[2:].min() > 0.99
    assert pytest.approx(1 / 3, abs=0.01) == next(probabilities(training, text, 3, 0))[0]


def test_counts_that_leave_nothing_for_the_unseen_get_other_discounts() -> None:
    """Of 4, 1, 1 and 1 grams seen once, twice, three and four times, D(2) would be 0."""
    training = np.repeat(np.arange(7), [1, 1, 1, 1, 2, 3, 4])
    (p,) = probabilities(training, np.array([4]), 8, 0)
    given_up = FALLBACK @ [0, 4, 1, 2]
    assert p == pytest.approx([(2 - FALLBACK[2] + given_up / 8) / len(training)])
