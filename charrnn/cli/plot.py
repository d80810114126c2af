"""``charrnn plot``"""

from pathlib import Path

import click

KINDS = ("png", "svg")


def _path(ctx: click.Context, param: click.Parameter, value: str) -> Path:
    path = Path(value)
    if path.suffix.lower().removeprefix(".") not in KINDS:
        raise click.BadParameter(f"{value!r} should end in .png or .svg")
    return path


@click.command("plot")
@click.argument("runs", metavar="RUN...", nargs=-1, required=True, type=click.Path())
@click.option("-o", "--to", type=click.Path(), callback=_path, required=True, help="The file, a .png or .svg.")
@click.option("--force", is_flag=True, help="Replace a file that is there.")
def command(runs: tuple[str, ...], to: Path, force: bool) -> None:
    """Draw the curves of a run as a picture, or of several to compare.

    RUN is a folder that charrnn train made; the run may still go on. Prints the path of the file.
    """
    from charrnn.analysis.curves import read_all
    from charrnn.analysis.picture import write_picture
    from charrnn.files import check_free, write_output
    from charrnn.training.run import Run

    check_free(to, force)
    curves = read_all(map(Run, runs))
    write_output(to, lambda file: write_picture(curves, file, to.suffix.lower().removeprefix(".")))
    click.echo(to)
