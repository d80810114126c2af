"""``charrnn export``"""

from pathlib import Path

import click

from charrnn.cli.paths import GivenPath
from charrnn.cli.terminal import say
from charrnn.cli.texts import at_option, load, named, run_argument
from charrnn.errors import CharRNNError
from charrnn.files import check_free
from charrnn.storage.interchange import FORMATS, export_weights, torch_layer


@click.command("export")
@run_argument
@click.option("--checkpoint", type=GivenPath(), metavar="RUN|FILE", help="In the place of RUN.")
@at_option
@click.option(
    "--format",
    "kind",
    type=click.Choice(list(FORMATS)),
    help="Kind of file to write.  [default: that of the ending of --to]",
)
@click.option("--to", type=GivenPath(), help="The file.  [default: the name of RUN with the format's ending]")
@click.option("--force", is_flag=True, help="Replace the file if it exists.")
def command(
    runs: tuple[str, ...], checkpoint: str | None, at: int | None, kind: str | None, to: str | None, force: bool
) -> None:
    """Write the weights with PyTorch's names and order of gates, together with settings and vocabulary.

    RUN is a run folder or a checkpoint file, its cell one that PyTorch has: lstm, gru, rnn or rnn-relu. The arrays are
    rnn.weight_ih_l0 and so on, head.weight, head.bias and embedding.weight. Prints the path of the file; charrnn import
    makes a checkpoint of it again.
    """
    kind = kind or Path(to or "").suffix.removeprefix(".")
    if kind not in FORMATS:
        raise click.UsageError(f"the kind of file is missing; --format {' or '.join(FORMATS)} names it")
    network = named(runs, checkpoint)
    if network is None:
        raise click.UsageError(
            "name RUN, the network to export; the one that comes with the program is a mogrifier, "
            "which PyTorch does not have"
        )
    source = Path(network).resolve()
    path = Path(to or f"{source.name if source.is_dir() else source.stem}.{kind}")
    if source.is_file() and path.resolve() == source:
        raise CharRNNError(f"{str(path)!r} is the checkpoint itself", "name another file with {to}")
    check_free(path, force)
    loaded = load(network, at)
    export_weights(loaded, path, kind)
    click.echo(path)
    say(f"rnn: {torch_layer(loaded)}")
