"""``charrnn plot``"""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from pages import Svg

from charrnn.report.panels import COLOURS
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
        "diverged at iteration 8 of 2,000: loss not finite; try a lower training.learning_rate, or clip gradients at a "
        "lower norm with training."
    )
    assert plotted == (0, "a.svg\n", f"run {said}clip\n")
    assert Svg("a.svg").title == f"The training of run: {said}clip"


@pytest.mark.parametrize(
    ("runs", "title", "key"),
    [
        (["run"], "The training of run", []),
        (["run", "two", "three"], "The training of run, two and three", ["run", "two", "three"]),
        (["run", "two", "three", "two"], "The training of 4 runs", ["run", "two", "three", "two"]),
    ],
)
def test_the_title_and_the_key_name_the_runs(
    charrnn: Callable, folder: Path, runs: list[str], title: str, key: list[str]
) -> None:
    for name in ("two", "three"):
        shutil.copytree("run", name)
    assert charrnn("plot", *runs, "-o", "a.svg").code == 0
    picture = Svg("a.svg")
    assert picture.title == title
    assert [text for text in picture.texts if text in ("run", "two", "three")] == key
    assert len(picture.colours & {*COLOURS}) == len(runs)


def test_the_loss_and_the_lowest_charts_say_that_they_are_over_iterations(charrnn: Callable, folder: Path) -> None:
    assert charrnn("plot", "run", "-o", "a.svg").code == 0
    charts = ("Loss", "Real words", "Gradient norm before clipping", "Learning rate", "Speed", "iteration")
    shown = [text for text in Svg("a.svg").texts if text in charts]
    assert sorted(shown) == sorted([*charts, "iteration", "iteration"])


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
