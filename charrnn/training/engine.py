"""Loss and gradient of a batch, its streams shared out over worker threads.

NumPy and its BLAS release Python's lock, so threads run side by side; each has one BLAS thread, a workspace and a
gradient of its own. The gradients are averaged in the order of the streams: the same seed and worker count give the
same bits, another worker count changes rounding only.

Shapes: T window, B streams, L layers, S states of a cell, H hidden size.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self

import numpy as np
from threadpoolctl import threadpool_limits

from charrnn.arrays import Array, Ids
from charrnn.nn.functional import cross_entropy, quiet_overflow
from charrnn.nn.network import Network
from charrnn.nn.parameters import Parameters, Workspace


def available_cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Engine:
    """A context manager: within it, BLAS has one thread a worker and the workers run."""

    def __init__(self, network: Network, workers: int) -> None:
        self.network = network
        self.workers = workers
        self._training = [Workspace(network.dtype) for _ in range(self.workers)]
        self._evaluation = [Workspace(network.dtype) for _ in range(self.workers)]
        self._gradients = [Parameters(network.shapes, network.dtype) for _ in range(self.workers)]

    def __enter__(self) -> Self:
        self._limits = threadpool_limits(1, user_api="blas")
        self._pool = ThreadPoolExecutor(self.workers)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown()
        self._limits.restore_original_limits()

    def loss_and_gradients(
        self, p: Parameters, x: Ids, y: Ids, state: Array, masks: Array | None = None
    ) -> tuple[float, Parameters, Array]:
        """Of a window x, y (T, B): nats per character, gradient, state (L, S, B, H) after it.

        The gradient is the engine's own and holds until the next call.
        """
        streams = x.shape[1]
        after = np.empty_like(state)

        def work(worker: int, part: slice) -> float:
            loss, after[:, :, part] = self.network.loss_and_gradients(
                p,
                self._gradients[worker],
                np.ascontiguousarray(x[:, part]),
                np.ascontiguousarray(y[:, part]),
                state[:, :, part],
                self._training[worker],
                None if masks is None else masks[:, :, part],
            )
            share: float = (part.stop - part.start) / streams
            if share < 1:
                self._gradients[worker].vector *= share
            return loss * share

        losses = self._share_out(work, streams)
        total = self._gradients[0]
        for gradient in self._gradients[1 : len(losses)]:
            total.vector += gradient.vector
        return sum(losses, 0.0), total, after

    def evaluate(self, p: Parameters, ids: Ids, streams: int, window: int) -> float:
        """Nats per character over all of ids (n,), each but the first predicted from what comes before.

        The text is cut into streams of which each carries its state from beginning to end; the few characters left
        over when it does not divide are read on by the last one.
        """
        predictions = len(ids) - 1
        streams = max(1, min(streams, predictions // window))
        length = predictions // streams
        x = ids[: streams * length].reshape(streams, length).T
        y = ids[1 : streams * length + 1].reshape(streams, length).T
        state = self.network.zero_state(streams)

        def read(x: Ids, y: Ids, state: Array, space: Workspace) -> float:
            """Summed nats of (T, B); carries the state, a view, forward."""
            total = 0.0
            for start in range(0, len(x), window):
                steps = slice(start, start + window)
                logits, state[:], _ = self.network.forward(p, np.ascontiguousarray(x[steps]), state, space)
                total += cross_entropy(logits, y[steps]) * y[steps].size
            return total

        def work(worker: int, part: slice) -> float:
            return read(x[:, part], y[:, part], state[:, :, part], self._evaluation[worker])

        total = sum(self._share_out(work, streams), 0.0)
        rest = ids[streams * length :]
        total += read(rest[:-1, None], rest[1:, None], state[:, :, -1:], self._evaluation[0])
        return total / predictions

    def _share_out(self, work: Callable[[int, slice], float], streams: int) -> list[float]:
        """Results of ``work(worker, its streams)``, in the order of the streams."""
        workers = min(self.workers, streams)
        bounds = [streams * k // workers for k in range(workers + 1)]

        def quietly(worker: int) -> float:
            with quiet_overflow():
                return work(worker, slice(bounds[worker], bounds[worker + 1]))

        return list(self._pool.map(quietly, range(workers)))
