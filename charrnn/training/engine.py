"""Loss and gradient of a batch, its streams shared out over workers.

The first worker is this process, the others are processes of their own, each with one BLAS thread. The gradients are
averaged in the order of the streams: the same seed and worker count give the same bits, another worker count changes
rounding only.

Shapes: T window, B streams, L layers, S states of a cell, H hidden size.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from typing import Self

import numpy as np
import numpy.typing as npt

from charrnn.arrays import Array, Ids
from charrnn.errors import WorkerError
from charrnn.machine import blas_threads
from charrnn.nn.dropout import NO_DROPOUT, Dropout
from charrnn.nn.network import Network
from charrnn.nn.parameters import Parameters, Workspace
from charrnn.training.evaluation import Measured, measure
from charrnn.training.shares import average, parts_of
from charrnn.training.updater import Updater
from charrnn.training.worker import RemoteWorker, Result, SharedVectors, Task, do, joined


@dataclass(frozen=True)
class Learnt:
    """What a batch taught."""

    loss: float
    """Nats per character, before the step."""
    gradient_norm: float
    """Before clipping."""
    state: float
    """The sum of the hidden states after the window, which is finite where all of them are."""


class Engine:
    """A context manager: within it the workers run, and BLAS has one thread in each.

    Its methods raise WorkerError when a worker's process is gone, but for ``evaluate``.
    """

    def __init__(self, network: Network, workers: int, p: Parameters | None = None, accumulate: int = 1) -> None:
        """``p``: parameters that move to where all workers can read them, for as long as the engine runs: arrays of
        them that were taken before stay behind. Any others are copied there for every window.

        ``accumulate``: in how many parts each worker reads its streams, one after another.
        """
        self.network = network
        self.workers = workers
        self._own = p
        self._accumulate = accumulate
        self.made_with: dict[str, str | int] = {"workers": workers}
        """What decides, besides the libraries, how numbers are rounded."""
        if accumulate > 1:
            self.made_with["accumulate"] = accumulate
        if network.is_compiled:
            self.made_with["numba"] = version("numba")
        self.state: Array = network.zero_state(1)
        """Of the streams that ``learn`` reads, (L, S, B, H), as the last window left it."""
        self._gradient = Parameters(network.shapes, network.dtype)
        self._space = Workspace(network.dtype)

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.enter_context(blas_threads(1))
            self.others: list[RemoteWorker] = []
            if self.workers > 1:
                self._shared = stack.enter_context(
                    SharedVectors(self.workers, len(self._gradient.vector), self.network.dtype)
                )
                if own := self._own:
                    own.move(self._shared.own)
                    stack.callback(lambda: own.move(np.empty_like(own.vector)))
                for number in range(1, self.workers):
                    self.others.append(stack.enter_context(RemoteWorker(self.network, self._shared, number)))
            if self.network.is_compiled:  # all of it now, so that no iteration is timed with the compiling in it
                x, state = np.zeros((1, self.workers), np.uint8), self.network.zero_state(self.workers)
                self._do(self._own or self._gradient.like(), x, x, state, gradient=True)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    def learn(
        self, updater: Updater, x: Ids, y: Ids, fresh: npt.NDArray[np.bool_], dropout: Dropout, rate: float
    ) -> Learnt:
        """Learns from a window x, y (T, B) that goes on from the last one, but for the ``fresh`` streams (B,), which
        begin from zero."""
        loss, gradient, state = self.go_on(updater.trained, x, y, fresh, dropout)
        return Learnt(loss, updater.step(gradient.vector, rate), state)

    def go_on(
        self, p: Parameters, x: Ids, y: Ids, fresh: npt.NDArray[np.bool_], dropout: Dropout, first: int = 0
    ) -> tuple[float, Parameters, float]:
        """The loss and the gradient of such a window, and the sum of the states after it."""
        self.state[:, :, fresh] = 0
        loss, gradient, self.state = self.loss_and_gradients(p, x, y, self.state, dropout, first)
        return loss, gradient, float(np.sum(self.state))

    def loss_and_gradients(
        self, p: Parameters, x: Ids, y: Ids, state: Array, dropout: Dropout = NO_DROPOUT, first: int = 0
    ) -> tuple[float, Parameters, Array]:
        """The loss of a window x, y (T, B) in nats per character, its gradient, and the state (L, S, B, H) after it.
        Where these are not all of the streams, ``first`` is the number of the first.

        The gradient is the engine's own and holds until the next call.
        """
        results, shares = self._do(p, x, y, state, dropout, first, gradient=True)
        average([self._gradient.vector, *(worker.gradient for worker in self.others)], shares)
        loss = sum(float(result.losses.mean()) * share for result, share in zip(results, shares, strict=True))
        return loss, self._gradient, joined(results).state

    def read(self, p: Parameters, x: Ids, y: Ids, state: Array) -> tuple[Array, Array]:
        """The loss of each stream (B,) in a window, in nats per character, and the state after it."""
        results, _ = self._do(p, x, y, state)
        result = joined(results)
        return result.losses, result.state

    def evaluate(self, p: Parameters, streams: Sequence[Ids], window: int) -> Measured:
        """The loss over streams; see ``measure`` and ``Corpus.in_streams``. Raises no WorkerError: where a worker is
        gone, this process reads alone, so that what is saved before training ends has been evaluated."""
        try:
            return measure(streams, window, self.network.zero_state, partial(self.read, p))
        except WorkerError:
            with Engine(self.network, 1, accumulate=self._accumulate * self.workers) as alone:
                return alone.evaluate(p, streams, window)

    def _do(
        self,
        p: Parameters,
        x: Ids,
        y: Ids,
        state: Array,
        dropout: Dropout = NO_DROPOUT,
        first: int = 0,
        gradient: bool = False,
    ) -> tuple[list[Result], list[float]]:
        """What the workers made of a window, and each one's share of the streams."""
        parts, shares = parts_of(x.shape[1], self.workers)
        workers = len(parts)
        tasks = [
            Task(
                x[:, part],
                y[:, part],
                state[:, :, part],
                first + part.start,
                dropout,
                gradient,
                own=p is self._own,
                parts=self._accumulate,
            )
            for part in parts
        ]
        for worker in self.others:  # before any has a task: one whose result is never read would take no other
            worker.check()
        if workers > 1 and p is not self._own:
            self._shared.others[:] = p.vector
        for worker, task in zip(self.others, tasks[1:], strict=False):
            worker.start(task)
        results = [do(tasks[0], self.network, p, self._gradient, self._space)]
        results += [worker.result() for worker in self.others[: workers - 1]]
        return results, shares
