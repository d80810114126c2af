"""Loss and gradient of a batch, its streams shared out over workers.

The first worker is this process, the others are processes of their own, each with one BLAS thread. The gradients are
averaged in the order of the streams: the same seed and worker count give the same bits, another worker count changes
rounding only.

Shapes: T window, B streams, L layers, S states of a cell, H hidden size.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from importlib.metadata import version
from itertools import pairwise
from types import TracebackType
from typing import Self

import numpy as np
from threadpoolctl import threadpool_limits

from charrnn.arrays import Array, Ids
from charrnn.machine import available_cores
from charrnn.nn.dropout import NO_DROPOUT, Dropout
from charrnn.nn.network import Network
from charrnn.nn.parameters import Parameters, Workspace
from charrnn.settings.schema import Settings
from charrnn.training.worker import RemoteWorker, SharedVectors, Task, do


def engine_for(settings: Settings, network: Network, p: Parameters) -> "Engine":
    """An engine as the settings ask for. Raises CharRNNError where the network is to be compiled and cannot be."""
    return Engine(network.compiled() if settings.compute.compiled else network, worker_count(settings), p)


def worker_count(settings: Settings) -> int:
    """As many as the settings ask for, else one for each core; never more than streams."""
    return min(settings.compute.workers or available_cores(), settings.training.batch)


class Engine:
    """A context manager: within it the workers run, and BLAS has one thread in each.

    Its methods raise WorkerError when a worker's process is gone.
    """

    def __init__(self, network: Network, workers: int, p: Parameters | None = None) -> None:
        """``p``: parameters that move to where all workers can read them, for as long as the engine runs: arrays of
        them that were taken before stay behind. Any others are copied there for every window."""
        self.network = network
        self.workers = workers
        self._own = p
        self.made_with: dict[str, str | int] = {"workers": workers}
        """What decides, besides the libraries, how numbers are rounded."""
        if network.is_compiled:
            self.made_with["numba"] = version("numba")
        self._gradient = Parameters(network.shapes, network.dtype)
        self._space = Workspace(network.dtype)

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            limits = threadpool_limits(1, user_api="blas")
            stack.callback(limits.restore_original_limits)
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
                self._read(self._own or self._gradient.like(), x, x, state, gradient=True)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def loss_and_gradients(
        self, p: Parameters, x: Ids, y: Ids, state: Array, dropout: Dropout = NO_DROPOUT
    ) -> tuple[float, Parameters, Array]:
        """The loss of a window x, y (T, B) in nats per character, its gradient, and the state (L, S, B, H) after it.

        The gradient is the engine's own and holds until the next call.
        """
        loss, after, shares = self._read(p, x, y, state, dropout, gradient=True)
        total = self._gradient.vector
        if len(shares) > 1:
            total *= shares[0]
        for worker, share in zip(self.others, shares[1:], strict=False):
            total += np.multiply(worker.gradient, share, out=worker.gradient)
        return loss, self._gradient, after

    def evaluate(self, p: Parameters, streams: Sequence[Ids], window: int) -> float:
        """Nats per character over streams of any lengths, which are read side by side, window by window, each from a
        zero state to its end; each id but a stream's first is predicted (see ``Corpus.in_streams``)."""
        streams = sorted(streams, key=len)
        predictions = sum(len(ids) - 1 for ids in streams)
        nats, at, state = 0.0, 0, self.network.zero_state(len(streams))
        while streams:
            stop = min(at + window, len(streams[0]) - 1)
            text = np.stack([ids[at : stop + 1] for ids in streams], axis=1)
            if stop > at:
                loss, state, _ = self._read(p, text[:-1], text[1:], state)
                nats += loss * text[1:].size
            at = stop
            ended = sum(len(ids) - 1 == at for ids in streams)
            streams, state = streams[ended:], state[:, :, ended:]
        return nats / predictions

    def _read(
        self, p: Parameters, x: Ids, y: Ids, state: Array, dropout: Dropout = NO_DROPOUT, gradient: bool = False
    ) -> tuple[float, Array, list[float]]:
        """The loss of a window in nats per character, the state after it, and each worker's share of the streams."""
        streams = x.shape[1]
        workers = min(self.workers, streams)
        bounds = [streams * k // workers for k in range(workers + 1)]
        parts = [slice(*pair) for pair in pairwise(bounds)]
        tasks = [
            Task(
                np.ascontiguousarray(x[:, part]),
                np.ascontiguousarray(y[:, part]),
                state[:, :, part],
                part.start,
                dropout,
                gradient,
                own=p is self._own,
            )
            for part in parts
        ]
        if workers > 1 and p is not self._own:
            self._shared.others[:] = p.vector
        for worker, task in zip(self.others, tasks[1:], strict=False):
            worker.start(task)
        results = [do(tasks[0], self.network, p, self._gradient, self._space)]
        results += [worker.result() for worker in self.others[: workers - 1]]
        shares = [(part.stop - part.start) / streams for part in parts]
        loss = sum(result.loss * share for result, share in zip(results, shares, strict=True))
        return loss, np.concatenate([result.state for result in results], axis=2), shares
