"""``charrnn corpus list``, ``show`` and ``fetch``"""

import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

import click
from click.shell_completion import CompletionItem
from tqdm import tqdm

from charrnn.analysis.summary import corpus_summary
from charrnn.cli.options import SettingsOptions, field_hint, settings_options
from charrnn.cli.remedies import CommandGroup
from charrnn.cli.terminal import print_json, say
from charrnn.report.columns import padded
from charrnn.report.escaping import escaped
from charrnn.text.catalogue import catalogue, fetch, fetched
from charrnn.wording import how_many

MOST_FREQUENT = 40
"""How many characters of a text are shown, unless all are asked for."""

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group("corpus", cls=CommandGroup)
def command() -> None:
    """Known texts by name, and what any text is made of."""


@command.command("list")
@json_option
def list_corpora(as_json: bool) -> None:
    """List the known corpora: name, size, licence, title, and the file where it has been fetched."""
    known = [asdict(corpus) | {"path": _text(fetched(name))} for name, corpus in catalogue().items()]
    if as_json:
        print_json(known)
        return
    for corpus in known:
        click.echo(f"{corpus['name']}: {corpus['title']}; {corpus['bytes']:,} bytes, {corpus['licence']}")
        click.echo(f"    {corpus['path'] or corpus['address']}")


def _names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(name, help=corpus.title) for name, corpus in catalogue().items() if incomplete in name]


@command.command("fetch")
@click.argument("name", shell_complete=_names)
def fetch_corpus(name: str) -> None:
    """Fetch a known corpus, and print the path of its file.

    Its SHA-256 is checked, an interrupted download is continued, and a text that is already there is not fetched again.
    The file is in the user's cache folder, or in the folder that the environment variable CHARRNN_CACHE names; charrnn
    train NAME finds it there.
    """
    bar = tqdm(total=1, unit="B", unit_scale=True, disable=not sys.stderr.isatty(), leave=False)
    with bar as progress:  # pooch sets the total, but takes a bar that has none for False
        path = fetch(name, progress)
    click.echo(path)
    say(f"learn from it: charrnn train {name}")


@command.command("show")
@settings_options()
@click.option(
    "--all", "show_all", is_flag=True, help=f"Show every character, not only the {MOST_FREQUENT} most frequent."
)
@json_option
def show_corpus(given: SettingsOptions, show_all: bool, as_json: bool) -> None:
    """Show what a text is made of, and what in it looks like a mistake.

    CORPUS and settings are those of charrnn train: they say how the text is read, and how many streams and windows it
    makes. Lines count from 1. Files are read a block at a time.
    """
    facts = corpus_summary(given.settings(), _watched)
    if as_json:
        print_json(facts)
    else:
        _print(facts, None if show_all else MOST_FREQUENT)


def _watched(blocks: Iterable[str]) -> Iterator[str]:
    """The blocks, with a bar on a terminal where they take more than a second."""
    bar = tqdm(unit=" characters", unit_scale=True, delay=1, disable=not sys.stderr.isatty(), leave=False)
    with bar as progress:
        for block in blocks:
            yield block
            progress.update(len(block))


def _print(facts: dict[str, Any], most: int | None) -> None:
    click.echo(
        escaped(
            f"corpus: {facts['name']}, {how_many(facts['characters'], 'character')}, {facts['distinct']:,} distinct"
        )
    )
    if facts["items"] is not None:
        click.echo(f"items: {facts['items']:,}")
    if facts["columns"]:
        click.echo(escaped(f"a table: {field_hint(facts['columns'])}"))
    if facts["is_list"]:
        click.echo("a list: each line looks like an item of its own; --items lines learns them as such")
    for source in facts["sources"]:
        click.echo(f"file: {source!r}")
    ascii_only = all(row["character"].isascii() for row in facts["vocabulary"])
    click.echo(f"encoding: {facts['encoding']}{', of which only ASCII' if ascii_only else ''}")
    ends = [f"{count:,} {kind.upper()}" for kind, count in facts["line_ends"].items() if count]
    click.echo(f"line ends: {', '.join(ends) or 'none'}")
    if facts["parts"]:
        sizes = ", ".join(f"{part} {size:,}" for part, size in facts["parts"].items())
        click.echo(f"parts: {sizes}{', each to the end of an item' if facts['items'] is not None else ''}")
    if facts["problem"]:
        click.echo(escaped(f"too small: {facts['problem']}"))
    else:
        click.echo(
            f"streams: {facts['batch']} of {how_many(facts['windows'], 'window')} of "
            f"{how_many(facts['window'], 'character')} an epoch"
        )
    if not facts["findings"]:
        click.echo("suspicious: nothing")
    for finding in facts["findings"]:
        click.echo(f"suspicious: {finding['kind']}: {finding['count']:,}, first in line {finding['line']:,}")
        click.echo(f"    {', '.join(finding['examples'])}")
        click.echo(f"    {finding['advice']}")
    click.echo("\n     count    share      line  character")
    by_count = sorted(facts["vocabulary"], key=lambda row: -row["count"])
    for row in by_count[:most]:
        share, named = row["count"] / facts["characters"], f"{row['code_point']} {row['name']}"
        line = f"{row['line']:,}" if row["line"] else "-"  # a mark stands in no file
        click.echo(f"{row['count']:10,} {share:8.3%} {line:>9}  {padded(repr(row['character']), 8)} {named}")
    if most is not None and len(by_count) > most:
        click.echo(f"and {len(by_count) - most:,} more; --all shows them")


def _text(path: object) -> str | None:
    return None if path is None else str(path)
