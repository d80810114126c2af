"""What is known of a long text that was read before."""

import hashlib
import json
import os
import unicodedata
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field, TypeAdapter

from charrnn.files import replace_text
from charrnn.text.reading import Source
from charrnn.version import __version__


@dataclass(frozen=True)
class Contents:
    """What a text is made of."""

    length: Annotated[int, Field(ge=0)]
    characters: str
    """The distinct ones, in the order of their code points."""
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    labels: tuple[str, ...] = ()
    """Of items."""


@dataclass(frozen=True)
class _Note:
    state: str
    """Of the files of the text, when it was read."""
    contents: Contents


_NOTE = TypeAdapter(_Note)


class Notes:
    """What was found in a text, noted in a folder beside its ids, so that a long text is not read again to go on with
    it. The files of the text are known by their names, sizes and times of change, which are looked up when ``Notes``
    are made: before the text is read."""

    def __init__(self, folder: Path, sources: Sequence[Source], how: object) -> None:
        """``how``: everything else that decides what is read."""
        self.folder = folder
        names = [os.path.abspath(source.name) for source in sources]
        self._path = folder / f"{_digest(names, how, __version__, unicodedata.unidata_version)}.json"
        self._state = _digest([_state(source) for source in sources])

    def contents(self) -> Contents | None:
        """What is noted, where the files have not changed since."""
        with suppress(OSError, ValueError, RecursionError):
            note = _NOTE.validate_json(self._path.read_bytes(), strict=False)
            return note.contents if note.state == self._state else None
        return None

    def note(self, contents: Contents) -> None:
        """Notes it; where that cannot be done, the text is read again next time."""
        with suppress(OSError):
            replace_text(self._path, json.dumps(asdict(_Note(self._state, contents))))


def _state(source: Source) -> object:
    """What changes when a source does: its content, or the size and times of change of its file; nothing of a file that
    is not there, which whoever reads it says."""
    if source.content is not None:
        return hashlib.sha256(source.content).hexdigest()
    with suppress(OSError):
        found = os.stat(source.name)
        return [found.st_size, found.st_mtime_ns, found.st_ctime_ns]
    return None


def _digest(*values: object) -> str:
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()
