"""``charrnn report``"""

import sys
from pathlib import Path

import click

from charrnn.cli.output import say_if_diverged
from charrnn.cli.paths import GivenPath
from charrnn.cli.terminal import say
from charrnn.files import write_output
from charrnn.report.curves import read_all
from charrnn.report.run_page import check_replaceable, report_page
from charrnn.storage.run import Run


@click.command("report")
@click.argument("runs", metavar="RUN...", nargs=-1, required=True, type=GivenPath())
@click.option("-o", "--to", type=GivenPath(), default="report.html", show_default=True, help="The file; - for stdout.")
@click.option("--force", is_flag=True, help="Replace the file even if it is not a report.")
def command(runs: tuple[str, ...], to: str, force: bool) -> None:
    """Write one page of HTML about a run, or about several to compare.

    RUN is a folder that charrnn train made; the run may still go on. The page says how far it is and holds
    its curves, its progression, its settings and its vocabulary, and works offline. An older report is replaced.
    Prints the path of the file.
    """
    path = Path(to)
    if to != "-" and not force:
        check_replaceable(path)
    curves = read_all(map(Run, runs))
    say_if_diverged(curves)
    page = report_page(curves)
    if to == "-":
        sys.stdout.write(page)
        return
    content = page.encode("utf-8", "replace")  # a folder may have a name that is no text
    write_output(path, lambda file: file.write(content))
    click.echo(path)
    say(f"{len(content) / 1e3:,.0f} kB; it works offline")
