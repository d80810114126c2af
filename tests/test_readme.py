"""The examples of the README and of the pages after it; ``walk.py`` runs their commands."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from walk import PAGES, README, ROOT, TOUR, Walk, blocks, write_texts

from charrnn import load_checkpoint

CHECKPOINT, LIBRARY = ((ROOT / "docs" / f"{name}.md").read_text("utf-8") for name in ("checkpoint", "library"))
PICTURES = re.findall(r"!\[[^]]*\]\(([^)]+)\)", TOUR)
PYTHON = blocks(README, "python")
needs_bash = pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")


@needs_bash
def test_commands_run_one_after_the_other(walked: Walk) -> None:
    assert "It was " in (walked.folder / "out.txt").read_text("utf-8")
    made = {path.name for path in (walked.folder / "runs").iterdir()}
    assert {"my", "piped", "gru", "other", "often", "old", "war-and-peace", "minute", "tuned"} <= made


@needs_bash
def test_the_tour_can_be_walked(walked: Walk) -> None:
    toured = walked.toured
    shown = {Path(name).name for name in PICTURES}
    assert {path.name for path in toured.glob("*.svg")} == shown - {"unrolled.svg", "lstm.svg", "report.png"}
    assert (toured / "report.html").exists()
    assert re.search(r"^trained$.*^median.*^that rnn", (toured / "gradients.txt").read_text("utf-8"), re.S | re.M)


def test_pictures_are_there() -> None:
    for name in PICTURES:
        assert (ROOT / "docs" / name).is_file()


@pytest.mark.parametrize("block", PYTHON)
def test_library_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys, block: str) -> None:
    write_texts(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert len(block.strip().splitlines()) <= 12
    shortened = block.replace('"iterations": 300', '"iterations": 2')
    assert shortened != block
    exec(compile(shortened, "README.md", "exec"), {})
    assert len(capsys.readouterr().out) >= 200


def test_a_network_of_pytorch_is_brought_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    (example,) = (block for page in PAGES for block in blocks(page, "python") if "writer.pt" in block)
    exec(compile(example, "how-to.md", "exec"), {"__name__": "example"})
    lines = [line for page in PAGES for block in blocks(page, "sh") for line in block.splitlines() if "writer." in line]
    assert len(lines) == 2
    for line in lines:
        done = subprocess.run([sys.executable, "-m", *shlex.split(line)], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("The ")
    assert set(done.stdout) <= set(load_checkpoint("writer.npz").model.vocabulary.characters)


@needs_bash
def test_a_checkpoint_is_read_with_numpy_alone(walked: Walk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(walked.folder)
    said: dict[str, Any] = {}
    for block in blocks(CHECKPOINT, "python"):
        assert set(re.findall(r"^(?:import|from) (\w+)", block, re.M)) <= {"json", "numpy"}
        exec(compile(block, "checkpoint.md", "exec"), said)
    model = load_checkpoint("runs/my").model
    ids, state = model.vocabulary.encode("\nIt wa"), model.network.zero_state(1)
    for n in range(len(ids)):
        logits = model.network.step(model.parameters, ids[n : n + 1], state)[0]
    np.testing.assert_allclose(said["probabilities"], np.exp(logits) / np.exp(logits).sum(), atol=1e-6)


def test_the_walk_through_the_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    said: dict[str, Any] = {}
    outputs = []
    for block in blocks(LIBRARY, "python"):
        exec(compile(block.replace("200", "20").replace("300", "30"), "library.md", "exec"), said)
        outputs.append(capsys.readouterr().out)
    assert [bool(output) for output in outputs] == ["print(" in block for block in blocks(LIBRARY, "python")]
    assert (tmp_path / "runs" / "library" / "checkpoints" / "best.npz").exists()
    assert said["trainer"].progress.iteration == 30
    by_hand, by_difference = re.findall(r"^(?:backward|difference) +(\S+)$", "".join(outputs), re.M)
    assert float(by_hand) == pytest.approx(float(by_difference), rel=1e-5)


def test_the_readme_is_short() -> None:
    assert len(README.split()) <= 1200


def test_every_recipe_is_named() -> None:
    for recipe in (ROOT / "configs").glob("*.yaml"):
        assert recipe.stem in README
