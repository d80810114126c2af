"""A run is a folder:

config.yaml              the resolved settings, enough to start the same run again
corpus.txt               the text, where it came by standard input
metrics.jsonl            one line per report
baseline.json            what counting and compressing make of the validation part, where that was asked for
snapshots/000100.txt     the sample taken at iteration 100
checkpoints/             last.npz, best.npz, and iteration-000100.npz for each snapshot (weights only)

``last.prev.npz`` there is the one before the last. A process that writes the folder holds ``.lock``, and its number
stands in ``.writer``. Beside the folder, for all runs there, ``.ids`` holds the ids of long texts; it may be removed
when none is running.
"""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from filelock import FileLock, Timeout

from charrnn.errors import CheckpointError, DamagedCheckpointError, RunError
from charrnn.files import replace_file, replace_text, unfinished
from charrnn.settings.schema import Settings
from charrnn.storage.checkpoint import (
    BEST,
    LAST,
    PREVIOUS,
    Checkpoint,
    checkpoint_name,
    kept_iterations,
    load_first,
)
from charrnn.storage.snapshot import Snapshot

DAMAGED = "last.damaged.npz"
SECONDS_TO_LOCK = 0.25
"""``Run.is_going_on`` elsewhere holds the lock for a small part of this."""
Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def _named_errors(method: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Turns the operating system's refusals into one sentence that names the file."""

    @wraps(method)
    def checked(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        try:
            return method(*args, **kwargs)
        except OSError as error:
            raise RunError(f"{error.filename or args[0]}: {error.strerror}; the run cannot go on there") from None

    return checked


class Run:
    """The only code that knows the layout of a run folder."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.config = self.folder / "config.yaml"
        self.corpus = self.folder / "corpus.txt"
        self.ids = self.folder.parent / ".ids"
        self.last = self.folder / "checkpoints" / LAST
        self._metrics = self.folder / "metrics.jsonl"
        self._snapshots = self.folder / "snapshots"
        self._checkpoints = self.folder / "checkpoints"
        self._baseline = self.folder / "baseline.json"
        self._made = (self._metrics, self._baseline, self._snapshots, self._checkpoints)
        self._writer = self.folder / ".writer"
        self._lock = FileLock(self.folder / ".lock", timeout=0)

    def __str__(self) -> str:
        return str(self.folder)

    @property
    def exists(self) -> bool:
        """Whether the folder holds a run."""
        return self.config.exists()

    def is_going_on(self) -> bool:
        """Whether a process holds the folder, or nobody can tell. Holds it itself for a moment to find out, which
        keeps no writer out."""
        if not os.path.exists(self._lock.lock_file):
            return False
        try:
            with self._lock:
                return False
        except (Timeout, OSError):
            return True

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Holds the folder, which is made, for this process alone; may be entered within itself. The lock ends with the
        process, however that ends, and what that left half written is removed by the next. Raises RunError where
        another one holds it."""
        self._acquire()
        try:
            self._take_over()
            yield
        finally:
            self._lock.release()

    @_named_errors
    def _acquire(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            self._lock.acquire(timeout=SECONDS_TO_LOCK)
        except Timeout:
            raise RunError(
                f"{str(self)!r} is being written by process {self._holder()}; wait for it, stop it, or name another "
                "folder with --run"
            ) from None

    @_named_errors
    def _take_over(self) -> None:
        self._writer.write_text(f"{os.getpid()}\n", "utf-8")
        for folder in (self.folder, self._snapshots, self._checkpoints):
            for file in unfinished(folder):
                file.unlink()

    def _holder(self) -> str:
        try:
            return self._writer.read_text("utf-8", errors="replace").strip()
        except OSError:
            return "unknown"

    @_named_errors
    def check_exists(self) -> None:
        """Raises RunError where there is no run to go on with."""
        if not self.exists:
            raise RunError(f"{str(self)!r} holds no run to resume; leave out --resume to start one")

    @_named_errors
    def check_free(self, force: bool = False) -> None:
        """Raises RunError where a new run would overwrite something: another run, unless it may be replaced, or a file
        that no run made."""
        if self.folder.exists() and not self.folder.is_dir():
            raise RunError(f"{str(self)!r} is a file; name a folder with --run")
        if self.exists and not force:
            raise RunError(
                f"{str(self)!r} already holds a run; continue it with --resume, replace it with --force, or name "
                "another folder with --run"
            )
        in_the_way = [path.name for path in (self.corpus, *self._made) if path.is_file() or any(path.glob("*"))]
        if in_the_way and not self.exists:
            raise RunError(f"{str(self)!r} holds {in_the_way[0]!r} but no run; name another folder with --run")

    @_named_errors
    def create(self, settings: Settings, force: bool = False) -> None:
        """Makes the folder of a new run. With ``force``, a run that it holds, and nothing else in it, is removed."""
        with self.writing():
            self.check_free(force)
            kept = {Path(path).resolve() for path in settings.corpus.path}
            written = (self._metrics, self._baseline, self.corpus)
            for file in (*written, *self._snapshot_files(), *self._checkpoint_files()):
                if file.resolve() not in kept:
                    file.unlink(missing_ok=True)
            for folder in (self._snapshots, self._checkpoints):
                folder.mkdir(parents=True, exist_ok=True)
            replace_text(self.config, settings.to_yaml())

    @_named_errors
    def last_checkpoint(self) -> Checkpoint:
        """The checkpoint to go on from: the last, or where that is damaged the one before it, with a warning."""
        self.check_exists()
        there = [path for path in (self.last, self._checkpoints / PREVIOUS) if path.exists()]
        if not there:
            raise RunError(f"{str(self)!r} was stopped before it saved anything; start it again with --force")
        return load_first(there)

    @_named_errors
    def cut_back(self, iteration: int, settings: Settings) -> None:
        """Removes what the run wrote after an iteration, before it was stopped: going on from there will write it
        again. Takes note of the settings it goes on with. The best checkpoint stays, whenever it was made."""
        with self.writing():
            kept = [row for row in self.metrics() if row["iteration"] <= iteration]
            replace_text(self._metrics, "".join(json.dumps(row) + "\n" for row in kept))
            for file in (*self._snapshot_files(), *kept_iterations(self.folder).values()):
                if int(file.stem.removeprefix("iteration-")) > iteration:
                    file.unlink()
            self._put_away_damaged()
            replace_text(self.config, settings.to_yaml())

    def _put_away_damaged(self) -> None:
        """Takes a damaged ``last`` out of its place, so that it does not become the one before the last."""
        try:
            load_first([self.last])
        except DamagedCheckpointError:
            os.replace(self.last, self._checkpoints / DAMAGED)
        except CheckpointError:  # it is missing
            pass

    @_named_errors
    def keep_corpus(self, content: bytes) -> None:
        """Keeps a text that came by standard input, so that the run can be resumed."""
        replace_file(self.corpus, lambda file: file.write(content))

    @_named_errors
    def save(self, checkpoint: Checkpoint, name: str) -> Path:
        """Saves a checkpoint as ``last``, ``best`` or the name of a snapshot's. Before the last, which training goes on
        from, what was reported is brought to the disk, and the one before is kept."""
        path = self._checkpoints / name
        if name == LAST and self._metrics.exists():
            with open(self._metrics, "ab") as file:
                os.fsync(file.fileno())
        checkpoint.save(path, previous=self._checkpoints / PREVIOUS if name == LAST else None)
        return path

    @_named_errors
    def report(self, row: Mapping[str, Any]) -> None:
        """Appends a line to the metrics."""
        with open(self._metrics, "a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")

    @_named_errors
    def keep(self, snapshot: Snapshot, checkpoint: Checkpoint) -> None:
        """Keeps a snapshot and its weights."""
        self.save(checkpoint.weights_only(), checkpoint_name(snapshot.iteration))
        replace_text(self._snapshots / f"{snapshot.iteration:06d}.txt", snapshot.to_file())

    @_named_errors
    def metrics(self) -> list[dict[str, Any]]:
        """The lines of metrics.jsonl; one that a crash cut short is passed over."""
        rows = []
        if self._metrics.exists():
            for line in self._metrics.read_text("utf-8", errors="replace").splitlines():
                with suppress(ValueError, RecursionError):
                    row = json.loads(line)
                    if isinstance(row, dict) and isinstance(row.get("iteration"), int):
                        rows.append(row)
        return rows

    @_named_errors
    def keep_baseline(self, baseline: Mapping[str, Any]) -> None:
        """Keeps what a network has to beat, nats per character by name under ``nats_per_character``."""
        replace_text(self._baseline, json.dumps(baseline) + "\n")

    @_named_errors
    def baseline(self) -> dict[str, float]:
        """Nats per character by name, as they were kept; none where they were not, or cannot be understood."""
        with suppress(FileNotFoundError, ValueError, RecursionError, KeyError, TypeError, AttributeError):
            kept = json.loads(self._baseline.read_text("utf-8"))["nats_per_character"]
            return {str(name): float(loss) for name, loss in kept.items()}
        return {}

    @_named_errors
    def snapshots(self) -> list[Snapshot]:
        """All snapshots, in the order of their iterations."""
        if not self.exists:
            raise RunError(f"{str(self)!r} holds no run; give a folder made by charrnn train")
        found = []
        for path in self._snapshot_files():
            try:
                with open(path, encoding="utf-8", newline="") as file:
                    found.append(Snapshot.from_file(file.read()))
            except (ValueError, KeyError):
                raise RunError(f"snapshot {str(path)!r} is damaged; remove it") from None
        return found

    def _snapshot_files(self) -> list[Path]:
        numbered = (path for path in self._snapshots.glob("*.txt") if path.stem.isdecimal())
        return sorted(numbered, key=lambda path: int(path.stem))

    def _checkpoint_files(self) -> list[Path]:
        named = [self._checkpoints / name for name in (LAST, PREVIOUS, DAMAGED, BEST)]
        return [*named, *kept_iterations(self.folder).values()]
