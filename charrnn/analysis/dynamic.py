"""Dynamic evaluation: how well a network predicts a text while it learns from what it has just read.

After Krause et al. 2017, arXiv 1709.07432, whose means of g^2 came from the training text, which is not at hand here.

The text is read in segments. The surprisal of a segment counts before the network learns from it, so that no character
is predicted by a network that has seen it. Each number p of the parameters learns by

    p -= rate sqrt(t) g / (sqrt(sum of g^2 so far) + epsilon),   p += decay (p0 - p)

where g is its gradient by the loss of segment number t, and p0 what it was at first. That is g over the root of the
mean of g^2, with an epsilon that counts for less and less.

Shapes: n characters of a segment, P parameters.
"""

import math
from collections.abc import Iterable, Iterator

import numpy as np

from charrnn.analysis.scoring import Piece, parts
from charrnn.generation.reader import check_finite
from charrnn.machine import blas_threads
from charrnn.model import Model
from charrnn.nn.functional import cross_entropy_and_gradient, quiet_overflow, surprisal
from charrnn.nn.parameters import Workspace
from charrnn.optim.optimizers import Adagrad
from charrnn.text.vocabulary import Unknown

SEGMENT = 20
"""Characters that are predicted by the same parameters."""
RATE = 1e-4
DECAY = 1e-3
EPSILON = 1e-5


def score_dynamically(
    model: Model,
    blocks: Iterable[str],
    name: str = "the text",
    unknown: Unknown = "error",
    rate: float = RATE,
    decay: float = DECAY,
) -> Iterator[Piece]:
    """The surprisal of a text, given in blocks of any length, a segment at a time; the model stays as it is.

    Raises the errors of ``score_text``.
    """
    network, vocabulary = model.network, model.vocabulary
    p, p0 = model.parameters.copy(), model.parameters.vector
    gradient, space, state = p.like(), Workspace(network.dtype), network.zero_state(1)
    optimizer = Adagrad(p.vector, p.shapes, epsilon=EPSILON)
    before = model.start
    for ids, strange in parts(vocabulary.encode_blocks(blocks, name, unknown, model.mark), SEGMENT):
        if strange:
            yield Piece("", np.zeros(0), strange)
        if not len(ids):
            return
        x, y = np.concatenate([before, ids])[:-1, None], ids[:, None]
        with blas_threads(1), quiet_overflow():
            unrolled = network.forward(p, x, state, space)
            nats = surprisal(unrolled.logits[:, 0], ids)
            check_finite(unrolled.logits, name)
            _, dlogits = cross_entropy_and_gradient(unrolled.logits, y)
            network.backward(p, gradient, unrolled, dlogits)
            optimizer.step(p.vector, gradient.vector, rate * math.sqrt(optimizer.steps + 1))
            p.vector += decay * (p0 - p.vector)
        state, before = unrolled.state, ids[-1:]
        yield Piece(vocabulary.decode(ids), nats)
