"""What parameters begin as. An initialiser fills one array in place, according to the role of the array:

``"input"``       weights that multiply a vector
``"lookup"``      rows of which one is picked for each character: an embedding, or the weights of one-hot input
``"recurrent"``   weights from hidden state to hidden state
``"bias"``        what is added

``hidden_size`` is H; ``scale`` is None for the usual scale of the initialiser.
"""

from collections.abc import Callable

import numpy as np

from charrnn.arrays import Array

Fill = Callable[[Array, str], None]
"""Fills an array according to its role: an initialiser with all but its first two arguments given."""


def uniform(W: Array, role: str, hidden_size: int, scale: float | None, rng: np.random.Generator) -> None:
    """All parameters, biases too, uniform between plus and minus ``scale``, by default 1/sqrt(H) as in PyTorch;
    char-rnn has 0.08."""
    bound = hidden_size**-0.5 if scale is None else scale
    W[:] = rng.uniform(-bound, bound, W.shape)


def normal(W: Array, role: str, hidden_size: int, scale: float | None, rng: np.random.Generator) -> None:
    """Weights normal with standard deviation ``scale``, by default 0.01 as in min-char-rnn; biases zero."""
    W[:] = 0 if role == "bias" else rng.normal(0, 0.01 if scale is None else scale, W.shape)


def orthogonal(W: Array, role: str, hidden_size: int, scale: float | None, rng: np.random.Generator) -> None:
    """Weights that give as much variance as they are given, each kind in its way; biases zero.

    Recurrent: orthogonal (Saxe et al. 2013, arXiv 1312.6120), times ``scale``, by default 1. Input: uniform with
    variance 2 / (rows + columns) (Glorot & Bengio 2010, "Understanding the difficulty of training deep feedforward
    networks"). Lookup: normal with variance 1, since only one of the rows takes part at a time; if they began like
    input weights, a one-hot LSTM would learn several times more slowly.
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
