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
