"""The speed of sampling beside PyTorch's, and how long a command takes from a cold start.

    python3 benchmarks/sample_speed.py
    python3 benchmarks/sample_speed.py 3x512 --turns 5

Both sides draw from the softmax at temperature 1, one stream and 64 side by side, and work in turns; the ratio is the
median of those of neighbouring turns. PyTorch runs under ``inference_mode``, in its fastest way: one step
of ``nn.LSTM`` after the other or ``nn.LSTMCell``, and any number of threads. Prints Markdown.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import product
from typing import Any

import numpy as np
from common import (
    HELD,
    VOCABULARY,
    Player,
    Setting,
    chosen,
    fastest,
    hold,
    machine,
    others,
    ours_compute_with,
    ratio_text,
    table,
    thread_counts,
    torch_computes_with,
)

from charrnn import Model, Sampling, Vocabulary, generate

SETTINGS = [
    Setting("lstm", layers, hidden, streams, window=1)
    for layers, hidden in ((1, 128), (2, 256), (3, 512))
    for streams in (1, 64)
]
LENGTH = 100
"""Characters of a step, in each stream."""
COLUMNS = ["network", "streams", "this project, chars/s", "PyTorch, chars/s (threads, loop)", "ratio", "others, cores"]


class OurSampling:
    """Texts by ``generate``."""

    manner = ""

    def __init__(self, setting: Setting) -> None:
        self.amount = LENGTH * setting.streams
        network = setting.network
        vocabulary = Vocabulary("".join(map(chr, range(32, 32 + VOCABULARY))))
        self._model = Model(network, network.parameters(np.random.default_rng(0)), vocabulary)
        self._streams = setting.streams
        self._rng = np.random.default_rng(0)
        self.instructions = ours_compute_with()

    def step(self) -> None:
        sampling = Sampling(filters={"temperature": 1.0})
        for _ in generate(self._model, LENGTH, self._rng, sampling, count=self._streams):
            pass


class TorchSampling:
    """The same by the loop a user of PyTorch would write; the ids become a text at its end."""

    def __init__(self, setting: Setting) -> None:
        import torch

        torch.manual_seed(0)
        self.amount = LENGTH * setting.streams
        H, layers = setting.hidden, setting.layers
        self._rnn = torch.nn.LSTM(VOCABULARY, H, layers)
        self._cells = [torch.nn.LSTMCell(VOCABULARY if layer == 0 else H, H) for layer in range(layers)]
        self._head = torch.nn.Linear(H, VOCABULARY)
        self._one_hot = torch.eye(VOCABULARY)
        self._zero = torch.zeros(layers, setting.streams, H)
        self._loops = {"LSTM": self._by_layers, "LSTMCell": self._by_cells}
        self._use(fastest(product(thread_counts(), self._loops), self._use, self.step))
        self.instructions = torch_computes_with()

    def _use(self, way: tuple[int, str]) -> None:
        import torch

        threads, loop = way
        torch.set_num_threads(threads)
        self._loop = self._loops[loop]
        self.manner = f"{threads}, {loop}"

    def step(self) -> None:
        import torch

        with torch.inference_mode():
            ids, state, written = torch.zeros(self._zero.shape[1], dtype=torch.int64), None, []
            for _ in range(LENGTH):
                h, state = self._loop(self._one_hot[ids], state)
                ids = torch.multinomial(torch.softmax(self._head(h), -1), 1)[:, 0]
                written.append(ids)
            ["".join(chr(32 + v) for v in stream) for stream in torch.stack(written, 1).tolist()]

    def _by_layers(self, x: Any, state: Any) -> tuple[Any, Any]:
        h, state = self._rnn(x[None], state)
        return h[0], state

    def _by_cells(self, x: Any, state: Any) -> tuple[Any, Any]:
        before = state or [(zero, zero) for zero in self._zero]
        state = []
        for cell, hc in zip(self._cells, before, strict=True):
            state.append(cell(x, hc))
            x = state[-1][0]
        return x, state


def main() -> None:
    parser = argparse.ArgumentParser(description="The speed of sampling beside PyTorch's.")
    parser.add_argument("networks", nargs="*", help="those whose name holds one of these, such as 3x512; default: all")
    parser.add_argument("--turns", type=int, default=11, help="of each side and network; default: 11")
    parser.add_argument("--starts", type=int, default=9, help="of each command; 0: none; default: 9")
    parser.add_argument("--kernels", choices=list(HELD), help="hold both sides to these instructions")
    arguments = parser.parse_args()
    hold(arguments.kernels)

    rows, idle = [], 0.0
    for setting in chosen(SETTINGS, arguments.networks):
        with Player(OurSampling, setting) as ours, Player(TorchSampling, setting) as theirs:
            pairs = [(ours.turn(), theirs.turn()) for _ in range(arguments.turns)]
        idle = max(idle, ours.idle, theirs.idle)
        a, b = (statistics.median(side) for side in zip(*pairs, strict=True))
        ratio = statistics.median(a / b for a, b in pairs)
        name, _, _ = str(setting).partition(" B")
        rows.append(
            [name, str(setting.streams), f"{a:,.0f}", f"{b:,.0f} ({theirs.manner})", ratio_text(ratio, ours, theirs)]
        )
        rows[-1].append(others([ours, theirs]))
        print(f"{setting}: {ratio:.2f}", file=sys.stderr)
    print(f"{machine()}.")
    print(
        f"Kernels for {ours.instructions} here, {theirs.instructions} in PyTorch. Medians of {arguments.turns} turns."
    )
    print(f"The side that waited used at most {idle:.0%} of a core. Others: what else the machine did meanwhile.\n")
    print(table(COLUMNS, rows))
    if arguments.starts:
        print()
        print(table(["from a cold start", f"median of {arguments.starts}, s"], cold_starts(arguments.starts)))


def cold_starts(count: int) -> list[list[str]]:
    """The wall time of commands, each a process of its own, in turns; and how much of it importing libraries takes."""
    with tempfile.TemporaryDirectory() as folder:
        charrnn = [sys.executable, "-m", "charrnn"]
        run = f"{folder}/run"
        subprocess.run(
            [*charrnn, "train", "--run", run, "--set", "training.iterations=20", "--set", "snapshots.at=[]"],
            check=True,
            capture_output=True,
        )
        commands = {
            "`charrnn sample --length 200`": [*charrnn, "sample", "--checkpoint", run, "--length", "200"],
            "`charrnn --help`": [*charrnn, "--help"],
            "`import numpy`": [sys.executable, "-c", "import numpy"],
            "`import torch`": [sys.executable, "-c", "import torch"],
        }
        times: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(count):
            for name, command in commands.items():
                started = time.perf_counter()
                subprocess.run(command, check=True, capture_output=True)
                times[name].append(time.perf_counter() - started)
    return [[name, f"{statistics.median(seconds):.2f}"] for name, seconds in times.items()]


if __name__ == "__main__":
    main()
