"""``charrnn gates``: saturation as a table, a plot and JSON, and how open gates are along a text."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pages import Svg

from charrnn import load_checkpoint
from charrnn.analysis.activations import read_activations
from charrnn.analysis.gates import study
from charrnn.report.panels import COLOURS

GATES = ("gates", "--checkpoint", "run")
TEXT = "the cat\tsat on the mat.\n\nthe dog ran.\n"
LSTM = ["input", "forget", "output"]


@pytest.fixture
def text(folder: Path) -> str:
    """A text to read."""
    Path("text.txt").write_text(TEXT.replace("\t", " "))
    return "text.txt"


def document(charrnn: Callable, *args: str) -> dict:
    return json.loads(charrnn(*GATES, *args, "--json").out)


def test_json_is_what_the_library_says(text: str, charrnn: Callable) -> None:
    found = document(charrnn, text)
    characters, gates = study(read_activations(load_checkpoint("run").model, [TEXT.replace("\t", " ")]), LSTM)
    assert (found["characters"], found["text"]) == (len(TEXT), characters)
    assert [(row["layer"], row["gate"]) for row in found["gates"]] == [(0, name) for name in LSTM]
    for row, gate in zip(found["gates"], gates, strict=True):
        for name in ("mean", "left", "right", "along"):
            assert row[name] == pytest.approx(getattr(gate, name).tolist(), abs=1e-4)


def test_table(text: str, charrnn: Callable) -> None:
    done = charrnn(*GATES, "cats.txt", "--length", "300")
    assert done.err == "reading only the first 300 characters of cats.txt; --length reads more\n"
    rows = [line.split() for line in done.out.splitlines() if line.startswith("    0  ")]
    for row, gate in zip(rows, document(charrnn, "cats.txt", "--length", "300")["gates"], strict=True):
        assert row[1] == gate["gate"]
        assert float(row[2]) == pytest.approx(np.mean(gate["mean"]), abs=0.001)
        shares = [float(share.rstrip("%")) / 100 for share in row[3:]]
        both = (gate["left"], gate["right"])
        expected = [number for share in both for number in (np.mean(share), *np.quantile(share, (0.1, 0.5, 0.9)))]
        assert shares == pytest.approx(expected, abs=0.001)


def test_the_table_keeps_its_columns_apart(folder: Path, charrnn: Callable) -> None:
    """The network that travels along has gates that are always open in so short a text."""
    out = charrnn("gates", "-", stdin=b"a").out
    rows = [line for line in out.splitlines() if line.count("%") == 8]
    assert " 100.0%" in out
    assert [len(row.split()) for row in rows] == [11] * 4
    assert max(map(len, rows)) <= 80


def test_every_unit_is_in_the_scatter_plot(text: str, charrnn: Callable) -> None:
    out = charrnn(*GATES, text).out
    _, _, plot = out.partition("input gate")
    rows = [line.split("|")[1:] for line in plot.splitlines() if "|" in line]
    assert len(rows) == 11
    assert plot.endswith(
        "\neach digit is a unit of that layer, and * units of several layers\n"
        "across: how much of the time its gate is closed, below 0.1; up: open, above 0.9\n"
    )
    for k, gate in enumerate(document(charrnn, text)["gates"]):
        places = {
            (10 - round(right * 10), round(left * 20)) for left, right in zip(gate["left"], gate["right"], strict=True)
        }
        drawn = {(r, c) for r, row in enumerate(rows) for c, mark in enumerate(row[k][:21]) if mark == "0"}
        assert drawn == places


def test_plots_stand_below_each_other_where_they_do_not_fit(
    text: str, charrnn: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    def plots() -> str:
        return charrnn(*GATES, text).out.partition("%\n\n")[2].rpartition("each digit")[0]

    wide = plots()
    monkeypatch.setattr("charrnn.cli.commands.gates.line_width", lambda: 60)
    narrow = plots()
    assert "input gate              forget gate\n" in narrow
    assert max(map(len, narrow.splitlines())) <= 60
    assert narrow.count("|") == wide.count("|")


def test_along_the_text(folder: Path, charrnn: Callable) -> None:
    found = json.loads(charrnn(*GATES, "-", "--json", "--unknown", "replace", stdin=TEXT.encode()).out)
    out = charrnn(*GATES, "-", "--show", "--unknown", "replace", stdin=TEXT.encode()).out
    scales, *blocks = out.split("\n\n")
    assert [scale.split()[:2] for scale in scales.splitlines()] == [["0", name] for name in LSTM]
    shown = [block.splitlines() for block in blocks]
    assert [block[0].strip() for block in shown] == [line.replace("\t", " ") for line in TEXT.splitlines()]
    for k, gate in enumerate(found["gates"], 1):
        drawn = "".join(block[k].split()[-1] for block in shown)
        along = np.array(gate["along"])
        heights = (along - along.min()) / (along.max() - along.min()) * 7
        assert [ord(bar) - 0x2581 for bar in drawn] == pytest.approx(heights.tolist(), abs=0.51)


def test_long_lines_are_cut_and_a_line_end_stays_with_its_line(folder: Path, charrnn: Callable) -> None:
    line = "the cat ran. " * 10
    out = charrnn(*GATES, "-", "--show", stdin=f"{line[:80]}\n{line[:90]}\n".encode()).out
    shown = [block.splitlines()[0].strip() for block in out.split("\n\n")[1:]]
    assert shown == [line[:80], line[:80], line[80:90]]


def test_a_gru_has_reset_and_update(folder: Path, charrnn: Callable) -> None:
    small = ("train", "cats.txt", "--config", "tiny.yaml")
    assert charrnn(*small, "--run", "gru", "--set", "model.cell=gru").code == 0
    found = json.loads(charrnn("gates", "--checkpoint", "gru", "cats.txt", "--length", "50", "--json").out)
    assert [row["gate"] for row in found["gates"]] == ["reset", "update"]
    assert charrnn(*small, "--run", "rnn", "--set", "model.cell=rnn").code == 0
    refused = charrnn("gates", "--checkpoint", "rnn", "cats.txt")
    assert (refused.code, refused.out) == (1, "")
    assert (
        "this network is a vanilla RNN (rnn), which has no gates; give one of kind lstm or lstm-coupled or mogri"
        in refused.err
    )


def test_the_picture_has_a_plot_for_each_gate_and_a_colour_for_each_layer(charrnn: Callable, folder: Path) -> None:
    pytest.importorskip("matplotlib")
    assert charrnn("gates", "-", "--plot", "a.svg", stdin=b"a cat").code == 0  # with the network that travels along
    picture = Svg("a.svg")
    assert picture.title == "The gates of a network that has read War and Peace along standard input"
    assert {"forget gate", "output gate", "a unit of layer 0", "a unit of layer 1"} <= {*picture.texts}
    assert picture.colours & {*COLOURS} == {*COLOURS[:2]}


@pytest.mark.parametrize(
    ("args", "code", "says"),
    [
        (["--show", "--json"], 2, "give one"),
        (["--length", "0"], 2, "--length"),
    ],
)
def test_mistakes(text: str, charrnn: Callable, args: list[str], code: int, says: str) -> None:
    done = charrnn(*GATES, text, *args)
    assert (done.code, done.out) == (code, "")
    assert says in " ".join(done.err.split())
