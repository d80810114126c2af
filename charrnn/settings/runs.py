"""The settings of a run: of a new one, of one that begins with another network, of one that is resumed."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from charrnn.errors import SettingsError
from charrnn.files import name_of
from charrnn.settings.overlays import Overlay, from_file, from_mapping, from_settings, resolve
from charrnn.settings.recipes import DEFAULT_RECIPE
from charrnn.settings.schema import Settings
from charrnn.settings.yamlfile import MAX_CHARACTERS
from charrnn.wording import how_many

_MAY_CHANGE_SECTIONS = ("snapshots.", "checkpoints.")
_MAY_CHANGE = {
    *("corpus.path", "compute.workers", "compute.compiled"),
    *("training.iterations", "training.epochs", "training.minutes"),
    *("training.learning_rate", "training.final_rate", "training.clip", "training.report", "training.validate_every"),
    *("training.patience", "training.early_stop", "training.calibrate", "training.accumulate"),
}
"""What may change when a run is resumed. The rest would need other arrays or another text, or make it another run."""

_ARCHITECTURE = ("cell", "layers", "hidden", "embedding", "skips")
"""Settings of the model that say which arrays it has."""


def load_settings(*configs: str | Path, **sections: Mapping[str, Any]) -> Settings:
    """Settings from recipes or YAML files, later ones winning, and then from sections given as dictionaries:

    ``load_settings("quick", training={"iterations": 200})``. With no file the recipe is ``quick``.
    Raises SettingsError with every mistake in one message.
    """
    return settings_to_start([*map(from_file, configs), from_mapping(sections, "load_settings")])


def settings_to_start(overlays: Sequence[Overlay]) -> Settings:
    """The settings of a new run: the overlays, over the default recipe where none of them describes a run."""
    return resolve(over_default(overlays))


def settings_to_begin(overlays: Sequence[Overlay], network: Settings) -> Settings:
    """The settings of a new run that begins with a trained network, whose own settings are ``network``.

    The network keeps its architecture; its other settings, and the normal form of what it learnt, stand below the
    overlays. Raises SettingsError where another architecture is set by name.
    """
    own = network.model.model_dump()
    architecture = {f"model.{name}": own[name] for name in _ARCHITECTURE}
    wrong = [
        f"{entry.key} is {entry.value!r}, and the network to begin with has {architecture[entry.key]!r}; "
        f"leave it out ({entry.origin})"
        for overlay in overlays
        if not overlay.describes_run
        for entry in overlay.entries
        if entry.key in architecture and entry.value != architecture[entry.key]
    ]
    if wrong:
        raise SettingsError("\n".join(wrong))
    origin = "the network to begin with"
    below = from_mapping({"model": own, "corpus.normalise": network.corpus.normalise}, origin)
    above = from_mapping(architecture, origin)
    return resolve(over_default([below, *overlays, above]))


def settings_to_resume(of_run: Settings, overlays: Sequence[Overlay]) -> Settings:
    """A run's own settings below the overlays, among which what describes a run gives way, as when it began, to the
    architecture of a network that it began with. Raises SettingsError for a change to what has to stay."""
    if of_run.training.init_from is not None:
        overlays = [_without_architecture(overlay) if overlay.describes_run else overlay for overlay in overlays]
    settings = resolve([from_settings(of_run, "the run"), *overlays])
    origins = {entry.key: entry.origin for overlay in overlays for entry in overlay.entries}
    check_same_run(of_run, settings, origins)
    return settings


def _without_architecture(overlay: Overlay) -> Overlay:
    kept = (entry for entry in overlay.entries if entry.key.removeprefix("model.") not in _ARCHITECTURE)
    return replace(overlay, entries=tuple(kept))


def check_readable(settings: Settings) -> None:
    """Raises SettingsError where the file of a run's settings would be longer than one that is read."""
    if (size := len(settings.to_yaml())) > MAX_CHARACTERS:
        raise SettingsError(
            f"the settings would take {size:,} characters, of at most {MAX_CHARACTERS:,}, since corpus.path names "
            f"{how_many(len(settings.corpus.path), 'file')}",
            "name the folder that they are in",
        )


def check_same_run(of_run: Settings, settings: Settings, origins: Mapping[str, str] | None = None) -> None:
    """Raises SettingsError where settings differ from a run's in what has to stay when it goes on. ``origins`` says
    where they were given."""
    new, origins, fixed = settings.by_key(), origins or {}, []
    for key, before in of_run.by_key().items():
        after = new[key]
        may_change = key in _MAY_CHANGE or key.startswith(_MAY_CHANGE_SECTIONS)
        if not may_change and not _same(before, after, is_path=key == "training.init_from"):
            where = f" ({origins[key]})" if key in origins else ""
            change = f"cannot change to {after!r} when it goes on"
            fixed.append(f"{key} is {before!r} in this run and {change}; leave it out{where}")
    if fixed:
        raise SettingsError("\n".join(fixed))


def check_architecture(settings: Settings, network: Settings) -> None:
    """Raises SettingsError where settings have another architecture than a network to begin with."""
    for name in _ARCHITECTURE:
        ours, own = getattr(settings.model, name), getattr(network.model, name)
        if ours != own:
            raise SettingsError(
                f"model.{name} is {ours!r}, and the network to begin with has {own!r}",
                "use start(settings, corpus), which takes that from the network",
            )


def edits(config: Overlay, of_run: Settings) -> Overlay:
    """What a run's settings file sets otherwise than the run itself: what somebody has changed there. Raises
    SettingsError for a file that cannot be used."""
    own, edited = of_run.by_key(), resolve([config]).by_key()
    for settings in (own, edited):  # the same text may be in another place
        settings["corpus.path"] = list(map(name_of, settings["corpus.path"]))
    changed = {key for key in own if own[key] != edited[key]}
    return Overlay(tuple(entry for entry in config.entries if entry.key in changed))


def _same(own: Any, new: Any, is_path: bool) -> bool:
    """Whether two values of a setting mean the same; a run has the full path of what was named by a shorter one."""
    return bool(own == new or (is_path and own and new and os.path.abspath(own) == os.path.abspath(new)))


def over_default(overlays: Sequence[Overlay]) -> list[Overlay]:
    """The overlays, above the default recipe where none of them describes a run."""
    default = [] if any(overlay.describes_run for overlay in overlays) else [from_file(DEFAULT_RECIPE)]
    return [*default, *overlays]
