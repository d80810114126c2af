"""What makes a document of today's format of one that an older version wrote.

A file names the format it was written in. The rules:

- ``FORMAT`` rises when a field goes away or changes its meaning. ``MIGRATIONS`` then gains the function that turns a
  document of the format before into one of the new format, and the tests a fixture of every new kind of file.
- A field, or a setting, that is added with a default does not raise it; the default must say what was so before.
- A setting that is renamed does not raise it either: ``RENAMED`` gains its old name; nor does one whose value another
  setting says, as ``as_today`` has it.
- A file that holds more than this version knows says that a newer charrnn made it.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from charrnn.files import name_of
from charrnn.settings.overlays import Overlay
from charrnn.storage.archive import ArchiveError

FORMAT = 2

RENAMED: dict[str, str] = {}
"""Dotted names of settings that files of older versions hold, and what they are called now."""


def as_today(settings: Overlay) -> Overlay:
    """All settings of a run as an older version wrote them, under their names of today. ``corpus.split`` was ``end``,
    or ``streams`` for as many pieces as there are streams."""
    values = {entry.key: entry.value for entry in settings.entries}
    pieces = values.get("training.batch") if values.get("corpus.split") == "streams" else 1
    entries = (
        entry._replace(key="corpus.pieces", value=pieces)
        if entry.key == "corpus.split"
        else entry._replace(key=RENAMED.get(entry.key, entry.key))
        for entry in settings.entries
    )
    return replace(settings, entries=tuple(entries))


def migrated(document: dict[str, Any]) -> dict[str, Any]:
    """A document of an older format, made one of today's. Raises ArchiveError where it is not of its own format."""
    for number in range(document["format"], FORMAT):
        try:
            document = MIGRATIONS[number](document) | {"format": number + 1}
        except (KeyError, TypeError, AttributeError):
            raise ArchiveError(f"its document is not one of format {number}") from None
    return document


def _from_1(document: dict[str, Any]) -> dict[str, Any]:
    """Paths become names, so that a file no longer tells where it was made; what the optimizer remembers becomes part
    of what training needs."""
    settings = document["settings"]
    corpus, training = settings["corpus"], settings["training"]
    origin = training["init_from"]
    named = settings | {
        "corpus": corpus | {"path": [name_of(path) for path in corpus["path"]]},
        "training": training | {"init_from": origin and name_of(origin)},
    }
    origins = [_moved(origin, "path", "name", name_of) for origin in document["origins"]]
    return _moved(
        document | {"settings": named, "origins": origins},
        *("optimizer", "training"),
        lambda optimizer: optimizer and _moved(optimizer, "vectors", "optimizer", list),
    )


def _moved(values: dict[str, Any], old: str, new: str, change: Callable[[Any], Any]) -> dict[str, Any]:
    """The values with one of them changed and under another name. Raises KeyError where that is taken."""
    if new in values:
        raise KeyError(new)
    rest = {name: value for name, value in values.items() if name != old}
    return rest | {new: change(values[old])}


MIGRATIONS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {1: _from_1}
"""By the format that each of them reads."""
