"""Ctrl-C and SIGTERM: saved, said, and resumed to the same bits as if nothing had happened."""

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from charrnn import load_checkpoint

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs signals")


def outcome(run: str) -> tuple[bytes, list[dict]]:
    """Parameters and metrics, but for how fast it went."""
    rows = [json.loads(line) for line in Path(run, "metrics.jsonl").read_text().splitlines()]
    for row in rows:
        del row["characters_per_second"]
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
        "stopped at iteration 1 of 6, saved;\n"
        """continue: charrnn train --run 'it'"'"'s stopped' --resume\n"""
    )
    assert load_checkpoint("it's stopped/checkpoints/last.npz").progress.iteration == 1
    assert outcome("it's stopped") != outcome("whole")

    assert charrnn("train", "--run", "it's stopped", "--resume").code == 0
    assert outcome("it's stopped") == outcome("whole")
