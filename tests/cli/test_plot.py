"""``charrnn plot``"""

from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("matplotlib")


def test_a_picture_of_two_runs(charrnn: Callable, folder: Path) -> None:
    assert charrnn("plot", "run", "run", "-o", "a.png") == (0, "a.png\n", "")
    assert Path("a.png").read_bytes().startswith(b"\x89PNG")


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
