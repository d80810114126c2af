"""The words for an error on the command line: what its remedy names in braces, an argument of the library, becomes an
option of the command that ran."""

from typing import Any

import click

from charrnn.errors import CharRNNError, ShortTextError

SETTINGS = {"encoding": "--set corpus.encoding", "minutes": "training.minutes"}
"""What says the same as an argument, for commands without an option for it."""
_MEMORY_OPTIONS = ("count", "best_of", "length", "positions", "steps")
_MEMORY_SETTINGS = ("model.hidden", "training.batch", "training.window")
_TRAINING = ("train", "suggest", "gradients", "bench")
"""Options and settings by which a command takes more memory, and the commands that these settings matter to."""


class CommandGroup(click.Group):
    """A group from which ``running`` learns which of its commands runs."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name, command, rest = super().resolve_command(ctx, args)
        ctx.find_root().obj = command
        return name, command, rest


def running(context: click.Context) -> click.Command:
    """The command that runs, or the group where none has been found in it."""
    root = context.find_root()
    command: Any = root.obj
    return command if isinstance(command, click.Command) else root.command


def sentence(error: CharRNNError, command: click.Command) -> str:
    """An error in the words of a command's options, and with what the command line can do about it besides."""
    if isinstance(error, ShortTextError):
        error = error.also("let charrnn train --minutes 1 choose batch and window")
    return error.worded(lambda argument: word(argument, command))


def out_of_memory(command: click.Command) -> CharRNNError:
    """The error of a command that needs more memory than there is; its remedy names what makes the command need it."""
    lower = [f"{{{option}}}" for option in _MEMORY_OPTIONS if word(option, command) != option]
    if command.name in _TRAINING:
        lower += _MEMORY_SETTINGS
    named = " or ".join(filter(None, [", ".join(lower[:-1]), *lower[-1:]]))
    in_parts = ", or raise training.accumulate" if command.name in _TRAINING else ""
    return CharRNNError("there is not enough memory", f"lower {named}{in_parts}" if lower else "")


def word(argument: str, command: click.Command) -> str:
    """What a user of that command calls an argument of the library: its option, or its place in the usage line, such
    as CORPUS; where the command has neither, the setting that says the same, or the name as it is."""
    flag = f"--{argument.replace('_', '-')}"
    for parameter in command.params:
        if flag in parameter.opts:
            return flag
        if parameter.name == argument and isinstance(parameter, click.Argument):
            return argument.upper()
    return SETTINGS.get(argument, argument)
