"""What is known of a long text that was read before."""

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from charrnn.files import replace_text
from charrnn.text.reading import Source


@dataclass(frozen=True)
class Survey:
    """What a text is made of."""

    length: int
    characters: str
    """The distinct ones, in the order of their code points."""
    sha256: str
    labels: tuple[str, ...] = ()
    """Of items."""


class Notes:
    """What was found in a text, noted in a folder beside its ids, so that a long text is not read again to go on with
    it. The files of the text are known by their names, sizes and times of change, which ``Notes`` looks up when it is
    made: before the text is read."""

    def __init__(self, folder: Path, sources: Sequence[Source], how: object) -> None:
        """``how``: everything else that decides what is read."""
        self.folder = folder
        names = [os.path.abspath(source.name) for source in sources]
        self._path = folder / f"{_digest(names, how)}.json"
        self._state = _digest([_state(source) for source in sources])

    def survey(self) -> Survey | None:
        """What is noted, where the files have not changed since."""
        try:
            noted = json.loads(self._path.read_text("utf-8"))
            if noted.pop("state") != self._state:
                return None
            return Survey(**noted | {"labels": tuple(noted["labels"])})
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def note(self, survey: Survey) -> None:
        replace_text(self._path, json.dumps({"state": self._state, **asdict(survey)}))


def _state(source: Source) -> object:
    """What changes when a source does: its content, or the size and time of change of its file."""
    if source.content is not None:
        return hashlib.sha256(source.content).hexdigest()
    found = os.stat(source.name)
    return [found.st_size, found.st_mtime_ns, found.st_ino]


def _digest(*values: object) -> str:
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()
