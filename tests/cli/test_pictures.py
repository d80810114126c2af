"""Pictures that commands draw: whole, in the format of their name, over nothing that is there, and with one look."""

import contextlib
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pages import Svg, needs_a_browser

from charrnn.report.look import INK, PAPER
from charrnn.report.panels import COLOURS

matplotlib = pytest.importorskip("matplotlib")
COMMANDS = {
    "plot": ("plot", "run", "-o"),
    "gates": ("gates", "--checkpoint", "run", "cats.txt", "--plot"),
    "gradients": ("gradients", "cats.txt", "--checkpoint", "run", "--steps", "20", "--positions", "30", "--plot"),
}


@pytest.fixture(scope="module", params=COMMANDS.values(), ids=COMMANDS)
def command(request: pytest.FixtureRequest) -> tuple[str, ...]:
    return request.param


@pytest.fixture
def draw(command: tuple[str, ...], folder: Path, charrnn: Callable) -> Callable:
    """Draws a picture of this name, of the run or of one called otherwise."""
    return lambda *args, run="run": charrnn(*(run if arg == "run" else arg for arg in command), *args)


@pytest.fixture(scope="module")
def svg(command: tuple[str, ...], trained: Path, tmp_path_factory: pytest.TempPathFactory, charrnn: Callable) -> Path:
    """One that is only looked at."""
    path = tmp_path_factory.mktemp("pictures") / "a.svg"
    with contextlib.chdir(trained):
        assert charrnn(*command, str(path)).code == 0
    return path


def test_it_is_what_its_name_says(draw: Callable, svg: Path) -> None:
    """Those in PNG are looked at below."""
    done = draw("a.PDF")
    assert done.code == 0
    assert "a.PDF\n" in (done.out, done.err[-len("wrote a.PDF\n") :].removeprefix("wrote "))
    assert Path("a.PDF").read_bytes().startswith(b"%PDF")
    assert svg.read_bytes().startswith(b"<?xml")


@pytest.mark.parametrize(
    ("name", "code", "says"),
    [
        ("a.gif", 2, "'a.gif' names no picture; end it in .png, .svg or .pdf"),
        ("there.png", 1, "'there.png' is already there; replace it with --force, or name another file with --"),
        ("no/a.png", 1, "'no/a.png' cannot be written: there is no folder 'no'; make it first"),
        ("folder.png", 1, "'folder.png' is a folder; name a file in it with --"),
    ],
)
def test_a_name_that_cannot_be_is_refused_at_once(draw: Callable, name: str, code: int, says: str) -> None:
    Path("there.png").write_text("mine")
    Path("folder.png").mkdir()
    refused = draw(name)
    assert (refused.code, refused.out) == (code, "")
    assert says in refused.err
    assert Path("there.png").read_text() == "mine"


def test_letters_are_text_and_the_title_says_of_which_run(svg: Path) -> None:
    picture = Svg(svg)
    assert picture.role == "graphics-document document"
    assert re.fullmatch("The (training|gates|gradients) of run( along cats.txt)?", picture.title)
    assert picture.title in picture.texts
    assert len(picture.fonts) == len(picture.texts)
    assert all("sans-serif" in font for font in picture.fonts)


def test_all_have_the_same_colours_whatever_their_user_has_set(draw: Callable) -> None:
    theirs = {"xtick.labelcolor": "#123456", "figure.edgecolor": "#123456", "text.color": "#123456"}
    with matplotlib.rc_context(theirs):
        assert draw("a.svg").code == 0
        assert {matplotlib.rcParams[name] for name in theirs} == {"#123456"}
    colours = Svg("a.svg").colours
    assert COLOURS[0] in colours
    assert colours <= {*COLOURS, INK, PAPER}


@needs_a_browser
@pytest.mark.parametrize(
    ("scheme", "ink", "paper"),
    [("light", "rgb(36, 41, 47)", "rgb(255, 255, 255)"), ("dark", "rgb(230, 237, 243)", "rgb(13, 17, 23)")],
)
def test_an_svg_is_as_dark_as_the_pages_of_its_reader(
    svg: Path, browser: Any, scheme: str, ink: str, paper: str
) -> None:
    context = browser.new_context(color_scheme=scheme)
    page = context.new_page()
    page.goto(svg.as_uri())
    fills = "selector => [...new Set([...document.querySelectorAll(selector)].map(e => getComputedStyle(e).fill))]"
    assert page.evaluate(fills, "text") == [ink]
    assert page.evaluate(fills, "[id^=patch]:first-child > path")[0] == paper
    context.close()


def test_a_name_is_no_formula_no_markup_and_no_control(draw: Callable) -> None:
    Path("run").rename("$frac{$<b>&amp;\x1b[31m\u202e")
    assert draw("a.svg", run="$frac{$<b>&amp;\x1b[31m\u202e").code == 0
    assert r" of $frac{$<b>&amp;\x1b[31m\u202e" in Svg("a.svg").title
    assert Svg("a.svg").title in Svg("a.svg").texts


def test_the_same_picture_is_the_same_file(draw: Callable, svg: Path) -> None:
    assert draw("b.svg").code == 0
    assert Path("b.svg").read_bytes() == svg.read_bytes()


def test_force_replaces(draw: Callable) -> None:
    Path("there.png").write_text("mine")
    assert draw("there.png", "--force").code == 0
    assert Path("there.png").read_bytes().startswith(b"\x89PNG")


def test_without_the_extra_it_is_refused_at_once(draw: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    refused = draw("a.png")
    assert (refused.code, refused.out) == (1, "")
    assert "python3 -m pip install matplotlib" in refused.err


def test_a_full_disk_leaves_what_was_there(draw: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    from matplotlib.figure import Figure

    def fail(*args: object, **kwargs: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Figure, "savefig", fail)
    Path("there.png").write_text("mine")
    refused = draw("there.png", "--force")
    assert refused.code == 1
    assert "'there.png' cannot be written: No space left on device; name another file with --" in refused.err
    assert Path("there.png").read_text() == "mine"
    assert not list(Path().glob(".there*"))


@pytest.mark.parametrize("name", ["gates", "gradients"])
def test_a_reader_who_has_read_enough_gets_the_picture(folder: Path, start: Callable, name: str) -> None:
    process = start(*COMMANDS[name], "a.png")
    process.stdout.close()
    process.stderr.read()
    process.wait()
    assert Path("a.png").read_bytes().startswith(b"\x89PNG")
