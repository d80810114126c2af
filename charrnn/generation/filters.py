"""What is done to logits before a character is drawn from them.

Each filter is a pure function (logits (B, V), its parameter) -> logits; a character that it rules out gets minus
infinity. ``FILTERS`` holds them in the order in which they are applied, with what each needs as an option.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from charrnn.arrays import Array
from charrnn.nn.functional import quiet_overflow


def temperature(logits: Array, T: float) -> Array:
    """Divides by T: below 1 the likelier grows likelier, above 1 the odds come nearer; 0 leaves only the likeliest."""
    if np.finfo(logits.dtype).tiny > T:
        return top_k(logits, 1)
    if T == 1:
        return logits
    with quiet_overflow():  # a small T sends all but the likeliest to minus infinity, as it should
        scaled: Array = (logits - logits.max(axis=-1, keepdims=True)) / T
        return scaled


def top_k(logits: Array, k: int) -> Array:
    """Keeps exactly the k likeliest; of equals those with the lower id."""
    order = np.argsort(-logits, axis=-1, kind="stable")
    filtered = logits.copy()
    np.put_along_axis(filtered, order[..., k:], -np.inf, axis=-1)
    return filtered


def top_p(logits: Array, p: float) -> Array:
    """Keeps the likeliest whose probabilities first add up to p, at least one (Holtzman et al. 2019, "nucleus
    sampling", arXiv 1904.09751)."""
    if p >= 1:  # rounding would rule out what is too unlikely to add to the sum
        return logits
    order = np.argsort(-logits, axis=-1, kind="stable")
    probabilities = np.take_along_axis(softmax(logits), order, axis=-1)
    before = np.cumsum(probabilities, axis=-1) - probabilities
    sorted_logits = np.where(before < p, np.take_along_axis(logits, order, axis=-1), -np.inf)
    sorted_logits[..., 0] = np.take_along_axis(logits, order[..., :1], axis=-1)[..., 0]
    filtered = np.empty_like(logits)
    np.put_along_axis(filtered, order, sorted_logits, axis=-1)
    return filtered


def softmax(logits: Array) -> Array:
    """Probabilities (B, V), in float64."""
    e = np.exp(logits.astype(np.float64) - logits.max(axis=-1, keepdims=True))
    probabilities: Array = e / e.sum(axis=-1, keepdims=True)
    return probabilities


@dataclass(frozen=True)
class Filter:
    """A filter and its parameter: type, bounds, default (None: not applied) and what it does."""

    apply: Callable[..., Array]
    type: type
    least: float
    most: float | None
    default: float | None
    help: str


FILTERS: dict[str, Filter] = {
    "temperature": Filter(temperature, float, 0, None, 0.7, "0: always the likeliest; 1: as learnt; above: wilder."),
    "top_k": Filter(top_k, int, 1, None, None, "Draw from the K likeliest characters only."),
    "top_p": Filter(top_p, float, 0, 1, None, "Draw from the likeliest that make up this probability."),
}


def apply_filters(logits: Array, chosen: Mapping[str, float | None]) -> Array:
    """The chosen filters, by name with their parameters, in the order of ``FILTERS``; None leaves one out."""
    for name, filter_ in FILTERS.items():
        if (parameter := chosen.get(name)) is not None:
            logits = filter_.apply(logits, parameter)
    return logits
