"""``charrnn gradients``: what fades, what explodes, and how far back a network looks."""

import json
import math
from collections.abc import Callable
from pathlib import Path

CATS = ("gradients", "cats.txt", "--config", "tiny.yaml", "--steps", "20", "--positions", "30")
OWN = ("gradients", "cats.txt", "--checkpoint", "run", "--steps", "20", "--positions", "30")


def test_three_cells_untrained_and_trained_and_what_clipping_does(folder: Path, charrnn: Callable) -> None:
    done = charrnn(*CATS)
    assert done.code == 0
    assert [line.split(",")[0] for line in done.err.splitlines()] == [
        *("training rnn", "training gru", "training lstm", "training rnn", "training rnn")
    ]
    report = json.loads(charrnn(*CATS, "--json").out)
    assert [(n["cell"], sorted(n["gradient_norm"]["trained"])) for n in report["networks"]] == [
        *[("rnn", ["h"]), ("gru", ["h"]), ("lstm", ["c", "h"])]
    ]
    sizes = [network["parameters"] for network in report["networks"]]
    assert max(sizes) / min(sizes) < 1.2
    untrained, trained, contexts, clipping = done.out.split("\n\n")
    for when, table in (("untrained", untrained), ("trained", trained)):
        title, header, *rows, last, _ = table.splitlines()
        assert title == f"mean norm of d loss[t] / d state[t-k], {when}"
        assert header.split()[:9] == ["k", "rnn", "h", "gru", "h", "lstm", "h", "lstm", "c"]
        curves = [norms["mean"] for n in report["networks"] for norms in n["gradient_norm"][when].values()]
        assert all(len(norms) == 21 for norms in curves)
        for k, row in enumerate(rows):
            shown = [f"{norms[k]:.1e}" if norms[k] else "-" for norms in curves]
            assert row.split()[:5] == [str(k), *shown]
            assert set("".join(row.split()[5:])) <= set("rghc*<")
        assert last.startswith("the last k with 1% of the mean at k = 1: rnn h (r) ")
    rows = contexts.splitlines()[2:-3]
    (full, *cut) = zip(*(n["loss_by_context"] for n in report["networks"]), strict=True)
    for row, losses in zip(rows, (*cut, full), strict=True):
        shown = [f"{loss['loss']:.3f} ({loss['loss'] / math.log(2):.3f})" for loss in losses]
        assert row.split()[0] == str(losses[0]["context"] or "all")
        assert all(figures in row for figures in shown)
    for network, row in zip(report["networks"], contexts.splitlines()[-3:], strict=True):
        within = network["context_within"]["characters"]
        what = f"{within} on" if within else "no context up to 32 on"
        assert row.startswith(f"{network['cell']}: within 0.01 nats/char of all from {what} (standard error ")
    assert [len(each["gradient_norm"]) for each in report["clipping"]] == [6, 6]
    assert [each["clip"] for each in report["clipping"]] == [None, 1]
    first = [each["gradient_norm"][0] for each in report["clipping"]]
    assert first[0] == first[1]
    assert f"       1 to 1{first[0]:10.1e}{first[0]:10.1e}" in clipping
    assert "without clipping: largest norm" in clipping


def test_a_checkpoint_is_measured_and_nothing_trained(folder: Path, charrnn: Callable) -> None:
    done = charrnn(*OWN)
    assert (done.code, done.err) == (0, "corpus: cats, 222 characters measured, of its validation part\n")
    report = json.loads(charrnn(*OWN, "--json").out)
    (network,) = report["networks"]
    assert (network["cell"], network["hidden"], report["clipping"]) == ("lstm", 4, [])
    assert network["gradient_norm"]["untrained"] != network["gradient_norm"]["trained"]
    assert "lstm: " in done.out
    assert "clipping" not in done.out


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
