"""``charrnn gates``"""

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from charrnn.analysis.gates import Gate, study
from charrnn.cli.pictures import check_picture, picture_beside, picture_options
from charrnn.cli.terminal import can_show, line_width, print_json, print_text
from charrnn.cli.texts import ReadingOptions, load, read_beginning, reading_options
from charrnn.errors import CharRNNError
from charrnn.nn.cells import CELLS
from charrnn.report.gate_charts import BARS, DIGITS, draw_gates, gate_plots, gate_table, gates_along
from charrnn.text.items import readable_in_place
from charrnn.wording import how_many

SHOWN, MEASURED = 1_000, 20_000
"""How many characters are read: to be shown, and for the table."""


@click.command("gates")
@reading_options(f"{MEASURED:,}; with --show {SHOWN:,}")
@click.option("--show", is_flag=True, help="Print the text, and under each line how open the gates are.")
@picture_options("--plot")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(reading: ReadingOptions, show: bool, plot: Path | None, force: bool, as_json: bool) -> None:
    """Show how open the gates of a network are along a text, and how often they are saturated.

    RUN is a run folder or a checkpoint file; TEXT is a file, a folder of .txt files, or - for standard input.

    LSTM: input, forget and output gate; GRU: reset and
    update gate. A gate lies between 0, closed, and 1, open. It is left-saturated below 0.1 and right-saturated above
    0.9; the table shows for what share of the time units are saturated: their mean, and the quantiles 10%, 50% and 90%.
    The plots have a point for each unit (Karpathy et al. 2015). --show draws the mean over the units of a layer.
    """
    if show and as_json:
        raise click.UsageError("--show and --json print different things; give one")
    if plot is not None:
        check_picture(plot, force, "plot")
    checkpoint = load(reading.checkpoint)
    names = checkpoint.model.network.cells[0].gates
    if not names:
        gated = " or ".join(name for name, cell in CELLS.items() if cell.gates)
        raise CharRNNError(
            f"this network is a vanilla RNN ({checkpoint.settings.model.cell}), which has no gates",
            f"give one of kind {gated}, or look at its hidden state with charrnn neurons",
        )
    read = read_beginning(reading, checkpoint, SHOWN if show else MEASURED)
    characters, gates = study(read, names)
    characters = readable_in_place(characters)
    shown, along = reading.names
    with picture_beside(plot, lambda: draw_gates(gates, f"The gates of {shown} along {along}")):
        if as_json:
            _json(characters, gates)
        elif show:
            width = line_width() if sys.stdout.isatty() else None
            for line in gates_along(characters, gates, width, BARS if can_show(BARS) else DIGITS):
                print_text(f"{line}\n")
        else:
            print_text(f"{how_many(len(characters), 'character')}\n\n")
            for line in (*gate_table(gates), *gate_plots(gates, line_width())):
                print_text(f"{line}\n")


def _json(text: str, gates: Sequence[Gate]) -> None:
    rows = [
        {"layer": gate.layer, "gate": gate.name}
        | {
            name: [round(number, 4) for number in getattr(gate, name).tolist()]
            for name in ("mean", "left", "right", "along")
        }
        for gate in gates
    ]
    print_json({"characters": len(text), "text": text, "gates": rows})
