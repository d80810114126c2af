"""N-gram models with modified Kneser-Ney smoothing, the usual yardstick of a language model: they only count.

An order is the number of characters of context, as in Karpathy, Johnson, Li 2015 (arXiv 1506.02078), whose n-gram of
order n is an (n + 1)-gram model. Smoothing is the interpolated modified Kneser-Ney of Chen & Goodman 1998 ("An
empirical study of smoothing techniques for language modeling", section 3): with c the number of times that a character
w follows a context h, each count gives up a discount D(c), and what a context's counts give up together goes to the
next shorter context h' (h without its first character):

    p(w | h) = (c(h w) - D(c(h w)) + p(w | h') sum_v D(c(h v))) / sum_v c(h v)

In the longest context c(h w) is how often w follows h; in a shorter one, how many different characters stand before
h w (Kneser & Ney 1995). The shortest context is empty, and below it every character has the same probability, so that
even one never seen has some.

Shapes: N characters of training text, n of the text that is measured, K distinct grams of one length. Both texts have a
begin before their first character, and texts of items one before each item. A begin is context only, and before it is
nothing but begins. Grams are numbered in the order of their last characters, then of those before them, and so on. The
begin comes after all characters, so that the last gram of each length ends with it.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from charrnn.arrays import Array, Ids

FALLBACK = np.array([0, 0.5, 1, 1.5])
"""The discounts where there are too few grams to estimate them, which is usual only for single characters."""


class _Grams(NamedTuple):
    """The grams of one length that the training text holds."""

    training: Ids
    """(N + 1,): the gram that ends at each character."""
    text: Ids
    """(n + 1,): the same for the text that is measured, -1 where the training text does not hold it."""
    shorter: Ids
    """(K,): each gram without its first character."""


def probabilities(training: Ids, text: Ids, size: int, order: int, mark: int | None = None) -> Iterator[Array]:
    """The probability of each character of a text (n,) under the models of order 0, 1, ... ``order`` that count a
    training text (N,): (n,) float64 for each in turn.

    Both texts are ids below ``size``; where they are made of items, each ends with the ``mark``, and the next one has
    no context at its beginning. Each model gives every id a probability, and these sum to one. Time and memory grow
    with N: about 80 bytes a character.
    """
    x, y = _begun(training, size, mark), _begun(text, size, mark)
    is_character = y[1:] < size
    contexts = _Grams(np.zeros(len(x), np.int32), np.zeros(len(y), np.int32), np.zeros(1, np.int32))
    grams = _longer(contexts, x, y, size)
    lower = np.full(len(y) - 1, 1 / size)
    for k in range(order + 1):
        yield _interpolated(np.bincount(grams.training), contexts, grams, lower)[is_character]
        if k < order:
            x, y = _back(x, size), _back(y, size)
            longer = _longer(grams, x, y, size)
            lower = _interpolated(np.bincount(longer.shorter), contexts, grams, lower)
            contexts, grams = grams, longer


def _begun(ids: Ids, size: int, mark: int | None) -> Ids:
    """A text with a begin, which is ``size``, before it and after each mark but the last."""
    ends = [] if mark is None else np.flatnonzero(ids[:-1] == mark).tolist()
    return np.insert(ids.astype(np.min_scalar_type(size)), [0, *(end + 1 for end in ends)], size)


def _back(x: Ids, size: int) -> Ids:
    """What stands one character before; before a begin is a begin."""
    return np.where(x == size, x, np.concatenate([[x.dtype.type(size)], x[:-1]]))


def _longer(grams: _Grams, x: Ids, y: Ids, size: int) -> _Grams:
    """Grams with one more character in front, which x (N + 1,) and y (n + 1,) give for each position of the two
    texts."""
    base = np.int64(size + 1)
    keys, training = np.unique(grams.training * base + x, return_inverse=True)
    wanted = grams.text * base + y
    found = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    text = np.where(keys[found] == wanted, found, -1)
    return _Grams(*(ids.astype(np.int32) for ids in (training, text, keys // base)))


def _interpolated(counts: Ids, contexts: _Grams, grams: _Grams, lower: Array) -> Array:
    """The equation above for each character of the text: ``counts`` (K,) of the grams, and p(w | h') as ``lower``
    (n,)."""
    counts[-1] = 0  # a begin is not predicted
    context = np.zeros(len(counts), np.int64)  # (K,): each gram without its last character
    context[grams.training[1:]] = contexts.training[:-1]
    discount = _discounts(counts)[np.minimum(counts, 3)]
    total = np.bincount(context, counts, len(contexts.shorter))
    given_up = np.bincount(context, discount, len(contexts.shorter))

    h, hw = contexts.text[:-1], grams.text[1:]
    seen = (h >= 0) & (total[h] > 0)
    kept = np.where(hw >= 0, (counts - discount)[hw], 0)
    p = lower.copy()
    p[seen] = ((kept + given_up[h] * lower) / np.where(seen, total[h], 1))[seen]
    return p


def _discounts(counts: Ids) -> Array:
    """D(0), D(1), D(2) and D(3 or more), from how many grams there are of each count (Chen & Goodman 1998, eq. 26)."""
    n = np.bincount(np.minimum(counts, 5), minlength=6)
    if not n[1:5].all():
        return FALLBACK
    c = np.arange(4)
    D = c - (c + 1) * n[1] / (n[1] + 2 * n[2]) * n[1:5] / np.maximum(n[:4], 1)
    D[0] = 0
    # Without a discount, which may come out as a little more than 0, nothing is left for what was never seen.
    return D if (D[1:] > 1e-9).all() else FALLBACK
