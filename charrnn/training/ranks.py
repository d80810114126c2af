"""A batch shared out over the ranks of an MPI job: ``mpirun -n P charrnn train``.

Rank 0 is the program: it alone reads the text and the settings, prints and writes. The others do what it asks for, all
at the same time, and know neither text nor files. Each rank keeps the hidden states of its streams and draws its own
dropout masks. Each averages its slice of all gradients in the order of the ranks, is given the other slices, and takes
the optimizer's step itself: the bits are those of as many workers on one machine, where each rank is one worker.

Shapes: T window, B streams, L layers, S states of a cell, H hidden size, P parameters.
"""

from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from charrnn.arrays import Array, Ids
from charrnn.errors import CharRNNError, WorkerError
from charrnn.extras import load_extra
from charrnn.launch import is_rank
from charrnn.machine import versions
from charrnn.nn.dropout import Dropout
from charrnn.nn.network import Network
from charrnn.nn.parameters import Parameters
from charrnn.settings.schema import Settings
from charrnn.training.engine import Engine, Learnt
from charrnn.training.evaluation import Measured, measure
from charrnn.training.shares import average, parts_of
from charrnn.training.updater import Updater

Tasks = Sequence[Any] | None
"""What each rank is to work on; rank 0 alone has them."""


@cache
def world() -> Any:
    """The communicator of all ranks; None where no launcher of MPI started this process."""
    if not is_rank():
        return None
    try:
        return load_extra("mpi4py.MPI").COMM_WORLD
    except RuntimeError as error:
        raise CharRNNError(
            f"mpi4py finds no MPI to work with ({' '.join(str(error).split())})",
            "install the one that mpirun belongs to",
        ) from None


def ranks() -> int:
    """How many ranks there are, this process among them."""
    return world().size if world() else 1


class _Rank:
    """What every rank has: an engine for its part of the streams, and all parameters. The methods are called on all
    ranks at the same time; only rank 0 passes tasks, and is given what all made."""

    def __init__(self, network: Network, workers: int, p: Parameters, accumulate: int) -> None:
        self.engine = Engine(network, workers, p, accumulate)
        self.updater: Updater
        self.norm = 0.0
        """Of the latest gradient, before clipping."""
        self._p = p
        bounds = [len(p.vector) * k // world().size for k in range(world().size + 1)]
        self._slices = [b - a for a, b in pairwise(bounds)], bounds[:-1]
        self._received: Array = np.empty((world().size, self._slices[0][world().rank]), network.dtype)

    def open(self) -> Any:
        """Of each rank, what computes there."""
        self.engine.__enter__()
        return world().gather({name: value for name, value in versions().items() if name != "python"})

    def take(self, vector: Array) -> None:
        """Takes the parameters of rank 0."""
        if world().rank:
            self._p.vector[:] = vector

    def begin(
        self, settings: Settings, vector: Array, memory: dict[str, Array], steps: int, tasks: Tasks = None
    ) -> None:
        """Begins to learn with what rank 0's updater holds, and the states of the streams."""
        self.take(vector)
        if world().rank:
            self.updater = Updater(settings, self.engine.network, self._p)
            self.updater.restore(steps, memory)
        self.engine.state = world().scatter(tasks)

    def learn(self, shape: tuple[int, int], dtype: str, dropout: Dropout, rate: float, tasks: Ids | None = None) -> Any:
        """Of each rank its loss and the sum of its states, (ranks, 2); the norm of the gradient is the same on all.

        ``tasks``, of this shape (B, T + 2): of each stream the text of a window, the character after it, and whether it
        begins anew. As plain numbers they take rank 0 a fifth of the time, or less, that pickled arrays take.
        """
        streams, columns = shape
        parts, shares = parts_of(streams, world().size)
        idle = [slice(streams, streams)] * (world().size - len(parts))
        counts = [(part.stop - part.start) * columns for part in (*parts, *idle)]
        own = np.empty((counts[world().rank] // columns, columns), dtype)
        world().Scatterv([tasks, counts], own)
        if len(own):
            x, y, fresh, first = own.T[:-2], own.T[1:-1], own.T[-1].astype(np.bool_), parts[world().rank].start
            loss, gradient, state = self.engine.go_on(self.updater.trained, x, y, fresh, dropout, first)
        else:
            loss, gradient, state = 0.0, self._p.like(), 0.0
        self._average(gradient.vector, shares)
        self.norm = self.updater.step(gradient.vector, rate)
        made = np.empty((world().size, 2)) if world().rank == 0 else None
        world().Gather(np.array([loss, state]), made)
        return made

    def read(self, tasks: Tasks = None) -> Any:
        """Of each rank the losses of its streams in a window, and their states after it."""
        task = world().scatter(tasks)
        return world().gather(None if task is None else self.engine.read(self._p, *task))

    def states(self) -> Any:
        """Of each rank the states of its streams."""
        return world().gather(self.engine.state)

    def close(self) -> None:
        self.engine.__exit__()

    def _average(self, gradient: Array, shares: Sequence[float]) -> None:
        """Makes of each rank's gradient (P,) the average of all, where each rank has its share of the streams."""
        count, size = self._received.shape
        world().Alltoallv([gradient, self._slices], [self._received, ([size] * count, None)])
        world().Allgatherv(average(self._received, shares), [gradient, self._slices])


class RankEngine:
    """The engine of rank 0, whose workers are all ranks; the same as ``Engine`` to whoever learns with it."""

    is_amid: ClassVar[bool] = False
    """Whether the ranks are within something that takes all of them: then this one can only abort the job."""

    def __init__(self, network: Network, workers: int, p: Parameters, accumulate: int = 1) -> None:
        """``workers``: of each rank. ``accumulate``: in how many parts each of them reads its streams."""
        self.network = network
        self._rank = _Rank(network, workers, p, accumulate)
        self.made_with = dict(self._rank.engine.made_with)
        self.made_with["workers"] = world().size if workers == 1 else f"{world().size} x {workers}"
        self._plan = network, workers, accumulate
        self._updater: Updater | None = None
        self._state: Array = network.zero_state(1)

    def __enter__(self) -> Self:
        world().bcast(("new", self._plan))
        kinds = self._all("open")
        for rank, kind in enumerate(kinds):
            for name, value in kind.items():
                if value != kinds[0][name]:
                    raise WorkerError(
                        f"rank {rank} computes with {name} {value}, and rank 0 with {kinds[0][name]}: they would round "
                        "numbers differently",
                        "use machines that are equal in processor and libraries",
                    )
        return self

    def __exit__(self, *exception: object) -> None:
        if RankEngine.is_amid:  # the job is aborted
            return
        self.state = self.state  # brought here while the others are there
        self._all("close")

    @property
    def state(self) -> Array:
        """Of the streams that ``learn`` reads, (L, S, B, H), as the last window left it."""
        return self._state if self._updater is None else np.concatenate(self._all("states"), axis=2)

    @state.setter
    def state(self, state: Array) -> None:
        self._state, self._updater = state, None

    def learn(
        self, updater: Updater, x: Ids, y: Ids, fresh: npt.NDArray[np.bool_], dropout: Dropout, rate: float
    ) -> Learnt:
        """As ``Engine.learn``, of a text: y is one step ahead of x."""
        parts, shares = parts_of(x.shape[1], world().size)
        if updater is not self._updater:
            self._begin(updater, parts)
        text = np.concatenate([x, y[-1:], fresh[None].astype(x.dtype)]).T.copy()
        losses, states = self._all("learn", text.shape, text.dtype.str, dropout, rate, tasks=text).T
        loss = sum(float(loss) * share for loss, share in zip(losses, shares, strict=False))
        return Learnt(loss, self._rank.norm, float(sum(states)))

    def evaluate(self, p: Parameters, streams: Sequence[Ids], window: int) -> Measured:
        """As ``Engine.evaluate``, by the engine's own parameters."""
        if self._updater is None:  # of those who learn, all know them
            self._all("take", p.vector)
        return measure(streams, window, self.network.zero_state, self._read)

    def _read(self, x: Ids, y: Ids, state: Array) -> tuple[Array, Array]:
        parts, _ = parts_of(x.shape[1], world().size)
        tasks = [(x[:, part].copy(), y[:, part].copy(), state[:, :, part].copy()) for part in parts]
        losses, states = zip(*self._all("read", tasks=_one_each(tasks))[: len(parts)], strict=True)
        return np.concatenate(losses), np.concatenate(states, axis=2)

    def _begin(self, updater: Updater, parts: Sequence[slice]) -> None:
        self._updater = self._rank.updater = updater
        states = [self._state[:, :, part].copy() for part in parts]
        memory = updater.parameters.vector, updater.memory, updater.optimizer.steps
        self._all("begin", updater.settings, *memory, tasks=_one_each(states, self.network.zero_state(0)))

    def _all(self, what: str, *arguments: Any, **own: Any) -> Any:
        """Has all ranks do something at the same time, and returns what they made. ``own``: the tasks, which this rank
        alone is given, and shares out."""
        RankEngine.is_amid = True
        world().bcast((what, arguments))
        try:
            made = getattr(self._rank, what)(*arguments, **own)
        except WorkerError as error:  # nothing can be saved any more: the states of the others cannot be asked for
            raise CharRNNError(error.problem, error.remedy) from None
        RankEngine.is_amid = False
        return made


def _one_each(tasks: list[Any], idle: Any = None) -> list[Any]:
    """A task for each rank."""
    return tasks + [idle] * (world().size - len(tasks))


def serve() -> None:
    """What the other ranks do until rank 0 has ended."""
    rank: _Rank
    while (call := world().bcast(None)) is not None:
        what, arguments = call
        if what == "new":
            network, workers, accumulate = arguments
            rank = _Rank(network, workers, Parameters(network.shapes, network.dtype), accumulate)
        else:
            getattr(rank, what)(*arguments)
