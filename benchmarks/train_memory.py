"""The memory that training takes beside PyTorch's: the peak of three steps, in a fresh process each.

    python3 benchmarks/train_memory.py
    python3 benchmarks/train_memory.py 3x512

Steps and settings are those of ``train_speed.py``. What the libraries take is left out: the peak after a step of a tiny
network, by when they have loaded all they load late (PyTorch 90 MiB of it). Prints Markdown.
"""

import argparse
import multiprocessing
import resource
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from common import SETTINGS, Job, OurTraining, Setting, TorchTraining, chosen, machine, table

from charrnn.training.engine import available_cores

STEPS = 3
TINY = {cell: Setting(cell, 1, 8, 2, 2) for cell in ("lstm", "gru", "rnn")}


def main() -> None:
    parser = argparse.ArgumentParser(description="The memory that training takes beside PyTorch's.")
    parser.add_argument("settings", nargs="*", help="those whose name holds one of these, such as 3x512; default: all")
    arguments = parser.parse_args()

    rows = []
    for setting in chosen(SETTINGS, arguments.settings):
        (libraries, ours), (their_libraries, theirs) = (alone(side, setting) for side in (OurTraining, torch_training))
        rows.append([str(setting), f"{ours - libraries:.0f}", f"{theirs - their_libraries:.0f}"])
        rows[-1].append(f"{(ours - libraries) / (theirs - their_libraries):.2f}")
    print(f"{machine()}; {available_cores()} workers here, as many threads in PyTorch.")
    print(f"Not counted: {libraries:.0f} MiB of libraries here, {their_libraries:.0f} with PyTorch.\n")
    print(table(["setting", "this project, MiB", "PyTorch, MiB", "ratio"], rows))


def torch_training(setting: Setting) -> Job:
    """With the input form that takes less memory."""
    return TorchTraining(setting, (available_cores(), "identity rows"))


def alone(make: Callable[[Setting], Job], setting: Setting) -> tuple[float, float]:
    """``peaks`` in a fresh process."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
        return process.submit(peaks, make, setting).result()


def peaks(make: Callable[[Setting], Job], setting: Setting) -> tuple[float, float]:
    """This process's peak memory in MiB after a tiny network's step, and after the setting's."""
    make(TINY[setting.cell]).step()
    libraries = peak_memory()
    job = make(setting)
    for _ in range(STEPS):
        job.step()
    return libraries, peak_memory()


def peak_memory() -> float:
    """The most resident memory that this process had, in MiB."""
    status = Path("/proc/self/status")
    if status.exists():  # rather than the other, which begins at what the process had that started this one
        (line,) = [line for line in status.read_text().splitlines() if line.startswith("VmHWM:")]
        return int(line.split()[1]) / 2**10
    unit = 1 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20


if __name__ == "__main__":
    main()
