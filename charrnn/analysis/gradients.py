"""How far back the gradient of one loss reaches, and what clipping does to that of all.

What a step passes on to the next is the state: h, and in the LSTM the cell state c beside it. The gradient of the loss
at step t by the state that step t-k passes on says how much the network could learn from what it read k steps before.
It is a product of k Jacobians, and so fades or grows by about a factor a step (Hochreiter & Schmidhuber 1997, "Long
short-term memory"; Pascanu, Mikolov & Bengio 2013, arXiv 1211.5063).

Shapes: K steps back, P positions in a text, L layers, S states of a cell, H hidden size, V vocabulary.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from charrnn.arrays import Array, Ids
from charrnn.config import Settings
from charrnn.errors import CorpusError, DivergenceError
from charrnn.model import Model, network_of
from charrnn.nn.functional import cross_entropy, cross_entropy_backward, quiet_overflow
from charrnn.nn.parameters import Workspace
from charrnn.text.vocabulary import Vocabulary
from charrnn.training.trainer import Step

POSITIONS = 256
"""At how many the norms are taken."""
LEFT = 0.01
"""The share of the gradient one step back that counts as something left of it."""
CELLS = ("rnn", "gru", "lstm")
"""Those that are compared."""
COMPARED: dict[str, Any] = {
    "model.hidden": 64,
    "training.iterations": 300,
    "training.batch": 32,
    "training.window": 64,
    "training.learning_rate": 3e-3,
    "training.validate_every": 10**12,
    "compute.workers": 1,
}
"""Settings of the small networks that are trained to be compared; ``hidden`` is the LSTM's."""
EXPLODING: dict[str, Any] = COMPARED | {
    "model.cell": "rnn",
    "model.hidden": 128,
    "model.scale": 2.25,
    "training.optimizer": "sgd",
    "training.momentum": 0,
    "training.learning_rate": 0.5,
    "training.schedule": "constant",
    "training.clip": 1,
    "training.report": 1,
}
"""Those of a network whose gradient explodes: recurrent weights that lengthen every vector 2.25 times, and an optimizer
whose step is as long as the gradient."""


Curve = tuple[str, str]
"""A cell, and which of its states: ``h``, or the cell state ``c``."""


@dataclass(frozen=True)
class Flow:
    """How the gradient of one network fades or grows: (K + 1, S, P), see ``norms_back``, before and after training."""

    name: str
    """Of the cell."""
    hidden: int
    parameters: int
    untrained: Array
    trained: Array

    def curves(self, when: str) -> dict[Curve, Array]:
        """The norms (K + 1, P) by each state, ``untrained`` or ``trained``."""
        norms: Array = getattr(self, when)
        return {(self.name, state): norms[:, s] for s, state in enumerate("hc"[: norms.shape[1]])}


def flow(settings: Settings, model: Model, text: Ids, steps: int) -> Flow:
    """Of a trained model, and of it as it began, drawn anew from the seed of its settings."""
    m, untrained = settings.model, Model.new(settings, model.vocabulary)
    norms = (norms_back(each, text, steps) for each in (untrained, model))
    return Flow(m.cell, m.hidden, len(model.parameters.vector), *norms)


def reach(norms: Array) -> int:
    """The last of k = 1, ..., K at which ``LEFT`` of what the norms (K + 1,) are at k = 1 is left."""
    return int(np.flatnonzero(norms[1:] >= LEFT * norms[1])[-1]) + 1


def like_sized(settings: Settings, vocabulary: Vocabulary) -> list[Settings]:
    """Those settings with each of the cells compared, the LSTM as large as they say and the others of such hidden sizes
    that they have nearly as many parameters."""

    def of(cell: str, hidden: int) -> Settings:
        return settings.model_copy(update={"model": settings.model.model_copy(update={"cell": cell, "hidden": hidden})})

    def size(candidate: Settings) -> int:
        return sum(int(np.prod(shape)) for shape in network_of(candidate, vocabulary).shapes.values())

    hidden = settings.model.hidden
    target = size(of("lstm", hidden))
    return [
        min((of(cell, n) for n in range(hidden, 4 * hidden + 1)), key=lambda candidate: abs(size(candidate) - target))
        for cell in CELLS
    ]


@dataclass
class Clipping:
    """The iterations of one training, with the gradient clipped or not."""

    scale: float
    """Of the recurrent weights: how many times they lengthen a vector."""
    clip: float | None
    gradient_norm: list[float] = field(default_factory=list)
    """Before clipping."""
    loss: list[float] = field(default_factory=list)
    """Nats per character."""
    diverged: bool = False
    """Whether training stopped at a number that was not finite."""


def clipping(settings: Settings, steps: Iterable[Step]) -> Clipping:
    """Of the iterations of a training by those settings, to its end or until it diverges."""
    found = Clipping(settings.model.scale or 1.0, settings.training.clip)
    try:
        for step in steps:
            found.gradient_norm.append(step.gradient_norm)
            found.loss.append(step.loss)
    except DivergenceError:
        found.diverged = True
    return found


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
        dlogits, _, inputs = network.forward(p, step, states[t], space)
        if t == len(x) - 1:
            cross_entropy(dlogits, y[None])
            cross_entropy_backward(dlogits, y[None])
            dlogits *= y.size  # of each loss, not of their mean
            through_head = np.zeros_like(state)
            through_head[-1, 0] = dlogits[0] @ p["head.W"].T
            yield through_head
        else:
            yield dstate
            dlogits[:] = 0
        network.backward(p, grads, step, inputs, dlogits, space, dstate=dstate)


def norms_back(model: Model, text: Ids, steps: int, positions: int = POSITIONS) -> Array:
    """(K + 1, S, P) float64: the norms of those gradients, over all layers, at positions spread evenly over a text
    (n,); row k is of the state that step t-k passes on, by h and, in the LSTM, by c.

    Before the ``steps`` K as many characters more are read from a zero state. Raises CorpusError for too
    short a text, DivergenceError where a norm is not finite.
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
        norms = np.array(
            [
                np.sqrt(np.square(gradient, dtype=np.float64).sum(axis=(0, 3)))
                for gradient in gradients_back(model, x[steps:], text[at + 1], state)
            ]
        )
    if not np.isfinite(norms).all():
        k = int(np.flatnonzero(~np.isfinite(norms).all(axis=(1, 2)))[0])
        raise DivergenceError(
            f"the gradient of a loss {k} steps back is no longer a finite number; lower --steps below that, or take an "
            "earlier checkpoint"
        )
    return norms
