"""``charrnn import``"""

import shlex
from pathlib import Path

import click

from charrnn.cli.paths import GivenPath
from charrnn.cli.terminal import say
from charrnn.files import check_free
from charrnn.storage.interchange import import_weights
from charrnn.storage.state_dict import import_state_dict


@click.command("import")
@click.argument("file", type=GivenPath())
@click.option("--to", type=GivenPath(), required=True, help="The checkpoint to write, an .npz file.")
@click.option(
    "--vocabulary",
    type=GivenPath(),
    metavar="FILE",
    help="For a state dict of PyTorch: a file of JSON with the characters in the order of their ids, in one string "
    "or a list, or with the id of each.",
)
@click.option("--force", is_flag=True, help="Replace the file if it exists.")
def command(file: str, to: str, vocabulary: str | None, force: bool) -> None:
    """Make a checkpoint of weights that charrnn export wrote, perhaps trained further elsewhere, or that PyTorch saved.

    FILE is a safetensors or .npz file; or, with --vocabulary, what torch.save wrote of the state dict of an LSTM, a GRU
    or an RNN (taken to have tanh) with a linear layer after it, and perhaps an embedding before it. The checkpoint
    holds weights only: enough to write with, not to resume a run.
    """
    path = Path(to)
    check_free(path, force)
    imported = import_state_dict(Path(file), Path(vocabulary)) if vocabulary else import_weights(Path(file))
    imported.save(path)
    click.echo(path)
    say(f"write: charrnn sample {shlex.quote(to)}")
