"""``charrnn score``"""

import math
import os
import shutil
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import takewhile
from pathlib import Path
from typing import Any

import click

from charrnn.analysis.activations import read_activations
from charrnn.analysis.dynamic import score_dynamically
from charrnn.analysis.expectations import joined
from charrnn.analysis.scoring import SHORT, ItemLosses, Piece, Score, score_text, scored_lines
from charrnn.analysis.streams import CONTEXT
from charrnn.cli.paths import GivenPath
from charrnn.cli.progress import reading_bar
from charrnn.cli.terminal import has_colour, line_width, print_json, print_text, say
from charrnn.cli.texts import encoding_option, unknown_option
from charrnn.errors import CorpusError
from charrnn.layout import is_run
from charrnn.model import Model
from charrnn.report.columns import broken, columns, padded
from charrnn.report.escaping import escaped
from charrnn.report.figures import list_text, loss_text, telling_names
from charrnn.report.levels import coloured, marked
from charrnn.report.pane import pane_data
from charrnn.report.surprisal import COLOURS, by_surprisal, legend, surprisal_page
from charrnn.settings.build import read_as
from charrnn.storage.checkpoint import Checkpoint
from charrnn.storage.run import load_checkpoint
from charrnn.text.items import readable, readable_in_place
from charrnn.text.reading import Source, find_sources
from charrnn.text.vocabulary import Unknown
from charrnn.wording import how_many

TOGETHER = "together"
SHOWN = 100_000
"""Characters of a text on a page; the figures are those of all."""


@click.command("score")
@click.option(
    "--checkpoint",
    "paths",
    type=GivenPath(),
    multiple=True,
    metavar="RUN|FILE",
    help="In the place of RUN: a run folder (its best checkpoint) or a checkpoint file; several to compare.",
)
@click.option("--show", is_flag=True, help="Print the text coloured by surprisal.")
@click.option("--html", is_flag=True, help="Print the coloured text as a page of HTML.")
@click.option(
    "--lines",
    is_flag=True,
    help="Print the loss of every line, or of every item where the network has learnt items, the most surprising "
    "first.",
)
@click.option(
    "--exact",
    is_flag=True,
    help="Read a text of any length in one stream, each character after all that stands before it. Without this, a "
    f"text of more than {SHORT:,} characters is cut into streams that are read side by side on all cores, each after "
    f"{CONTEXT} characters of context: many times as fast, with losses that differ by less than 0.0001.",
)
@click.option(
    "--dynamic",
    is_flag=True,
    help="Measure too how well the network does when it learns from the text as it reads, each character counted "
    "before it is learnt (dynamic evaluation). The checkpoint stays as it is.",
)
@unknown_option
@encoding_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.argument("files", nargs=-1, required=True, type=GivenPath(), metavar="[RUN]... FILE...")
def command(
    paths: tuple[str, ...],
    show: bool,
    html: bool,
    lines: bool,
    exact: bool,
    dynamic: bool,
    unknown: Unknown,
    encoding: str | None,
    as_json: bool,
    files: tuple[str, ...],
) -> None:
    """Measure how well a network predicts texts: nats and bits per character, and perplexity.

    RUN is a run folder or a checkpoint file; with --checkpoint it is left out, and all arguments are texts. FILE is a
    file, a folder of .txt files, or - for standard input. Each text is read from its first character to
    its last; the first is predicted as if a line end stood before it, as in sampling. After several run folders, or
    with several checkpoints, a table shows which network predicts each text best: the likeliest author.
    """
    if not paths:
        networks = 1 + sum(1 for _ in takewhile(lambda path: is_run(Path(path)), files[1:]))
        paths, files = files[:networks], files[networks:]
        if not files:
            raise click.UsageError(
                f"nothing comes after {paths[-1]!r}; give RUN, the network, and then FILE, what it is to read"
            )
    if show + html + (lines or as_json) > 1:
        raise click.UsageError("--show, --html, --lines and --json print different things; give one, or --lines --json")
    if len(paths) > 1 and (show or html or lines):
        raise click.UsageError("--show, --html and --lines look into one network; give one")
    if dynamic and (len(paths) > 1 or show or html or lines):
        raise click.UsageError(
            "--dynamic adds to the figures of one network; give one, and leave out what else is shown"
        )
    if len(set(paths)) < len(paths):
        raise click.UsageError("a network is given twice; give each once")
    if files.count("-") > 1:
        raise click.UsageError("stdin is read once; give - once")
    checkpoints = [load_checkpoint(path) for path in paths]
    sources = find_sources(files)
    readings = [
        [_Reading(source, checkpoint, unknown, encoding, exact, dynamic, bar=not show) for source in sources]
        for checkpoint in checkpoints
    ]
    if show:
        _show(readings[0])
    elif html:
        _html(readings[0], paths[0])
    elif lines:
        _lines(readings[0], as_json)
    else:
        for of_one in readings:
            for reading in of_one:
                reading.finish()
        if as_json:
            _json(paths, readings)
        elif len(paths) > 1:
            _compare(paths, readings)
        else:
            for figures in _figures(readings[0]):
                print_text(f"{figures}\n")


class _Reading:
    """A text that one network reads; ``score`` is the score of what has been read so far, and ``dynamic`` that of the
    whole text, read again by a network that learns from it, if that is asked for."""

    def __init__(
        self,
        source: Source,
        checkpoint: Checkpoint,
        unknown: Unknown,
        encoding: str | None,
        exact: bool,
        dynamic: bool,
        bar: bool,
    ) -> None:
        self.name = self.shown = source.name
        self.score = Score()
        made_of = checkpoint.settings.corpus.made_of
        self.mark = made_of.mark if made_of else "\n"
        self.items = ItemLosses(self.mark) if made_of else None
        self.dynamic: Score | None = None
        self._source, self._model, self._unknown, self._bar = source, checkpoint.model, unknown, bar
        self._settings, self._encoding = checkpoint.settings, encoding
        self._exact, self._dynamic = exact, dynamic

    @property
    def length(self) -> int:
        """The length of the text as this network reads it, with what is unknown to it."""
        return self.score.characters + (self.score.unknown if self._unknown == "skip" else 0)

    def __iter__(self) -> Iterator[Piece]:
        for piece in self._pieces(partial(score_text, exact=self._exact)):
            self.score += piece.score
            if self.items is not None:
                self.items.add(piece)
            yield piece

    def shown_pieces(self) -> Iterator[Piece]:
        """The pieces without the characters that cannot be typed."""
        return (replace(piece, text=readable_in_place(piece.text)) for piece in self)

    @property
    def note(self) -> str:
        """How much of the text a page shows, where that is not all."""
        n = self.score.characters
        return f"The first {SHOWN:,} of {n:,} characters." if n > SHOWN else ""

    def pane(self) -> dict[str, Any]:
        """The beginning of the text as a page shows it."""
        text, expected = "", []
        blocks = read_as(self._settings, [self._source], self._encoding)
        for trace in read_activations(self._model, blocks, self.name, self._unknown):
            text += trace.text
            expected.append(trace.expected)
            if len(text) >= SHOWN:
                break
        part = slice(SHOWN)
        return pane_data(text[part], joined(expected).cut(part), self._model.vocabulary)

    def _pieces(self, score: Callable[[Model, Iterator[str], str, Unknown], Iterator[Piece]]) -> Iterator[Piece]:
        size = os.path.getsize(self.name) if self._source.content is None else len(self._source.content)
        blocks = read_as(self._settings, [self._source], self._encoding)
        with reading_bar(self.name, size, disable=None if self._bar else True) as bar:
            for piece in score(self._model, blocks, self.name, self._unknown):
                yield piece
                bar.update(len(piece.text.encode("utf-8", "replace")))

    def finish(self) -> None:
        """Reads the whole text."""
        deque(self, maxlen=0)
        if self._dynamic:
            self.dynamic = sum((piece.score for piece in self._pieces(score_dynamically)), Score())


def _scores(readings: Sequence[_Reading]) -> list[tuple[str, Score]]:
    """The score of each text and, where there are several, of all of them. Raises CorpusError where there is none."""
    scores = _with_all([(reading.shown, reading.score) for reading in readings])
    if not scores[-1][1].characters:
        names = ", ".join(repr(reading.shown) for reading in readings)
        raise CorpusError(f"there is no character to score in {names}", "give a text that the network can read")
    return scores


def _dynamic_scores(readings: Sequence[_Reading]) -> list[tuple[str, Score]]:
    """The same by a network that learns as it reads; none where that is not asked for."""
    return _with_all([(reading.shown, reading.dynamic) for reading in readings if reading.dynamic])


def _with_all(scores: list[tuple[str, Score]]) -> list[tuple[str, Score]]:
    return scores if len(scores) < 2 else [*scores, (TOGETHER, sum((score for _, score in scores), Score()))]


def _figures(readings: Sequence[_Reading]) -> Iterator[str]:
    """A line of figures for each text."""
    for name, s in _scores(readings):
        unknown = f", {s.unknown:,} unknown" if s.unknown else ""
        loss = f"{loss_text(s.loss)}, perplexity {s.perplexity:.2f}, " if s.characters else ""
        yield f"{name}: {loss}{how_many(s.characters, 'character')}{unknown}"
    for reading in readings:
        if reading.items:
            n, mean, spread = len(reading.items), reading.items.mean, reading.items.spread
            yield f"{reading.shown}: {mean:.2f} nats/item, standard deviation {spread:.2f}, {how_many(n, 'item')}"
    for name, s in _dynamic_scores(readings):
        if s.characters:
            yield f"{name}: {loss_text(s.loss)}, perplexity {s.perplexity:.2f}, learning as it reads"


def _compare(paths: Sequence[str], readings: Sequence[Sequence[_Reading]]) -> None:
    """A table of texts and networks."""
    scores = [_scores(of_one) for of_one in readings]
    rows = [["", *paths]]
    lengths = [[reading.length for reading in same_file] for same_file in zip(*readings, strict=True)]
    alike = [max(each) - min(each) <= 1 for each in lengths]  # a mark may be added after the last item
    for same_text, is_alike in zip(zip(*scores, strict=True), [*alike, all(alike)], strict=False):
        losses = [score.loss for _, score in same_text]
        compared = [loss for loss in losses if not math.isnan(loss)] if is_alike else []
        best = min(compared, default=math.nan)
        cells = ("-" if math.isnan(loss) else f"{loss_text(loss)} {'*' if loss == best else ' '}" for loss in losses)
        rows.append([same_text[0][0], *cells])
    widths = [max(map(columns, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        line = "  ".join(padded(cell, width) for cell, width in zip(row, widths, strict=True))
        print_text(f"{line.rstrip()}\n")
    print_text("* the network that predicts it best\n")
    for reading, each, is_alike in zip(readings[0], lengths, alike, strict=True):
        if not is_alike:
            lengths_text = list_text([f"{n:,}" for n in each])
            say(f"{reading.shown}: not compared, since these networks read {lengths_text} characters of it")
    for path, of_one in zip(paths, readings, strict=True):
        unknown = sum(reading.score.unknown for reading in of_one)
        if unknown:
            say(f"{path}: {how_many(unknown, 'character')} unknown to it; what is skipped does not count in its losses")


def _json(paths: Sequence[str], readings: Sequence[Sequence[_Reading]]) -> None:
    def numbers(score: Score) -> dict[str, float | None]:
        return {
            "characters": score.characters,
            "unknown": score.unknown,
            "nats_per_character": score.loss if score.characters else None,
            "bits_per_character": score.bits if score.characters else None,
            "perplexity": score.perplexity if score.characters else None,
        }

    document: dict[str, list[dict[str, Any]]] = {
        path: [{"text": name} | numbers(score) for name, score in _scores(of_one)]
        for path, of_one in zip(paths, readings, strict=True)
    }
    for path, of_one in zip(paths, readings, strict=True):
        for row, reading in zip(document[path], of_one, strict=False):
            if reading.items:
                row["items"], row["nats_per_item"] = len(reading.items), reading.items.mean
                row["standard_deviation_of_items"] = reading.items.spread
        for row, (_, score) in zip(document[path], _dynamic_scores(of_one), strict=False):
            row["dynamic_nats_per_character"] = numbers(score)["nats_per_character"]
    print_json(document)


def _show(readings: Sequence[_Reading]) -> None:
    colour = has_colour()
    sys.stdout.write(f"{legend(colour)}\n")
    for reading in readings:
        sys.stdout.write(f"\n{escaped(reading.name)}\n\n" if len(readings) > 1 else "\n")
        text = by_surprisal(reading.shown_pieces())
        sys.stdout.writelines(coloured(text, COLOURS) if colour else marked(text, line_width()))
        sys.stdout.write("\n")
    for figures in _figures(readings):
        print_text(f"{figures}\n")


def _html(readings: Sequence[_Reading], checkpoint: str) -> None:
    (network,) = telling_names([checkpoint])
    for reading, name in zip(readings, telling_names([reading.name for reading in readings]), strict=True):
        reading.finish()
        reading.shown = name
    figures = list(_figures(readings))
    texts = ((reading.shown, reading.note, reading.pane()) for reading in readings if reading.score.characters)
    for part in surprisal_page(f"How {network} reads", figures, texts):
        print_text(part)


def _in_one_line(text: str) -> str:
    return readable(text).replace("\n", " ")


def _lines(readings: Sequence[_Reading], as_json: bool) -> None:
    found = [(reading.name, line) for reading in readings for line in scored_lines(reading, reading.mark)]
    counted = "line" if readings[0].items is None else "item"
    found.sort(key=lambda pair: -pair[1].score.loss)
    if as_json:
        rows = [
            {
                "file": name,
                counted: line.number,
                "nats_per_character": line.score.loss,
                "bits_per_character": line.score.bits,
                "characters": line.score.characters,
                "text": readable(line.text),
            }
            for name, line in found
        ]
        print_json(rows)
        return
    width = shutil.get_terminal_size().columns - 1 if sys.stdout.isatty() else None
    places = [f"{name}:{line.number}" if len(readings) > 1 else str(line.number) for name, line in found]
    column = max(map(len, [counted, *places]))
    print_text(f"nats/char    bits  {counted:>{column}}  text\n")
    for place, (_, line) in zip(places, found, strict=True):
        row = f"{line.score.loss:9.3f}  {line.score.bits:6.3f}  {place:>{column}}  {_in_one_line(line.text)}"
        print_text(f"{broken(row, width)[0] if width else escaped(row)}\n")
    for figures in _figures(readings):
        say(figures)
