"""Settings come in overlays, each laid over the ones before: a recipe, a file, what is set by name.

Of each setting the last value given counts. What comes out is validated once, and all mistakes come in one message,
each with the place it was read from.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from os import PathLike, fspath
from typing import Any, get_args

import numpy as np
from pydantic import ValidationError

from charrnn.arguments import as_path
from charrnn.errors import SettingsError, did_you_mean
from charrnn.settings.recipes import recipes
from charrnn.settings.schema import ITERATIONS, LENGTHS, MEANINGS, TEXTS, Settings
from charrnn.settings.yamlfile import MAX_CHARACTERS, Entry, read_settings, read_value

_LENGTHS = tuple(f"training.{name}" for name in LENGTHS)
"""Settings that replace one another: an overlay that sets one unsets the others."""

_OUR_WORDS = {
    "a valid integer": "a whole number",
    "a valid number": "a number",
    "a valid string": "a text",
    "a valid list": "a list",
    "a valid boolean": "true or false",
    "greater than or equal to": "at least",
    "less than or equal to": "at most",
}
"""For what Pydantic says."""


@dataclass(frozen=True)
class Overlay:
    """Some settings, each with the place it was read from."""

    entries: tuple[Entry, ...]
    describes_run: bool = False
    """Whether it describes a run as a whole, as a recipe does, rather than set a few things by name. It takes the place
    of the default recipe, and gives way where a network to begin with has another architecture."""


def from_file(path_or_name: str | PathLike[str]) -> Overlay:
    """The settings of a YAML file, or of a recipe by its bare name."""
    known, given = recipes(), as_path(path_or_name, "the recipe or settings file", SettingsError)
    path_or_name = str(path_or_name)
    path = known.get(path_or_name, given)
    try:
        with open(path, encoding="utf-8-sig") as file:
            entries = read_settings(file.read(MAX_CHARACTERS + 1), path.name)
    except OSError as error:
        if path.name == path_or_name and not path.suffix:
            there = f"there are {', '.join(known)}{did_you_mean(path_or_name, known)}"
            raise SettingsError(f"no recipe is called {path_or_name!r}", there) from None
        problem = "does not exist" if isinstance(error, FileNotFoundError) else f"cannot be read: {error.strerror}"
        recipe = f", or use the recipe {path.stem!r}" if path.stem in known else ""
        raise SettingsError(f"settings file {path_or_name!r} {problem}", f"check the path{recipe}") from None
    except UnicodeDecodeError as error:
        raise SettingsError(
            f"settings file {path_or_name!r} is not UTF-8: {error.reason} at byte {error.start}", "save it as UTF-8"
        ) from None
    return Overlay(tuple(entries), describes_run=True)


def from_settings(settings: Settings, origin: str = "the settings given") -> Overlay:
    """Those of the settings that were set, rather than left at their defaults."""
    entries = (
        Entry(f"{section}.{key}", getattr(values, key), origin)
        for section, values in settings
        if section in settings.model_fields_set
        for key in sorted(values.model_fields_set)
    )
    return Overlay(tuple(entries), describes_run=True)


def from_assignments(assignments: Iterable[str], origin: str) -> Overlay:
    """Settings written as ``training.batch=50``. ``origin`` says in messages where they were written.

    A value is YAML; of a setting that holds a text, it is the text as it stands unless that is in quotation marks.
    """
    entries = []
    for assignment in assignments:
        key, equals, value = assignment.partition("=")
        if not equals:
            raise SettingsError(f"{origin} {assignment!r} has no =", "write KEY=VALUE, such as training.batch=50")
        key = key.strip()
        read = _read_text if key in TEXTS else read_value
        entries.append(Entry(key, read(value, f"{origin} {assignment}"), origin))
    return Overlay(tuple(entries))


def _read_text(text: str, name: str) -> str:
    if text[:1] in ("'", '"'):
        try:
            return str(read_value(text, name))
        except SettingsError:  # the text begins with a quotation mark and is no YAML
            return text
    return text


def from_mapping(settings: Mapping[str, Any], origin: str) -> Overlay:
    """The settings of a dictionary, nested by section or with dotted keys. ``origin`` says in messages whose it is."""
    entries = []
    for key, value in settings.items():
        if isinstance(value, Mapping) and value:
            entries += [Entry(f"{key}.{name}", _plain(inner), origin) for name, inner in value.items()]
        else:
            entries.append(Entry(key, None if value == {} else _plain(value), origin))
    return Overlay(tuple(entries))


def _plain(value: Any) -> Any:
    """A value as a settings file would give it: numbers of NumPy, paths, tuples and ranges are there in Python only."""
    if isinstance(value, list | tuple | range):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        return value.item()
    return fspath(value) if isinstance(value, PathLike) else value


def set_by(overlays: Iterable[Overlay]) -> set[str]:
    """The settings that overlays set, such as ``training.batch``."""
    return {entry.key for overlay in overlays for entry in overlay.entries}


def resolve(overlays: Iterable[Overlay]) -> Settings:
    """The settings that overlays give together, later ones winning. Raises SettingsError with every mistake, a line
    each."""
    merged: dict[str, Entry] = {}
    for overlay in overlays:
        if any(entry.key in _LENGTHS and entry.value is not None for entry in overlay.entries):
            for key in _LENGTHS:
                merged.pop(key, None)
        merged |= {entry.key: entry for entry in overlay.entries}

    mistakes = [_unknown(entry) for key, entry in merged.items() if key not in MEANINGS and not _empty_section(entry)]
    nested: dict[str, dict[str, Any]] = {section: {} for section in Settings.model_fields}
    for key, entry in merged.items():
        if key in MEANINGS:
            section, _, name = key.partition(".")
            nested[section][name] = entry.value
    if all(nested["training"].get(name) is None for name in LENGTHS):
        nested["training"]["iterations"] = ITERATIONS

    try:
        settings = Settings.model_validate(nested)
    except ValidationError as errors:
        mistakes += [_mistake(error, merged) for error in errors.errors()]
    if mistakes:
        raise SettingsError("\n".join(mistakes))
    return settings


def _mistake(error: Any, merged: Mapping[str, Entry]) -> str:
    key = ".".join(map(str, error["loc"][:2]))
    message: str = error["msg"].removeprefix("Value error, ").replace("Input should", "it should")
    for theirs, ours in _OUR_WORDS.items():
        message = message.replace(theirs, ours)
    if key not in merged:  # a rule between settings
        return message
    entry = merged[key]
    may_be_none = _takes_none(key) and key not in _LENGTHS and message.startswith("it should be")
    null = ", or null for none" if may_be_none else ""
    return f"{key} is {entry.value!r}: {message}{null} ({entry.origin})"


def _takes_none(key: str) -> bool:
    section, _, name = key.partition(".")
    fields = getattr(Settings.model_fields[section].annotation, "model_fields", {})
    return name in fields and type(None) in get_args(fields[name].annotation)


def _unknown(entry: Entry) -> str:
    if entry.key in Settings.model_fields:
        first = next(key for key in MEANINGS if key.startswith(f"{entry.key}."))
        return f"{entry.key} is a section; set one of its settings, such as {first} ({entry.origin})"
    return f"unknown setting {entry.key!r}{did_you_mean(entry.key, MEANINGS)} ({entry.origin})"


def _empty_section(entry: Entry) -> bool:
    return entry.key in Settings.model_fields and entry.value is None
