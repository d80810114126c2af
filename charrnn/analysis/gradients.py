"""How far back in time the gradient of a loss reaches.

What a step passes on to the next is the state: h, and in the LSTM also the cell state c. The gradient of the loss at
step t by the whole state that step t-k passes on says how much the network could learn from what it read k steps
before. It is a product of k Jacobians, and so it fades or grows by roughly a constant factor per step (Hochreiter &
Schmidhuber 1997, "Long short-term memory"; Pascanu, Mikolov & Bengio 2013, arXiv 1211.5063).

Shapes: K steps back, P positions in a text, L layers, S states of a cell, H hidden size, V vocabulary.
"""

from collections.abc import Iterator

import numpy as np

from charrnn.arrays import Array, Ids
from charrnn.errors import CorpusError
from charrnn.machine import blas_threads
from charrnn.model import Model
from charrnn.nn.functional import cross_entropy_and_gradient, quiet_overflow
from charrnn.nn.parameters import Workspace
from charrnn.wording import how_many

PLACES = 256
"""How many places of the text the norms are measured at."""
REMAINING = 0.001
"""A gradient counts as gone where less than this share of its norm one step back remains."""


def reach(norms: Array) -> int:
    """How far back a gradient reaches: the last k at which its norms (K + 1,) are at least ``REMAINING`` times that at
    k = 1; 0 where that is zero."""
    return int(np.flatnonzero(np.append(True, norms[1:] >= REMAINING * norms[1]))[-1]) if norms[1] else 0


def gradients_back(model: Model, x: Ids, y: Ids, state: Array) -> Iterator[Array]:
    """The gradients of the loss at the last step by the state that each step passes on, the last step first.

    x (K + 1, P) is read beginning with the state (L, S, P, H), and y (P,) are the characters after it. The k-th
    array (L, S, P, H) is d loss_t / d (h, c)_{t-k} for the loss of each position by itself; at k = 0 it is zero but
    for what goes into the head: the last layer's h, or with skips that of every layer. An array holds until the
    next is asked for. The gradients are exact: they come from the cells' own backward, run over windows of one
    step, each from the state stored before it, so that it takes the memory of K states.
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
            dlogits *= y.size  # the gradient of each loss, not of their mean
            through_head = np.zeros_like(state)
            blocks = network.head_blocks(p)
            through_head[-len(blocks) :, 0] = dlogits[0] @ blocks.swapaxes(1, 2)
            yield through_head
        else:
            yield dstate
            dlogits = np.zeros_like(unrolled.logits)
        network.backward(p, grads, unrolled, dlogits, dstate)


def norms_back(model: Model, text: Ids, steps: int, positions: int = PLACES) -> Array:
    """The norms of ``gradients_back`` over all layers and states, (K + 1, P) float64, at positions spread evenly over a
    text (n,).

    Row k belongs to the state that step t-k passes on. Norms too large for a number are infinite or NaN. Before the
    K ``steps``, another K characters are read from a zero state. Raises CorpusError for too short a text.
    """
    last = len(text) - 2
    if last < 2 * steps:
        raise CorpusError(
            f"to look {how_many(steps, 'step')} back takes a text of {2 * steps + 2} characters, "
            f"and there are {len(text)}",
            "lower {steps}, or give a longer text",
        )
    at = np.unique(np.linspace(2 * steps, last, positions).astype(int))  # (P,)
    state = model.network.zero_state(len(at))
    x = np.stack([text[at - k] for k in range(2 * steps, -1, -1)])
    with blas_threads(1), quiet_overflow():  # products this small are faster on one thread
        for ids in x[:steps]:
            model.network.step(model.parameters, ids, state)
        gradients = gradients_back(model, x[steps:], text[at + 1], state)
        return np.array([np.sqrt(np.square(each, dtype=np.float64).sum(axis=(0, 1, 3))) for each in gradients])
