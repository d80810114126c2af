"""``charrnn plot``"""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from charrnn.storage.records import Status
from charrnn.storage.run import Run

pytest.importorskip("matplotlib")


def test_a_picture_of_two_runs(charrnn: Callable, folder: Path) -> None:
    assert charrnn("plot", "run", "run", "-o", "a.png") == (0, "a.png\n", "")
    assert Path("a.png").read_bytes().startswith(b"\x89PNG")


def test_a_run_that_diverged_says_so(charrnn: Callable, folder: Path) -> None:
    Run("run").note(Status("diverged", 8, 2000, "loss not finite"))
    plotted = charrnn("plot", "run", "-o", "a.svg")
    said = (
        "diverged at iteration 8 of 2,000: loss not finite; try a lower training.learning_rate or a smaller training."
    )
    assert plotted == (0, "a.svg\n", f"run {said}clip\n")
    key = re.findall("<!-- (.*?) -->", Path("a.svg").read_text(), re.S)
    assert f"run: {said}clip" in " ".join(key)


@pytest.mark.parametrize(
    ("args", "code", "says"),
    [
        (["nowhere", "-o", "a.png"], 1, "'nowhere' holds no run"),
        (["-o", "a.png"], 2, "RUN"),
    ],
)
def test_mistakes(charrnn: Callable, folder: Path, args: list[str], code: int, says: str) -> None:
    result = charrnn("plot", *args)
    assert (result.code, result.out) == (code, "")
    assert says in result.err
