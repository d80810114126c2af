"""A run is a folder:

config.yaml              the resolved settings, enough to start the same run again
corpus.txt               the text, where it came by standard input
metrics.jsonl            one line per report
snapshots/000100.txt     the sample taken at iteration 100
checkpoints/             last.npz, best.npz, and iteration-000100.npz for each snapshot (weights only)

Beside it, for all runs there, ``.ids`` holds the ids of long texts; it may be removed when none is running.
"""

import json
import os
from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from charrnn.checkpoint import Checkpoint, checkpoint_name, kept_iterations, load_checkpoint
from charrnn.config import Settings
from charrnn.errors import RunError
from charrnn.training.snapshots import Snapshot

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
        self._metrics = self.folder / "metrics.jsonl"
        self._snapshots = self.folder / "snapshots"
        self._checkpoints = self.folder / "checkpoints"
        self._made = (self._metrics, self._snapshots, self._checkpoints)

    def __str__(self) -> str:
        return str(self.folder)

    @property
    def exists(self) -> bool:
        """Whether the folder holds a run."""
        return self.config.exists()

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
        in_the_way = [path.name for path in (self.corpus, *self._made) if path.exists()]
        if in_the_way and not self.exists:
            raise RunError(f"{str(self)!r} holds {in_the_way[0]!r} but no run; name another folder with --run")

    @_named_errors
    def create(self, settings: Settings, force: bool = False) -> None:
        """Makes the folder of a new run. With ``force``, a run that it holds, and nothing else in it, is removed."""
        self.check_free(force)
        kept = {Path(path).resolve() for path in settings.corpus.path}
        for file in (self.config, self._metrics, self.corpus, *self._snapshot_files(), *self._checkpoint_files()):
            if file.resolve() not in kept:
                file.unlink(missing_ok=True)
        for folder in (self._snapshots, self._checkpoints):
            folder.mkdir(parents=True, exist_ok=True)
        self.config.write_text(settings.to_yaml(), "utf-8")

    @_named_errors
    def last_checkpoint(self) -> Checkpoint:
        """The checkpoint to go on from."""
        if not self.exists:
            raise RunError(f"{str(self)!r} holds no run to resume; leave out --resume to start one")
        last = self._checkpoints / "last.npz"
        if not last.exists():
            raise RunError(f"{str(self)!r} was stopped before it saved anything; start it again with --force")
        return load_checkpoint(last)

    @_named_errors
    def cut_back(self, iteration: int, settings: Settings) -> None:
        """Removes what the run wrote after an iteration, before it was stopped: going on from there will write it
        again. Takes note of the settings it goes on with."""
        kept = [row for row in self.metrics() if row["iteration"] <= iteration]
        beside = self._metrics.with_suffix(".tmp")
        beside.write_text("".join(json.dumps(row) + "\n" for row in kept), "utf-8")
        os.replace(beside, self._metrics)
        for file in (*self._snapshot_files(), *kept_iterations(self.folder).values()):
            if int(file.stem.removeprefix("iteration-")) > iteration:
                file.unlink()
        best = self._checkpoints / "best.npz"
        if best.exists() and load_checkpoint(best).progress.iteration > iteration:
            best.unlink()
        for unfinished in self._checkpoints.glob(".*.npz.*"):
            unfinished.unlink()
        self.config.write_text(settings.to_yaml(), "utf-8")

    @_named_errors
    def keep_corpus(self, content: bytes) -> None:
        """Keeps a text that came by standard input, so that the run can be resumed."""
        self.corpus.write_bytes(content)

    @_named_errors
    def save(self, checkpoint: Checkpoint, name: str) -> Path:
        """Saves a checkpoint as ``last``, ``best`` or the name of a snapshot's."""
        path = self._checkpoints / name
        checkpoint.save(path)
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
        path = self._snapshots / f"{snapshot.iteration:06d}.txt"
        path.write_text(snapshot.to_file(), "utf-8", newline="")

    @_named_errors
    def metrics(self) -> list[dict[str, Any]]:
        """The lines of metrics.jsonl; one that a crash cut short is passed over."""
        rows = []
        if self._metrics.exists():
            for line in self._metrics.read_text("utf-8").splitlines():
                try:
                    rows.append(json.loads(line))
                except ValueError:
                    continue
        return rows

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
        named = [self._checkpoints / "last.npz", self._checkpoints / "best.npz"]
        return [*named, *kept_iterations(self.folder).values()]
