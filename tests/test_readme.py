"""The examples of the README and of ``RUN``, the pages after it, run in this order on a small text and network; and
the steps of docs/tour.md on the text that it names, with a small network."""

import os
import random
import re
import shlex
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from charrnn import load_checkpoint

ROOT = Path(__file__).parent.parent
README, TOUR = ((ROOT / name).read_text("utf-8") for name in ("README.md", "docs/tour.md"))
RUN = ("how-to", "see", "run-folder")
*PAGES, CHECKPOINT, LIBRARY = (
    (ROOT / "docs" / f"{name}.md").read_text("utf-8") for name in (*RUN, "checkpoint", "library")
)
ELSEWHERE = ("pip install", "corpus fetch", "writer.")
"""What needs the network, or PyTorch; each has a test of its own."""


def blocks(text: str, kind: str) -> list[str]:
    """The blocks of code of one kind in a document."""
    return re.findall(rf"^```{kind}\n(.*?)^```$", text, re.S | re.M)


PICTURES = re.findall(r"!\[[^]]*\]\(([^)]+)\)", TOUR)
PYTHON = blocks(README, "python")
needs_bash = pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
SMALL = (
    "--set model.hidden=4 --set training.batch=2 --set training.window=8 --set training.validate_every=200 "
    "--set snapshots.length=50 --set compute.workers=1"
)
SHORT = "--set training.iterations=200"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the texts that the README names."""
    path = tmp_path_factory.mktemp("readme")
    (path / "cache").mkdir()
    rng = random.Random(1)
    words = ["The", "It", "was", "and", "prince", "caf\xe9", "said,\n", '"No!"', "river"]
    text = " ".join(rng.choices(words, k=2000))
    for name in ("my.txt", "war-and-peace.txt", "tiny-shakespeare.txt", "cache/war-and-peace.txt"):
        (path / name).write_text(text, "utf-8")
    (path / "new.txt").write_text(text.replace("r", "\xdf"), "utf-8")
    (path / "old.txt").write_text(text, "latin-1")
    names = ["".join(rng.choices(["Mar", "an", "to", "li"], k=rng.randint(1, 4))) for _ in range(400)]
    (path / "names.txt").write_text("\n".join(names))
    (path / "poems.txt").write_text("\n\n".join(f"{name}\n{name[::-1]}" for name in names))
    quotes = [f'"{name}, {name[::-1]}",{rng.choice(["Tolstoy", "Gogol"])}\n' for name in names]
    (path / "quotes.csv").write_text(f"text,author\n{''.join(quotes)}")
    (path / "recipes").mkdir()
    for number, name in enumerate(names):
        (path / "recipes" / f"{number}.txt").write_text(f"{name}\n\n{name[::-1]}\n")
    return path


def small(command: str) -> str:
    """A command with a network, a text and a length that take a moment, unless it says a length itself."""
    command = command.partition(" #")[0]
    if "charrnn suggest" in command:
        return command.replace("--minutes 10", "--minutes 0.6")
    command, after = re.fullmatch(r"(.*charrnn.*?|.*)((?: [|>] .*)?)", command).groups()
    if "charrnn gradients" in command:
        command += " --steps 20 --positions 50"
        if "--checkpoint" not in command:
            command += f"{'' if '.txt' in command else ' my.txt'} --iterations 5 {SMALL}"
    elif "charrnn train" in command:
        command = re.sub(r"--minutes \d+", "--minutes 0.02", command)
        length = "" if "training.iterations" in command or "--minutes" in command else SHORT
        part = "--set corpus.validation=0.01" if "manual.txt" in command else ""
        command = f"{command} {SMALL} {length} {part}"
    command = re.sub("charrnn (neurons|gates)", r"charrnn \1 --length 1500", command)
    return command.replace("--unit 0:166", "--unit 0:1") + after


def run_in(folder: Path, *documents: str) -> None:
    """The commands of documents, one after the other; each must succeed."""
    lines = [line for text in documents for block in blocks(text, "sh") for line in block.splitlines()]
    assert len(lines) > 12
    commands = [small(line) for line in lines if not any(words in line for words in ELSEWHERE)]
    python = shlex.quote(sys.executable)
    script = "\n".join([f'charrnn() {{ {python} -m charrnn "$@"; }}', f'python3() {{ {python} "$@"; }}', *commands])
    shell = ["bash", "-euo", "pipefail", "-c", script]
    env = os.environ | {"CHARRNN_CACHE": "cache"}
    done = subprocess.run(shell, cwd=folder, env=env, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.fixture(scope="module")
def toured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of its own for the steps of the tour, which ``walked`` takes."""
    return tmp_path_factory.mktemp("tour")


@pytest.fixture(scope="module")
def walked(folder: Path, toured: Path) -> Path:
    """The same folder after the commands of the README and of the pages after it. What does not need what another wrote
    runs beside it."""
    how_to, *others = PAGES
    with ThreadPoolExecutor() as side_by_side:
        tour = side_by_side.submit(run_in, toured, TOUR)
        run_in(folder, README)
        walks = [tour, side_by_side.submit(run_in, folder, *others)]
        run_in(folder, how_to)
        for walk in walks:
            walk.result()
    return folder


@needs_bash
def test_commands_run_one_after_the_other(walked: Path) -> None:
    assert "It was " in (walked / "out.txt").read_text("utf-8")
    made = {path.name for path in (walked / "runs").iterdir()}
    assert {"my", "piped", "gru", "other", "often", "old", "war-and-peace", "minute", "tuned"} <= made


@needs_bash
@pytest.mark.usefixtures("walked")
def test_the_tour_can_be_walked(toured: Path) -> None:
    shown = {Path(name).name for name in PICTURES}
    assert {path.name for path in toured.glob("*.svg")} == shown - {"unrolled.svg", "lstm.svg", "report.png"}
    assert (toured / "report.html").exists()
    assert re.search(r"^trained$.*^median.*^that rnn", (toured / "gradients.txt").read_text("utf-8"), re.S | re.M)


def test_pictures_are_there() -> None:
    for name in PICTURES:
        assert (ROOT / "docs" / name).is_file()


@pytest.mark.parametrize("block", PYTHON)
def test_library_example(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys, block: str) -> None:
    monkeypatch.chdir(folder)
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
def test_a_checkpoint_is_read_with_numpy_alone(walked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(walked)
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
