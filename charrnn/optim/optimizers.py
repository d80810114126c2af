"""What turns a gradient into a step, over the whole parameter vector p with its gradient g, both (P,).

Each optimizer takes numbers as keyword arguments, PyTorch's defaults; works in place; and keeps what it remembers in
``memory``, vectors (P,) by name. Signs and formulas are PyTorch's, so that recipes carry over. ``weight_decay`` w adds
w p to the gradient (an L2 penalty), except in AdamW. It is for matrices only: biases are few, and need no bounds.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import KW_ONLY, InitVar, dataclass, field
from typing import ClassVar

import numpy as np

from charrnn.arrays import Array, Shapes

Factors = Mapping[str, float]
"""What the learning rate of an array is multiplied by, by the name of the array; 1 where nothing is said. The decay of
weights is not."""

BLOCK = 2**16
"""How many parameters are worked on at a time: what belongs to them stays in a core's cache."""


@dataclass(eq=False)
class Optimizer(ABC):
    """``step`` changes p in place by the gradient g at a learning rate."""

    remembers: ClassVar[tuple[str, ...]] = ()
    """Names of the vectors remembered from step to step."""

    p: InitVar[Array]
    shapes: Shapes
    """Of the arrays that lie one after another in p, by name: they tell matrices from vectors."""
    factors: Factors = field(default_factory=dict)
    _: KW_ONLY
    weight_decay: float = 0.0

    def __post_init__(self, p: Array) -> None:
        self.steps = 0
        self.memory: dict[str, Array] = {name: np.zeros_like(p) for name in self.remembers}

    @abstractmethod
    def step(self, p: Array, g: Array, rate: float) -> None:
        """One step. May overwrite g."""

    def decay(self, p: Array, g: Array, rate: float) -> None:
        """Weight decay, applied before the rule itself."""
        g += self.weight_decay * p


class Elementwise(Optimizer):
    """A rule that treats every number alike, and so goes through each array block by block."""

    def __post_init__(self, p: Array) -> None:
        super().__post_init__(p)
        self._buffer = np.empty_like(p[:BLOCK])

    def step(self, p: Array, g: Array, rate: float) -> None:
        self.steps += 1
        end = 0
        for name, shape in self.shapes.items():
            begin, end = end, end + math.prod(shape)
            for start in range(begin, end, BLOCK):
                part = slice(start, min(start + BLOCK, end))
                self._work = self._buffer[: len(p[part])]
                if self.weight_decay and len(shape) > 1:
                    self.decay(p[part], g[part], rate)
                memory = (self.memory[name][part] for name in self.remembers)
                self.update(p[part], g[part], rate * self.factors.get(name, 1.0), *memory)

    @abstractmethod
    def update(self, p: Array, g: Array, rate: float, *memory: Array) -> None:
        """The rule, for one block of p and g and of what is remembered, in the order of ``remembers``."""

    def _descend(self, p: Array, g: Array, squares: Array, rate: float, epsilon: float) -> None:
        """p -= rate g / (sqrt(squares) + epsilon)."""
        root = np.sqrt(squares, out=self._work)
        root += epsilon
        step = np.divide(g, root, out=root)
        step *= rate
        p -= step


@dataclass(eq=False, kw_only=True)
class SGD(Elementwise):
    """Gradient descent with momentum mu: m = mu m + g, p -= rate m (Polyak 1964; Sutskever et al. 2013, "On the
    importance of initialization and momentum in deep learning")."""

    remembers = ("m",)
    momentum: float = 0.0

    def update(self, p: Array, g: Array, rate: float, *memory: Array) -> None:
        (m,) = memory
        m *= self.momentum
        m += g
        p -= np.multiply(m, rate, out=self._work)


@dataclass(eq=False, kw_only=True)
class Adagrad(Elementwise):
    """s += g^2, p -= rate g / (sqrt(s) + epsilon) (Duchi et al. 2011, "Adaptive subgradient methods")."""

    remembers = ("s",)
    epsilon: float = 1e-10

    def update(self, p: Array, g: Array, rate: float, *memory: Array) -> None:
        (s,) = memory
        s += np.multiply(g, g, out=self._work)
        self._descend(p, g, s, rate, self.epsilon)


@dataclass(eq=False, kw_only=True)
class RMSProp(Elementwise):
    """v = a v + (1 - a) g^2, p -= rate g / (sqrt(v) + epsilon), a = ``rms_decay`` (Tieleman & Hinton 2012, lecture
    6.5)."""

    remembers = ("v",)
    rms_decay: float = 0.99
    epsilon: float = 1e-8

    def update(self, p: Array, g: Array, rate: float, *memory: Array) -> None:
        (v,), a = memory, self.rms_decay
        v *= a
        v += (1 - a) * np.multiply(g, g, out=self._work)
        self._descend(p, g, v, rate, self.epsilon)


@dataclass(eq=False, kw_only=True)
class Adam(Elementwise):
    """m and v, running means of g and g^2, each divided by 1 - beta^t (Kingma & Ba 2014, arXiv 1412.6980):

    p -= rate m / (sqrt(v) + epsilon)
    """

    remembers = ("m", "v")
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    def update(self, p: Array, g: Array, rate: float, *memory: Array) -> None:
        m, v = memory
        b1, b2, t = self.beta1, self.beta2, self.steps
        m *= b1
        m += np.multiply(g, 1 - b1, out=self._work)
        v *= b2
        g *= g
        g *= 1 - b2
        v += g
        np.divide(v, 1 - b2**t, out=g)
        self._descend(p, m, g, rate / (1 - b1**t), self.epsilon)


@dataclass(eq=False, kw_only=True)
class AdamW(Adam):
    """Adam with weight decay kept out of the gradient: p -= rate w p (Loshchilov & Hutter 2017, arXiv 1711.05101)."""

    weight_decay: float = 0.01

    def decay(self, p: Array, g: Array, rate: float) -> None:
        p *= 1 - rate * self.weight_decay


OPTIMIZERS: dict[str, type[Optimizer]] = {
    "adam": Adam,
    "adamw": AdamW,
    "rmsprop": RMSProp,
    "adagrad": Adagrad,
    "sgd": SGD,
}
