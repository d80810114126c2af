"""Gated recurrent units. Shapes and names as in ``cell.py``."""

from collections.abc import Iterator

import numpy as np

from charrnn.arrays import Array, Ids
from charrnn.nn.cells.cell import NOWHERE, Beginnings, Cell, UnrolledCell, Views, backward_chunks
from charrnn.nn.functional import affine, linear_backward, linear_steps, sigmoid
from charrnn.nn.initialisers import Fill
from charrnn.nn.parameters import Workspace
from charrnn.nn.products import product_by


class GRU(Cell):
    """The gated recurrent unit as cuDNN and PyTorch have it, the reset gate applied after the recurrent product:

        r = sigmoid(x Wxr + h Whr + br)             reset gate
        z = sigmoid(x Wxz + h Whz + bz)             update gate
        n = tanh   (x Wxn + bn + r * (h Whn + bhn)) candidate
        h = (1 - z) * n + z * h                     hidden state

    (Cho et al. 2014, arXiv 1406.1078v1; ``GRUResetBefore`` is the form of that paper's v3.)
    """

    blocks = 3
    activations = ("reset", "update", "candidate")
    gates = ("reset", "update")
    letter = "g"
    torch_class = "GRU"

    def shapes(self) -> dict[str, tuple[int, ...]]:
        return super().shapes() | {"bhn": (self.hidden_size,)}

    def initialise(self, p: Views, fill: Fill, input_role: str, forget_bias: float) -> None:
        super().initialise(p, fill, input_role, forget_bias)
        fill(p["bhn"], "bias")

    def torch_biases(self, p: Views) -> tuple[Array, Array]:
        input_bias, recurrent_bias = super().torch_biases(p)
        recurrent_bias[2 * self.hidden_size :] = p["bhn"]
        return input_bias, recurrent_bias

    def set_torch_biases(self, p: Views, input_bias: Array, recurrent_bias: Array) -> None:
        super().set_torch_biases(p, input_bias, recurrent_bias)
        n = slice(2 * self.hidden_size, None)
        p["b"][n], p["bhn"][:] = input_bias[n], recurrent_bias[n]

    def step(self, p: Views, x: Array | Ids, state: Array) -> Array:
        H = self.hidden_size
        h: Array = state[0]
        a, u = affine(x, p["Wx"], p["b"]), h @ p["Wh"]
        rz = a[:, : 2 * H]
        rz += u[:, : 2 * H]
        sigmoid(rz, out=rz)
        r, z, n = self.split(a)
        n += r * (u[:, 2 * H :] + p["bhn"])
        np.tanh(n, out=n)
        h[:] = (1 - z) * n + z * h
        return h

    def forward(
        self, p: Views, x: Array | Ids, state: Array, space: Workspace, begins: Beginnings = NOWHERE
    ) -> UnrolledCell:
        T, B, H = *x.shape[:2], self.hidden_size
        h = space("h", (T + 1, B, H))
        gates = space("gates", (T, B, 3 * H))  # a step at a time, they overwrite x Wx + b
        u = space("u", (T, B, 3 * H))  # h Wh, and bhn added to its last block
        times_Wh = product_by(p["Wh"], B)

        h[0] = state[0]
        for t, gates_t in enumerate(linear_steps(x, p["Wx"], p["b"], out=gates)):
            ht = begins.before(t, h[t])
            times_Wh(ht, u[t])
            self.forward_step(u[t], p["bhn"], gates_t, ht, h[t + 1])
        return UnrolledCell(x, h, gates, h[-1:], begins, kept=(u,))

    def forward_step(self, u: Array, bhn: Array, gates: Array, h: Array, new_h: Array) -> None:
        """All of a step but its products: ``u`` (B, 3H) comes as h Wh, and bhn is added to its last block; ``gates``
        (B, 3H) come as x Wx + b and become the gates; writes the new h (B, H)."""
        rz = gates[:, : 2 * self.hidden_size]
        sigmoid(rz + u[:, : 2 * self.hidden_size], out=rz)
        r, z, n = self.split(gates)
        _, _, u_n = self.split(u)
        u_n += bhn
        n += np.multiply(r, u_n, out=new_h)
        np.tanh(n, out=n)
        np.subtract(h, n, out=new_h)  # (1 - z) n + z h = n + z (h - n)
        new_h *= z
        new_h += n

    def backward(
        self, p: Views, grads: Views, unrolled: UnrolledCell, dh: Iterator[Array], dstate: Array, dx: Array | None
    ) -> None:
        x, h, da, _, begins, (du,) = unrolled
        (dht,) = dstate
        through_u = np.empty_like(dht)
        times_WhT = product_by(p["Wh"].T, len(dht))

        begins.clear(h)
        for t in self.backward_steps(unrolled, dh, dstate):
            times_WhT(du[t], through_u)
            dht += through_u
            begins.zero(t, dht)
        linear_backward(h[:-1], p["Wh"], du, dW=grads["Wh"], db=None)
        np.sum(self.split(du)[-1], axis=(0, 1), out=grads["bhn"])
        linear_backward(x, p["Wx"], da, dW=grads["Wx"], db=grads["b"], dx=dx)

    def backward_steps(self, unrolled: UnrolledCell, dh: Iterator[Array], dstate: Array) -> Iterator[int]:
        """All of the steps but their products, from the last to the first: yields t when da[t] has overwritten the
        gates, du[t] has overwritten u, and dht is what reaches the h before the step by way of z alone."""
        _, h, gates, *_, (u,) = unrolled
        T, B, H = unrolled.h.shape
        slopes = gates  # a chunk of steps at a time, the slopes overwrite the gates,
        da = slopes  # and a step at a time, da overwrites the slopes;
        du = u  # the same with h Whn + bhn, the only block of u that is needed
        u_n = slope_n = du_n = u[:, :, 2 * H :]
        slopes_rzn, da_rzn = slopes.reshape(T, B, 3, H), da.reshape(T, B, 3, H)
        da_rz, du_rz = da[:, :, : 2 * H], du[:, :, : 2 * H]
        (dht,) = dstate

        for steps in backward_chunks(unrolled.h):
            r, z, n = self.split(gates[steps])
            *of_a, of_u_n = self.slopes(r, z, n, u_n[steps], h[steps])
            update = z.copy()
            for block, slope in zip(self.split(slopes[steps]), of_a, strict=True):
                block[:] = slope
            slope_n[steps] = of_u_n
            for t in reversed(range(steps.start, steps.stop)):
                dht += next(dh)
                np.multiply(slopes_rzn[t], dht[:, None], out=da_rzn[t])
                np.multiply(slope_n[t], dht, out=du_n[t])
                du_rz[t] = da_rz[t]
                dht *= update[t - steps.start]
                yield t

    @staticmethod
    def slopes(r: Array, z: Array, n: Array, u_n: Array, h: Array) -> tuple[Array, Array, Array, Array]:
        """The partial derivatives within some steps, from their gates, u_n = h' Whn + bhn and the h before them, h',
        where a is what a gate's nonlinearity is given:

            dh/da = (dh/du_n) u_n (1 - r) for r      (h' - n) z (1 - z) for z      (1 - z) (1 - n^2) for n
            dh/du_n = (1 - z) (1 - n^2) r
        """
        by_n = (1 - z) * (1 - n * n)
        return by_n * u_n * r * (1 - r), (h - n) * z * (1 - z), by_n, by_n * r


class GRUResetBefore(Cell):
    """The gated recurrent unit with the reset gate applied before the recurrent product, as char-rnn has it:

        r, z as in ``GRU``
        n = tanh(x Wxn + (r * h) Whn + bn)          candidate
        h = (1 - z) * n + z * h                     hidden state

    (Cho et al. 2014, arXiv 1406.1078v3.)
    """

    blocks = 3
    activations = ("reset", "update", "candidate")
    gates = ("reset", "update")
    letter = "g"

    def step(self, p: Views, x: Array | Ids, state: Array) -> Array:
        H = self.hidden_size
        h: Array = state[0]
        a = affine(x, p["Wx"], p["b"])
        rz = a[:, : 2 * H]
        rz += h @ p["Wh"][:, : 2 * H]
        sigmoid(rz, out=rz)
        r, z, n = self.split(a)
        n += (r * h) @ p["Wh"][:, 2 * H :]
        np.tanh(n, out=n)
        h[:] = (1 - z) * n + z * h
        return h

    def forward(
        self, p: Views, x: Array | Ids, state: Array, space: Workspace, begins: Beginnings = NOWHERE
    ) -> UnrolledCell:
        T, B, H = *x.shape[:2], self.hidden_size
        h = space("h", (T + 1, B, H))
        rh = space("rh", (T, B, H))
        a = space("a", (T, B, 3 * H))  # x Wx + b
        gates = a  # a step at a time, they overwrite it
        r, z, n = self.split(gates)
        rz = gates[:, :, : 2 * H]
        Wh_rz, Wh_n = p["Wh"][:, : 2 * H], p["Wh"][:, 2 * H :]

        h[0] = state[0]
        for t, _ in enumerate(linear_steps(x, p["Wx"], p["b"], out=a)):
            ht = begins.before(t, h[t])
            rz[t] += ht @ Wh_rz
            sigmoid(rz[t], out=rz[t])
            np.multiply(r[t], ht, out=rh[t])
            n[t] += rh[t] @ Wh_n
            np.tanh(n[t], out=n[t])
            h[t + 1] = (1 - z[t]) * n[t] + z[t] * ht
        return UnrolledCell(x, h, gates, h[-1:], begins, kept=(rh,))

    def backward(
        self, p: Views, grads: Views, unrolled: UnrolledCell, dh: Iterator[Array], dstate: Array, dx: Array | None
    ) -> None:
        x, h, gates, _, begins, (rh,) = unrolled
        H = self.hidden_size
        r, z, n = self.split(gates)
        da = gates  # a step at a time, da overwrites them
        da_r, da_z, da_n = self.split(da)
        da_rz = da[:, :, : 2 * H]
        Wh_rz, Wh_n = p["Wh"][:, : 2 * H], p["Wh"][:, 2 * H :]
        (dht,) = dstate

        begins.clear(h)
        for t in reversed(range(len(gates))):
            dht += next(dh)
            dn, dz = dht * (1 - z[t]), dht * (h[t] - n[t])
            dht *= z[t]
            da_n[t] = dn * (1 - n[t] ** 2)
            drh = da_n[t] @ Wh_n.T
            dht += drh * r[t]
            da_z[t] = dz * z[t] * (1 - z[t])
            da_r[t] = drh * h[t] * r[t] * (1 - r[t])
            dht += da_rz[t] @ Wh_rz.T
            begins.zero(t, dht)
        linear_backward(h[:-1], Wh_rz, da_rz, dW=grads["Wh"][:, : 2 * H], db=None)
        linear_backward(rh, Wh_n, da_n, dW=grads["Wh"][:, 2 * H :], db=None)
        linear_backward(x, p["Wx"], da, dW=grads["Wx"], db=grads["b"], dx=dx)
