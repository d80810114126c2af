"""How the gradients of networks fade or explode, before and after training, with clipping and without.

A study measures one trained network, or trains small networks to compare their cells.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from charrnn.analysis.baselines import held_out
from charrnn.analysis.context import POSITIONS, ContextLoss, losses_by_context
from charrnn.analysis.gradients import norms_back
from charrnn.arrays import Array, Ids
from charrnn.errors import CorpusError, DivergenceError
from charrnn.model import Model
from charrnn.settings.build import build_corpus, build_network
from charrnn.settings.overlays import Overlay, from_mapping, resolve
from charrnn.settings.schema import Settings
from charrnn.storage.checkpoint import Checkpoint
from charrnn.text.corpus import Corpus
from charrnn.text.vocabulary import Unknown, Vocabulary
from charrnn.training.facts import Step
from charrnn.training.trainer import Trainer

COMPARED_CELLS = ("rnn", "gru", "lstm")
"""The cells that are compared."""
SMALL: dict[str, Any] = {
    "model.hidden": 64,
    "training.iterations": 300,
    "training.batch": 32,
    "training.window": 64,
    "training.learning_rate": 3e-3,
    "training.report": 1,
    "compute.workers": 1,
}
"""Settings of the small networks that are compared; ``hidden`` is that of the LSTM."""
LARGE_WEIGHTS: dict[str, Any] = {
    "model.initialisation": "orthogonal",
    "model.scale": 2.25,
    "training.optimizer": "sgd",
    "training.momentum": 0,
    "training.learning_rate": 0.5,
    "training.schedule": "constant",
    "training.warmup": 0,
    "training.clip": 1,
    "training.clip_kind": "norm",
}
"""Settings on top of ``SMALL`` that make the gradient explode: recurrent weights that lengthen a vector 2.25 times, and
an optimizer whose step is as long as the gradient."""


@dataclass
class Flow:
    """How the gradient of a network fades or grows, before and after training, and how that training went."""

    settings: Settings
    parameters: int
    untrained: Array
    """(K + 1, P), see ``norms_back``."""
    trained: Array
    """The same after training."""
    gradient_norm: list[float] = field(default_factory=list)
    """The norm of the whole gradient in each iteration, before clipping."""
    loss: list[float] = field(default_factory=list)
    """The training loss of each iteration, in nats per character."""
    diverged: bool = False
    """Whether training stopped at a number that was not finite."""


@dataclass
class Findings:
    """What a study found out about one network, or about several to compare."""

    steps: int
    """K: how far back their gradients were followed."""
    usual: list[Flow]
    """The networks as they are usually trained."""
    contexts: list[list[ContextLoss]]
    """For each of these networks, its losses by context; the first is the one with all characters."""
    unclipped: list[Flow] = field(default_factory=list)
    """Networks with recurrent weights that are too large, trained without clipping; empty where one network was
    studied."""
    clipped: list[Flow] = field(default_factory=list)
    """The same networks, trained with clipping."""


Training = Callable[[Trainer], Iterator[Step]]
"""Trains, and yields its iterations."""
Contexts = Callable[[Iterable[ContextLoss]], Iterable[ContextLoss]]
"""Passes on the losses by context, as tqdm does."""


def training_steps(trainer: Trainer) -> Iterator[Step]:
    """Trains, and yields its iterations."""
    return (fact for fact in trainer.train() if isinstance(fact, Step))


def compare_cells(
    overlays: Sequence[Overlay],
    steps: int,
    positions: int = POSITIONS,
    *,
    training: Training = training_steps,
    contexts: Contexts = iter,
) -> Findings:
    """Trains small networks of like size, one for each of ``COMPARED_CELLS``, and measures their gradients and the
    context that they use; then does the same with recurrent weights that are too large, without clipping and with.

    ``overlays`` are settings on top of ``SMALL``. The training part is learnt, the validation part is measured.
    Raises CorpusError for too short a text, DivergenceError where a usual training diverges.
    """
    chosen = [from_mapping(SMALL, "the comparison of cells"), *overlays]
    usual = resolve(chosen)
    clipped = resolve([*chosen, from_mapping(LARGE_WEIGHTS, "the comparison of cells")])
    unclipped = clipped.changed(training={"clip": None})
    corpus = build_corpus(usual)
    measured = held_out(corpus)
    learnt = replace(corpus, ids=corpus.training, test_start=corpus.validation_start)  # no time goes into evaluations
    found = Findings(steps, [], [])
    for settings in like_sized(usual, corpus.vocabulary):
        trainer = Trainer(settings, learnt)
        flow = measure_flow(settings, trainer.model, training(trainer), measured, steps)
        if flow.diverged:
            raise DivergenceError(
                f"the {settings.model.cell} diverged after iteration {len(flow.loss):,}", DivergenceError.ADVICE
            )
        found.usual.append(flow)
        found.contexts.append(list(contexts(losses_by_context(trainer.model, measured, positions))))
    for flows, of in ((found.unclipped, unclipped), (found.clipped, clipped)):
        for settings in like_sized(of, corpus.vocabulary):
            trainer = Trainer(settings, learnt)
            flows.append(measure_flow(settings, trainer.model, training(trainer), measured, steps))
    return found


def text_to_measure(checkpoint: Checkpoint, overlays: Sequence[Overlay], unknown: Unknown) -> tuple[Corpus, Ids]:
    """The text that the network of a checkpoint learnt, or the one that ``overlays`` with settings of the corpus name;
    and its validation part in ids of the network.

    Raises CorpusError where the text cannot be read, UnknownCharacterError unless ``unknown`` says what to do.
    """
    own = from_mapping({"corpus": checkpoint.settings.corpus.model_dump()}, "the checkpoint")
    try:
        corpus = build_corpus(resolve([own, *overlays]))
    except CorpusError as error:
        if any(entry.key == "corpus.path" for overlay in overlays for entry in overlay.entries):
            raise
        raise error.also("give another text, as {corpus}") from None
    return corpus, checkpoint.model.vocabulary.encode(corpus.vocabulary.decode(held_out(corpus)), unknown)


def study_network(
    checkpoint: Checkpoint, text: Ids, steps: int, positions: int = POSITIONS, *, contexts: Contexts = iter
) -> Findings:
    """Measures the gradients of a trained network on a text (n,), those that it had before training, and the context
    that it uses. Raises CorpusError for too short a text."""
    model, settings = checkpoint.model, checkpoint.settings
    before, after = (norms_back(each, text, steps) for each in (Model.new(settings, model.vocabulary), model))
    flow = Flow(settings, len(model.parameters.vector), before, after)
    return Findings(steps, [flow], [list(contexts(losses_by_context(model, text, positions)))])


def measure_flow(settings: Settings, model: Model, training: Iterable[Step], text: Ids, steps: int) -> Flow:
    """Measures the gradients of an untrained model, lets ``training`` train it to its end or until it diverges, and
    measures them again."""
    untrained = norms_back(model, text, steps)
    flow = Flow(settings, len(model.parameters.vector), untrained, untrained)
    try:
        for step in training:
            flow.gradient_norm.append(step.gradient_norm)
            flow.loss.append(step.loss)
    except DivergenceError:
        flow.diverged = True
    flow.trained = norms_back(model, text, steps)
    return flow


def like_sized(settings: Settings, vocabulary: Vocabulary) -> list[Settings]:
    """The settings with each of ``COMPARED_CELLS``: the LSTM has their hidden size, the other cells one that gives them
    nearly as many parameters."""

    def of(cell: str, hidden: int) -> Settings:
        return settings.changed(model={"cell": cell, "hidden": hidden})

    def size(candidate: Settings) -> int:
        network = build_network(candidate, vocabulary)
        return sum(int(np.prod(shape)) for shape in network.shapes.values())

    hidden = settings.model.hidden
    target = size(of("lstm", hidden))
    return [
        min((of(cell, n) for n in range(hidden, 4 * hidden + 1)), key=lambda candidate: abs(size(candidate) - target))
        for cell in COMPARED_CELLS
    ]
