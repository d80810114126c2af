"""Recurrent cells over a whole window, each forward beside its backward.

Shapes: T window, B streams, D input size, H hidden size; arrays are time-major and contiguous.
    x (T, B, D), or ids (T, B) for one-hot input     h (T, B, H)     state (S, B, H), S = 1, for the LSTM 2
    Wx (D, nH), Wh (H, nH), b (nH,)  with the n gates side by side

All products that do not wait for the previous step, those with x and those that give the weights' gradients, are done
for the whole window outside the time loop. A window's activations cost, in numbers for each step, stream and hidden
unit: LSTM 6, GRU 7 (reset before: 5), RNN 2. They lie in the workspace, where backward finds them and overwrites them.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from charrnn.arrays import Array, Ids
from charrnn.nn.functional import affine, linear, linear_backward, sigmoid
from charrnn.nn.initialisers import Draw
from charrnn.nn.parameters import Workspace

Views = Mapping[str, Array]

CANDIDATE = "candidate"
"""The one block of columns that is no gate: it goes through tanh and may enter the state."""


class Cell(ABC):
    """What every cell has; a new one says its gates and writes ``step``, ``forward`` and ``backward``."""

    gates: ClassVar[int]
    """How many blocks of H columns the weights have."""
    states: ClassVar[int] = 1
    """S: how many vectors of size H are carried from one step to the next."""
    activations: ClassVar[tuple[str, ...]] = ()
    """What ``forward`` leaves in the blocks of H columns of "a", by name, where it leaves the gates there."""
    carried: ClassVar[Mapping[str, str]] = {"hidden": "h"}
    """The states by name, and the array (T + 1, B, H) in which ``forward`` leaves each."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        self.input_size = input_size
        self.hidden_size = hidden_size

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Parameter names and shapes."""
        D, H, n = self.input_size, self.hidden_size, self.gates
        return {"Wx": (D, n * H), "Wh": (H, n * H), "b": (n * H,)}

    def initialise(self, p: Views, draw: Draw, input_role: str, forget_bias: float) -> None:
        """Fills the parameters in place, gate by gate. ``forget_bias`` is for cells that have a forget gate."""
        H = self.hidden_size
        for name, role in (("Wx", input_role), ("Wh", "recurrent"), ("b", "bias")):
            for k in range(self.gates):
                draw(p[name][..., k * H : (k + 1) * H], role)

    def split(self, a: Array) -> list[Array]:
        """The gates in (..., nH): n views (..., H)."""
        return np.split(a, self.gates, axis=-1)

    def trace(self, space: Workspace, T: int, B: int) -> dict[str, Array]:
        """What the units did in the window of T steps and B streams that ``forward`` ran last in this workspace: each
        state after each step, and each gate, by name, (T, B, H). Views, good until the next forward or backward."""
        H = self.hidden_size
        states = {name: space(array, (T + 1, B, H))[1:] for name, array in self.carried.items()}
        return states | dict(zip(self.activations, self.split(space("a", (T, B, self.gates * H))), strict=False))

    @abstractmethod
    def step(self, p: Views, x: Array | Ids, state: Array) -> Array:
        """The equations as they stand, for one step: x (B, D), or ids (B,), and the state (S, B, H), which is
        overwritten with the one after it; returns h (B, H), a view of it."""

    @abstractmethod
    def forward(self, p: Views, x: Array | Ids, state: Array, space: Workspace) -> tuple[Array, Array]:
        """Runs a window: (h (T, B, H), the state after it). Both are views into the workspace."""

    @abstractmethod
    def backward(
        self, p: Views, x: Array | Ids, dh: Array, dstate: Array, space: Workspace, grads: Views, dx: Array | None
    ) -> None:
        """The forward upside down: dh (T, B, H) in; writes ``grads`` and, where it is asked for, ``dx``, which may be
        the array that dh is and so is written last. ``dstate`` (S, B, H), the gradient by the state after the window,
        zero where truncation cuts, is overwritten with that by the state before it.

        Must follow the forward of the same window in the same workspace.
        """


def backward_blocks(dh: Array) -> list[slice]:
    """The steps of a window (T, B, H) from the last to the first, in blocks whose arrays stay in a core's cache.

    What does not depend on the gradient that comes back through time is computed for a block at once.
    """
    T, B, H = dh.shape
    n = max(1, 16_384 // (B * H))
    return [slice(max(0, stop - n), stop) for stop in range(T, 0, -n)]


class RNN(Cell):
    """Elman's network: h = tanh(x Wx + h Wh + b) (Elman 1990, "Finding structure in time")."""

    gates = 1

    def step(self, p: Views, x: Array | Ids, state: Array) -> Array:
        h: Array = state[0]
        a = affine(x, p["Wx"], p["b"])
        a += h @ p["Wh"]
        self.activate(a)
        h[:] = a
        return h

    def forward(self, p: Views, x: Array | Ids, state: Array, space: Workspace) -> tuple[Array, Array]:
        T, B, H = *x.shape[:2], self.hidden_size
        h = space("h", (T + 1, B, H))
        a = space("a", (T, B, H))

        h[0] = state[0]
        linear(x, p["Wx"], p["b"], out=a)
        for t in range(T):
            np.matmul(h[t], p["Wh"], out=h[t + 1])
            h[t + 1] += a[t]
            self.activate(h[t + 1])
        return h[1:], h[T:]

    def backward(
        self, p: Views, x: Array | Ids, dh: Array, dstate: Array, space: Workspace, grads: Views, dx: Array | None
    ) -> None:
        T, B, H = dh.shape
        h = space("h", (T + 1, B, H))
        da = space("a", (T, B, H))

        dht = dstate[0]
        for steps in backward_blocks(dh):
            da[steps] = self.slope(h[1:][steps])
            for t in reversed(range(steps.start, steps.stop)):
                dht += dh[t]
                da[t] *= dht
                np.matmul(da[t], p["Wh"].T, out=dht)
        linear_backward(h[:T], p["Wh"], da, dW=grads["Wh"], db=None)
        linear_backward(x, p["Wx"], da, dW=grads["Wx"], db=grads["b"], dx=dx)

    def activate(self, a: Array) -> None:
        """The activation, in place."""
        np.tanh(a, out=a)

    def slope(self, h: Array) -> Array:
        """The activation's derivative, from its value: 1 - tanh^2."""
        return 1 - h * h


class ReluRNN(RNN):
    """The same network with max(0, .) in the place of tanh (Le et al. 2015, arXiv 1504.00941)."""

    def activate(self, a: Array) -> None:
        np.maximum(a, 0, out=a)

    def slope(self, h: Array) -> Array:
        return (h > 0).astype(h.dtype)


class GRU(Cell):
    """The gated recurrent unit as cuDNN and PyTorch have it, the reset gate applied after the recurrent product:

        r = sigmoid(x Wxr + h Whr + br)             reset gate
        z = sigmoid(x Wxz + h Whz + bz)             update gate
        n = tanh   (x Wxn + bn + r * (h Whn + bhn)) candidate
        h = (1 - z) * n + z * h                     hidden state

    (Cho et al. 2014, arXiv 1406.1078v1; ``GRUResetBefore`` is the form of that paper's v3.)
    """

    gates = 3
    activations = ("reset", "update", CANDIDATE)

    def shapes(self) -> dict[str, tuple[int, ...]]:
        return super().shapes() | {"bhn": (self.hidden_size,)}

    def initialise(self, p: Views, draw: Draw, input_role: str, forget_bias: float) -> None:
        super().initialise(p, draw, input_role, forget_bias)
        draw(p["bhn"], "bias")

    def step(self, p: Views, x: Array | Ids, state: Array) -> Array:
        H = self.hidden_size
        h: Array = state[0]
        a, u = affine(x, p["Wx"], p["b"]), h @ p["Wh"]
        rz, n = a[:, : 2 * H], a[:, 2 * H :]
        rz += u[:, : 2 * H]
        sigmoid(rz, out=rz)
        r, z = rz[:, :H], rz[:, H:]
        n += r * (u[:, 2 * H :] + p["bhn"])
        np.tanh(n, out=n)
        h[:] = (1 - z) * n + z * h
        return h

    def forward(self, p: Views, x: Array | Ids, state: Array, space: Workspace) -> tuple[Array, Array]:
        T, B, H = *x.shape[:2], self.hidden_size
        h = space("h", (T + 1, B, H))
        a = space("a", (T, B, 3 * H))  # x Wx + b, then the gates r, z, n
        u = space("u", (T, B, 3 * H))  # h Wh, of which backward needs the last third, h Whn + bhn

        r, z, n = self.split(a)
        rz, u_n = a[:, :, : 2 * H], u[:, :, 2 * H :]
        rzt, zt = space("rzt", (B, 2 * H)), space("zt", (B, H))

        h[0] = state[0]
        linear(x, p["Wx"], p["b"], out=a)
        for t in range(T):
            np.matmul(h[t], p["Wh"], out=u[t])
            np.add(rz[t], u[t, :, : 2 * H], out=rzt)
            sigmoid(rzt, out=rz[t])
            u_n[t] += p["bhn"]
            n[t] += np.multiply(r[t], u_n[t], out=zt)
            np.tanh(n[t], out=n[t])
            np.subtract(h[t], n[t], out=h[t + 1])  # (1 - z) n + z h = n + z (h - n)
            h[t + 1] *= z[t]
            h[t + 1] += n[t]
        return h[1:], h[T:]

    def backward(
        self, p: Views, x: Array | Ids, dh: Array, dstate: Array, space: Workspace, grads: Views, dx: Array | None
    ) -> None:
        T, B, H = dh.shape
        h = space("h", (T + 1, B, H))
        a = space("a", (T, B, 3 * H))  # the gates r, z, n, then their local gradients, then da
        u = space("u", (T, B, 3 * H))  # h Whn + bhn, then du
        da, du_n = a.reshape(T, B, 3, H), u[:, :, 2 * H :]

        dht, du = dstate[0], space("du", (B, H))
        for steps in backward_blocks(dh):
            z = self.local_gradients(a[steps], du_n[steps], h[steps])
            for t in reversed(range(steps.start, steps.stop)):
                dht += dh[t]
                da[t] *= dht[:, None]
                du_n[t] *= dht
                u[t, :, : 2 * H] = a[t, :, : 2 * H]
                dht *= z[t - steps.start]
                dht += np.matmul(u[t], p["Wh"].T, out=du)
        linear_backward(h[:T], p["Wh"], u, dW=grads["Wh"], db=None)
        np.sum(du_n, axis=(0, 1), out=grads["bhn"])
        linear_backward(x, p["Wx"], a, dW=grads["Wx"], db=grads["b"], dx=dx)

    def local_gradients(self, a: Array, u_n: Array, h: Array) -> Array:
        """Puts in the place of some steps' gates, and of h Whn + bhn, what the gradient of the next h is to be
        multiplied with; returns the update gate, (n, B, H)."""
        r, z, n = self.split(a)
        dn = (1 - z) * (1 - n * n)
        dr, dz, du_n = dn * u_n * r * (1 - r), (h - n) * z * (1 - z), dn * r
        update = z.copy()
        r[:], z[:], n[:], u_n[:] = dr, dz, dn, du_n
        return update


class GRUResetBefore(Cell):
    """The gated recurrent unit with the reset gate applied before the recurrent product, as char-rnn has it:

        r, z as in ``GRU``
        n = tanh(x Wxn + (r * h) Whn + bn)          candidate
        h = (1 - z) * n + z * h                     hidden state

    (Cho et al. 2014, arXiv 1406.1078v3.)
    """

    gates = 3
    activations = ("reset", "update", CANDIDATE)

    def step(self, p: Views, x: Array | Ids, state: Array) -> Array:
        H = self.hidden_size
        h: Array = state[0]
        a = affine(x, p["Wx"], p["b"])
        rz, n = a[:, : 2 * H], a[:, 2 * H :]
        rz += h @ p["Wh"][:, : 2 * H]
        sigmoid(rz, out=rz)
        r, z = rz[:, :H], rz[:, H:]
        n += (r * h) @ p["Wh"][:, 2 * H :]
        np.tanh(n, out=n)
        h[:] = (1 - z) * n + z * h
        return h

    def forward(self, p: Views, x: Array | Ids, state: Array, space: Workspace) -> tuple[Array, Array]:
        T, B, H = *x.shape[:2], self.hidden_size
        h = space("h", (T + 1, B, H))
        rh = space("rh", (T, B, H))
        a = space("a", (T, B, 3 * H))  # x Wx + b, then the gates r, z, n
        Wh_rz, Wh_n = p["Wh"][:, : 2 * H], p["Wh"][:, 2 * H :]

        h[0] = state[0]
        linear(x, p["Wx"], p["b"], out=a)
        for t in range(T):
            rz, n = a[t, :, : 2 * H], a[t, :, 2 * H :]
            r, z = rz[:, :H], rz[:, H:]
            rz += h[t] @ Wh_rz
            sigmoid(rz, out=rz)
            rh[t] = r * h[t]
            n += rh[t] @ Wh_n
            np.tanh(n, out=n)
            h[t + 1] = (1 - z) * n + z * h[t]
        return h[1:], h[T:]

    def backward(
        self, p: Views, x: Array | Ids, dh: Array, dstate: Array, space: Workspace, grads: Views, dx: Array | None
    ) -> None:
        T, B, H = dh.shape
        h, rh = space("h", (T + 1, B, H)), space("rh", (T, B, H))
        a = space("a", (T, B, 3 * H))  # the gates become da as the loop comes back through them
        Wh_rz, Wh_n = p["Wh"][:, : 2 * H], p["Wh"][:, 2 * H :]

        dht = dstate[0]
        for t in reversed(range(T)):
            r, z, n = (a[t, :, k * H : (k + 1) * H] for k in range(3))
            dht += dh[t]
            dn, dz = dht * (1 - z), dht * (h[t] - n)
            dht *= z
            n[:] = dn * (1 - n**2)
            drh = n @ Wh_n.T
            dht += drh * r
            z[:] = dz * z * (1 - z)
            r[:] = drh * h[t] * r * (1 - r)
            dht += a[t, :, : 2 * H] @ Wh_rz.T
        da_rz, da_n = a[:, :, : 2 * H], a[:, :, 2 * H :]
        linear_backward(h[:T], Wh_rz, da_rz, dW=grads["Wh"][:, : 2 * H], db=None)
        linear_backward(rh, Wh_n, da_n, dW=grads["Wh"][:, 2 * H :], db=None)
        linear_backward(x, p["Wx"], a, dW=grads["Wx"], db=grads["b"], dx=dx)


class LSTM(Cell):
    """Long short-term memory with a forget gate and no peepholes (Gers et al. 2000, "Learning to forget"):

        i = sigmoid(x Wxi + h Whi + bi)     input gate
        f = sigmoid(x Wxf + h Whf + bf)     forget gate
        g = tanh   (x Wxg + h Whg + bg)     candidate
        o = sigmoid(x Wxo + h Who + bo)     output gate
        c = f * c + i * g                   cell state
        h = o * tanh(c)                     hidden state

    The forget gate's bias begins at ``forget_bias``, 1 as Jozefowicz et al. advise
    (2015, "An empirical exploration of recurrent network architectures").
    """

    gates = 4
    states = 2
    activations = ("input", "forget", CANDIDATE, "output")
    carried: ClassVar[Mapping[str, str]] = {"hidden": "h", "cell": "c"}

    def initialise(self, p: Views, draw: Draw, input_role: str, forget_bias: float) -> None:
        super().initialise(p, draw, input_role, forget_bias)
        p["b"][self.hidden_size : 2 * self.hidden_size] = forget_bias

    def step(self, p: Views, x: Array | Ids, state: Array) -> Array:
        H = self.hidden_size
        h: Array
        h, c = state
        a = affine(x, p["Wx"], p["b"])
        a += h @ p["Wh"]
        g = a[:, 2 * H : 3 * H]
        g *= 2  # one exp for all gates: tanh(g) = 2 sigmoid(2 g) - 1
        sigmoid(a, out=a)
        g *= 2
        g -= 1
        c *= a[:, H : 2 * H]
        c += a[:, :H] * g
        np.multiply(a[:, 3 * H :], np.tanh(c), out=h)
        return h

    def forward(self, p: Views, x: Array | Ids, state: Array, space: Workspace) -> tuple[Array, Array]:
        T, B, H = *x.shape[:2], self.hidden_size
        h = space("h", (T + 1, B, H))
        c = space("c", (T + 1, B, H))
        a = space("a", (T, B, 4 * H))  # x Wx + b, then the gates
        i, f, g, o = self.split(a)
        at, ig = space("at", (B, 4 * H)), space("ig", (B, H))
        gt = at[:, 2 * H : 3 * H]

        h[0], c[0] = state
        linear(x, p["Wx"], p["b"], out=a)
        for t in range(T):
            np.matmul(h[t], p["Wh"], out=at)
            at += a[t]
            gt *= 2  # as in step
            sigmoid(at, out=a[t])
            g[t] *= 2
            g[t] -= 1
            np.multiply(f[t], c[t], out=c[t + 1])
            c[t + 1] += np.multiply(i[t], g[t], out=ig)
            np.tanh(c[t + 1], out=h[t + 1])
            h[t + 1] *= o[t]
        state = space("state", (2, B, H))
        state[0], state[1] = h[T], c[T]
        return h[1:], state

    def backward(
        self, p: Views, x: Array | Ids, dh: Array, dstate: Array, space: Workspace, grads: Views, dx: Array | None
    ) -> None:
        T, B, H = dh.shape
        h = space("h", (T + 1, B, H))
        c = space("c", (T + 1, B, H))
        a = space("a", (T, B, 4 * H))  # the gates, then their local gradients, then da
        di_df_dg, do = a.reshape(T, B, 4, H)[:, :, :3], self.split(a)[3]

        (dht, dc), dct = dstate, space("dct", (B, H))
        for steps in backward_blocks(dh):
            f, dc_dh = self.local_gradients(a[steps], c[steps], h[1:][steps])
            for t in reversed(range(steps.start, steps.stop)):
                dht += dh[t]
                do[t] *= dht
                dc += np.multiply(dht, dc_dh[t - steps.start], out=dct)
                di_df_dg[t] *= dc[:, None]
                dc *= f[t - steps.start]
                np.matmul(a[t], p["Wh"].T, out=dht)
        linear_backward(h[:T], p["Wh"], a, dW=grads["Wh"], db=None)
        linear_backward(x, p["Wx"], a, dW=grads["Wx"], db=grads["b"], dx=dx)

    def local_gradients(self, a: Array, c: Array, h: Array) -> tuple[Array, Array]:
        """Puts in the place of some steps' gates what the gradient of c (for o: of h) is to be multiplied with; returns
        the forget gate and what the gradient of h is to be multiplied with for c, each (n, B, H)."""
        i, f, g, o = self.split(a)
        tanh_c = h / np.maximum(o, np.finfo(o.dtype).tiny)  # as cheap as keeping it, and a seventh less to keep
        di, df, dg = g * i * (1 - i), c * f * (1 - f), i * (1 - g * g)
        do, dc_dh = tanh_c * o * (1 - o), o * (1 - tanh_c * tanh_c)
        forget = f.copy()
        i[:], f[:], g[:], o[:] = di, df, dg, do
        return forget, dc_dh


CELLS: dict[str, type[Cell]] = {
    "lstm": LSTM,
    "gru": GRU,
    "gru-reset-before": GRUResetBefore,
    "rnn": RNN,
    "rnn-relu": ReluRNN,
}
