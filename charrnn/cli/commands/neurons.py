"""``charrnn neurons``"""

import base64
import html
import json
import re
import sys
from dataclasses import dataclass
from typing import Any

import click

from charrnn.analysis.activations import activation_names, collect
from charrnn.analysis.neurons import PROPERTIES, Ranking, describe_property, liveliest, rank, shades
from charrnn.arrays import Array
from charrnn.cli.levels import background, coloured, has_colour, marked, painted, runs, visible
from charrnn.cli.terminal import print_text, say
from charrnn.cli.texts import load, reading_options
from charrnn.cli.texts import windows as windows_of
from charrnn.errors import CorpusError
from charrnn.report.page import PAGE_END, page_begin, safe
from charrnn.resources import page_part
from charrnn.text.vocabulary import Unknown

SHOWN, RANKED = 2_000, 20_000
"""Characters that are read to be shown, and to rank units by; a page holds no more than are shown."""
_COLOURS = [*map(background, (33, 75, 117, 153)), "", *map(background, (224, 217, 210, 203))]
"""Blue, as all other text is, red."""


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
@click.option("--find", type=click.Choice(list(PROPERTIES)), help="Rank units by how well they tell this of the text.")
@click.option(
    "--of",
    metavar="hidden|cell|GATE",
    help="Which of its numbers: the hidden state, the cell state, or a gate (LSTM: input, forget, candidate, output; "
    "GRU: reset, update, candidate).  [default: cell where there is one, else hidden]",
)
@click.option("--top", type=click.IntRange(min=1), default=10, show_default=True, help="How many units --find lists.")
@click.option(
    "--html",
    "as_html",
    is_flag=True,
    help=f"Print a page of HTML in which to pick units, with {SHOWN:,} characters; "
    "with --find, those in which what is looked for changes most often.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    path: str | None,
    unit: tuple[int, int] | None,
    find: str | None,
    of: str | None,
    top: int,
    as_html: bool,
    as_json: bool,
    length: int | None,
    unknown: Unknown,
    encoding: str | None,
    text: str,
) -> None:
    """Show what a unit of a network does along a text, and find the unit that tells quotations or line lengths.

    TEXT is a file, a folder of .txt files, or - for standard input. Each character has the colour of the unit after
    reading it: blue below zero, red above, as strong as its share of the unit's largest in this text (the cell state
    after tanh); of a gate, blue is closed and red open.

    Without --unit, --find or --html it lists the best unit for each of the properties that --find knows.

    --find fits on the first half of the text what each unit alone tells of a property, and scores it on the second:
    balanced accuracy, of a threshold, where the property is there or not (0.5 is chance); R^2, of a line, where it is a
    number (0 is chance). Beside it stands what the best unit reaches by luck, with the property moved out of place.
    """
    if find and unit:
        raise click.UsageError("--find says which unit to show; give --unit or --find")
    if as_html and as_json:
        raise click.UsageError("--html and --json print different things; give one")
    if as_json and not (find or unit):
        raise click.UsageError("--json prints one unit, or a ranking; give --unit or --find")
    checkpoint = load(path)
    network = checkpoint.model.network
    names, cell = activation_names(network), network.cells[0]
    of = of or cell.memory
    if of not in names:
        raise click.UsageError(f"--of {of}: the units of this network have {', '.join(names)}")
    layers, units = len(network.cells), network.hidden_size
    if unit and not (unit[0] < layers and unit[1] < units):
        raise click.UsageError(
            f"--unit {unit[0]}:{unit[1]} is not there; layers go from 0 to {layers - 1}, units from 0 to {units - 1}"
        )
    read = windows_of(
        checkpoint, text, length or (SHOWN if unit or (as_html and not find) else RANKED), unknown, encoding
    )
    characters, values = collect(read, of)
    ranking = rank(characters, values, find) if find else None
    kind = "gate" if of in cell.gates else "state" if of in cell.carried else ""
    seen = _Seen(of, kind, of in cell.through_tanh, characters, values)
    if as_html:
        title = f"What {path or 'a network that has read War and Peace'} does along {text}"
        _html(title, seen, unit or (0, 0), find, ranking, top)
    elif find and ranking:
        (_json_ranking if as_json else _table)(find, ranking, seen, top)
    elif unit and as_json:
        numbers = {"layer": unit[0], "unit": unit[1], "of": of}
        click.echo(json.dumps(numbers | {"text": characters, "values": _rounded(values[:, unit[0], unit[1]])}))
    elif unit:
        _show(seen, unit)
    else:
        _overview(seen)


@dataclass(frozen=True)
class _Seen:
    """A text and one kind of activation along it, (n, L, H)."""

    of: str
    kind: str
    """``gate``, ``state``, or nothing for the candidate."""
    through_tanh: bool
    text: str
    values: Array

    @property
    def label(self) -> str:
        """What its values are."""
        return f"{self.of} {self.kind}".rstrip()

    @property
    def coloured(self) -> str:
        """What is coloured."""
        return f"tanh of the {self.label}" if self.through_tanh else self.label

    @property
    def is_gate(self) -> bool:
        return self.kind == "gate"

    def shades(self, where: Any) -> tuple[Array, Array]:
        """Of some of its values; see ``shades``."""
        return shades(self.values[where], is_gate=self.is_gate, through_tanh=self.through_tanh)


def _show(seen: _Seen, unit: tuple[int, int]) -> None:
    layer, number = unit
    shade, largest = seen.shades((slice(None), layer, number))
    middle = len(_COLOURS) // 2
    found = runs((shade * middle).round().astype(int) + middle, seen.text)
    ends = ["0", "0.5", "1"] if seen.is_gate else [f"{-largest:.2f}", "0", f"{largest:.2f}"]
    colour = has_colour()
    marks = [
        painted(_COLOURS[level], f" {end} ") if colour else f"{level}: {end}"
        for level, end in zip((0, middle, 2 * middle), ends, strict=True)
    ]
    sys.stdout.write(f"unit {layer}:{number}, {seen.coloured}: {(' ... ' if colour else ', ').join(marks)}\n\n")
    for piece in coloured(found, _COLOURS) if colour else marked(found):
        sys.stdout.write(piece)
    sys.stdout.write("\n")


def _mean(name: str, text: str) -> str:
    values = PROPERTIES[name](text)
    return f"{values.mean():.1%} of the time" if values.dtype == bool else f"{values.mean():.1f} on average"


def _table(name: str, ranking: Ranking, seen: _Seen, top: int) -> None:
    print_text(f"{name}: {describe_property(name)}; {_mean(name, seen.text)} in {len(seen.text):,} characters\n\n")
    print_text(f"{'unit':>8}  {ranking.measure:>17}  told by its {seen.label}\n")
    best = ranking.best(top)
    for place in best:
        unit = f"{place[0]}:{place[1]}"
        print_text(f"{unit:>8}  {ranking.scores[place]:17.3f}  {_rule(ranking, place)}\n")
    print_text(f"{'by luck':>8}  {round(ranking.by_luck, 3) + 0:17.3f}\n")
    say(f"see it with --unit {best[0][0]}:{best[0][1]}")


def _overview(seen: _Seen) -> None:
    print_text(f"the unit that tells each property best by its {seen.label}, in {len(seen.text):,} characters\n\n")
    print_text(f"{'':<13}  {'unit':>6}  {'score':>6}  {'by luck':>7}\n")
    for name in PROPERTIES:
        try:
            ranking = rank(seen.text, seen.values, name)
        except CorpusError:
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


def _json_ranking(name: str, ranking: Ranking, seen: _Seen, top: int) -> None:
    units = [
        {"layer": layer, "unit": number, "score": round(float(ranking.scores[layer, number]), 6)}
        | {what: round(float(numbers[layer, number]), 6) for what, numbers in ranking.fit.items()}
        for layer, number in ranking.best(top)
    ]
    facts = {"property": name, "of": seen.of, "characters": len(seen.text), "measure": ranking.measure}
    click.echo(json.dumps(facts | {"by_luck": round(ranking.by_luck, 6), "units": units}))


def _html(title: str, seen: _Seen, unit: tuple[int, int], name: str | None, ranking: Ranking | None, top: int) -> None:
    part = liveliest(seen.text, name, SHOWN) if name else slice(SHOWN)
    text = seen.text[part]
    shade, largest = seen.shades(part)
    layers, units = largest.shape
    found = ranking.best(top) if ranking else []
    data = {
        "units": units,
        "unit": found[0] if found else unit,
        "gate": seen.is_gate,
        "largest": _rounded(largest.ravel()),
        # (L, H, n) in bytes from -127 to 127
        "shades": base64.b64encode((shade * 127).round().astype("i1").transpose(1, 2, 0).tobytes()).decode(),
    }
    low, high = ("closed", "open") if seen.is_gate else ("below zero", "above")
    script = f"\n{page_part('neurons.js')}"
    print_text(page_begin(title, "neurons.css", script))
    print_text(
        f"<p>The {seen.coloured} of one unit after each character: <span class=low>&nbsp;{low}&nbsp;</span> "
        f"<span class=high>&nbsp;{high}&nbsp;</span></p>\n"
        "<form><label>layer <select id=layer>"
        + "".join(f"<option>{layer}</option>" for layer in range(layers))
        + f"</select></label> <label>unit <input id=unit type=number min=0 max={units - 1}></label> "
        "<button type=button id=previous aria-label=previous>&larr;</button> "
        "<button type=button id=next aria-label=next>&rarr;</button> <output id=value></output></form>\n"
    )
    if name and ranking:
        print_text(f"<p>{safe(describe_property(name).capitalize())}, by {html.escape(ranking.measure)}: ")
        print_text(
            " ".join(
                f'<button type=button data-unit="{layer}:{number}">{layer}:{number} '
                f"<small>{ranking.scores[layer, number]:.3f}</small></button>"
                for layer, number in found
            )
        )
        print_text(f" by luck {ranking.by_luck:.3f}</p>\n")
    print_text("<noscript><p>The colours need JavaScript.</p></noscript>\n<pre dir=auto>")
    print_text("".join(f"<span>{safe(visible(character))}</span>" for character in text))
    print_text(f'</pre>\n<script type="application/json" id=data>{json.dumps(data)}</script>\n')
    print_text(f"<script>{script}</script>\n{PAGE_END}")


def _rounded(numbers: Array) -> list[float]:
    return [float(f"{number:.4g}") for number in numbers.tolist()]
