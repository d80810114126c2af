"""``charrnn report``: the page in a real browser, and what is written where."""

import json
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pages import needs_a_browser

from charrnn.storage.run import Run

pytest.importorskip("bokeh")
EVIL = "</script><img src=x onerror=\"document.title='hacked'\"><!--\u2028\u2029&lt;{{7*7}}$$x$$\x1b[31m\u202e"
"""What ends a script, begins an element, ends a line of JavaScript, is a template, a formula, a colour, or reversed."""


@pytest.fixture(scope="module")
def hostile(trained: Path, tmp_path_factory: pytest.TempPathFactory, charrnn: Callable) -> Path:
    """A report of a run whose every name and text is hostile, beside one that is not."""
    folder = tmp_path_factory.mktemp("hostile")
    name = EVIL.replace("/", "\u2215")
    corpus = folder / f"{name}.txt"
    corpus.write_text((EVIL + " cats and dogs\n") * 60, "utf-8")
    evil = folder / name
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        args = ("--config", str(trained / "tiny.yaml"), "--run", evil.name, "--set", "training.clip=0.0001")
        result = charrnn("train", corpus.name, *args)
        assert result.code == 0, result.err
        run = Run(evil.name)
        run.keep_baseline({"nats_per_character": {EVIL: 1.0}})
        for file in (evil / "snapshots").iterdir():
            file.write_text(file.read_text("utf-8") + EVIL, "utf-8")
        shutil.copytree(trained / "run", folder / "tame")
        assert charrnn("report", evil.name, "tame").code == 0
    return folder / "report.html"


def test_nothing_hostile_becomes_markup(hostile: Path) -> None:
    content = hostile.read_text("utf-8")
    assert content.count("</script>") == 3
    assert not re.search("<img|<!--\u2028|\x1b|\u202e", content.partition('id="data"')[0])
    data = content.partition('id="data">')[2].partition("</script>")[0]
    assert not re.search("[<>&\u2028\u2029]", data)
    written = json.loads(data)["snapshots"][0][0]["text"]
    assert written.endswith(EVIL.replace("\x1b", "\\x1b").replace("\u202e", "\\u202e"))


@needs_a_browser
@pytest.mark.parametrize(("scheme", "width"), [("light", 1100), ("dark", 380)])
def test_the_page_in_a_browser(browser: Any, hostile: Path, scheme: str, width: int) -> None:
    context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 800})
    page = context.new_page()
    said, asked = [], []
    page.on("console", lambda message: said.append(message) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: said.append(error))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(hostile.as_uri())
    page.wait_for_selector("body[data-drawn]", timeout=120_000)

    assert page.locator("canvas").count() >= 5
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert dark == {"light": "rgb(255, 255, 255)", "dark": "rgb(22, 22, 22)"}[scheme]

    sample, facts = page.locator(".sample pre").first, page.locator(".sample .facts").first
    assert facts.inner_text().startswith("iteration 6,")
    newest = sample.inner_text()
    page.locator("#slider").press("Home")
    assert facts.inner_text().startswith("iteration 1,")
    assert page.locator("#at").inner_text() == "iteration 1"
    assert re.search(r"\d+% real words", page.locator(".share").first.inner_text())
    assert sample.inner_text() != newest
    assert EVIL[:40] in sample.inner_text()

    readout = page.locator("#readout0")
    assert "nats" in readout.inner_text()
    assert " at 6" in readout.inner_text()
    chart = page.locator("#chart0")
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    page.mouse.move(box["x"] + 90, box["y"] + box["height"] / 2)
    page.wait_for_function("document.getElementById('readout0').innerText.includes(' at 1')", timeout=60_000)
    assert "training" in readout.inner_text()
    assert "bits" in readout.inner_text()
    assert re.search(r": 1\.000 nats \(1.443 bits\)(?! at)", readout.inner_text())
    assert "clipped" in page.locator("#readout2").inner_text()

    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + box["height"] * 0.3)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + box["height"] * 0.5, steps=4)
    page.mouse.up()
    page.wait_for_function(
        "(([first, second]) => first.x_range.start > 2 && second.x_range.end < 5)(Bokeh.documents[0].roots())"
    )

    assert page.title() != "hacked"
    assert page.locator("img").count() == 0
    assert asked == [hostile.as_uri()]
    assert said == []
    context.close()


@needs_a_browser
def test_a_tap_shows_values_and_what_is_empty_is_left_out(browser: Any, charrnn: Callable, folder: Path) -> None:
    shutil.rmtree("run/snapshots")
    assert charrnn("report", "run").code == 0
    context = browser.new_context(has_touch=True, is_mobile=True, viewport={"width": 390, "height": 800})
    page = context.new_page()
    said = []
    page.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
    page.goto((folder / "report.html").as_uri())
    page.wait_for_selector("body[data-drawn]", timeout=120_000)
    assert page.locator(".chart").count() == 4
    assert page.locator("#readout0 .dashed").count() == 1
    page.locator("#chart0").scroll_into_view_if_needed()
    box = page.locator("#chart0").bounding_box()
    page.evaluate("Bokeh.documents[0].roots()[0].on_event('mouseleave', () => document.body.dataset.left = 'yes')")
    page.touchscreen.tap(box["x"] + 90, box["y"] + box["height"] / 2)
    page.wait_for_selector("body[data-left]", timeout=60_000)
    assert " at 2" in page.locator("#readout0").inner_text()
    assert said == []
    context.close()


def test_a_report_replaces_a_report_and_nothing_else(charrnn: Callable, folder: Path) -> None:
    for _ in range(2):
        result = charrnn("report", "run")
        assert (result.code, result.out) == (0, "report.html\n")
    Path("mine.html").write_text("<!doctype html>")
    result = charrnn("report", "run", "-o", "mine.html")
    assert (result.code, result.err) == (
        1,
        "charrnn: 'mine.html' is no report; replace it with --force, or name another file with --to\n",
    )
    assert Path("mine.html").read_text() == "<!doctype html>"
    assert charrnn("report", "run", "-o", "mine.html", "--force").code == 0
    assert charrnn("report", "run", "-o", "-").out[:2000] == Path("mine.html").read_text("utf-8")[:2000]


def test_what_a_page_says(charrnn: Callable, folder: Path) -> None:
    shutil.copytree("run", "other")
    file = folder / "other" / "config.yaml"
    file.write_text(file.read_text("utf-8").replace("batch: 2", "batch: 3"), "utf-8")
    page = charrnn("report", "run", "other", "-o", "-").out
    assert page.startswith("<!doctype html>\n<!-- charrnn report -->\n")
    assert page.count('<tr class="differs">') == 1
    assert re.search('differs"><th>training.batch</th><td>2</td><td>3</td>', page)
    assert page.count('title="U+0061 LATIN SMALL LETTER A">a<') == 1  # they have one vocabulary
    assert re.search(r"run, other: \d+ characters", page)


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["nowhere"], "'nowhere' holds no run"),
        (["run", "-o", "run"], "'run' cannot be replaced: Is a directory"),
        (["run", "-o", "no/a.html"], "'no/a.html' cannot be written: No such file or directory"),
        (["silent"], "'silent' has reported nothing: it finished at iteration 6 of 6"),
    ],
)
def test_mistakes(charrnn: Callable, folder: Path, args: list[str], says: str) -> None:
    shutil.copytree("run", "silent")
    Path("silent/metrics.jsonl").unlink()
    result = charrnn("report", *args)
    assert (result.code, result.out) == (1, "")
    assert says in result.err


def test_without_the_extra(charrnn: Callable, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ["bokeh", *(name for name in sys.modules if name.startswith("bokeh."))]:
        monkeypatch.setitem(sys.modules, module, None)
    assert "pip install bokeh" in charrnn("report", "run").err


def test_a_run_that_saved_nothing_yet_has_a_report(charrnn: Callable, folder: Path) -> None:
    shutil.rmtree("run/checkpoints")
    assert "it is known once the run has saved a checkpoint" in charrnn("report", "run", "-o", "-").out


def test_a_page_tells_nothing_of_the_machine(charrnn: Callable, folder: Path) -> None:
    """Runs named by whole paths, of which one began with the other, and one has saved nothing yet."""
    tuned = ("train", str(folder / "cats.txt"), "--config", "tiny.yaml", "--init-from", str(folder / "run"))
    assert charrnn(*tuned, "--run", "again").code == 0
    shutil.copytree("run", "early")
    shutil.rmtree("early/checkpoints")
    page = charrnn("report", *(str(folder / name) for name in ("run", "again", "early")), "-o", "-").out
    assert "path</th><td>[&#34;cats.txt&#34;]" in page
    assert str(folder) not in page
    assert folder.name not in page
