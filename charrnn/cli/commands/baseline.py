"""``charrnn baseline``"""

import math

import click

from charrnn.analysis.baselines import (
    COMPRESSED_FROM,
    ORDER,
    Baseline,
    baselines,
    baselines_document,
    best_baseline,
    counted,
    fair_compressors,
    held_out,
)
from charrnn.cli.numbers import WholeRange
from charrnn.cli.options import SettingsOptions, settings_options
from charrnn.cli.progress import progress_bar
from charrnn.cli.terminal import print_json, say
from charrnn.settings.build import build_corpus
from charrnn.text.corpus import Corpus


@click.command("baseline")
@settings_options()
@click.option(
    "--part",
    type=click.Choice(["validation", "test"]),
    default="validation",
    show_default=True,
    help="Which part of the text to measure.",
)
@click.option("--order", type=WholeRange(1, 64), default=ORDER, show_default=True, help="Longest context to count.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    given: SettingsOptions,
    part: str,
    order: int,
    as_json: bool,
) -> None:
    """Show what a network has to beat on a text: the losses of n-gram models and of compressors.

    CORPUS and settings are those of charrnn train. The models learn from the training part and are measured on the
    validation part. An n-gram model of order n predicts a character from the n before it (smoothing: interpolated
    modified Kneser-Ney). The loss of a compressor is the size that the measured part adds to the compressed training
    part; zlib looks back only 32 KiB and bz2 900 kB, so a long text helps them little.
    """
    text = build_corpus(given.settings())
    say(
        f"corpus: {text.name}, {len(text):,} characters, {len(text.vocabulary)} distinct; "
        f"{len(counted(text)):,} counted, {len(held_out(text, part)):,} measured, of its {part} part"
    )
    if not fair_compressors(text, part):
        say(f"compressors are left out: of fewer than {COMPRESSED_FROM:,} characters their sizes tell nothing")
    found = measured_baselines(text, part, order)
    if as_json:
        print_json(baselines_document(text, found, part))
        return
    best = best_baseline(found)
    click.echo("nats/char    bits  model")
    for row in found:
        click.echo(f"{row.loss:9.3f}  {row.loss / math.log(2):6.3f}  {row.name}{' *' if row is best else ''}")
    click.echo("* the best; order n: an n-gram model that looks back n characters")


def measured_baselines(corpus: Corpus, part: str = "validation", order: int = ORDER) -> list[Baseline]:
    """All baselines of a corpus, with a bar on a terminal where they take longer than a second."""
    total = order + len(fair_compressors(corpus, part))
    return list(progress_bar("baseline {n}/{total} {bar}", baselines(corpus, part, order), total=total))
