"""The facts of a run as TensorBoard reads them."""

import time
from pathlib import Path
from typing import Any

from charrnn.errors import RunError
from charrnn.extras import load_extra
from charrnn.storage.snapshot import Snapshot
from charrnn.training.facts import Evaluation, Fact, Saved, Step


class EventFile:
    """Writes facts to an event file of its own in a folder: numbers as scalars over the iteration, samples as text.

    The file is made with the first fact. TensorBoard then hides what older files in the folder hold from that iteration
    on, as when a run that was stopped goes on from its checkpoint.
    """

    def __init__(self, folder: Path) -> None:
        self._writers = load_extra("tensorboardX.event_file_writer")
        self._events = load_extra("tensorboardX.proto.event_pb2")
        self._summary = load_extra("tensorboardX.summary")
        self._folder = folder
        self._file: Any = None
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunError(
                f"{str(folder)!r} cannot hold event files: {error.strerror}", "name another folder"
            ) from None

    def write(self, fact: Fact) -> None:
        """Writes what a fact says; raises OSError."""
        if self._file is None:
            if not isinstance(fact, Step):  # of a run that has ended: nothing is written again
                return
            self._begin(fact.iteration)
        match fact:
            case Step():
                self._scalar("loss/training", fact.loss, fact.iteration)
                for name in ("gradient_norm", "learning_rate", "characters_per_second"):
                    self._scalar(name, getattr(fact, name), fact.iteration)
            case Evaluation():
                self._scalar(f"loss/{fact.part}", fact.loss, fact.iteration)
                self._file.flush()
            case Snapshot():
                # TensorBoard renders Markdown, in which an indented text stands as it is.
                text = "".join(f"    {line}\n" for line in fact.text.split("\n"))
                self._write(self._summary.text("sample", text), fact.iteration)
                if fact.real_words is not None:
                    self._scalar("real_words", fact.real_words, fact.iteration)
            case Saved():
                self._file.flush()

    def close(self) -> None:
        """Brings everything to the disk."""
        if self._file is not None:
            self._file.close()

    def _begin(self, iteration: int) -> None:
        self._file = self._writers.EventsWriter(str(self._folder / "events"), f".{iteration}")
        start = self._events.SessionLog(status=self._events.SessionLog.START)
        self._file.write_event(self._events.Event(step=iteration, session_log=start, wall_time=time.time()))

    def _scalar(self, name: str, value: float, iteration: int) -> None:
        self._write(self._summary.scalar(name, value), iteration)

    def _write(self, summary: Any, iteration: int) -> None:
        self._file.write_event(self._events.Event(step=iteration, summary=summary, wall_time=time.time()))
