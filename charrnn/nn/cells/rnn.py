"""Vanilla recurrent networks. Shapes and names as in ``cell.py``."""

from collections.abc import Iterator, Mapping
from typing import ClassVar

import numpy as np

from charrnn.arrays import Array, Ids
from charrnn.nn.cells.cell import NOWHERE, Beginnings, Cell, UnrolledCell, Views, backward_chunks
from charrnn.nn.functional import affine, linear_backward, linear_steps
from charrnn.nn.parameters import Workspace
from charrnn.nn.products import product_by


class RNN(Cell):
    """Elman's network (Elman 1990, "Finding structure in time"):

    h = tanh(x Wx + h Wh + b)
    """

    blocks = 1
    letter = "r"
    torch_class = "RNN"

    def activate(self, a: Array) -> None:
        """The activation function, in place."""
        np.tanh(a, out=a)

    def slope(self, h: Array) -> Array:
        """The derivative of the activation function, from its value: tanh' = 1 - tanh^2."""
        return 1 - h * h

    def step(self, p: Views, x: Array | Ids, state: Array) -> Array:
        h: Array = state[0]
        new_h = h @ p["Wh"]
        self.forward_step(affine(x, p["Wx"], p["b"]), new_h)
        h[:] = new_h
        return h

    def forward(
        self, p: Views, x: Array | Ids, state: Array, space: Workspace, begins: Beginnings = NOWHERE
    ) -> UnrolledCell:
        T, B, H = *x.shape[:2], self.hidden_size
        h = space("h", (T + 1, B, H))
        a = space("a", (T, B, H))  # x Wx + b
        times_Wh = product_by(p["Wh"], B)

        h[0] = state[0]
        for t, a_t in enumerate(linear_steps(x, p["Wx"], p["b"], out=a)):
            times_Wh(begins.before(t, h[t]), h[t + 1])
            self.forward_step(a_t, h[t + 1])
        return UnrolledCell(x, h, a, h[-1:], begins)

    def forward_step(self, a: Array, new_h: Array) -> None:
        """All of a step but its products: ``a`` (B, H) is x Wx + b; ``new_h`` (B, H) comes as h Wh and becomes the new
        h."""
        new_h += a
        self.activate(new_h)

    def backward(
        self, p: Views, grads: Views, unrolled: UnrolledCell, dh: Iterator[Array], dstate: Array, dx: Array | None
    ) -> None:
        x, h, da, *_ = unrolled
        (dht,) = dstate
        times_WhT = product_by(p["Wh"].T, len(dht))

        for t in self.backward_steps(unrolled, dh, dstate):
            times_WhT(da[t], dht)
            unrolled.begins.zero(t, dht)
        unrolled.begins.clear(h)
        linear_backward(h[:-1], p["Wh"], da, dW=grads["Wh"], db=None)
        linear_backward(x, p["Wx"], da, dW=grads["Wx"], db=grads["b"], dx=dx)

    def backward_steps(self, unrolled: UnrolledCell, dh: Iterator[Array], dstate: Array) -> Iterator[int]:
        """All of the steps but their products, from the last to the first:

            da = dh (dh/da)

        Yields t when da[t] is written; the caller then makes dht = da[t] Wh^T, the gradient by the h before the step.
        """
        _, h, a, *_ = unrolled
        da = a  # of a itself backward needs nothing: its memory takes the slopes, and then da
        (dht,) = dstate
        for steps in backward_chunks(unrolled.h):
            da[steps] = self.slope(h[1:][steps])
            for t in reversed(range(steps.start, steps.stop)):
                dht += next(dh)
                da[t] *= dht
                yield t


class ReluRNN(RNN):
    """The same network with a rectifier in place of tanh (Le et al. 2015, arXiv 1504.00941):

    h = max(0, x Wx + h Wh + b)
    """

    torch_options: ClassVar[Mapping[str, str]] = {"nonlinearity": "relu"}

    def activate(self, a: Array) -> None:
        np.maximum(a, 0, out=a)

    def slope(self, h: Array) -> Array:
        return (h > 0).astype(h.dtype)
