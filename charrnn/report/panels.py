"""The charts of runs, as data: each is drawn on a page (``chart_page``), in a picture (``chart_picture``) and in a
terminal (``chart_terminal``)."""

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from charrnn.report.curves import Curves, Series

NATS = "nats/char"
COLOURS = ("#3a86c8", "#d2691e", "#2e9d6a", "#c2559d", "#8a78d6", "#a3872a")
"""One for each run, layer or network, in turn; all are legible on white and on black, and differ from each other."""
HIGHEST_LOSS, HIGHEST_NORM = 2.0, 1e4
"""The part of a chart that is of use: losses up to so many times the first of a run, norms up to so many times the
median. In a run that diverges, both grow by many orders of magnitude."""


@dataclass(frozen=True)
class Line:
    """One line of a panel."""

    run: int
    """The index of its run, which gives the line its colour."""
    name: str
    series: Series
    style: str = "solid"
    """``solid``, ``dashed``, ``dotted``, ``points`` with a line between them, or ``crosses`` without."""


@dataclass(frozen=True)
class Panel:
    """One chart: what is drawn together over the iterations."""

    title: str
    unit: str
    lines: list[Line]
    """Those that have something to show."""
    note: str = ""
    """What the chart shows, in a sentence."""
    logarithmic: bool = False
    top: float = math.inf
    """Where the axis ends, if values lie beyond: these say no more than that training has diverged."""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw."""
        return not self.lines

    @property
    def bounds(self) -> tuple[float, float]:
        """The lowest and the highest value that the axis shows."""
        values = [value for line in self.lines for value in line.series.values]
        return min(values), min(max(values), self.top)

    @property
    def is_cut(self) -> bool:
        """Whether values lie beyond the end of the axis."""
        return any(value > self.top for line in self.lines for value in line.series.values)

    @property
    def is_loss(self) -> bool:
        """Whether it is in nats, so that bits are shown too."""
        return self.unit == NATS


def panels(runs: Sequence[Curves]) -> list[Panel]:
    """The charts of one run, or of several to compare."""
    first_losses = [curves.training.values[0] for curves in runs if len(curves.training)]
    norms = [norm for curves in runs for norm in _positive(curves.gradient_norm).values]
    return [
        Panel(
            "Loss",
            NATS,
            _drawn(line for k, curves in enumerate(runs) for line in _losses(k, curves)),
            "Solid: training, the mean of the latest iterations. Dashed: validation, on text held out from training. "
            "Dotted: the best baseline on that text, by counting or compressing, where it was computed.",
            top=HIGHEST_LOSS * max(first_losses, default=math.inf),
        ),
        Panel(
            "Real words",
            "share of all words",
            _drawn(Line(k, "real words", curves.real_words, "points") for k, curves in enumerate(runs)),
            "Of each snapshot.",
        ),
        Panel(
            "Gradient norm before clipping",
            "norm",
            _drawn(line for k, curves in enumerate(runs) for line in _norms(k, curves)),
            "Crosses: the reported steps that were scaled down to the limit, which is the dotted line.",
            logarithmic=True,
            top=HIGHEST_NORM * (statistics.median(norms) if norms else math.inf),
        ),
        Panel(
            "Learning rate",
            "step size",
            _drawn(Line(k, "learning rate", curves.learning_rate) for k, curves in enumerate(runs)),
        ),
        Panel("Speed", "characters/s", _drawn(Line(k, "speed", curves.speed) for k, curves in enumerate(runs))),
    ]


def _drawn(lines: Iterable[Line]) -> list[Line]:
    return [line for line in lines if len(line.series)]


def _losses(k: int, curves: Curves) -> Iterable[Line]:
    yield Line(k, "training", curves.training)
    yield Line(k, "validation", curves.validation, "dashed")
    if curves.baseline:
        name, loss = curves.baseline
        yield Line(k, name, _level(curves, loss), "dotted")


def _norms(k: int, curves: Curves) -> Iterable[Line]:
    yield Line(k, "gradient norm", _positive(curves.gradient_norm))
    if curves.clip is not None:
        yield Line(k, "limit", _level(curves, curves.clip), "dotted")
        yield Line(k, "clipped", curves.clipped, "crosses")


def _level(curves: Curves, value: float) -> Series:
    """The same value at the first and the last iteration that was reported."""
    iterations = curves.training.iterations
    return Series.of((iteration, value) for iteration in sorted({*iterations[:1], *iterations[-1:]}))


def _positive(series: Series) -> Series:
    """What a logarithmic axis can show."""
    return Series.of((iteration, value) for iteration, value in series.pairs() if value > 0)
