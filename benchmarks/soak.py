"""A long training that is killed again and again, beside the same one left in peace.

    python3 benchmarks/soak.py FOLDER --minutes 60

Both save every ``--save`` iterations and keep their weights every 500; one is killed (SIGKILL) once a minute, at a
moment drawn at random, and started again with --resume. At the end the weights that both have kept must be the same,
byte for byte. Prints what happened.
"""

import argparse
import random
import subprocess
import sys
import time
from pathlib import Path

from charrnn import Run
from charrnn.layout import CHECKPOINTS

SETTINGS = """
model: {hidden: 64}
training: {iterations: 100000000, batch: 16, window: 32, schedule: constant, validate_every: 250}
snapshots: {every: 500, length: 20}
compute: {workers: 1}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description="A long training that is killed again and again.")
    parser.add_argument("folder", type=Path, help="where to train; must not exist")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--every", type=float, default=60, help="seconds between kills, on average; default: 60")
    parser.add_argument("--save", type=int, default=100, help="iterations between saves; default: 100")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True)
    config = arguments.folder / "soak.yaml"
    config.write_text(f"{SETTINGS}checkpoints: {{every: {arguments.save}}}\n")
    peace, killed = arguments.folder / "peace", arguments.folder / "killed"

    rng = random.Random(0)
    end = time.monotonic() + 60 * arguments.minutes
    kills = lost = 0
    undisturbed = start(config, peace, errors=subprocess.DEVNULL)
    process = start(config, killed)
    while (left := end - time.monotonic()) > 0:
        try:
            process.wait(min(left, arguments.every * rng.uniform(0.5, 1.5)))
            sys.exit(f"the run ended by itself with {process.returncode}")
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        kills += 1
        before = last_report(killed)
        process = start(config, killed, resume=Run(killed).last.exists())
        lost += max(0, before - resumed_at(process))
    for each in (process, undisturbed):
        each.terminate()
        each.wait()

    both = sorted({path.name for path in kept(peace)} & {path.name for path in kept(killed)})
    differing = [name for name in both if len({(run / CHECKPOINTS / name).read_bytes() for run in (peace, killed)}) > 1]
    print(
        f"{arguments.minutes:g} minutes, {kills} kills, {last_report(killed):,} iterations, of which {lost:,} were "
        f"done again; {len(both)} weights compared with the undisturbed run's ({last_report(peace):,} iterations): "
        f"{len(differing)} differ"
    )
    sys.exit(bool(differing) or not both)


def start(config: Path, run: Path, resume: bool = False, errors: int = subprocess.PIPE) -> "subprocess.Popen[str]":
    how = ["--resume"] if resume else ["--config", str(config), "--force"]
    return subprocess.Popen(
        [sys.executable, "-m", "charrnn", "train", "--run", str(run), *how],
        stdout=subprocess.DEVNULL,
        stderr=errors,
        text=True,
    )


def resumed_at(process: "subprocess.Popen[str]") -> int:
    """The iteration that a run says it goes on from."""
    assert process.stderr
    for line in process.stderr:
        if line.startswith("run: "):
            return int(line.rpartition("iteration ")[2]) if "iteration " in line else 0
    sys.exit(f"the run did not go on: {process.wait()}")


def last_report(run: Path) -> int:
    """The latest iteration in a run's metrics."""
    return max((row["iteration"] for row in Run(run).metrics()), default=0)


def kept(run: Path) -> list[Path]:
    return list((run / CHECKPOINTS).glob("iteration-*.npz"))


if __name__ == "__main__":
    main()
