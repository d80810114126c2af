"""Pictures that commands draw with Matplotlib: the options that name them, and writing them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from charrnn.cli.paths import GivenPath
from charrnn.cli.terminal import say
from charrnn.extras import load_extra
from charrnn.files import check_free, write_output
from charrnn.report.look import save_picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

KINDS = (".png", ".svg", ".pdf")


class _Picture(GivenPath):
    """The type of an option: the path of a picture to make."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        path = Path(str(super().convert(value, param, ctx)))
        if path.suffix.lower() not in KINDS:
            self.fail(f"{str(path)!r} names no picture; end it in {', '.join(KINDS[:-1])} or {KINDS[-1]}", param, ctx)
        return path


def picture_options(*names: str, required: bool = False) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """An option of these names for the path of a picture, and ``--force``."""

    def decorated(function: Callable[..., None]) -> Callable[..., None]:
        function = click.option("--force", is_flag=True, help="Replace the picture if it exists.")(function)
        what = f"The file of the picture to draw, which ends in {', '.join(KINDS[:-1])} or {KINDS[-1]}."
        return click.option(*names, type=_Picture(), metavar="FILE", required=required, help=what)(function)

    return decorated


def check_picture(path: Path, force: bool, argument: str) -> None:
    """Raises CharRNNError, before anything is computed, where ``argument`` names a file that cannot be made or may not
    be replaced, and where Matplotlib is missing."""
    check_free(path, force, argument)
    load_extra("matplotlib")


def write_picture(figure: "Figure", path: Path, argument: str = "to") -> None:
    """Writes a picture, whole or not at all, in the format of the path's ending. Raises CharRNNError where it cannot be
    written; ``argument`` named the path."""
    kind = path.suffix.lower().removeprefix(".")
    write_output(path, lambda file: save_picture(figure, file, kind), argument)


@contextmanager
def picture_beside(path: Path | None, draw: "Callable[[], Figure]") -> Iterator[None]:
    """Draws the picture that ``--plot`` asks for, if it does, after everything inside has been printed, or after its
    reader, such as ``head``, has read enough."""
    try:
        yield
    finally:
        if path is not None:
            write_picture(draw(), path, "plot")
            say(f"wrote {path}")
