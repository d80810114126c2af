import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from charrnn.arrays import Array, Ids
from charrnn.nn.functional import (
    cross_entropy,
    cross_entropy_and_gradient,
    linear_backward,
    linear_steps,
    look_up,
    quiet_overflow,
    sigmoid,
    surprisal,
)

rng = np.random.default_rng(0)
PRECISIONS = [np.float32, np.float64]


@pytest.mark.parametrize("dtype", PRECISIONS)
def test_sigmoid_at_extremes(dtype: type) -> None:
    x = np.array([-np.inf, -1e4, -50, -1, 0, 1, 50, 1e4, np.inf], dtype)
    with quiet_overflow():
        sigmoid(x, out=x)
    e = np.exp(-1.0)
    assert_allclose(x, [0, 0, np.exp(-50.0), e / (1 + e), 0.5, 1 / (1 + e), 1, 1, 1], rtol=1e-6)


def log_probabilities(logits: Array) -> Array:
    """By log-sum-exp, in float64."""
    return logits - np.logaddexp.reduce(logits.astype(np.float64), axis=-1, keepdims=True)


def window(scale: float, dtype: type) -> tuple[Array, Ids]:
    """Logits (5, 3, 7) of a scale, and targets (5, 3)."""
    return (scale * rng.normal(size=(5, 3, 7))).astype(dtype), rng.integers(7, size=(5, 3), dtype=np.uint8)


@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize("scale", [1, 1e4])
def test_cross_entropy_equals_log_sum_exp(scale: float, dtype: type) -> None:
    logits, targets = window(scale, dtype)
    nats = [-log_probabilities(logits)[(*at, targets[at])] for at in np.ndindex(targets.shape)]
    before = logits.copy()
    assert_allclose(cross_entropy(logits, targets), np.mean(np.reshape(nats, targets.shape), axis=0), rtol=1e-6)
    assert_array_equal(logits, before)


@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize("scale", [1, 1e4])
def test_surprisal_equals_log_sum_exp(scale: float, dtype: type) -> None:
    logits, targets = window(scale, dtype)
    expected = [-log_probabilities(logits)[(*at, targets[at])] for at in np.ndindex(targets.shape)]
    before = logits.copy()
    nats = surprisal(logits, targets)
    assert (nats.shape, nats.dtype) == (targets.shape, np.float64)
    assert_allclose(nats.ravel(), expected, rtol=1e-12, atol=1e-12)
    assert_allclose(surprisal(logits[0], targets[0]), nats[0])
    assert_array_equal(logits, before)


def test_surprisal_of_large_logits() -> None:
    logits = np.array([[1000.0, 0.0], [0.0, -1000.0]], np.float32)
    assert_allclose(surprisal(logits, np.array([0, 1])), [0, 1000])


@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize("scale", [1, 1e4])
def test_loss_with_gradient_is_the_loss_alone(scale: float, dtype: type) -> None:
    logits, targets = window(scale, dtype)
    alone = cross_entropy(logits, targets)
    assert cross_entropy_and_gradient(logits, targets)[0] == alone.mean()


@pytest.mark.parametrize("scale", [1, 1e4])
def test_gradient_of_cross_entropy(scale: float) -> None:
    logits, targets = window(scale, np.float64)
    expected = (np.exp(log_probabilities(logits)) - np.eye(7)[targets]) / targets.size
    _, dlogits = cross_entropy_and_gradient(logits, targets)
    assert_allclose(dlogits, expected, atol=1e-15)
    assert_allclose(dlogits.sum(axis=-1), 0, atol=1e-15)


@pytest.mark.parametrize("V", [6, 50])
def test_linear_of_ids_equals_one_hot_vectors(V: int) -> None:
    ids, W, b = rng.integers(V, size=(5, 3), dtype=np.uint8), rng.normal(size=(V, 4)), rng.normal(size=4)
    expected = np.einsum("tbv,vn->tbn", np.eye(V)[ids], W) + b
    for x in (ids, np.eye(V)[ids]):
        out = np.full((5, 3, 4), np.nan)
        steps = [step.copy() for step in linear_steps(x, W, b, out)]
        assert_allclose(steps, expected, atol=1e-15)
        assert_allclose(out, expected, atol=1e-15)


def test_look_up_equals_one_hot_vectors() -> None:
    ids, W = rng.integers(6, size=(5, 3), dtype=np.uint8), rng.normal(size=(6, 4))
    out = np.full((5, 3, 4), np.nan)
    look_up(W, ids, out)
    assert_array_equal(out, np.eye(6)[ids] @ W)


def test_linear_backward_of_ids_equals_one_hot_vectors() -> None:
    """Row 5 is not looked up, and its gradient is zero."""
    ids, W, dout = rng.integers(5, size=(5, 3), dtype=np.uint8), rng.normal(size=(6, 4)), rng.normal(size=(5, 3, 4))
    for x in (ids, np.eye(6)[ids]):
        dW, db = np.full((6, 4), np.nan), np.full(4, np.nan)
        linear_backward(x, W, dout, dW, db)
        assert_allclose(dW, np.einsum("tbv,tbn->vn", np.eye(6)[ids], dout), atol=1e-14)
        assert_allclose(db, np.einsum("tbn->n", dout), atol=1e-14)


def test_linear_backward_gives_dx_where_asked() -> None:
    x, W, dout = rng.normal(size=(5, 3, 6)), rng.normal(size=(6, 4)), rng.normal(size=(5, 3, 4))
    dx = np.full_like(x, np.nan)
    linear_backward(x, W, dout, np.empty_like(W), None, dx)
    assert_allclose(dx, np.einsum("tbn,dn->tbd", dout, W), atol=1e-14)
