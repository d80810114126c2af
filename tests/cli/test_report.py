"""``charrnn report``: the page in a real browser, and what is written where."""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pages import needs_a_browser

from charrnn.report.run_page import SCRIPTS
from charrnn.storage.records import Status
from charrnn.storage.run import Run

EVIL = "</script><img src=x onerror=\"document.title='hacked'\"><!--\u2028\u2029&lt;{{7*7}}$$x$$\x1b[31m\u202e"
"""What ends a script, begins an element, ends a line of JavaScript, is a template, a formula, a colour, or reversed."""
COLOURED = """(k) => {
  const canvas = document.querySelectorAll(".chart canvas")[k];
  const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let count = 0;
  for (let n = 0; n < data.length; n += 4) {
    const colours = data.slice(n, n + 3);
    count += data[n + 3] > 200 && Math.max(...colours) - Math.min(...colours) > 60;
  }
  return count;
}"""
"""How many points of the canvas of a chart have the colour of a run, and none of grey."""


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
    assert content.count("</script>") == len(SCRIPTS) + 1
    assert not re.search("<img|<!--\u2028|\x1b|\u202e", content.partition('id="data"')[0])
    data = content.partition('id="data">')[2].partition("</script>")[0]
    assert not re.search("[<>&\u2028\u2029]", data)
    written = json.loads(data)["snapshots"][0][0]["text"]
    assert written.endswith(EVIL.replace("\x1b", "\\x1b").replace("\u202e", "\\u202e"))


@contextmanager
def opened(browser: Any, file: Path, **context: Any) -> Iterator[Any]:
    """A page in a browser, drawn; while it is used it says nothing, and asks for nothing but itself."""
    within = browser.new_context(**{"viewport": {"width": 1100, "height": 800}} | context)
    page = within.new_page()
    said, asked = [], []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(file.as_uri())
    page.wait_for_selector("body[data-drawn]")
    yield page
    assert said == []
    assert asked == [file.as_uri()]
    within.close()


def middle(page: Any, share: float, chart: int = 0) -> tuple[float, float]:
    """A point half up in a chart, a share of its way to the right."""
    area = page.locator(".u-over").nth(chart)
    area.scroll_into_view_if_needed()
    box = area.bounding_box()
    return box["x"] + share * box["width"], box["y"] + box["height"] / 2


def ranges(page: Any) -> list[list[float]]:
    """The range of iterations, or of what else is below, of each chart, once all are drawn."""
    page.wait_for_function("() => charts.every((chart) => chart.scales.x.min != null)")
    return page.evaluate("charts.map(({scales}) => [scales.x.min, scales.x.max])")


@needs_a_browser
@pytest.mark.parametrize(("scheme", "width"), [("light", 1100), ("dark", 390)])
def test_the_page_in_a_browser(browser: Any, hostile: Path, scheme: str, width: int) -> None:
    with opened(browser, hostile, color_scheme=scheme, viewport={"width": width, "height": 800}) as page:
        assert page.locator(".chart canvas").count() == 5
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

        loss = page.locator(".panel").first.locator(".lines")
        training, _, baseline = loss.locator("div").all()[:3]
        assert re.search(r"training\s+\d\.\d{3} nats \(\d\.\d{3} bits\) at 6$", training.inner_text())
        page.mouse.move(*middle(page, 0.2))
        assert training.inner_text().endswith(" at 1")
        assert baseline.inner_text().endswith("1.000 nats (1.443 bits)")
        assert (
            page.locator(".panel")
            .nth(2)
            .locator(".lines > div", has_text="clipped")
            .first.inner_text()
            .endswith(" at 1")
        )
        page.mouse.move(0, 0)
        assert training.inner_text().endswith(" at 6")
        page.locator("summary").first.click()
        assert EVIL[:40] in page.locator(".panel table").inner_text()

        assert page.title() != "hacked"
        assert page.locator("img").count() == 0


@needs_a_browser
def test_a_drag_zooms_into_all_charts_and_a_double_click_shows_the_whole(browser: Any, hostile: Path) -> None:
    with opened(browser, hostile) as page:
        assert ranges(page) == [[0, 6]] * 5
        page.mouse.move(*middle(page, 0.4))
        page.mouse.down()
        page.mouse.move(*middle(page, 0.7), steps=4)
        page.mouse.up()
        assert ranges(page) == [[pytest.approx(0.4 * 6, abs=0.05), pytest.approx(0.7 * 6, abs=0.05)]] * 5
        assert float(page.get_by_label("from").input_value()) == pytest.approx(0.4 * 6, abs=0.05)
        page.locator(".u-over").nth(1).dblclick()
        assert ranges(page) == [[0, 6]] * 5


@needs_a_browser
def test_everything_can_be_done_from_the_keyboard(browser: Any, hostile: Path) -> None:
    """By its label, as a screen reader names it."""
    from playwright.sync_api import expect

    with opened(browser, hostile) as page:
        for label, value in (("from", "2"), ("to", "5")):
            page.get_by_label(label, exact=True).fill(value)
            page.keyboard.press("Enter")
        assert ranges(page) == [[2, 5]] * 5
        page.get_by_label("to", exact=True).fill("1")  # before where it begins
        page.keyboard.press("Enter")
        assert page.get_by_label("to", exact=True).input_value() == "5"
        page.get_by_role("button", name="show all").press("Enter")
        assert ranges(page) == [[0, 6]] * 5

        chart = page.get_by_role("img", name="Loss")
        heard = r"tame, training: first \d\.\d+ at iteration 1, last \d\.\d+ at 6, lowest \d\.\d+ at \d\. tame, val"
        expect(chart).to_have_accessible_description(re.compile(heard))
        page.get_by_text("As a table").first.press("Enter")
        table = page.get_by_role("table", name="Loss in nats/char")
        expect(table.get_by_role("rowheader")).to_have_count(5)
        assert table.get_by_role("rowheader").all_inner_texts() == ["1", "2", "3", "4", "6"]
        assert (
            table.get_by_role("columnheader").count() == 1 + page.locator(".panel").first.locator("[name=line]").count()
        )
        cells = table.get_by_role("row").nth(2).get_by_role("cell").all_inner_texts()
        assert cells[1] == ""  # no validation at 2
        assert re.fullmatch(r"\d\.\d{3}", cells[0])


@needs_a_browser
def test_charts_follow_the_slider_the_width_and_the_colours_of_the_system(browser: Any, hostile: Path) -> None:
    with opened(browser, hostile, color_scheme="light") as page:
        image = "document.querySelector('.chart canvas').toDataURL()"
        for change in (
            lambda: page.locator("#slider").press("Home"),  # the line that marks the iteration moves
            lambda: page.emulate_media(color_scheme="dark"),
        ):
            before = page.evaluate(image)
            change()
            page.wait_for_function(f"(before) => {image} !== before", arg=before)
        page.set_viewport_size({"width": 600, "height": 800})
        page.wait_for_function("() => charts.every((chart) => chart.width < 600)")
        assert page.evaluate("document.documentElement.scrollWidth") <= 600


@needs_a_browser
def test_lines_and_runs_are_switched_on_and_off(browser: Any, hostile: Path) -> None:
    with opened(browser, hostile) as page:
        lines, drawn = (
            page.locator(".panel").first.locator("[name=line]"),
            "charts.map(({series}) => series.length - 1)",
        )
        before = page.evaluate(drawn)
        assert before[0] == lines.count() == 5
        lines.nth(1).uncheck()
        assert page.evaluate(drawn) == [4, *before[1:]]
        page.get_by_role("group", name="runs").get_by_label("tame").uncheck()
        assert page.evaluate(drawn) == [2, 1, before[2] - 2, 1, 1]
        assert page.locator(".value").nth(4).inner_text() == ""
        norms = page.locator(".panel").nth(2).locator("[name=line]")
        assert norms.count() == before[2] == 5
        for k in (0, 1):  # there stay, of the first run, the steps that were clipped
            norms.nth(k).uncheck()
        assert page.evaluate(COLOURED, 2) > 20
        for box in page.get_by_role("group", name="runs").get_by_role("checkbox").all():
            box.uncheck()
        assert page.evaluate(drawn) == [0] * 5
        assert page.evaluate(COLOURED, 0) == 0


@needs_a_browser
def test_axes_and_smoothing(browser: Any, charrnn: Callable, folder: Path) -> None:
    rows = [json.loads(line) for line in Path("run/metrics.jsonl").read_text().splitlines()]
    for row in rows:
        row["seconds"] = 60.0 * row["iteration"]
    Path("run/metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert charrnn("report", "run").code == 0
    with opened(browser, folder / "report.html") as page:
        page.get_by_label("horizontal axis").select_option(label="characters read")
        assert ranges(page) == [[0, 6 * 2 * 8]] * 5
        page.get_by_label("horizontal axis").select_option(label="time")
        assert ranges(page) == [[0, 6]] * 5
        assert page.locator("#unit").inner_text() == "minutes"
        assert page.evaluate("scales.seconds.place(data.runs[0], 5)") == pytest.approx(5)  # between reports at 4 and 6

        losses = [row["loss"] for row in rows]
        page.get_by_label("smoothing").select_option(label="over 5 points")
        raw, smoothed = page.evaluate(
            "charts[0].data.slice(1, 3).map((values) => values.filter((value) => value != null))"
        )
        assert raw == pytest.approx(losses, rel=1e-5)
        means = [losses[0], sum(losses[:3]) / 3, sum(losses) / 5, sum(losses[2:]) / 3, losses[4]]
        assert smoothed == pytest.approx(means, rel=1e-5)

        page.get_by_label("logarithmic axis").first.check()
        assert page.evaluate("charts[0].scales.y.distr") == 3
        page.get_by_label("logarithmic axis").nth(3).check()  # the learning rate ends at zero
        assert page.evaluate(COLOURED, 3) > 100


@needs_a_browser
@pytest.mark.parametrize(
    ("low", "high", "numbers"),
    [
        (0.7, 4.6, [1, 2]),
        (0.3, 70, [0.5, 1, 2, 5, 10, 20, 50]),
        (1e-4, 1, [1e-4, 1e-3, 1e-2, 0.1, 1]),
        (0.0018, 0.0022, [0.0018, 0.0019, 0.002, 0.0021, 0.0022]),
    ],
)
def test_a_logarithmic_axis_has_numbers_where_the_data_are(
    browser: Any, hostile: Path, low: float, high: float, numbers: list[float]
) -> None:
    with opened(browser, hostile) as page:
        found = page.evaluate(f"logarithmicTicks({low}, {high})")
        assert set(numbers) <= {round(number, 7) for number in found}
        assert 3 <= len(found) <= 8
        assert all(low * 0.999 <= number <= high * 1.001 for number in found)


@needs_a_browser
def test_a_finger_reads_zooms_and_leaves_the_page_to_scroll(browser: Any, charrnn: Callable, folder: Path) -> None:
    shutil.rmtree("run/snapshots")
    assert charrnn("report", "run").code == 0
    with opened(
        browser, folder / "report.html", has_touch=True, is_mobile=True, viewport={"width": 390, "height": 800}
    ) as page:
        assert page.locator(".chart").count() == 4  # what is empty is left out
        training = page.locator(".value").first
        page.touchscreen.tap(*middle(page, 0.3))
        assert training.inner_text().endswith(" at 2")

        session = page.context.new_cdp_session(page)

        def touch(kind: str, *points: tuple[float, float]) -> None:
            touches = [{"x": x, "y": y} for x, y in points]
            session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})

        def drag(to: Callable[[float], tuple[float, float]]) -> None:
            touch("touchStart", to(0))
            for share in (0.25, 0.5, 0.75, 1):
                touch("touchMove", to(share))
            touch("touchEnd")

        left, right = middle(page, 0.25), middle(page, 0.75)
        drag(lambda share: (left[0] + share * (right[0] - left[0]), left[1]))
        assert ranges(page) == [[pytest.approx(1.5, abs=0.1), pytest.approx(4.5, abs=0.1)]] * 4
        page.get_by_role("button", name="show all").press("Enter")
        before = page.evaluate("scrollY")
        x, y = middle(page, 0.5)
        drag(lambda share: (x, y - 150 * share))
        page.wait_for_function(f"() => scrollY > {before}")
        assert ranges(page) == [[0, 6]] * 4


@needs_a_browser
def test_runs_of_every_kind_stand_on_one_page(browser: Any, charrnn: Callable, folder: Path) -> None:
    """One that diverged, one that has just begun, one without validation, one of an older version."""
    common = ("train", "cats.txt", "--config", "tiny.yaml")
    for name, *settings in (
        ("bare", "corpus.validation=0", "model.cell=gru"),
        ("begun", "training.iterations=1"),
        ("wild", "training.report=1"),
    ):
        assert charrnn(*common, "--run", name, *(word for each in settings for word in ("--set", each))).code == 0
    Run("wild").report({"iteration": 7, "loss": 1e30, "gradient_norm": 1e29})
    Run("wild").note(Status("diverged", 8, 2000, "loss not finite"))
    shutil.copytree("run", "old")
    Path("old/status.json").unlink()
    rows = [json.loads(line) for line in Path("old/metrics.jsonl").read_text().splitlines()]
    lines = [json.dumps({key: value for key, value in row.items() if key != "seconds"}) + "\n" for row in rows]
    Path("old/metrics.jsonl").write_text("".join(lines[:-1]))
    said = (
        "wild diverged at iteration 8 of 2,000: loss not finite; try a lower training.learning_rate, or clip gradients "
        "at a lower norm with "
    )
    result = charrnn("report", "bare", "begun", "wild", "old")
    assert (result.code, result.err.splitlines()[0]) == (0, f"{said}training.clip")

    with opened(browser, folder / "report.html") as page:
        status = dict(
            page.locator(".runs tbody tr").evaluate_all(
                "(rows) => rows.map((row) => [row.cells[0].innerText, row.cells[1].innerText])"
            )
        )
        assert status == {
            "bare": "finished at iteration 6 of 6",
            "begun": "finished at iteration 1 of 1",
            "wild": "diverged at iteration 8 of 2,000",
            "old": "stopped at iteration 4 of 6",
        }
        assert page.locator(".reason").all_inner_texts() == [f"{said}training.clip"]
        assert page.evaluate("charts[0].scales.y.max") < 10
        page.get_by_label("horizontal axis").select_option(label="characters read")
        assert page.locator("option[value=seconds]").is_disabled()  # of one the time is not known
        beyond = "heights([{x: [1, 2], values: [8, 9]}], {range: [1, 2], top: 7})"
        assert page.evaluate(beyond) == pytest.approx([7.95, 9.05])  # all that a zoom has left
        for box in ("bare", "wild", "old"):
            page.get_by_role("group", name="runs").get_by_label(box).uncheck()
        assert page.evaluate(COLOURED, 0) > 20  # a single value can be seen


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
    before, folded = re.search(
        "What differs between the runs(.*?)The settings that are the same(.*)", page, re.S
    ).groups()
    assert re.findall('<th scope="row">(.*?)</th>', before) == ["training.batch"]
    assert '<th scope="row">training.batch</th><td>2</td><td>3</td>' in before
    assert '<th scope="row">training.window</th><td>8</td><td>8</td>' in folded
    assert page.count('title="U+0061 LATIN SMALL LETTER A">a<') == 1  # they have one vocabulary
    assert re.search(r"run, other: \d+ characters", page)


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["nowhere"], "'nowhere' holds no run"),
        (["run", "-o", "run"], "'run' cannot be replaced: Is a directory"),
        (["run", "-o", "no/a.html"], "'no/a.html' cannot be written: there is no folder 'no'; make it first"),
        (["silent"], "'silent' has reported nothing: it finished at iteration 6 of 6"),
    ],
)
def test_mistakes(charrnn: Callable, folder: Path, args: list[str], says: str) -> None:
    shutil.copytree("run", "silent")
    Path("silent/metrics.jsonl").unlink()
    result = charrnn("report", *args)
    assert (result.code, result.out) == (1, "")
    assert says in result.err


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
    assert "corpus.path</th><td>[&#34;cats.txt&#34;]" in page
    assert str(folder) not in page
    assert folder.name not in page
