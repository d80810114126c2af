"""The cells with all of a step that is not a matrix product compiled by Numba. Shapes and names as in ``cell.py``.

The equations are those of the cells they derive from. Where NumPy passes over all streams for every operation, here one
stream at a time goes through all of them, and stays in a core's first cache. A loop uses few arrays, since it becomes
vector instructions only where few pairs of them have to be compared to know that they do not overlap. A whole number,
as in 1 - f[j], would make a float32 a float64, and the loop half as fast: hence f[j] - f[j] * f[j] and the like.
"""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import overload

from charrnn.arrays import Array
from charrnn.nn.cells.cell import Cell, UnrolledCell
from charrnn.nn.cells.gru import GRU
from charrnn.nn.cells.lstm import LSTM, CoupledLSTM
from charrnn.nn.cells.mogrifier import Mogrifier
from charrnn.nn.cells.rnn import RNN

_OPTIONS: Any = {"error_model": "numpy", "fastmath": {"contract", "nsz"}}
compiled = njit(cache=True, **_OPTIONS)


@compiled
def lstm_forward(u, gates, c, new_h):
    """One step: ``u`` (B, nH) is h Wh; ``gates`` (B, nH) come as x Wx + b and become the gates; ``c`` (B, H)
    becomes the new c. Where there are three blocks, 1 - f stands for i, here and below."""
    B, H = c.shape
    coupled = gates.shape[1] == 3 * H
    for b in range(B):
        a, i = gates[b], gates[b, :H]
        f, g, o = gates[b, -3 * H : -2 * H], gates[b, -2 * H : -H], gates[b, -H:]
        for j in range(len(a)):
            a[j] += u[b, j]
        for j in range(len(a) - 2 * H):  # i and f, or f alone
            a[j] = sigmoid(a[j])
        for j in range(H):
            g[j] = tanh(g[j])
        for j in range(H):
            o[j] = sigmoid(o[j])
        for j in range(H):
            c[b, j] = f[j] * c[b, j]
        for j in range(H):
            c[b, j] += g[j] - f[j] * g[j] if coupled else i[j] * g[j]
        for j in range(H):
            new_h[b, j] = o[j] * tanh(c[b, j])


@compiled
def lstm_cell_terms(gates, c, fc, ig):
    """Some steps: writes the terms of their c, f * c and i * g (n, B, H), from their gates (n, B, nH) and the ``c``
    (B, H) before them, which becomes the c after them."""
    n, B, H = fc.shape
    coupled = gates.shape[2] == 3 * H
    for t in range(n):
        for b in range(B):
            i, f, g = gates[t, b, :H], gates[t, b, -3 * H : -2 * H], gates[t, b, -2 * H : -H]
            for j in range(H):
                ig[t, b, j] = g[j] - f[j] * g[j] if coupled else i[j] * g[j]
            for j in range(H):
                fc[t, b, j] = f[j] * c[b, j]
            for j in range(H):
                c[b, j] = fc[t, b, j] + ig[t, b, j]


@compiled
def lstm_backward(dh, dht, dct, gates, fc, ig):
    """One step: ``dht`` and ``dct`` (B, H) come as the gradients by the h and c after it, without the part ``dh``;
    da overwrites the gates; ``dct`` becomes the gradient by the c before it."""
    B, H = fc.shape
    coupled = gates.shape[1] == 3 * H
    tanh_c = np.empty(H, fc.dtype)
    for b in range(B):
        f, g, o = gates[b, -3 * H : -2 * H], gates[b, -2 * H : -H], gates[b, -H:]
        i = 1 - f if coupled else gates[b, :H]
        for j in range(H):
            dht[b, j] += dh[b, j]
        for j in range(H):
            tanh_c[j] = tanh(fc[b, j] + ig[b, j])
        for j in range(H):
            dct[b, j] += dht[b, j] * (o[j] - o[j] * tanh_c[j] * tanh_c[j])
        for j in range(H):
            o[j] = dht[b, j] * tanh_c[j] * (o[j] - o[j] * o[j])
        for j in range(H):
            i_j, g_j = i[j], g[j]
            i[j] = dct[b, j] * g_j * (i_j - i_j * i_j)
            g[j] = dct[b, j] * (i_j - i_j * g_j * g_j)
        for j in range(H):
            dct_j, f_j = dct[b, j], f[j]
            f[j] = dct_j * (fc[b, j] - fc[b, j] * f_j)
            dct[b, j] = dct_j * f_j
        if coupled:
            for j in range(H):
                f[j] -= i[j]


class CompiledLSTM(LSTM):
    """``LSTM``, compiled."""

    forward_step = staticmethod(lstm_forward)
    cell_terms = staticmethod(lstm_cell_terms)

    def backward_steps(self, unrolled: UnrolledCell, dh: Iterator[Array], dstate: Array) -> Iterator[int]:
        _, _, gates, *_ = unrolled
        dht, dct = dstate
        for steps, fc, ig in self.backward_terms(unrolled):
            for t in reversed(range(steps.start, steps.stop)):
                lstm_backward(next(dh), dht, dct, gates[t], fc[t - steps.start], ig[t - steps.start])
                yield t


class CompiledCoupledLSTM(CompiledLSTM, CoupledLSTM):
    """``CoupledLSTM``, compiled."""


class CompiledMogrifier(CompiledLSTM, Mogrifier):
    """``Mogrifier``, compiled."""


@compiled
def gru_forward(u, bhn, gates, h, new_h):
    """One step: ``u`` (B, 3H) is h Wh, and bhn is added to its last block; ``gates`` (B, 3H) come as x Wx + b and
    become the gates."""
    B, H = h.shape
    for b in range(B):
        r, z, n = gates[b, :H], gates[b, H : 2 * H], gates[b, 2 * H :]
        u_r, u_z, u_n = u[b, :H], u[b, H : 2 * H], u[b, 2 * H :]
        for j in range(H):
            r[j] = sigmoid(r[j] + u_r[j])
        for j in range(H):
            z[j] = sigmoid(z[j] + u_z[j])
        for j in range(H):
            u_n[j] += bhn[j]
        for j in range(H):
            n[j] = tanh(n[j] + r[j] * u_n[j])
        for j in range(H):
            new_h[b, j] = n[j] + z[j] * (h[b, j] - n[j])


@compiled
def gru_backward(dh, dht, gates, u, h):
    """One step: ``dht`` (B, H) comes as the gradient by the h after it, without the part ``dh``, and becomes that by
    the h before it, without the part that goes through ``u``; da overwrites the gates, du overwrites ``u``."""
    B, H = h.shape
    for b in range(B):
        r, z, n = gates[b, :H], gates[b, H : 2 * H], gates[b, 2 * H :]
        u_r, u_z, u_n = u[b, :H], u[b, H : 2 * H], u[b, 2 * H :]
        for j in range(H):
            dht[b, j] += dh[b, j]
        for j in range(H):
            u_z[j] = dht[b, j] * (h[b, j] - n[j]) * (z[j] - z[j] * z[j])
        for j in range(H):
            dht_j, z_j = dht[b, j], z[j]
            dn_j = dht_j - dht_j * z_j
            n[j] = dn_j - dn_j * n[j] * n[j]
            dht[b, j] = dht_j * z_j
        for j in range(H):
            z[j] = u_z[j]
        for j in range(H):
            u_r[j] = n[j] * u_n[j] * (r[j] - r[j] * r[j])
        for j in range(H):
            u_n[j] = n[j] * r[j]
        for j in range(H):
            r[j] = u_r[j]


class CompiledGRU(GRU):
    """``GRU``, compiled."""

    forward_step = staticmethod(gru_forward)

    def backward_steps(self, unrolled: UnrolledCell, dh: Iterator[Array], dstate: Array) -> Iterator[int]:
        _, h, gates, *_, (u,) = unrolled
        (dht,) = dstate
        for t in reversed(range(len(gates))):
            gru_backward(next(dh), dht, gates[t], u[t], h[t])
            yield t


@compiled
def rnn_forward(a, new_h):
    """One step: ``a`` (B, H) is x Wx + b; ``new_h`` (B, H) comes as h Wh and becomes the new h."""
    B, H = a.shape
    for b in range(B):
        for j in range(H):
            new_h[b, j] = tanh(new_h[b, j] + a[b, j])


@compiled
def rnn_backward(dh, dht, da, new_h):
    """One step: ``dht`` (B, H) comes as the gradient by the h after it, without the part ``dh``; writes ``da``."""
    B, H = da.shape
    for b in range(B):
        for j in range(H):
            dht[b, j] += dh[b, j]
        for j in range(H):
            da[b, j] = dht[b, j] - dht[b, j] * new_h[b, j] * new_h[b, j]


class CompiledRNN(RNN):
    """``RNN``, compiled."""

    forward_step = staticmethod(rnn_forward)

    def backward_steps(self, unrolled: UnrolledCell, dh: Iterator[Array], dstate: Array) -> Iterator[int]:
        _, h, da, *_ = unrolled
        (dht,) = dstate
        for t in reversed(range(len(da))):
            rnn_backward(next(dh), dht, da[t], h[t + 1])
            yield t


def sigmoid(x):
    return 1 / (1 + exp(-x))


def tanh(x):
    return 2 * sigmoid(2 * x) - 1


def exp(x):
    """Of a float32 by a polynomial, which unlike the library's function becomes vector instructions."""
    return math.exp(x)


@overload(sigmoid, jit_options=_OPTIONS, inline="always")
def _sigmoid(x):
    one = _number(x)(1)
    return lambda x: one / (one + exp(-x))


@overload(tanh, jit_options=_OPTIONS, inline="always")
def _tanh(x):
    one, two = _number(x)(1), _number(x)(2)
    return lambda x: two * sigmoid(two * x) - one


@overload(exp, jit_options=_OPTIONS, inline="always")
def _exp(x):
    if x != types.float32:
        return lambda x: math.exp(x)
    f, i = np.float32, np.int32

    def exp_of_float32(x):
        # exp(x) = 2^n exp(r) with x = n ln 2 + r, and exp(r) by a polynomial (Cephes).
        if x < f(-87):
            x = f(-87)
        if x > f(88):
            x = f(88)
        n = (x * f(1.44269504) + f(12582912)) - f(12582912)  # to the nearest whole number: 12582912 = 1.5 * 2^23
        r = x - n * f(0.693359375) + n * f(2.12194440e-4)
        p = f(1.9875691500e-4)
        p = p * r + f(1.3981999507e-3)
        p = p * r + f(8.3334519073e-3)
        p = p * r + f(4.1665795894e-2)
        p = p * r + f(1.6666665459e-1)
        p = p * r + f(0.5)
        p = p * r * r + r + f(1)
        return p * i((i(n) + i(127)) << i(23)).view(f)

    return exp_of_float32


def _number(x):
    return np.float32 if x == types.float32 else np.float64


COMPILED: dict[type[Cell], type[Cell]] = {
    LSTM: CompiledLSTM,
    CoupledLSTM: CompiledCoupledLSTM,
    Mogrifier: CompiledMogrifier,
    GRU: CompiledGRU,
    RNN: CompiledRNN,
}
"""The compiled form of each cell that has one."""
