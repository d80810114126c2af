"""Long short-term memory. Shapes and names as in ``cell.py``."""

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from charrnn.arrays import Array, Ids, aligned
from charrnn.nn.cells.cell import NOWHERE, Beginnings, Cell, UnrolledCell, Views, backward_chunks
from charrnn.nn.functional import affine, linear_backward, linear_steps, sigmoid
from charrnn.nn.initialisers import Fill
from charrnn.nn.parameters import Workspace
from charrnn.nn.products import product_by

KEPT = 10
"""Of the cell states in a window the one before every so many steps is kept, and backward computes the others anew. To
keep them all saves 1 % of the time, and takes a sixth of the memory of a window."""


class LSTM(Cell):
    """Long short-term memory with a forget gate and no peepholes (Gers et al. 2000, "Learning to forget"):

        i = sigmoid(x Wxi + h Whi + bi)     input gate
        f = sigmoid(x Wxf + h Whf + bf)     forget gate
        g = tanh   (x Wxg + h Whg + bg)     candidate
        o = sigmoid(x Wxo + h Who + bo)     output gate
        c = f * c + i * g                   cell state
        h = o * tanh(c)                     hidden state

    The bias of the forget gate begins at ``forget_bias``, 1 as Jozefowicz et al. advise
    (2015, "An empirical exploration of recurrent network architectures").
    """

    blocks = 4
    activations: ClassVar[tuple[str, ...]] = ("input", "forget", "candidate", "output")
    gates: ClassVar[tuple[str, ...]] = ("input", "forget", "output")
    carried = ("hidden", "cell")
    memory = "cell"
    through_tanh = ("cell",)
    letter = "l"
    torch_class: ClassVar[str | None] = "LSTM"

    def initialise(self, p: Views, fill: Fill, input_role: str, forget_bias: float) -> None:
        super().initialise(p, fill, input_role, forget_bias)
        bf = self.split(p["b"])[self.activations.index("forget")]
        bf[:] = forget_bias

    def ifgo(self, activations: Array) -> tuple[Array, Array, Array, Array]:
        """The input gate, the forget gate, the candidate and the output gate, (..., H) each, of a cell's activations
        (..., nH)."""
        i, f, g, o = self.split(activations)
        return i, f, g, o

    def step(self, p: Views, x: Array | Ids, state: Array) -> Array:
        h: Array
        h, c = state
        self.forward_step(h @ p["Wh"], affine(x, p["Wx"], p["b"]), c, h)
        return h

    def forward(
        self, p: Views, x: Array | Ids, state: Array, space: Workspace, begins: Beginnings = NOWHERE
    ) -> UnrolledCell:
        T, B, H = *x.shape[:2], self.hidden_size
        h = space("h", (T + 1, B, H))
        gates = space("gates", (T, B, self.blocks * H))  # a step at a time, they overwrite x Wx + b
        kept_c = space("kept_c", (-(-T // KEPT), B, H))
        c, u = aligned((B, H), gates.dtype), aligned((B, self.blocks * H), gates.dtype)
        times_Wh = product_by(p["Wh"], B)

        h[0], c[:] = state
        for t, gates_t in enumerate(linear_steps(x, p["Wx"], p["b"], out=gates)):
            begins.zero(t, c)
            if t % KEPT == 0:
                kept_c[t // KEPT] = c
            times_Wh(begins.before(t, h[t]), u)
            self.forward_step(u, gates_t, c, h[t + 1])
        return UnrolledCell(x, h, gates, np.stack((h[-1], c)), begins, kept=(kept_c,))

    def forward_step(self, u: Array, gates: Array, c: Array, new_h: Array) -> None:
        """All of a step but its products: ``u`` (B, nH) comes as h Wh and is used up, ``gates`` (B, nH) come as
        x Wx + b and become the gates, ``c`` (B, H) becomes the new c; writes the new h (B, H)."""
        a = u
        a += gates
        *_, a_g, _ = self.split(a)
        a_g *= 2  # one exp for all blocks: tanh(g) = 2 sigmoid(2 g) - 1
        sigmoid(a, out=gates)
        i, f, g, o = self.ifgo(gates)
        g *= 2
        g -= 1
        c *= f
        c += np.multiply(i, g, out=new_h)
        np.tanh(c, out=new_h)
        new_h *= o

    def states(self, unrolled: UnrolledCell) -> tuple[Array, ...]:
        kept_c, *_ = unrolled.kept
        fc, ig = aligned((2, *unrolled.h.shape), kept_c.dtype)
        self.window_terms(unrolled, slice(0, len(fc)), kept_c[0].copy(), fc, ig)
        return unrolled.h, np.add(fc, ig, out=fc)

    def cell_terms(self, gates: Array, c: Array, fc: Array, ig: Array) -> None:
        """Computes c anew for some steps, from their gates and the c before them (B, H), which becomes the c after
        them: writes its two terms, f * c and i * g (as many steps, B, H)."""
        i, f, g, _ = self.ifgo(gates)
        np.multiply(i, g, out=ig)
        for t in range(len(gates)):
            np.multiply(f[t], c, out=fc[t])
            np.add(fc[t], ig[t], out=c)

    def window_terms(self, unrolled: UnrolledCell, steps: slice, c: Array, fc: Array, ig: Array) -> None:
        """The same for steps of a window, in which streams may begin anew."""
        for run in unrolled.begins.runs(steps):
            unrolled.begins.zero(run.start, c)
            within = slice(run.start - steps.start, run.stop - steps.start)
            self.cell_terms(unrolled.activations[run], c, fc[within], ig[within])

    def backward_terms(self, unrolled: UnrolledCell) -> Iterator[tuple[slice, Array, Array]]:
        """The chunks of steps that ``backward`` takes one after another, each with the terms of its c, f * c and i * g
        (n, B, H)."""
        kept_c, *_ = unrolled.kept
        terms = aligned((2, KEPT, *kept_c.shape[1:]), kept_c.dtype)
        for k, c in reversed(list(enumerate(kept_c))):
            start, stop = k * KEPT, min((k + 1) * KEPT, len(unrolled.h))
            fc, ig = terms[:, : stop - start]
            self.window_terms(unrolled, slice(start, stop), c, fc, ig)
            for steps in backward_chunks(fc):
                yield slice(start + steps.start, start + steps.stop), fc[steps], ig[steps]

    def backward(
        self, p: Views, grads: Views, unrolled: UnrolledCell, dh: Iterator[Array], dstate: Array, dx: Array | None
    ) -> None:
        x, h, da, *_ = unrolled
        dht, _ = dstate
        times_WhT = product_by(p["Wh"].T, h.shape[1])

        for t in self.backward_steps(unrolled, dh, dstate):
            times_WhT(da[t], dht)
            unrolled.begins.zero(t, *dstate)
        unrolled.begins.clear(h)
        linear_backward(h[:-1], p["Wh"], da, dW=grads["Wh"], db=None)
        linear_backward(x, p["Wx"], da, dW=grads["Wx"], db=grads["b"], dx=dx)

    def backward_steps(self, unrolled: UnrolledCell, dh: Iterator[Array], dstate: Array) -> Iterator[int]:
        """All of the steps but their products, from the last to the first:

            dc += dh (dh/dc)
            da = dc (dc/da) for i, f and g      da = dh (dh/da) for o
            dc *= f

        Yields t when da[t] has overwritten the gates; the caller then makes dht = da[t] Wh^T, the gradient by the h
        before the step.
        """
        _, h, gates, *_ = unrolled
        T, B, H = unrolled.h.shape
        slopes = gates  # a chunk of steps at a time, the slopes overwrite the gates,
        da = slopes  # and a step at a time, da overwrites the slopes
        by_block = (T, B, self.blocks, H)  # all but the last, o, reach h through c
        c_slopes, h_slope = slopes.reshape(by_block)[:, :, :-1], self.split(slopes)[-1]
        da_c, da_o = da.reshape(by_block)[:, :, :-1], self.split(da)[-1]
        dht, dct = dstate
        through_h = aligned((B, H), h.dtype)

        for steps, fc, ig in self.backward_terms(unrolled):
            i, f, g, o = self.ifgo(gates[steps])
            *of_a, dh_dc = self.slopes(i, f, g, o, fc, ig, h[1:][steps])
            forget = f.copy()
            for block, slope in zip(self.split(slopes[steps]), of_a, strict=True):
                block[:] = slope
            for t in reversed(range(steps.start, steps.stop)):
                dht += next(dh)
                np.multiply(h_slope[t], dht, out=da_o[t])
                dct += np.multiply(dh_dc[t - steps.start], dht, out=through_h)
                np.multiply(c_slopes[t], dct[:, None], out=da_c[t])
                dct *= forget[t - steps.start]
                yield t

    def slopes(self, i: Array, f: Array, g: Array, o: Array, fc: Array, ig: Array, h: Array) -> tuple[Array, ...]:
        """The partial derivatives within some steps, from their gates, the two terms f c' and i g of their c and the h
        after them, where c' is the c before the step, and a what a gate's nonlinearity is given:

            dc/da = g i (1 - i) for i      c' f (1 - f) for f      i (1 - g^2) for g
            dh/da = tanh(c) o (1 - o) for o
            dh/dc = o (1 - tanh(c)^2)
        """
        tanh_c = h / np.maximum(o, np.finfo(o.dtype).tiny)  # as fast as keeping it, and a sixth less to keep
        return ig * (1 - i), fc * (1 - f), i * (1 - g * g), h * (1 - o), o * (1 - tanh_c * tanh_c)


class CoupledLSTM(LSTM):
    """``LSTM`` that takes in as much as it forgets, with a quarter fewer weights: the equations of ``LSTM`` with

        i = 1 - f

    (Greff et al. 2015, "LSTM: a search space odyssey", arXiv 1503.04069, where it is called CIFG.)
    """

    blocks = 3
    activations = ("forget", "candidate", "output")
    gates = ("forget", "output")
    torch_class = None

    def ifgo(self, activations: Array) -> tuple[Array, Array, Array, Array]:
        f, g, o = self.split(activations)
        return 1 - f, f, g, o

    def slopes(self, i: Array, f: Array, g: Array, o: Array, fc: Array, ig: Array, h: Array) -> tuple[Array, ...]:
        by_i, by_f, *others = super().slopes(i, f, g, o, fc, ig, h)
        return by_f - by_i, *others
