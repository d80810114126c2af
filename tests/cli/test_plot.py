"""``charrnn plot``"""

from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("matplotlib")


def test_a_picture_of_two_runs(charrnn: Callable, folder: Path) -> None:
    assert charrnn("plot", "run", "run", "-o", "a.png") == (0, "a.png\n", "")
    assert charrnn("plot", "run", "-o", "a.SVG").code == 0
    assert Path("a.png").read_bytes().startswith(b"\x89PNG")
    assert Path("a.SVG").read_bytes().startswith(b"<?xml")


@pytest.mark.parametrize(
    ("args", "code", "says"),
    [
        (["run", "-o", "a.pdf"], 2, "'a.pdf' should end in .png or .svg"),
        (["run", "-o", "there.png"], 1, "'there.png' is already there; replace it with --force"),
        (["nowhere", "-o", "a.png"], 1, "'nowhere' holds no run"),
        (["run", "-o", "no/a.png"], 1, "No such file"),
        (["-o", "a.png"], 2, "RUN"),
    ],
)
def test_mistakes(charrnn: Callable, folder: Path, args: list[str], code: int, says: str) -> None:
    Path("there.png").write_text("mine")
    result = charrnn("plot", *args)
    assert (result.code, result.out) == (code, "")
    assert says in result.err
    assert Path("there.png").read_text() == "mine"
    assert charrnn("plot", "run", "-o", "there.png", "--force").code == 0


def test_without_the_extra(charrnn: Callable, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    assert "pip install 'charrnn[plot]'" in charrnn("plot", "run", "-o", "a.png").err
    assert not Path("a.png").exists()
