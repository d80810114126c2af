"""``charrnn bench``: numbers on stdout that agree with one another, and nothing on disk."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from charrnn.machine import blas
from charrnn.nn.network import Network
from charrnn.report.figures import duration_text

CATS = ("bench", "cats.txt", "--config", "tiny.yaml")


def test_numbers_go_to_stdout_and_nothing_to_disk(folder: Path, charrnn: Callable) -> None:
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    bench = charrnn(*CATS)
    assert bench.code == 0
    assert [line.partition(": ")[0] for line in bench.out.splitlines()] == [
        *("training", "evaluation", "sampling", "time")
    ]
    assert " float32 products" in bench.out
    assert "time: about " in bench.out
    assert " for 6 iterations; " in bench.out
    assert bench.err.startswith("corpus: cats, 2,220 characters")
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_json_agrees_with_itself(folder: Path, charrnn: Callable) -> None:
    numbers = json.loads(charrnn(*CATS, "--set", "training.iterations=12", "--json").out)
    speed, seconds = numbers["characters_per_second"], numbers["seconds"]
    network = Network(len(set(Path("cats.txt").read_text())), hidden_size=4)
    assert numbers["iterations"] == 12
    assert seconds["training"] == pytest.approx(12 * 2 * 8 / speed["training"])
    assert seconds["evaluation"] == pytest.approx(5 * 222 / speed["evaluation"])  # at 1, 3, 6, 9, 12
    assert seconds["snapshots"] == pytest.approx(3 * 20 / speed["sampling"])  # at 1, 3, 12
    assert seconds["total"] == pytest.approx(seconds["training"] + seconds["evaluation"] + seconds["snapshots"])
    assert numbers["flops"]["training"] == pytest.approx(6 * network.product_parameters * speed["training"])
    assert numbers["flops"]["ceiling"] > 0


def test_precision_and_parts_of_the_text_are_those_of_the_settings(folder: Path, charrnn: Callable) -> None:
    out = charrnn(*CATS, "--set", "compute.precision=float64", "--set", "corpus.validation=0").out
    assert " float64 products" in out
    assert "evaluation: " not in out


def test_standard_input(folder: Path, charrnn: Callable) -> None:
    text = Path("cats.txt").read_bytes()
    bench = charrnn("bench", "-", "--config", "tiny.yaml", stdin=text)
    assert (bench.code, "corpus: stdin, 2,220 characters" in bench.err) == (0, True)


def test_mistakes_are_those_of_train(folder: Path, charrnn: Callable) -> None:
    misspelt = charrnn(*CATS, "--set", "training.bacth=3")
    assert (misspelt.code, misspelt.out) == (2, "")
    assert "training.batch" in misspelt.err
    missing = charrnn("bench", "none.txt")
    assert (missing.code, missing.out) == (1, "")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "a second"),
        (1.4, "a second"),
        (2, "2 seconds"),
        (9.94, "9.9 seconds"),
        (9.96, "10 seconds"),
        (89, "89 seconds"),
        (90, "1.5 minutes"),
        (119, "2 minutes"),
        (3600, "60 minutes"),
        (5400, "1.5 hours"),
        (100_000, "28 hours"),
        (10**9, "11,574 days"),
    ],
)
def test_a_duration_is_in_a_unit_that_fits(seconds: float, text: str) -> None:
    assert duration_text(seconds) == f"about {text}"


def test_it_says_which_kernels_compute(folder: Path, charrnn: Callable) -> None:
    err = charrnn("bench", "cats.txt", "--config", "tiny.yaml").err
    for library in blas():
        assert f"products: {library.name} {library.version}, {library.kernels} kernels" in err


@pytest.mark.parametrize(("batch", "said"), [(31, True), (32, False)])
def test_it_says_when_a_core_has_too_few_streams(folder: Path, charrnn: Callable, batch: int, said: bool) -> None:
    chosen = ("--set", f"training.batch={batch}", "--set", "compute.workers=2")
    err = charrnn("bench", "cats.txt", "--config", "tiny.yaml", *chosen).err
    advice = (
        f"each of 2 workers reads 15 of the {batch} streams, and is faster with 16 or more; set training.batch to 32"
    )
    assert (advice in err) == said


def test_compiled_cells_are_measured(folder: Path, charrnn: Callable) -> None:
    pytest.importorskip("numba")
    assert "training: " in charrnn(*CATS, "--set", "compute.compiled=true").out
    missing = charrnn(*CATS, "--set", "compute.compiled=true", "--set", "model.cell=rnn-relu")
    assert (missing.code, "has no compiled form; set compute.compiled to false" in missing.err) == (1, True)
