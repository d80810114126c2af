"""The type of every path on the command line."""

from typing import Any

import click


class GivenPath(click.Path):
    """A path that is not empty: an unset variable must not stand for what a command does by default."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == "":
            self.fail("it is empty, as an unset variable is; give a path, or leave it out.", param, ctx)
        return super().convert(value, param, ctx)
