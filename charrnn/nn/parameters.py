"""Parameters: one contiguous vector for optimizers, clipping and workers, with a named view of it for each array."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from charrnn.arrays import Array, Shapes, aligned


class Parameters(Mapping[str, Array]):
    """Arrays by name (``"layer0.Wh"``), views into ``vector``, one after the other in the order of ``shapes``.

    Gradients are held the same way, so that each number of ``gradients.vector`` belongs to the number at the same place
    in ``parameters.vector``. An optimizer is given these vectors, and ``shapes``, which tell it which stretches of them
    are matrices and which are vectors.
    """

    def __init__(self, shapes: Shapes, dtype: npt.DTypeLike = np.float32, vector: Array | None = None) -> None:
        """Zeros, or views into a vector that is there already."""
        self.shapes = dict(shapes)
        size = sum(math.prod(shape) for shape in shapes.values())
        self._view(np.zeros(size, dtype) if vector is None else vector)

    def _view(self, vector: Array) -> None:
        self.vector = vector
        self._views: dict[str, Array] = {}
        start = 0
        for name, shape in self.shapes.items():
            stop = start + math.prod(shape)
            self._views[name] = vector[start:stop].reshape(shape)
            start = stop
        self._parts: dict[str, dict[str, Array]] = {}

    def __getitem__(self, name: str) -> Array:
        return self._views[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._views)

    def __len__(self) -> int:
        return len(self._views)

    def under(self, prefix: str) -> dict[str, Array]:
        """The arrays of one part of the network, named without its prefix: ``under("layer0")["Wh"]``."""
        if prefix not in self._parts:
            under = {name: a for name, a in self.items() if name.startswith(f"{prefix}.")}
            self._parts[prefix] = {name.removeprefix(f"{prefix}."): a for name, a in under.items()}
        return self._parts[prefix]

    def move(self, vector: Array) -> None:
        """Takes the numbers into another vector, where they live from now on. Arrays taken before stay behind."""
        vector[:] = self.vector
        self._view(vector)

    def like(self) -> "Parameters":
        """Zeros of the same names and shapes."""
        return Parameters(self.shapes, self.vector.dtype)

    def copy(self) -> "Parameters":
        """The same numbers in a vector of their own."""
        other = self.like()
        other.vector[:] = self.vector
        return other


class Workspace:
    """Arrays kept by name between calls, so that no window allocates again what the one before it had.

    ``space("a", (T, B, H))`` allocates on the first call and whenever the shape has changed. What it returns still
    holds the numbers of its last use.
    """

    def __init__(self, dtype: npt.DTypeLike = np.float32) -> None:
        self.dtype = np.dtype(dtype)
        self._arrays: dict[str, Array] = {}
        self._parts: dict[Any, Workspace] = {}

    def __call__(self, name: str, shape: tuple[int, ...]) -> Array:
        array = self._arrays.get(name)
        if array is None or array.shape != shape:
            array = self._arrays[name] = aligned(shape, self.dtype)
        return array

    def part(self, key: Any) -> "Workspace":
        """A workspace of its own for one part of the network."""
        if key not in self._parts:
            self._parts[key] = Workspace(self.dtype)
        return self._parts[key]
