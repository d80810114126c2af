"""Kills training at chosen or random moments, lets it resume, and compares how it ends. A program of its own, since it
forks, which a process with threads must not: ``python3 tests/training/kills.py points|power|random FOLDER COUNT``.

points   the process kills itself (SIGKILL) before and after each COUNTth system call of its saves, and in the middle of
         writes
power    the same, and what was written but never brought to the disk by fsync is cut off the files first
random   it is killed from outside, at COUNT random moments, run after run
"""

import hashlib
import io
import json
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import charrnn.files
from charrnn import Run, Trainer, load_settings, make_corpus
from charrnn.errors import RunError
from charrnn.storage.records import Status

CORPUS = make_corpus("".join(chr(97 + i * i % 17) for i in range(200)), validation=0.2)
SETTINGS = load_settings(
    "quick",
    model={"hidden": 6, "layers": 2, "dropout": 0.25},
    training={"iterations": 12, "batch": 4, "window": 9, "report": 1, "validate_every": 4},
    snapshots={"at": [2, 3], "length": 20},
    checkpoints={"every": 1},
    compute={"workers": 1},
)
LONG = SETTINGS.model_copy(update={"training": SETTINGS.training.model_copy(update={"iterations": 60})})
WRITES = 9
"""Of the many writes of a file, each so manieth is a moment to be killed at."""


def train(folder: Path, settings=SETTINGS) -> None:
    """As the command line does: goes on with the run that is there, or begins it."""
    run = Run(folder)
    with run.writing():
        try:
            checkpoint = run.last_checkpoint()
        except RunError:  # nothing was saved yet
            run.create(settings, force=True)
            trainer = Trainer(settings, CORPUS, run)
        else:
            trainer = Trainer(settings, CORPUS, run, checkpoint)
            run.cut_back(trainer.progress.iteration, settings)
        for _ in trainer.train():
            pass


def outcome(folder: Path) -> tuple[str, list[dict], list, Status | None]:
    """SHA-256 of the parameters, metrics but for what a clock measured, snapshots, how it ended."""
    run = Run(folder)
    parameters = run.last_checkpoint().model.parameters.vector
    clocked = ("characters_per_second", "seconds")
    rows = [{key: value for key, value in row.items() if key not in clocked} for row in run.metrics()]
    left = [path.name for path in folder.rglob(".*") if path.name not in (".lock", ".writer")]
    assert not left, left
    return hashlib.sha256(parameters.tobytes()).hexdigest(), rows, run.snapshots(), run.noted()


class Moments:
    """Counts the moments of a process's saves, and kills it at one of them."""

    def __init__(self, kill_at: int | None = None, lose: Path | None = None) -> None:
        self.names: list[str] = []
        self._kill_at = kill_at
        self._lose = lose
        self._synced: dict[int, int] = {}
        self._writes = 0
        for name in ("fsync", "replace", "link"):
            setattr(os, name, self._watched(name, getattr(os, name)))
        charrnn.files.open = self._open

    def _watched(self, name: str, function: Callable) -> Callable:
        def watched(*args):
            self._moment(f"before {name}")
            result = function(*args)
            if name == "fsync":
                status = os.fstat(args[0])
                self._synced[status.st_ino] = status.st_size
            self._moment(f"after {name}")
            return result

        return watched

    def _open(self, path, mode):
        self._moment("before open")
        moments = self

        class Watched(io.FileIO):
            def write(self, data):
                moments._writes += 1
                if moments._writes % WRITES:
                    return super().write(data)
                half = len(data) // 2
                super().write(data[:half])
                moments._moment("in a write")
                return half + super().write(data[half:])

        return Watched(path, mode)

    def _moment(self, name: str) -> None:
        if self._kill_at == len(self.names):
            if self._lose:
                for path in self._lose.rglob("*"):
                    if path.is_file():
                        status = path.stat()
                        os.truncate(path, min(status.st_size, self._synced.get(status.st_ino, 0)))
            os.kill(os.getpid(), signal.SIGKILL)
        self.names.append(name)


def forked(work: Callable[[], None]) -> int:
    """The process id of a copy of this process that does the work and ends."""
    sys.stdout.flush()
    if (pid := os.fork()) == 0:
        try:
            work()
            os._exit(0)
        except BaseException as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
            os._exit(1)
    return pid


def ended(pid: int) -> int:
    """How a process ended: 0, its exit code, or minus the signal that killed it."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def at_points(folder: Path, step: int, power: bool) -> dict:
    """Kills one training at each ``step``th of its moments in turn."""
    whole = folder / "whole"
    names = folder / "names.json"

    def dry() -> None:
        moments = Moments()
        train(whole)
        names.write_text(json.dumps(moments.names))

    assert ended(forked(dry)) == 0
    expected, moments = outcome(whole), json.loads(names.read_text())
    run = folder / "run"
    for k in range(0, len(moments), step):

        def killed(k: int = k) -> None:
            Moments(k, run if power else None)
            train(run)

        assert ended(forked(killed)) == -signal.SIGKILL, moments[k]
        assert ended(forked(lambda: train(run))) == 0, moments[k]
        assert outcome(run) == expected, f"killed {moments[k]}, the {k}th moment"
        shutil.rmtree(run)
    return {"kills": len(moments[::step]), "moments": sorted({*moments[::step]})}


def at_random(folder: Path, count: int) -> dict:
    """Kills run after run, each time resumed, until it was killed so many times in all."""
    whole = folder / "whole"
    started = time.perf_counter()
    assert ended(forked(lambda: train(whole, LONG))) == 0
    longest = time.perf_counter() - started
    expected = outcome(whole)
    rng = random.Random(0)
    kills = runs = 0
    while kills < count:
        run = folder / f"run{runs}"
        while True:
            pid = forked(lambda run=run: train(run, LONG))
            time.sleep(rng.random() * longest / 4)
            os.kill(pid, signal.SIGKILL)
            if (end := ended(pid)) == 0:
                break
            assert end == -signal.SIGKILL, end
            kills += 1
        assert outcome(run) == expected, f"run {runs}"
        runs += 1
        shutil.rmtree(run)
    return {"kills": kills, "runs": runs, "seconds of one": round(longest, 2)}


if __name__ == "__main__":
    how, where, count = sys.argv[1:]
    there = Path(where)
    done = at_random(there, int(count)) if how == "random" else at_points(there, int(count), power=how == "power")
    print(json.dumps(done))
