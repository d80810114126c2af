"""What is in a checkpoint, and what a text is made of, as JSON documents."""

import math
from collections.abc import Callable, Iterable
from dataclasses import asdict
from itertools import pairwise
from typing import Any

import numpy as np

from charrnn.arrays import Array
from charrnn.errors import CorpusError
from charrnn.settings.build import read_as
from charrnn.settings.schema import Settings
from charrnn.storage.checkpoint import Checkpoint
from charrnn.text.corpus import corpus_name, python_manual, split
from charrnn.text.items import LOOKED_AT, looks_like_list
from charrnn.text.normalisation import normalised_blocks
from charrnn.text.reading import check_different, find_sources, first_characters, in_blocks, read_blocks
from charrnn.text.streams import count_windows
from charrnn.text.survey import survey
from charrnn.text.tables import columns


def checkpoint_summary(checkpoint: Checkpoint) -> dict[str, Any]:
    """Everything in a checkpoint, with shapes and statistics in place of the parameters themselves.

    Losses are in nats per character. ``epochs`` is None where the settings and the corpus do not fit each other.
    """
    progress, settings, parameters = checkpoint.progress, checkpoint.settings, checkpoint.model.parameters
    losses = progress.recent_losses
    return {
        "corpus": asdict(checkpoint.corpus),
        "origins": [asdict(origin) for origin in checkpoint.origins],
        "progress": asdict(progress),
        "training_loss": sum(losses) / len(losses) if losses else None,
        "epochs": _epochs(checkpoint),
        "characters_per_iteration": settings.training.batch * settings.training.window,
        "resumable": checkpoint.training is not None,
        "made_with": dict(checkpoint.made_with),
        "vocabulary": checkpoint.model.vocabulary.characters,
        "numbers": len(parameters.vector),
        "parameters": {name: _size(array) for name, array in parameters.items()},
        "settings": settings.model_dump(),
    }


def corpus_summary(settings: Settings, progress: Callable[[Iterable[str]], Iterable[str]] = iter) -> dict[str, Any]:
    """What the text that settings describe is made of, and the streams and windows that it would make for training.

    The text is read a block at a time; ``progress`` passes the blocks on, as tqdm does. Where the text is too small for
    its parts or for the windows, ``problem`` says so. Raises CorpusError where the text cannot be read or is empty.
    """
    c, t = settings.corpus, settings.training
    sources, name = find_sources(c.path), corpus_name(c.path)
    check_different(sources)
    blocks = read_blocks(sources, c.encoding, "keep") if c.path else in_blocks(python_manual())
    found = survey(normalised_blocks(progress(blocks), c.normalise), c.newline == "keep")
    learnt, items = found, None
    if c.made_of and c.path:  # which need not be all that stands in the files
        learnt = survey(normalised_blocks(read_as(settings, sources), c.normalise), keep_line_ends=True)
        items = sum(each.count for each in learnt.characters if each.character == c.made_of.mark)
    n, lines = learnt.length, {each.character: each.line for each in found.characters}
    if not n:
        raise CorpusError(f"corpus {name!r} is empty", "give a text of at least a few thousand characters")
    beginning = "".join(first_characters(read_as(settings, sources), LOOKED_AT)) if items is None else ""
    table = columns(sources[0].name, beginning) if sources else []
    facts: dict[str, Any] = {
        "name": name,
        "sources": [source.name for source in sources],
        "encoding": c.encoding,
        "characters": n,
        "items": items,
        "columns": table,
        "is_list": not table and looks_like_list(beginning),
        "distinct": len(learnt.characters),
        "line_ends": found.line_ends,
        "parts": None,
        "batch": t.batch,
        "window": t.window,
        "windows": None,
        "problem": None,
        "findings": [asdict(finding) for finding in found.findings],
        "vocabulary": [
            asdict(each) | {"line": lines.get(each.character, 0), "code_point": each.code_point, "name": each.name}
            for each in learnt.characters
        ],
    }
    try:
        cuts = [0, *split(n, name, c.validation, c.test, c.pieces), n // c.pieces]
        sizes = [c.pieces * (stop - start) for start, stop in pairwise(cuts)]
        facts["parts"] = dict(zip(("training", "validation", "test"), sizes, strict=True))
        facts["windows"] = count_windows(sizes[0], t.batch, t.window)
    except CorpusError as error:
        facts["problem"] = str(error)
    return facts


def _size(array: Array) -> dict[str, Any]:
    return {
        "shape": list(array.shape),
        "dtype": str(array.dtype),
        "norm": math.sqrt(np.sum(np.square(array, dtype=np.float64))),
        "mean": float(np.mean(array, dtype=np.float64)),
        "largest": float(np.abs(array).max()),
    }


def _epochs(checkpoint: Checkpoint) -> float | None:
    c, t, n = checkpoint.settings.corpus, checkpoint.settings.training, checkpoint.corpus.characters
    try:
        training, _ = split(n, checkpoint.corpus.name, c.validation, c.test, c.pieces)
        return checkpoint.progress.iteration / count_windows(c.pieces * training, t.batch, t.window)
    except CorpusError:
        return None
