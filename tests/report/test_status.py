"""How far a run is: from what it noted, what it reported, and whether somebody writes it."""

from pathlib import Path

import pytest

from charrnn.errors import RunError
from charrnn.report.curves import read_all, read_curves
from charrnn.report.status import status_of, status_sentence, status_text
from charrnn.settings.runs import load_settings
from charrnn.storage.records import Status
from charrnn.storage.run import Run

FINISHED, NOTHING = Status("finished", 90, 90), None
DIVERGED = Status("diverged", 52, 90, "the loss is 60.0 nats a character")
BEGUN = Status("running", 0, 90)


@pytest.mark.parametrize(
    ("noted", "reported", "going_on", "found"),
    [
        (FINISHED, 90, False, FINISHED),
        (DIVERGED, 50, False, DIVERGED),
        (Status("stopped", 43, 90), 40, False, Status("stopped", 43, 90)),
        (BEGUN, 50, True, Status("running", 50, 90)),
        (Status("running", 50, 90), 40, True, Status("running", 50, 90)),  # it has gone on from there
        (BEGUN, 50, False, Status("stopped", 50, 90)),  # killed
        (BEGUN, 90, False, Status("finished", 90, 90)),  # killed after its last report
        (FINISHED, 90, True, Status("running", 90, 90)),  # somebody goes on with it
        (BEGUN, 50, None, Status("running", 50, 90)),  # whether somebody does cannot be told
        (FINISHED, 90, None, FINISHED),
        (NOTHING, 50, True, Status("running", 50, 70)),  # of an older version, which noted nothing
        (NOTHING, 50, False, Status("stopped", 50, 70)),
        (NOTHING, 70, False, Status("finished", 70, 70)),
        (NOTHING, 70, None, Status("finished", 70, 70)),
    ],
)
def test_status(noted: Status | None, reported: int, going_on: bool | None, found: Status) -> None:
    assert status_of(noted, 70, reported, [], going_on) == found


def test_time_left_is_that_of_the_latter_half() -> None:
    slow_then_fast = [(10, 100.0), (20, 200.0), (30, 230.0), (40, 260.0)]
    assert status_of(BEGUN, None, 40, slow_then_fast, True).seconds_left == pytest.approx(50 * 3)
    assert status_of(BEGUN, None, 10, slow_then_fast[:1], True).seconds_left == pytest.approx(80 * 10)
    assert status_of(BEGUN, None, 40, slow_then_fast, False).seconds_left is None
    assert (
        status_of(NOTHING, None, 40, slow_then_fast, True).seconds_left is None
    )  # how many there will be is not known


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (
            Status("running", 1400, 2000, seconds_left=90.0),
            "running at iteration 1,400 of 2,000, about 1.5 minutes left",
        ),
        (Status("stopped", 1400, None), "stopped at iteration 1,400"),
        (
            Status("finished", 700, 2000, "the validation loss falls no longer"),
            "finished at iteration 700 of 2,000: the validation loss falls no longer",
        ),
        (
            DIVERGED,
            "diverged at iteration 52 of 90: the loss is 60.0 nats a character; "
            "try a lower training.learning_rate, or clip gradients at a lower norm with training.clip",
        ),
    ],
)
def test_words(status: Status, text: str) -> None:
    assert status_sentence(status) == text
    assert text.startswith(status_text(status))


@pytest.fixture
def run(tmp_path: Path) -> Run:
    run = Run(tmp_path / "run")
    run.create(load_settings("quick", training={"iterations": 70}))
    return run


def test_the_folder_of_a_run_tells(run: Run) -> None:
    run.note(BEGUN)
    run.report({"iteration": 30, "loss": 1.0, "seconds": 60.0})
    with run.writing():
        for reader in (run, Run(run.folder)):
            assert status_text(read_curves(reader).status) == "running at iteration 30 of 90, about 2 minutes left"
    assert read_curves(run).status == Status("stopped", 30, 90)
    run.note(DIVERGED)
    assert read_curves(run).status == DIVERGED
    run.cut_back(30, run.settings())
    assert read_curves(run).status == Status("stopped", 30, 70)


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"state": "lost", "iteration": 1, "iterations": 2}', '{"state": "stopped"}', "\xff"]
)
def test_a_status_that_is_damaged_is_none(run: Run, content: str) -> None:
    (run.folder / "status.json").write_text(content, "latin-1")
    assert run.noted() is None
    assert read_curves(run).status == Status("stopped", 0, 70)


def test_a_clock_that_is_damaged_stands_still(run: Run) -> None:
    for seconds in ("x", float("nan"), None):
        run.report({"iteration": 30, "loss": 1.0, "seconds": seconds})
    run.report({"iteration": 0, "loss": 1.0, "seconds": 5.0})
    with run.writing():
        assert read_curves(Run(run.folder)).status == Status("running", 30, 70)


def test_a_run_that_reported_nothing_says_why(run: Run) -> None:
    with run.writing(), pytest.raises(RunError, match="has reported nothing yet; wait until its iteration 10, or set"):
        read_all([Run(run.folder)])
    run.note(DIVERGED)
    with pytest.raises(RunError, match=r"has reported nothing: it diverged at iteration 52 of 90: .*; try a lower"):
        read_all([run])
