"""Pictures that commands draw: whole, in the format of their name, and over nothing that is there."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("matplotlib")
COMMANDS = {
    "plot": ("plot", "run", "-o"),
    "gates": ("gates", "--checkpoint", "run", "cats.txt", "--plot"),
    "gradients": ("gradients", "cats.txt", "--checkpoint", "run", "--steps", "20", "--positions", "30", "--plot"),
}


@pytest.fixture(params=list(COMMANDS))
def draw(request: pytest.FixtureRequest, folder: Path, charrnn: Callable) -> Callable:
    """Draws a picture of this name."""
    return lambda *args: charrnn(*COMMANDS[request.param], *args)


@pytest.mark.parametrize(("name", "begins"), [("a.png", b"\x89PNG"), ("a.SVG", b"<?xml"), ("a.pdf", b"%PDF")])
def test_it_is_what_its_name_says(draw: Callable, name: str, begins: bytes) -> None:
    done = draw(name)
    assert done.code == 0
    assert f"{name}\n" in (done.out, done.err[-len(f"wrote {name}\n") :].removeprefix("wrote "))
    assert Path(name).read_bytes().startswith(begins)


@pytest.mark.parametrize(
    ("name", "code", "says"),
    [
        ("a.gif", 2, "'a.gif' ends in none of .png, .svg, .pdf"),
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


def test_what_clipping_did_is_drawn(folder: Path, charrnn: Callable) -> None:
    small = ("cats.txt", "--config", "tiny.yaml", "--steps", "5", "--positions", "9")
    assert charrnn("gradients", *small, "--plot", "a.svg").code == 0
    assert b"norm clipped to 1" in Path("a.svg").read_bytes()


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
