"""``charrnn suggest``: a table, a reason and a command that ``charrnn train`` takes; nothing on disk."""

import json
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from charrnn.training import choice

SMALL = ("--set", "training.batch=4", "--set", "training.window=16", "--set", "compute.workers=1")


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sizes that take a moment to measure."""
    monkeypatch.setattr(choice, "HIDDEN", (2, 4, 8))


def test_the_command_is_taken_by_train(folder: Path, charrnn: Callable) -> None:
    Path("cats.txt").write_text(20 * Path("cats.txt").read_text())  # too long to be read 60 times in that time
    suggested = charrnn("suggest", "cats.txt", *SMALL, "--minutes", "0.03")
    assert suggested.code == 0
    *_, command = suggested.out.splitlines()
    program, *args = shlex.split(command)
    assert program == "charrnn"
    trained = charrnn(*args)
    assert (trained.code, "write: charrnn sample" in trained.err) == (0, True)
    assert "minutes: 0.03\n" in next(Path("runs").glob("cats-*/config.yaml")).read_text()


def test_a_table_a_reason_and_a_command(folder: Path, charrnn: Callable) -> None:
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    out = charrnn("suggest", "cats.txt", *SMALL, "--minutes", "1").out
    table, why, command = out.split("\n\n")
    assert len(why.splitlines()) == 2
    header, *rows = table.splitlines()
    assert header.split()[:4] == ["size", "parameters", "iterations", "epochs"]
    (marked,) = [row for row in rows if row.startswith("*")]
    size = " ".join(marked.split()[1:4])
    assert why.startswith(f"{size} reads the text ")
    assert f"model.hidden={size.split()[-1]}" in command
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_json_says_the_same(folder: Path, charrnn: Callable) -> None:
    suggested = json.loads(charrnn("suggest", "cats.txt", *SMALL, "--minutes", "1", "--json").out)
    (chosen,) = [candidate for candidate in suggested["candidates"] if candidate["recommended"]]
    assert chosen["characters_per_parameter"] > 0
    assert len(suggested["reasons"]) == 2
    assert f"model.hidden={chosen['hidden']}" in shlex.split(suggested["command"])


def test_the_command_repeats_what_was_set_and_quotes_it(folder: Path, charrnn: Callable) -> None:
    Path("my cats.txt").write_bytes(Path("cats.txt").read_bytes())
    settings = (*SMALL, "--set", "snapshots.prime=the cat", "--set", "model.hidden=4")
    command = charrnn("suggest", "my cats.txt", *settings, "--minutes", "1").out.splitlines()[-1]
    assert shlex.split(command)[:3] == ["charrnn", "train", "my cats.txt"]
    assert "snapshots.prime=the cat" in shlex.split(command)
    assert command.count("model.hidden=4") == 1


def test_the_command_for_items_learns_items(folder: Path, charrnn: Callable) -> None:
    Path("names.txt").write_text(
        "".join(f"{first}{rest}\n" for first in "ABCDEFGH" for rest in ("nna", "el", "ora")) * 40
    )
    suggested = charrnn("suggest", "names.txt", "--items", "lines", *SMALL, "--minutes", "0.03")
    trained = charrnn(*shlex.split(suggested.out.splitlines()[-1])[1:], "--print-config")
    assert '\n  items: "lines" ' in trained.out


@pytest.mark.parametrize(
    ("args", "code", "says"),
    [
        (["cats.txt", "--minutes", "0"], 2, "training.minutes is 0"),
        (["nowhere.txt"], 1, "'nowhere.txt' does not exist"),
        (["cats.txt", "--set", "training.window=5000"], 1, "set training.window to at most 1997, or give"),
        (["cats.txt", "--set", "training.init_from=run"], 2, "training.init_from names a network, which leaves"),
        (["cats.txt", "--set", "training.epochs=5"], 2, "training.epochs is 5 and training.minutes is 10"),
    ],
)
def test_what_cannot_be_suggested(folder: Path, charrnn: Callable, args: list[str], code: int, says: str) -> None:
    refused = charrnn("suggest", *args)
    assert (refused.code, refused.out) == (code, "")
    assert says in refused.err.splitlines()[-1]
