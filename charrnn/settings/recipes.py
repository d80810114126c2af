"""Settings from recipes, checked against the registries."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from charrnn.errors import SettingsError
from charrnn.nn.cells import CELLS
from charrnn.nn.initialisers import INITIALISERS
from charrnn.optim.clipping import CLIPS
from charrnn.optim.optimizers import OPTIMIZERS
from charrnn.optim.schedules import SCHEDULES
from charrnn.settings.schema import KNOWN, ModelSettings, Settings, from_file, from_mapping, resolve
from charrnn.settings.yamlfile import Entry
from charrnn.text.corpus import Corpus, load_corpus
from charrnn.text.vocabulary import Vocabulary

DEFAULT_RECIPE = "quick"

NAMES: dict[str, Collection[str]] = {
    "model.cell": CELLS,
    "model.initialisation": INITIALISERS,
    "training.optimizer": OPTIMIZERS,
    "training.schedule": SCHEDULES,
    "training.clip_kind": CLIPS,
}
"""The settings that name an entry of a registry."""


def load_settings(*configs: str, **sections: Mapping[str, Any]) -> Settings:
    """Settings from recipes or YAML files, later ones winning, and then from sections given as dictionaries:

    ``load_settings("quick", training={"iterations": 200})``. With no file the recipe is ``quick``.
    Raises SettingsError with every mistake in one message.
    """
    layers = [from_file(config) for config in configs or [DEFAULT_RECIPE]]
    return resolve([*layers, from_mapping(sections, "load_settings")], NAMES)


_OPEN_SECTIONS = ("snapshots", "checkpoints")
_OPEN = {
    *("corpus.path", "compute.workers", "training.iterations", "training.epochs", "training.minutes"),
    *("training.learning_rate", "training.final_rate", "training.clip", "training.report", "training.validate_every"),
}
"""What may change when a run goes on. The rest would need other arrays or another text, or is what the run is about."""

_ARCHITECTURE = ("cell", "layers", "hidden", "embedding")
"""Settings of the model that say which arrays it has."""


def corpus_of(
    settings: Settings,
    standard_input: bytes | None = None,
    cache: Path | None = None,
    known: Vocabulary | None = None,
) -> Corpus:
    """The corpus that settings name, for a network that knows some characters already; see ``load_corpus``."""
    c = settings.corpus
    return load_corpus(
        c.path,
        encoding=c.encoding,
        newline=c.newline,
        validation=c.validation,
        test=c.test,
        characters=known.characters if known else "",
        standard_input=standard_input,
        cache=cache,
    )


def initialised_settings(
    model: ModelSettings, layers: Sequence[Sequence[Entry]], assignments: Sequence[Entry]
) -> Settings:
    """The settings of a run that begins with a network that is there already. Its architecture stands over ``layers``,
    of which assignments are one, its other settings stand under them. Raises SettingsError for an assignment that asks
    for another architecture."""
    own = model.model_dump()
    architecture = {f"model.{name}": own[name] for name in _ARCHITECTURE}
    wrong = [
        f"{key} is {value!r}, and the network to begin with has {architecture[key]!r}; leave it out ({origin})"
        for key, value, origin in assignments
        if key in architecture and value != architecture[key]
    ]
    if wrong:
        raise SettingsError("\n".join(wrong))
    origin = "the network to begin with"
    return resolve([from_mapping({"model": own}, origin), *layers, from_mapping(architecture, origin)], NAMES)


def resume_settings(of_run: Settings, layers: Sequence[Sequence[Entry]]) -> Settings:
    """A run's own settings with what is set anew over them; raises SettingsError for what has to stay."""
    own = of_run.model_dump()
    settings = resolve([from_mapping(own, "the run"), *layers], NAMES)
    new = settings.model_dump()
    fixed = []
    for key in KNOWN:
        section, _, name = key.partition(".")
        if own[section][name] != new[section][name] and not (key in _OPEN or section in _OPEN_SECTIONS):
            fixed.append(f"{key} is {own[section][name]!r} in this run and cannot change when it goes on; leave it out")
    if fixed:
        raise SettingsError("\n".join(fixed))
    return settings
