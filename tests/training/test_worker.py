"""Workers are processes of their own: what becomes of them, and of those who wait for them."""

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from charrnn.errors import WorkerError
from charrnn.nn.network import Network
from charrnn.training.engine import Engine
from charrnn.training.worker import RemoteWorker, SharedVectors, Task

NETWORK = Network(6, hidden_size=5)
X = np.zeros((4, 6), np.uint8)


def step(engine: Engine) -> tuple[float, np.ndarray]:
    p = NETWORK.parameters(np.random.default_rng(0))
    loss, grads, _ = engine.loss_and_gradients(p, X, X, NETWORK.zero_state(X.shape[1]))
    return loss, grads.vector.copy()


def pids(engine: Engine) -> list[int]:
    return [worker.pid for worker in engine.others]


def test_a_worker_that_is_killed_is_missed() -> None:
    with Engine(NETWORK, 3) as engine:
        step(engine)
        os.kill(pids(engine)[1], signal.SIGKILL)
        with pytest.raises(WorkerError, match=r"ended with status -9.*lower compute.workers"):
            step(engine)


def test_nobody_is_given_a_task_when_a_worker_is_gone() -> None:
    """Its result would be read as that of the next task; one larger than a pipe would keep that from being taken."""
    with Engine(NETWORK, 3) as engine:
        step(engine)
        os.kill(pids(engine)[1], signal.SIGKILL)
        os.waitid(os.P_PID, pids(engine)[1], os.WEXITED | os.WNOWAIT)
        with pytest.raises(WorkerError):
            step(engine)
        one = X[:, :1]
        engine.others[0].start(Task(one, one, NETWORK.zero_state(1)))
        assert engine.others[0].result().losses.shape == (1,)


def test_workers_end_with_the_engine_and_a_second_time_others_begin() -> None:
    engine = Engine(NETWORK, 3)
    results, seen = [], []
    for _ in range(2):
        with engine:
            results.append(step(engine))
            seen += pids(engine)
        for pid in pids(engine):
            with pytest.raises(ProcessLookupError):
                os.kill(pid, 0)
    assert len(set(seen)) == 4
    assert_array_equal(results[0][1], results[1][1])


def test_one_worker_needs_no_process() -> None:
    with Engine(NETWORK, 1) as engine:
        step(engine)
        assert pids(engine) == []


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="waits for a process that is not a child, as Linux can")
def test_workers_end_when_the_process_that_trains_is_killed() -> None:
    program = """
import sys
sys.path[:0] = sys.argv[1:]
from test_worker import NETWORK, Engine, pids, step
with Engine(NETWORK, 3) as engine:
    step(engine)
    print(*pids(engine), flush=True)
    sys.stdin.read()
"""
    with subprocess.Popen(
        [sys.executable, "-c", program, Path(__file__).parent], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout
        workers = [os.pidfd_open(int(pid)) for pid in parent.stdout.readline().split()]
        parent.kill()
    for worker in workers:
        ended, _, _ = select.select([worker], [], [], 30)
        os.close(worker)
        assert ended


def test_no_file_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where memory cannot be shared without a file, the file goes with the engine."""
    monkeypatch.delattr(os, "memfd_create", raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with Engine(NETWORK, 2) as engine:
        shared = step(engine)
        assert len(list(tmp_path.iterdir())) == 1
    assert not list(tmp_path.iterdir())
    with Engine(NETWORK, 1) as engine:
        assert step(engine)[0] == pytest.approx(shared[0])


@pytest.mark.skipif(sys.platform != "linux", reason="asks what a process waits for, as Linux can")
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_worker_that_is_suspended_in_the_middle_of_its_answer(
    monkeypatch: pytest.MonkeyPatch, unbuffered: str
) -> None:
    """Going on, it must send the rest: a write to a pipe that was interrupted is cut short."""
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    p = NETWORK.parameters(np.random.default_rng(0))
    x = np.zeros((1, 40_000), np.uint8)
    state = NETWORK.zero_state(x.shape[1])  # more than a pipe holds
    with SharedVectors(2, p.vector.size, p.vector.dtype) as shared, RemoteWorker(NETWORK, shared, 1) as worker:
        worker.start(Task(x, x, state))
        process = Path(f"/proc/{worker.pid}")
        while "pipe_write" not in (process / "wchan").read_text():
            pass
        os.kill(worker.pid, signal.SIGSTOP)
        while (process / "stat").read_text().rpartition(")")[2].split()[0] != "T":
            pass
        os.kill(worker.pid, signal.SIGCONT)
        assert worker.result().state.shape == state.shape
