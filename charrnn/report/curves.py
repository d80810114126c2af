"""What a run has reported so far, as plain series over its iterations: for the report, the picture and the terminal."""

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from charrnn.errors import RunError
from charrnn.settings.schema import Settings
from charrnn.storage.document import without_folders
from charrnn.storage.run import Run
from charrnn.storage.snapshot import Snapshot

NATS = "nats/char"
COLOURS = ("#3a86c8", "#d2691e", "#2e9d6a", "#c2559d", "#8a78d6", "#a3872a")
"""Of the runs, in their order; they can be told apart, and read, on white and on black."""
LARGEST = 1e200
"""Beyond it no chart can be drawn; what a run that diverged reports is below."""
LAST_ITERATION = 1 << 53
"""Beyond it an iteration is none, but a file that was damaged."""


@dataclass(frozen=True)
class Series:
    """Values at iterations, in their order; what was not reported, or is not a finite number, is left out."""

    iterations: list[int]
    values: list[float]

    def __len__(self) -> int:
        return len(self.values)

    def pairs(self) -> Iterable[tuple[int, float]]:
        """Iteration and value, one after the other."""
        return zip(self.iterations, self.values, strict=True)


@dataclass(frozen=True)
class Curves:
    """Losses are in nats per character."""

    run: str
    """What the run is called where its curves are shown."""
    folder: Path
    settings: Settings
    """Without the folders of files, which would tell on the machine of the run."""
    training: Series
    """Loss, each value the mean of the latest iterations."""
    validation: Series
    baseline: tuple[str, float] | None
    """The best of what a network has to beat on the validation part, and its loss; None where that was not computed."""
    gradient_norm: Series
    """Before clipping."""
    clipped: Series
    """Those of the gradient norms that were scaled down to ``clip``."""
    clip: float | None
    """The limit of the global norm; None where there is none, or single numbers are limited instead."""
    learning_rate: Series
    speed: Series
    """Characters per second, as the run measured it."""
    snapshots: list[Snapshot]

    @property
    def last_iteration(self) -> int:
        """The last that was reported; 0 before that."""
        return self.training.iterations[-1] if len(self.training) else 0

    @property
    def real_words(self) -> Series:
        """The share of real words in each snapshot, from 0 to 1."""
        return _pairs((s.iteration, s.real_words) for s in self.snapshots if _is_number(s.real_words))


def read_curves(run: Run) -> Curves:
    """Raises RunError where there is no run, SettingsError where its settings cannot be read."""
    snapshots = run.snapshots()  # first: it says best what is wrong with a folder that holds no run
    settings = without_folders(run.settings())
    rows = sorted(run.metrics(), key=lambda row: row["iteration"])
    baseline = {name: loss for name, loss in run.baseline().items() if math.isfinite(loss)}
    norms = _series(rows, "gradient_norm")
    clip = settings.training.clip if settings.training.clip_kind == "norm" else None
    return Curves(
        run=str(run),
        folder=run.folder,
        settings=settings,
        training=_series(rows, "loss"),
        validation=_series(rows, "validation_loss"),
        baseline=min(baseline.items(), key=lambda pair: pair[1], default=None),
        gradient_norm=norms,
        clipped=_above(norms, clip),
        clip=clip,
        learning_rate=_series(rows, "learning_rate"),
        speed=_series(rows, "characters_per_second"),
        snapshots=snapshots,
    )


def read_all(runs: Iterable[Run]) -> list[Curves]:
    """The curves of several runs to compare, called by the names of their folders. Raises RunError where one has
    reported nothing yet."""
    found = [read_curves(run) for run in runs]
    for curves in found:
        if not len(curves.training):
            raise RunError(
                f"{curves.run!r} has reported nothing yet; wait until its iteration "
                f"{curves.settings.training.report}, or set training.report lower"
            )
    names = _names([curves.folder for curves in found])
    return [replace(curves, run=name) for curves, name in zip(found, names, strict=True)]


def _names(folders: Sequence[Path]) -> list[str]:
    """The name of each folder, after as few of the folders above it as tell it from the others."""
    paths = [Path(os.path.abspath(folder)).parts for folder in folders]
    names = []
    for path in paths:
        others = {other for other in paths if other != path}
        lengths = range(1, len(path))  # without the root
        least = next((n for n in lengths if all(other[-n:] != path[-n:] for other in others)), len(path) - 1)
        names.append("/".join(path[-least:]))
    return names


@dataclass(frozen=True)
class Line:
    """One line of a panel."""

    run: int
    """Which of the runs, from 0: its colour."""
    name: str
    series: Series
    style: str = "solid"
    """``solid``, ``dashed``, ``dotted``, ``points`` with a line between them, or ``crosses`` without."""


@dataclass(frozen=True)
class Panel:
    """What is drawn over the iterations in one picture."""

    title: str
    unit: str
    lines: list[Line]
    note: str = ""
    """What there is to see, in a sentence."""
    logarithmic: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw."""
        return not any(len(line.series) for line in self.lines)

    @property
    def is_loss(self) -> bool:
        """In nats, beside which bits are shown."""
        return self.unit == NATS


def panels(runs: Sequence[Curves]) -> list[Panel]:
    """All there is to draw about one run, or about several to compare."""
    return [
        Panel(
            "Loss",
            NATS,
            [line for k, curves in enumerate(runs) for line in _losses(k, curves)],
            "Solid: training, the mean of the latest iterations. Dashed: validation, on text that is not learnt. "
            "Dotted: the best of what counting and compressing make of that text, where that was computed.",
        ),
        Panel(
            "Real words",
            "share of all words",
            [Line(k, "real words", curves.real_words, "points") for k, curves in enumerate(runs)],
            "Of each snapshot.",
        ),
        Panel(
            "Gradient norm before clipping",
            "norm",
            [line for k, curves in enumerate(runs) for line in _norms(k, curves)],
            "Crosses: the reported steps that were scaled down to the limit, which is the dotted line.",
            logarithmic=True,
        ),
        Panel(
            "Learning rate",
            "step size",
            [Line(k, "learning rate", curves.learning_rate) for k, curves in enumerate(runs)],
        ),
        Panel("Speed", "characters/s", [Line(k, "speed", curves.speed) for k, curves in enumerate(runs)]),
    ]


def _losses(k: int, curves: Curves) -> Iterable[Line]:
    yield Line(k, "training", curves.training)
    if len(curves.validation):
        yield Line(k, "validation", curves.validation, "dashed")
    if curves.baseline:
        name, loss = curves.baseline
        yield Line(k, name, _level(curves, loss), "dotted")


def _norms(k: int, curves: Curves) -> Iterable[Line]:
    yield Line(k, "gradient norm", _pairs((i, v) for i, v in curves.gradient_norm.pairs() if v > 0))  # of a logarithm
    if curves.clip is not None:
        yield Line(k, "limit", _level(curves, curves.clip), "dotted")
        if len(curves.clipped):
            yield Line(k, "clipped", curves.clipped, "crosses")


def _level(curves: Curves, value: float) -> Series:
    """The same value from the first iteration to the last, as far as there are any."""
    iterations = curves.training.iterations
    return _pairs((iteration, value) for iteration in sorted({*iterations[:1], *iterations[-1:]}))


def _series(rows: Iterable[Mapping[str, Any]], name: str) -> Series:
    pairs = [(row["iteration"], row.get(name)) for row in rows if 0 <= row["iteration"] <= LAST_ITERATION]
    return _pairs((iteration, value) for iteration, value in pairs if _is_number(value))


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and -LARGEST <= value <= LARGEST  # which NaN is not


def _pairs(pairs: Iterable[tuple[int, Any]]) -> Series:
    found = list(pairs)
    return Series([iteration for iteration, _ in found], [float(value) for _, value in found])


def _above(series: Series, limit: float | None) -> Series:
    return _pairs((i, value) for i, value in series.pairs() if limit is not None and value > limit)
