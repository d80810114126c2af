"""``charrnn snapshots``"""

import click

from charrnn.cli.paths import GivenPath
from charrnn.cli.terminal import print_text, raw_option
from charrnn.errors import RunError
from charrnn.report.figures import snapshot_text
from charrnn.storage.run import Run


def _iterations(ctx: click.Context, param: click.Parameter, value: str | None) -> list[int] | None:
    try:
        return None if value is None else [int(number) for number in value.split(",")]
    except ValueError:
        raise click.BadParameter(f"{value!r} should be iterations with commas between, such as 100,300") from None


@click.command("snapshots")
@click.argument("run", type=GivenPath())
@click.option("--at", metavar="N,N,...", callback=_iterations, help="Only the snapshots of these iterations.")
@raw_option
def command(run: str, at: list[int] | None, raw: bool) -> None:
    """Print the samples that a run wrote while it trained, in order: its progression.

    RUN is the folder that charrnn train made. Real words are those that occur at least three times in the training
    text; words of one letter do not count.
    """
    snapshots = {snapshot.iteration: snapshot for snapshot in Run(run).snapshots()}
    missing = [iteration for iteration in at or [] if iteration not in snapshots]
    if missing or not snapshots:
        there = ", ".join(map(str, snapshots)) or "none"
        raise RunError(f"run {run!r} took no snapshot at {', '.join(map(str, missing)) or 'all'}; there are: {there}")
    for iteration in at or snapshots:
        print_text(f"{snapshot_text(snapshots[iteration])}\n", raw)
