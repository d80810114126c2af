"""What the benchmarks share: settings, the machine in words, one training step here and in PyTorch, turns.

Two things are compared in turns: each lives in a process of its own, and while one works the others wait, so that
whatever else the machine does, and its clock speed, affects both equally.
"""

import json
import multiprocessing
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from itertools import cycle, product
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import psutil
from filelock import FileLock, Timeout
from threadpoolctl import threadpool_info

from charrnn import Settings, Trainer, resume, start
from charrnn.errors import RunError
from charrnn.files import replace_file
from charrnn.machine import available_cores, blas, simd
from charrnn.nn.network import Network
from charrnn.optim.clipping import clip_norm
from charrnn.optim.optimizers import Adam
from charrnn.training.engine import Engine

VOCABULARY = 87
HELD = {
    "AVX2": {
        "OPENBLAS_CORETYPE": "Haswell",
        "ATEN_CPU_CAPABILITY": "avx2",
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        "MKL_ENABLE_INSTRUCTIONS": "AVX2",
        "NPY_DISABLE_CPU_FEATURES": " ".join(name for name in simd() if name.startswith(("AVX512", "X86_V4"))),
        "NUMBA_CPU_NAME": "haswell",
        "NUMBA_CPU_FEATURES": "+avx2,+fma",
    },
    "AVX-512": {"OPENBLAS_CORETYPE": "SkylakeX"},
}
"""What holds both sides to the same instructions, by environment variables that their libraries read when loaded."""
RATE, CLIP = 2e-3, 5.0
REST = 0.15
"""Seconds after a turn in which the threads of OpenMP and BLAS, which first spin for more work, fall asleep."""


@dataclass(frozen=True)
class Setting:
    """A network and the windows it is given."""

    cell: str
    layers: int
    hidden: int
    streams: int
    window: int

    def __str__(self) -> str:
        return f"{self.cell.upper()} {self.layers}x{self.hidden} B{self.streams} T{self.window}"

    @property
    def network(self) -> Network:
        return Network(VOCABULARY, cell=self.cell, layers=self.layers, hidden_size=self.hidden)

    def windows(self, count: int = 8) -> list[Any]:
        """Pairs (x, y) of ids, each (T, B), of random text."""
        rng = np.random.default_rng(0)
        ids = rng.integers(VOCABULARY, size=(count, self.window + 1, self.streams), dtype=np.uint8)
        return [(window[:-1], window[1:]) for window in ids]


SETTINGS = [
    Setting("lstm", 2, 128, 50, 50),
    Setting("lstm", 2, 256, 50, 50),
    Setting("lstm", 1, 512, 100, 100),
    Setting("lstm", 3, 512, 100, 100),
    Setting("gru", 2, 256, 50, 50),
    Setting("rnn", 2, 256, 50, 50),
]


def chosen(settings: list[Setting], names: list[str]) -> list[Setting]:
    """The settings whose names contain one of ``names``, in upper or lower case; all settings where none is given."""
    found = [s for s in settings if not names or any(name.lower() in str(s).lower() for name in names)]
    if not found:
        raise SystemExit(f"no setting's name holds {' or '.join(names)}; there are: {', '.join(map(str, settings))}")
    return found


def machine() -> str:
    """The processor, the cores this process may use, and the versions of what computes."""
    names = [line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")]
    (blas, *_) = [library for library in threadpool_info() if library["user_api"] == "blas"] or [{}]
    products = " ".join(str(blas[key]) for key in ("internal_api", "version", "architecture") if blas.get(key))
    return (
        f"{names[0] if names else platform.processor() or platform.machine()}, {available_cores()} cores; "
        f"Python {platform.python_version()}, NumPy {np.__version__} ({products or 'BLAS unknown'}), "
        f"PyTorch {version('torch')}"
    )


def _lines(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read().splitlines()
    except OSError:
        return []


def thread_counts() -> list[int]:
    """1, 2, 4 ... and all cores."""
    cores = available_cores()
    return [*(2**k for k in range(cores.bit_length()) if 2**k < cores), cores]


def hold(instructions: str | None) -> None:
    """Begins this program anew with its libraries held to these instructions, unless they are."""
    if instructions and os.environ.get("HELD_TO") != instructions:
        os.environ.update(HELD[instructions], HELD_TO=instructions)
        os.execv(sys.executable, [sys.executable, *sys.argv])


def ours_compute_with() -> str:
    """The instructions for which NumPy's BLAS here has its kernels."""
    return " and ".join(library.instructions or library.kernels for library in blas())


def torch_computes_with() -> str:
    """The instructions for which PyTorch here has its kernels."""
    import torch

    capability: str = torch.backends.cpu.get_cpu_capability()
    return {"AVX512": "AVX-512"}.get(capability, capability)


class Job(Protocol):
    """Something whose speed is measured."""

    amount: float
    """What a step gets done: characters, or floating-point operations."""
    manner: str
    """How it does so: threads and the like."""
    instructions: str
    """For which its kernels are made."""

    def step(self) -> None: ...


class OurTraining:
    """Steps of this project: loss and gradients, clip, Adam; the state is carried."""

    def __init__(self, setting: Setting, compiled: bool = False, workers: int | None = None) -> None:
        self.amount = setting.streams * setting.window
        network = setting.network.compiled() if compiled else setting.network
        self._p = network.parameters(np.random.default_rng(0))
        self._adam = Adam(self._p.vector, self._p.shapes)
        self._state = network.zero_state(setting.streams)
        self._windows = cycle(setting.windows())
        workers = workers or min(available_cores(), setting.streams)
        self._engine = Engine(network, workers, self._p).__enter__()
        self.manner = f"{workers} workers"
        self.instructions = ours_compute_with()

    def step(self) -> None:
        x, y = next(self._windows)
        _, gradient, self._state = self._engine.loss_and_gradients(self._p, x, y, self._state)
        clip_norm(gradient.vector, CLIP)
        self._adam.step(self._p.vector, gradient.vector, RATE)


class TorchTraining:
    """The same steps in PyTorch, with the number of threads and the form of one-hot input that ``way`` names, or else
    the fastest of all.

    One-hot input is ``one_hot(x).float()`` or a look-up in an ``nn.Embedding`` of identity rows.
    """

    def __init__(self, setting: Setting, way: tuple[int, str] | None = None) -> None:
        import torch

        torch.manual_seed(0)
        self.amount = setting.streams * setting.window
        self._rnn = getattr(torch.nn, setting.cell.upper())(VOCABULARY, setting.hidden, setting.layers)
        self._head = torch.nn.Linear(setting.hidden, VOCABULARY)
        self._parameters = [*self._rnn.parameters(), *self._head.parameters()]
        self._adam = torch.optim.Adam(self._parameters, lr=RATE, fused=True)
        self._state: Any = None
        self._windows = cycle([tuple(torch.tensor(ids.astype(np.int64)) for ids in pair) for pair in setting.windows()])
        identity = torch.nn.Embedding.from_pretrained(torch.eye(VOCABULARY))
        self._forms = {
            "one_hot": lambda x: torch.nn.functional.one_hot(x, VOCABULARY).float(),
            "identity rows": identity,
        }
        self._use(way or fastest(product(thread_counts(), self._forms), self._use, self.step))
        self.instructions = torch_computes_with()

    def _use(self, way: tuple[int, str]) -> None:
        import torch

        threads, form = way
        torch.set_num_threads(threads)
        self._one_hot = self._forms[form]
        self.manner = f"{threads}, {form}"

    def step(self) -> None:
        import torch

        x, y = next(self._windows)
        h, state = self._rnn(self._one_hot(x), self._state)
        self._state = tuple(s.detach() for s in state) if isinstance(state, tuple) else state.detach()
        loss = torch.nn.functional.cross_entropy(self._head(h).flatten(0, 1), y.flatten())
        self._adam.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self._parameters, CLIP)
        self._adam.step()


class Products:
    """Large square products in float32 on all cores: how many operations a second the machine's BLAS reaches."""

    SIZE = 2048

    def __init__(self) -> None:
        self.amount = 2 * self.SIZE**3
        self.manner = f"{available_cores()} threads"
        self.instructions = ours_compute_with()
        rng = np.random.default_rng(0)
        self._a, self._b = rng.random((2, self.SIZE, self.SIZE), np.float32)
        self._out = np.empty_like(self._a)

    def step(self) -> None:
        np.matmul(self._a, self._b, out=self._out)


def fastest(ways: Iterable[Any], use: Callable[[Any], None], step: Callable[[], None], seconds: float = 0.5) -> Any:
    """The way with the shortest step; each is tried for ``seconds``, in three turns of at least one step."""
    shortest = dict.fromkeys(ways, float("inf"))
    for _ in range(3):
        for way in shortest:
            use(way)
            until = time.perf_counter() + seconds / 3
            while True:
                shortest[way] = min(shortest[way], _seconds(step))
                if time.perf_counter() > until:
                    break
    return min(shortest, key=lambda way: shortest[way])


def _seconds(function: Callable[[], None]) -> float:
    started = time.perf_counter()
    function()
    return time.perf_counter() - started


class Player:
    """A process of its own that makes a job and then works in turns; a context manager.

    ``idle`` is the most of a core that it kept busy while it waited, which has to stay near 0 for turns to be fair;
    ``others`` how many cores everything else on the machine used in each of its turns.
    """

    def __init__(self, make: Callable[..., Job], *arguments: Any, seconds: float = 0.4) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_play, args=(theirs, seconds, make, *arguments), daemon=True)
        self._process.start()
        theirs.close()
        self.manner: str
        self.instructions: str
        self.manner, self.instructions = self._connection.recv()
        self.idle = 0.0
        self.others: list[float] = []

    def __enter__(self) -> "Player":
        return self

    def __exit__(self, *error: object) -> None:
        self._connection.close()
        self._process.join()

    def turn(self) -> float:
        """Works for the seconds it was made with, at least one step; returns how much it got done per second."""
        self._connection.send("go")
        rate, idle, others = self._connection.recv()
        self.idle = max(self.idle, idle)
        self.others.append(others)
        return float(rate)


def _play(connection: Connection, seconds: float, make: Callable[..., Job], *arguments: Any) -> None:
    job = make(*arguments)
    job.step()
    steps = max(1, round(seconds / min(_seconds(job.step), _seconds(job.step))))
    connection.send((job.manner, job.instructions))
    rested, own = time.perf_counter(), _own_time()
    for _ in _messages(connection):
        idle = (_own_time() - own) / (time.perf_counter() - rested)
        started, own, everyone = time.perf_counter(), _own_time(), _busy_time()
        for _ in range(steps):
            job.step()
        took = time.perf_counter() - started
        others = max(0.0, _busy_time() - everyone - (_own_time() - own)) / took
        time.sleep(REST)
        rested, own = time.perf_counter(), _own_time()
        connection.send((steps * job.amount / took, idle, others))
    os._exit(0)  # threads that wait for work need no farewell


def _messages(connection: Connection) -> Iterator[Any]:
    try:
        while True:
            yield connection.recv()
    except EOFError:
        return


def _own_time() -> float:
    """Seconds that this process and those it started have worked so far."""
    children = [child.cpu_times() for child in psutil.Process().children(recursive=True)]
    return time.process_time() + sum(times.user + times.system for times in children)


def _busy_time() -> float:
    """Seconds that all cores have worked so far, or were taken by other machines on the same host; 0 off Linux."""
    fields = next(iter(_lines("/proc/stat")), "cpu").split()[1:]
    user, nice, system, _, _, irq, softirq, steal = map(int, fields[:8] or [0] * 8)
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK") if fields else 0.0


def others(players: Iterable[Player]) -> str:
    """How many cores everything else on the machine used in the median turn: near 0, or the numbers are not worth
    keeping."""
    return f"{statistics.median(cores for player in players for cores in player.others):.1f}"


def ratio_text(ratio: float, ours: Player, theirs: Player) -> str:
    """A ratio, and where the sides computed with other instructions, which: then it says little."""
    same = ours.instructions == theirs.instructions
    return f"{ratio:.2f}{'' if same else f' ({ours.instructions} against {theirs.instructions})'}"


def results(file: Path) -> dict[str, Any]:
    """What a benchmark that takes hours has reached so far, by name."""
    return dict(json.loads(file.read_text("utf-8"))) if file.exists() else {}


def train_to_the_end(settings: Settings, run: Path) -> tuple[Trainer, int]:
    """Trains, or goes on with a run that was interrupted; also the characters a second of what was done now."""
    started = time.perf_counter()
    try:
        trainer = resume(run)
    except RunError:
        trainer = start(settings, run=run, force=True)
    begun, t = trainer.progress.iteration, settings.training
    print(f"{run.name}: from iteration {begun} of {trainer.iterations}", flush=True)
    for _ in trainer.train():
        pass
    characters = (trainer.progress.iteration - begun) * t.batch * t.window
    return trainer, round(characters / (time.perf_counter() - started))


def measure_missing(names: Iterable[str], measure: Callable[[str], dict[str, Any]], file: Path, runs: Path) -> None:
    """Measures what the file does not hold yet, and adds it there at once. Of two commands side by side with the same
    folder ``runs``, each leaves alone what the other is measuring."""
    for name in names:
        with suppress(Timeout), FileLock(runs / f"{name}.lock", timeout=0):
            if name not in results(file):
                result = measure(name)
                with FileLock(runs / "results.lock"):
                    _keep(file, results(file) | {name: result})


def _keep(file: Path, reached: dict[str, Any]) -> None:
    text = json.dumps(dict(sorted(reached.items())), indent=2)
    replace_file(file, lambda out: out.write(f"{text}\n".encode()))


def table(header: list[str], rows: Iterable[list[str]]) -> str:
    """Markdown, the first column to the left, the others to the right."""
    lines = [header, ["---"] + ["---:"] * (len(header) - 1), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
