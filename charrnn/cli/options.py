"""The options that give settings to commands that train or measure training."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any

import click
from click.shell_completion import CompletionItem

from charrnn.settings.overlays import Overlay, from_assignments, from_file, from_mapping
from charrnn.settings.recipes import recipes
from charrnn.settings.runs import settings_to_start
from charrnn.settings.schema import Settings
from charrnn.settings.yamlfile import Entry
from charrnn.text.items import KINDS


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
_CORPUS = click.argument("corpus", nargs=-1, type=click.Path())
