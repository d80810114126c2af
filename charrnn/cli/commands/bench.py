"""``charrnn bench``"""

from dataclasses import asdict

import click

from charrnn.cli.options import SettingsOptions, settings_options
from charrnn.cli.output import introduce
from charrnn.cli.terminal import print_json, say
from charrnn.machine import available_cores, blas, held_back
from charrnn.report.figures import duration_text
from charrnn.settings.schema import Settings
from charrnn.training.speed import product_ceiling
from charrnn.training.start import start
from charrnn.training.transport import worker_count
from charrnn.wording import how_many

SECONDS = 2.0
"""How long iterations are timed."""
STREAMS = 16
"""With so many a worker comes to three quarters of its speed or more (``benchmarks/workers_speed.py``)."""


@click.command("bench")
@settings_options()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(given: SettingsOptions, as_json: bool) -> None:
    """Measure how fast this machine trains and samples, and how long a recipe takes on it.

    CORPUS and settings are those of charrnn train. Takes a few seconds and writes no file. A GFLOP/s is a billion
    floating-point operations a second, of those in matrix products; large products show how many this machine reaches
    with all its cores.
    """
    trainer = start(given.overlays())
    trainer.plan()
    assert trainer.iterations is not None
    introduce(trainer)
    _say_kernels()
    _say_shares(trainer.settings)
    network = trainer.model.network
    speed = trainer.measure(SECONDS)
    left = trainer.time_left(speed)
    reached, ceiling = 6 * network.product_parameters * speed.training, product_ceiling(network.dtype)
    if as_json:
        numbers = {
            "characters_per_second": asdict(speed),
            "flops": {"training": reached, "ceiling": ceiling},
            "iterations": trainer.iterations,
            "seconds": asdict(left) | {"total": left.total},
        }
        print_json(numbers)
        return
    click.echo(
        f"training: {speed.training:,.0f} characters/s, {reached / 1e9:.3g} GFLOP/s, {reached / ceiling:.0%} of the "
        f"{ceiling / 1e9:.3g} that large {network.dtype} products reach"
    )
    if speed.evaluation is not None:
        click.echo(f"evaluation: {speed.evaluation:,.0f} characters/s")
    click.echo(f"sampling: {speed.sampling:,.0f} characters/s")
    click.echo(
        f"time: {duration_text(left.total)} for {how_many(trainer.iterations, 'iteration')}; "
        f"{left.evaluation / left.total:.0%} of it for evaluations, {left.snapshots / left.total:.0%} for snapshots"
    )


def _say_kernels() -> None:
    for library in blas():
        with_ = f" ({library.instructions})" if library.instructions else ""
        say(
            f"products: {library.name} {library.version}, {library.kernels} kernels{with_}, "
            f"{how_many(available_cores(), 'core')}"
        )
    if advice := held_back():
        say(f"charrnn: {advice}")


def _say_shares(settings: Settings) -> None:
    workers, batch = worker_count(settings), settings.training.batch
    if workers > 1 and batch < STREAMS * workers:
        say(
            f"charrnn: each of {workers} workers reads {batch // workers} of the {batch} streams, and is faster with "
            f"{STREAMS} or more; set training.batch to {STREAMS * workers} or more, or lower compute.workers"
        )
