"""``charrnn plot``"""

from pathlib import Path

import click

from charrnn.cli.output import say_if_diverged
from charrnn.cli.paths import GivenPath
from charrnn.cli.pictures import check_picture, picture_options, write_picture
from charrnn.report.chart_picture import draw_charts
from charrnn.report.curves import read_all
from charrnn.storage.run import Run


@click.command("plot")
@click.argument("runs", metavar="RUN...", nargs=-1, required=True, type=GivenPath())
@picture_options("-o", "--to", required=True)
def command(runs: tuple[str, ...], to: Path, force: bool) -> None:
    """Draw the curves of a run as a picture, or of several to compare.

    RUN is a folder that charrnn train made; the run may still go on. Prints the path of the file.
    """
    check_picture(to, force, "to")
    curves = read_all(map(Run, runs))
    say_if_diverged(curves)
    write_picture(draw_charts(curves), to)
    click.echo(to)
