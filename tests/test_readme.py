"""The examples of the README, docs/how-to.md and docs/see.md run, in this order, on a small text and network."""

import os
import random
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README, *DOCS = ((ROOT / name).read_text("utf-8") for name in ("README.md", "docs/how-to.md", "docs/see.md"))
BLOCKS = re.findall(r"```(sh|python)\n(.*?)```", "".join([README, *DOCS]), re.S)
ELSEWHERE = ("pip install", "corpus fetch", "--plot")
"""What needs the network, or an extra that the tests do without; each has a test of its own."""
COMMANDS = [
    line
    for kind, block in BLOCKS
    if kind == "sh"
    for line in block.splitlines()
    if not any(words in line for words in ELSEWHERE)
]
PYTHON = [block for kind, block in BLOCKS if kind == "python"]
SMALL = "--set model.hidden=4 --set training.batch=2 --set training.window=8 --set training.validate_every=400"
SHORT = "--set training.iterations=400"


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
    return path


def small(command: str) -> str:
    """A training command with a network and a length that take a moment, unless it says a length itself."""
    command = command.partition(" #")[0]
    if "charrnn suggest" in command:
        return command.replace("--minutes 10", "--minutes 0.6")
    if command == "charrnn gradients":
        return f"{command} my.txt --steps 20 --positions 50 --iterations 5 {SMALL}"
    if "charrnn train" not in command:
        return re.sub("charrnn (neurons|gates)", r"charrnn \1 --length 1500", command)
    command = re.sub(r"--minutes \d+", "--minutes 0.02", command)
    length = "" if "training.iterations" in command or "--minutes" in command else SHORT
    redirect = re.search(r" > \S+$", command)
    end = redirect.start() if redirect else len(command)
    return f"{command[:end]} {SMALL} {length}{command[end:]}"


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_commands_run_one_after_the_other(folder: Path) -> None:
    assert len(COMMANDS) > 12
    script = "\n".join([f'charrnn() {{ {shlex.quote(sys.executable)} -m charrnn "$@"; }}', *map(small, COMMANDS)])
    shell = ["bash", "-euo", "pipefail", "-c", script]
    env = os.environ | {"CHARRNN_CACHE": "cache"}
    done = subprocess.run(shell, cwd=folder, env=env, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr[-2000:]
    assert "It was " in (folder / "out.txt").read_text("utf-8")
    made = {path.name for path in (folder / "runs").iterdir()}
    assert {"my", "piped", "gru", "other", "often", "old", "war-and-peace", "minute", "tuned"} <= made


@pytest.mark.parametrize("block", PYTHON)
def test_library_example(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys, block: str) -> None:
    monkeypatch.chdir(folder)
    assert len(block.strip().splitlines()) <= 12
    shortened = block.replace('"iterations": 300', '"iterations": 2')
    assert shortened != block
    exec(compile(shortened, "README.md", "exec"), {})
    assert len(capsys.readouterr().out) >= 200


def test_every_recipe_is_named() -> None:
    for recipe in (ROOT / "configs").glob("*.yaml"):
        assert recipe.stem in README
