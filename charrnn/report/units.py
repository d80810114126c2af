"""What a unit of a network does along a text: the text coloured by it, and a page of HTML in which to pick units."""

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from charrnn.analysis.neurons import Ranking, describe_property, liveliest, shades
from charrnn.arrays import Array
from charrnn.report.levels import Stretch, background, scale, stretches
from charrnn.report.page import make_page, page_script

SHOWN = 2_000
"""Characters on a page."""
COLOURS = [*map(background, (33, 75, 117, 153)), "", *map(background, (224, 217, 210, 203))]
"""Blue for the lowest values, no colour in the middle, red for the highest."""
MIDDLE = len(COLOURS) // 2


@dataclass(frozen=True)
class Activations:
    """A text, and one kind of activation of all units after each of its characters, (n, L, H)."""

    of: str
    """Its name, such as ``hidden``."""
    kind: str
    """``gate``, ``state``, or nothing for the candidate."""
    through_tanh: bool
    """Whether it leaves the cell through tanh, and is shown so."""
    text: str
    values: Array

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


def units_page(title: str, seen: Activations, unit: tuple[int, int]) -> Iterator[str]:
    """A page of HTML, part by part, that shows one unit at first."""
    return _page(title, seen, slice(SHOWN), unit, None)


def ranking_page(title: str, seen: Activations, name: str, ranking: Ranking, top: int) -> Iterator[str]:
    """A page of HTML, part by part, with the ``top`` units that tell a property best; it shows the part of the text in
    which the property changes most often."""
    best = ranking.best(top)
    described = {
        "property": describe_property(name).capitalize(),
        "measure": ranking.measure,
        "units": [(f"{layer}:{number}", f"{ranking.scores[layer, number]:.3f}") for layer, number in best],
        "by_luck": f"{ranking.by_luck:.3f}",
    }
    return _page(title, seen, liveliest(seen.text, name, SHOWN), best[0], described)


def _page(
    title: str, seen: Activations, part: slice, unit: Sequence[int], ranking: dict[str, Any] | None
) -> Iterator[str]:
    shade, largest = seen.shades(part)
    layers, units = largest.shape
    low, high = ("closed", "open") if seen.is_gate else ("below zero", "above")
    data = {
        "units": units,
        "unit": unit,
        "gate": seen.is_gate,
        "largest": rounded(largest.ravel()),
        # (L, H, n) in bytes from -127 to 127
        "shades": base64.b64encode((shade * 127).round().astype("i1").transpose(1, 2, 0).tobytes()).decode(),
    }
    return make_page(
        "neurons.html",
        title=title,
        scripts=[page_script("neurons.js")],
        shown=seen.shown,
        low=low,
        high=high,
        layers=layers,
        units=units,
        ranking=ranking,
        text=seen.text[part],
        data=data,
    )


def rounded(numbers: Array) -> list[float]:
    """Numbers with four significant digits, for JSON."""
    return [float(f"{number:.4g}") for number in np.ravel(numbers).tolist()]
