"""Killed at any moment, a run resumes and ends with the same bits, metrics and snapshots as if it had not been.

The moments of a save are before and after each fsync, link and replace, and in the middle of writes. How many kills
there were is printed (``pytest -rP``).
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that fork")
MOMENTS = {f"{when} {call}" for when in ("before", "after") for call in ("fsync", "link", "replace")}
IN_MEMORY = Path("/dev/shm")


@pytest.fixture
def folder() -> Iterator[Path]:
    """In memory where there is such a place: what comes to the disk is kept count of, and need not be waited for."""
    with TemporaryDirectory(dir=IN_MEMORY if IN_MEMORY.is_dir() else None) as path:
        yield Path(path)


def kills(how: str, folder: Path, count: int) -> dict:
    program = Path(__file__).with_name("kills.py")
    done = subprocess.run([sys.executable, program, how, folder, str(count)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    print(how, done.stdout)
    return json.loads(done.stdout)


@pytest.mark.parametrize("how", ["points", "power"])
def test_at_some_moments_of_a_save(folder: Path, how: str) -> None:
    assert kills(how, folder, 10)["moments"] == sorted(MOMENTS | {"before open", "in a write"})


@pytest.mark.slow
@pytest.mark.parametrize("how", ["points", "power"])
def test_at_every_moment_of_a_save(folder: Path, how: str) -> None:
    assert kills(how, folder, 1)["kills"] > 400


def test_at_random_moments(folder: Path) -> None:
    assert kills("random", folder, 40)["kills"] >= 40


@pytest.mark.slow
def test_at_many_random_moments(folder: Path) -> None:
    assert kills("random", folder, 200)["kills"] >= 200
