"""A run: a folder that one process at a time writes, and checkpoints read from it. ``layout.py`` says what is where."""

import json
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from charrnn import layout
from charrnn.arguments import as_path
from charrnn.errors import CheckpointError, RunError, SettingsError
from charrnn.files import name_of, replace_file, replace_text
from charrnn.settings.overlays import Overlay, from_file, resolve
from charrnn.settings.runs import edits
from charrnn.settings.schema import Settings
from charrnn.storage.checkpoint import Checkpoint, first_whole, read_checkpoint
from charrnn.storage.folder import WrittenFolder, named_errors
from charrnn.storage.migrations import as_today
from charrnn.storage.records import Status, read_baseline, read_rows, read_status
from charrnn.storage.snapshot import Snapshot


def load_checkpoint(path: str | Path, at: int | None = None) -> Checkpoint:
    """Loads a checkpoint from a file, or from a run folder: its best (its last, where none was validated), or the
    weights kept with the snapshot at iteration ``at``. Where the best is damaged, the last takes its place, with a
    CharRNNWarning.

    A file holds only the names of the corpus files; of one in a run folder, the settings have the whole paths.

    Raises DamagedCheckpointError for what is not a whole checkpoint, CheckpointError for what cannot be found or read.
    """
    path = as_path(path, "the run folder or checkpoint file", CheckpointError)
    try:
        if path.is_dir():
            return Run(path).best_checkpoint() if at is None else Run(path).checkpoint_at(at)
    except OSError as error:
        raise CheckpointError(f"checkpoint {str(path)!r} cannot be read: {error.strerror or error}") from None
    if at is not None:
        raise CheckpointError(f"{str(path)!r} is no folder", "{at} picks from a run folder")
    checkpoint = read_checkpoint(path)
    folder = Path(os.path.abspath(path)).parent
    return Run(folder.parent).with_paths(checkpoint) if folder.name == layout.CHECKPOINTS else checkpoint


class Run(WrittenFolder):
    """The folder of a run. Nothing else writes there."""

    def __init__(self, folder: str | Path) -> None:
        super().__init__(as_path(folder, "the folder of a run", RunError))
        self.config = self.folder / layout.CONFIG
        self.corpus = self.folder / layout.CORPUS
        self.ids = self.folder.parent / layout.IDS
        self._metrics = self.folder / layout.METRICS
        self._baseline = self.folder / layout.BASELINE
        self._status = self.folder / layout.STATUS
        self._snapshots = self.folder / layout.SNAPSHOTS
        self._checkpoints = self.folder / layout.CHECKPOINTS
        self.last = self._checkpoints / layout.LAST
        self._resumable = self.last, self._checkpoints / layout.PREVIOUS
        self.resumed_from = self.last
        """The checkpoint to go on from, as it was last read or saved: where the last is damaged, the one before it."""
        self._parts = self._snapshots, self._checkpoints

    @property
    def exists(self) -> bool:
        """Whether the folder holds a run."""
        return self.config.exists()

    @property
    def is_resumable(self) -> bool:
        """Whether it has saved something that training can go on from."""
        return any(path.exists() for path in self._resumable)

    @property
    def _is_ours(self) -> bool:
        """Whether a run of ours made the folder: it says so itself, or its settings are a run's."""
        if self._is_claimed:
            return True
        with suppress(RunError, SettingsError):
            self.settings()
            return layout.is_run(self.folder)
        return False

    @named_errors
    def check_exists(self) -> None:
        """Raises RunError where there is no run to go on with."""
        if not self.exists:
            raise RunError(f"{str(self)!r} holds no run to resume", "leave out {resume} to start one")

    @named_errors
    def check_free(self, force: bool = False) -> None:
        """Raises RunError where a new run would overwrite another run, unless ``force`` allows that, or a file that no
        run made."""
        if self.folder.exists() and not self.folder.is_dir():
            raise RunError(f"{str(self)!r} is a file", "name a folder with {run}")
        if self.exists and not self._is_ours:
            raise RunError(
                f"{str(self)!r} holds a {layout.CONFIG!r} that no run of charrnn made", "name another folder with {run}"
            )
        if self.exists and not force:
            raise RunError(
                f"{str(self)!r} already holds a run",
                "continue it with {resume}, replace it with {force}, or name another folder with {run}",
            )
        made = (self.corpus, self._metrics, self._baseline, self._status, self._snapshots, self._checkpoints)
        in_the_way = [path.name for path in made if path.is_file() or any(path.glob("*"))]
        if in_the_way and not self.exists:
            raise RunError(f"{str(self)!r} holds {in_the_way[0]!r} but no run", "name another folder with {run}")

    @named_errors
    def create(self, settings: Settings, force: bool = False) -> None:
        """Makes the folder of a new run. With ``force``, a run that is there is removed, and no other file with it."""
        with self.writing():
            self.check_free(force)
            kept = {Path(path).resolve() for path in settings.corpus.path}
            written = (self._metrics, self._baseline, self._status, self.corpus)
            named = (layout.LAST, layout.PREVIOUS, layout.DAMAGED, layout.BEST)
            checkpoints = [*(self._checkpoints / name for name in named), *self.kept().values()]
            for file in (*written, *self._snapshot_files(), *checkpoints):
                if file.resolve() not in kept:
                    file.unlink(missing_ok=True)
            for folder in (self._snapshots, self._checkpoints):
                folder.mkdir(parents=True, exist_ok=True)
            self._claim_folder()
            replace_text(self.config, settings.to_yaml())

    @named_errors
    def settings(self) -> Settings:
        """The settings in config.yaml, which have whole paths. Raises RunError where there is no run, SettingsError
        where they cannot be read."""
        self._check_made()
        return resolve([self._config()])

    @named_errors
    def edits(self, checkpoint: Checkpoint) -> Overlay:
        """What config.yaml sets otherwise than the checkpoint from which the run goes on: what somebody has changed
        there. Raises SettingsError where it cannot be read."""
        return edits(self._config(), checkpoint.settings)

    def _config(self) -> Overlay:
        return as_today(from_file(str(self.config)))

    @named_errors
    def last_checkpoint(self) -> Checkpoint:
        """The checkpoint to go on from: the last, or where that is damaged the one before it, with a CharRNNWarning."""
        self.check_exists()
        there = [path for path in self._resumable if path.exists()]
        if not there:
            kept = self.kept()
            begin = (
                f", or a run that begins with its weights of iteration {max(kept)}, with {{init_from}}" if kept else ""
            )
            raise RunError(
                f"{str(self)!r} ended before it saved anything that training could go on from",
                f"start it again with {{force}}{begin}",
            )
        self.resumed_from, checkpoint = first_whole(there)
        return self.with_paths(checkpoint)

    def best_checkpoint(self) -> Checkpoint:
        """The one with the lowest validation loss, or the last, where none was validated or the best is damaged."""
        names = (layout.BEST, layout.LAST, layout.PREVIOUS)
        there = [self._checkpoints / name for name in names if (self._checkpoints / name).is_file()]
        if not there:
            raise CheckpointError(
                f"folder {str(self)!r} holds no checkpoint", "give a run folder made by charrnn train"
            )
        return self.with_paths(first_whole(there)[1])

    def checkpoint_at(self, iteration: int) -> Checkpoint:
        """The weights kept with the snapshot of an iteration."""
        kept = self.kept()
        if iteration not in kept:
            there = ", ".join(map(str, kept)) or "none"
            raise CheckpointError(f"run {str(self)!r} kept no weights at iteration {iteration}; there are: {there}")
        return self.with_paths(read_checkpoint(kept[iteration]))

    def with_paths(self, checkpoint: Checkpoint) -> Checkpoint:
        """A checkpoint of this run, with the paths that config.yaml has in the place of the names in its settings. The
        names stay where config.yaml has others, or cannot be read."""
        try:
            own = self.settings()
        except (RunError, SettingsError):
            return checkpoint
        settings, origin = checkpoint.settings, own.training.init_from
        if [name_of(path) for path in own.corpus.path] == settings.corpus.path:
            settings = settings.changed(corpus={"path": self._found(own.corpus.path)})
        if origin and name_of(origin) == settings.training.init_from:
            settings = settings.changed(training={"init_from": origin})
        return replace(checkpoint, settings=settings)

    def _found(self, paths: list[str]) -> list[str]:
        """The paths of the corpus; that of the text which the run itself keeps also after the folder was moved, even
        where another run now keeps its text in the old place."""
        kept = os.path.abspath(self.corpus)
        if kept in paths or not self.corpus.exists():
            return paths
        called = [path for path in paths if name_of(path) == layout.CORPUS]
        own = [path for path in called if not os.path.exists(path)] or called[:1]
        return [kept if path in own else path for path in paths]

    @named_errors
    def cut_back(self, iteration: int, settings: Settings) -> None:
        """Removes what the run wrote after an iteration, which going on from there will write again, and keeps the
        settings it goes on with. The best checkpoint stays, even where it was made later."""
        with self.writing():
            self._status.unlink(missing_ok=True)
            kept = [row for row in self.metrics() if row["iteration"] <= iteration]
            replace_text(self._metrics, "".join(json.dumps(row) + "\n" for row in kept))
            snapshots = {int(file.stem): file for file in self._snapshot_files()}
            for files in (snapshots, self.kept()):
                for made_at, file in files.items():
                    if made_at > iteration:
                        file.unlink()
            if self.resumed_from != self.last and self.last.exists():  # so that the next save does not keep it
                os.replace(self.last, self._checkpoints / layout.DAMAGED)
            self._claim_folder()
            replace_text(self.config, settings.to_yaml())

    def with_later_best(self, checkpoint: Checkpoint) -> Checkpoint:
        """A checkpoint that knows of a best one which the run made after it: with other settings the run does not come
        to that network again, and it stays until there is a better one."""
        with suppress(CheckpointError):
            best, progress = read_checkpoint(self._checkpoints / layout.BEST).progress, checkpoint.progress
            if best.iteration > progress.iteration and best.best_loss is not None:
                known = replace(progress, best_iteration=best.iteration, best_loss=best.best_loss)
                return replace(checkpoint, progress=known)
        return checkpoint

    @named_errors
    def keep_corpus(self, content: bytes) -> None:
        """Keeps a text that came by standard input, to resume from."""
        replace_file(self.corpus, lambda file: file.write(content))

    @named_errors
    def save(self, checkpoint: Checkpoint, name: str) -> Path:
        """Saves a checkpoint under one of the names in ``layout.py``. With ``LAST``, from which training goes on, the
        metrics are brought to the disk first, and the save before it is kept."""
        path = self._checkpoints / name
        if name == layout.LAST and self._metrics.exists():
            with open(self._metrics, "ab") as file:
                os.fsync(file.fileno())
        checkpoint.save(path, previous=self._checkpoints / layout.PREVIOUS if name == layout.LAST else None)
        if name == layout.LAST:
            self.resumed_from = path
        return path

    @named_errors
    def report(self, row: Mapping[str, Any]) -> None:
        """Appends a line to the metrics."""
        with open(self._metrics, "a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")

    @named_errors
    def keep(self, snapshot: Snapshot, checkpoint: Checkpoint) -> None:
        """Keeps a snapshot and its weights."""
        self.save(checkpoint.weights_only(), layout.weights_name(snapshot.iteration))
        replace_text(self._snapshots / layout.snapshot_name(snapshot.iteration), snapshot.to_file())

    @named_errors
    def metrics(self) -> list[dict[str, Any]]:
        """The lines of metrics.jsonl, without any that a crash cut short."""
        return read_rows(self._metrics)

    @named_errors
    def note(self, status: Status) -> None:
        """Keeps how far training is, in the place of what was noted before."""
        replace_text(self._status, status.to_json())

    @named_errors
    def noted(self) -> Status | None:
        """What training noted last of how far it is; None where that is nothing, or cannot be read. A run that was
        killed still says here that it runs: whether it does, ``is_going_on`` tells."""
        return read_status(self._status)

    @named_errors
    def keep_baseline(self, baseline: Mapping[str, Any]) -> None:
        """Keeps the losses that a network has to beat: under ``nats_per_character``, a loss by name of what has it."""
        replace_text(self._baseline, json.dumps(baseline) + "\n")

    @named_errors
    def baseline(self) -> dict[str, float]:
        """The losses that were kept, nats per character by name; none where none were kept, or cannot be read."""
        return read_baseline(self._baseline)

    @named_errors
    def snapshots(self) -> list[Snapshot]:
        """All snapshots, in the order of their iterations."""
        self._check_made()
        found = []
        for path in self._snapshot_files():
            try:
                with open(path, encoding="utf-8", newline="") as file:
                    found.append(Snapshot.from_file(file.read()))
            except (ValueError, KeyError):
                raise RunError(f"snapshot {str(path)!r} is damaged", "remove it") from None
        return found

    def _check_made(self) -> None:
        if not self.exists:
            raise RunError(f"{str(self)!r} holds no run", "give a folder made by charrnn train")

    def _snapshot_files(self) -> list[Path]:
        numbered = (path for path in self._snapshots.glob("*.txt") if path.stem.isdecimal())
        return sorted(numbered, key=lambda path: int(path.stem))

    def kept(self) -> dict[int, Path]:
        """The weights kept with snapshots, by iteration, in order."""
        files = {path.stem.removeprefix("iteration-"): path for path in self._checkpoints.glob("iteration-*.npz")}
        numbered = {int(number): path for number, path in files.items() if re.fullmatch("[0-9]{1,12}", number)}
        return dict(sorted(numbered.items()))
