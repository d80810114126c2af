import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal

from charrnn.arrays import Array
from charrnn.optim.clipping import CLIPS

DEFINITIONS = {
    "norm": lambda g, limit: g * min(1, limit / (np.linalg.norm(g) or 1)),
    "value": lambda g, limit: np.sign(g) * np.minimum(abs(g), limit),
}

gradients = arrays(
    np.float64, st.integers(1, 9), elements=st.floats(-100, 100).filter(lambda x: abs(x) > 1e-6 or x == 0)
)
limits = st.floats(0.01, 200)


def test_every_clip_has_a_definition() -> None:
    assert DEFINITIONS.keys() == CLIPS.keys()


@pytest.mark.parametrize("kind", CLIPS)
@settings(deadline=None)
@given(g=gradients, limit=limits)
def test_clip_equals_its_definition_and_returns_the_norm_before(kind: str, g: Array, limit: float) -> None:
    expected, norm = DEFINITIONS[kind](g, limit), np.linalg.norm(g)
    assert CLIPS[kind](g, limit) == pytest.approx(norm)
    assert_allclose(g, expected, rtol=1e-12)


@pytest.mark.parametrize("kind", CLIPS)
@settings(deadline=None)
@given(g=gradients)
def test_gradient_below_the_limit_keeps_its_bits(kind: str, g: Array) -> None:
    before = g.copy()
    CLIPS[kind](g, 1.001 * float(np.linalg.norm(g)) + 0.01)
    assert_array_equal(g, before)


@settings(deadline=None)
@given(g=gradients, limit=limits)
def test_norm_keeps_the_direction_and_the_limit(g: Array, limit: float) -> None:
    before = g.copy()
    CLIPS["norm"](g, limit)
    assert np.linalg.norm(g) <= limit * (1 + 1e-12)
    assert g @ before == pytest.approx(np.linalg.norm(g) * np.linalg.norm(before))
