"""``charrnn import``"""

import shlex
from pathlib import Path

import click

from charrnn.cli.paths import GivenPath
from charrnn.cli.terminal import say
from charrnn.files import check_free
from charrnn.storage.interchange import import_weights


@click.command("import")
@click.argument("file", type=GivenPath())
@click.option("--to", type=GivenPath(), required=True, help="The checkpoint to write, an .npz file.")
@click.option("--force", is_flag=True, help="Replace the file if it exists.")
def command(file: str, to: str, force: bool) -> None:
    """Make a checkpoint of weights that charrnn export wrote, perhaps trained further elsewhere.

    FILE is a safetensors or .npz file. The checkpoint holds weights only: enough to write with, not to resume a run.
    """
    path = Path(to)
    check_free(path, force)
    import_weights(Path(file)).save(path)
    click.echo(path)
    say(f"write: charrnn sample --checkpoint {shlex.quote(to)}")
