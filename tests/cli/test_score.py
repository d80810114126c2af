"""``charrnn score``: figures, tables, lines and pictures of surprisal."""

import json
import math
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pages import HOSTILE, Page, needs_a_browser, visited

from charrnn import load_checkpoint
from charrnn.analysis.scoring import score_text
from charrnn.cli.terminal import has_colour

SCORE = ("score", "--checkpoint", "run")
LINES = ["the cat sat on the mat.\n", "\n", "gogogogo ran.\n", "the dog ran.\n"]


@pytest.fixture(autouse=True)
def no_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.delenv("FORCE_COLOR", raising=False)


@pytest.fixture
def page(folder: Path) -> str:
    Path("page.txt").write_text("".join(LINES))
    return "page.txt"


def test_figures(page: str, charrnn: Callable) -> None:
    done = charrnn(*SCORE, page)
    assert (done.code, done.err) == (0, "")
    found = re.fullmatch(r"page\.txt: (\S+) nats/char \((\S+) bits\), perplexity (\S+), 52 characters\n", done.out)
    nats, bits, perplexity = map(float, found.groups())
    assert bits == pytest.approx(nats / math.log(2), abs=0.002)
    assert perplexity == pytest.approx(math.exp(nats), rel=0.01)


def test_dynamic_figures_stand_beside_the_others(page: str, charrnn: Callable) -> None:
    plain, dynamic = charrnn(*SCORE, page, "cats.txt"), charrnn(*SCORE, page, "cats.txt", "--dynamic")
    assert dynamic.out.startswith(plain.out)
    rows = dynamic.out.removeprefix(plain.out).splitlines()
    assert [row.partition(":")[0] for row in rows] == ["page.txt", "cats.txt", "together"]
    assert all(row.endswith("learning as it reads") for row in rows)
    scored = by_text(charrnn(*SCORE, page, "cats.txt", "--dynamic", "--json").out)["run"]
    assert f"{scored['cats.txt']['dynamic_nats_per_character']:.3f} nats/char" in rows[1]
    assert scored["together"]["dynamic_nats_per_character"] < scored["together"]["nats_per_character"]


def by_text(document: str) -> dict[str, dict[str, dict[str, float]]]:
    """Scores by network and by text."""
    return {path: {row["text"]: row for row in rows} for path, rows in json.loads(document).items()}


def test_the_loss_is_that_of_training(folder: Path, charrnn: Callable) -> None:
    text = Path("cats.txt").read_text()
    Path("rest.txt").write_text(text[-222:])
    scored = by_text(charrnn(*SCORE, "rest.txt", "--json").out)["run"]["rest.txt"]
    assert scored["nats_per_character"] == pytest.approx(load_checkpoint("run").progress.best_loss, abs=0.02)


def test_several_files_folders_and_standard_input(page: str, charrnn: Callable) -> None:
    Path("pages").mkdir()
    Path("pages/one.txt").write_text("the cat ran.\n")
    done = charrnn(*SCORE, page, "pages", "-", "--json", stdin=b"the dog sat.\r\n")
    scores = by_text(done.out)["run"]
    names = ["page.txt", str(Path("pages/one.txt")), "standard input"]
    assert list(scores) == [*names, "together"]
    assert [scores[name]["characters"] for name in names] == [52, 13, 13]
    total = sum(scores[name]["characters"] * scores[name]["nats_per_character"] for name in names)
    assert scores["together"]["nats_per_character"] == pytest.approx(total / 78)
    assert "together: " in charrnn(*SCORE, page, "cats.txt").out


def test_networks_side_by_side(page: str, charrnn: Callable) -> None:
    first, last = "run/checkpoints/iteration-000001.npz", "run/checkpoints/last.npz"
    args = ("score", "--checkpoint", first, "--checkpoint", last, page, "cats.txt")
    header, *rows, note = charrnn(*args).out.splitlines()
    assert header.split() == [first, last]
    assert [row.split()[0] for row in rows] == ["page.txt", "cats.txt", "together"]
    assert note == "* the network that predicts it best"
    scores = by_text(charrnn(*args, "--json").out)
    for row in rows:
        name = row.split()[0]
        losses = [scores[path][name]["nats_per_character"] for path in (first, last)]
        found = re.findall(r"(\S+) nats/char \(\S+ bits\)( \*)?", row)
        assert [float(loss) for loss, _ in found] == pytest.approx(losses, abs=0.001)
        assert [bool(mark) for _, mark in found] == [loss == min(losses) for loss in losses]


def test_run_folders_before_the_texts_are_networks(page: str, charrnn: Callable) -> None:
    shutil.copytree("run", "other")
    named = charrnn("score", "--checkpoint", "run", "--checkpoint", "other", page, "cats.txt")
    assert charrnn("score", "run", "other", page, "cats.txt") == named
    assert charrnn("score", "run", "other").err.endswith(
        "nothing comes after 'other'; give RUN, the network, and then FILE, what it is to read\n"
    )


def test_a_network_that_can_read_nothing_is_not_compared(folder: Path, charrnn: Callable) -> None:
    Path("digits.txt").write_text("0123456789" * 40)
    small = ("--set", "model.hidden=4", "--set", "training.batch=2", "--set", "training.window=8")
    assert charrnn("train", "digits.txt", "--run", "digits", *small, "--set", "training.iterations=1").code == 0
    done = charrnn(*SCORE, "--checkpoint", "digits", "digits.txt", "cats.txt", "--unknown", "skip")
    assert re.search(r"^digits.txt +- +\S+ nats/char \(\S+ bits\) \*$", done.out, re.MULTILINE)


def test_one_character_is_one(folder: Path, charrnn: Callable) -> None:
    assert charrnn(*SCORE, "-", stdin=b"a").out.endswith(", 1 character\n")


def test_networks_side_by_side_on_a_text_with_a_wide_name(folder: Path, charrnn: Callable) -> None:
    Path("ねこ").write_text("the cat sat.")
    header, wide, narrow, *_ = charrnn(
        *SCORE, "--checkpoint", "run/checkpoints/last.npz", "ねこ", "cats.txt"
    ).out.splitlines()
    assert header.index("run") == narrow.index("nats") - len("1.234 ")
    assert wide.index("nats") == narrow.index("nats") - len("ねこ")


def test_unknown_characters(folder: Path, charrnn: Callable) -> None:
    Path("snow.txt").write_text("the cat \u2603.\n", "utf-8")
    refused = charrnn(*SCORE, "snow.txt")
    assert (refused.code, refused.out) == (1, "")
    assert "snow.txt, line 1: U+2603 SNOWMAN" in refused.err
    assert charrnn(*SCORE, "snow.txt", "--unknown", "skip").out.endswith("10 characters, 1 unknown\n")
    assert charrnn(*SCORE, "snow.txt", "--unknown", "replace").out.endswith("11 characters, 1 unknown\n")
    compared = charrnn(*SCORE, "--checkpoint", "run/checkpoints/last.npz", "snow.txt", "--unknown", "skip")
    assert "run: 1 character unknown to it; what" in compared.err


def test_lines_the_most_surprising_first(page: str, charrnn: Callable) -> None:
    done = charrnn(*SCORE, page, "--lines")
    header, *rows = done.out.splitlines()
    assert header.split() == ["nats/char", "bits", "line", "text"]
    losses = [float(row.split()[0]) for row in rows]
    assert losses == sorted(losses, reverse=True)
    by_number = {int(row.split()[2]): row.split(maxsplit=3)[3] for row in rows}
    assert by_number == {number: line.rstrip("\n") for number, line in enumerate(LINES, 1) if line.strip()}
    assert "page.txt: " in done.err
    as_json = json.loads(charrnn(*SCORE, page, "--lines", "--json").out)
    assert [line["nats_per_character"] for line in as_json] == pytest.approx(losses, abs=0.001)
    assert as_json[0]["file"] == "page.txt"
    assert " page.txt:4  the dog ran." in charrnn(*SCORE, page, "cats.txt", "--lines").out


def test_show_without_colours_puts_levels_under_the_text(page: str, charrnn: Callable) -> None:
    out = charrnn(*SCORE, page, "--show").out
    assert out.startswith("surprisal in bits (a bit is 0.693 nats): 0: < 1, ")
    _, shown, figures = re.fullmatch(r"(.*?)\n\n(.*)\n\n(.*)\n", out, re.S).groups()
    rows = shown.splitlines()
    assert [row + "\n" for row in rows[::2]] == LINES
    assert all(re.fullmatch("[0-5]*", row) for row in rows[1::2])
    assert [len(row) for row in rows[1::2]] == [len(line) for line in LINES]
    assert figures.startswith("page.txt: ")


def test_show_in_colours(page: str, charrnn: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    out = charrnn(*SCORE, page, "--show").out
    assert "\x1b[30;48;5;" in out
    bare = re.sub("\x1b\\[[0-9;]*m", "", out).replace("\u21b5", "")
    assert "\n\n" + "".join(LINES) + "\n" in bare
    assert all(line.count("\x1b[30") == line.count("\x1b[0m") for line in out.splitlines())


def test_colours_are_asked_for_or_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    assert has_colour()
    monkeypatch.setenv("TERM", "dumb")
    assert not has_colour()
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert has_colour()
    monkeypatch.setenv("NO_COLOR", "1")
    assert not has_colour()


@pytest.mark.parametrize("colours", ["", "1"])
def test_show_lets_no_control_through(hostile: str, charrnn: Callable, monkeypatch, colours: str) -> None:
    monkeypatch.setenv("FORCE_COLOR", colours)
    out = charrnn("score", "--checkpoint", hostile, "-", "--show", stdin=HOSTILE.encode()).out
    bare = re.sub("\x1b\\[(30;48;5;[0-9]+|0)m", "", out)
    assert "\\x1b[31mred \\u202eback." in bare
    assert "\x1b" not in bare
    assert "\u202e" not in bare


def test_html_is_one_whole_harmless_page(hostile: str, charrnn: Callable) -> None:
    out = charrnn("score", "--checkpoint", hostile, "-", "--html", stdin=HOSTILE.encode()).out
    assert Page(out).open == []
    (data,) = (json.loads(found) for found in re.findall(r'<script type="application/json">(.*?)</script>', out))
    assert data["text"] == HOSTILE
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert out.startswith("<!doctype html>")
    assert "prefers-color-scheme: dark" in out
    assert 'name="viewport"' in out
    assert "nats/char" in out.partition("class=pane")[0]


def test_html_shows_the_beginning_of_a_long_text(
    folder: Path, charrnn: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("charrnn.cli.commands.score.SHOWN", 100)
    out = charrnn(*SCORE, "cats.txt", "--html").out
    (data,) = (json.loads(found) for found in re.findall(r'<script type="application/json">(.*?)</script>', out))
    assert data["text"] == Path("cats.txt").read_text()[:100]
    assert "The first 100 of 2,220 characters." in out
    assert "2,220 characters" in out.partition("class=pane")[0]


@needs_a_browser
@pytest.mark.parametrize(("scheme", "width"), [("light", 1100), ("dark", 360)])
def test_html_in_a_browser(page: str, folder: Path, charrnn: Callable, browser: Any, scheme: str, width: int) -> None:
    Path("read.html").write_text(charrnn(*SCORE, page, "cats.txt", "--html").out, "utf-8")
    text = "".join(LINES)
    nats = np.concatenate([piece.nats for piece in score_text(load_checkpoint("run").model, [text])])
    with visited(browser, Path("read.html"), scheme=scheme, width=width) as shown:
        assert shown.locator(".pane").count() == 2
        first = shown.locator(".pane").first
        warm = first.locator("b.warm").count()
        assert warm == (nats >= math.log(2)).sum()
        assert first.inner_text().replace("\n", "").replace("\u21b5", "\n") == text
        first.focus()
        shown.keyboard.press("End")
        shown.keyboard.press("Home")
        said = shown.locator(".said").first.text_content()
        assert said.startswith(f"{text[0]}: probability ")
        assert f"{nats[0] / math.log(2):.2f} bits; expected " in said
        shown.check("#deep")
        assert first.locator("[data-place='0'] i").count() == 5


@pytest.mark.parametrize(
    ("args", "code", "says"),
    [
        (["nowhere.txt"], 1, "'nowhere.txt' does not exist; check the path"),
        (["empty.txt"], 1, "there is no character to score in 'empty.txt'"),
        (["latin.txt"], 1, "byte 0xe9 at offset 3 (invalid continuation byte); --encoding=latin-1"),
        (["cats.txt", "--checkpoint", "nowhere"], 1, "checkpoint 'nowhere' does not exist"),
        (["cats.txt", "--encoding", "nothing"], 2, "'nothing'"),
        (["cats.txt", "--show", "--html"], 2, "--show, --html, --lines and --json"),
        (["cats.txt", "--show", "--checkpoint", "run/checkpoints/last.npz"], 2, "look into one network; give one"),
        (["cats.txt", "--checkpoint", "run"], 2, "given twice"),
        (["cats.txt", "--dynamic", "--show"], 2, "--dynamic adds to the figures of one network"),
        ([], 2, "Missing argument '[RUN]... FILE...'"),
    ],
)
def test_mistakes(folder: Path, charrnn: Callable, args: list[str], code: int, says: str) -> None:
    Path("empty.txt").touch()
    Path("latin.txt").write_bytes(b"caf\xe9 ")
    done = charrnn(*SCORE, *args)
    assert (done.code, done.out) == (code, "")
    assert says in " ".join(done.err.split())


def test_another_encoding(folder: Path, charrnn: Callable) -> None:
    Path("wide.txt").write_text("the cat", "utf-16")
    assert "7 characters" in charrnn(*SCORE, "wide.txt", "--encoding", "utf-16").out


def test_the_reader_may_leave(folder: Path, start: Callable) -> None:
    process = start(*SCORE, "cats.txt", "cats.txt", "--show", stdin=subprocess.PIPE)
    assert process.stdout.readline().startswith(b"surprisal")
    process.stdout.close()
    assert process.wait() == 0
    assert process.stderr.read() == b""


def test_a_text_twice_an_empty_one_and_one_called_together(folder: Path, charrnn: Callable) -> None:
    Path("empty.txt").touch()
    Path("together").write_text("the dog sat.")
    done = charrnn(*SCORE, "together", "empty.txt", "together")
    assert done.code == 0
    assert [line.rpartition(", ")[2] for line in done.out.splitlines()] == [
        *("12 characters", "empty.txt: 0 characters", "12 characters", "24 characters")
    ]
    assert "empty.txt  -" in charrnn(*SCORE, "--checkpoint", "run/checkpoints/last.npz", "cats.txt", "empty.txt").out


@pytest.mark.parametrize("command", [("score", "--html"), ("neurons", "--html")])
def test_a_page_tells_no_folder(folder: Path, charrnn: Callable, command: tuple[str, str]) -> None:
    private = folder / "telling"
    for name in ("one", "two"):
        (private / name).mkdir(parents=True)
        (private / name / "page.txt").write_text("".join(LINES))
    texts = [str(private / name / "page.txt") for name in ("one", "two")][: 2 if command[0] == "score" else 1]
    shown = charrnn(*command, "--checkpoint", str(folder / "run"), *texts)
    assert shown.code == 0
    assert str(folder) not in shown.out
    assert "telling" not in shown.out
    assert "page.txt" in shown.out
