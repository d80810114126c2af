"""Training on a text that does not fit in memory, in a process that is refused more."""

import subprocess
import sys
from pathlib import Path

import pytest

MB = 1 << 20
ROOM, TEXT = 16 * MB, 32 * MB

CHILD = r"""
import re, resource, sys
from pathlib import Path
from charrnn import Run, Trainer, load_settings, make_corpus
from charrnn.text import ids
from charrnn.settings.build import build_corpus

room, mapped = int(sys.argv[1]), sys.argv[2] == "mapped"
settings = load_settings(
    "quick",
    corpus={"path": ["long.txt"], "validation": 0.05},
    model={"hidden": 4},
    training={"iterations": 2, "batch": 64, "window": 64},
    snapshots={"at": [2], "length": 20},
    compute={"workers": 1},
)

def train(name, load):
    run = Run(name)
    run.create(settings, force=True)
    for fact in Trainer(settings, load(run), run).train():
        print(fact)

train("short", lambda run: make_corpus("the cat 123\n" * 1000))  # what it takes with any text
used = 1024 * int(re.search(r"VmData:\s*(\d+) kB", Path("/proc/self/status").read_text())[1])
resource.setrlimit(resource.RLIMIT_DATA, (used + room, used + room))
ids.MAPPED_FROM = 1
print("loading")
train("long", lambda run: build_corpus(settings, cache=run.ids if mapped else None))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With a text of few words, as counting them is what takes long."""
    path = tmp_path_factory.mktemp("memory")
    line = "the cat sat on the mat. " + "0123456789" * 100 + "\n"
    (path / "long.txt").write_text(line * (TEXT // len(line) + 1))
    return path


@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit on memory that leaves out mapped files")
@pytest.mark.parametrize("ids", ["mapped", "in memory"])
def test_a_text_larger_than_memory_is_learnt_when_its_ids_are_mapped(folder: Path, ids: str) -> None:
    command = [sys.executable, "-c", CHILD, str(ROOM), ids]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    facts = done.stdout.partition("loading\n")[2]
    if ids == "mapped":
        assert done.returncode == 0, done.stderr
        assert all(f"{kind}(iteration=2, " in facts for kind in ("Step", "Evaluation", "Snapshot", "Saved"))
        assert ", real_words=" in facts
    else:
        assert "MemoryError" in done.stderr
        assert facts == ""
