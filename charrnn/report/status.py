"""How far a run is and how it ended: one notion, shown in the terminal, in pictures and on pages."""

from collections.abc import Sequence
from dataclasses import replace

from charrnn.errors import DivergenceError
from charrnn.report.figures import duration_text
from charrnn.storage.records import Status

Clock = Sequence[tuple[int, float]]
"""Iterations in ascending order, each with the seconds that training had taken until then."""


def status_of(noted: Status | None, planned: int | None, reported: int, clock: Clock, going_on: bool | None) -> Status:
    """The status of a run from what is in its folder: what training noted last, how many iterations the settings plan,
    the last iteration in the metrics, their clock, and whether a process holds the folder, None where nobody can tell.

    A process that was killed noted nothing more, and one of an older version nothing at all: then the metrics say how
    far the run came.
    """
    known = noted or Status("stopped", 0, planned)
    if going_on is None:
        going_on = known.state == "running"
    if noted and noted.state != "running" and not going_on:
        return noted
    status = Status("running", max(known.iteration, reported), known.iterations)
    if going_on:
        return replace(status, seconds_left=_seconds_left(status.iterations, clock))
    return replace(status, state="finished" if status.iteration == status.iterations else "stopped")


def status_text(status: Status) -> str:
    """How far it is: ``stopped at iteration 400 of 2,000``."""
    of = "" if status.iterations is None else f" of {status.iterations:,}"
    left = "" if status.seconds_left is None else f", {duration_text(status.seconds_left)} left"
    return f"{status.state} at iteration {status.iteration:,}{of}{left}"


def status_reason(status: Status) -> str:
    """Why it ended as it did, and where it diverged what to try; empty where there is nothing to say."""
    if status.state != "diverged":
        return status.why
    return str(DivergenceError(status.why, DivergenceError.ADVICE))


def status_sentence(status: Status) -> str:
    """Both: ``diverged at iteration 812 of 2,000: the loss is ...; try ...``."""
    return ": ".join(filter(None, (status_text(status), status_reason(status))))


def _seconds_left(iterations: int | None, clock: Clock) -> float | None:
    """How long the rest takes at the speed of the latter half so far; None where that is not known."""
    if iterations is None or not clock:
        return None
    last, spent = clock[-1]
    half, then = max((pair for pair in clock if pair[0] <= last / 2), default=(0, 0.0))
    return max(iterations - last, 0) * (spent - then) / (last - half)
