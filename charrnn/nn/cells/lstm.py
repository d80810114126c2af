"""Long short-term memory. Shapes and names as in ``cell.py``."""

import numpy as np

from charrnn.arrays import Array, Ids, aligned
from charrnn.nn.cells.cell import Cell, UnrolledCell, Views, backward_chunks
from charrnn.nn.functional import affine, linear_backward, linear_steps, sigmoid
from charrnn.nn.initialisers import Fill
from charrnn.nn.parameters import Workspace
from charrnn.nn.products import product_by


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
    activations = ("input", "forget", "candidate", "output")
    gates = ("input", "forget", "output")
    carried = ("hidden", "cell")
    memory = "cell"
    through_tanh = ("cell",)
    mark = "l"
    torch_class = "LSTM"

    def initialise(self, p: Views, fill: Fill, input_role: str, forget_bias: float) -> None:
        super().initialise(p, fill, input_role, forget_bias)
        _, bf, _, _ = self.split(p["b"])
        bf[:] = forget_bias

    def step(self, p: Views, x: Array | Ids, state: Array) -> Array:
        h: Array
        h, c = state
        a = affine(x, p["Wx"], p["b"])
        a += h @ p["Wh"]
        i, f, g, o = self.split(a)
        g *= 2  # one exp for all four: tanh(g) = 2 sigmoid(2 g) - 1
        sigmoid(a, out=a)
        g *= 2
        g -= 1
        c *= f
        c += i * g
        np.multiply(o, np.tanh(c), out=h)
        return h

    def forward(self, p: Views, x: Array | Ids, state: Array, space: Workspace) -> UnrolledCell:
        T, B, H = *x.shape[:2], self.hidden_size
        states = space("states", (2, T + 1, B, H))
        gates = space("gates", (T, B, 4 * H))  # a step at a time, they overwrite x Wx + b
        h, c = states
        u = space("u", (B, 4 * H))
        times_Wh = product_by(p["Wh"], B)

        states[:, 0] = state
        for t, gates_t in enumerate(linear_steps(x, p["Wx"], p["b"], out=gates)):
            times_Wh(h[t], u)
            self.forward_step(u, gates_t, c[t], c[t + 1], h[t + 1])
        return UnrolledCell(x, states, gates)

    def forward_step(self, u: Array, gates: Array, c: Array, new_c: Array, new_h: Array) -> None:
        """All of a step but its products: ``u`` (B, 4H) comes as h Wh and is used up, ``gates`` (B, 4H) come as
        x Wx + b and become the gates; writes the new c and h (B, H)."""
        a = u
        a += gates
        _, _, a_g, _ = self.split(a)
        a_g *= 2  # one exp for all four, as in step
        sigmoid(a, out=gates)
        i, f, g, o = self.split(gates)
        g *= 2
        g -= 1
        np.multiply(f, c, out=new_c)
        new_c += np.multiply(i, g, out=new_h)
        np.tanh(new_c, out=new_h)
        new_h *= o

    def backward(
        self, p: Views, grads: Views, unrolled: UnrolledCell, dh: Array, dstate: Array, dx: Array | None
    ) -> None:
        x, (h, c), gates, _ = unrolled
        T, B, H = dh.shape
        slopes = gates  # a chunk of steps at a time, the slopes overwrite the gates,
        da = slopes  # and a step at a time, da overwrites the slopes
        c_slopes, h_slope = slopes.reshape(T, B, 4, H)[:, :, :3], self.split(slopes)[3]
        da_ifg, da_o = da.reshape(T, B, 4, H)[:, :, :3], self.split(da)[3]
        dht, dct = dstate
        through_h = aligned((B, H), dh.dtype)
        times_WhT = product_by(p["Wh"].T, B)

        for steps in backward_chunks(dh):
            i, f, g, o = self.split(gates[steps])
            *of_a, dh_dc = self.slopes(i, f, g, o, c[steps], h[1:][steps])
            forget = f.copy()
            for block, slope in zip(self.split(slopes[steps]), of_a, strict=True):
                block[:] = slope
            for t in reversed(range(steps.start, steps.stop)):
                dht += dh[t]
                np.multiply(h_slope[t], dht, out=da_o[t])
                dct += np.multiply(dh_dc[t - steps.start], dht, out=through_h)
                np.multiply(c_slopes[t], dct[:, None], out=da_ifg[t])
                dct *= forget[t - steps.start]
                times_WhT(da[t], dht)
        linear_backward(h[:-1], p["Wh"], da, dW=grads["Wh"], db=None)
        linear_backward(x, p["Wx"], da, dW=grads["Wx"], db=grads["b"], dx=dx)

    @staticmethod
    def slopes(i: Array, f: Array, g: Array, o: Array, c: Array, h: Array) -> tuple[Array, Array, Array, Array, Array]:
        """The partial derivatives within some steps, from their gates, the c before them and the h after them: of the
        new c by what the nonlinearities of i, f and g are given, of h by what that of o is given, and of h by the new
        c."""
        tanh_c = h / np.maximum(o, np.finfo(o.dtype).tiny)  # as fast as keeping it, and a seventh less to keep
        return g * i * (1 - i), c * f * (1 - f), i * (1 - g * g), h * (1 - o), o * (1 - tanh_c * tanh_c)
