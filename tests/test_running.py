"""The examples of docs/running.md, as far as they go without a cluster and a container: the job's script with stand-ins
for Slurm's own two commands, the workflow's commands, the cells of the notebook, the files that make an image."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from charrnn import load_checkpoint
from charrnn.analysis.scoring import score_text

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "running.md").read_text("utf-8")
TEXT = "The river was wide, and the prince said: No! It was a river.\n" * 80
CHARRNN = f'#!/bin/sh\nexec "{sys.executable}" -m charrnn "$@" $SMALL\n'
SRUN = f"""#!{sys.executable}
import signal, subprocess, sys
command = [argument for argument in sys.argv[1:] if not argument.startswith("--cpus-per-task")]
process = subprocess.Popen(command, stdout=subprocess.PIPE)
process.stdout.readline()  # the first sample is being shown: the time is over
process.send_signal(signal.SIGTERM)
process.communicate()
sys.exit(process.returncode)
"""
needs_bash = pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")


def block(kind: str) -> str:
    """The first block of code of one kind on the page."""
    return re.findall(rf"^```{kind}\n(.*?)^```$", PAGE, re.S | re.M)[0]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current one, with a text in it and ``charrnn`` on the path."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my.txt").write_text(TEXT)
    program("charrnn", CHARRNN)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    return tmp_path


def program(name: str, script: str) -> None:
    Path("bin").mkdir(exist_ok=True)
    Path("bin", name).write_text(script)
    Path("bin", name).chmod(0o755)


@needs_bash
def test_a_slurm_job_saves_when_its_time_is_over_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    small = (
        "model.hidden=4 training.batch=2 training.window=8 training.iterations=100000 snapshots.at=5 snapshots.every=50"
    )
    monkeypatch.setenv("SMALL", " ".join(f"--set {setting}" for setting in small.split()))
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "1")
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    program("srun", SRUN)
    program("scontrol", '#!/bin/sh\necho "$@" >> scontrol.txt\n')
    Path("train.sh").write_text(block("bash"))

    begun = subprocess.run(["bash", "train.sh"], capture_output=True, text=True)
    saved = load_checkpoint("runs/cluster/checkpoints/last.npz").progress.iteration
    assert (begun.returncode, saved >= 5) == (143, True), begun.stderr
    assert Path("scontrol.txt").read_text() == "requeue 7\n"

    monkeypatch.setenv("SMALL", "")  # settings that stay as they are
    again = subprocess.run(["bash", "train.sh"], capture_output=True, text=True)
    assert f"run: runs/cluster, from iteration {saved}" in again.stderr
    assert load_checkpoint("runs/cluster/checkpoints/last.npz").progress.iteration > saved
    assert Path("scontrol.txt").read_text() == "requeue 7\n" * 2


@needs_bash
def test_the_workflow_passes() -> None:
    steps = [step["run"] for step in yaml.safe_load(block("yaml"))["jobs"]["learn"]["steps"] if "run" in step]
    commands = [step for step in steps if "pip install" not in step]
    assert len(commands) == 3
    script = "\n".join([f'python3() {{ "{sys.executable}" "$@"; }}', *commands])
    done = subprocess.run(["bash", "-euc", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@needs_bash
def test_many_runs_side_by_side_and_their_report(monkeypatch: pytest.MonkeyPatch) -> None:
    small = "--set model.hidden=4 --set training.batch=2 --set training.window=8 --set training.iterations=5"
    program(
        "charrnn",
        f'#!/bin/sh\nc=$1; shift\n[ $c = train ] && set -- "$@" {small}\n{sys.executable} -m charrnn $c "$@"\n',
    )
    (commands,) = (found for found in re.findall(r"^```sh\n(.*?)^```$", PAGE, re.S | re.M) if "xargs" in found)
    done = subprocess.run(["bash", "-euc", commands], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in Path("runs").glob("rate-*")) == [
        f"rate-{rate}-seed-{seed}" for rate in ("1e-2", "2e-3") for seed in (0, 1)
    ]
    rates = {load_checkpoint(run).settings.training.learning_rate for run in Path("runs").glob("rate-*")}
    assert rates == {2e-3, 1e-2}
    assert "rate-1e-2-seed-1" in Path("rates.html").read_text("utf-8")


@needs_bash
def test_further_in_pytorch_and_back() -> None:
    pytest.importorskip("torch")
    page = (ROOT / "docs" / "gpu.md").read_text("utf-8")
    (script,), (commands,) = (re.findall(rf"^```{kind}\n(.*?)^```$", page, re.S | re.M) for kind in ("python", "sh"))
    Path("further.py").write_text(script.replace("200, 50, 50, 2e-3", "60, 8, 20, 2e-2"))
    more = "--config char-rnn --set model.hidden=16 --set model.embedding=5"
    lines = [f'python3() {{ "{sys.executable}" "$@"; }}', commands.replace("--config char-rnn", more)]
    done = subprocess.run(["bash", "-euc", "\n".join(lines)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    said = re.search(r"validation loss ([0-9.]+)", done.stdout)
    begun, further = load_checkpoint("runs/begun"), load_checkpoint("further-checkpoint.npz")
    text = TEXT[len(TEXT) * 9 // 10 :]
    before, after = (
        sum(piece.nats.sum() for piece in score_text(each.model, [text])) / len(text) for each in (begun, further)
    )
    assert after < 0.95 * before
    assert after == pytest.approx(float(said[1]), abs=0.02)


def test_the_cells_of_the_notebook(capsys: pytest.CaptureFixture[str]) -> None:
    cells = re.findall(r"^```python\n(.*?)^```$", PAGE, re.S | re.M)
    said: dict[str, object] = {}
    for cell in cells:
        exec(compile(cell.replace("300", "30").replace("[10, 100,", "[10, 20,"), "running.md", "exec"), said)
    assert len(said["losses"]) == 30
    assert capsys.readouterr().out.startswith("10: ")


def test_an_image_is_made_of_what_the_wheel_needs_and_of_nothing_else() -> None:
    document = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    wheel, project = document["tool"]["hatch"]["build"]["targets"]["wheel"], document["project"]
    needed = {
        "pyproject.toml",
        *wheel["packages"],
        *wheel["force-include"],
        project["readme"],
        *(file for file in project["license-files"] if Path(file).parts[0] not in wheel["packages"]),
    }
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    assert lines[1] == "*"
    assert {line[1:] for line in lines if line.startswith("!")} == needed
    assert all((ROOT / name).exists() for name in needed)
