"""On a terminal nothing but text is shown; to a file or a pipe everything goes as it is."""

import json
import math
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from terminals import needs_terminals, read_until

from charrnn import Trainer, load_settings, make_corpus
from charrnn.cli.terminal import print_json
from charrnn.report.escaping import escaped

pytestmark = needs_terminals
EVIL = "".join(map(chr, [*range(0x20), *range(0x7F, 0xA0), 0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F)]))
EVIL += "".join(map(chr, range(0x2066, 0x206A)))
SHOWN = EVIL.encode("unicode_escape").decode().replace(r"\t", "\t").replace(r"\n", "\n").replace(r"\r", r"\x0d")


def test_controls_are_escaped_and_newline_and_tab_are_not() -> None:
    assert escaped(EVIL) == SHOWN
    assert escaped("\u202edesrever é ж 漢 😀\n\t") == "\\u202edesrever é ж 漢 😀\n\t"
    assert escaped("\udcff\uffff\ufffd") == "\\udcff\\uffff\ufffd"


@pytest.fixture
def evil(folder: Path) -> str:
    """A checkpoint that writes control characters, among them."""
    settings = load_settings(
        "quick",
        model={"hidden": 2},
        training={"iterations": 1, "batch": 1, "window": 3},
        snapshots={"at": [1], "length": 300, "temperature": 1},
    )
    trainer = Trainer(settings, make_corpus(("a" + EVIL) * 3, "name\x1b[31m", validation=0))
    list(trainer.train())
    trainer.checkpoint().save(folder / "evil.npz")
    return "evil.npz"


def on_terminal(start: Callable, *args: str) -> tuple[bytes, int]:
    """What a command shows on a terminal that is both its stdout and its stderr, and its exit code."""
    ours, theirs = os.openpty()
    process = start(*args, stdout=theirs, stderr=theirs)
    os.close(theirs)
    shown = read_until(ours)
    os.close(ours)
    return shown.replace(b"\r\n", b"\n"), process.wait()


def test_a_sample_is_escaped_on_a_terminal_only(evil: str, start: Callable, charrnn: Callable) -> None:
    args = ("sample", "--checkpoint", evil, "--length", "400", "--temperature", "1", "--seed", "1", "--count", "2")
    exact = charrnn(*args).out
    assert "\x1b" in exact
    assert "\u202e" in exact
    shown, code = on_terminal(start, *args)
    assert (shown.decode(), code) == (escaped(exact), 0)
    raw, _ = on_terminal(start, *args, "--raw")
    assert raw.decode().replace("\n", "") == exact.replace("\r\n", "").replace("\n", "")


def test_json_has_the_characters_as_they_are(folder: Path, start: Callable, charrnn: Callable) -> None:
    Path("cafe.txt").write_text("un café 漢 😀\n" * 60, "utf-8")
    assert charrnn("train", "cafe.txt", "--run", "cafe", "--config", "tiny.yaml").code == 0
    sample = ("sample", "cafe", "--json", "--seed", "1", "--length", "5", "--prime", "é漢😀")
    out = charrnn(*sample).out
    assert '"prime": "é漢😀"' in out
    written, _ = start(*sample).communicate()
    assert written.decode("utf-8") == out
    in_ascii, _ = start(*sample, env=os.environ | {"PYTHONIOENCODING": "ascii"}).communicate()
    assert b'"prime": "\\u00e9\\u6f22\\ud83d\\ude00"' in in_ascii
    assert json.loads(in_ascii) == json.loads(out)


def test_json_drives_no_terminal(evil: str, start: Callable, charrnn: Callable) -> None:
    sample = ("sample", "--checkpoint", evil, "--json", "--seed", "1")
    shown, code = on_terminal(start, *sample)
    assert (shown.decode(), code) == (charrnn(*sample).out, 0)
    assert escaped(shown.decode()) == shown.decode()
    exact = charrnn("sample", "--checkpoint", evil, "--seed", "1").out
    assert json.loads(shown)["text"] == exact.removesuffix("\n")


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_what_is_no_json_is_not_printed_as_such(number: float, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="JSON"):
        print_json({"loss": number})
    assert capsys.readouterr().out == ""


def test_a_progression_is_escaped_on_a_terminal_only(folder: Path, start: Callable, charrnn: Callable) -> None:
    Path("evil.txt").write_text("a\x1b[2J\x07b\x9b" * 200, newline="")
    sets = ("model.hidden=2", "training.iterations=2", "snapshots.at=1", "snapshots.length=300", "training.batch=2")
    args = [part for setting in (*sets, "snapshots.temperature=1") for part in ("--set", setting)]
    shown, code = on_terminal(start, "train", "evil.txt", "--run", "evil", *args)
    assert code == 0
    assert b"\\x1b" in shown
    assert b"\x07" not in shown
    assert "\x9b".encode() not in shown
    exact = charrnn("snapshots", "evil").out
    assert "\x1b" in exact
    assert on_terminal(start, "snapshots", "evil")[0].decode() == escaped(exact)
    assert b"\x1b" in on_terminal(start, "snapshots", "evil", "--raw")[0]


@pytest.mark.parametrize(
    "args",
    [
        ("sample", "--checkpoint", "\x1b[31m\u202e"),
        ("train", "\x1b[31m\u202e.txt"),
        ("train", "--set", "model.cell=\x1b[31m\u202e"),
        ("train", "--set", "model.\x1b[31m\u202e=1"),
        ("train", "--config", "\x1b[31m\u202e.yaml"),
        ("train", "--\x1b[31m\u202e"),
        ("train", "--run", "\x1b[31m\u202e", "--resume"),
        ("snapshots", "\x1b[31m\u202e"),
        ("\x1b[31m\u202e",),
        ("sample", "--checkpoint", "run", "--prime", "\x1b[31m\u202e"),
        ("sample", "--checkpoint", "run", "--top-p", "\x1b[31m\u202e"),
    ],
    ids=lambda args: " ".join(args).encode("unicode_escape").decode(),
)
def test_messages_are_escaped_everywhere(folder: Path, charrnn: Callable, args: tuple[str, ...]) -> None:
    code, out, err = charrnn(*args)
    assert code in (1, 2)
    assert not {"\x1b", "\u202e"} & set(out + err)
    assert err


def test_what_a_run_says_of_itself_is_escaped(folder: Path, charrnn: Callable) -> None:
    """A file's name is its corpus's name."""
    name = "\x1b[31m\n\u202e"
    Path(f"{name}.txt").write_text(Path("cats.txt").read_text())
    code, _, err = charrnn("train", f"{name}.txt", "--run", f"{name}run", "--config", "tiny.yaml")
    assert code == 0
    assert not {"\x1b", "\u202e"} & set(err)
    assert r"corpus: \x1b[31m\n\u202e, " in err
    assert r"run: \x1b[31m\n\u202erun" in err
