"""``charrnn gradients``: what fades, what explodes, and how far back a network looks."""

import json
import math
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from pages import Svg

from charrnn.report.look import INK, PAPER
from charrnn.report.panels import COLOURS

CATS = ("gradients", "cats.txt", "--config", "tiny.yaml", "--steps", "20", "--positions", "30")
OWN = ("gradients", "cats.txt", "--checkpoint", "run", "--steps", "20", "--positions", "30")


def flow_tables(report: dict) -> list[tuple[str, list[dict], str]]:
    """The title of each table of gradients, the networks in it, and of which time it is."""
    usual, unclipped, clipped = report["networks"], report["large_weights"][:3], report["large_weights"][3:]
    return [
        ("untrained", usual, "untrained"),
        ("trained", usual, "trained"),
        ("recurrent weights that lengthen a vector 2.25 times, untrained", clipped, "untrained"),
        ("the same, trained, without clipping", unclipped, "trained"),
        ("the same, trained, norm clipped to 1", clipped, "trained"),
    ]


def test_three_cells_untrained_and_trained_without_clipping_and_with(folder: Path, charrnn: Callable) -> None:
    done = charrnn(*CATS)
    assert done.code == 0
    kinds = [(line.split(",")[0], line.split(", ")[-1]) for line in done.err.splitlines()]
    assert kinds == [
        (f"training {cell}", clip)
        for clip in ("norm clipped to 5", "without clipping", "norm clipped to 1")
        for cell in ("rnn", "gru", "lstm")
    ]
    report = json.loads(charrnn(*CATS, "--json").out)
    networks, large = report["networks"], report["large_weights"]
    assert [n["cell"] for n in networks + large] == 3 * ["rnn", "gru", "lstm"]
    assert [n["clip"] for n in networks + large] == [5, 5, 5, None, None, None, 1, 1, 1]
    assert [n["scale"] for n in networks + large] == 3 * [None] + 6 * [2.25]
    assert all(len(n["training"]["loss"]) == len(n["training"]["gradient_norm"]) == 6 for n in networks + large)
    sizes = [n["parameters"] for n in networks]
    assert max(sizes) / min(sizes) < 1.2
    assert sizes == [n["parameters"] for n in large[:3]]

    *tables, clipping, contexts = done.out.split("\n\n")
    for (title, these, when), table in zip(flow_tables(report), tables, strict=True):
        lines = table.splitlines()
        assert lines[:2] == ["mean norm of d loss[t] / d state[t-k]", title]
        assert lines[2].split()[:4] == ["k", "rnn", "gru", "lstm"]
        curves = [n["gradient_norm_back"][when]["mean"] for n in these]
        assert [len(norms) for norms in curves] == [21, 21, 21]
        for k, row in zip(range(0, 21, 2), lines[3:14], strict=True):
            assert row.split()[:4] == [str(k), *(f"{norms[k]:.1e}" for norms in curves)]
            assert set("".join(row.split()[4:])) <= set("rgl*<")
        assert lines[14] == "the last k with 0.1% of the norm at k = 1, by mean and median"
        assert [row.split()[0] for row in lines[15:17]] == ["mean", "median"]
        for network, row in zip(these if when == "trained" else (), lines[18:], strict=True):
            norms = network["training"]["gradient_norm"]
            assert row.startswith(f"{network['cell']}: largest norm {max(norms):.2g}, ")
            clipped = sum(norm > (network["clip"] or 0) for norm in norms)
            assert (f"clipped {clipped} of 6 times" in row) == (network["clip"] is not None)

    unclipped, clipped = large[0]["training"], large[3]["training"]
    assert unclipped["gradient_norm"][0] == clipped["gradient_norm"][0]
    first = [each["gradient_norm"][0] for each in (unclipped, clipped)]
    assert f"            1{first[0]:10.1e}{first[1]:10.1e}{unclipped['loss'][0]:8.3f}" in clipping

    rows = contexts.splitlines()[2:-3]
    (full, *cut) = zip(*(n["loss_by_context"] for n in networks), strict=True)
    for row, losses in zip(rows, (*cut, full), strict=True):
        shown = [f"{loss['loss']:.3f} ({loss['loss'] / math.log(2):.3f})" for loss in losses]
        assert row.split()[0] == str(losses[0]["context"] or "all")
        assert all(figures in row for figures in shown)
    for network, row in zip(networks, contexts.splitlines()[-3:], strict=True):
        within = network["context_within"]["characters"]
        (error,) = (loss["error"] for loss in network["loss_by_context"] if loss["context"] == (within or 32))
        what = (
            f"within 0.01 nats/char of all from {within} on"
            if within
            else "more than 0.01 nats/char above all still with 32"
        )
        assert row == f"{network['cell']}: {what} (standard error {error:.3f})"


def test_the_picture_compares_cells_and_clipping(folder: Path, charrnn: Callable) -> None:
    pytest.importorskip("matplotlib")
    assert charrnn(*CATS, "--plot", "a.svg").code == 0
    picture = Svg("a.svg")
    assert picture.title == "The gradients of rnn, gru and lstm"
    charts = {"untrained", "trained", "loss by context", "recurrent weights \u00d7 2.25, untrained"}
    charts |= {"the same, trained without clipping", "the same, norm clipped to 1"}
    charts |= {
        f"rnn, recurrent weights \u00d7 2.25: {what}" for what in ("norm of the whole gradient", "training loss")
    }
    assert charts <= {*picture.texts}
    assert picture.texts.count("without clipping") == picture.texts.count("norm clipped to 1") == 2
    assert len(picture.colours & {*COLOURS}) == 5  # three cells, without clipping and with
    assert picture.colours <= {*COLOURS, INK, PAPER}


def test_settings_of_the_user_leave_the_experiment_what_it_is(folder: Path, charrnn: Callable) -> None:
    """The networks with large weights are those, whatever a recipe says of cell, initialisation and optimizer."""
    more = ("--set", "model.cell=gru", "--set", "model.initialisation=normal", "--set", "training.optimizer=adam")
    usual, own = (json.loads(charrnn(*CATS, *args, "--json").out) for args in ((), more))
    assert own["large_weights"] == usual["large_weights"]
    assert [n["cell"] for n in own["networks"]] == ["rnn", "gru", "lstm"]
    assert own["networks"][0]["gradient_norm_back"] != usual["networks"][0]["gradient_norm_back"]


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_tables_fit_the_terminal(
    folder: Path, charrnn: Callable, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    done = charrnn(*CATS)
    tables = [line for line in done.out.splitlines() if re.match(" +[0-9a-z]", line)]
    assert len(tables) >= 80
    assert max(map(len, tables)) <= columns
    assert any("*" in line for line in tables)
    assert not re.search("^ +(k|context|iterations) .* 0$", done.out, re.MULTILINE)  # where there is room for no axis


def test_a_training_that_diverges(folder: Path, charrnn: Callable) -> None:
    diverged = charrnn(*CATS, "--set", "training.learning_rate=1e38", "--set", "training.clip=null")
    assert (diverged.code, diverged.out) == (1, "")
    assert "the rnn diverged after iteration 0; try a lower training.learning_rate" in diverged.err


def test_a_training_of_minutes_says_how_many_iterations_that_is(folder: Path, charrnn: Callable) -> None:
    done = charrnn(*CATS, "--set", "training.minutes=0.001")
    assert done.code == 0
    assert len(re.findall(r"^training .* parameters, \d+ iterations?,", done.err, re.MULTILINE)) == 9


def test_a_checkpoint_is_measured_and_nothing_trained(folder: Path, charrnn: Callable) -> None:
    done = charrnn(*OWN)
    assert (done.code, done.err) == (0, "corpus: cats, 222 characters measured, of its validation part\n")
    report = json.loads(charrnn(*OWN, "--json").out)
    (network,) = report["networks"]
    assert (network["cell"], network["hidden"], report["large_weights"]) == ("lstm", 4, [])
    norms = network["gradient_norm_back"]
    assert norms["untrained"] != norms["trained"]
    assert "lstm: " in done.out
    assert "clip" not in done.out
    untrained, trained, _ = done.out.split("\n\n")
    for when, table in (("untrained", untrained), ("trained", trained)):
        assert table.splitlines()[3].split()[:2] == ["0", f"{norms[when]['mean'][0]:.1e}"]


def test_characters_that_a_network_does_not_know(folder: Path, charrnn: Callable) -> None:
    Path("dogs.txt").write_text("the dogs! " * 300)
    other = ("gradients", "dogs.txt", "--checkpoint", "run", "--steps", "20", "--positions", "30")
    refused = charrnn(*other)
    assert (refused.code, refused.out) == (1, "")
    assert "U+0021 EXCLAMATION MARK" in refused.err
    assert "--unknown" in refused.err
    assert "270 characters measured" in charrnn(*other, "--unknown", "skip").err
    assert "300 characters measured" in charrnn(*other, "--unknown", "replace").err


def test_wrong_input(folder: Path, charrnn: Callable) -> None:
    short = charrnn(*OWN, "--steps", "200")
    assert short.code == 1
    assert "to look 200 steps back takes a text of 402 characters, and there are 222; lower --steps" in short.err
    nothing = charrnn(*CATS, "--set", "corpus.validation=0")
    assert nothing.code == 1
    assert "has no validation part to measure" in nothing.err
    assert charrnn("gradients", "no.txt").code == 1
    assert charrnn("gradients", "cats.txt", "--checkpoint", "no").code == 1
    assert charrnn("gradients", "cats.txt", "--iterations", "0").code == 2


def test_with_a_checkpoint_its_own_text_is_measured_and_settings_of_training_are_refused(
    folder: Path, charrnn: Callable
) -> None:
    assert charrnn("gradients", *OWN[2:]) == charrnn(*OWN)
    for args, says in (
        (["--iterations", "9"], "--iterations: training.iterations says how to train"),
        (["--set", "model.cell=gru"], "--set: model.cell says how to train"),
    ):
        refused = charrnn(*OWN, *args)
        assert (refused.code, refused.out) == (2, "")
        assert says in refused.err
    assert charrnn("train", "cats.txt", "--config", "tiny.yaml", "--run", "own").code == 0
    Path("cats.txt").unlink()
    gone = charrnn("gradients", "--checkpoint", "own")
    assert (gone.code, gone.out) == (1, "")
    assert "does not exist" in gone.err
    assert "or give another text, as CORPUS" in gone.err
