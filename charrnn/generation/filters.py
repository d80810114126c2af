"""Filters of logits, applied before a character is drawn.

A filter is a pure function (logits (B, V), its parameter) -> logits; a character that it rules out gets minus infinity.
A filter that looks back takes the recent ids (B, n), the latest last, as a third argument. ``FILTERS`` lists filters in
the order in which they are applied, with the type, bounds, default and help of their parameters.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from charrnn.arguments import is_number, shown
from charrnn.arrays import Array, Ids
from charrnn.errors import CharRNNError, did_you_mean
from charrnn.nn.functional import quiet_overflow, softmax

RECENT = 1024
"""How many characters a filter may look back."""
REPEAT = 12
"""How many characters in a row may be repeated before ``loop_penalty`` acts: words, names and turns of phrase repeat in
any text."""


def loop_penalty(logits: Array, penalty: float, recent: Ids) -> Array:
    """Lowers the characters that would make a repeat of recent text longer than ``REPEAT``, by the penalty times the
    number of characters beyond it.

    The idea comes from the sampler DRY (github.com/oobabooga/textgen/pull/5677), whose penalty grows exponentially with
    the number of repeated tokens. A character is a fraction of a token, and a loop has far more of them, so here the
    penalty grows linearly. Shorter repeats, such as letters and words, stay as likely as before.
    """
    lowered = logits.copy()
    for b, j, repeated in _repeats(recent):
        v = recent[b, j]
        lowered[b, v] = min(lowered[b, v], logits[b, v] - penalty * (repeated + 1 - REPEAT))
    return lowered


def _repeats(recent: Ids) -> Iterator[tuple[int, int, int]]:
    """Finds repeats of the end of a row: yields row b, place j and length of each stretch of at least ``REPEAT``
    characters that ends before place j and also ends the row."""
    n = recent.shape[1]
    if n <= REPEAT:
        return
    same = np.ones((len(recent), n - REPEAT), np.bool_)  # [b, j - REPEAT]: whether what ends before j ends the row too
    for k in range(1, REPEAT + 1):
        same &= recent[:, REPEAT - k : n - k] == recent[:, n - k, None]
        if not same.any():
            return
    for b, i in np.argwhere(same).tolist():
        j = i + REPEAT
        differs = recent[b, :j][::-1] != recent[b, n - j :][::-1]
        yield b, j, int(differs.argmax()) if differs.any() else j


def temperature(logits: Array, T: float) -> Array:
    """Divides logits by T: below 1 likely characters become likelier still, above 1 all become more alike, and 0 leaves
    only the likeliest."""
    if np.finfo(logits.dtype).tiny > T:
        return top_k(logits, 1)
    if T == 1:
        return logits
    with quiet_overflow():  # a small T sends all but the likeliest to minus infinity, as it should
        scaled: Array = (logits - logits.max(axis=-1, keepdims=True)) / T
        return scaled


def top_k(logits: Array, k: int) -> Array:
    """Keeps exactly the k likeliest characters; among equally likely ones those with the lower ids."""
    order = np.argsort(-logits, axis=-1, kind="stable")
    filtered = logits.copy()
    np.put_along_axis(filtered, order[..., k:], -np.inf, axis=-1)
    return filtered


def top_p(logits: Array, p: float) -> Array:
    """Keeps the fewest likeliest characters whose probabilities add up to p, at least one (Holtzman et al. 2019,
    "nucleus sampling", arXiv 1904.09751)."""
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


def min_p(logits: Array, p: float) -> Array:
    """Keeps the characters at least p times as probable as the likeliest (Nguyen et al. 2024, "Turning up the heat:
    min-p sampling", arXiv 2407.01082)."""
    if p <= 0:
        return logits
    return np.where(logits >= logits.max(axis=-1, keepdims=True) + math.log(p), logits, -np.inf)


@dataclass(frozen=True)
class Filter:
    """A filter, and its parameter: type, bounds, default (None: not applied) and help."""

    apply: Callable[..., Array]
    type: type
    least: float
    most: float | None
    default: float | None
    help: str
    looks_back: bool = False
    """Whether the filter takes the recent ids too."""

    def takes(self, parameter: float) -> bool:
        """Whether a number is within the bounds and, where the filter counts, whole."""
        most = math.inf if self.most is None else self.most
        return self.least <= parameter <= most and (self.type is float or parameter % 1 == 0)


FILTERS: dict[str, Filter] = {
    "loop_penalty": Filter(
        *(loop_penalty, float, 0, 100, None),
        f"Against loops: lowers each character that would go on repeating more than {REPEAT} of the last {RECENT}, by "
        f"so many nats for each beyond {REPEAT}; try 0.3 to 1.",
        looks_back=True,
    ),
    "temperature": Filter(temperature, float, 0, 1e6, 0.7, "0: always the likeliest; 1: as learnt; above: wilder."),
    "top_k": Filter(top_k, int, 1, None, None, "Draw from the K likeliest characters only."),
    "top_p": Filter(top_p, float, 0, 1, None, "Draw from the likeliest that make up this probability."),
    "min_p": Filter(
        *(min_p, float, 0, 1, None),
        "Draw from those whose probability is at least this share of the likeliest's, such as 0.05.",
    ),
}


def check_filters(chosen: Mapping[str, float | None]) -> None:
    """Raises CharRNNError unless all filters chosen, by name, exist and have numbers within their bounds."""
    for name, parameter in chosen.items():
        if name not in FILTERS:
            known = f"choose among {', '.join(FILTERS)}{did_you_mean(name, FILTERS)}"
            raise CharRNNError(f"there is no filter {name!r}", known)
        filter_ = FILTERS[name]
        if parameter is None or (is_number(parameter) and filter_.takes(parameter)):
            continue
        whole = "a whole number, " if filter_.type is int else ""
        bounds = f"at least {filter_.least:g}" + ("" if filter_.most is None else f" and at most {filter_.most:g}")
        raise CharRNNError(f"the filter {name} does not take {shown(parameter)}", f"give it {whole}{bounds}")


def look_back(chosen: Mapping[str, float | None]) -> bool:
    """Whether any of the chosen filters needs the recent ids."""
    return any(FILTERS[name].looks_back and parameter is not None for name, parameter in chosen.items())


def apply_filters(logits: Array, chosen: Mapping[str, float | None], recent: Ids) -> Array:
    """Applies the filters chosen, by name with their parameters, in the order of ``FILTERS``; None leaves a filter out.

    ``recent`` are the ids (B, n) before, which may be those of no text, (0, n), where no chosen filter looks back.
    """
    for name, filter_ in FILTERS.items():
        if (parameter := chosen.get(name)) is not None:
            logits = filter_.apply(logits, filter_.type(parameter), *([recent] if filter_.looks_back else []))
    return logits
