"""How ``charrnn train`` begins with a text that is larger than memory should be, and how it goes on with it.

    python3 benchmarks/large_text.py runs/large [TEXT] [--size 10]

Makes a text of so many GB by repeating one, by default Python's reference manual, trains a few iterations on it, and
goes on for a few more; then it removes the text, its ids and the run. The seconds are those until the first iteration
is done. Memory is the peak of the process: all pages that it had at the same time, also those of mapped files, which
the system may take back at any time, and those of its own alone. For Linux. Prints Markdown.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from common import machine, table
from corpus_speed import repeat

from charrnn.text.corpus import python_manual

GB = 10**9
ITERATIONS = 20
SETTINGS = {
    "compute.workers": 1,
    "training.report": 1,
    "training.validate_every": ITERATIONS,
    "training.evaluate_characters": 1_000_000,
    "corpus.test": 0.1,
    "snapshots.at": [],
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Seconds and memory with a very long text.")
    parser.add_argument("folder", type=Path, help="where there is room for twice the text")
    parser.add_argument("text", nargs="?", help="UTF-8; default: Python's reference manual")
    parser.add_argument("--size", type=float, default=10, metavar="GB")
    arguments = parser.parse_args()
    folder = arguments.folder
    folder.mkdir(parents=True)
    try:
        unit = Path(arguments.text).read_text("utf-8") if arguments.text else python_manual()
        started = time.perf_counter()
        repeat(unit, folder / "large.txt", round(arguments.size * GB))
        print(f"{machine()}.\nA text of {arguments.size:g} GB, made in {time.perf_counter() - started:.0f} s.\n")
        first = ["train", str(folder / "large.txt"), "--run", str(folder / "run")]
        rows = [
            [what, *measured([*command, "--set", f"training.iterations={iterations}"], folder / "run", begun)]
            for what, command, begun, iterations in (
                ("begun", [*first, *(f"--set={key}={value}" for key, value in SETTINGS.items())], 0, ITERATIONS),
                ("gone on with", ["train", "--run", str(folder / "run"), "--resume"], ITERATIONS, 2 * ITERATIONS),
            )
        ]
        header = ["the run is", "seconds to the first iteration", "to the end", "MB of memory", "of its own"]
        print(table(header, rows))
    finally:
        shutil.rmtree(folder)


def measured(arguments: list[str], run: Path, begun: int) -> list[str]:
    """Seconds until an iteration beyond ``begun`` is reported, and until the end; the most memory, in MB, of all kinds
    and of the process alone."""
    started, first = time.perf_counter(), 0.0
    process = subprocess.Popen(
        [sys.executable, "-m", "charrnn", *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    most = dict.fromkeys(("VmHWM", "RssAnon"), 0)
    status, metrics = Path(f"/proc/{process.pid}/status"), run / "metrics.jsonl"
    while process.poll() is None:
        found = status.read_text()
        for name in most:
            if match := re.search(rf"{name}:\s+(\d+) kB", found):
                most[name] = max(most[name], int(match[1]) * 1024)
        if not first and metrics.exists() and any(row > begun for row in reported(metrics)):
            first = time.perf_counter() - started
        time.sleep(0.05)
    total = time.perf_counter() - started
    assert process.stderr
    said = process.stderr.read()
    if process.returncode:
        sys.exit(said)
    print("\n".join(line for line in said.splitlines() if line.startswith(("corpus:", "time:", "test"))) + "\n")
    return [f"{first:.1f}", f"{total:.1f}", *(f"{size / 10**6:,.0f}" for size in most.values())]


def reported(metrics: Path) -> list[int]:
    """The iterations that a run has reported."""
    lines = metrics.read_text().splitlines(keepends=True)
    return [json.loads(line)["iteration"] for line in lines if line.endswith("\n")]


if __name__ == "__main__":
    main()
