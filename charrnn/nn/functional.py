"""The functions that cells and network are made of, each forward with its backward.

Shapes: T window, B streams, D input size, H hidden size, V vocabulary, N any output size.
A gradient is ``d`` and the name: ``dx`` is the derivative of the loss by ``x``.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any, TypeGuard

import numpy as np

from charrnn.arrays import Array, Ids, aligned

CHUNK = 10
"""Steps whose products are one: enough for BLAS, and few enough for a core's cache."""


def linear(x: Array, W: Array, b: Array, out: Array) -> None:
    """``out = x W + b`` for all steps at once: x (T, B, D) -> out (T, B, N), with b (N,) or (T, B, N)."""
    np.matmul(_rows(x), W, out=_rows(out))
    out += b


def linear_steps(x: Array | Ids, W: Array, b: Array, out: Array) -> Iterator[Array]:
    """Writes ``out = x W + b``, x (T, B, D) -> out (T, B, N), and yields ``out[t]`` for one step after another.

    Integer x (T, B) stands for one-hot vectors, whose product with W is a look-up of its rows. They are looked up when
    their step comes, so that a core's cache still holds them when they are used.
    """
    if not is_ids(x):
        vectors: Any = x
        linear(vectors, W, b, out)
        yield from out
    elif x.size > len(W):
        affine_W = W + b
        for ids, rows in zip(x, out, strict=True):
            look_up(affine_W, ids, rows)
            yield rows
    else:
        for ids, rows in zip(x, out, strict=True):
            look_up(W, ids, rows)
            rows += b
            yield rows


def affine(x: Array | Ids, W: Array, b: Array) -> Array:
    """``x W + b`` of one step: x (B, D), or ids (B,) that stand for one-hot vectors -> (B, N)."""
    out: Array = W.take(x, axis=0) if is_ids(x) else x @ W
    out += b
    return out


def linear_backward(
    x: Array | Ids, W: Array, dout: Array, dW: Array, db: Array | None, dx: Array | None = None
) -> None:
    """Writes ``dW = x' dout`` and, unless they are None, ``db = sum dout`` and ``dx = dout W'``. Where each step and
    stream has a b of its own, ``db`` (T, B, N) is ``dout``."""
    if is_ids(x):
        look_up_backward(x, dout, dW)
    else:
        np.matmul(_rows(x).T, _rows(dout), out=dW)
    if db is not None:
        np.sum(dout, axis=tuple(range(dout.ndim - db.ndim)), out=db)
    if dx is not None:
        np.matmul(_rows(dout), W.T, out=_rows(dx))


def linear_backward_steps(W: Array, dout: Array) -> Iterator[Array]:
    """Yields ``dx = dout W'`` (B, D) for one step after another, from the last to the first: dout (T, B, N). Memory is
    taken for ``CHUNK`` steps, not for all, and an array holds until the next is asked for."""
    memory = aligned((min(CHUNK, len(dout)), dout.shape[1], len(W)), dout.dtype)
    for stop in range(len(dout), 0, -CHUNK):
        douts = dout[max(0, stop - CHUNK) : stop]
        dx = memory[: len(douts)]
        np.matmul(_rows(douts), W.T, out=_rows(dx))
        yield from reversed(dx)


def look_up(W: Array, x: Ids, out: Array) -> None:
    """The rows of W that ids x (T, B) name: W (V, N) -> out (T, B, N)."""
    # mode="clip" lets take() write straight into out; ids are known to be in range.
    np.take(W, x, axis=0, out=out, mode="clip")


def look_up_backward(x: Ids, dout: Array, dW: Array) -> None:
    """Writes ``dW = x' dout`` for ids x (T, B) that stand for one-hot vectors: each row of dout (T, B, N) is added to
    the row of dW (V, N) that its id names."""
    dW[:] = 0
    rows_of_dW = list(dW)
    for v, row in zip(x.ravel().tolist(), _rows(dout), strict=True):  # 2 to 4 times as fast as a product
        np.add(rows_of_dW[v], row, out=rows_of_dW[v])


def quiet_overflow() -> AbstractContextManager[None]:
    """A context in which numbers too large for their type become infinite without a warning, for code that checks its
    results for that."""
    return np.errstate(over="ignore", invalid="ignore")


def sigmoid(x: Array, out: Array) -> None:
    """``out = 1 / (1 + exp(-x))``; uses x up, which may be ``out`` itself. Where exp overflows to infinity, its
    reciprocal is the right 0."""
    np.negative(x, out=x)
    np.exp(x, out=x)
    x += 1
    np.divide(1, x, out=out)


def softmax(logits: Array) -> Array:
    """Probabilities (..., V), in float64."""
    e = np.exp(logits.astype(np.float64) - logits.max(axis=-1, keepdims=True))
    probabilities: Array = e / e.sum(axis=-1, keepdims=True)
    return probabilities


def surprisal(logits: Array, targets: Ids) -> Array:
    """``-log softmax(logits)[target]`` in nats, of each target by itself: logits (..., V), targets (...) -> (...) in
    float64."""
    shifted = logits.astype(np.float64)
    shifted -= shifted.max(axis=-1, keepdims=True)
    nats: Array = np.log(np.exp(shifted).sum(axis=-1)) - pick(shifted, targets)
    return nats


def cross_entropy(logits: Array, targets: Ids) -> Array:
    """The loss of each stream (B,): the mean of ``-log softmax(logits)[target]`` over the window, in nats, of logits
    (T, B, V) and targets (T, B).

    The mean of ``surprisal``, but computed in the precision of the logits, which takes a fraction of the time.
    """
    losses, _, _ = _losses_and_exponentials(logits, targets, out=np.empty_like(logits))
    return losses


def cross_entropy_and_gradient(logits: Array, targets: Ids) -> tuple[float, Array]:
    """``(loss, dlogits)``: the mean of ``cross_entropy`` over streams, and its gradient ``dlogits = (softmax(logits) -
    one_hot) / (T B)``.

    ``dlogits`` takes the memory of the logits, which are gone then.
    """
    losses, exponentials, totals = _losses_and_exponentials(logits, targets, out=logits)
    totals *= targets.size
    dlogits = np.divide(exponentials, totals, out=exponentials)
    _rows(dlogits)[np.arange(targets.size), targets.ravel()] -= 1 / targets.size
    return float(losses.mean()), dlogits


def is_ids(x: Array | Ids) -> TypeGuard[Ids]:
    """Whether x holds character ids rather than vectors."""
    return x.dtype.kind in "ui"


def _losses_and_exponentials(logits: Array, targets: Ids, out: Array) -> tuple[Array, Array, Array]:
    """The losses (B,); ``exp(logits - max)`` (T, B, V), written to ``out``; and their sums (T, B, 1)."""
    shifted = np.subtract(logits, logits.max(axis=-1, keepdims=True), out=out)
    picked = pick(shifted, targets).sum(axis=0, dtype=np.float64)
    exponentials = np.exp(shifted, out=out)
    totals = exponentials.sum(axis=-1, keepdims=True)
    losses: Array = (np.log(totals[..., 0]).sum(axis=0, dtype=np.float64) - picked) / len(targets)
    return losses, exponentials, totals


def _rows(x: Array | Ids) -> Any:
    """(T, B, N) -> (T B, N), a view of a contiguous array."""
    return x.reshape(-1, x.shape[-1])


def pick(x: Array, ids: Ids) -> Array:
    """The number that each id names in its row: x (..., V), ids (...) -> (...)."""
    return np.take_along_axis(x, ids[..., None].astype(np.intp), axis=-1)[..., 0]
