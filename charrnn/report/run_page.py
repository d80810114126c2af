"""The page of HTML about runs, to keep and to pass on: it holds all it needs, and loads nothing."""

import itertools
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from charrnn.errors import CharRNNError, CheckpointError
from charrnn.files import check_folder
from charrnn.report.chart_page import charts, line_names, summary
from charrnn.report.curves import Curves
from charrnn.report.escaping import escaped
from charrnn.report.page import make_page, page_script
from charrnn.report.panels import COLOURS, Panel, panels
from charrnn.report.status import status_reason, status_text
from charrnn.settings.schema import MEANINGS
from charrnn.storage.checkpoint import Checkpoint
from charrnn.storage.run import load_checkpoint
from charrnn.text.corpus import corpus_name
from charrnn.text.vocabulary import describe_character

MARK = b"<!doctype html>\n<!-- charrnn report -->\n"
"""What every report begins with."""
SCRIPTS = (
    "uplot/uPlot.iife.min.js",
    "report.js",
    "report_numbers.js",
    "report_charts.js",
    "report_view.js",
)
"""Each uses those before it."""
_BLANKS = {" ": "space", "\n": "newline", "\t": "tab"}


def report_page(runs: Sequence[Curves]) -> str:
    """The page about one run, or several to compare."""
    checkpoints = [_checkpoint(curves) for curves in runs]
    positions = sorted({snapshot.iteration for curves in runs for snapshot in curves.snapshots})
    drawn = [panel for panel in panels(runs) if not panel.is_empty]
    parts = make_page(
        "report.html",
        title=", ".join(curves.run for curves in runs),
        scripts=[page_script(name) for name in SCRIPTS],
        runs=[_facts(*run) for run in zip(runs, checkpoints, itertools.cycle(COLOURS), strict=False)],
        positions=positions,
        has_clock=all(len(curves.seconds) for curves in runs),
        panels=[_panel(panel, runs) for panel in drawn],
        settings=_settings(runs),
        vocabularies=_vocabularies(runs, checkpoints),
        data=charts(drawn, runs) | {"positions": positions, "snapshots": [_snapshots(curves) for curves in runs]},
    )
    return "".join(parts)


def _checkpoint(curves: Curves) -> Checkpoint | None:
    """The checkpoint of a run, which says more than the texts in its folder; None where nothing was saved yet."""
    try:
        return load_checkpoint(curves.folder)
    except CheckpointError:
        return None


def _facts(curves: Curves, checkpoint: Checkpoint | None, colour: str) -> dict[str, Any]:
    """What the page says of a run."""
    model = (checkpoint or curves).settings.model
    numbers = f", {len(checkpoint.model.parameters.vector):,} parameters" if checkpoint else ""
    best = min(curves.validation.pairs(), key=lambda pair: pair[1], default=None)
    baseline = f"{_loss(curves.baseline[1])}, {curves.baseline[0]}" if curves.baseline else "not computed"
    return {
        "name": curves.run,
        "colour": colour,
        "corpus": checkpoint.corpus.name if checkpoint else corpus_name(curves.settings.corpus.path),
        "network": f"{model.summary}{numbers}",
        "status": status_text(curves.status),
        "reason": status_reason(curves.status),
        "training": f"{_loss(curves.training.values[-1])} at {curves.last_iteration:,}",
        "validation": "none" if best is None else f"{_loss(best[1])} at {best[0]:,}",
        "baseline": baseline,
        "snapshots": _snapshots(curves),
    }


def _vocabularies(runs: Sequence[Curves], checkpoints: Sequence[Checkpoint | None]) -> list[dict[str, Any]]:
    """The characters of each vocabulary, with the runs that have it; none for those that saved nothing yet."""
    runs_of: dict[str, list[str]] = {}
    for curves, checkpoint in zip(runs, checkpoints, strict=True):
        characters = checkpoint.model.vocabulary.characters if checkpoint else ""
        runs_of.setdefault(characters, []).append(curves.run)
    return [
        {
            "runs": ", ".join(names),
            "characters": [{"shown": _shown(c), "name": describe_character(c)} for c in characters],
        }
        for characters, names in runs_of.items()
    ]


def _shown(character: str) -> str:
    """A character itself, or its name or code point where it would be invisible."""
    return _BLANKS.get(character) or (character if character.isprintable() else f"U+{ord(character):04X}")


def _loss(nats: float) -> str:
    kind = ".3f" if nats < 1e6 else ".3e"
    return f"{nats:{kind}} ({nats / math.log(2):{kind}})"


def _snapshots(curves: Curves) -> list[dict[str, Any]]:
    """The progression, as the page and its script show it."""
    shares = dict(zip(curves.real_words.iterations, curves.real_words.values, strict=True))
    return [
        {
            "iteration": snapshot.iteration,
            "facts": f"iteration {snapshot.iteration:,}, loss {_loss(snapshot.loss)}, "
            f"temperature {snapshot.temperature:g}",
            "share": shares.get(snapshot.iteration, 0.0),
            "words": f"{shares[snapshot.iteration]:.0%} real words" if snapshot.iteration in shares else "",
            "text": escaped(snapshot.text),
        }
        for snapshot in curves.snapshots
    ]


def _panel(panel: Panel, runs: Sequence[Curves]) -> dict[str, Any]:
    """What stands around a chart."""
    beyond = f" Not shown is what lies above {panel.top:.4g}." if panel.is_cut else ""
    return {
        "title": panel.title,
        "note": panel.note + beyond,
        "logarithmic": panel.logarithmic,
        "summary": summary(panel, runs),
        "lines": [
            {"name": name, "style": line.style, "colour": COLOURS[line.run % len(COLOURS)]}
            for line, name in zip(panel.lines, line_names(panel, runs), strict=True)
        ],
    }


def _settings(runs: Sequence[Curves]) -> dict[str, list[dict[str, Any]]]:
    """The settings that differ between the runs, and those that are the same: a row for each, with the value it has in
    each run as a settings file has it."""
    written = [re.findall(r"^  \w+: (.*)$", curves.settings.to_yaml(), re.M) for curves in runs]
    rows = [
        {"key": key, "values": values, "meaning": meaning}
        for (key, meaning), *values in zip(MEANINGS.items(), *written, strict=True)
    ]
    differing = [row for row in rows if len(set(row["values"])) > 1]
    return {"differing": differing, "same": [row for row in rows if row not in differing]}


def check_replaceable(path: Path) -> None:
    """Raises CharRNNError where something other than a report is there already, or no folder to make it in."""
    check_folder(path)
    try:
        with open(path, "rb") as file:
            if file.read(len(MARK)) == MARK:
                return
    except FileNotFoundError:
        return
    except OSError as error:
        raise CharRNNError(
            f"{str(path)!r} cannot be replaced: {error.strerror}", "name another file with {to}"
        ) from None
    raise CharRNNError(f"{str(path)!r} is no report", "replace it with {force}, or name another file with {to}")
