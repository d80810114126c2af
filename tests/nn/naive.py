"""The network as a textbook writes it: one step, one example and one one-hot vector at a time, without a gradient.

Shapes: T window, B streams, D input size, H hidden size, V vocabulary, L layers, S states of a cell.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from charrnn.arrays import Array, Ids
from charrnn.nn.dropout import Dropout
from charrnn.nn.functional import cross_entropy
from charrnn.nn.network import Masks, Network
from charrnn.nn.parameters import Parameters, Workspace

Weights = Mapping[str, Array]


def sigmoid(a: Array) -> Array:
    return 1 / (1 + np.exp(-a))


def blocks(p: Weights, name: str, count: int) -> list[Array]:
    return np.split(p[name], count, axis=-1)


Trace = dict[str, Array]
"""What the units of a layer did in a step, by name: (H,)."""


def lstm(p: Weights, x: Array, state: Array) -> tuple[Array, Trace]:
    """x (D,), state (2, H) -> state (2, H), and all there was on the way."""
    (Wxi, Wxf, Wxg, Wxo), (Whi, Whf, Whg, Who), (bi, bf, bg, bo) = (blocks(p, name, 4) for name in ("Wx", "Wh", "b"))
    h, c = state
    i = sigmoid(x @ Wxi + h @ Whi + bi)
    f = sigmoid(x @ Wxf + h @ Whf + bf)
    o = sigmoid(x @ Wxo + h @ Who + bo)
    g = np.tanh(x @ Wxg + h @ Whg + bg)
    c = f * c + i * g
    h = o * np.tanh(c)
    return np.stack([h, c]), {"hidden": h, "cell": c, "input": i, "forget": f, "output": o, "candidate": g}


def lstm_coupled(p: Weights, x: Array, state: Array) -> tuple[Array, Trace]:
    """x (D,), state (2, H) -> state (2, H), and all there was on the way."""
    (Wxf, Wxg, Wxo), (Whf, Whg, Who), (bf, bg, bo) = (blocks(p, name, 3) for name in ("Wx", "Wh", "b"))
    h, c = state
    f = sigmoid(x @ Wxf + h @ Whf + bf)
    o = sigmoid(x @ Wxo + h @ Who + bo)
    g = np.tanh(x @ Wxg + h @ Whg + bg)
    c = f * c + (1 - f) * g
    h = o * np.tanh(c)
    return np.stack([h, c]), {"hidden": h, "cell": c, "forget": f, "output": o, "candidate": g}


def mogrifier(p: Weights, x: Array, state: Array) -> tuple[Array, Trace]:
    """x (D,), state (2, H) -> state (2, H), and all there was on the way."""
    h, c = state
    return lstm_coupled(p, x, np.stack([2 * sigmoid(x @ p["Wm"] + p["bm"]) * h, c]))


def gru(p: Weights, x: Array, state: Array) -> tuple[Array, Trace]:
    """x (D,), state (1, H) -> state (1, H), and all there was on the way."""
    (Wxr, Wxz, Wxn), (Whr, Whz, Whn), (br, bz, bn) = (blocks(p, name, 3) for name in ("Wx", "Wh", "b"))
    h = state[0]
    r = sigmoid(x @ Wxr + h @ Whr + br)
    z = sigmoid(x @ Wxz + h @ Whz + bz)
    n = np.tanh(x @ Wxn + bn + r * (h @ Whn + p["bhn"]))
    h = (1 - z) * n + z * h
    return h[None], {"hidden": h, "reset": r, "update": z, "candidate": n}


def gru_reset_before(p: Weights, x: Array, state: Array) -> tuple[Array, Trace]:
    """x (D,), state (1, H) -> state (1, H), and all there was on the way."""
    (Wxr, Wxz, Wxn), (Whr, Whz, Whn), (br, bz, bn) = (blocks(p, name, 3) for name in ("Wx", "Wh", "b"))
    h = state[0]
    r = sigmoid(x @ Wxr + h @ Whr + br)
    z = sigmoid(x @ Wxz + h @ Whz + bz)
    n = np.tanh(x @ Wxn + bn + (r * h) @ Whn)
    h = (1 - z) * n + z * h
    return h[None], {"hidden": h, "reset": r, "update": z, "candidate": n}


def rnn(p: Weights, x: Array, state: Array) -> tuple[Array, Trace]:
    """x (D,), state (1, H) -> state (1, H), and all there was on the way."""
    h = np.tanh(x @ p["Wx"] + state @ p["Wh"] + p["b"])
    return h, {"hidden": h[0]}


def rnn_relu(p: Weights, x: Array, state: Array) -> tuple[Array, Trace]:
    """x (D,), state (1, H) -> state (1, H), and all there was on the way."""
    a = x @ p["Wx"] + state @ p["Wh"] + p["b"]
    h = np.where(a > 0, a, 0)
    return h, {"hidden": h[0]}


STEPS = {
    "lstm": lstm,
    "lstm-coupled": lstm_coupled,
    "mogrifier": mogrifier,
    "gru": gru,
    "gru-reset-before": gru_reset_before,
    "rnn": rnn,
    "rnn-relu": rnn_relu,
}


def forward(
    cell: str, p: Parameters, x: Ids, state: Array, masks: Masks | None = None, mark: int | None = None
) -> tuple[Array, Array]:
    """x (T, B), state (L, S, B, H) -> logits (T, B, V), state after them. Where the mark is read, the state is
    zero."""
    logits, after, _ = forward_and_trace(cell, p, x, state, masks, mark)
    return logits, after


def forward_and_trace(
    cell: str, p: Parameters, x: Ids, state: Array, masks: Masks | None = None, mark: int | None = None
) -> tuple[Array, Array, list[list[list[Trace]]]]:
    """The same, and what the units did: at [layer][b][t]."""
    V, layers, state = len(p["head.b"]), len(state), state.copy()
    logits = np.empty((*x.shape, V))
    traces: list[list[list[Trace]]] = [[[] for _ in range(x.shape[1])] for _ in range(layers)]
    for t, b in np.ndindex(x.shape):
        if x[t, b] == mark:
            state[:, :, b] = 0
        v = np.eye(V)[x[t, b]]
        if "embedding.W" in p:
            v = v @ p["embedding.W"]
        if masks and masks.input is not None:
            v = v * masks.input[t % len(masks.input), b]
        outputs = []
        for layer in range(layers):
            own = dict(p.under(f"layer{layer}"))
            for name, skip in p.under(f"skip{layer}").items():
                own[name] = own[name] + skip[x[t, b]]
            if masks and masks.recurrent[layer] is not None:
                own["Wh"] = own["Wh"] * masks.recurrent[layer]
            state[layer, :, b], trace = STEPS[cell](own, v, state[layer, :, b])
            traces[layer][b].append(trace)
            v = state[layer, 0, b]
            if masks and (mask := masks.outputs[layer]) is not None:
                v = v * mask[t % len(mask), b]
            outputs.append(v)
        given = np.concatenate(outputs) if "skip1.b" in p else v
        logits[t, b] = given @ p["head.W"] + p["head.b"]
    return logits, state, traces


def mean_loss(logits: Array, y: Ids) -> float:
    """Of logits (T, B, V) and targets y (T, B), in nats."""
    losses = [-np.log(np.exp(logits[at][y[at]]) / np.exp(logits[at]).sum()) for at in np.ndindex(y.shape)]
    return float(np.mean(losses))


DROPOUTS = {
    "nothing": None,
    "everywhere": Dropout(input=0.3, between=0.4, head=0.4, recurrent=0.3, seed=4),
    "fixed": Dropout(input=0.3, between=0.4, head=0.4, recurrent=0.3, seed=4, fixed=True),
}
"""Kinds of dropout, by name."""


@dataclass(frozen=True)
class Problem:
    """A tiny network with parameters, a window and a state, all random and in float64.

    The last character of the vocabulary is never read, so that its row of the first weights has no gradient.
    """

    network: Network
    p: Parameters
    x: Ids  # (T, B)
    y: Ids  # (T, B)
    state: Array  # (L, S, B, H)
    masks: Masks | None = None

    @classmethod
    def random(
        cls,
        cell: str,
        layers: int = 1,
        embedding: int | None = None,
        dropout: Dropout | None = None,
        *,
        T: int = 5,
        B: int = 3,
        mark: int | None = None,
        skips: bool = False,
    ) -> Self:
        V, H, rng = 5, 4, np.random.default_rng(5)
        sizes: dict[str, Any] = {"layers": layers, "hidden_size": H, "embedding_size": embedding, "skips": skips}
        network = Network(V, cell=cell, **sizes, dtype=np.float64, mark=mark)
        p = Parameters(network.shapes, np.float64)
        p.vector[:] = rng.normal(0, 0.6, p.vector.shape)
        x, y = rng.integers(V - 1, size=(T, B), dtype=np.uint8), rng.integers(V, size=(T, B), dtype=np.uint8)
        state = rng.normal(0, 0.6, network.zero_state(B).shape)
        return cls(network, p, x, y, state, dropout and dropout.masks(network, T, range(B)))

    def cut(self, start: int, stop: int, state: Array) -> Self:
        """The same with some of the window's steps only."""
        return replace(self, x=self.x[start:stop], y=self.y[start:stop], state=state)

    def forward(self, space: Workspace | None = None) -> tuple[Array, Array]:
        """Logits (T, B, V) and the state after the window, as the network gives them."""
        space = space or Workspace(np.float64)
        unrolled = self.network.forward(self.p, self.x, self.state, space, self.masks)
        return unrolled.logits.copy(), unrolled.state

    def loss(self) -> float:
        return float(cross_entropy(self.forward()[0], self.y).mean())

    def gradients(self, space: Workspace | None = None) -> tuple[float, Parameters, Array]:
        """Loss, gradients and state after the window, as the network gives them."""
        space, grads = space or Workspace(np.float64), self.p.like()
        grads.vector[:] = np.nan
        loss, after = self.network.loss_and_gradients(self.p, grads, self.x, self.y, self.state, space, self.masks)
        return loss, grads, after
