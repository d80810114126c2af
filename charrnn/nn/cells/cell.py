"""What all recurrent cells have in common. A cell runs over a whole window at once, its forward beside its backward.

Shapes: T window, B streams, D input size, H hidden size, S carried states, n blocks of columns.
    x (T, B, D), or ids (T, B) that stand for one-hot vectors     h (T, B, H)     state (S, B, H)
    Wx (D, nH), Wh (H, nH), b (nH,): one block of H columns for each gate and for the candidate, side by side

A gradient is ``d`` and the name: ``dh`` is the derivative of the loss by ``h``, ``dht`` the same at step t.

Products that need not wait for the step before, those with x and those that give the gradients of the weights, are done
for the whole window outside the time loop. Arrays as long as the window are time-major, contiguous and kept in the
workspace. They cost, in numbers for each step, stream and hidden unit: LSTM 5 (coupled: 4), mogrifier 6, GRU 7 (reset
before: 5), RNN 2. Backward needs no others of that size, because it writes its gradients over the activations.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise, starmap
from typing import ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from charrnn.arrays import Array, Ids
from charrnn.nn.initialisers import Fill
from charrnn.nn.parameters import Workspace

Views = Mapping[str, Array]
"""The parameters of one cell, or their gradients, by name."""


class Beginnings:
    """Which streams begin anew at which steps of a window: their states are zero before such a step, and no gradient
    passes it on the way back.
    """

    def __init__(self, where: Iterable[npt.NDArray[np.bool_]] = ()) -> None:
        """``where`` (T, B); by default nowhere."""
        self._streams = {t: np.flatnonzero(row) for t, row in enumerate(where) if row.any()}

    def zero(self, t: int, *states: Array) -> None:
        """Zeroes states (B, H), or gradients by them, of the streams that begin at step t."""
        if t in self._streams:
            for state in states:
                state[self._streams[t]] = 0

    def before(self, t: int, h: Array) -> Array:
        """The hidden state (B, H) that step t has before it, from the one that the step before it left, which stays."""
        if t in self._streams:
            h = h.copy()
            self.zero(t, h)
        return h

    def runs(self, steps: slice) -> Iterator[slice]:
        """The steps in runs in which no stream begins but at the first."""
        starts = [t for t in self._streams if steps.start < t < steps.stop]
        return starmap(slice, pairwise([steps.start, *starts, steps.stop]))

    def clear(self, h: Array) -> None:
        """Makes hidden states (T + 1, B, H), as the steps left them, what the steps had before them, but for the last.
        It is for backward, when the outputs are no longer needed: the gradient of Wh is of these."""
        for t in self._streams:
            self.zero(t, h[t])


NOWHERE = Beginnings()
"""No stream begins anew: the text goes on."""


class UnrolledCell(NamedTuple):
    """A cell unrolled over a window: what ``forward`` computed, and all that ``backward`` needs of it.

    Its arrays lie in the workspace that ``forward`` was given, and hold until the next forward there.
    """

    x: Array | Ids
    """The input, (T, B, D), or ids (T, B)."""
    hidden: Array
    """(T + 1, B, H): the hidden state before the window and after each of its steps."""
    activations: Array
    """(T, B, nH): the gates and the candidate, in the order of ``Cell.activations``. ``backward`` overwrites them with
    its gradients. In a cell that names none, nothing but memory for these."""
    state: Array
    """The state after the window, (S, B, H)."""
    begins: Beginnings
    kept: tuple[Array, ...] = ()
    """What else this cell's backward needs, and overwrites too."""

    @property
    def h(self) -> Array:
        """The output, (T, B, H): the hidden state after each step."""
        return self.hidden[1:]


class Cell(ABC):
    """A recurrent cell: its equations, and all that the rest of the program knows of it.

    It holds sizes only; parameters and state are arguments.
    """

    blocks: ClassVar[int]
    """n: how many blocks of H columns the weights have."""
    input_weights: ClassVar[tuple[str, ...]] = ("Wx",)
    """Names of the weights that x is multiplied by: (D, ...), a row for each character where x are ids."""
    input_biases: ClassVar[tuple[str, ...]] = ("b",)
    """Names of the biases that are added to these products, in the same order."""
    activations: ClassVar[tuple[str, ...]] = ()
    """Names of what the blocks of columns become in ``forward``, in their order: the gates and the candidate, which is
    the new value that may enter the state. None in a cell without gates."""
    gates: ClassVar[tuple[str, ...]] = ()
    """Those of them that are gates: they lie between 0, closed, and 1, open."""
    carried: ClassVar[tuple[str, ...]] = ("hidden",)
    """Names of the S states that are carried from step to step. The first is the hidden state, the cell's output."""
    memory: ClassVar[str] = "hidden"
    """The carried state in which the cell remembers: the one to look at first."""
    through_tanh: ClassVar[tuple[str, ...]] = ()
    """Carried states that are unbounded and leave the cell through tanh, so that they are best shown through it too."""
    letter: ClassVar[str]
    """One letter that stands for the cell in a chart."""
    torch_class: ClassVar[str | None] = None
    """The class in ``torch.nn`` that has the same equations, with the blocks of columns in the same order; None if
    there is none."""
    torch_options: ClassVar[Mapping[str, str]] = {}
    """What that class is to be given besides the sizes."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        self.input_size = input_size
        self.hidden_size = hidden_size

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Parameter names and shapes."""
        D, H, n = self.input_size, self.hidden_size, self.blocks
        return {"Wx": (D, n * H), "Wh": (H, n * H), "b": (n * H,)}

    def initialise(self, p: Views, fill: Fill, input_role: str, forget_bias: float) -> None:
        """Fills the parameters in place, block by block. ``forget_bias`` is for cells whose forget
        gate, when open, keeps what they remember."""
        for name, role in (("Wx", input_role), ("Wh", "recurrent"), ("b", "bias")):
            for block in self.split(p[name]):
                fill(block, role)

    def split(self, a: Array) -> list[Array]:
        """The blocks of columns of an array (..., nH): n views (..., H). ``np.split`` takes 8 times as long, which in
        sampling is a fifth of a step."""
        H = self.hidden_size
        return [a[..., k * H : (k + 1) * H] for k in range(self.blocks)]

    def trace(self, unrolled: UnrolledCell) -> dict[str, Array]:
        """What the units did in a window: each state after each step, each gate and the candidate, by name, (T, B, H).

        They hold until the next forward in the same workspace, or until backward.
        """
        states = dict(zip(self.carried, self.states(unrolled), strict=True))
        if not self.activations:
            return states
        return states | dict(zip(self.activations, self.split(unrolled.activations), strict=True))

    def states(self, unrolled: UnrolledCell) -> tuple[Array, ...]:
        """Each carried state after each step, (T, B, H). A cell that carries more than the hidden state need not keep
        them all, if it can compute them anew here."""
        return (unrolled.h,)

    def torch_biases(self, p: Views) -> tuple[Array, Array]:
        """The biases as PyTorch has them, two vectors (nH,): one is added to x Wx, the other to h Wh."""
        return p["b"], np.zeros_like(p["b"])

    def set_torch_biases(self, p: Views, input_bias: Array, recurrent_bias: Array) -> None:
        """The inverse of ``torch_biases``: fills the biases in place."""
        p["b"][:] = input_bias + recurrent_bias

    @abstractmethod
    def step(self, p: Views, x: Array | Ids, state: Array) -> Array:
        """One step of the equations in the class's docstring: x (B, D), or ids (B,), and the state (S, B, H), which is
        overwritten with the one after it. Returns h (B, H), a view of the state."""

    @abstractmethod
    def forward(
        self, p: Views, x: Array | Ids, state: Array, space: Workspace, begins: Beginnings = NOWHERE
    ) -> UnrolledCell:
        """Runs over a window x (T, B, D), or ids (T, B), from a state (S, B, H), which it leaves as it is."""

    @abstractmethod
    def backward(
        self, p: Views, grads: Views, unrolled: UnrolledCell, dh: Iterator[Array], dstate: Array, dx: Array | None
    ) -> None:
        """The forward upside down: takes dh (B, H) of one step after another, from the last to the first; overwrites
        ``grads`` and, unless it is None, ``dx`` (T, B, D).

        ``dstate`` (S, B, H) comes as the gradient by the state after the window, zero where truncation cuts, and is
        overwritten with the gradient by the state before it. ``dx`` is written last and may be the memory of
        ``unrolled.h`` or ``unrolled.x``. It uses ``unrolled`` up: each forward can have one backward.
        """


def backward_chunks(h: Array) -> list[slice]:
    """The steps of a window (T, B, H) from the last to the first, in chunks that are small enough for a core's cache.

    What does not depend on the gradient that comes back through time is computed for a whole chunk at once.
    """
    T, B, H = h.shape
    n = max(1, 16_384 // (B * H))
    return [slice(max(0, stop - n), stop) for stop in range(T, 0, -n)]
