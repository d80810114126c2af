"""The recipes: settings files that come with the program, by name."""

from pathlib import Path

from charrnn.resources import resource

DEFAULT_RECIPE = "quick"


def recipes() -> dict[str, Path]:
    """The file of each recipe, by the recipe's name."""
    return {path.stem: path for path in sorted(resource("configs").glob("*.yaml"))}
