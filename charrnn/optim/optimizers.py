"""What turns a gradient into a step, over the whole parameter vector p with its gradient g, both (P,).

Each keeps its memory in ``state``, vectors (P,) by name, and works in place. ``weight_decay`` w adds w p to the
gradient (an L2 penalty), except in AdamW. Signs and formulas are PyTorch's, so that recipes carry over.
"""

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np

from charrnn.arrays import Array
from charrnn.settings.schema import TrainingSettings

BLOCK = 2**16
"""How many parameters are worked on at a time: what belongs to them stays in a core's cache."""


class Optimizer(ABC):
    """``step`` changes p in place by the gradient g at a learning rate."""

    memory: ClassVar[tuple[str, ...]] = ()
    """Names of the vectors remembered from step to step."""

    def __init__(self, p: Array, settings: TrainingSettings) -> None:
        self.settings = settings
        self.steps = 0
        self.state: dict[str, Array] = {name: np.zeros_like(p) for name in self.memory}
        self._buffer = np.empty_like(p[:BLOCK])

    def step(self, p: Array, g: Array, rate: float) -> None:
        """One step. May overwrite g."""
        self.steps += 1
        for start in range(0, len(p), BLOCK):
            part = slice(start, start + BLOCK)
            self._work = self._buffer[: len(p[part])]
            self.decay(p[part], g[part], rate)
            self.update(p[part], g[part], rate, *(self.state[name][part] for name in self.memory))

    def decay(self, p: Array, g: Array, rate: float) -> None:
        """What ``weight_decay`` does before."""
        if self.settings.weight_decay:
            g += self.settings.weight_decay * p

    @abstractmethod
    def update(self, p: Array, g: Array, rate: float, *memory: Array) -> None:
        """The rule itself, with what is remembered of these parameters, in the order of its names."""

    def _divided(self, g: Array, squares: Array) -> Array:
        """g / (sqrt(squares) + epsilon)."""
        root = np.sqrt(squares, out=self._work)
        root += self.settings.epsilon
        return np.divide(g, root, out=root)


class SGD(Optimizer):
    """Gradient descent with momentum: m = mu m + g, p -= rate m."""

    memory = ("m",)

    def update(self, p: Array, g: Array, rate: float, *memory: Array) -> None:
        (m,) = memory
        m *= self.settings.momentum
        m += g
        p -= np.multiply(m, rate, out=self._work)


class Adagrad(Optimizer):
    """s += g^2, p -= rate g / (sqrt(s) + epsilon) (Duchi et al. 2011, "Adaptive subgradient methods")."""

    memory = ("s",)

    def update(self, p: Array, g: Array, rate: float, *memory: Array) -> None:
        (s,) = memory
        s += np.multiply(g, g, out=self._work)
        step = self._divided(g, s)
        step *= rate
        p -= step


class RMSProp(Optimizer):
    """v = a v + (1 - a) g^2, p -= rate g / (sqrt(v) + epsilon) (Tieleman & Hinton 2012, lecture 6.5)."""

    memory = ("v",)

    def update(self, p: Array, g: Array, rate: float, *memory: Array) -> None:
        (v,), a = memory, self.settings.rms_decay
        v *= a
        v += (1 - a) * np.multiply(g, g, out=self._work)
        step = self._divided(g, v)
        step *= rate
        p -= step


class Adam(Optimizer):
    """m and v, running means of g and g^2, each divided by 1 - beta^t (Kingma & Ba 2014, arXiv 1412.6980):

    p -= rate m / (sqrt(v) + epsilon)
    """

    memory = ("m", "v")

    def update(self, p: Array, g: Array, rate: float, *memory: Array) -> None:
        m, v = memory
        b1, b2, t = self.settings.beta1, self.settings.beta2, self.steps
        m *= b1
        m += np.multiply(g, 1 - b1, out=self._work)
        v *= b2
        g *= g
        g *= 1 - b2
        v += g
        np.divide(v, 1 - b2**t, out=g)
        step = self._divided(m, g)
        step *= rate / (1 - b1**t)
        p -= step


class AdamW(Adam):
    """Adam with the decay of weights kept out of the gradient: p -= rate w p (Loshchilov & Hutter 2017, arXiv
    1711.05101)."""

    def decay(self, p: Array, g: Array, rate: float) -> None:
        p *= 1 - rate * self.settings.weight_decay


OPTIMIZERS: dict[str, type[Optimizer]] = {
    "adam": Adam,
    "adamw": AdamW,
    "rmsprop": RMSProp,
    "adagrad": Adagrad,
    "sgd": SGD,
}
