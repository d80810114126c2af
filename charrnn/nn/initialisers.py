"""How parameters begin. Each initialiser fills one array in place, by the role that the array has:

``"input"``       weights that multiply a vector
``"lookup"``      rows of which one is picked for each character: an embedding, or the weights of one-hot input
``"recurrent"``   weights from hidden state to hidden state
``"bias"``

``hidden_size`` is H, and ``scale`` overrides the initialiser's usual one.
"""

from collections.abc import Callable

import numpy as np

from charrnn.arrays import Array

Draw = Callable[[Array, str], None]
"""Fills an array by its role: an initialiser with all but its first two arguments given."""


def uniform(W: Array, role: str, hidden_size: int, scale: float | None, rng: np.random.Generator) -> None:
    """Everything, biases too, between plus and minus ``scale``: PyTorch's 1/sqrt(H), or char-rnn's 0.08."""
    bound = hidden_size**-0.5 if scale is None else scale
    W[:] = rng.uniform(-bound, bound, W.shape)


def normal(W: Array, role: str, hidden_size: int, scale: float | None, rng: np.random.Generator) -> None:
    """Weights from a normal distribution of deviation ``scale`` (min-char-rnn's 0.01), biases zero."""
    W[:] = 0 if role == "bias" else rng.normal(0, 0.01 if scale is None else scale, W.shape)


def orthogonal(W: Array, role: str, hidden_size: int, scale: float | None, rng: np.random.Generator) -> None:
    """Each kind of weight so that what it gives has the variance of what it takes.

    Recurrent: orthogonal (Saxe et al. 2013, arXiv 1312.6120), times ``scale``. Input: uniform of variance
    2 / (rows + columns) (Glorot & Bengio 2010, "Understanding the difficulty of training deep feedforward networks").
    Look-up: variance 1, since of all its rows one alone takes part; drawn like input weights, a one-hot LSTM learns
    several times more slowly. Biases zero.
    """
    match role:
        case "bias":
            W[:] = 0
        case "recurrent":
            Q, R = np.linalg.qr(rng.normal(size=W.shape))
            W[:] = Q * np.sign(np.diag(R)) * (1 if scale is None else scale)
        case "lookup":
            W[:] = rng.normal(size=W.shape)
        case _:
            bound = (6 / sum(W.shape)) ** 0.5
            W[:] = rng.uniform(-bound, bound, W.shape)


INITIALISERS: dict[str, Callable[[Array, str, int, float | None, np.random.Generator], None]] = {
    "orthogonal": orthogonal,
    "uniform": uniform,
    "normal": normal,
}
