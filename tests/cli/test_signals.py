"""Ctrl-C and SIGTERM: saved, said, and resumed to the same bits as if nothing had happened."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from charrnn import Trainer, load_checkpoint
from charrnn.training.speed import Speed

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs signals")


def outcome(run: str) -> tuple[bytes, list[dict]]:
    """Parameters and metrics, but for what a clock measured."""
    rows = [json.loads(line) for line in Path(run, "metrics.jsonl").read_text().splitlines()]
    for row in rows:
        del row["characters_per_second"], row["seconds"]
    return load_checkpoint(f"{run}/checkpoints/last.npz").model.parameters.vector.tobytes(), rows


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_a_run_that_resumes_exactly(
    folder: Path, charrnn: Callable, start: Callable, number: signal.Signals, code: int
) -> None:
    assert charrnn("train", "cats.txt", "--config", "blocking.yaml", "--run", "whole").code == 0

    process = start("train", "cats.txt", "--config", "blocking.yaml", "--run", "it's stopped")
    assert process.stdout.readline().startswith(b"iteration 1, ")  # and cannot write the rest yet
    process.send_signal(number)
    _, err = process.communicate()
    assert process.returncode == code
    assert err.decode().endswith(
        "stopped at iteration 1 of 6, saved; "
        """continue: charrnn train --run 'it'"'"'s stopped' --resume\n"""
    )
    assert load_checkpoint("it's stopped/checkpoints/last.npz").progress.iteration == 1
    assert outcome("it's stopped") != outcome("whole")
    assert [path.name for path in Path("it's stopped/snapshots").iterdir()] == ["000001.txt"]

    assert charrnn("train", "--run", "it's stopped", "--resume").code == 0
    assert outcome("it's stopped") == outcome("whole")


def test_signals_before_the_first_iteration_leave_a_run_that_goes_on(
    folder: Path, charrnn: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here while the speed is measured, and twice at the same moment, as where a terminal and a parent both send it."""
    measure = Trainer.measure

    def interrupted(trainer: Trainer, seconds: float) -> Speed:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        return measure(trainer, seconds)

    assert charrnn("train", "cats.txt", "--config", "tiny.yaml", "--run", "whole").code == 0
    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "measure", interrupted)
        stopped = charrnn("train", "cats.txt", "--config", "tiny.yaml", "--run", "new")
    assert (stopped.code, stopped.out) == (130, "")
    assert stopped.err.endswith("stopped at iteration 0 of 6, saved; continue: charrnn train --run new --resume\n")
    assert charrnn("train", "--run", "new", "--resume").code == 0
    assert outcome("new") == outcome("whole")


def test_ctrl_c_before_training_says_that_nothing_was_changed(
    folder: Path, charrnn: Callable, start: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = start("train", "cats.txt", "--minutes", "1", "--run", "new")
    assert process.stderr.readline().startswith(b"measuring how fast")
    process.send_signal(signal.SIGINT)
    assert process.stderr.read() == (
        b"stopped before training began, and nothing was changed; begin again with the same command\n"
    )
    assert process.wait() == 130
    assert not Path("new").exists()

    monkeypatch.setattr(Trainer, "plan", lambda trainer: signal.raise_signal(signal.SIGINT))
    going_on = charrnn("train", "--run", "run", "--resume", "--set", "training.iterations=9")
    assert going_on.code == 130
    assert going_on.err == "stopped before training went on; continue: charrnn train --run run --resume\n"


def test_ctrl_c_while_python_imports_shows_no_traceback() -> None:
    code = """
import runpy, signal, sys
class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == "click":
            signal.raise_signal(signal.SIGINT)
sys.meta_path.insert(0, Interrupting())
runpy.run_module("charrnn", run_name="__main__")
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True)
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, b"", b"")


def test_a_closed_terminal_saves_too(folder: Path, charrnn: Callable, start: Callable) -> None:
    """The whole session: the process leads it, its terminal is all it has, and then that is gone."""
    import pty

    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(sys.executable, [sys.executable, "-m", "charrnn", "train", "cats.txt", "--config", "blocking.yaml"])
    shown = b""
    while b"iteration 1, " not in shown:
        shown += os.read(terminal, 100)  # and no more, so that it waits for us
    os.close(terminal)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 128 + signal.SIGHUP
    assert load_checkpoint("runs/cats/checkpoints/last.npz").progress.iteration == 1


def test_a_second_signal_stops_at_once_and_harms_nothing(folder: Path, charrnn: Callable, start: Callable) -> None:
    args = ("--config", "blocking.yaml", "--run", "run")
    assert charrnn("train", "cats.txt", *args, "--force", "--set", "snapshots.at=6").code == 0
    before = Path("run/checkpoints/last.npz").read_bytes()
    process = start("train", "--run", "run", "--resume", "--set", "training.iterations=9", "--set", "snapshots.at=7")
    assert process.stdout.readline().startswith(b"iteration 7, ")  # and cannot write the rest
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGTERM)  # twice the same could arrive as one; of two the lower comes first
    _, err = process.communicate()
    assert process.returncode == 143
    assert b"Traceback" not in err
    assert err.decode().endswith(
        "\nstopped at once, and what was saved before is kept; continue: charrnn train --run run --resume\n"
    )
    assert Path("run/checkpoints/last.npz").read_bytes() == before
    assert charrnn("train", "--run", "run", "--resume").code == 0

    process = start("train", "cats.txt", *args, "--force")
    assert process.stdout.readline().startswith(b"iteration 1, ")
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGTERM)
    assert process.communicate()[1].endswith(b"\nstopped at once, and nothing is saved yet; begin again with --force\n")
