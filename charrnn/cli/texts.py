"""Options for a text that a network is to read, and reading its beginning."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any, get_args

import click

from charrnn.analysis.activations import Trace, read_activations
from charrnn.cli.numbers import Whole, WholeRange
from charrnn.cli.paths import GivenPath
from charrnn.cli.progress import reading_bar
from charrnn.cli.remedies import running, word
from charrnn.cli.terminal import say
from charrnn.report.figures import telling_names
from charrnn.resources import shipped_network
from charrnn.settings.build import read_as
from charrnn.storage.checkpoint import Checkpoint
from charrnn.storage.run import load_checkpoint
from charrnn.text.reading import find_sources, first_characters
from charrnn.text.vocabulary import Unknown
from charrnn.wording import how_many


def _codec(ctx: click.Context, param: click.Parameter, name: str | None) -> str | None:
    try:
        "".encode(name or "utf-8")
    except (LookupError, ValueError):
        raise click.BadParameter(f"{name!r} is no text encoding that Python knows, such as utf-8 or latin-1") from None
    return name


checkpoint_option = click.option(
    "--checkpoint",
    type=GivenPath(),
    metavar="RUN|FILE",
    help="In the place of RUN: a run folder (its best checkpoint) or a checkpoint file.  [default: a network that has "
    "read War and Peace]",
)
run_argument = click.argument("runs", nargs=-1, type=GivenPath(), metavar="[RUN]")
"""RUN, before any other argument; ``named`` says which network it and ``--checkpoint`` name together."""
at_option = click.option(
    "--at", type=Whole(), metavar="N", help="With a run folder: the weights of its snapshot at this iteration."
)
unknown_option = click.option(
    "--unknown",
    type=click.Choice(get_args(Unknown)),
    default="error",
    show_default=True,
    help="What to do with characters that the network has not learnt: stop with an error, skip them or replace them.",
)
encoding_option = click.option(
    "--encoding",
    metavar="CODEC",
    callback=_codec,
    help="Text encoding of what is read.  [default: that of the network's corpus]",
)


@dataclass(frozen=True)
class ReadingOptions:
    """Which network is to read which text, and how: the values of ``reading_options``."""

    checkpoint: str | None
    """A run folder or checkpoint file; None for the network that comes with the program."""
    text: str
    length: int | None
    unknown: Unknown
    encoding: str | None

    @property
    def names(self) -> tuple[str, str]:
        """What the network and the text are called where they are shown together."""
        network, text = telling_names([self.checkpoint or shipped_network(), self.text])
        shown = network if self.checkpoint else "a network that has read War and Peace"
        return shown, "standard input" if self.text == "-" else text


def reading_options(lengths: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """RUN, TEXT and the options for how the one reads the other, which the command gets as its first argument.
    ``lengths`` says how much of the text is read by default."""

    def decorated(function: Callable[..., None]) -> Callable[..., None]:
        @wraps(function)
        def command(
            runs: tuple[str, ...],
            checkpoint: str | None,
            text: str,
            length: int | None,
            unknown: Unknown,
            encoding: str | None,
            **options: Any,
        ) -> None:
            function(ReadingOptions(named(runs, checkpoint), text, length, unknown, encoding), **options)

        for option in (
            encoding_option,
            unknown_option,
            click.option(
                "--length",
                type=WholeRange(min=1),
                help=f"How many characters of the text to read.  [default: {lengths}]",
            ),
            checkpoint_option,
            click.argument("text", type=GivenPath(), metavar="TEXT"),
            run_argument,
        ):
            command = option(command)
        return command

    return decorated


def named(runs: Sequence[str], checkpoint: str | None) -> str | None:
    """The run folder or checkpoint file that RUN or ``--checkpoint`` names; None where neither is given."""
    if len(runs) + (checkpoint is not None) > 1:
        given = ", ".join(map(repr, [*runs, *([checkpoint] if checkpoint is not None else [])]))
        raise click.UsageError(f"one network is asked for, by RUN or by --checkpoint, and {given} are given")
    return runs[0] if runs else checkpoint


def load(path: str | None, at: int | None = None) -> Checkpoint:
    """The checkpoint at a path, or, in a run, the weights of the snapshot ``at`` an iteration; without a path, the
    network that comes with the program, which is then said."""
    if path is not None:
        return load_checkpoint(path, at)
    if at is not None:
        raise click.UsageError("--at picks from a run folder; name it as RUN")
    say("network: the one that comes with the program, which has read War and Peace; name RUN for another")
    return load_checkpoint(shipped_network())


def read_beginning(reading: ReadingOptions, checkpoint: Checkpoint, default_length: int) -> Iterator[Trace]:
    """Reads the beginning of a text with a network, with a bar on a terminal where that takes longer than a second.

    Raises CorpusError where it holds no character that the network can read.
    """
    text, length = reading.text, reading.length or default_length
    blocks = read_as(checkpoint.settings, find_sources([text]), reading.encoding)
    characters = "".join(first_characters(blocks, length + 1))
    if len(characters) > length:
        option = word("length", running(click.get_current_context()))
        more = f"; {option} reads more" if option.startswith("--") else ""
        say(f"reading only the first {how_many(length, 'character')} of {text}{more}")
    with reading_bar(text, min(length, len(characters))) as bar:
        for trace in read_activations(checkpoint.model, [characters[:length]], text, reading.unknown):
            yield trace
            bar.update(len(trace.text))
