"""The network: optional embedding -> stack of cells, dropout between -> linear head -> softmax cross-entropy.

Shapes: T window, B streams, E embedding size, H hidden size, V vocabulary, L layers, S states of a cell.
    x, y ids (T, B)     state (L, S, B, H)     masks (L - 1, T, B, H)     logits (T, B, V)
"""

import math

import numpy as np
import numpy.typing as npt

from charrnn.arrays import Array, Ids
from charrnn.nn.cells import CELLS
from charrnn.nn.functional import (
    affine,
    cross_entropy,
    cross_entropy_backward,
    is_ids,
    linear,
    linear_backward,
    look_up,
)
from charrnn.nn.initialisers import INITIALISERS
from charrnn.nn.parameters import Parameters, Workspace


class Network:
    """The mathematics of one architecture. It holds sizes, never numbers: parameters and state are arguments."""

    def __init__(
        self,
        vocabulary_size: int,
        *,
        cell: str = "lstm",
        layers: int = 1,
        hidden_size: int = 128,
        embedding_size: int | None = None,
        dtype: npt.DTypeLike = np.float32,
    ) -> None:
        V, E, H = vocabulary_size, embedding_size, hidden_size
        self.vocabulary_size = V
        self.embedding_size = E
        self.hidden_size = H
        self.dtype = np.dtype(dtype)
        first = V if E is None else E
        self.cells = [CELLS[cell](first if layer == 0 else H, H) for layer in range(layers)]
        self.shapes: dict[str, tuple[int, ...]] = {} if E is None else {"embedding.W": (V, E)}
        for layer, cell_ in enumerate(self.cells):
            self.shapes |= {f"layer{layer}.{name}": shape for name, shape in cell_.shapes().items()}
        self.shapes |= {"head.W": (H, V), "head.b": (V,)}
        self.look_up = "layer0.Wx" if E is None else "embedding.W"
        """The parameter that has a row for each character."""

    @property
    def product_parameters(self) -> int:
        """How many parameters take part in matrix products: the weights, but for those of which rows are looked up.

        A character costs 2 floating-point operations for each of them forward, 4 backward (one product for the
        gradient of the weights, one for that of what they were given).
        """
        return sum(math.prod(shape) for name, shape in self.shapes.items() if len(shape) == 2 and name != self.look_up)

    def parameters(
        self,
        rng: np.random.Generator,
        initialiser: str = "orthogonal",
        scale: float | None = None,
        forget_bias: float = 1.0,
    ) -> Parameters:
        """Freshly drawn parameters; see ``initialisers.py``."""
        p = Parameters(self.shapes, self.dtype)

        def draw(W: Array, role: str) -> None:
            INITIALISERS[initialiser](W, role, self.hidden_size, scale, rng)

        if self.embedding_size is not None:
            draw(p["embedding.W"], "lookup")
        for layer, cell in enumerate(self.cells):
            one_hot = layer == 0 and self.embedding_size is None
            cell.initialise(p.under(f"layer{layer}"), draw, "lookup" if one_hot else "input", forget_bias)
        draw(p["head.W"], "input")
        draw(p["head.b"], "bias")
        return p

    def zero_state(self, streams: int) -> Array:
        """The state before any text, (L, S, B, H)."""
        return np.zeros(self.state_shape(streams), self.dtype)

    def state_shape(self, streams: int) -> tuple[int, ...]:
        """(L, S, B, H)."""
        return len(self.cells), self.cells[0].states, streams, self.hidden_size

    def dropout_masks(self, rate: float, window: int, streams: int, rng: np.random.Generator) -> Array | None:
        """Masks (L - 1, T, B, H) for the outputs of all layers but the last: 0, or 1 / (1 - rate) so that the
        expectation stays (Srivastava et al. 2014; on the non-recurrent connections only, Zaremba et al. 2014,
        arXiv 1409.2329). None where nothing is dropped."""
        layers = len(self.cells) - 1
        if rate == 0 or layers == 0:
            return None
        keep = rng.random((layers, window, streams, self.hidden_size), np.float32) >= rate
        return np.multiply(keep, 1 / (1 - rate), dtype=self.dtype)

    @np.errstate(over="ignore")  # of exp in a sigmoid, whose value is right all the same
    def forward(
        self, p: Parameters, x: Ids, state: Array, space: Workspace, masks: Array | None = None
    ) -> tuple[Array, Array, list[Array | Ids]]:
        """Runs a window: (logits (T, B, V), the state after it, what each layer and the head were given).

        The logits and the inputs are views into the workspace; the state is not.
        """
        T, B = x.shape
        after = np.empty_like(state)
        h: Array | Ids = x
        if self.embedding_size is not None:
            h = space("embedded", (T, B, self.embedding_size))
            look_up(p["embedding.W"], x, h)
        inputs = [h]
        for layer, cell in enumerate(self.cells):
            h, after[layer] = cell.forward(p.under(f"layer{layer}"), h, state[layer], space.part(layer))
            if masks is not None and layer < len(masks):
                h = np.multiply(h, masks[layer], out=space(f"dropped{layer}", h.shape))
            inputs.append(h)
        logits = space("logits", (T, B, self.vocabulary_size))
        linear(h, p["head.W"], p["head.b"], out=logits)
        return logits, after, inputs

    def trace(self, space: Workspace, T: int, B: int) -> list[dict[str, Array]]:
        """Of each layer the states and gates of the window that ``forward`` ran last in this workspace; see
        ``Cell.trace``."""
        return [cell.trace(space.part(layer), T, B) for layer, cell in enumerate(self.cells)]

    def step(self, p: Parameters, x: Ids, state: Array) -> Array:
        """One step for which no backward follows: ids x (B,) -> logits (B, V); overwrites the state with the one
        after it."""
        h: Array | Ids = x if self.embedding_size is None else p["embedding.W"].take(x, axis=0)
        for layer, cell in enumerate(self.cells):
            h = cell.step(p.under(f"layer{layer}"), h, state[layer])
        return affine(h, p["head.W"], p["head.b"])

    def backward(
        self,
        p: Parameters,
        grads: Parameters,
        x: Ids,
        inputs: list[Array | Ids],
        dlogits: Array,
        space: Workspace,
        masks: Array | None = None,
        dstate: Array | None = None,
    ) -> None:
        """The forward upside down; overwrites ``grads``. ``dstate`` (L, S, B, H), the gradient by the state after the
        window, is overwritten with that by the state before it; without it truncation cuts there."""
        T, B = x.shape
        if dstate is None:
            dstate = self.zero_state(B)
        dh = space("dh", (T, B, self.hidden_size))
        linear_backward(inputs[-1], p["head.W"], dlogits, dW=grads["head.W"], db=grads["head.b"], dx=dh)
        for layer, cell in reversed(list(enumerate(self.cells))):
            if masks is not None and layer < len(masks):
                dh *= masks[layer]
            below = inputs[layer]
            dx = None if is_ids(below) else dh if layer > 0 else space("dembedded", below.shape)
            part = f"layer{layer}"
            cell.backward(p.under(part), below, dh, dstate[layer], space.part(layer), grads.under(part), dx)
        if dx is not None:
            linear_backward(x, p["embedding.W"], dx, dW=grads["embedding.W"], db=None)

    def loss_and_gradients(
        self,
        p: Parameters,
        grads: Parameters,
        x: Ids,
        y: Ids,
        state: Array,
        space: Workspace,
        masks: Array | None = None,
    ) -> tuple[float, Array]:
        """Loss in nats per character and the state after the window; ``grads`` is overwritten with the gradient."""
        logits, after, inputs = self.forward(p, x, state, space, masks)
        loss = cross_entropy(logits, y)
        cross_entropy_backward(logits, y)
        self.backward(p, grads, x, inputs, logits, space, masks)
        return loss, after
