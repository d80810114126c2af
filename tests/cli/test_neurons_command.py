"""``charrnn neurons``: one unit along a text, the units that tell a property, and a page to pick them on."""

import base64
import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pages import HOSTILE, Page, needs_a_browser, visited
from terminals import needs_terminals, read_until

from charrnn import load_checkpoint
from charrnn.analysis.activations import collect, read_activations
from charrnn.analysis.neurons import PROPERTIES
from charrnn.analysis.scoring import score_text
from charrnn.report import units

NEURONS = ("neurons", "--checkpoint", "run")
TEXT = "the cat sat on the mat.\n\nthe dog ran.\n"


@pytest.fixture(autouse=True)
def no_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.delenv("FORCE_COLOR", raising=False)


def activations(of: str, text: str = TEXT) -> np.ndarray:
    return collect(read_activations(load_checkpoint("run").model, [text]), of)[1]


@pytest.mark.parametrize("of", ["cell", "hidden", "forget", "candidate"])
def test_one_unit_as_json(folder: Path, charrnn: Callable, of: str) -> None:
    args = [] if of == "cell" else ["--of", of]
    done = charrnn(*NEURONS, "-", "--unit", "0:3", "--json", *args, stdin=TEXT.encode())
    document = json.loads(done.out)
    assert done.err == ""
    assert (document["layer"], document["unit"], document["of"], document["text"]) == (0, 3, of, TEXT)
    assert document["values"] == pytest.approx(activations(of)[:, 0, 3].tolist(), rel=1e-3)


def test_without_colours_a_digit_stands_under_each_character(folder: Path, charrnn: Callable) -> None:
    out = charrnn(*NEURONS, "-", "--unit", "0:3", "--of", "forget", stdin=TEXT.encode()).out
    legend, _, *rows = out.splitlines()
    assert legend == "unit 0:3, forget gate: 0: 0, 4: 0.5, 8: 1"
    assert [row + "\n" for row in rows[:-1:2]] == TEXT.splitlines(keepends=True)
    expected = (8 * activations("forget")[:, 0, 3]).round().astype(int)
    assert [int(digit) for digit in "".join(rows[1::2])] == expected.tolist()


@needs_terminals
def test_the_digits_stay_under_their_characters_on_a_narrow_terminal(folder: Path, start: Callable) -> None:
    ours, theirs = os.openpty()
    narrow = os.environ | {"NO_COLOR": "1", "COLUMNS": "10"}
    start(*NEURONS, "cats.txt", "--unit", "0:3", "--length", "24", stdout=theirs, env=narrow)
    os.close(theirs)
    rows = read_until(ours).decode().splitlines()[2:]
    os.close(ours)
    assert rows[:-1:2] == ["the cat sa", "t on the m", "at. "]
    assert [len(row) for row in rows[1::2]] == [10, 10, 4]


def test_in_colours(folder: Path, charrnn: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    out = charrnn(*NEURONS, "-", "--unit", "0:3", stdin=TEXT.encode()).out
    assert "\x1b[30;48;5;" in out
    bare = re.sub("\x1b\\[[0-9;]*m", "", out).replace("\u21b5", "")
    assert bare.partition("\n\n")[2] == f"{TEXT}\n"
    assert all(line.count("\x1b[30") == line.count("\x1b[0m") for line in out.splitlines())


@pytest.mark.parametrize("name", ["line-position", "word-position"])
def test_find(folder: Path, charrnn: Callable, name: str) -> None:
    args = (*NEURONS, "cats.txt", "--find", name, "--length", "600", "--top", "3")
    done, document = charrnn(*args), json.loads(charrnn(*args, "--json").out)
    heading, _, columns, *rows, luck = done.out.splitlines()
    assert heading.startswith(f"{name}: how many ")
    assert heading.endswith("on average in 600 characters")
    assert columns.split()[:2] == ["unit", "R^2"]
    assert [row.split()[0] for row in rows] == [f"{unit['layer']}:{unit['unit']}" for unit in document["units"]]
    assert [float(row.split()[1]) for row in rows] == pytest.approx([u["score"] for u in document["units"]], abs=0.001)
    assert float(luck.split()[2]) == pytest.approx(document["by_luck"], abs=0.001)
    assert f"see it with --unit {rows[0].split()[0]}\n" in done.err
    assert "reading only the first 600 characters of cats.txt; --length reads more" in done.err


def test_without_options_the_best_unit_for_each_property(folder: Path, charrnn: Callable) -> None:
    done = charrnn(*NEURONS, "cats.txt", "--length", "600")
    _, _, _, *rows = [line.split() for line in done.out.splitlines()]
    assert [row[0] for row in rows] == list(PROPERTIES)
    for name, place, *scores in rows:
        found = charrnn(*NEURONS, "cats.txt", "--length", "600", "--find", name, "--json")
        if found.code:
            assert (place, *scores[:2]) == ("-", "the", "same")
            continue
        document = json.loads(found.out)
        best, *_ = document["units"]
        assert place == f"{best['layer']}:{best['unit']}"
        assert [float(score) for score in scores[:2]] == pytest.approx([best["score"], document["by_luck"]], abs=0.001)
        assert " ".join(scores[2:]) == document["measure"]


def test_the_properties_are_the_choices(charrnn: Callable) -> None:
    assert f"[{'|'.join(PROPERTIES)}]" in charrnn("neurons", "--help").out.replace("\n", "").replace(" ", "")


def data_of(page: str) -> dict[str, Any]:
    return json.loads(re.search(r'<script type="application/json" id=data>(.*?)</script>', page)[1])


def test_html_holds_what_the_units_did(folder: Path, charrnn: Callable) -> None:
    out = charrnn(*NEURONS, "-", "--html", "--unit", "0:2", stdin=TEXT.encode()).out
    data = data_of(out)
    assert (data["layers"], data["units"], data["unit"], data["gate"]) == (1, 4, 2, False)
    assert data["text"] == TEXT
    shades = np.frombuffer(base64.b64decode(data["shades"]), "i1").reshape(1, 4, len(TEXT))
    largest = np.reshape(data["largest"], (1, 4, 1))
    np.testing.assert_allclose(shades / 127 * largest, np.tanh(activations("cell")).transpose(1, 2, 0), atol=0.01)
    nats = np.frombuffer(base64.b64decode(data["nats"]), "<f4")
    pieces = score_text(load_checkpoint("run").model, [TEXT])
    np.testing.assert_allclose(nats, np.concatenate([piece.nats for piece in pieces]), rtol=1e-5)
    assert "prefers-color-scheme: dark" in out
    assert 'name="viewport"' in out


def test_html_of_a_ranking_begins_with_the_best_unit(folder: Path, charrnn: Callable) -> None:
    args = (*NEURONS, "cats.txt", "--find", "line-position")
    best, *_ = json.loads(charrnn(*args, "--json").out)["units"]
    out = charrnn(*args, "--html").out
    data = data_of(out)
    assert data["unit"] == best["unit"]
    assert f'data-unit="{best["unit"]}"' in out
    assert len(data["text"]) == 2000


def test_html_shows_as_much_as_length_says(folder: Path, charrnn: Callable) -> None:
    for length in ("150", "2100"):
        assert len(data_of(charrnn(*NEURONS, "cats.txt", "--html", "--length", length).out)["text"]) == int(length)


def test_html_that_would_be_too_large(folder: Path, charrnn: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(units, "LARGEST", 1000)
    done = charrnn(*NEURONS, "cats.txt", "--html", "--length", "300")
    assert done.code == 1
    assert "4 units along 300 characters would be too large; lower --length to 250" in done.err


def test_html_begins_with_the_best_units_for_each_property(folder: Path, said: str, charrnn: Callable) -> None:
    out = charrnn("neurons", said, "--html").out
    named = re.findall(r'data-unit="(\d+)"[^>]*>([a-z-]+) <small>', out)
    assert named[0] == (str(data_of(out)["unit"]), "quotes")
    assert len(named) > 1


def test_html_is_one_whole_harmless_page(hostile: str, charrnn: Callable) -> None:
    out = charrnn("neurons", "--checkpoint", hostile, "-", "--html", stdin=HOSTILE.encode()).out
    page = Page(out)
    assert page.open == []
    assert data_of(out)["text"] == HOSTILE
    assert "\x1b" not in out
    assert "\u202e" not in out


@needs_a_browser
@pytest.mark.parametrize(("scheme", "width"), [("light", 1100), ("dark", 360)])
def test_the_picker_in_a_browser(folder: Path, charrnn: Callable, browser: Any, scheme: str, width: int) -> None:
    Path("page.html").write_text(charrnn(*NEURONS, "cats.txt", "--find", "word-position", "--html").out, "utf-8")
    with visited(browser, Path("page.html"), scheme=scheme, width=width) as page:
        data = json.loads(page.text_content("#data"))
        shades = np.frombuffer(base64.b64decode(data["shades"]), "i1").reshape(4, -1) / 127

        def colours() -> list[float]:
            """Of the characters that are drawn."""
            return page.eval_on_selector_all(
                ".pane [data-place] b",
                "all => all.map(b => (b.className === 'low' ? -1 : 1) * b.style.getPropertyValue('--a'))",
            )

        def check(unit: int) -> None:
            assert page.input_value("#unit") == f"0:{unit}"
            shown = colours()
            assert shown == pytest.approx((0.8 * shades[unit, : len(shown)]).tolist(), abs=0.006)

        check(data["unit"])
        for typed, unit in {"0:2": 2, "0:9": 2, "1:0": 2, "2": 2, "0:1": 1}.items():
            page.fill("#unit", typed)
            page.keyboard.press("Enter")
            check(unit)
        page.focus("#next")
        page.keyboard.press("Space")
        check(2)
        page.click("[data-unit='3']")
        check(3)
        assert page.text_content("[aria-pressed=true]").split()[1] == "0:3"
        page.focus("canvas")
        page.keyboard.press("ArrowLeft")
        check(2)
        page.click(".pane [data-place='6']")
        value = float(page.text_content(".said").rpartition(" ")[2])
        assert value == pytest.approx(shades[2, 6] * data["largest"][2], abs=0.006)
        assert page.text_content("#where") == "after character 7"
        assert page.locator(".pane [data-place='6'] i").count() == 5
        page.uncheck("#deep")
        assert page.locator(".pane i").count() == 0


@pytest.mark.parametrize(
    ("args", "code", "says"),
    [
        (["nowhere.txt", "--unit", "0:0"], 1, "'nowhere.txt' does not exist; check the path"),
        (["empty.txt", "--unit", "0:0"], 1, "'empty.txt' holds no character"),
        (["latin.txt", "--unit", "0:0"], 1, "; --encoding=latin-1 is probably right"),
        (["cats.txt", "--unit", "1:0"], 2, "--unit 1:0 is not there; layers go from 0 to 0, units from 0 to 3"),
        (["cats.txt", "--unit", "0:4"], 2, "units from 0 to 3"),
        (["cats.txt", "--unit", "quotes"], 2, "'quotes' is no unit; give its layer and number"),
        (
            ["cats.txt", "--unit", "0:0", "--of", "reset"],
            2,
            "--of reset: the units of this network have hidden, cell",
        ),
        (["cats.txt", "--json"], 2, "give --unit or --find"),
        (["cats.txt", "--unit", "0:0", "--find", "caps"], 2, "give --unit or --find"),
        (["cats.txt", "--html", "--json"], 2, "give one"),
        (["cats.txt", "--find", "brackets"], 1, "brackets (inside round or square brackets) cannot be looked for"),
        (["snow.txt", "--unit", "0:0"], 1, "snow.txt, line 1: U+2603 SNOWMAN"),
    ],
)
def test_mistakes(folder: Path, charrnn: Callable, args: list[str], code: int, says: str) -> None:
    Path("empty.txt").touch()
    Path("latin.txt").write_bytes(b"caf\xe9 ")
    Path("snow.txt").write_text("the \u2603.\n", "utf-8")
    done = charrnn(*NEURONS, *args)
    assert (done.code, done.out) == (code, "")
    assert says in " ".join(done.err.split())


def test_the_reader_may_leave(folder: Path, start: Callable) -> None:
    process = start(*NEURONS, "cats.txt", "--html", stdin=subprocess.PIPE)
    assert process.stdout.readline() == b"<!doctype html>\n"
    process.stdout.close()
    assert process.wait() == 0
    assert process.stderr.read() == b""


def test_the_network_that_travels_along_has_a_unit_for_quotations(folder: Path, charrnn: Callable) -> None:
    text = '"Well, Prince," she said, "so it is; and what of him?" He went out of the room at once.\n' * 8
    Path("said.txt").write_text(text)
    best, *_ = json.loads(charrnn("neurons", "said.txt", "--find", "quotes", "--json").out)["units"]
    assert best["score"] > 0.9
