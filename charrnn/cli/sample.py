"""``charrnn sample``"""

import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from charrnn.cli.terminal import raw_option, write
from charrnn.errors import CharRNNError
from charrnn.generation.filters import FILTERS

SEPARATOR = "\n-----\n"


class _Number(click.FloatRange):
    """A float within bounds, and no NaN, which every bound lets through."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        number: float = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{value} is not a number.", param, ctx)
        return number


def _filter_options(function: Callable[..., None]) -> Callable[..., None]:
    """An option for each filter of the registry."""
    for name, filter_ in reversed(FILTERS.items()):
        bounded = click.IntRange if filter_.type is int else _Number
        kind = bounded(min=filter_.least, max=filter_.most)  # type: ignore[arg-type]
        option = click.option(
            f"--{name.replace('_', '-')}",
            name,
            type=kind,
            default=filter_.default,
            show_default=filter_.default is not None,
            help=filter_.help,
        )
        function = option(function)
    return function


@click.command("sample")
@click.option(
    "--checkpoint",
    type=click.Path(),
    required=True,
    metavar="RUN|FILE",
    help="A run folder (its best checkpoint) or a checkpoint file.",
)
@click.option("--at", type=int, metavar="N", help="With a run folder: the weights of its snapshot at this iteration.")
@click.option("--length", type=click.IntRange(min=1), default=500, show_default=True, help="Characters to write.")
@_filter_options
@click.option("--prime", metavar="TEXT", help="Begin with this text.")
@click.option("--prime-file", type=click.Path(), metavar="FILE", help="Begin with the text of this file, - for stdin.")
@click.option("--seed", type=click.IntRange(min=0), help="The same seed gives the same text again.")
@click.option(
    "--count", type=click.IntRange(1, 100_000), default=1, show_default=True, help="How many samples to write."
)
@raw_option
def command(
    checkpoint: str,
    at: int | None,
    length: int,
    prime: str | None,
    prime_file: str | None,
    seed: int | None,
    count: int,
    raw: bool,
    **filters: Any,
) -> None:
    """Write with a trained network, to stdout, as it goes.

    Several samples are written side by side: the first is shown as it goes, the others after it, a line of dashes
    between.
    """
    import numpy as np

    from charrnn.checkpoint import load_checkpoint
    from charrnn.generation.sampler import generate

    if prime is not None and prime_file is not None:
        raise click.UsageError("--prime and --prime-file both say how to begin; give one of them")
    begin = _read(prime_file) if prime_file is not None else prime or ""
    model = load_checkpoint(checkpoint, at).model
    rng = np.random.default_rng(seed)
    others: list[list[str]] = []

    texts = generate(model, length, rng, prime=begin, count=count, filters=filters)
    write(begin, raw)
    for characters in texts:
        write(characters[0], raw)
        others.append(characters[1:])
    for other in zip(*others, strict=True):
        write(SEPARATOR + begin + "".join(other), raw)
    write("\n")


def _read(path: str) -> str:
    try:
        content = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except OSError as error:
        raise CharRNNError(f"prime file {path!r} cannot be read: {error.strerror}; check the path") from None
    except UnicodeDecodeError as error:
        raise CharRNNError(f"prime file {path!r} is not UTF-8 at byte {error.start}; save it as UTF-8") from None
