"""Long short-term memory with coupled gates, whose hidden state is modulated by the input. Shapes and names as in
``cell.py``."""

from collections.abc import Iterator

import numpy as np

from charrnn.arrays import Array, Ids, aligned
from charrnn.nn.cells.cell import NOWHERE, Beginnings, UnrolledCell, Views
from charrnn.nn.cells.lstm import KEPT, CoupledLSTM
from charrnn.nn.functional import affine, linear_backward, linear_backward_steps, linear_steps, sigmoid
from charrnn.nn.initialisers import Fill
from charrnn.nn.parameters import Workspace
from charrnn.nn.products import product_by


class Mogrifier(CoupledLSTM):
    """``CoupledLSTM`` in which the input says what each unit's hidden state counts for in this step:

        m = 2 sigmoid(x Wm + bm)            modulation, 1 on average at first
        the equations of ``CoupledLSTM``, with m * h in place of h on their right-hand sides

    That is the first of the rounds in which h is modulated in Melis et al. 2019, "Mogrifier LSTM" (arXiv 1909.01792). A
    one-hot input cannot well be modulated by h in turn, and for it the round costs no product: x Wm is a look-up.
    """

    input_weights = ("Wx", "Wm")
    input_biases = ("b", "bm")
    letter = "m"

    def shapes(self) -> dict[str, tuple[int, ...]]:
        return super().shapes() | {"Wm": (self.input_size, self.hidden_size), "bm": (self.hidden_size,)}

    def initialise(self, p: Views, fill: Fill, input_role: str, forget_bias: float) -> None:
        super().initialise(p, fill, input_role, forget_bias)
        fill(p["Wm"], input_role)
        fill(p["bm"], "bias")

    def step(self, p: Views, x: Array | Ids, state: Array) -> Array:
        h, _ = state
        m = affine(x, p["Wm"], p["bm"])
        sigmoid(m, out=m)
        m *= 2
        h *= m
        return super().step(p, x, state)

    def forward(
        self, p: Views, x: Array | Ids, state: Array, space: Workspace, begins: Beginnings = NOWHERE
    ) -> UnrolledCell:
        T, B, H = *x.shape[:2], self.hidden_size
        h = space("h", (T + 1, B, H))
        gates = space("gates", (T, B, self.blocks * H))  # a step at a time, they overwrite x Wx + b
        m = space("m", (T, B, H))  # and these x Wm + bm
        mh = space("mh", (T, B, H))
        kept_c = space("kept_c", (-(-T // KEPT), B, H))
        c, u = aligned((B, H), gates.dtype), aligned((B, self.blocks * H), gates.dtype)
        times_Wh = product_by(p["Wh"], B)

        h[0], c[:] = state
        of_x = zip(linear_steps(x, p["Wx"], p["b"], out=gates), linear_steps(x, p["Wm"], p["bm"], out=m), strict=True)
        for t, (gates_t, m_t) in enumerate(of_x):
            begins.zero(t, c)
            if t % KEPT == 0:
                kept_c[t // KEPT] = c
            sigmoid(m_t, out=m_t)
            m_t *= 2
            times_Wh(np.multiply(m_t, begins.before(t, h[t]), out=mh[t]), u)
            self.forward_step(u, gates_t, c, h[t + 1])
        return UnrolledCell(x, h, gates, np.stack((h[-1], c)), begins, kept=(kept_c, m, mh))

    def backward(
        self, p: Views, grads: Views, unrolled: UnrolledCell, dh: Iterator[Array], dstate: Array, dx: Array | None
    ) -> None:
        x, _, da, _, begins, (_, m, mh) = unrolled
        da_m = m  # a step at a time, the gradient by x Wm + bm overwrites m
        dht, _ = dstate
        dmh = aligned(dht.shape, dht.dtype)
        times_WhT = product_by(p["Wh"].T, dht.shape[0])

        for t in self.backward_steps(unrolled, dh, dstate):
            times_WhT(da[t], dmh)
            np.multiply(dmh, m[t], out=dht)
            dmh *= mh[t]
            np.multiply(dmh, 1 - m[t] / 2, out=da_m[t])
            begins.zero(t, *dstate)
        linear_backward(mh, p["Wh"], da, dW=grads["Wh"], db=None)
        linear_backward(x, p["Wm"], da_m, dW=grads["Wm"], db=grads["bm"])
        linear_backward(x, p["Wx"], da, dW=grads["Wx"], db=grads["b"], dx=dx)
        if dx is not None:
            for dxt, through_m in zip(reversed(dx), linear_backward_steps(p["Wm"], da_m), strict=True):
                dxt += through_m
