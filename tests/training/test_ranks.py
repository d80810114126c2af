"""``mpirun charrnn train``: the bits of as many workers on one machine, and what happens when a rank goes wrong."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from charrnn import Run, load_checkpoint

MPIRUN = shutil.which("mpirun", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
pytestmark = pytest.mark.skipif(MPIRUN is None or find_spec("mpi4py") is None, reason="needs mpi4py and mpirun")
CHARRNN = (sys.executable, "-m", "charrnn")
NETWORKS = {
    "lstm": "model: {layers: 2, hidden: 9, dropout: 0.2}",
    "gru": "model: {cell: gru, layers: 2, hidden: 9, embedding: 4, dropout_head: 0.2, dropout_recurrent: 0.1}",
    "lstm in parts": "{model: {layers: 2, hidden: 9, dropout: 0.2}, training: {accumulate: 2}}",
    "an average": "{model: {hidden: 9}, training: {average_decay: 0.9, state_reset: 0.3}}",
}
TRAINING = """
training: {iterations: 20, batch: 7, window: 10, validate_every: 5, learning_rate: 0.02, schedule: constant}
snapshots: {at: [10], length: 30}
checkpoints: {every: 10}
"""
FOR_EVER = (
    *("--set", "training.iterations=100000000", "--set", "checkpoints.every=10"),
    *("--set", "snapshots.at=15"),
)
"""Writes a sample soon after the first checkpoint."""
ONE_AFTER_ANOTHER = """
import json, sys
from charrnn.cli import main
from charrnn.cli.commands import train
train.SECONDS_TIMED = 0.0
for command in json.loads(sys.argv.pop()):
    sys.argv[1:] = command
    try:
        main()
    except SystemExit as end:
        if end.code:
            raise
"""
"""Commands within one start of Python, and of ranks."""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("cats.txt").write_text("the cat sat on the mat. the dog ran.\n" * 100)
    Path("training.yaml").write_text(TRAINING)
    for name, network in NETWORKS.items():
        Path(f"{name}.yaml").write_text(network + "\n")
    return tmp_path


def mpi(ranks: int, *args: str) -> tuple[str, ...]:
    return (str(MPIRUN), "-n", str(ranks), *CHARRNN, *args)


def together(*commands: tuple[str, ...], ranks: int | None = None) -> tuple[str, ...]:
    """The command that does these one after another, alone or on so many ranks."""
    launched = () if ranks is None else (str(MPIRUN), "-n", str(ranks))
    return (*launched, sys.executable, "-c", ONE_AFTER_ANOTHER, json.dumps(commands))


def done(command: tuple[str, ...], stdin: str = "") -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, capture_output=True, text=True, input=stdin, timeout=120)


def train(run: str, network: str, *more: str) -> tuple[str, ...]:
    return ("train", "cats.txt", "--config", f"{network}.yaml", "--config", "training.yaml", "--run", run, *more)


def kept(run: str) -> dict[str, bytes]:
    """What a run learnt, wrote and measured."""
    with np.load(f"{run}/checkpoints/last.npz") as arrays:
        found = {name: arrays[name].tobytes() for name in arrays.files if name != "document"}
    assert any(name.startswith("optimizer/") for name in found)
    found |= {path.name: path.read_bytes() for path in Path(run, "snapshots").iterdir()}
    metrics = Path(run, "metrics.jsonl").read_text()
    return found | {"metrics": re.sub('"(characters_per_second|seconds)": [^,}]*', "", metrics).encode()}


@pytest.fixture
def started() -> Iterator[Callable[..., "subprocess.Popen[str]"]]:
    """Starts commands, and ends those that still run."""
    processes = []

    def start(command: tuple[str, ...]) -> "subprocess.Popen[str]":
        processes.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(
    ("ranks", "runs"),
    [
        (2, [("lstm", 7), ("an average", 7), ("lstm in parts", 7)]),
        (3, [("gru", 7), ("lstm", 2)]),
    ],
)
def test_ranks_have_the_bits_of_workers(ranks: int, runs: list[tuple[str, int]]) -> None:
    """They share seven streams unevenly, and of two streams the third has none."""

    def each(where: str, *more: str) -> list[tuple[str, ...]]:
        return [train(f"{where} {name}", name, "--set", f"training.batch={n}", *more) for name, n in runs]

    assert done(together(*each("workers", "--set", f"compute.workers={ranks}"))).returncode == 0
    shared = done(together(*each("ranks"), ranks=ranks))
    assert shared.returncode == 0, shared.stderr
    for name, _ in runs:
        assert kept(f"ranks {name}") == kept(f"workers {name}")
    assert shared.stdout.count("iteration 10,") == len(runs)


def test_it_goes_on_with_and_without_mpi() -> None:
    one, two = (("--set", f"compute.workers={n}") for n in (1, 2))
    half, to_the_end = (("--set", f"training.iterations={n}") for n in (10, 20))
    begun = together(train("whole", "lstm", *two), train("theirs", "lstm", *half, *two))
    assert done(begun).returncode == 0
    theirs = ("train", "--run", "theirs", "--resume", *to_the_end, *one)
    ours = ("train", "--run", "ours", "--resume", *to_the_end, *two)
    for command in (together(train("ours", "lstm", *half), theirs, ranks=2), together(ours)):
        went_on = done(command)
        assert (went_on.returncode, "made with" in went_on.stderr) == (0, False)
    assert kept("ours") == kept("theirs") == kept("whole")


def test_a_finished_run_is_tested_again_by_all() -> None:
    """To the same bits, with ranks that have not learnt anything."""
    two = ("--set", "compute.workers=2")
    alone = done((*CHARRNN, *train("run", "an average", "--set", "corpus.test=0.1", *two)))
    again = done(mpi(3, "train", "--run", "run", "--resume"))
    assert (alone.returncode, again.returncode) == (0, 0), again.stderr
    assert "workers 2, here 3" in again.stderr
    assert re.search(r"test loss.*", again.stderr)[0] == re.search(r"test loss.*", alone.stderr)[0]


def test_ranks_with_several_workers_each() -> None:
    """They have bits of their own, the same each time."""
    two = ("--set", "compute.workers=2")
    assert done(together(*(train(run, "lstm", *two) for run in ("first", "second")), ranks=2)).returncode == 0
    assert kept("first") == kept("second")
    longer = ("train", "--run", "first", "--resume", "--set", "training.iterations=21", *two)
    other = done(together(longer, train("flat", "lstm", "--set", "compute.workers=1")))
    assert (other.returncode, "workers 2 x 2, here 2" in other.stderr) == (0, True)
    of_hybrid, of_flat = ([row["loss"] for row in Run(run).metrics()] for run in ("second", "flat"))
    np.testing.assert_allclose(of_hybrid, of_flat, rtol=1e-3)


def found(command: str, rank: str) -> int:
    """The process here that runs a command and is this rank or one of its workers."""
    processes = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            here = (process / "cwd").resolve() == Path.cwd()
            line, environment = ((process / name).read_bytes().split(b"\0") for name in ("cmdline", "environ"))
        except OSError:  # it has ended, or is not ours
            continue
        if here and f"PMI_RANK={rank}".encode() in environment and command.encode() in b" ".join(line):
            processes.append(int(process.name))
    (process,) = processes
    return process


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs Linux")
@pytest.mark.parametrize("rank", ["0", "1"])
def test_a_rank_that_is_killed_ends_all_and_the_run_goes_on(started: Callable, rank: str) -> None:
    process = started(mpi(2, *train("run", "lstm", *FOR_EVER)))
    assert process.stdout.readline().startswith("iteration 15,"), process.communicate()
    os.kill(found("-m charrnn train", rank), signal.SIGKILL)
    process.communicate(timeout=60)
    assert process.returncode != 0
    more = load_checkpoint("run/checkpoints/last.npz").progress.iteration + 5
    to_the_end = ("--set", f"training.iterations={more}", "--set", "compute.workers=2")
    went_on = done((*CHARRNN, "train", "--run", "run", "--resume", *to_the_end))
    assert went_on.returncode == 0, went_on.stderr


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs Linux")
@pytest.mark.parametrize("rank", ["0", "1"])
def test_a_worker_of_a_rank_that_is_killed_ends_all(started: Callable, rank: str) -> None:
    process = started(mpi(2, *train("run", "lstm", *FOR_EVER, "--set", "compute.workers=2")))
    assert process.stdout.readline().startswith("iteration 15,"), process.communicate()
    os.kill(found("charrnn.training.worker", rank), signal.SIGKILL)
    _, err = process.communicate(timeout=60)
    assert process.returncode != 0
    assert "a worker process ended with status -9, perhaps for lack of memory; lower " in err
    assert "Traceback" not in err


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_to_the_launcher_saves_and_ends(started: Callable, number: int, code: int) -> None:
    if "HYDRA" not in done((str(MPIRUN), "--version")).stdout:
        pytest.skip("only Hydra passes signals on")
    process = started(mpi(2, *train("run", "lstm", *FOR_EVER)))
    assert process.stdout.readline().startswith("iteration 15,"), process.communicate()
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == code
    assert re.search(r"stopped at iteration \d+ of 100,000,000, saved;", err)
    assert "BAD TERMINATION" not in out


def test_what_fails_on_one_rank_ends_all_and_names_it() -> None:
    script = """
from charrnn.cli.ranks import share
from charrnn.training.ranks import world
def program():
    world().bcast(("nonsense", ()))
    world().gather(None)
share(program)
"""
    failed = done((str(MPIRUN), "-n", "2", sys.executable, "-c", script))
    assert failed.returncode != 0
    assert re.search(r"charrnn: rank 1 of 2, on \S+, failed: ", failed.stderr)


def test_ranks_that_would_round_otherwise_are_refused() -> None:
    other = ("env", "OPENBLAS_CORETYPE=Nehalem", *CHARRNN, *train("run", "lstm"))
    refused = done((*mpi(1, *train("run", "lstm")), ":", "-n", "1", *other))
    assert refused.returncode == 1
    assert "rank 1 computes with processor " in refused.stderr
    assert "use machines that are equal in processor and libraries" in refused.stderr


def test_standard_input_is_refused_and_mistakes_are_one_sentence() -> None:
    refused = done(mpi(2, "train", "-"), stdin="a text")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "standard input, which a launcher of MPI does not pass on; name a file" in refused.stderr
    nowhere = done(mpi(2, "train", "nowhere.txt"))
    assert (nowhere.returncode, nowhere.stdout) == (1, "")
    assert nowhere.stderr.count("'nowhere.txt' does not exist") == 1


def test_other_commands_run_once() -> None:
    assert re.fullmatch(r"charrnn \S+\n", done(mpi(2, "--version")).stdout)


def test_without_mpi4py_it_says_so_once(folder: Path) -> None:
    for broken, says in (
        ("raise ImportError", "this needs mpi4py"),
        ("raise RuntimeError('no libmpi')", "finds no MPI"),
    ):
        Path("broken/mpi4py").mkdir(parents=True, exist_ok=True)
        Path("broken/mpi4py/__init__.py").write_text(broken)
        command = mpi(2, *train("run", "lstm"))
        env = os.environ | {"PYTHONPATH": f"{folder / 'broken'}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}
        failed = subprocess.run(command, capture_output=True, text=True, env=env, timeout=60)
        assert failed.returncode == 1
        assert failed.stderr.count(says) == 1
        assert "Traceback" not in failed.stderr
