"""One worker's share of a batch: loss and gradient of some of the streams.

``RemoteWorker`` has it done by a process of its own, over pipes; parameters go there and gradients come back through
shared memory. Processes, not threads: a thread needs Python's lock between two array operations, and a time loop has
so many that two threads ran a 2x128 LSTM at 1.7 times the speed of one, two processes at 2.0 times.

Shapes: T window, B streams, L layers, S states of a cell, H hidden size, P parameters.
"""

import os
import pickle
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Self

import numpy as np
import numpy.typing as npt

from charrnn.arrays import Array, Ids
from charrnn.errors import WorkerError
from charrnn.machine import blas_threads
from charrnn.nn.dropout import NO_DROPOUT, Dropout
from charrnn.nn.functional import cross_entropy, quiet_overflow
from charrnn.nn.network import Network
from charrnn.nn.parameters import Parameters, Workspace
from charrnn.training.shares import parts_of


@dataclass(frozen=True)
class Task:
    """A window x, y (T, B) to be read from a state (L, S, B, H), and whether its gradient is wanted."""

    x: Ids
    y: Ids
    state: Array
    first_stream: int = 0
    """Its number among all that are trained, on which the masks depend."""
    dropout: Dropout = NO_DROPOUT
    gradient: bool = False
    own: bool = False
    """Whether it is to be read with the engine's own parameters, or with others that were copied."""
    parts: int = 1
    """In how many parts its streams are read, one after another: the more, the less memory that takes."""


@dataclass(frozen=True)
class Result:
    losses: Array
    """Of each stream, (B,), in nats per character; where a gradient was wanted, their mean for each."""
    state: Array
    """The state after the window, (L, S, B, H)."""


def do(task: Task, network: Network, p: Parameters, grads: Parameters, space: Workspace) -> Result:
    """Does a task; ``grads`` is overwritten where a gradient is wanted."""
    parts, shares = parts_of(task.x.shape[1], task.parts)
    with quiet_overflow():
        if not task.gradient:
            return joined([_read(task, part, network, p, space) for part in parts])
        results = [_learn(task, parts[0], network, p, grads, space)]
        if len(parts) > 1:
            grads.vector *= shares[0]
            more = Parameters(grads.shapes, grads.vector.dtype, space("gradient", grads.vector.shape))
        for part, share in zip(parts[1:], shares[1:], strict=True):
            results.append(_learn(task, part, network, p, more, space))
            grads.vector += np.multiply(more.vector, share, out=more.vector)
        return joined(results)


def joined(results: Sequence[Result]) -> Result:
    """The results of streams side by side as one."""
    losses = np.concatenate([result.losses for result in results])
    return Result(losses, np.concatenate([result.state for result in results], axis=2))


def _read(task: Task, part: slice, network: Network, p: Parameters, space: Workspace) -> Result:
    """Reads these streams of a task."""
    x, y, state = _of(task, part)
    unrolled = network.forward(p, x, state, space)
    return Result(cross_entropy(unrolled.logits, y), unrolled.state)


def _learn(task: Task, part: slice, network: Network, p: Parameters, grads: Parameters, space: Workspace) -> Result:
    """Reads these streams of a task, and overwrites ``grads`` with their gradient."""
    x, y, state = _of(task, part)
    streams = range(task.first_stream + part.start, task.first_stream + part.stop)
    masks = task.dropout.masks(network, len(x), streams)
    loss, after = network.loss_and_gradients(p, grads, x, y, state, space, masks)
    return Result(np.full(len(streams), loss), after)


def _of(task: Task, part: slice) -> tuple[Ids, Ids, Array]:
    x, y = (np.ascontiguousarray(ids[:, part]) for ids in (task.x, task.y))
    return x, y, task.state[:, :, part]


class RemoteWorker:
    """Has the tasks done by another process, which ends with this one, however this one ends."""

    def __init__(self, network: Network, shared: "SharedVectors", number: int) -> None:
        """``number`` says which of the workers it is, and so which of the shared vectors takes its gradient."""
        self.gradient = shared.gradients[number - 1]
        self._process = subprocess.Popen(
            [sys.executable, "-c", _BEGIN],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            # Out of the terminal's reach: Ctrl-C is for the process that trains, which then ends this one.
            start_new_session=True,
            env=os.environ | dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
        )
        self._send(sys.path)
        self._send((network, shared.path, shared.vectors.shape, number))

    @property
    def pid(self) -> int:
        return self._process.pid

    def check(self) -> None:
        """Raises WorkerError where the process is gone."""
        if self._process.poll() is not None:
            raise self._ended()

    def start(self, task: Task) -> None:
        self._send(task)

    def result(self) -> Result:
        assert self._process.stdout
        try:
            result: Result = pickle.load(self._process.stdout)
        except (EOFError, pickle.UnpicklingError):
            raise self._ended() from None
        return result

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        del self.gradient
        self._process.kill()
        self._process.communicate()

    def _send(self, message: object) -> None:
        assert self._process.stdin
        try:
            pickle.dump(message, self._process.stdin, pickle.HIGHEST_PROTOCOL)
            self._process.stdin.flush()
        except OSError:
            raise self._ended() from None

    def _ended(self) -> WorkerError:
        return WorkerError(
            f"a worker process ended with status {self._process.wait()}, perhaps for lack of memory",
            "lower {compute.workers} or {model.hidden}, or raise {training.accumulate}",
        )


_BEGIN = """
import pickle, sys
sys.path[:] = pickle.load(sys.stdin.buffer)
from charrnn.training.worker import serve
serve(sys.stdin.buffer, open(1, "wb"))
"""
"""Results get a buffer of their own, since PYTHONUNBUFFERED takes that of sys.stdout away; without one, a write to a
pipe that is interrupted (Ctrl-Z, a laptop that sleeps) is cut short."""


def serve(tasks: BinaryIO, results: BinaryIO) -> None:
    """Does tasks, in a worker's process, until the process that trains is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # where a session of its own does not keep it from Ctrl-C
    network, path, shape, number = pickle.load(tasks)
    vectors = np.asarray(np.memmap(path, network.dtype, "r+", shape=shape))
    own, others, grads = (Parameters(network.shapes, network.dtype, vectors[k]) for k in (0, 1, number + 1))
    space = Workspace(network.dtype)
    with blas_threads(1):
        while True:
            try:
                task = pickle.load(tasks)
            except EOFError:
                return
            p = own if task.own else others
            pickle.dump(do(task, network, p, grads, space), results, pickle.HIGHEST_PROTOCOL)
            results.flush()


class SharedVectors:
    """Vectors (n, P) that other processes can map, by ``path``: the engine's own parameters, any others, which take
    no memory until they are written, and a gradient for each worker but the first."""

    def __init__(self, workers: int, size: int, dtype: npt.DTypeLike) -> None:
        self._nameless = hasattr(os, "memfd_create") and Path("/proc/self/fd").exists()
        if self._nameless:  # memory without a file, freed with the last process that maps it
            self._file = os.memfd_create("charrnn")
            self.path = f"/proc/{os.getpid()}/fd/{self._file}"
        else:
            self._file, self.path = tempfile.mkstemp(prefix="charrnn-")
        self.vectors: Array = np.asarray(np.memmap(self.path, dtype, "w+", shape=(1 + workers, size)))
        self.own, self.others, *self.gradients = self.vectors

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        del self.vectors, self.own, self.others, self.gradients
        os.close(self._file)
        if not self._nameless:
            Path(self.path).unlink(missing_ok=True)
