"""The options that give settings to commands that train or measure training."""

from collections.abc import Callable, Sequence

import click
from click.shell_completion import CompletionItem

from charrnn.settings.overlays import Overlay, from_assignments, from_file, from_mapping
from charrnn.settings.recipes import recipes
from charrnn.settings.runs import settings_to_start
from charrnn.settings.schema import Settings
from charrnn.settings.yamlfile import Entry


def _recipes(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Completions after ``--config``: the names of recipes, and files."""
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


def overlays_of(
    corpus: Sequence[str], configs: Sequence[str], assignments: Sequence[str], **options: object
) -> list[Overlay]:
    """What the user sets: the files in turn, then the assignments together with other options of the command (those
    that are not None, by the name of the training setting), then the corpus."""
    given = tuple(
        Entry(f"training.{name}", value, f"--{name.replace('_', '-')}")
        for name, value in options.items()
        if value is not None
    )
    by_name = Overlay(from_assignments(assignments, "--set").entries + given)
    paths = [from_mapping({"corpus.path": list(corpus)}, "the command line")] if corpus else []
    return [*map(from_file, configs), by_name, *paths]


def settings_of(
    corpus: Sequence[str], configs: Sequence[str], assignments: Sequence[str], **options: object
) -> Settings:
    """The settings of a new run, with what the user sets; see ``overlays_of``."""
    return settings_to_start(overlays_of(corpus, configs, assignments, **options))
