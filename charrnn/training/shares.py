"""A batch shared out, over workers at the same time or in parts one after another, and its gradient put together."""

from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np

from charrnn.arrays import Array


def parts_of(streams: int, count: int) -> tuple[list[slice], list[float]]:
    """Streams in so many parts, in their order, and the share of them that each part has; where there are fewer streams
    than parts, one each."""
    count = min(count, streams)
    bounds = [streams * k // count for k in range(count + 1)]
    parts = [slice(*pair) for pair in pairwise(bounds)]
    return parts, [(part.stop - part.start) / streams for part in parts]


def average(gradients: Iterable[Array], shares: Sequence[float]) -> Array:
    """The average of the gradients of workers, (P,) each, that have these shares of the streams, added up in their
    order. It takes the memory of the first, and uses the others up; those of workers without a share count for nothing.
    """
    total, *others = gradients
    if len(shares) > 1:
        total *= shares[0]
    for gradient, share in zip(others, shares[1:], strict=False):
        total += np.multiply(gradient, share, out=gradient)
    return total
