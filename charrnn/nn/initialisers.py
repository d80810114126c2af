"""How parameters begin. Each function fills one array; ``role`` is ``"input"``, ``"recurrent"`` or ``"bias"``.

``fan`` is the size that the array's products sum over in the hidden layer (H), ``scale`` overrides the usual one.
"""

from typing import Protocol

import numpy as np

from charrnn.arrays import Array


class Initialiser(Protocol):
    """Fills ``W`` in place, drawing from ``rng``."""

    def __call__(self, W: Array, role: str, fan: int, scale: float | None, rng: np.random.Generator) -> None: ...


def uniform(W: Array, role: str, fan: int, scale: float | None, rng: np.random.Generator) -> None:
    """Everything, biases too, between plus and minus ``scale``: PyTorch's 1/sqrt(H), or char-rnn's 0.08."""
    bound = fan**-0.5 if scale is None else scale
    W[:] = rng.uniform(-bound, bound, W.shape)


def normal(W: Array, role: str, fan: int, scale: float | None, rng: np.random.Generator) -> None:
    """Weights from a normal distribution of deviation ``scale`` (min-char-rnn's 0.01), biases zero."""
    W[:] = 0 if role == "bias" else rng.normal(0, 0.01 if scale is None else scale, W.shape)


def orthogonal(W: Array, role: str, fan: int, scale: float | None, rng: np.random.Generator) -> None:
    """Recurrent weights orthogonal (Saxe et al. 2013, arXiv 1312.6120), times ``scale``; input weights uniform with
    variance 2 / (rows + columns) (Glorot & Bengio 2010); biases zero."""
    if role == "bias":
        W[:] = 0
    elif role == "recurrent":
        Q, R = np.linalg.qr(rng.normal(size=W.shape))
        W[:] = Q * np.sign(np.diag(R)) * (1 if scale is None else scale)
    else:
        bound = (6 / sum(W.shape)) ** 0.5
        W[:] = rng.uniform(-bound, bound, W.shape)


INITIALISERS: dict[str, Initialiser] = {"uniform": uniform, "normal": normal, "orthogonal": orthogonal}
