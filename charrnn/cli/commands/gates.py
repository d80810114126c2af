"""``charrnn gates``"""

import json
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
import numpy as np

from charrnn.analysis.activations import gate_names
from charrnn.analysis.gates import LEFT_SATURATED, QUANTILES, RIGHT_SATURATED, Gate, study
from charrnn.cli.pictures import check_picture, picture_beside, picture_options
from charrnn.cli.terminal import can_show, line_width, print_text
from charrnn.cli.texts import load, reading_options, windows
from charrnn.errors import CharRNNError
from charrnn.report.escaping import escaped
from charrnn.text.vocabulary import Unknown

if TYPE_CHECKING:
    from matplotlib.figure import Figure


SHOWN, COUNTED = 1_000, 20_000
BARS = "\u2581\u2582\u2583\u2584\u2585\u2586\u2587\u2588"
WIDTH, HEIGHT = 21, 11
"""Of a scatter plot, in characters: steps of 0.05 and of 0.1."""
LINE = 80
"""Columns of text above a line of each gate, where stdout is no terminal."""


@click.command("gates")
@reading_options(f"{COUNTED:,}; with --show {SHOWN:,}")
@click.option("--show", is_flag=True, help="Print the text, and under each line how open the gates are.")
@picture_options("--plot")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    path: str | None,
    show: bool,
    plot: Path | None,
    force: bool,
    as_json: bool,
    length: int | None,
    unknown: Unknown,
    encoding: str | None,
    text: str,
) -> None:
    """Show how open the gates of a network are along a text, and how often they are saturated.

    TEXT is a file, a folder of .txt files, or - for standard input. LSTM: input, forget and output gate; GRU: reset and
    update gate. A gate lies between 0, closed, and 1, open. It is left-saturated below 0.1 and right-saturated above
    0.9; the table has the shares of time that units spend there, the mean over units and the quantiles 10%, 50% and
    90%; the plots have a point for each unit (Karpathy et al. 2015). --show draws the mean over the units of a layer.
    """
    if show and as_json:
        raise click.UsageError("--show and --json print different things; give one")
    if plot is not None:
        check_picture(plot, force, "plot")
    checkpoint = load(path)
    names = gate_names(checkpoint.model.network)
    if not names:
        raise CharRNNError(
            f"this network is a vanilla RNN ({checkpoint.settings.model.cell}), which has no gates; give one of kind "
            "lstm or gru, or look at its hidden state with charrnn neurons"
        )
    read = windows(checkpoint, text, length or (SHOWN if show else COUNTED), unknown, encoding)
    characters, gates = study(read, names)
    with picture_beside(plot, lambda: _draw(gates)):
        if as_json:
            _json(characters, gates)
        elif show:
            for line in _along(characters, gates):
                print_text(f"{line}\n")
        else:
            _table(characters, gates)
            for line in _scatter(gates):
                print_text(f"{line}\n")


def _table(text: str, gates: Sequence[Gate]) -> None:
    quantiles = "".join(f"{quantile:>7.0%}" for quantile in QUANTILES)
    print_text(f"{len(text):,} characters\n\n")
    below, above = f"share of time below {LEFT_SATURATED}", f"share of time above {RIGHT_SATURATED}"
    print_text(f"{'':22}  {below:^27}  {above:^27}".rstrip() + "\n")
    print_text(f"layer  {'gate':<8}  {'mean':>5}  {'mean':>6}{quantiles}  {'mean':>6}{quantiles}\n")
    for gate in gates:
        row = f"{gate.layer:>5}  {gate.name:<8}  {gate.mean.mean():5.3f}"
        for share in (gate.left, gate.right):
            row += f"  {share.mean():6.1%}" + "".join(f"{q:7.1%}" for q in np.quantile(share, QUANTILES))
        print_text(f"{row}\n")


def _scatter(gates: Sequence[Gate]) -> Iterator[str]:
    """A plot for each gate, as many side by side as fit."""
    names = list(dict.fromkeys(gate.name for gate in gates))
    fit = max(line_width() // (WIDTH + 4), 1)
    for start in range(0, len(names), fit):
        yield from _plots(gates, names[start : start + fit])
    yield (
        f"to the right a unit's share of time below {LEFT_SATURATED}, upwards above {RIGHT_SATURATED}; a digit is its "
        "layer, * several"
    )


def _plots(gates: Sequence[Gate], names: Sequence[str]) -> Iterator[str]:
    """Side by side: the number of the layer where its units are, * for several layers."""
    plots = []
    for name in names:
        marks: dict[tuple[int, int], set[int]] = {}
        for gate in gates:
            if gate.name == name:
                columns = (gate.left * (WIDTH - 1)).round().astype(int).tolist()
                rows = (gate.right * (HEIGHT - 1)).round().astype(int).tolist()
                for at in zip(rows, columns, strict=True):
                    marks.setdefault(at, set()).add(gate.layer)
        plots.append({at: str(min(layers)) if len(layers) == 1 else "*" for at, layers in marks.items()})
    yield ""
    yield "   " + "   ".join(f"{f'{name} gate':^{WIDTH + 1}}" for name in names).rstrip()
    for row in reversed(range(HEIGHT)):
        axis = {HEIGHT - 1: "1", 0: "0"}.get(row, " ")
        drawn = ["".join(plot.get((row, column), " ") for column in range(WIDTH)) for plot in plots]
        yield f"{axis} |" + "   |".join(drawn).rstrip()
    yield "   " + "    ".join("-" * WIDTH for _ in names)
    yield "   " + "    ".join(f"0{'1':>{WIDTH - 1}}" for _ in names)


def _along(text: str, gates: Sequence[Gate]) -> Iterator[str]:
    """The text, and under each line how open each gate is, on a scale of its own."""
    bars = BARS if can_show(BARS) else "01234567"
    labels = [f"{gate.layer} {gate.name}" for gate in gates]
    column = max(map(len, labels))
    levels = []
    for label, gate in zip(labels, gates, strict=True):
        low, high = gate.along.min(), gate.along.max()
        levels.append(((gate.along - low) / max(high - low, 1e-9) * (len(bars) - 1)).round().astype(int).tolist())
        yield f"{label:>{column}}  {bars[0]} {low:.2f}  {bars[-1]} {high:.2f}"
    width = max(shutil.get_terminal_size().columns - column - 3, 1) if sys.stdout.isatty() else LINE
    for part in re.finditer(rf"[^\n]{{0,{width}}}\n|[^\n]{{1,{width}}}", text):
        shown = [" " if character in "\t\n" else escaped(character) for character in part.group()]
        yield ""
        yield f"{'':{column}}  {''.join(shown)}".rstrip()
        for label, level in zip(labels, levels, strict=True):
            pairs = zip(level[part.start() : part.end()], shown, strict=True)
            yield f"{label:>{column}}  {''.join(bars[n] * len(character) for n, character in pairs)}"


def _json(text: str, gates: Sequence[Gate]) -> None:
    rows = [
        {"layer": gate.layer, "gate": gate.name}
        | {
            name: [round(number, 4) for number in getattr(gate, name).tolist()]
            for name in ("mean", "left", "right", "along")
        }
        for gate in gates
    ]
    click.echo(json.dumps({"characters": len(text), "text": text, "gates": rows}))


def _draw(gates: Sequence[Gate]) -> "Figure":
    """A plot for each gate, side by side, with a point for each unit."""
    from matplotlib.figure import Figure

    names = list(dict.fromkeys(gate.name for gate in gates))
    figure = Figure(figsize=(4 * len(names), 4.2), layout="constrained")
    for k, name in enumerate(names):
        axes = figure.add_subplot(1, len(names), k + 1, title=f"{name} gate", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
        axes.set_xlabel(f"share of time left-saturated (< {LEFT_SATURATED})")
        axes.set_ylabel(f"share of time right-saturated (> {RIGHT_SATURATED})")
        axes.set_aspect("equal")
        axes.plot([0, 1], [1, 0], color="0.8", linewidth=1)
        for gate in gates:
            if gate.name == name:
                axes.plot(gate.left, gate.right, "o", markersize=4, alpha=0.5, label=f"layer {gate.layer}")
        axes.legend()
    return figure
