"""``charrnn page``: the network in a real browser, beside the same one here, and what is written where."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pages import HOSTILE, Page, needs_a_browser, until, visited

from charrnn import CharRNNError, load_checkpoint, load_settings, make_corpus, start, write
from charrnn.analysis.expectations import GUESSES
from charrnn.analysis.scoring import score_text
from charrnn.nn.cells import CELLS
from charrnn.report import network_page as module
from charrnn.report.network_page import network_page
from charrnn.report.units import NamedUnit
from charrnn.storage.checkpoint import Checkpoint

SCRIPTS = (
    "The cat sat on the mat; caf\xe9, cafe\u0301.\n",
    "\u041a\u043e\u0442 \u0441\u0438\u0434\u0435\u043b \u043d\u0430 \u043a\u043e\u0432\u0440\u0435.\n",
    "\u0627\u0644\u0642\u0637\u0651 \u05d7\u05b8\u05ea\u05d5\u05dc \u732b \U0001f408 \U0001f468\u200d\U0001f9b0\n",
)
TEXT = "".join(SCRIPTS) * 30
ALL = "latest?.version === version && text.ids.length === {} && latest.waiting === 0 && !latest.isWriting"


def trained(cell: str, seed: int = 0, **model: Any) -> Checkpoint:
    """A small network that has learnt some of ``TEXT``, its weights rounded as a page rounds them."""
    of_model = {"cell": cell, "layers": 2, "hidden": 24} | model
    of_training = {"iterations": 60, "batch": 4, "window": 20, "seed": seed, "learning_rate": 2e-2}
    settings = load_settings("quick", model=of_model, training=of_training, compute={"workers": 1, "compiled": False})
    trainer = start(settings, make_corpus(TEXT, "three scripts"))
    list(trainer.train())
    vector = trainer.model.parameters.vector
    vector[:] = vector.astype("f2")
    return replace(trainer.checkpoint(), training=None)


def made(folder: Path, *checkpoints: Checkpoint, **values: Any) -> Path:
    """A page with these networks, the last of which it shows at first."""
    page = folder / "network.html"
    given = {"title": "Three scripts", "beginning": "", "named": [], **values}
    page.write_text("".join(network_page(checkpoints, checkpoints[-1], **given)), "utf-8")
    return page


@needs_a_browser
@pytest.mark.parametrize("more", [{}, {"embedding": 5, "layers": 3, "skips": True}], ids=str)
@pytest.mark.parametrize("cell", CELLS)
def test_it_reads_and_writes_as_the_program(tmp_path: Path, browser: Any, cell: str, more: dict[str, Any]) -> None:
    checkpoint = trained(cell, **more)
    model = checkpoint.model
    beginning = "".join(SCRIPTS)
    with visited(browser, made(tmp_path, checkpoint, beginning=beginning)) as page:
        page.evaluate("element('temperature').value = 0")
        page.evaluate("use(0)")
        until(page, ALL.format(len(beginning) + 300))
        nats, shown = page.evaluate("[text.nats, text.ids.map((id) => alphabet[id]).join('')]")
    assert shown[: len(beginning)] == beginning
    assert shown == write(model, 300, prime=beginning, temperature=0)
    expected = np.concatenate([piece.nats for piece in score_text(model, [shown], exact=True)])
    np.testing.assert_allclose(nats, expected, atol=1e-4)


@needs_a_browser
@pytest.mark.parametrize("between", ["", " of\ntwo lines"])
def test_items_begin_anew(tmp_path: Path, browser: Any, between: str) -> None:
    """Of lines, and of items that may hold lines and end with a mark that cannot be typed."""
    settings = load_settings(
        "quick",
        model={"hidden": 7, "scale": 1.5},
        training={"iterations": 1, "batch": 2, "window": 8},
        compute={"workers": 1},
    )
    trainer = start(settings, make_corpus([f"name {k}{between}" for k in range(200)]))
    list(trainer.train())
    vector = trainer.model.parameters.vector
    vector[:] = vector.astype("f2")
    items = trainer.corpus.mark.join([f"name 1{between}", f"name 22{between}", "na"])
    with visited(browser, made(tmp_path, trainer.checkpoint(), beginning=items)) as page:
        until(page, ALL.format(len(items) + 300))
        nats = page.evaluate("text.nats")[: len(items)]
    expected = np.concatenate([piece.nats for piece in score_text(trainer.model, [items], exact=True)])
    np.testing.assert_allclose(nats, expected, atol=1e-4)


@needs_a_browser
def test_bytes_are_nearly_as_exact(tmp_path: Path, browser: Any) -> None:
    checkpoint = trained("mogrifier")
    beginning = "".join(SCRIPTS)
    large = made(tmp_path, checkpoint).stat().st_size
    small = made(tmp_path, checkpoint, beginning=beginning, small=True)
    with visited(browser, small) as page:
        until(page, ALL.format(len(beginning) + 300))
        nats = page.evaluate("text.nats")[: len(beginning)]
    expected = np.concatenate([piece.nats for piece in score_text(checkpoint.model, [beginning], exact=True)])
    assert np.mean(nats) == pytest.approx(expected.mean(), abs=0.02)
    assert small.stat().st_size < large


@needs_a_browser
@pytest.mark.parametrize(("scheme", "width"), [("light", 1100), ("dark", 390)])
def test_what_a_reader_can_do(tmp_path: Path, browser: Any, scheme: str, width: int) -> None:
    named = [NamedUnit("quotes", "inside quotation marks", (1, 3)), NamedUnit("caps", "in capitals", (0, 2))]
    begun = "The cat "
    with visited(
        browser, made(tmp_path, trained("gru"), beginning=begun, named=named), scheme=scheme, width=width
    ) as page:
        until(page, ALL.format(len(begun) + 300))
        assert page.input_value("#unit") == "1:3"
        assert page.text_content(".unit[aria-pressed=true]").split() == ["quotes", "1:3"]

        page.fill("#beginning", "The cat sat \u2603.")
        until(page, "text.ids.length === 13")
        assert "it does not know \u2603, left out" in page.text_content("#facts")
        assert page.locator(".pane [data-place]").count() == 13
        assert page.locator(".pane [data-place='0'] i").count() == GUESSES

        page.click("#next button >> nth=1")
        until(page, "text.ids.length === 14")
        page.click("#one")
        until(page, "text.ids.length === 15")
        page.click("#write")
        until(page, "isWriting && text.ids.length > 20")
        page.click("#write")
        until(page, "!isWriting")
        page.click("#again")
        until(page, "text.ids.length === 13")
        page.evaluate("element('pane').scrollTop = 0")  # what is looked at stays in view
        page.fill("#beginning", "The cat")  # and what is typed is read before anything is written
        page.click("#one")
        until(page, "text.ids.length === 8")
        page.fill("#beginning", "The cat sat.")
        until(page, "text.ids.length === 12")
        page.fill("#beginning", "The cat sat \u2603.")
        until(page, "text.ids.length === 13")

        page.focus("#pane")
        for key, place in {"End": 12, "ArrowLeft": 11, "Home": 0, "ArrowRight": 1, "ArrowDown": 1}.items():
            page.keyboard.press(key)
            assert page.get_attribute(".cursor", "data-place") == str(place)
        assert re.match(
            r"h: probability [0-9.]+%, [0-9.]+ bits; expected (.+ [0-9.]+%, ){4}", page.text_content(".said")
        )

        page.click(".unit >> nth=1")
        assert page.input_value("#unit") == "0:2"
        page.focus("canvas >> nth=1")
        page.keyboard.press("ArrowRight")
        assert page.input_value("#unit") == "1:1"
        for wrong in ("9:9", "-1:3", "1", ""):
            page.fill("#unit", wrong)
            page.keyboard.press("Enter")
            assert page.input_value("#unit") == "1:1"
        until(page, "text.remembered.at(-1) === Math.round(127 * latest.memory[24 + 1])")

        page.select_option("#by", "surprisal")
        assert page.locator(".pane .low, .pane .high").count() == 0
        assert page.locator(".pane .warm").count() > 0
        page.uncheck("#deep")
        assert page.locator(".pane i").count() == 0


EDITED = """async () => {{
    element("beginning").value = {};
    readBeginning();
    while (!text.ids.length) await new Promise(requestAnimationFrame);
    element("beginning").value = {};
    readBeginning();
}}"""
"""Types a text, and another as soon as some of the first has been read."""


@needs_a_browser
def test_a_long_text_is_drawn_where_it_is_looked_at(tmp_path: Path, browser: Any) -> None:
    long = "".join(SCRIPTS) * 120
    with visited(browser, made(tmp_path, trained("rnn", hidden=4))) as page:
        page.evaluate(EDITED.format(json.dumps(f"{long} and"), json.dumps(long)))
        until(page, f"text.ids.length === {len(long)}")
        assert not page.evaluate("text.ids.includes(undefined)")
        assert page.locator(".pane .line").count() < 40
        page.evaluate("element('pane').scrollTop = 1e9")
        until(page, f"document.querySelector('.pane [data-place=\"{len(long) - 1}\"]') !== null")
        page.fill("#beginning", long[:-1])  # only what is new is read again
        until(page, f"text.ids.length === {len(long) - 1}")


@needs_a_browser
def test_the_progression(tmp_path: Path, browser: Any) -> None:
    checkpoints = [
        replace(checkpoint, progress=replace(checkpoint.progress, iteration=iteration))
        for iteration, checkpoint in ((10, trained("lstm", 1)), (2000, trained("lstm", 2)))
    ]
    with visited(browser, made(tmp_path, *checkpoints, beginning="The ")) as page:
        shown = []
        for key in ("End", "Home", "End"):
            page.locator("#slider").press(key)
            until(page, ALL.format(304))
            at = page.text_content("#at")
            shown.append((at.partition(" ")[0], page.evaluate("text.ids.map((id) => alphabet[id]).join('')")))
    assert [iterations for iterations, _ in shown] == ["2,000", "10", "2,000"]
    assert shown[0] == shown[2]
    assert shown[0][1] != shown[1][1]


@needs_a_browser
def test_hostile_names(tmp_path: Path, browser: Any) -> None:
    evil = "</script><img src=x onerror=\"document.title='hacked'\"><!-- {{7*7}} \x1b[31m\u202e"
    named = [NamedUnit(evil, evil, (0, 1))]
    with visited(browser, made(tmp_path, trained("rnn"), title=evil, beginning=SCRIPTS[0], named=named)) as page:
        until(page, ALL.format(len(SCRIPTS[0]) + 300))
        assert page.title() != "hacked"
        assert page.locator("img").count() == 0
        assert page.text_content("h1").startswith("</script><img src=x")


@needs_a_browser
def test_a_hostile_network(browser: Any, hostile: str, charrnn: Callable, tmp_path: Path) -> None:
    to = tmp_path / "evil.html"
    assert charrnn("page", hostile, "--prime", HOSTILE, "-o", str(to)).code == 0
    content = to.read_text("utf-8")
    assert "\x1b" not in content
    assert "\u202e" not in content
    assert Page(content).open == []
    with visited(browser, to) as page:
        until(page, ALL.format(len(HOSTILE) + 300))
        assert page.locator("#pane script").count() == 0
        assert "\x1b" not in page.inner_text("body")
        assert "\u202e" not in page.inner_text("#pane")


def test_units_are_named_where_they_do_better_than_by_luck(folder: Path, said: str, charrnn: Callable) -> None:
    done = charrnn("page", "--text", said, "-o", "said.html")
    assert (done.code, done.out) == (0, "said.html\n")
    assert "it holds the network, and so perhaps pieces of the text that it learnt" in done.err
    content = Path("said.html").read_text("utf-8")
    named = dict(re.findall(r'data-unit="\d+"[^>]*>([a-z-]+) <small>(\d+:\d+)</small>', content))
    overview = [line.split() for line in charrnn("neurons", said).out.splitlines()[3:]]
    better = {name: unit for name, unit, score, luck, *_ in overview if unit != "-" and float(score) > float(luck)}
    assert named == better
    assert "quotes" in named
    data = json.loads(re.search(r"id=data>(.*?)</script>", content)[1])
    assert 100 < len(data["beginning"]) <= 120
    assert Path(said).read_text().startswith(data["beginning"])


def test_the_networks_of_a_run(folder: Path, charrnn: Callable) -> None:
    assert charrnn("page", "run", "--snapshots", "-o", "all.html").code == 0
    content = Path("all.html").read_text("utf-8")
    data = json.loads(re.search(r"id=data>(.*?)</script>", content)[1])
    best = load_checkpoint("run").progress.iteration
    assert [each["iteration"] for each in data["iterations"]] == sorted({1, 3, best})
    assert content.count("class=network") == len(data["iterations"])
    assert data["iterations"][data["shown"]]["iteration"] == best


@pytest.mark.parametrize(
    ("args", "code", "says"),
    [
        (["nowhere"], 1, "'nowhere' does not exist"),
        (["run", "-o", "cats.txt"], 1, "'cats.txt' is already there; replace it with --force"),
        (["run", "-o", "no/page.html"], 1, "there is no folder 'no'"),
        (["run", "--text", "nowhere.txt"], 1, "'nowhere.txt' does not exist"),
        (["run", "--prime", "\u2603"], 1, "U+2603 SNOWMAN"),
        (["--snapshots"], 2, "--snapshots takes them from a run folder; name it as RUN"),
        (["run/checkpoints/last.npz", "--snapshots"], 2, "--snapshots takes them from a run folder"),
        (["run", "--checkpoint", "run"], 2, "one network is asked for"),
    ],
)
def test_mistakes(folder: Path, charrnn: Callable, args: list[str], code: int, says: str) -> None:
    done = charrnn("page", *args)
    assert (done.code, done.out) == (code, "")
    assert says in " ".join(done.err.split())
    assert not Path("page.html").exists()


def test_a_page_that_would_be_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGEST", 1000)
    for values, ways in (({}, "give small"), ({"small": True}, "take a smaller network")):
        with pytest.raises(CharRNNError, match=f"MB are the most; {ways}"):
            made(tmp_path, trained("rnn"), **values)
