"""What a run has reported, as series."""

import io
import json
import random
import re
from pathlib import Path

import pytest

from charrnn.errors import RunError
from charrnn.report.chart_page import STRETCHES, charts
from charrnn.report.chart_picture import draw_charts
from charrnn.report.curves import Series, read_all, read_curves
from charrnn.report.look import save_picture
from charrnn.report.panels import Line, Panel, panels
from charrnn.report.run_page import report_page
from charrnn.settings.runs import load_settings
from charrnn.storage.run import Run


def made(folder: Path, rows: list[str], **training: object) -> Run:
    run = Run(folder)
    run.create(load_settings("quick", training={"iterations": 9, **training}))
    (folder / "metrics.jsonl").write_text("\n".join(rows))
    return run


ROWS = [
    '{"iteration": 1, "loss": 4.0, "gradient_norm": 0.5, "validation_loss": null}',
    '{"iteration": 2, "loss": NaN, "gradient_norm": 5, "validation_loss": 3.5}',
    '{"iteration": 3, "loss": "<b>", "gradient_norm": 7, "learning_rate": 1' + "0" * 400 + "}",
    '{"iteration": 4, "loss": 2.0, "gradient_norm": Infinity}',
    '{"iteration": ' + "9" * 200 + ', "loss": 2.0}',
    '{"iteration": 5, "lo',
]


def test_what_is_no_number_is_left_out(tmp_path: Path) -> None:
    curves = read_curves(made(tmp_path / "run", ROWS, clip=5))
    assert curves.training == Series([1, 4], [4.0, 2.0])
    assert curves.validation == Series([2], [3.5])
    assert len(curves.learning_rate) == 0
    assert curves.last_iteration == 4
    assert curves.baseline is None


@pytest.mark.parametrize(
    ("training", "clipped"), [({"clip": 5}, [3]), ({"clip": None}, []), ({"clip": 5, "clip_kind": "value"}, [])]
)
def test_clipped_steps_are_those_above_the_limit_of_the_norm(tmp_path: Path, training: dict, clipped: list) -> None:
    assert read_curves(made(tmp_path / "run", ROWS, **training)).clipped.iterations == clipped


def test_a_baseline_too_large_for_a_number_is_none(tmp_path: Path) -> None:
    run = made(tmp_path / "run", ROWS)
    run.keep_baseline({"nats_per_character": {"zlib": 10**400}})
    assert run.baseline() == {}


def test_the_best_baseline_counts(tmp_path: Path) -> None:
    run = made(tmp_path / "run", ROWS)
    run.keep_baseline({"nats_per_character": {"zlib": 2.0, "n-gram of order 3": 1.5, "bz2": float("nan")}})
    curves = read_curves(run)
    assert curves.baseline == ("n-gram of order 3", 1.5)
    assert Line(0, "n-gram of order 3", Series([1, 4], [1.5, 1.5]), "dotted") in panels([curves])[0].lines


def test_a_run_without_a_report_cannot_be_drawn(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="has reported nothing: it stopped at iteration 0 of 9"):
        read_all([made(tmp_path / "run", [])])


def test_rows_are_put_in_order(tmp_path: Path) -> None:
    rows = [f'{{"iteration": {iteration}, "loss": {iteration}}}' for iteration in (9, 2, 5)]
    assert read_curves(made(tmp_path / "run", rows)).training == Series([2, 5, 9], [2.0, 5.0, 9.0])


def test_a_run_that_diverged_is_drawn(tmp_path: Path) -> None:
    rows = ['{"iteration": 1, "loss": 4, "gradient_norm": 2}', '{"iteration": 2, "loss": 3e38, "gradient_norm": 1e30}']
    curves = read_curves(made(tmp_path / "run", rows, clip=5))
    assert curves.last_iteration == 2
    assert curves.clipped == Series([2], [1e30])


DIVERGED = [
    *(f'{{"iteration": {k}, "loss": {4 - k / 2}, "gradient_norm": {k / 2}}}' for k in range(1, 6)),
    '{"iteration": 6, "loss": 1e30, "gradient_norm": 1e29}',
]


def test_what_a_run_that_diverged_reported_last_squashes_no_curve(tmp_path: Path) -> None:
    run, longer = made(tmp_path / "run", DIVERGED, clip=5), made(tmp_path / "longer", DIVERGED[:5])
    loss, _, norm, *others = panels([read_curves(run), read_curves(longer)])
    assert loss.bounds == (1.5, 7.0)  # twice the first
    assert norm.bounds == (0.5, 15_000)  # ten thousand times the median
    assert loss.is_cut
    assert norm.is_cut
    assert not any(panel.is_cut for panel in [*others, *panels([read_curves(longer)])])


def test_a_picture_shows_the_part_that_is_of_use(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    loss, norm = draw_charts([read_curves(made(tmp_path / "run", DIVERGED))]).axes
    assert loss.get_ylim() == pytest.approx((1.5 - 0.05 * 5.5, 7.0))
    assert norm.get_ylim() == pytest.approx((0.5 / 1.2, 17_500))


def test_a_picture_leaves_out_what_is_empty_and_shows_a_single_value(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    file = io.BytesIO()
    save_picture(draw_charts([read_curves(made(tmp_path / "run", ['{"iteration": 1, "loss": 4.0}']))]), file, "svg")
    content = file.getvalue()
    assert b">Loss</text>" in content
    assert b">Speed</text>" not in content
    assert re.search(rb'<g clip-path="[^"]*">\s*<use', content)  # a marker


def test_a_long_curve_keeps_its_extremes_its_ends_and_its_order(tmp_path: Path) -> None:
    n = 10 * STRETCHES
    values = [1.0] * n
    values[1234], values[3456], values[-2] = 9.0, -9.0, 2.0
    panel = Panel("Loss", "x", [Line(0, "loss", Series(list(range(n)), values))])
    (line,) = charts([panel], [read_curves(made(tmp_path / "run", ROWS))])["charts"][0]["lines"]
    kept = dict(zip(line["iterations"], line["values"], strict=True))
    assert kept == {k: values[k] for k in kept}
    assert {0, 1234, 3456, n - 2, n - 1} <= kept.keys()
    assert list(kept) == sorted(kept)
    assert len(kept) <= 2 * STRETCHES + 2


@pytest.mark.parametrize(("iterations", "most"), [(2_000, 150_000), (1_000_000, 250_000)])
def test_a_page_is_small(tmp_path: Path, iterations: int, most: int) -> None:
    """Without samples; of a usual run, and of a long one, which is thinned."""
    rng = random.Random(0)
    names = ("loss", "gradient_norm", "learning_rate", "characters_per_second", "validation_loss", "seconds")
    rows = [{"iteration": k} | {name: rng.random() for name in names} for k in range(10, iterations + 1, 10)]
    run = made(tmp_path / "run", [json.dumps(row) for row in rows], clip=0.5)
    run.keep_baseline({"nats_per_character": {"lzma": 0.9}})
    assert 100_000 < len(report_page(read_all([run])).encode()) < most


@pytest.mark.parametrize(
    ("folders", "names"),
    [
        (["my"], ["my"]),
        (["a/my", "a/your"], ["my", "your"]),
        (["a/my", "b/my", "b/your"], ["a/my", "b/my", "your"]),
        (["my", "a/my"], [None, "a/my"]),
        (["my", "my"], ["my", "my"]),
    ],
)
def test_runs_are_called_by_as_little_as_tells_them_apart(
    tmp_path: Path, folders: list[str], names: list[str | None]
) -> None:
    for folder in {*folders}:
        made(tmp_path / folder, ROWS)
    runs = [Run(tmp_path / folder) for folder in folders]
    found = [curves.run for curves in read_all(runs)]
    assert found == [name or f"{tmp_path.name}/my" for name in names]
    assert [curves.folder for curves in read_all(runs)] == [run.folder for run in runs]


def test_curves_name_no_folder(tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    run.create(load_settings("quick", corpus={"path": ["/home/alice/letters.txt"]}, training={"iterations": 9}))
    assert read_curves(run).settings.corpus.path == ["letters.txt"]
