"""The command line as a function and as a process, and a folder to use it in."""

import contextlib
import io
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from charrnn.cli import main

sys.path.append(str(Path(__file__).parent))
from pages import BROWSER, HOSTILE

TEXT = "the cat sat on the mat. the dog ran.\n" * 60
TINY = """
model: {hidden: 4}
training: {iterations: 6, batch: 2, window: 8, report: 2, validate_every: 3, learning_rate: 0.1}
snapshots: {at: [1, 3], length: 20}
checkpoints: {every: 4}
compute: {workers: 1}
"""
MORE_THAN_A_PIPE_HOLDS = "the cat sat on the mat. " * 700
"""A prime: the process that prints a snapshot with it waits until somebody reads, so that no test needs a clock."""


class Result(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture(scope="session")
def charrnn() -> Callable[..., Result]:
    """Runs a command in this process: ``charrnn("sample", "--checkpoint", "run", stdin=b"...")``."""

    def call(*args: str, stdin: bytes = b"") -> Result:
        out, err = io.BytesIO(), io.BytesIO()
        with (
            pytest.MonkeyPatch.context() as patch,
            contextlib.redirect_stdout(io.TextIOWrapper(out, "utf-8", newline="")),
            contextlib.redirect_stderr(io.TextIOWrapper(err, "utf-8", newline="")),
        ):
            patch.setattr(sys, "argv", ["charrnn", *args])
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), "utf-8"))
            patch.setattr("charrnn.cli.commands.train.SECONDS_TIMED", 0.0)  # one iteration tells the time as well
            with pytest.raises(SystemExit) as exited:
                main()
            sys.stdout.flush()
            sys.stderr.flush()
            return Result(exited.value.code or 0, out.getvalue().decode(), err.getvalue().decode())

    return call


@pytest.fixture
def start() -> Iterator[Callable[..., "subprocess.Popen[bytes]"]]:
    """Starts a command in a process of its own, its output in pipes as small as they come."""
    with contextlib.ExitStack() as stack:

        def popen(*args: str, **options: Any) -> "subprocess.Popen[bytes]":
            pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
            command = [sys.executable, "-m", "charrnn", *args]
            process = stack.enter_context(subprocess.Popen(command, pipesize=4096, **pipes | options))
            stack.callback(process.kill)
            return process

        yield popen


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, charrnn: Callable[..., Result]) -> Path:
    """A folder with a text, ``cats.txt``, settings, ``tiny.yaml``, and what training on them made, ``run``."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "cats.txt").write_text(TEXT)
    (folder / "tiny.yaml").write_text(TINY)
    prime = f"length: 20, prime: '{MORE_THAN_A_PIPE_HOLDS}'"
    cell = "hidden: 4, cell: rnn"  # the fastest to read it
    (folder / "blocking.yaml").write_text(TINY.replace("length: 20", prime).replace("hidden: 4", cell))
    with contextlib.chdir(folder):
        result = charrnn("train", "cats.txt", "--config", "tiny.yaml", "--run", "run")
    assert result.code == 0
    return folder


@pytest.fixture
def folder(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory: a copy of that folder."""
    shutil.copytree(trained, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory, charrnn: Callable) -> str:
    """A run that has learnt a text with markup and controls in it."""
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "text.txt").write_text(HOSTILE * 20)
    assert (
        charrnn(
            *("train", str(folder / "text.txt"), "--run", str(folder / "run"), "--set", "model.hidden=4"),
            *("--set", "training.iterations=2", "--set", "training.batch=2", "--set", "training.window=8"),
            *("--set", "compute.workers=1"),
        ).code
        == 0
    )
    return str(folder / "run")


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium, driven by Playwright."""
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        # Its own sandbox cannot be had by root, as whom tests run in containers.
        chromium = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def said(folder: Path) -> str:
    """A text in which somebody speaks now and then."""
    lines = (
        '"Well, Prince," she said, "so it is."',
        "He went out of the room at once.",
        '"And what of him?" said Pierre.',
    )
    Path("said.txt").write_text("".join(f"{random.Random(k).choice(lines)}\n" for k in range(40)))
    return "said.txt"
