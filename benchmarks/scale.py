"""What an iteration of ``mpirun charrnn train`` is made of, and how far more ranks would pay.

    mpirun -n 2 python3 benchmarks/scale.py measure
    python3 benchmarks/scale.py model

``measure``: the time of each part of an iteration and the bytes that a rank sends, counted where they are sent, with
50 streams of 50 characters for each rank. Give it no more ranks than there are cores. Before each exchange the ranks
wait for each other, and that waiting is a part of its own.

``model``: a model on paper. The times of computing are measured here, on one core; those of the network follow from
assumptions that ``--help`` lists. For P cores in nodes of R, which share a network card of W bytes/s with a latency of
a seconds for each message and pass messages among themselves at m bytes/s, N parameters of 4 bytes, and a batch of B
streams, b = B / P of them on each core:

    flat, P ranks      t = t(b) + average(N) + step(N) + exchange(P, R) + 4 N / m (1 + R / P) + 2 a P
    nested, M = P / R  t = t(b) + R average(N) + step(N) + exchange(M, 1) + 2 a M
    exchange(P, R)     4 N / W (P - R) / P (R + 1) + 2 (P - 1) a

t(b) is the window of b streams, forward and backward; average(N) adds up a gradient; step(N) clips and takes Adam's
step; 2 a P is what rank 0 sends and gathers. In Alltoallv every rank of a node sends (P - R) / P of its gradient
through the card; in Allgatherv, as a ring, the node sends all slices of other nodes once, and each rank passes all of
them on. Nested: each node is one rank with R workers, which average first, in shared memory. Efficiency is the speed
over P times that of a core that trains alone with 50 streams.
"""

import argparse
import math
import pickle
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np
from common import SETTINGS, Setting, machine, table

from charrnn import load_settings
from charrnn.machine import blas_threads
from charrnn.nn.dropout import NO_DROPOUT
from charrnn.nn.parameters import Parameters
from charrnn.training import ranks
from charrnn.training.engine import Engine
from charrnn.training.shares import average
from charrnn.training.updater import Updater

STREAMS, WINDOW = 50, 50
CHOSEN = ("LSTM 2x256", "LSTM 3x512")
ITERATIONS, FIRST = 30, 5
"""Measured, and before them not measured."""
NETWORKS = {"10 GbE": (10e9 / 8, 30e-6), "100 Gb/s": (100e9 / 8, 2e-6)}
"""Bytes a second of a node's card, and seconds of latency of a message."""
MEMORY = 2e9
"""Bytes a second that ranks of one node pass to each other."""
CORES, NODE = (8, 64, 512), 8
SHARES = (1, 3, 6, 12, 25, 50, 100, 200)
"""Streams of one core that are timed; times between are interpolated."""
STRONG = 1600
"""The streams of all cores together, where their number does not grow with that of the cores."""


def main() -> None:
    parser = argparse.ArgumentParser(description="Parts of an iteration under MPI, and a model of many ranks.")
    parser.add_argument("what", choices=["measure", "model"])
    network = ", ".join(f"{name}: {a * 1e6:.0f} microseconds of latency" for name, (_, a) in NETWORKS.items())
    parser.epilog = (
        f"Assumed: nodes of {NODE} cores with one network card each, {MEMORY:.0e} bytes/s within; {network}."
    )
    arguments = parser.parse_args()
    settings = [next(s for s in SETTINGS if str(s).startswith(name)) for name in CHOSEN]
    settings = [Setting(s.cell, s.layers, s.hidden, STREAMS, WINDOW) for s in settings]
    with blas_threads(1):
        if arguments.what == "measure":
            measure(settings)
        else:
            model(settings)


class Counting:
    """A communicator that counts the bytes which its rank sends, and the seconds that each call takes."""

    def __init__(self, world: Any) -> None:
        self._world = world
        self.rank, self.size = world.rank, world.size
        self.bytes: dict[str, int] = defaultdict(int)
        self.seconds: dict[str, float] = defaultdict(float)

    def timed(self, part: str, work: Callable[..., Any]) -> Callable[..., Any]:
        """The same function, whose time is that of a part."""

        def call(*arguments: Any) -> Any:
            started = time.perf_counter()
            result = work(*arguments)
            self.seconds[part] += time.perf_counter() - started
            return result

        return call

    def _exchange(self, part: str, sent: int, work: Callable[[], Any]) -> Any:
        self.timed("waiting for other ranks", self._world.Barrier)()
        self.bytes[part] += sent
        return self.timed(part, work)()

    def bcast(self, message: Any) -> Any:
        """To log2(P) ranks, in a tree."""
        sent = len(pickle.dumps(message)) * math.ceil(math.log2(self.size)) if self.rank == 0 else 0
        return self._exchange("call", sent, lambda: self._world.bcast(message))

    def Scatterv(self, sent: Any, own: Any) -> None:  # noqa: N802
        size = sent[0].nbytes - own.nbytes if self.rank == 0 else 0
        self._exchange("text out", size, lambda: self._world.Scatterv(sent, own))

    def Gather(self, own: Any, made: Any) -> None:  # noqa: N802
        self._exchange("losses back", own.nbytes if self.rank else 0, lambda: self._world.Gather(own, made))

    def Alltoallv(self, sent: Any, received: Any) -> None:  # noqa: N802
        gradient, (counts, _) = sent
        size = (sum(counts) - counts[self.rank]) * gradient.itemsize
        self._exchange("gradients out (Alltoallv)", size, lambda: self._world.Alltoallv(sent, received))

    def Allgatherv(self, sent: Any, received: Any) -> None:  # noqa: N802
        gradient, (counts, _) = received
        size = (sum(counts) - counts[(self.rank + 1) % self.size]) * gradient.itemsize  # as a ring
        self._exchange("averages back (Allgatherv)", size, lambda: self._world.Allgatherv(sent, received))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._world, name)


def measure(settings: list[Setting]) -> None:
    """Prints a table for each network; every rank runs this."""
    world = ranks.world()
    if world is None:
        raise SystemExit("start it with mpirun")
    counting = Counting(world)
    ranks.world = lambda: counting
    Engine.go_on = counting.timed("forward and backward", Engine.go_on)  # type: ignore[method-assign]
    Updater.step = counting.timed("clip and step", Updater.step)  # type: ignore[method-assign]
    ranks.average = counting.timed("average", average)
    if world.rank == 0:
        print(f"{machine()}; {world.size} ranks.\n")
    for setting in settings:
        if world.rank == 0:
            lead(setting, counting)
            counting.bcast(None)
        else:
            ranks.serve()
        show(setting, world.gather((counting.seconds, counting.bytes)))
        counting.seconds.clear()
        counting.bytes.clear()


def lead(setting: Setting, counting: Counting) -> None:
    """What rank 0 does."""
    network = setting.network.compiled()
    p = network.parameters(np.random.default_rng(0))
    updater = Updater(load_settings("quick"), network, p)
    all_streams = Setting(setting.cell, setting.layers, setting.hidden, STREAMS * counting.size, WINDOW)
    windows, fresh = all_streams.windows(), np.zeros(all_streams.streams, np.bool_)
    engine = ranks.RankEngine(network, 1, p)
    engine.state = network.zero_state(all_streams.streams)
    with engine:
        for k in range(FIRST + ITERATIONS):
            if k == FIRST:
                counting.seconds.clear()
                counting.bytes.clear()
            x, y = windows[k % len(windows)]
            engine.learn(updater, x, y, fresh, NO_DROPOUT, 1e-3)
        kept = dict(counting.seconds), dict(counting.bytes)
    counting.seconds, counting.bytes = (
        defaultdict(type_, part) for type_, part in zip((float, int), kept, strict=True)
    )


def show(setting: Setting, measured: list[Any] | None) -> None:
    """A line for each part: of rank 0 in the iterations that were measured, of another rank in all of them."""
    if measured is None:
        return
    (seconds, sent), (their_seconds, their_bytes) = measured[0], measured[-1]
    rows = []
    for part in seconds:
        own, others = seconds[part] / ITERATIONS, their_seconds[part] / (FIRST + ITERATIONS)
        row = [part, f"{own * 1e3:.2f}", f"{others * 1e3:.2f}"]
        rows.append(
            [*row, f"{sent.get(part, 0) / ITERATIONS:,.0f}", f"{their_bytes[part] / (FIRST + ITERATIONS):,.0f}"]
        )
    total = sum(seconds.values()) / ITERATIONS
    rows.append(["all", f"{total * 1e3:.2f}", "", f"{sum(sent.values()) / ITERATIONS:,.0f}", ""])
    size = len(Parameters(setting.network.shapes).vector)
    print(f"{setting} for each rank, {size:,} parameters ({4 * size:,} bytes):\n")
    print(table(["part", "rank 0, ms", "the last rank, ms", "rank 0, bytes sent", "the last rank, bytes sent"], rows))
    print()


def model(settings: list[Setting]) -> None:
    """Prints what was measured on one core, then the efficiencies."""
    print(f"{machine()}.\n")
    for setting in settings:
        times, averaging, stepping = computing(setting)
        size = len(Parameters(setting.network.shapes).vector)
        print(f"{setting.cell.upper()} {setting.layers}x{setting.hidden}, {size:,} parameters. On one core, in ms:")
        print(f"average {averaging * 1e3:.1f}, step {stepping * 1e3:.1f}, a window of", end=" ")
        print(", ".join(f"{b} streams {t * 1e3:.0f}" for b, t in times.items()) + ".\n")
        alone = STREAMS / (times[STREAMS] + stepping)
        rows = []
        for name, (width, latency) in NETWORKS.items():
            for kind, streams in (("50 streams a core", None), (f"{STRONG:,} streams in all", STRONG)):
                row = [name, kind]
                for cores in CORES:
                    b = streams / cores if streams else STREAMS
                    window = float(np.interp(b, list(times), list(times.values())))
                    for nested in (False, True):
                        ranks_, node = (cores // NODE, 1) if nested else (cores, NODE)
                        out = 4 * size / width * (max(0, ranks_ - node) / ranks_) * (node + 1)
                        exchange = out + 2 * (ranks_ - 1) * latency
                        within = averaging * NODE if nested else averaging + 4 * size / MEMORY * (1 + node / ranks_)
                        seconds = window + within + stepping + exchange + 2 * latency * ranks_
                        row.append(f"{b / seconds / alone:.0%}")
                rows.append(row)
        header = ["network", "batch", *(f"{cores} {kind}" for cores in CORES for kind in ("flat", "nested"))]
        print(table(header, rows))
        print()


def computing(setting: Setting) -> tuple[dict[int, float], float, float]:
    """Seconds of a window by the number of its streams, of averaging two gradients, and of a step; medians."""
    network = setting.network.compiled()
    p = network.parameters(np.random.default_rng(0))
    updater = Updater(load_settings("quick"), network, p)
    times = {}
    with Engine(network, 1, p) as engine:
        for b in SHARES:
            (x, y), *_ = Setting(setting.cell, setting.layers, setting.hidden, b, WINDOW).windows(1)
            state = network.zero_state(b)
            times[b] = median(lambda x=x, y=y, state=state: engine.loss_and_gradients(p, x, y, state))  # type: ignore[misc]
        gradient = engine.loss_and_gradients(p, x, y, state)[1].vector.copy()
    other = gradient.copy()
    averaging = median(lambda: average([gradient, other], [0.5, 0.5])) / 2
    return times, averaging, median(lambda: updater.step(gradient, 1e-3))


def median(work: Callable[[], object]) -> float:
    """Seconds."""
    times = []
    for _ in range(9):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return float(np.median(times[2:]))


if __name__ == "__main__":
    main()
