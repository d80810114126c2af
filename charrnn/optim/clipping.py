"""Limits for the gradient, so that one steep place in the loss cannot throw the parameters far away (Pascanu et al.
2012, arXiv 1211.5063). Each works on the gradient vector g (P,) in place and returns its global norm as it was before.
"""

from collections.abc import Callable

import numpy as np

from charrnn.arrays import Array


def clip_norm(g: Array, limit: float) -> float:
    """Scales the whole gradient down where its global norm exceeds the limit; its direction stays."""
    norm = global_norm(g)
    if norm > limit:
        g *= limit / norm
    return norm


def clip_value(g: Array, limit: float) -> float:
    """Cuts each number to between minus and plus the limit, as char-rnn did."""
    norm = global_norm(g)
    np.clip(g, -limit, limit, out=g)
    return norm


def global_norm(g: Array) -> float:
    """The square root of the sum of all squares; infinite where that is beyond the numbers' range."""
    with np.errstate(over="ignore"):
        return float(np.sqrt(np.dot(g, g)))


CLIPS: dict[str, Callable[[Array, float], float]] = {"norm": clip_norm, "value": clip_value}
