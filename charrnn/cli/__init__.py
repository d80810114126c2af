"""The command line: the only home of click, tqdm and printing.

A command is a file here and a line in ``COMMANDS``; its module is imported when it is called. Whatever a user can cause
arrives in ``main`` as an exception and leaves as one line on stderr and an exit code.
"""

import importlib
import os
import sys

import click

from charrnn import __version__
from charrnn.errors import CharRNNError

COMMANDS = {
    "train": "Learn to write from a text.",
    "sample": "Write with a trained network.",
    "snapshots": "Print how a run's samples progressed.",
}
"""Each command, the file it is in, and what it does in a line."""


class _Commands(click.Group):
    """Imports a command when it is called; listing them imports none."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"charrnn.cli.{name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="charrnn %(version)s")
def cli() -> None:
    """Teach a recurrent network to write, one character at a time, from any text."""


def main() -> None:
    """Runs the command line and exits: 0; 1 for what went wrong; 2 for wrong usage or settings; 130 after Ctrl-C."""
    try:
        code = cli.main(prog_name="charrnn", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except CharRNNError as error:
        click.echo("\n".join(f"charrnn: {line}" for line in str(error).splitlines()), err=True)
        code = error.exit_code
    except (KeyboardInterrupt, click.Abort):
        code = 130
    except BrokenPipeError:
        # The reader has gone, as `head` does. What is still buffered has nowhere to go, not even at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    sys.exit(code)
