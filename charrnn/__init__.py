"""Character-level text generation with recurrent networks in NumPy.

The names below are the library; each is imported from its module when it is first used, so that ``import charrnn``
costs nothing.
"""

import importlib
from typing import TYPE_CHECKING, Any

from charrnn.version import __version__ as __version__

if TYPE_CHECKING:
    from charrnn.errors import CharRNNError as CharRNNError
    from charrnn.generation.items import Item as Item
    from charrnn.generation.items import write_items as write_items
    from charrnn.generation.sampler import Sampling as Sampling
    from charrnn.generation.sampler import generate as generate
    from charrnn.generation.sampler import write as write
    from charrnn.model import Model as Model
    from charrnn.settings.runs import load_settings as load_settings
    from charrnn.settings.schema import Settings as Settings
    from charrnn.storage.checkpoint import Checkpoint as Checkpoint
    from charrnn.storage.run import Run as Run
    from charrnn.storage.run import load_checkpoint as load_checkpoint
    from charrnn.storage.snapshot import Snapshot as Snapshot
    from charrnn.text.corpus import Corpus as Corpus
    from charrnn.text.corpus import load_corpus as load_corpus
    from charrnn.text.corpus import make_corpus as make_corpus
    from charrnn.text.vocabulary import Vocabulary as Vocabulary
    from charrnn.training.choice import settings_for as settings_for
    from charrnn.training.facts import Calibrated as Calibrated
    from charrnn.training.facts import Evaluation as Evaluation
    from charrnn.training.facts import Planned as Planned
    from charrnn.training.facts import Saved as Saved
    from charrnn.training.facts import Step as Step
    from charrnn.training.facts import Turned as Turned
    from charrnn.training.start import resume as resume
    from charrnn.training.start import start as start
    from charrnn.training.trainer import Trainer as Trainer

_HOME = {
    "Calibrated": "charrnn.training.facts",
    "CharRNNError": "charrnn.errors",
    "Checkpoint": "charrnn.storage.checkpoint",
    "Corpus": "charrnn.text.corpus",
    "Evaluation": "charrnn.training.facts",
    "Item": "charrnn.generation.items",
    "Model": "charrnn.model",
    "Planned": "charrnn.training.facts",
    "Run": "charrnn.storage.run",
    "Sampling": "charrnn.generation.sampler",
    "Saved": "charrnn.training.facts",
    "Settings": "charrnn.settings.schema",
    "Snapshot": "charrnn.storage.snapshot",
    "Step": "charrnn.training.facts",
    "Trainer": "charrnn.training.trainer",
    "Turned": "charrnn.training.facts",
    "Vocabulary": "charrnn.text.vocabulary",
    "generate": "charrnn.generation.sampler",
    "load_checkpoint": "charrnn.storage.run",
    "load_corpus": "charrnn.text.corpus",
    "load_settings": "charrnn.settings.runs",
    "make_corpus": "charrnn.text.corpus",
    "settings_for": "charrnn.training.choice",
    "write": "charrnn.generation.sampler",
    "write_items": "charrnn.generation.items",
    "resume": "charrnn.training.start",
    "start": "charrnn.training.start",
}

__all__ = ["__version__", *_HOME]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'charrnn' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)
