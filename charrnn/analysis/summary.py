"""What is in a checkpoint."""

import math
from dataclasses import asdict
from typing import Any

import numpy as np

from charrnn.arrays import Array
from charrnn.errors import CorpusError
from charrnn.storage.checkpoint import Checkpoint
from charrnn.text.corpus import split
from charrnn.text.streams import count_windows


def summary(checkpoint: Checkpoint) -> dict[str, Any]:
    """All of a checkpoint that is not its numbers, and of these the shapes and sizes, as JSON has it.

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
        training, _ = split(n, checkpoint.corpus.name, c.validation, c.test)
        return checkpoint.progress.iteration / count_windows(training, t.batch, t.window)
    except CorpusError:
        return None
