"""``charrnn sample``"""

import math
import secrets
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple, get_args

import click
import numpy as np
from tqdm import tqdm

from charrnn.analysis.novelty import STRETCH, NoCopies, TextIndex, learnt_corpus, measure_novelty
from charrnn.cli.interactive import Session
from charrnn.cli.items import Wanted, check_label, items_as_json, learnt_items, learnt_items_if_there, show_items
from charrnn.cli.numbers import RealRange, WholeRange
from charrnn.cli.paths import GivenPath
from charrnn.cli.terminal import print_json, print_text, raw_option, say
from charrnn.cli.texts import at_option, checkpoint_option, encoding_option, load, named, run_argument
from charrnn.errors import CharRNNError, UnknownCharacterError
from charrnn.generation.filters import FILTERS
from charrnn.generation.items import write_items
from charrnn.generation.sampler import Forbid, Sampling, ScoredText, best_of, generate
from charrnn.storage.checkpoint import Checkpoint
from charrnn.text.reading import Source, read_blocks
from charrnn.text.vocabulary import Unknown
from charrnn.wording import how_many

SEPARATOR = "-----"
LONG_TEXT = 5_000_000
"""Characters whose index takes more than a moment to make."""


def _filter_options(function: Callable[..., None]) -> Callable[..., None]:
    """An option for each filter of the registry."""
    for name, filter_ in reversed(FILTERS.items()):
        bounded = WholeRange if filter_.type is int else RealRange
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
@run_argument
@checkpoint_option
@at_option
@click.option(
    "--length",
    type=WholeRange(min=1),
    default=500,
    show_default=True,
    help="Characters to write; of items, at most.",
)
@_filter_options
@click.option("--prime", metavar="TEXT", help="Begin with this text.")
@click.option("--prime-file", type=GivenPath(), metavar="FILE", help="Begin with the text of this file, - for stdin.")
@encoding_option
@click.option(
    "--unknown",
    type=click.Choice(get_args(Unknown)),
    default="error",
    show_default=True,
    help="What to do with characters in the beginning that the network has not learnt: stop with an error, leave them "
    "out, or replace them by U+FFFD, a space or a question mark, the first of these that it knows.",
)
@click.option(
    "--stop",
    multiple=True,
    metavar="TEXT",
    help="End just before this text, if it is written; may be given several times.",
)
@click.option("--seed", type=WholeRange(min=0), help="The same seed gives the same text again.  [default: random]")
@click.option("--count", type=WholeRange(1, 100_000), default=1, show_default=True, help="How many samples to write.")
@click.option(
    "--best-of",
    "choices",
    type=WholeRange(1, 100_000),
    default=1,
    metavar="N",
    help="For each sample write N and keep the one whose characters are likeliest on average: by the mean of their "
    "log-probabilities as the network gives them, before any filter.",
)
@click.option("--novelty", is_flag=True, help="Say after each sample how much of it is copied from the training text.")
@click.option(
    "--max-copy",
    type=WholeRange(1, 1000),
    metavar="N",
    help="Never copy more than N characters in a row from the training text.",
)
@click.option(
    "--corpus",
    multiple=True,
    type=GivenPath(),
    metavar="FILE",
    help="Where the training text is now, for --novelty and --max-copy.",
)
@click.option(
    "--label", metavar="TEXT", help="Of a network that has learnt items with labels: write items of this label."
)
@click.option(
    "--new",
    is_flag=True,
    help="Of a network that has learnt items: write only those that do not stand in the text it was given, and say how "
    "many did.",
)
@click.option("--unique", is_flag=True, help="Of a network that has learnt items: write each only once.")
@click.option(
    "-i",
    "--interactive",
    is_flag=True,
    help="Take turns with the network: type, read how it goes on, type more; /help lists commands.",
)
@click.option(
    "--separator",
    metavar="TEXT",
    help=f"The line between samples; empty for none.  [default: {SEPARATOR}, and none where items are lines]",
)
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print each sample, once all are written, as a line of JSON: its text, its prime, how many characters were "
    "written, their log-probability in nats, as the network gives it before any filter, and more; of an item also its "
    "label and whether it is new.",
)
@raw_option
def command(
    runs: tuple[str, ...],
    checkpoint: str | None,
    at: int | None,
    length: int,
    prime: str | None,
    prime_file: str | None,
    encoding: str | None,
    unknown: Unknown,
    stop: tuple[str, ...],
    seed: int | None,
    count: int,
    choices: int,
    novelty: bool,
    max_copy: int | None,
    corpus: tuple[str, ...],
    label: str | None,
    new: bool,
    unique: bool,
    interactive: bool,
    separator: str | None,
    as_json: bool,
    raw: bool,
    **filters: Any,
) -> None:
    """Write with a trained network; the text appears as it is written.

    RUN is a run folder or a checkpoint file; without it, the network that comes with the program writes.

    Several samples are written at the same time: the first appears as it is written, the others after it, with a line
    of dashes between them. A network that has learnt items writes whole ones; where items are lines, each stands on a
    line of its own. The options that decide which character comes next are applied in the order in which they stand
    below, after --max-copy.
    """
    if prime is not None and prime_file is not None:
        raise click.UsageError("--prime and --prime-file both say how to begin; give one of them")
    path = named(runs, checkpoint)
    if interactive and (
        count > 1 or choices > 1 or prime_file == "-" or as_json or new or unique or separator is not None
    ):
        raise click.UsageError(
            "--interactive takes turns and reads stdin; leave out --count, --best-of, --json, --new, --unique, "
            "--separator and --prime-file -"
        )
    if encoding and prime_file is None:
        raise click.UsageError("--encoding is that of --prime-file; give one, or leave it out")
    if as_json and (separator is not None or raw):
        raise click.UsageError("--json prints a line for each sample, escaped; leave out --separator and --raw")
    if "-" in corpus and (interactive or prime_file == "-"):
        raise click.UsageError("stdin is read once; give the file of --corpus by its name")
    if "" in stop:
        raise click.UsageError("--stop needs a text of at least one character")
    loaded = load(path, at)
    begin = _read(prime_file, encoding, loaded) if prime_file is not None else prime or ""
    vocabulary = loaded.model.vocabulary
    begin = vocabulary.decode(vocabulary.encode(begin, unknown))
    writes_items = loaded.model.network.mark is not None
    _check_items(loaded, writes_items, label, new or unique, stop, choices)
    if corpus and not (novelty or max_copy or new or (as_json and writes_items)):
        raise click.UsageError(
            "--corpus is read for --novelty, --max-copy and --new, and for --json of items; give one of them too"
        )
    for text in stop:
        try:
            vocabulary.encode(text)
        except UnknownCharacterError as error:
            raise UnknownCharacterError(
                f"--stop {text!r} would never be reached: {error.problem}", "leave it out or write it another way"
            ) from None
    forbid, measured = _copies(loaded, corpus, novelty, max_copy)
    if seed is None:
        seed = secrets.randbits(32)
        say(f"seed: {seed}")

    sampling = Sampling(begin, filters, stop, forbid)
    if interactive:
        settings = {"length": length, "seed": seed, **filters}
        say_copied = partial(_say_copied, measured)
        Session(loaded.model, settings, sampling, unknown=unknown, raw=raw, after=say_copied, label=label).run()
        return
    between = "" if separator == "" else f"{separator or SEPARATOR}\n"
    if writes_items:
        rng, of_lines = np.random.default_rng(seed), loaded.settings.corpus.items == "lines"
        wanted = Wanted(learnt_items(loaded, corpus) if new else frozenset(), once=unique)
        items = write_items(loaded.model, count, rng, sampling, length=length, label=label, wanted=wanted)
        if as_json:
            known = wanted.learnt or learnt_items_if_there(loaded, corpus)
            items_as_json(items, sampling.prime, known, seed, partial(_novelty, measured))
        else:
            between = "" if of_lines and separator is None else between
            show_items(items, between, label is None, raw, partial(_say_copied, measured), length)
        if new:
            say(f"{wanted.known:,} of {wanted.known + count:,} stood in the text that the network was given")
        return
    shown, rng = _Shown(begin, between, raw, measured), np.random.default_rng(seed)
    if choices == 1 and not as_json:
        shown.samples(generate(loaded.model, length, rng, sampling, count=count), count)
        return
    progress = partial(tqdm, total=length, desc="writing", leave=False, disable=not sys.stderr.isatty())
    groups = best_of(choices, loaded.model, length, rng, sampling, count=count, progress=progress)
    if as_json:
        shown.as_json(groups, seed)
    else:
        shown.best(groups)


class _Copied(NamedTuple):
    """How much of a sample is copied from the training text."""

    stretch: str
    """The longest that stands there."""
    share: float


Measured = Callable[[str], _Copied | None]
"""From a sample, without its prime, to how much of it is copied; None where that is not asked for."""


def _check_items(
    loaded: Checkpoint, writes_items: bool, label: str | None, choosy: bool, stop: tuple[str, ...], choices: int
) -> None:
    """Raises UsageError for options that are for items where the network writes one text, and the other way round."""
    if not writes_items and (label is not None or choosy):
        raise click.UsageError(
            "--label, --new and --unique are for a network that has learnt items; leave them out, or train with --items"
        )
    if writes_items and (stop or choices > 1):
        raise click.UsageError("items end by themselves, and are written one by one; leave out --stop and --best-of")
    if label is not None:
        check_label(loaded, label)


@dataclass(frozen=True)
class _Shown:
    """How samples are shown."""

    prime: str
    separator: str
    raw: bool
    measured: Measured

    def samples(self, steps: Iterable[Sequence[str]], count: int) -> None:
        """Prints the first sample as it is written, then the others."""
        texts = [StringIO() for _ in range(count)]
        print_text(self.prime, self.raw)
        for pieces in steps:
            print_text(pieces[0], self.raw)
            for text, piece in zip(texts, pieces, strict=True):
                text.write(piece)
        first, *others = (text.getvalue() for text in texts)
        print_text("\n")
        _say_copied(self.measured, first)
        for other in others:
            print_text(f"{self.separator}{self.prime}{other}\n", self.raw)
            _say_copied(self.measured, other)

    def best(self, groups: Iterable[Sequence[ScoredText]]) -> None:
        """Prints the best sample of each group, and how it compares with the worst."""
        for k, group in enumerate(groups):
            best, worst = group[0], group[-1]
            print_text(f"{self.separator if k else ''}{self.prime}{best.text}\n", self.raw)
            say(
                f"best of {len(group)}: mean log-probability {best.score:.3f} nats/char "
                f"({best.score / math.log(2):.3f} bits); the worst {worst.score:.3f}"
            )
            _say_copied(self.measured, best.text)

    def as_json(self, groups: Iterable[Sequence[ScoredText]], seed: int) -> None:
        """Prints all that is known of the best sample of each group."""
        for k, group in enumerate(groups):
            best = group[0]
            facts: dict[str, Any] = {
                "sample": k,
                "seed": seed,
                "text": self.prime + best.text,
                "prime": self.prime,
                "characters": len(best.text),
                "log_probability": best.log_probability,
                "best_of": len(group),
                "stopped": best.stopped,
            }
            print_json(facts | _novelty(self.measured, best.text))


def _novelty(measured: Measured, text: str) -> dict[str, Any]:
    """How much of a sample is copied, for its JSON; nothing where that is not asked for."""
    copied = measured(text)
    if copied is None:
        return {}
    return {"novelty": {"stretch": copied.stretch, "length": len(copied.stretch), "share": copied.share}}


def _say_copied(measured: Measured, text: str) -> None:
    if copied := measured(text):
        n = len(copied.stretch)
        say(
            f"novelty: longest stretch that stands in the training text: {how_many(n, 'character')}, "
            f"{copied.stretch!r}; {copied.share:.1%} lies in such stretches of {STRETCH} or more"
        )


def _copies(
    checkpoint: Checkpoint, paths: tuple[str, ...], novelty: bool, max_copy: int | None
) -> tuple[Forbid | None, Measured]:
    """A function that forbids copying, and one that measures how much of a text is copied, if that is asked for."""
    if not (novelty or max_copy):
        return None, lambda text: None

    vocabulary = checkpoint.model.vocabulary
    ids = learnt_corpus(checkpoint, paths).training
    if len(ids) >= LONG_TEXT:
        say(f"indexing {len(ids):,} characters of training text")
    index = TextIndex(ids)

    def measured(text: str) -> _Copied | None:
        if not (novelty and text):
            return None
        text = vocabulary.normalised(text)
        found = measure_novelty(index, vocabulary.encode(text))
        return _Copied(text[found.start : found.start + found.length], found.share)

    return NoCopies(index, max_copy, len(vocabulary)) if max_copy else None, measured


def _read(path: str, encoding: str | None, checkpoint: Checkpoint) -> str:
    """The text of a prime file, read as the network's corpus was unless in another encoding."""
    corpus = checkpoint.settings.corpus
    try:
        content = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    except OSError as error:
        raise CharRNNError(f"prime file {path!r} cannot be read: {error.strerror}", "check the path") from None
    text = "".join(read_blocks([Source(path, content)], encoding or corpus.encoding, corpus.newline))
    return text.removesuffix("\n") if corpus.items == "lines" else text  # which would end the item
