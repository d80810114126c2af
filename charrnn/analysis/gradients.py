"""How far back the gradient of one loss reaches, and what clipping does to that of all.

What a step passes on to the next is the state: h, and in the LSTM the cell state c beside it. The gradient of the loss
at step t by the state that step t-k passes on, all of it, says how much the network could learn from what it read k
steps before. It is a product of k Jacobians, and so fades or grows by about a factor a step (Hochreiter & Schmidhuber
1997, "Long short-term memory"; Pascanu, Mikolov & Bengio 2013, arXiv 1211.5063).

Shapes: K steps back, P positions in a text, L layers, S states of a cell, H hidden size, V vocabulary.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from charrnn.analysis.context import ContextLoss
from charrnn.arrays import Array, Ids
from charrnn.errors import CorpusError, DivergenceError
from charrnn.model import Model
from charrnn.nn.functional import cross_entropy_and_gradient, quiet_overflow
from charrnn.nn.parameters import Workspace
from charrnn.settings.build import build_network
from charrnn.settings.schema import Settings
from charrnn.text.vocabulary import Vocabulary
from charrnn.training.facts import Step

POSITIONS = 256
"""At how many the norms are taken."""
REMAINING = 0.001
"""The share of the gradient one step back that counts as something left of it."""
COMPARED_CELLS = ("rnn", "gru", "lstm")
"""Those that are compared."""
COMPARED: dict[str, Any] = {
    "model.hidden": 64,
    "training.iterations": 300,
    "training.batch": 32,
    "training.window": 64,
    "training.learning_rate": 3e-3,
    "compute.workers": 1,
}
"""Settings of the small networks that are trained to be compared; ``hidden`` is the LSTM's."""
LARGE: dict[str, Any] = {
    "model.initialisation": "orthogonal",
    "model.scale": 2.25,
    "training.optimizer": "sgd",
    "training.momentum": 0,
    "training.learning_rate": 0.5,
    "training.schedule": "constant",
    "training.warmup": 0,
    "training.clip": 1,
    "training.clip_kind": "norm",
    "training.report": 1,
}
"""What is different in networks whose gradient explodes: recurrent weights that lengthen a vector 2.25 times, and an
optimizer whose step is as long as the gradient."""


@dataclass
class Flow:
    """How the gradient of a network fades or grows, before and after training, and what that training was."""

    settings: Settings
    parameters: int
    untrained: Array
    """(K + 1, P), see ``norms_back``."""
    trained: Array
    gradient_norm: list[float] = field(default_factory=list)
    """Of the whole gradient in each iteration, before clipping."""
    loss: list[float] = field(default_factory=list)
    """Nats per character."""
    diverged: bool = False
    """Whether training stopped at a number that was not finite."""


@dataclass
class Findings:
    """Of one network, or of several to compare."""

    steps: int
    """K: how far back their gradients were followed."""
    usual: list[Flow]
    contexts: list[list[ContextLoss]]
    """Of each of those networks, that with all characters before first."""
    unclipped: list[Flow] = field(default_factory=list)
    """Of networks whose recurrent weights are too large; none where one network was measured."""
    clipped: list[Flow] = field(default_factory=list)
    """Of the same."""


def flow(settings: Settings, model: Model, training: Iterable[Step], text: Ids, steps: int) -> Flow:
    """Of a model that is yet untrained, while ``training`` trains it, to its end or until it diverges."""
    untrained = norms_back(model, text, steps)
    found = Flow(settings, len(model.parameters.vector), untrained, untrained)
    try:
        for step in training:
            found.gradient_norm.append(step.gradient_norm)
            found.loss.append(step.loss)
    except DivergenceError:
        found.diverged = True
    found.trained = norms_back(model, text, steps)
    return found


def reach(norms: Array) -> int:
    """How far back a gradient reaches: the last k at which its norms (K + 1,) are at least ``REMAINING`` times that at
    k = 1; 0 where that is zero."""
    return int(np.flatnonzero(np.append(True, norms[1:] >= REMAINING * norms[1]))[-1]) if norms[1] else 0


def like_sized(settings: Settings, vocabulary: Vocabulary) -> list[Settings]:
    """Those settings with each of the cells compared, the LSTM as large as they say and the others of such hidden sizes
    that they have nearly as many parameters."""

    def of(cell: str, hidden: int) -> Settings:
        return settings.model_copy(update={"model": settings.model.model_copy(update={"cell": cell, "hidden": hidden})})

    def size(candidate: Settings) -> int:
        return sum(int(np.prod(shape)) for shape in build_network(candidate, len(vocabulary)).shapes.values())

    hidden = settings.model.hidden
    target = size(of("lstm", hidden))
    return [
        min((of(cell, n) for n in range(hidden, 4 * hidden + 1)), key=lambda candidate: abs(size(candidate) - target))
        for cell in COMPARED_CELLS
    ]


def gradients_back(model: Model, x: Ids, y: Ids, state: Array) -> Iterator[Array]:
    """The gradient of the loss at the last step by the state that each step passes on, the last first.

    x (K + 1, P) is read from the state (L, S, P, H) on, y (P,) is what comes after it. The k-th array (L, S, P, H) is
    d loss_t / d (h, c)_{t-k}, of each position's own loss; at k = 0 only the last layer's h has one, through the head.
    An array holds until the next is asked for. Exact: the cells' own backward, over windows of one step, each run again
    from the state before it, so that the memory needed is that of K states.
    """
    network, p, space, grads = model.network, model.parameters, Workspace(model.network.dtype), model.parameters.like()
    states = [state.copy()]
    for ids in x[:-1]:
        states.append(states[-1].copy())
        network.step(p, ids, states[-1])

    dstate = np.zeros_like(state)
    for t in reversed(range(len(x))):
        step = x[t : t + 1]
        unrolled = network.forward(p, step, states[t], space)
        if t == len(x) - 1:
            _, dlogits = cross_entropy_and_gradient(unrolled.logits, y[None])
            dlogits *= y.size  # of each loss, not of their mean
            through_head = np.zeros_like(state)
            through_head[-1, 0] = dlogits[0] @ p["head.W"].T
            yield through_head
        else:
            yield dstate
            dlogits = np.zeros_like(unrolled.logits)
        network.backward(p, grads, unrolled, dlogits, dstate)


def norms_back(model: Model, text: Ids, steps: int, positions: int = POSITIONS) -> Array:
    """(K + 1, P) float64: the norms of those gradients, over all layers and states, at positions spread evenly over a
    text (n,); row k is of the state that step t-k passes on. Not finite where the numbers' range ends.

    Before the ``steps`` K as many characters more are read from a zero state. Raises CorpusError for too short a text.
    """
    last = len(text) - 2
    if last < 2 * steps:
        raise CorpusError(
            f"to look {steps} steps back takes a text of {2 * steps + 2} characters, and there are {len(text)}; lower "
            "--steps, or give a longer text"
        )
    at = np.unique(np.linspace(2 * steps, last, positions).astype(int))  # (P,)
    state = model.network.zero_state(len(at))
    x = np.stack([text[at - k] for k in range(2 * steps, -1, -1)])
    with threadpool_limits(1, user_api="blas"), quiet_overflow():  # products this small are faster on one thread
        for ids in x[:steps]:
            model.network.step(model.parameters, ids, state)
        gradients = gradients_back(model, x[steps:], text[at + 1], state)
        return np.array([np.sqrt(np.square(each, dtype=np.float64).sum(axis=(0, 1, 3))) for each in gradients])
