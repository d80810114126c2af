"""Character-level text generation with recurrent networks in NumPy.

The names below are the library; each is imported from its module when it is first used, so that ``import charrnn``
costs nothing.
"""

import importlib
from typing import Any

__version__ = "0.1.0"

_HOME = {
    "CharRNNError": "charrnn.errors",
    "Checkpoint": "charrnn.checkpoint",
    "Corpus": "charrnn.text.corpus",
    "Evaluation": "charrnn.training.trainer",
    "Model": "charrnn.model",
    "Run": "charrnn.training.run",
    "Saved": "charrnn.training.trainer",
    "Settings": "charrnn.config",
    "Snapshot": "charrnn.training.snapshots",
    "Step": "charrnn.training.trainer",
    "Trainer": "charrnn.training.trainer",
    "Vocabulary": "charrnn.text.vocabulary",
    "generate": "charrnn.generation.sampler",
    "load_checkpoint": "charrnn.checkpoint",
    "load_corpus": "charrnn.text.corpus",
    "load_settings": "charrnn.training.recipe",
    "make_corpus": "charrnn.text.corpus",
}

__all__ = ["__version__", *_HOME]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'charrnn' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)
