"""The memory that training takes beside PyTorch's: the most that a fresh process and its workers hold at once.

    python3 benchmarks/train_memory.py
    python3 benchmarks/train_memory.py 3x512

Steps and settings are those of ``train_speed.py``. Left out is what the process holds after the bare import of its
libraries; what they load later counts. Shared memory counts once (PSS, which Linux gives). Prints Markdown.
"""

import argparse
import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection

import psutil
from common import SETTINGS, Job, OurTraining, Setting, TorchTraining, chosen, machine, table

from charrnn.machine import available_cores

STEPS = 3


def main() -> None:
    parser = argparse.ArgumentParser(description="The memory that training takes beside PyTorch's.")
    parser.add_argument("settings", nargs="*", help="those whose name holds one of these, such as 3x512; default: all")
    arguments = parser.parse_args()

    rows = []
    for setting in chosen(SETTINGS, arguments.settings):
        (libraries, ours), (their_libraries, theirs) = (alone(side, setting) for side in (our_training, torch_training))
        rows.append([str(setting), f"{ours - libraries:.0f}", f"{theirs - their_libraries:.0f}"])
        rows[-1].append(f"{(ours - libraries) / (theirs - their_libraries):.2f}")
    print(f"{machine()}; {available_cores()} workers here, as many threads in PyTorch.")
    print(f"Left out: {libraries:.0f} MiB after the import here, {their_libraries:.0f} of PyTorch.\n")
    print(table(["setting", "this project, MiB", "PyTorch, MiB", "ratio"], rows))


def our_training(setting: Setting | None) -> Job | None:
    """The job, or None for the import alone."""
    return OurTraining(setting) if setting else None


def torch_training(setting: Setting | None) -> Job | None:
    """The same with PyTorch, in the input form that takes less memory."""
    import torch  # noqa: F401

    return TorchTraining(setting, (available_cores(), "identity rows")) if setting else None


def alone(make: Callable[[Setting | None], Job | None], setting: Setting) -> tuple[float, float]:
    """In a fresh process: MiB after the import, and the most in the steps."""
    connection, theirs = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(target=train, args=(theirs, make, setting))
    process.start()
    connection.recv()
    libraries = held(process.pid)
    connection.send("go")
    most = 0.0
    while not connection.poll(0.01):
        most = max(most, held(process.pid))
    process.kill()
    return libraries, most


def train(connection: Connection, make: Callable[[Setting | None], Job | None], setting: Setting) -> None:
    """Imports and says so, trains and says so."""
    make(None)
    connection.send("imported")
    connection.recv()
    job = make(setting)
    assert job
    for _ in range(STEPS):
        job.step()
    connection.send("done")
    connection.recv()


def held(pid: int | None) -> float:
    """What a process and those it started hold, in MiB."""
    process = psutil.Process(pid)
    return sum(p.memory_full_info().pss for p in (process, *process.children(recursive=True))) / 2**20


if __name__ == "__main__":
    main()
