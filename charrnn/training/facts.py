"""What a trainer tells while it trains. Losses are in nats per character."""

from dataclasses import dataclass
from pathlib import Path

from charrnn.storage.snapshot import Snapshot


@dataclass(frozen=True)
class Step:
    """One iteration done."""

    iteration: int
    epoch: float
    """Passes over the training text so far."""
    loss: float
    """Mean of the latest iterations."""
    gradient_norm: float
    """Before clipping."""
    learning_rate: float
    characters_per_second: float


@dataclass(frozen=True)
class Evaluation:
    """A loss over a part of the text that is held out."""

    iteration: int
    part: str
    """``validation``, or at the end of training ``test``, there of the last network and not of the best."""
    loss: float
    error: float | None
    """Its standard error, where not all of the part was read (``training.evaluate_characters``)."""
    is_best: bool


@dataclass(frozen=True)
class Saved:
    """A checkpoint that training can resume from."""

    iteration: int
    path: Path


@dataclass(frozen=True)
class Planned:
    """A new plan: a different number of iterations fits in the minutes of the run."""

    iteration: int
    iterations: int
    """The new number, in all."""


@dataclass(frozen=True)
class Turned:
    """The validation loss has not fallen for ``training.patience`` validations: from here on the network learns the
    training text by heart. The best checkpoint stays as it is."""

    iteration: int
    best_iteration: int
    best_loss: float


@dataclass(frozen=True)
class Calibrated:
    """The best network is now as sure of what it predicts as its validation loss is lowest for."""

    iteration: int
    """Of the best network."""
    scale: float
    """What its logits were multiplied by."""
    loss: float
    """Its validation loss since."""


Fact = Step | Evaluation | Snapshot | Saved | Planned | Turned | Calibrated
