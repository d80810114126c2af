"""What a run has reported so far, as series of numbers over its iterations."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from charrnn.errors import RunError
from charrnn.report.figures import telling_names
from charrnn.report.status import status_of, status_sentence
from charrnn.settings.schema import Settings
from charrnn.storage.document import without_folders
from charrnn.storage.records import Status
from charrnn.storage.run import Run
from charrnn.storage.snapshot import Snapshot

LARGEST = 1e200
"""Larger numbers are left out, for no chart could draw them; even those of a run that diverged are smaller."""
LAST_ITERATION = 1 << 53
"""A larger iteration can only come from a damaged file, and is left out."""


@dataclass(frozen=True)
class Series:
    """Numbers at some iterations, in ascending order; what was not reported or is not finite is left out."""

    iterations: list[int]
    values: list[float]

    @classmethod
    def of(cls, pairs: Iterable[tuple[int, Any]]) -> "Series":
        """From pairs of an iteration and a number."""
        found = list(pairs)
        return cls([iteration for iteration, _ in found], [float(value) for _, value in found])

    def __len__(self) -> int:
        return len(self.values)

    def pairs(self) -> Iterable[tuple[int, float]]:
        """The iterations, each with its value."""
        return zip(self.iterations, self.values, strict=True)


@dataclass(frozen=True)
class Curves:
    """Losses are in nats per character."""

    run: str
    """What the run is called where its curves are shown."""
    folder: Path
    settings: Settings
    """Without the folders of files, which would tell something about the machine of the run."""
    training: Series
    """Loss, each value the mean of the latest iterations."""
    validation: Series
    baseline: tuple[str, float] | None
    """The name and loss of the best baseline on the validation part; None where none was computed."""
    gradient_norm: Series
    """Before clipping."""
    clipped: Series
    """The gradient norms that were above ``clip``, and so were scaled down to it."""
    clip: float | None
    """The limit of the global norm; None where there is none, or single numbers are limited instead."""
    learning_rate: Series
    speed: Series
    """Characters per second, as the run measured it."""
    seconds: Series
    """That training had taken so far; empty for a run of an older version."""
    snapshots: list[Snapshot]
    status: Status

    @property
    def last_iteration(self) -> int:
        """The last iteration that was reported; 0 if none was."""
        return self.training.iterations[-1] if len(self.training) else 0

    @property
    def real_words(self) -> Series:
        """The share of real words in each snapshot, from 0 to 1."""
        return Series.of((s.iteration, s.real_words) for s in self.snapshots if _is_number(s.real_words))


def read_curves(run: Run) -> Curves:
    """The curves of a run. Raises RunError where there is none, SettingsError where its settings cannot be read."""
    going_on = run.is_going_on()  # before the rest, so that all that is read of a run that has ended is complete
    snapshots = run.snapshots()  # its error says best what is wrong with a folder that holds no run
    settings = without_folders(run.settings())
    rows = [row for row in run.metrics() if 0 < row["iteration"] <= LAST_ITERATION]
    rows.sort(key=lambda row: row["iteration"])
    baseline = {name: loss for name, loss in run.baseline().items() if math.isfinite(loss)}
    norms, seconds = _series(rows, "gradient_norm"), _series(rows, "seconds")
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
        seconds=seconds,
        snapshots=snapshots,
        status=status_of(
            run.noted(),
            settings.training.iterations,
            reported=rows[-1]["iteration"] if rows else 0,
            clock=list(seconds.pairs()),
            going_on=going_on,
        ),
    )


def read_all(runs: Iterable[Run]) -> list[Curves]:
    """The curves of several runs to compare, called by the names of their folders. Raises RunError where one has
    reported nothing."""
    found = [read_curves(run) for run in runs]
    for curves in found:
        if not len(curves.training):
            raise _nothing_reported(curves)
    names = telling_names([curves.folder for curves in found])
    return [replace(curves, run=name) for curves, name in zip(found, names, strict=True)]


def _nothing_reported(curves: Curves) -> RunError:
    if curves.status.state == "running":
        remedy = f"wait until its iteration {curves.settings.training.report:,}, or set {{training.report}} lower"
        return RunError(f"{curves.run!r} has reported nothing yet", remedy)
    return RunError(f"{curves.run!r} has reported nothing: it {status_sentence(curves.status)}")


def _series(rows: Iterable[Mapping[str, Any]], name: str) -> Series:
    return Series.of((row["iteration"], row[name]) for row in rows if _is_number(row.get(name)))


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and -LARGEST <= value <= LARGEST  # which NaN is not


def _above(series: Series, limit: float | None) -> Series:
    return Series.of((i, value) for i, value in series.pairs() if limit is not None and value > limit)
