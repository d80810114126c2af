"""``charrnn neurons``"""

import re
import sys
from collections.abc import Iterator

import click

from charrnn.analysis.activations import collect
from charrnn.analysis.neurons import PROPERTIES, Ranking, describe_property, liveliest, rank, rank_all
from charrnn.cli.numbers import WholeRange
from charrnn.cli.terminal import has_colour, line_width, print_json, print_text, say
from charrnn.cli.texts import ReadingOptions, load, read_beginning, reading_options
from charrnn.nn.cells import CELLS
from charrnn.report.levels import coloured, marked
from charrnn.report.units import (
    COLOURS,
    RANKED,
    SHOWN,
    Activations,
    NamedUnit,
    above_luck,
    by_unit,
    legend,
    ranked,
    rounded,
    units_page,
)
from charrnn.storage.checkpoint import Checkpoint
from charrnn.wording import how_many


def _unit(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[int, int] | None:
    if value is None:
        return None
    found = re.fullmatch(r"([0-9]{1,9}):([0-9]{1,9})", value)
    if found is None:
        raise click.BadParameter(f"{value!r} is no unit; give its layer and number, both counted from 0, as in 0:12")
    return int(found[1]), int(found[2])


@click.command("neurons")
@reading_options(f"{SHOWN:,} to show, {RANKED:,} to rank")
@click.option("--unit", callback=_unit, metavar="LAYER:NUMBER", help="The unit to show, both counted from 0: 1:88.")
@click.option(
    "--find", type=click.Choice(list(PROPERTIES)), help="Rank units by how well they tell this property of the text."
)
@click.option(
    "--of",
    metavar="hidden|cell|GATE",
    help="Which of a unit's numbers to show: the hidden state, the cell state, a gate or the candidate ("
    + "; ".join(f"{name}: {', '.join(cell.activations)}" for name, cell in CELLS.items() if cell.activations)
    + ").  [default: cell where there is one, else hidden]",
)
@click.option("--top", type=WholeRange(min=1), default=10, show_default=True, help="How many units --find lists.")
@click.option(
    "--html",
    "as_html",
    is_flag=True,
    help=f"Print a page of HTML in which to pick units, with the {SHOWN:,} characters in which the property that the "
    "first unit tells changes most often, or with --length as many as that says.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    reading: ReadingOptions,
    unit: tuple[int, int] | None,
    find: str | None,
    of: str | None,
    top: int,
    as_html: bool,
    as_json: bool,
) -> None:
    """Show what a unit of a network does along a text, and find the unit that tells quotations or line lengths.

    RUN is a run folder or a checkpoint file; TEXT is a file, a folder of .txt files, or - for standard input.

    Each character is coloured by the value of the
    unit after reading it: blue below zero and red above, the stronger the nearer it is to the unit's largest value in
    this text (the cell state after tanh); for a gate, blue is closed and red open.

    Without --unit, --find or --html, this lists the best unit for each of the properties that --find knows.

    --find fits, on the first half of the text, a rule that tells the property from one unit alone, and scores the rule
    on the second half: for a property that is there or not, a threshold, by its balanced accuracy (0.5 is chance); for
    a number, a straight line, by its R^2 (0 is chance). "By luck" is the score of the best unit when the property is
    shifted along the text.
    """
    if find and unit:
        raise click.UsageError("--find says which unit to show; give --unit or --find")
    if as_html and as_json:
        raise click.UsageError("--html and --json print different things; give one")
    if as_json and not (find or unit):
        raise click.UsageError("--json prints one unit, or a ranking; give --unit or --find")
    checkpoint = load(reading.checkpoint)
    network = checkpoint.model.network
    cell = network.cells[0]
    names, of = (*cell.carried, *cell.activations), of or cell.memory
    if of not in names:
        raise click.UsageError(f"--of {of}: the units of this network have {', '.join(names)}")
    layers, units = len(network.cells), network.hidden_size
    if unit and not (unit[0] < layers and unit[1] < units):
        raise click.UsageError(
            f"--unit {unit[0]}:{unit[1]} is not there; layers go from 0 to {layers - 1}, units from 0 to {units - 1}"
        )
    read = read_beginning(reading, checkpoint, SHOWN if unit else RANKED)
    kind = "gate" if of in cell.gates else "state" if of in cell.carried else ""
    seen = Activations(of, kind, of in cell.through_tanh, *collect(read, of))
    ranking = rank(seen.text, seen.values, find) if find else None
    if as_html:
        for part in _page(
            reading, checkpoint, seen, unit, find, ranked(find, ranking, top) if find and ranking else []
        ):
            print_text(part)
    elif find and ranking:
        (_json_ranking if as_json else _table)(find, ranking, seen, top)
    elif unit and as_json:
        numbers = {"layer": unit[0], "unit": unit[1], "of": of}
        print_json(numbers | {"text": seen.text, "values": rounded(seen.values[:, *unit])})
    elif unit:
        _show(seen, unit)
    else:
        _overview(seen)


def _page(
    reading: ReadingOptions,
    checkpoint: Checkpoint,
    seen: Activations,
    unit: tuple[int, int] | None,
    find: str | None,
    found: list[NamedUnit],
) -> Iterator[str]:
    """The page with the unit asked for, those found, or the best for each property; it shows the part of the text in
    which the first property changes most often, or all that was asked for."""
    shown, along = reading.names
    named = [] if unit else found or above_luck(seen.text, seen.values)
    part = slice(None)
    if named and not reading.length:
        part = liveliest(seen.text, find or named[0].name, SHOWN)
    first = unit or (named[0].unit if named else (0, 0))
    return units_page(f"What {shown} does along {along}", seen, part, checkpoint.model.vocabulary, first, named)


def _show(seen: Activations, unit: tuple[int, int]) -> None:
    colour = has_colour()
    sys.stdout.write(f"{legend(seen, unit, colour)}\n\n")
    text = by_unit(seen, unit)
    sys.stdout.writelines(coloured(text, COLOURS) if colour else marked(text, line_width()))
    sys.stdout.write("\n")


def _mean(name: str, text: str) -> str:
    values = PROPERTIES[name](text)
    return f"{values.mean():.1%} of the time" if values.dtype == bool else f"{values.mean():.1f} on average"


def _table(name: str, ranking: Ranking, seen: Activations, top: int) -> None:
    print_text(
        f"{name}: {describe_property(name)}; {_mean(name, seen.text)} in {how_many(len(seen.text), 'character')}\n\n"
    )
    print_text(f"{'unit':>8}  {ranking.measure:>17}  told by its {seen.label}\n")
    best = ranking.best(top)
    for place in best:
        unit = f"{place[0]}:{place[1]}"
        print_text(f"{unit:>8}  {ranking.scores[place]:17.3f}  {_rule(ranking, place)}\n")
    print_text(f"{'by luck':>8}  {round(ranking.by_luck, 3) + 0:17.3f}\n")
    say(f"see it with --unit {best[0][0]}:{best[0][1]}")


def _overview(seen: Activations) -> None:
    print_text(
        f"the unit that tells each property best by its {seen.label}, in {how_many(len(seen.text), 'character')}\n\n"
    )
    print_text(f"{'':<13}  {'unit':>6}  {'score':>6}  {'by luck':>7}\n")
    for name, ranking in rank_all(seen.text, seen.values):
        if ranking is None:
            print_text(f"{name:<13}  {'-':>6}  the same at all characters of one half of the text\n")
            continue
        ((layer, number),) = ranking.best(1)
        best, luck = ranking.scores[layer, number], round(ranking.by_luck, 3) + 0
        print_text(f"{name:<13}  {f'{layer}:{number}':>6}  {best:6.3f}  {luck:7.3f}  {ranking.measure}\n")
    say("see a unit with --unit, and more units for a property with --find")


def _rule(ranking: Ranking, place: tuple[int, int]) -> str:
    fit = {what: float(numbers[place]) for what, numbers in ranking.fit.items()}
    if "sign" in fit:
        return f"{'above' if fit['sign'] > 0 else 'below'} {fit['threshold']:.3g}"
    return f"{fit['intercept']:.3g} {'-' if fit['slope'] < 0 else '+'} {abs(fit['slope']):.3g} times it"


def _json_ranking(name: str, ranking: Ranking, seen: Activations, top: int) -> None:
    units = [
        {"layer": layer, "unit": number, "score": round(float(ranking.scores[layer, number]), 6)}
        | {what: round(float(numbers[layer, number]), 6) for what, numbers in ranking.fit.items()}
        for layer, number in ranking.best(top)
    ]
    facts = {"property": name, "of": seen.of, "characters": len(seen.text), "measure": ranking.measure}
    print_json(facts | {"by_luck": round(ranking.by_luck, 6), "units": units})
