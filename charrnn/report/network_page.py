"""A page of HTML that holds networks and runs them in the reader's browser."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from charrnn.arrays import Array
from charrnn.errors import CharRNNError
from charrnn.report.page import make_page, page_script
from charrnn.report.pane import code_points_of, in_base64
from charrnn.report.units import NamedUnit
from charrnn.storage.checkpoint import Checkpoint
from charrnn.text.items import RECORD_SEPARATOR, UNIT_SEPARATOR
from charrnn.version import __version__

LARGEST = 32_000_000
"""Characters that the weights of a page may take: what a browser opens within seconds."""
_SIGNS = {ord(mark): 0x2400 + ord(mark) for mark in (RECORD_SEPARATOR, UNIT_SEPARATOR)}
"""Marks that cannot be typed, as the signs that stand for them on the page."""
NETWORK = ("base64.js", "cells.js", "network.js")
"""The scripts that compute, in the page and in its worker."""


def network_page(
    checkpoints: Sequence[Checkpoint],
    shown: Checkpoint,
    title: str,
    beginning: str,
    named: Sequence[NamedUnit],
    small: bool = False,
) -> Iterator[str]:
    """A page, part by part, with one network, or with several of a run in the order of their iterations. The one
    ``shown`` at first, which is among them, reads the ``beginning``.

    Weights are rounded to half precision; with ``small``, matrices to whole numbers of a byte, with a scale for each
    row. Raises CharRNNError where they take more than ``LARGEST`` characters.
    """
    network, vocabulary = shown.model.network, shown.model.vocabulary
    units = [unit.on_page(network.hidden_size) for unit in named]
    _check_size(checkpoints, small)
    data = {
        "alphabet": code_points_of(vocabulary),
        "form": vocabulary.form,
        "start": int(shown.model.start[0]),
        "layers": len(network.cells),
        "hidden": network.hidden_size,
        "beginning": beginning.translate(_SIGNS),
        "unit": units[0]["place"] if units else 0,
        "shown": checkpoints.index(shown),
        "iterations": [
            {"iteration": each.progress.iteration, "loss": _figure(each.progress.training_loss)} for each in checkpoints
        ],
    }
    return make_page(
        "live.html",
        title=title,
        scripts=[page_script(name) for name in (*NETWORK, "pane.js", "squares.js", "live.js")],
        worker="".join(map(page_script, (*NETWORK, "worker.js"))),
        about=_about(shown, with_loss=len(checkpoints) == 1),
        named=units,
        data=data,
        networks=(_network(each, small) for each in checkpoints),
        version=__version__,
    )


def _about(checkpoint: Checkpoint, with_loss: bool) -> str:
    m, best = checkpoint.settings.model, checkpoint.progress.best_loss if with_loss else None
    parameters = f"{len(checkpoint.model.parameters.vector):,} parameters"
    loss = (
        f"; {_figure(best)} nats ({_figure(best / math.log(2))} bits) a character on text that it has not read"
        if best
        else ""
    )
    return f"{m.summary}, {parameters}{loss}."


def _figure(number: float) -> str:
    return f"{number:.3f}"


def _network(checkpoint: Checkpoint, small: bool) -> dict[str, Any]:
    """All that ``network.js`` needs of a network."""
    network = checkpoint.model.network
    cell = network.cells[0]
    return {
        "cell": checkpoint.settings.model.cell,
        "layers": len(network.cells),
        "hidden": network.hidden_size,
        "carried": len(cell.carried),
        "memory": cell.carried.index(cell.memory),
        "mark": network.mark,
        "parameters": {name: _encoded(array, small) for name, array in checkpoint.model.parameters.items()},
    }


def _encoded(array: Array, small: bool) -> dict[str, Any]:
    if not small or array.ndim == 1:
        return {"halves": in_base64(array.astype("<f2"))}
    scales = np.abs(array).max(axis=1).astype("<f4") / 127
    rows = np.rint(array / np.where(scales > 0, scales, 1)[:, None]).astype("i1")
    return {"small": in_base64(rows), "scales": in_base64(scales), "columns": array.shape[1]}


def _check_size(checkpoints: Sequence[Checkpoint], small: bool) -> None:
    numbers = sum(len(each.model.parameters.vector) for each in checkpoints)
    size = numbers * (1 if small else 2) * 4 // 3
    if size <= LARGEST:
        return
    ways = [*([] if small else ["give {small}"]), *(["leave out {snapshots}"] if len(checkpoints) > 1 else [])]
    raise CharRNNError(
        f"the page would hold {numbers:,} weights in {size / 1e6:,.0f} MB, and {LARGEST / 1e6:,.0f} MB are the most",
        " or ".join(ways) or "take a smaller network",
    )
