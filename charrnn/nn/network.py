"""The network: optional embedding -> stack of cells -> linear head -> softmax cross-entropy.

    v = embedding.W[x]                    or a one-hot x
    h = layer0(v), then layer1(h), ...    a step of each cell, see ``cells/``
    logits = h head.W + head.b
    loss = mean of -log softmax(logits)[y]

With skips (Graves 2013, "Generating sequences with recurrent neural networks", arXiv 1308.0850) the character goes to
every layer, and every layer to the head: the layers above the first have biases that depend on it,

    b + skip[x]     skip.b (V, nH), whose rows are the weights of a one-hot x

Shapes: T window, B streams, E embedding size, H hidden size, V vocabulary, L layers, S carried states of a cell.
    x, y ids (T, B)     state (L, S, B, H)     logits (T, B, V)
"""

import math
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from charrnn.arrays import Array, Ids
from charrnn.errors import CharRNNError
from charrnn.extras import load_extra
from charrnn.nn.cells import CELLS
from charrnn.nn.cells.cell import NOWHERE, Beginnings, UnrolledCell
from charrnn.nn.functional import (
    affine,
    cross_entropy_and_gradient,
    is_ids,
    linear,
    linear_backward,
    linear_backward_steps,
    look_up,
    look_up_backward,
    pick,
)
from charrnn.nn.initialisers import INITIALISERS
from charrnn.nn.parameters import Parameters, Workspace


class Masks(NamedTuple):
    """What numbers of a window are multiplied by, 0 for those that are dropped (see ``dropout.py``); None for nothing.

    A mask over units may be (1, B, H) in place of (T, B, H): the same in all steps.
    """

    input: Array | None
    """(T, B, D), for what the first layer is given: embedded characters, or one-hot vectors, whose mask holds 0 and one
    other number."""
    outputs: list[Array | None]
    """(T, B, H), for what each layer gives the next, and the last one, or with skips each of them, the head."""
    recurrent: list[Array | None]
    """For the recurrent weights of each layer, of the shape of its ``Wh``."""

    @classmethod
    def nowhere(cls, layers: int) -> "Masks":
        """Nothing is dropped."""
        return cls(None, [None] * layers, [None] * layers)


@dataclass(frozen=True)
class UnrolledNetwork:
    """A network unrolled over a window: what ``forward`` computed, and all that ``backward`` needs of it.

    Its arrays, all but ``x``, ``used``, ``state`` and ``masks``, lie in the workspace that ``forward`` was given, and
    hold until the next forward there.
    """

    x: Ids
    layers: list[UnrolledCell]
    used: list[Mapping[str, Array]]
    """The parameters of each layer as they were used: as masks and skips left them."""
    h: Array
    """What the head was given, (T, B, H), or with skips (T, B, L H)."""
    logits: Array
    state: Array
    """After the window, (L, S, B, H)."""
    masks: Masks


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
        skips: bool = False,
        dtype: npt.DTypeLike = np.float32,
        mark: int | None = None,
    ) -> None:
        """``mark``: the id of the character between items, texts that have nothing to do with one another. The state is
        zero whenever it is read: it ends an item, and from it the next one begins. None where all is one text."""
        V, E, H = vocabulary_size, embedding_size, hidden_size
        self.vocabulary_size = V
        self.embedding_size = E
        self.hidden_size = H
        self.skips = skips and layers > 1
        self.dtype = np.dtype(dtype)
        self.mark = mark
        self.is_compiled = False
        self.input_size = V if E is None else E
        self.cells = [CELLS[cell](self.input_size if layer == 0 else H, H) for layer in range(layers)]
        self.shapes: dict[str, tuple[int, ...]] = {} if E is None else {"embedding.W": (V, E)}
        for layer, cell_ in enumerate(self.cells):
            self.shapes |= {f"layer{layer}.{name}": shape for name, shape in cell_.shapes().items()}
        for layer, cell_ in enumerate(self.cells[1:] if self.skips else [], 1):
            self.shapes |= {f"skip{layer}.{name}": (V, *cell_.shapes()[name]) for name in cell_.input_biases}
        self.shapes |= {"head.W": (layers * H if self.skips else H, V), "head.b": (V,)}
        of_first = [f"layer0.{name}" for name in self.cells[0].input_weights] if E is None else ["embedding.W"]
        self.lookup_parameters = (*of_first, *(name for name in self.shapes if name.startswith("skip")))
        """The parameters that have a row for each character."""
        self.head_parameters = ("head.W", "head.b")
        """From the last hidden state, or with skips from those of all layers, to the logits."""

    def compiled(self) -> "Network":
        """The same network with cells that Numba compiles; raises CharRNNError where Numba is missing, where
        it can keep nothing that it compiles, and for a kind of cell that has no compiled form."""
        load_extra("numba")
        try:
            from charrnn.nn.cells.compiled import COMPILED
        except RuntimeError as error:
            raise CharRNNError(
                f"Numba cannot keep what it compiles ({error})", "set NUMBA_CACHE_DIR to a folder that can be written"
            ) from None

        kind = type(self.cells[0])
        if kind not in COMPILED:
            (name,) = (name for name, cell in CELLS.items() if cell is kind)
            raise CharRNNError(f"the cell {name!r} has no compiled form", "set {compute.compiled} to false")
        network = copy(self)
        network.is_compiled = True
        network.cells = [COMPILED[kind](cell.input_size, cell.hidden_size) for cell in self.cells]
        return network

    @property
    def product_parameters(self) -> int:
        """How many parameters take part in matrix products: all weights but those whose rows are looked up.

        For each of them a character costs 2 floating-point operations forward and 4 backward, where one product gives
        the gradient of the weights and one that of their input.
        """
        return sum(
            math.prod(shape)
            for name, shape in self.shapes.items()
            if len(shape) == 2 and name not in self.lookup_parameters
        )

    def parameters(
        self,
        rng: np.random.Generator,
        initialiser: str = "orthogonal",
        scale: float | None = None,
        forget_bias: float = 1.0,
    ) -> Parameters:
        """Freshly drawn parameters; see ``initialisers.py``."""
        p = Parameters(self.shapes, self.dtype)

        def fill(W: Array, role: str) -> None:
            INITIALISERS[initialiser](W, role, self.hidden_size, scale, rng)

        if self.embedding_size is not None:
            fill(p["embedding.W"], "lookup")
        for layer, cell in enumerate(self.cells):
            one_hot = layer == 0 and self.embedding_size is None
            cell.initialise(p.under(f"layer{layer}"), fill, "lookup" if one_hot else "input", forget_bias)
            for skip in p.under(f"skip{layer}").values():
                fill(skip, "lookup")
        fill(p["head.W"], "input")
        fill(p["head.b"], "bias")
        return p

    def zero_state(self, streams: int) -> Array:
        """The state before any text, (L, S, B, H)."""
        return np.zeros(self.state_shape(streams), self.dtype)

    def state_shape(self, streams: int) -> tuple[int, ...]:
        """(L, S, B, H)."""
        return len(self.cells), len(self.cells[0].carried), streams, self.hidden_size

    @np.errstate(over="ignore")  # sigmoid is right although exp overflows in it
    def forward(
        self, p: Parameters, x: Ids, state: Array, space: Workspace, masks: Masks | None = None
    ) -> UnrolledNetwork:
        """Runs over a window x (T, B) from a state (L, S, B, H), which it leaves as it is."""
        T, B = x.shape
        masks = masks or Masks.nowhere(len(self.cells))
        layers: list[UnrolledCell] = []
        used: list[Mapping[str, Array]] = []
        outputs: list[Array] = []
        after = np.empty_like(state)
        begins = NOWHERE if self.mark is None else Beginnings(x == self.mark)
        h: Array | Ids = x
        if self.embedding_size is not None:
            h = space("embedded", (T, B, self.embedding_size))
            look_up(p["embedding.W"], x, h)
            if masks.input is not None:
                h *= masks.input
        elif masks.input is not None:
            kept = pick(np.broadcast_to(masks.input, (T, B, self.vocabulary_size)), x) != 0
            h = np.where(kept, x.astype(np.intp), self.vocabulary_size)
        for layer, cell in enumerate(self.cells):
            used.append(self._used(p, layer, x, space, masks))
            unrolled = cell.forward(used[-1], h, state[layer], space.part(layer), begins)
            layers.append(unrolled)
            output, after[layer] = unrolled.h, unrolled.state
            if (mask := masks.outputs[layer]) is not None:
                output = np.multiply(output, mask, out=space(f"dropped{layer}", output.shape))
            outputs.append(output)
            h = output
        if self.skips:
            output = np.concatenate(outputs, axis=-1, out=space("outputs", (T, B, len(p["head.W"]))))
        logits = space("logits", (T, B, self.vocabulary_size))
        linear(output, p["head.W"], p["head.b"], out=logits)
        return UnrolledNetwork(x, layers, used, output, logits, after, masks)

    def _used(self, p: Parameters, layer: int, x: Ids, space: Workspace, masks: Masks) -> Mapping[str, Array]:
        """The parameters of a layer as they are used in a window x (T, B): as the masks leave them, and with skips the
        biases of each step and stream, (T, B, ...)."""
        own: Mapping[str, Array] = p.under(f"layer{layer}")
        for name, skip in p.under(f"skip{layer}").items():
            biases = space(f"skip{layer}.{name}", (*x.shape, skip.shape[1]))
            look_up(own[name] + skip, x, biases)
            own = {**own, name: biases}
        if (mask := masks.recurrent[layer]) is not None:
            own = {**own, "Wh": own["Wh"] * mask}
        for name, scale in self._with_row_for_dropped(layer, masks):
            own = {**own, name: np.pad(own[name] * scale, ((0, 1), (0, 0)))}
        return own

    def _with_row_for_dropped(self, layer: int, masks: Masks) -> list[tuple[str, Array]]:
        """The weights of a layer that are used with one row more, of zeros, which stands for the one-hot vectors that
        are dropped; each with the number that the mask multiplies the others by."""
        if layer > 0 or self.embedding_size is not None or masks.input is None:
            return []
        return [(name, masks.input.max()) for name in self.cells[layer].input_weights]

    def _used_backward(self, dused: Mapping[str, Array], grads: Parameters, layer: int, x: Ids, masks: Masks) -> None:
        """From the gradient of what ``_used`` returns to that of the layer's own parameters, whose memory it shares
        where it has the same shape."""
        own = grads.under(f"layer{layer}")
        for name, dskip in grads.under(f"skip{layer}").items():
            look_up_backward(x, dused[name], dskip)
            np.sum(dskip, axis=0, out=own[name])
        if (mask := masks.recurrent[layer]) is not None:
            own["Wh"] *= mask
        for name, scale in self._with_row_for_dropped(layer, masks):
            np.multiply(dused[name][:-1], scale, out=own[name])

    def head_blocks(self, p: Mapping[str, Array]) -> Array:
        """The weights of the head, or of their gradient, by the layer that they multiply: (1, H, V) for the last, or
        with skips (L, H, V)."""
        return p["head.W"].reshape(-1, self.hidden_size, self.vocabulary_size)

    def trace(self, unrolled: UnrolledNetwork) -> list[dict[str, Array]]:
        """What the units of each layer did in the window: states, gates and candidate by name; see ``Cell.trace``."""
        return [cell.trace(layer) for cell, layer in zip(self.cells, unrolled.layers, strict=True)]

    def step(self, p: Parameters, x: Ids, state: Array) -> Array:
        """One step without a backward: ids x (B,) -> logits (B, V). The state is overwritten with the one after it."""
        if self.mark is not None:
            state[:, :, x == self.mark] = 0
        h: Array | Ids = x if self.embedding_size is None else p["embedding.W"].take(x, axis=0)
        for layer, cell in enumerate(self.cells):
            own = p.under(f"layer{layer}")
            if self.skips:
                own = own | {name: own[name] + skip.take(x, axis=0) for name, skip in p.under(f"skip{layer}").items()}
            h = cell.step(own, h, state[layer])
        if self.skips:
            h = np.concatenate(state[:, 0], axis=-1)
        return affine(h, p["head.W"], p["head.b"])

    def backward(
        self,
        p: Parameters,
        grads: Parameters,
        unrolled: UnrolledNetwork,
        dlogits: Array,
        dstate: Array | None = None,
    ) -> None:
        """The forward upside down, backpropagation through time truncated at the window (Williams & Peng 1990, "An
        efficient gradient-based algorithm for on-line training of recurrent network trajectories"): overwrites
        ``grads`` and uses ``unrolled`` up.

        ``dstate`` (L, S, B, H), the gradient by the state after the window, is overwritten with the gradient by the
        state before it. None stands for zeros: truncation cuts there.
        """
        layers, masks = unrolled.layers, unrolled.masks
        if dstate is None:
            dstate = self.zero_state(unrolled.x.shape[1])
        linear_backward(unrolled.h, p["head.W"], dlogits, dW=grads["head.W"], db=grads["head.b"])
        *through_skips, dh = (linear_backward_steps(W, dlogits) for W in self.head_blocks(p))
        for layer, cell in reversed(list(enumerate(self.cells))):
            if (mask := masks.outputs[layer]) is not None:
                dh = map(np.multiply, dh, reversed(np.broadcast_to(mask, layers[layer].h.shape)))
            x: Any = layers[layer].x
            dx = None if is_ids(x) else layers[layer].h if layer > 0 else x  # memory that is no longer needed then
            used = unrolled.used[layer]
            dused = {
                name: dW if dW.shape == used[name].shape else np.empty_like(used[name])
                for name, dW in grads.under(f"layer{layer}").items()
            } | {name: used[name] for name in p.under(f"skip{layer}")}  # biases, no longer needed
            cell.backward(used, dused, layers[layer], dh, dstate[layer], dx)
            self._used_backward(dused, grads, layer, unrolled.x, masks)
            if dx is not None:
                dh = reversed(dx)
                if layer > 0 and self.skips:
                    dh = map(np.add, dh, through_skips[layer - 1])
        if dx is not None:
            if masks.input is not None:
                dx *= masks.input
            look_up_backward(unrolled.x, dx, dW=grads["embedding.W"])

    def loss_and_gradients(
        self,
        p: Parameters,
        grads: Parameters,
        x: Ids,
        y: Ids,
        state: Array,
        space: Workspace,
        masks: Masks | None = None,
    ) -> tuple[float, Array]:
        """Loss in nats per character and the state after the window; ``grads`` is overwritten with the gradient."""
        unrolled = self.forward(p, x, state, space, masks)
        loss, dlogits = cross_entropy_and_gradient(unrolled.logits, y)
        self.backward(p, grads, unrolled, dlogits)
        return loss, unrolled.state
