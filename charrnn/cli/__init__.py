"""The command line: the only home of click, tqdm and printing.

A command is a file in ``commands/`` and a line in ``COMMANDS``; its module is imported when it is called. Whatever a
user can cause arrives in ``main`` as an exception and leaves as one line on stderr and an exit code.
"""

import importlib
import io
import os
import signal
import sys
import warnings

import click
from click.shell_completion import CompletionItem

from charrnn.cli.remedies import CommandGroup, out_of_memory, running, sentence
from charrnn.cli.terminal import abandon, say, show_warning
from charrnn.errors import CharRNNError, CharRNNWarning, did_you_mean
from charrnn.launch import is_first_rank, is_rank
from charrnn.report.escaping import escaped
from charrnn.version import __version__

COMMANDS = {
    "train": "Learn to write from a text.",
    "suggest": "Explain what train --minutes chooses for a text.",
    "sample": "Write with a trained network.",
    "snapshots": "Print how a run's samples progressed.",
    "report": "Write one page of HTML about runs: curves, progression, settings.",
    "plot": "Draw the curves of runs as a picture.",
    "watch": "Show the curves and the newest sample of a run in the terminal.",
    "score": "Say how well a network predicts a text.",
    "page": "Write a page of HTML on which a network runs, to pass on.",
    "neurons": "Show what a unit does along a text, and find units by property.",
    "gates": "Show how open gates are along a text, and how saturated.",
    "baseline": "Say what a network has to beat on a text.",
    "gradients": "Show how gradients fade and explode over time.",
    "bench": "Measure how fast this machine trains and samples.",
    "corpus": "Known texts by name, and what any text is made of.",
    "inspect": "Show what is in a checkpoint and how it was made.",
    "export": "Write the weights as PyTorch names them.",
    "import": "Make a checkpoint of exported weights.",
}
"""The commands, each with what it does in a line; its code is in the file of its name."""


_MODULES = {"import": "import_"}
"""The modules whose name differs from their command's: a keyword cannot be imported by name."""


class _Commands(CommandGroup):
    """Imports a command when it is called; listing them imports none."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except click.NoSuchOption as error:
            from charrnn.cli.options import with_way_out

            raise with_way_out(error) from None
        except BrokenPipeError as error:
            raise _ReaderGoneError from error  # click would make it an exit code of 1
        except CharRNNError as error:
            raise _FailedError(sentence(error, running(ctx)), error.exit_code) from error
        except MemoryError as error:
            raise _FailedError(sentence(out_of_memory(running(ctx)), running(ctx)), 1) from error

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            if ctx.resilient_parsing:  # a shell asks how the line may go on
                return None
            ctx.fail(f"No such command {name!r}{did_you_mean(name, COMMANDS)}")
        command: click.Command = importlib.import_module(f"charrnn.cli.commands.{_MODULES.get(name, name)}").command
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        named = [CompletionItem(name, help=line) for name, line in COMMANDS.items() if name.startswith(incomplete)]
        return named + click.Command.shell_complete(self, ctx, incomplete)  # that of a group would import the commands

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


class _ReaderGoneError(Exception):
    """Nobody reads stdout any more, as when it is piped to ``head``."""


class _FailedError(Exception):
    """What a command could not do, in its own words, and the exit code."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="charrnn %(version)s")
def cli() -> None:
    """Teach a recurrent network to write, one character at a time, from any text."""


def main() -> None:
    """Runs the command line and exits: 0; 1 for what went wrong; 2 for wrong usage or settings; 130 after
    Ctrl-C, 143 after SIGTERM. Of the ranks of an MPI job the first does, and the others serve it."""
    if not is_rank():
        _main()
        return
    if not is_first_rank():  # signals are for the first, which then ends the others
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    try:
        from charrnn.cli.ranks import share
    except KeyboardInterrupt:
        sys.exit(130)
    share(_main)


def _main() -> None:
    try:
        _ready_streams()
        with warnings.catch_warnings():
            warnings.simplefilter("always", CharRNNWarning)
            warnings.showwarning = show_warning
            code = cli.main(prog_name="charrnn", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        shown = io.StringIO()
        error.show(shown)
        click.echo(escaped(shown.getvalue()), err=True, nl=False)
        code = error.exit_code
    except (_FailedError, CharRNNError) as error:
        code = _fail(str(error), error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        code = 130
    except (_ReaderGoneError, BrokenPipeError):
        abandon(sys.stdout)
        code = 0
    except OSError as error:
        abandon(sys.stdout)
        what = "the output cannot be written" if error.filename is None else f"{error.filename!r} cannot be used"
        code = _fail(f"{what}: {error.strerror}")
    sys.exit(code)


def _ready_streams() -> None:
    """Replaces streams that a shell closed, and lets text be printed where the terminal lacks some characters."""
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    if sys.stdin is None or sys.stdout is None:
        raise CharRNNError("standard input or output is closed; leave it open, or use /dev/null")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # What goes to a file or a pipe is UTF-8 on every system, unless PYTHONIOENCODING asks for something else.
            encoding = None if stream.isatty() or "PYTHONIOENCODING" in os.environ else "utf-8"
            stream.reconfigure(encoding=encoding, errors="replace")


def _fail(message: str, code: int = 1) -> int:
    for line in message.splitlines():
        say(f"charrnn: {line}")
    return code
