"""``charrnn page``"""

from collections.abc import Iterator
from pathlib import Path

import click

from charrnn.analysis.activations import collect
from charrnn.cli.paths import GivenPath
from charrnn.cli.terminal import print_text, say
from charrnn.cli.texts import (
    ReadingOptions,
    checkpoint_option,
    encoding_option,
    load,
    named,
    read_beginning,
    run_argument,
    unknown_option,
)
from charrnn.files import check_free, write_output
from charrnn.report.network_page import network_page
from charrnn.report.units import RANKED, NamedUnit, above_luck
from charrnn.storage.checkpoint import Checkpoint
from charrnn.storage.run import Run
from charrnn.text.items import readable_in_place
from charrnn.text.vocabulary import Unknown

BEGINNING = 120
"""Characters of it, at most, that stand on the page at first."""


@click.command("page")
@run_argument
@checkpoint_option
@click.option("-o", "--to", type=GivenPath(), default="page.html", show_default=True, help="The file; - for stdout.")
@click.option(
    "--text",
    type=GivenPath(),
    metavar="FILE",
    help="A text in which units are looked for that keep track of something, as charrnn neurons does; the page names "
    "those that do better than by luck.",
)
@click.option("--prime", help="What stands on the page at first.  [default: the beginning of --text]")
@click.option(
    "--snapshots", is_flag=True, help="Hold the network as it was at each snapshot of a run too, with a slider."
)
@click.option("--small", is_flag=True, help="A byte for each weight rather than two: half the size, nearly as exact.")
@unknown_option
@encoding_option
@click.option("--force", is_flag=True, help="Replace the file if it exists.")
def command(
    runs: tuple[str, ...],
    checkpoint: str | None,
    to: str,
    text: str | None,
    prime: str | None,
    snapshots: bool,
    small: bool,
    unknown: Unknown,
    encoding: str | None,
    force: bool,
) -> None:
    """Write a page of HTML on which a network reads and writes, in the browser of whoever opens it.

    RUN is a run folder or a checkpoint file; without it, the page holds the network that comes with the program. The
    page is one file, loads nothing and sends nothing. It shows what each unit remembers along a text, what the network
    expects and how much each character surprised it. Prints the path of the file.

    The page holds the weights, and so perhaps pieces of the text that they were learnt from.
    """
    path, network = Path(to), named(runs, checkpoint)
    if to != "-":
        check_free(path, force)
    if snapshots and (network is None or not Path(network).is_dir()):
        raise click.UsageError("--snapshots takes them from a run folder; name it as RUN")
    loaded = load(network)
    vocabulary = loaded.model.vocabulary
    read = ""
    units: list[NamedUnit] = []
    if text is not None:
        reading = ReadingOptions(network, text, None, unknown, encoding)
        cell = loaded.model.network.cells[0]
        read, values, _ = collect(read_beginning(reading, loaded, RANKED), cell.memory)
        units = above_luck(readable_in_place(read), values)
    begun = _beginning(read) if prime is None else vocabulary.decode(vocabulary.encode(prime, unknown))
    checkpoints = list(_of_run(Run(network), loaded)) if network and snapshots else [loaded]
    title = f"A network that has read {'War and Peace' if network is None else loaded.corpus.name}"
    parts = network_page(checkpoints, loaded, title, begun, units, small)
    if to == "-":
        for part in parts:
            print_text(part)
        return
    write_output(path, lambda file: [file.write(part.encode("utf-8", "replace")) for part in parts])
    click.echo(path)
    say(f"{path.stat().st_size / 1e6:.1f} MB; it holds the network, and so perhaps pieces of the text that it learnt")


def _beginning(text: str) -> str:
    """The first words of a text."""
    cut = text[:BEGINNING]
    return cut if len(text) <= BEGINNING else cut[: max(cut.rfind(" "), cut.rfind("\n")) + 1] or cut


def _of_run(run: Run, best: Checkpoint) -> Iterator[Checkpoint]:
    """The best network of a run and those of its snapshots, in the order of their iterations."""
    found = {iteration: run.checkpoint_at(iteration) for iteration in run.kept()}
    found[best.progress.iteration] = best
    for _, checkpoint in sorted(found.items()):
        yield checkpoint
