"""The options that give settings to commands that train or measure training."""

import difflib
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any

import click
from click.shell_completion import CompletionItem

from charrnn.arguments import shown
from charrnn.cli.paths import GivenPath
from charrnn.errors import are_initials
from charrnn.settings.overlays import Overlay, from_assignments, from_file, from_mapping
from charrnn.settings.recipes import recipes
from charrnn.settings.runs import settings_to_start
from charrnn.settings.schema import MEANINGS, Settings
from charrnn.settings.yamlfile import Entry
from charrnn.text.items import KINDS
from charrnn.text.tables import listed


def _recipes(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Completions after ``--config``: the names of recipes, and files."""
    named = [CompletionItem(name) for name in recipes() if name.startswith(incomplete)]
    return [*named, CompletionItem(incomplete, type="file")]


@dataclass(frozen=True)
class SettingsOptions:
    """The settings that a user gives a command: CORPUS, ``--items``, and each ``--config`` and ``--set``."""

    corpus: Sequence[str]
    configs: Sequence[str]
    assignments: Sequence[str]
    items: str | None = None

    def overlays(self, **options: object) -> list[Overlay]:
        """The files in turn, then the assignments together with other options of the command (those that are not None,
        by the name of the training setting), then the corpus."""
        given = tuple(
            Entry(f"training.{name}", value, f"--{name.replace('_', '-')}")
            for name, value in options.items()
            if value is not None
        )
        items = (Entry("corpus.items", self.items, "--items"),) if self.items else ()
        by_name = Overlay(from_assignments(self.assignments, "--set").entries + given + items)
        paths = [from_mapping({"corpus.path": list(self.corpus)}, "the command line")] if self.corpus else []
        return [*map(from_file, self.configs), by_name, *paths]

    def words(self, *more: str) -> list[str]:
        """The same options and CORPUS as words of a command line, with ``more`` assignments."""
        options = {"--items": [self.items] if self.items else [], "--config": self.configs}
        options["--set"] = list(dict.fromkeys([*self.assignments, *more]))
        return [*self.corpus, *(word for name, values in options.items() for value in values for word in (name, value))]

    def settings(self, **options: object) -> Settings:
        """The settings of a new run with these overlays."""
        return settings_to_start(self.overlays(**options))


def settings_options(*, configs: bool = True) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """CORPUS, ``--items``, ``--set`` and, unless the command has no use for it, ``--config``, which the command gets as
    one ``SettingsOptions``, its first argument."""

    def decorated(function: Callable[..., None]) -> Callable[..., None]:
        @wraps(function)
        def command(
            corpus: tuple[str, ...],
            assignments: tuple[str, ...],
            items: str | None,
            configs: tuple[str, ...] = (),
            **options: Any,
        ) -> None:
            function(SettingsOptions(corpus, configs, assignments, items), **options)

        for option in (_ITEMS, _SET, *([_CONFIG] if configs else []), _CORPUS):
            command = option(command)
        return command

    return decorated


def with_way_out(error: click.NoSuchOption) -> click.UsageError:
    """The error about an option that a command does not have, with what says the same: RUN, or, where the command takes
    settings, those that are called nearly so. An option that is spelt nearly so comes first."""
    parameters = error.ctx.command.params if error.ctx else []
    if error.option_name == "--run" and any(p.name in ("run", "runs") for p in parameters):
        return click.UsageError("No such option '--run'; RUN stands without it, as in runs/war-and-peace", error.ctx)
    takes_settings = any(p.name == "assignments" for p in parameters)
    word = error.option_name.lstrip("-").replace("-", "_")
    meant = _meant(word) if takes_settings else []
    options = [option for p in parameters for option in p.opts]
    misspelt = not any(key.endswith(f".{word}") for key in meant) and difflib.get_close_matches(
        error.option_name, options, 1, cutoff=0.8
    )
    if misspelt or not meant:
        return error
    ways = " or ".join(f"--set {key}=VALUE" for key in meant)
    return click.UsageError(f"No such option {error.option_name!r}; it is a setting: {ways}", error.ctx)


def field_hint(columns: Sequence[str]) -> str:
    """How a table with these columns is learnt."""
    if len(columns) > 1:
        return f"--set corpus.field=COLUMN learns one of its columns, which are {listed(columns)}"
    setting = shlex.quote(f"corpus.field={columns[0]}")
    return f"--set {setting} learns its column {shown(columns[0])}"


def _meant(word: str) -> list[str]:
    """The settings that somebody may mean by a word: of this name, with these initials, with a name that is part of the
    word, or with one that is spelt nearly so; those of the first kind that there are."""
    names = {key: key.partition(".")[2] for key in MEANINGS}
    by_name = [key for key, name in names.items() if name == word]
    by_initials = [key for key, name in names.items() if are_initials(word, name)]
    by_part = [key for key, name in names.items() if name in word.split("_")]
    near = difflib.get_close_matches(word, names.values(), 1)
    return by_name or by_initials or by_part or [key for key, name in names.items() if name in near]


_SET = click.option(
    "--set", "assignments", multiple=True, metavar="KEY=VALUE", help="One setting, such as training.batch=50."
)
_ITEMS = click.option(
    "--items",
    type=click.Choice(KINDS),
    help="What an item is, of a text that is made of many short ones: corpus.items.",
)
_CONFIG = click.option(
    "--config",
    "configs",
    multiple=True,
    metavar="FILE",
    shell_complete=_recipes,
    help="A settings file, or a recipe by name; later ones win.",
)
_CORPUS = click.argument("corpus", nargs=-1, type=GivenPath())
