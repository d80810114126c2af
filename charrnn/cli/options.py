"""How commands that train, or measure training, are told their settings."""

from collections.abc import Callable, Sequence

import click
from click.shell_completion import CompletionItem

from charrnn.resources import recipes
from charrnn.settings.recipes import DEFAULT_RECIPE, NAMES
from charrnn.settings.schema import Settings, from_assignments, from_file, from_mapping, resolve
from charrnn.settings.yamlfile import Entry

Layers = Sequence[Sequence["Entry"]]


def _recipes(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """What a shell offers after ``--config``: recipes by name, and files."""

    named = [CompletionItem(name) for name in recipes() if name.startswith(incomplete)]
    return [*named, CompletionItem(incomplete, type="file")]


def settings_options(function: Callable[..., None]) -> Callable[..., None]:
    """CORPUS, ``--config`` and ``--set``, as ``corpus``, ``configs`` and ``assignments``."""
    for option in (
        click.option(
            "--set", "assignments", multiple=True, metavar="KEY=VALUE", help="One setting, such as training.batch=50."
        ),
        click.option(
            "--config",
            "configs",
            multiple=True,
            metavar="FILE",
            shell_complete=_recipes,
            help="A settings file, or a recipe by name; later ones win.",
        ),
        click.argument("corpus", nargs=-1, type=click.Path()),
    ):
        function = option(function)
    return function


def layers_of(corpus: Sequence[str], configs: Sequence[str], assignments: Sequence[str], **options: object) -> Layers:
    """What the user sets: the files in turn, then the assignments and other options of the command (those that are not
    None, by name of the setting of training), then the corpus."""

    given = [
        Entry(f"training.{name}", value, f"--{name.replace('_', '-')}")
        for name, value in options.items()
        if value is not None
    ]
    layers = [*map(from_file, configs), [*from_assignments(assignments), *given]]
    return [*layers, from_mapping({"corpus.path": list(corpus)}, "the command line")] if corpus else layers


def settings_of(layers: Layers, configs: Sequence[str]) -> Settings:
    """Those layers resolved, over the default recipe where no file is named."""

    return resolve(over_default(layers, configs), NAMES)


def over_default(layers: Layers, configs: Sequence[str]) -> Layers:
    """Those layers, over that of the default recipe where no file is named."""

    return layers if configs else [from_file(DEFAULT_RECIPE), *layers]
