"""Which unit keeps track of what: units ranked by how well one of them alone tells a property of the text.

A property is a function from a text to a value for each character, which holds after that character has been read.
A rule that tells the property from one unit, a probe, is fitted on the first half of the text and tested on the second:

- yes or no: the threshold, and the side of it that means yes, with the best balanced accuracy: the mean of the shares
  of yes and of no that are told correctly. 0.5 is chance, 1 perfect.
- a number: the least-squares line, and R^2, the share of the variance that it explains. 0 is as good as guessing
  the mean; less is worse.

The best of many units also scores well by luck. How well is measured with the same property shifted along the text,
where no unit can know it. Several shifts are tried: one alone says little about a property found in a few places only.

Units that tell quotations, line lengths and depths were found by Karpathy et al. (2015, arXiv 1506.02078).

Shapes: n characters, L layers, H hidden size.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from charrnn.arrays import Array
from charrnn.errors import CorpusError

State = TypeVar("State", int, str)
Values = npt.NDArray[Any]
"""(n,): bool for a property that is there or not, float for one that is a number."""


_CLOSING = {'"': '"', "\u201c": "\u201d", "\u201d": "\u201d", "\u201e": "\u201c\u201d"}
_CLOSING |= {"\u00ab": "\u00bb", "\u00bb": "\u00ab\u00bb", "\u300c": "\u300d", "\u300e": "\u300f"}
"""For each double quotation mark that can open, or corner bracket, those that close it in some language."""
_QUOTATION_MARKS = "".join({*_CLOSING, *"".join(_CLOSING.values())})


def quotes(text: str) -> Values:
    """Inside double quotation marks. Single ones do not count, as they may be apostrophes; a blank line ends a
    quotation."""

    def turn(opened: str, mark: str) -> str:
        if opened:
            return "" if mark in _CLOSING[opened] else opened
        return mark if mark in _CLOSING else ""

    return _inside(text, turn, _QUOTATION_MARKS, outside="")


def brackets(text: str) -> Values:
    """Inside round or square brackets. A blank line closes all."""
    return _inside(text, lambda depth, mark: depth + 1 if mark in "([" else max(depth - 1, 0), "()[]", outside=0)


_WORD = r"(?:[^\W_]['\u2019]?)+"
"""An apostrophe belongs to the word, even at its end: it is not known yet whether the word goes on."""


def caps(text: str) -> Values:
    """Inside a word that begins with a capital letter."""
    return _of_matches(text, _WORD, lambda word: [word[0].isupper()] * len(word), bool)


def line_position(text: str) -> Values:
    """How many characters of the line have been read. The line end is 0."""
    return _of_matches(text, r"[^\n]+", lambda line: range(1, len(line) + 1), float)


def word_position(text: str) -> Values:
    """How many characters of the word have been read. Between words 0."""
    return _of_matches(text, _WORD, lambda word: range(1, len(word) + 1), float)


def indent(text: str) -> Values:
    """How many spaces and tabs the line began with. Only those read so far count."""

    def of_line(line: str) -> Iterator[int]:
        width = len(line) - len(line.lstrip(" \t"))
        return (min(position, width) for position in range(1, len(line) + 1))

    return _of_matches(text, r"[^\n]+", of_line, float)


PROPERTIES: dict[str, Callable[[str], Values]] = {
    "quotes": quotes,
    "line-position": line_position,
    "word-position": word_position,
    "caps": caps,
    "indent": indent,
    "brackets": brackets,
}


def describe_property(name: str) -> str:
    """A property in words: the first sentence of its docstring."""
    first = (PROPERTIES[name].__doc__ or name).partition(".")[0]
    return first[:1].lower() + first[1:]


@dataclass(frozen=True)
class Ranking:
    """How well each unit tells a property."""

    measure: str
    """``balanced accuracy`` or ``R^2``."""
    scores: Array
    """(L, H), from the second half of the text."""
    by_luck: float
    """The best score of any unit for the property shifted by 1/8, 2/8, ... or 7/8 of each half of the text."""
    fit: dict[str, Array]
    """What was fitted on the first half, each (L, H): ``threshold`` and ``sign`` (1: yes above it, -1: below), or
    ``slope`` and ``intercept``."""

    @property
    def chance(self) -> float:
        """The score of a rule that knows nothing of the text."""
        return 0.5 if "sign" in self.fit else 0.0

    def best(self, count: int) -> list[tuple[int, int]]:
        """Layer and number of the units with the highest scores, the best first."""
        order = np.argsort(-self.scores, axis=None, kind="stable")[:count]
        H = self.scores.shape[1]
        return [divmod(place, H) for place in order.tolist()]


def rank(text: str, values: Array, name: str) -> Ranking:
    """Ranks units by their values (n, L, H) along a text of n characters.

    Raises CorpusError where the property is the same throughout one half of the text.
    """
    wanted = PROPERTIES[name](text)
    half = len(text) // 2
    parts = [wanted[:half], wanted[half:]]
    if any(len(np.unique(part)) < 2 for part in parts):
        raise CorpusError(
            f"{name} ({describe_property(name)}) cannot be looked for: it is the same at all characters of one half of "
            f"these {len(text):,}",
            "give another text, or more of it with {length}",
        )
    flat = values.reshape(len(values), -1).astype(np.float64)
    rule = _fit_threshold if wanted.dtype == bool else _fit_line
    # In its place (k = 0), and shifted.
    placed = [np.stack([np.roll(part, len(part) * k // 8) for k in range(8)]) for part in parts]
    scores, fit = rule(flat[:half], flat[half:], *placed)
    shape = values.shape[1:]
    return Ranking(
        "balanced accuracy" if wanted.dtype == bool else "R^2",
        scores[0].reshape(shape),
        float(scores[1:].max()),
        {what: numbers[0].reshape(shape) for what, numbers in fit.items()},
    )


def rank_all(text: str, values: Array) -> Iterator[tuple[str, Ranking | None]]:
    """The ranking for each property by name; None where the property is the same throughout one half of the text."""
    for name in PROPERTIES:
        try:
            yield name, rank(text, values, name)
        except CorpusError:
            yield name, None


def liveliest(text: str, name: str, length: int) -> slice:
    """The stretch of ``length`` characters, from the beginning of a line, in which a property changes most often."""
    changes = np.diff(PROPERTIES[name](text).astype(np.float64), prepend=0) != 0
    starts = [0, *(match.end() for match in re.finditer("\n", text))]
    start = max(starts, key=lambda start: int(changes[start : start + length].sum()))
    return slice(start, start + length)


def shades(values: Array, *, is_gate: bool = False, through_tanh: bool = False) -> tuple[Array, Array]:
    """Values (n, ...) scaled to be coloured, from -1 to 1, and the values (...) that 1 stands for.

    Gates go from closed, -1, to open, 1. Everything else is divided by the unit's own largest absolute value in
    the text; a state that leaves its cell through tanh goes through tanh first.
    """
    if is_gate:
        return 2 * values - 1, np.ones(values.shape[1:], values.dtype)
    seen = np.tanh(values) if through_tanh else values
    largest = np.abs(seen).max(axis=0)
    shade: Array = seen / np.where(largest > 0, largest, 1)
    return shade, largest


def _inside(text: str, turn: Callable[[State, str], State], marks: str, outside: State) -> Values:
    """Where a state is not ``outside``: ``turn`` gives the state after each of the marks, and a blank line ends it."""
    state, inside, blank = outside, np.zeros(len(text), bool), False
    for place, character in enumerate(text):
        if character in marks:
            state = turn(state, character)
        elif character == "\n" and blank:
            state = outside
        inside[place] = state != outside
        blank = character == "\n" or (blank and character.isspace())
    return inside


def _of_matches(text: str, pattern: str, of: Callable[[str], Any], dtype: npt.DTypeLike) -> Values:
    """Zero except where the pattern matches; there ``of`` gives the values."""
    values = np.zeros(len(text), dtype)
    for match in re.finditer(pattern, text):
        values[match.start() : match.end()] = list(of(match.group()))
    return values


def _fit_threshold(training: Array, test: Array, yes: Values, test_yes: Values) -> tuple[Array, dict[str, Array]]:
    """Scores (K, U) and what was fitted, from the values (m, U) of U units and the property (K, m), shifted K ways, in
    the half of the text that is fitted to, and in the other."""
    K, m = yes.shape
    threshold, sign = np.zeros((2, K, training.shape[1]))
    count = yes.sum(axis=1, keepdims=True)
    for u, values in enumerate(training.T):
        order = np.argsort(values)
        ascending = values[order]
        # What a cut after each place gains: the share of no below it minus the share of yes.
        yes_below = np.cumsum(yes[:, order], axis=1)
        gain = (np.arange(1, m + 1) - yes_below) / (m - count) - yes_below / count
        gain[:, :-1][:, ascending[:-1] == ascending[1:]] = 0
        cut = np.abs(gain[:, :-1]).argmax(axis=1)
        threshold[:, u] = (ascending[cut] + ascending[cut + 1]) / 2
        sign[:, u] = np.where(gain[range(K), cut] >= 0, 1, -1)
    scores = np.empty_like(threshold)
    for k, yes_there in enumerate(test_yes):
        told = (test > threshold[k]) == (sign[k] > 0)
        scores[k] = (told[yes_there].mean(axis=0) + (~told[~yes_there]).mean(axis=0)) / 2
    return scores, {"threshold": threshold, "sign": sign}


def _fit_line(training: Array, test: Array, number: Values, test_number: Values) -> tuple[Array, dict[str, Array]]:
    """The same for a property that is a number."""
    (mean, variance), (test_mean, test_variance) = ((half.mean(axis=0), half.var(axis=0)) for half in (training, test))
    slope = number @ (training - mean) / len(training) / np.where(variance > 0, variance, 1)
    intercept = number.mean(axis=1, keepdims=True) - slope * mean
    # By how much the mean square of test_number - (slope * test + intercept) exceeds the variance of test_number.
    covariance = test_number @ (test - test_mean) / len(test)
    bias = test_number.mean(axis=1, keepdims=True) - (slope * test_mean + intercept)
    excess = slope**2 * test_variance - 2 * slope * covariance + bias**2
    return -excess / test_number.var(axis=1, keepdims=True), {"slope": slope, "intercept": intercept}
