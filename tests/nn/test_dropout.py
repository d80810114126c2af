"""What is dropped, and what it depends on. That the network multiplies by the masks, and its gradients with them, is
shown beside the rest of the network."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from charrnn.nn.dropout import Dropout
from charrnn.nn.network import Network

T, H, V, E = 7, 5, 6, 3
NETWORK = Network(V, layers=3, hidden_size=H, embedding_size=E, dtype=np.float64)
EVERYWHERE = Dropout(input=0.2, between=0.2, head=0.2, recurrent=0.2)


def all_masks(dropout: Dropout, streams: range, window: int = T, network: Network = NETWORK) -> list[np.ndarray]:
    masks = dropout.masks(network, window, streams)
    return [masks.input, *masks.outputs, *masks.recurrent]


def test_shapes_and_values() -> None:
    masks = all_masks(EVERYWHERE, range(4))
    assert [mask.shape for mask in masks] == [(T, 4, E), *[(T, 4, H)] * 3, *[(H, 4 * H)] * 3]
    for mask in masks:
        assert mask.dtype == np.float64
        assert np.unique(mask) == pytest.approx([0, 1.25], rel=1e-15)


def test_one_hot_vectors_have_a_number_for_each_character() -> None:
    assert EVERYWHERE.masks(Network(V), T, range(4)).input.shape == (T, 4, V)


def test_the_expectation_is_one() -> None:
    for mask in all_masks(EVERYWHERE, range(200), window=100):
        # Each number has a deviation of 0.5; this is the bound of 4 deviations for their mean.
        assert abs(mask.mean() - 1) < 4 * 0.5 / mask.size**0.5


def test_each_place_has_its_rate() -> None:
    dropout = Dropout(input=0.1, between=0.3, head=0.5, recurrent=0.7)
    wide = Network(V, layers=3, hidden_size=100, embedding_size=100)
    shares = [np.mean(mask == 0) for mask in all_masks(dropout, range(20), window=20, network=wide)]
    assert shares == pytest.approx([0.1, 0.3, 0.3, 0.5, 0.7, 0.7, 0.7], abs=0.02)


def test_nothing_is_drawn_where_nothing_is_dropped() -> None:
    assert Dropout().masks(NETWORK, T, range(4)) is None
    masks = Dropout(head=0.5).masks(NETWORK, T, range(4))
    assert [mask is None for mask in (masks.input, *masks.outputs, *masks.recurrent)] == [
        *(True, True, True, False),
        *(True, True, True),
    ]


def test_fixed_masks_have_one_step() -> None:
    masks = all_masks(replace(EVERYWHERE, fixed=True), range(4))
    assert [mask.shape for mask in masks[:4]] == [(1, 4, E), *[(1, 4, H)] * 3]


def test_a_stream_has_its_masks_whichever_others_are_drawn_with_it() -> None:
    """So that workers can draw those of their own streams."""
    together, apart = all_masks(EVERYWHERE, range(6)), all_masks(EVERYWHERE, range(2, 5))
    for all_streams, some in zip(together[:4], apart[:4], strict=True):
        assert_array_equal(all_streams[:, 2:5], some)
    for mask, again in zip(together[4:], apart[4:], strict=True):
        assert_array_equal(mask, again)


@pytest.mark.parametrize("change", [{"seed": 1}, {"iteration": 1}])
def test_seed_and_iteration_decide(change: dict[str, int]) -> None:
    first, again, other = (
        all_masks(dropout, range(4)) for dropout in (EVERYWHERE, EVERYWHERE, replace(EVERYWHERE, **change))
    )
    for mask, same, changed in zip(first, again, other, strict=True):
        assert_array_equal(mask, same)
        assert (mask != changed).any()


def test_streams_and_layers_have_masks_of_their_own() -> None:
    input_, *outputs, _, _, _ = all_masks(EVERYWHERE, range(2))
    for mask in (input_, *outputs):
        assert (mask[:, 0] != mask[:, 1]).any()
    assert (outputs[0] != outputs[1]).any()
