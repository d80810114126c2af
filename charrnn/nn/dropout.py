"""Dropout: numbers set to zero at random while a network learns, so that it cannot rely on any one of them.

A mask holds 0 for what is dropped and 1 / (1 - rate) for what is kept, so that the expectation stays the same
(Srivastava et al. 2014, "Dropout: a simple way to prevent neural networks from overfitting").

Shapes: T window, B streams, D size of what is masked.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from charrnn import seeds
from charrnn.arrays import Array
from charrnn.nn.network import Masks, Network


@dataclass(frozen=True)
class Dropout:
    """The rates at which a network drops numbers in one iteration, and the seed of the masks.

    The masks of a stream follow from the seed, the iteration and the number of the stream: they are the same whichever
    worker draws them.
    """

    input: float = 0.0
    """Of what the first layer is given."""
    between: float = 0.0
    """Of what one layer gives the next, and with skips the head (Zaremba et al. 2014, arXiv 1409.2329)."""
    head: float = 0.0
    """Of what the last layer gives the head."""
    recurrent: float = 0.0
    """Of the recurrent weights, for a whole window (weight-dropping: Merity et al. 2017, arXiv 1708.02182)."""
    fixed: bool = False
    """Whether the same units are dropped in all steps of a window (Gal & Ghahramani 2015, arXiv 1512.05287), or others
    in each."""
    seed: int = 0
    iteration: int = 0

    def masks(self, network: Network, window: int, streams: Iterable[int]) -> Masks | None:
        """The masks for a window of T steps of the streams with these numbers, or None where nothing is dropped."""
        if not (self.input or self.between or self.head or self.recurrent):
            return None
        T, last = 1 if self.fixed else window, len(network.cells) - 1
        generators = [seeds.generator(self.seed, "dropout", self.iteration, stream) for stream in streams]

        def of_units(rate: float, size: int) -> Array | None:
            if not rate:
                return None
            return np.stack([_mask(rng, rate, (T, size), network.dtype) for rng in generators], axis=1)

        def of_weights(layer: int) -> Array | None:
            if not self.recurrent:
                return None
            rng = seeds.generator(self.seed, "weight dropout", self.iteration, layer)
            return _mask(rng, self.recurrent, network.shapes[f"layer{layer}.Wh"], network.dtype)

        layers = range(len(network.cells))
        return Masks(
            input=of_units(self.input, network.input_size),
            outputs=[of_units(self.head if layer == last else self.between, network.hidden_size) for layer in layers],
            recurrent=[of_weights(layer) for layer in layers],
        )


NO_DROPOUT = Dropout()


def _mask(rng: np.random.Generator, rate: float, shape: tuple[int, ...], dtype: npt.DTypeLike) -> Array:
    keep = rng.random(shape, np.float32) >= rate
    return np.multiply(keep, 1 / (1 - rate), dtype=dtype)
