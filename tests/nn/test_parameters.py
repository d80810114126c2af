import numpy as np
import pytest
from numpy.testing import assert_array_equal

from charrnn.nn.parameters import Parameters, Workspace

SHAPES = {"layer0.W": (2, 3), "layer0.b": (3,), "layer1.W": (3, 1), "layer10.W": (1, 1), "head.b": (2,)}


@pytest.fixture
def p() -> Parameters:
    p = Parameters(SHAPES, np.float64)
    p.vector[:] = np.arange(15)
    return p


def test_names_shapes_and_order(p: Parameters) -> None:
    assert {name: array.shape for name, array in p.items()} == SHAPES
    assert list(p) == list(SHAPES)
    assert len(p) == 5


def test_vector_holds_every_number_in_the_order_of_names(p: Parameters) -> None:
    assert_array_equal(np.concatenate([array.ravel() for array in p.values()]), p.vector)
    assert p.vector.dtype == np.float64


def test_shapes_are_enough_to_find_each_array_in_the_vector(p: Parameters) -> None:
    """As an optimizer does that is given the vector and the shapes."""
    rest = p.vector
    for name, shape in p.shapes.items():
        array, rest = rest[: np.prod(shape)].reshape(shape), rest[np.prod(shape) :]
        assert_array_equal(array, p[name])
        assert np.shares_memory(array, p[name])
    assert not rest.size


def test_views_and_vector_are_the_same_memory(p: Parameters) -> None:
    p.vector *= 2
    assert_array_equal(p["layer0.b"], [12, 14, 16])
    p["layer1.W"][:] = -1
    assert_array_equal(p.vector[9:12], -1)


def test_under_names_one_part_without_its_prefix(p: Parameters) -> None:
    part = p.under("layer1")
    assert list(part) == ["W"]
    assert np.shares_memory(part["W"], p.vector)
    assert list(p.under("layer0")) == ["W", "b"]


def test_like_is_zeros_of_its_own(p: Parameters) -> None:
    other = p.like()
    assert {name: array.shape for name, array in other.items()} == SHAPES
    assert other.vector.dtype == p.vector.dtype
    assert not other.vector.any()
    assert not np.shares_memory(other.vector, p.vector)


def test_copy_is_independent(p: Parameters) -> None:
    other = p.copy()
    assert_array_equal(other.vector, p.vector)
    other["layer0.W"][:] = -1
    assert_array_equal(p.vector, np.arange(15))


def test_moved_numbers_live_in_the_other_vector(p: Parameters) -> None:
    before, part, vector = p.vector, p.under("layer0"), np.zeros(15)
    assert part["W"] is p["layer0.W"]
    p.move(vector)
    assert p.vector is vector
    assert_array_equal(vector, np.arange(15))
    p["layer0.W"][:] = -1
    p.under("layer0")["W"][0] -= 1
    assert vector.min() == -2
    assert_array_equal(before, np.arange(15))


class TestWorkspace:
    def test_keeps_an_array_and_what_it_holds(self) -> None:
        space = Workspace(np.float64)
        array = space("h", (2, 3))
        assert array.shape == (2, 3)
        assert array.dtype == np.float64
        assert space("h", (2, 3)) is array

    def test_replaces_an_array_of_another_shape(self) -> None:
        space = Workspace()
        before = space("h", (2, 3))
        after = space("h", (3, 2))
        assert after.shape == (3, 2)
        assert not np.shares_memory(before, after)

    def test_names_and_parts_are_apart(self) -> None:
        space = Workspace(np.float64)
        arrays = [space("h", (2,)), space("c", (2,)), space.part(0)("h", (2,)), space.part(1)("h", (2,))]
        for k, array in enumerate(arrays):
            array[:] = k
        assert_array_equal([array[0] for array in arrays], range(4))
        assert space.part(1) is space.part(1)
        assert space.part(1)("h", (2,)).dtype == np.float64
