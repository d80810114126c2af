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
from pages import HOSTILE, Page, needs_a_browser
from terminals import needs_terminals, read_until

from charrnn import load_checkpoint
from charrnn.analysis.activations import collect, read_activations
from charrnn.analysis.neurons import PROPERTIES

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
    assert "of cats.txt only the first 600 characters are read; --length reads more" in done.err


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


def test_html_holds_what_the_units_did(folder: Path, charrnn: Callable) -> None:
    out = charrnn(*NEURONS, "-", "--html", "--unit", "0:2", stdin=TEXT.encode()).out
    data = json.loads(re.search(r'<script type="application/json" id=data>(.*?)</script>', out)[1])
    assert (data["units"], data["unit"], data["gate"]) == (4, [0, 2], False)
    shades = np.frombuffer(base64.b64decode(data["shades"]), "i1").reshape(1, 4, len(TEXT))
    largest = np.reshape(data["largest"], (1, 4, 1))
    np.testing.assert_allclose(shades / 127 * largest, np.tanh(activations("cell")).transpose(1, 2, 0), atol=0.01)
    assert out.count("<span>") == len(TEXT)
    assert "prefers-color-scheme: dark" in out
    assert 'name="viewport"' in out


def test_html_of_a_ranking_begins_with_the_best_unit(folder: Path, charrnn: Callable) -> None:
    args = (*NEURONS, "cats.txt", "--find", "line-position", "--length", "2200")
    best, *_ = json.loads(charrnn(*args, "--json").out)["units"]
    out = charrnn(*args, "--html").out
    data = json.loads(re.search(r"id=data>(.*?)</script>", out)[1])
    assert data["unit"] == [best["layer"], best["unit"]]
    assert f'data-unit="{best["layer"]}:{best["unit"]}"' in out
    assert out.count("<span>") == 2000


def test_html_is_one_whole_harmless_page(hostile: str, charrnn: Callable) -> None:
    out = charrnn("neurons", "--checkpoint", hostile, "-", "--html", stdin=HOSTILE.encode()).out
    page = Page(out)
    assert page.open == []
    assert page.tags.count("script") == 2
    assert page.text.replace("\u21b5", "") == HOSTILE.replace("\x1b", "\\x1b").replace("\u202e", "\\u202e")
    assert "\x1b" not in out
    assert "\u202e" not in out


@needs_a_browser
@pytest.mark.parametrize(("scheme", "width"), [("light", 1100), ("dark", 360)])
def test_the_picker_in_a_browser(folder: Path, charrnn: Callable, browser: Any, scheme: str, width: int) -> None:
    Path("page.html").write_text(charrnn(*NEURONS, "cats.txt", "--find", "word-position", "--html").out, "utf-8")
    page = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 800}).new_page()
    said, asked = [], []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(error))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(Path("page.html").resolve().as_uri())

    def alphas() -> list[float]:
        return page.eval_on_selector_all(
            "pre span", "all => all.map(s => (s.className === 'low' ? -1 : 1) * s.style.getPropertyValue('--a'))"
        )

    data = json.loads(page.text_content("#data"))
    shades = np.frombuffer(base64.b64decode(data["shades"]), "i1").reshape(4, -1) / 127
    assert page.input_value("#unit") == str(data["unit"][1])
    assert alphas() == pytest.approx(shades[data["unit"][1]].tolist())
    for typed, unit in {"2": 2, "99": 3, "-5": 0, "1.2": 1, "": 0}.items():
        page.fill("#unit", typed)
        page.keyboard.press("Enter")
        assert page.input_value("#unit") == str(unit)
        assert alphas() == pytest.approx(shades[unit].tolist())
    page.focus("#next")
    page.keyboard.press("Space")
    assert page.input_value("#unit") == "1"
    page.click("[data-unit='0:3']")
    assert page.text_content("[aria-pressed=true]").split()[0] == "0:3"
    page.click("pre span:nth-child(7)")
    assert float(page.text_content("#value")) == pytest.approx(shades[3, 6] * data["largest"][3], abs=0.006)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert (said, len(asked)) == ([], 1)


@pytest.mark.parametrize(
    ("args", "code", "says"),
    [
        (["nowhere.txt", "--unit", "0:0"], 1, "'nowhere.txt' does not exist; check the path"),
        (["empty.txt", "--unit", "0:0"], 1, "'empty.txt' holds no character"),
        (["latin.txt", "--unit", "0:0"], 1, "set --encoding to the right one, probably latin-1"),
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
    assert process.stderr.read() == b"of cats.txt only the first 2,000 characters are read; --length reads more\n"


def test_the_network_that_travels_along_has_a_unit_for_quotations(folder: Path, charrnn: Callable) -> None:
    text = '"Well, Prince," she said, "so it is; and what of him?" He went out of the room at once.\n' * 8
    Path("said.txt").write_text(text)
    best, *_ = json.loads(charrnn("neurons", "said.txt", "--find", "quotes", "--json").out)["units"]
    assert best["score"] > 0.9
