"""What a unit of a network does along a text: the text coloured by it, and a page of HTML in which to pick units."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from charrnn.analysis.expectations import Expectations
from charrnn.analysis.neurons import Ranking, describe_property, rank_all, shades
from charrnn.arrays import Array
from charrnn.errors import CharRNNError
from charrnn.report.levels import Stretch, background, scale, stretches
from charrnn.report.page import make_page, page_script
from charrnn.report.pane import in_base64, pane_data
from charrnn.text.items import readable_in_place
from charrnn.text.vocabulary import Vocabulary

SHOWN = 2_000
"""Characters on a page."""
RANKED = 20_000
"""Characters of a text that are read to rank units."""
LARGEST = 24_000_000
"""Values that a page may hold."""
COLOURS = [*map(background, (33, 75, 117, 153)), "", *map(background, (224, 217, 210, 203))]
"""Blue for the lowest values, no colour in the middle, red for the highest."""
MIDDLE = len(COLOURS) // 2


@dataclass(frozen=True)
class NamedUnit:
    """A unit that keeps track of something in the text."""

    name: str
    title: str
    """Of what, in words, and how well."""
    unit: tuple[int, int]
    """Its layer and number."""

    def on_page(self, units: int) -> dict[str, Any]:
        """What a page says of it, where a layer has so many units."""
        layer, number = self.unit
        return {
            "name": self.name,
            "title": self.title,
            "unit": f"{layer}:{number}",
            "place": layer * units + number,
        }


def above_luck(text: str, values: Array) -> list[NamedUnit]:
    """The unit that tells each property best, from the values (n, L, H) of all along a text, where it tells it better
    than by luck and than by chance."""
    found = []
    for name, ranking in rank_all(text, values):
        if ranking:
            (unit,) = ranking.best(1)
            if ranking.scores[unit] > max(ranking.by_luck, ranking.chance):
                found.append(_telling(name, name, ranking, unit))
    return found


def ranked(name: str, ranking: Ranking, top: int) -> list[NamedUnit]:
    """The ``top`` units that tell a property best, each named by its score."""
    return [_telling(f"{ranking.scores[unit]:.3f}", name, ranking, unit) for unit in ranking.best(top)]


def _telling(called: str, name: str, ranking: Ranking, unit: tuple[int, int]) -> NamedUnit:
    """A unit that tells a property."""
    how_well = f"{ranking.measure} {ranking.scores[unit]:.3f}, by luck {ranking.by_luck:.3f}"
    return NamedUnit(called, f"{describe_property(name)}, {how_well}", unit)


@dataclass(frozen=True)
class Activations:
    """A text, and one kind of activation of all units after each of its characters, (n, L, H)."""

    of: str
    """Its name, such as ``hidden``."""
    kind: str
    """``gate``, ``state``, or nothing for the candidate."""
    through_tanh: bool
    """Whether it leaves the cell through tanh, and is shown so."""
    characters: str
    """The text as the network read it, with marks of items."""
    values: Array
    expected: Expectations

    @cached_property
    def text(self) -> str:
        """The text as it is shown, with line ends in the places of marks."""
        return readable_in_place(self.characters)

    @property
    def label(self) -> str:
        """What the values are, in words."""
        return f"{self.of} {self.kind}".rstrip()

    @property
    def shown(self) -> str:
        """What the colours show, in words."""
        return f"tanh of the {self.label}" if self.through_tanh else self.label

    @property
    def is_gate(self) -> bool:
        """Whether the values lie between 0, closed, and 1, open."""
        return self.kind == "gate"

    def shades(self, where: Any) -> tuple[Array, Array]:
        """The shades, from -1 to 1, of the values that an index picks, and the largest absolute value of each unit."""
        return shades(self.values[where], is_gate=self.is_gate, through_tanh=self.through_tanh)


def by_unit(seen: Activations, unit: tuple[int, int]) -> Iterator[Stretch]:
    """The text with the level of one unit, its layer and number, after each character."""
    shade, _ = seen.shades((slice(None), *unit))
    return stretches((shade * MIDDLE).round().astype(int) + MIDDLE, seen.text)


def legend(seen: Activations, unit: tuple[int, int], colour: bool) -> str:
    """A line that says what the levels mean."""
    _, largest = seen.shades((slice(None), *unit))
    low, middle, high = ("0", "0.5", "1") if seen.is_gate else (f"{-largest:.2f}", "0", f"{largest:.2f}")
    unnamed = [""] * (MIDDLE - 1)
    marks = scale(COLOURS, [low, *unnamed, middle, *unnamed, high], colour, between=" ... ")
    return f"unit {unit[0]}:{unit[1]}, {seen.shown}: {marks}"


def units_page(
    title: str,
    seen: Activations,
    part: slice,
    vocabulary: Vocabulary,
    unit: tuple[int, int],
    named: Sequence[NamedUnit],
) -> Iterator[str]:
    """A page of HTML, part by part, with some of the characters and all units. It shows one unit at first, and those
    that are ``named`` can be picked by their names. Raises CharRNNError where it would be too large."""
    layers, units = seen.values.shape[1:]
    text = seen.characters[part]
    if len(text) * layers * units > LARGEST:
        raise CharRNNError(
            f"a page of {layers * units:,} units along {len(text):,} characters would be too large",
            f"lower {{length}} to {LARGEST // (layers * units):,}",
        )
    shade, largest = seen.shades(part)
    low, high = ("closed", "open") if seen.is_gate else ("below zero", "above")
    data = pane_data(text, seen.expected.cut(part), vocabulary) | {
        "layers": layers,
        "units": units,
        "unit": unit[0] * units + unit[1],
        "gate": seen.is_gate,
        "largest": rounded(largest.ravel()),
        # (L, H, n) in bytes from -127 to 127
        "shades": in_base64((shade * 127).round().astype("i1").transpose(1, 2, 0)),
    }
    return make_page(
        "neurons.html",
        title=title,
        scripts=[page_script(name) for name in ("base64.js", "pane.js", "squares.js", "neurons.js")],
        shown=seen.shown,
        low=low,
        high=high,
        named=[each.on_page(units) for each in named],
        data=data,
    )


def rounded(numbers: Array) -> list[float]:
    """Numbers with four significant digits, for JSON."""
    return [float(f"{number:.4g}") for number in np.ravel(numbers).tolist()]
