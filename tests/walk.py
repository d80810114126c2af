"""The commands of the README and of ``RUN``, the pages after it, run in this order on a small text and network, then
the steps of docs/tour.md on the text that it names, with a small network. A process of its own runs them, beside the
tests that do not look at it."""

import os
import random
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
README, TOUR = ((ROOT / name).read_text("utf-8") for name in ("README.md", "docs/tour.md"))
RUN = ("how-to", "see", "run-folder")
PAGES = [(ROOT / "docs" / f"{name}.md").read_text("utf-8") for name in RUN]
ELSEWHERE = ("pip install", "corpus fetch", "writer.")
"""What needs the network, or PyTorch; each has a test of its own."""
SMALL = (
    "--set model.hidden=4 --set training.batch=2 --set training.window=8 --set training.validate_every=200 "
    "--set snapshots.length=50 --set compute.workers=1"
)
SHORT = "--set training.iterations=40"


def blocks(text: str, kind: str) -> list[str]:
    """The blocks of code of one kind in a document."""
    return re.findall(rf"^```{kind}\n(.*?)^```$", text, re.S | re.M)


def write_texts(path: Path) -> None:
    """Writes the texts that the README and the pages after it name."""
    (path / "cache").mkdir()
    rng = random.Random(1)
    words = ["The", "It", "was", "and", "prince", "caf\xe9", "said,\n", '"No!"', "river"]
    text = " ".join(rng.choices(words, k=2000))
    for name in ("my.txt", "war-and-peace.txt", "tiny-shakespeare.txt", "cache/war-and-peace.txt"):
        (path / name).write_text(text, "utf-8")
    (path / "new.txt").write_text(text.replace("r", "\xdf"), "utf-8")
    (path / "old.txt").write_text(text, "latin-1")
    names = ["".join(rng.choices(["mar", "an", "to", "li"], k=rng.randint(1, 4))) for _ in range(400)]
    (path / "names.txt").write_text("\n".join(names))
    (path / "poems.txt").write_text("\n\n".join(f"{name}\n{name[::-1]}" for name in names))
    quotes = [f'"{name}, {name[::-1]}",{rng.choice(["Tolstoy", "Gogol"])}\n' for name in names]
    (path / "quotes.csv").write_text(f"text,author\n{''.join(quotes)}")
    (path / "recipes").mkdir()
    for number, name in enumerate(names):
        (path / "recipes" / f"{number}.txt").write_text(f"{name}\n\n{name[::-1]}\n")


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
        command = re.sub(r"--minutes \d+", "--minutes 0.02", command).replace("iterations=2000", "iterations=400")
        length = "" if "training.iterations" in command or "--minutes" in command else SHORT
        part = "--set corpus.validation=0.01" if "manual.txt" in command else ""
        command = f"{command} {SMALL} {length} {part}"
    command = re.sub("charrnn (neurons|gates)", r"charrnn \1 --length 1500", command)
    return command.replace("--unit 0:166", "--unit 0:1") + after


def commands(*documents: str) -> list[str]:
    """The commands of documents, made small."""
    lines = [line for text in documents for block in blocks(text, "sh") for line in block.splitlines()]
    assert len(lines) > 12
    return [small(line) for line in lines if not any(words in line for words in ELSEWHERE)]


class Walk:
    """Where the commands run, and the process that runs them."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.toured = folder / "walked", folder / "toured"
        self.folder.mkdir()
        self.toured.mkdir()
        write_texts(self.folder)
        self._said = folder / "stderr.txt"
        python = shlex.quote(sys.executable)
        script = [
            f'charrnn() {{ {python} -m charrnn "$@"; }}',
            f'python3() {{ {python} "$@"; }}',
            f"cd {shlex.quote(str(self.folder))}",
            *commands(README, *PAGES),
            f"cd {shlex.quote(str(self.toured))}",
            *commands(TOUR),
        ]
        with self._said.open("wb") as said:
            self._process = subprocess.Popen(
                ["bash", "-euo", "pipefail", "-c", "\n".join(script)],
                env=os.environ | {"CHARRNN_CACHE": "cache"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=said,
                start_new_session=True,
            )

    def end(self) -> None:
        """Waits for the last command; each must have succeeded."""
        assert self._process.wait() == 0, self._said.read_text("utf-8")[-2000:]

    def stop(self) -> None:
        """Ends what still runs."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
