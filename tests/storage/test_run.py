"""A run folder: one writer at a time, the checkpoint before the last where the last is damaged, and fair warning."""

import subprocess
import sys
import warnings
import zipfile
from pathlib import Path

import pytest
from filelock import FileLock

from charrnn import Run, Trainer, load_checkpoint, load_settings, make_corpus
from charrnn.errors import CharRNNWarning, DamagedCheckpointError, RunError, SettingsError
from charrnn.storage import checkpoint as checkpoints

CORPUS = make_corpus("a quick brown fox\n" * 30)
SETTINGS = load_settings(
    "quick",
    model={"hidden": 3},
    training={"iterations": 6, "batch": 2, "window": 5, "validate_every": 2},
    checkpoints={"every": 2},
    compute={"workers": 1},
)
HOLD = """
import sys
from charrnn import Run
with Run(sys.argv[1]).writing():
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """One that has ended: last at 6, the one before at 4."""
    run = Run(tmp_path / "run")
    run.create(SETTINGS)
    list(Trainer(SETTINGS, CORPUS, run).train())
    return run


def damage(path: Path) -> None:
    """Turns one bit over, in the middle of the largest array."""
    with zipfile.ZipFile(path) as archive:
        largest = max(archive.infolist(), key=lambda member: member.compress_size)
    content = bytearray(path.read_bytes())
    content[largest.header_offset + largest.compress_size // 2] ^= 1
    path.write_bytes(content)


def test_another_process_is_refused_by_the_name_of_the_one_that_writes(run: Run) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, run.folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == b"held\n"
        trainer = Trainer(SETTINGS, CORPUS, run)
        for write in (
            lambda: run.create(SETTINGS, force=True),
            lambda: run.cut_back(2, SETTINGS),
            lambda: next(trainer.train()),
        ):
            with pytest.raises(RunError, match=f"is being written by process {holder.pid};"):
                write()
        holder.kill()
    run.cut_back(2, SETTINGS)  # the lock has died with it
    assert run.metrics()[-1]["iteration"] == 2


def test_who_looks_whether_a_run_goes_on_keeps_no_writer_out(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    looking = FileLock(run.folder / ".lock")
    looking.acquire()
    monkeypatch.setattr("time.sleep", lambda seconds: looking.release())  # between two attempts of the writer
    with run.writing():
        assert not looking.is_locked


def test_a_damaged_last_checkpoint_gives_way_to_the_one_before(run: Run) -> None:
    damage(run.last)
    with pytest.warns(CharRNNWarning, match=r"last.npz' is no .*\); .*last.prev.npz' of iteration 4 takes its place"):
        checkpoint = run.last_checkpoint()
    assert checkpoint.progress.iteration == 4

    run.cut_back(4, SETTINGS)
    assert load_checkpoint(run.folder / "checkpoints/last.prev.npz").progress.iteration == 4
    with pytest.raises(DamagedCheckpointError):
        load_checkpoint(run.folder / "checkpoints/last.damaged.npz")
    whole = load_checkpoint(run.folder).model.parameters.vector.tobytes()
    list(Trainer(SETTINGS, CORPUS, run, checkpoint).train())
    assert run.last_checkpoint().progress.iteration == 6
    assert load_checkpoint(run.folder).model.parameters.vector.tobytes() == whole


def test_a_missing_last_checkpoint_gives_way_to_the_one_before(run: Run) -> None:
    run.last.unlink()
    assert run.last_checkpoint().progress.iteration == 4


def test_both_damaged_is_said_of_the_last(run: Run) -> None:
    damage(run.last)
    damage(run.folder / "checkpoints/last.prev.npz")
    with pytest.raises(DamagedCheckpointError, match=r"last\.npz"):
        run.last_checkpoint()


def test_a_damaged_best_checkpoint_gives_way_to_the_last(run: Run) -> None:
    damage(run.folder / "checkpoints/best.npz")
    with pytest.warns(CharRNNWarning, match=r"best.npz' is no .*\); .*last.npz' of iteration 6 takes its place"):
        assert load_checkpoint(run.folder).progress.iteration == 6


@pytest.mark.parametrize(("name", "other"), [("numpy", "1.0"), ("blas", "mkl 1"), ("processor", "z80"), ("workers", 7)])
def test_going_on_elsewhere_warns_that_exactness_is_gone(
    run: Run, monkeypatch: pytest.MonkeyPatch, name: str, other: str | int
) -> None:
    checkpoint = run.last_checkpoint()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Trainer(SETTINGS, CORPUS, run, checkpoint)
    changed = checkpoints.Checkpoint(
        checkpoint.model,
        checkpoint.settings,
        checkpoint.progress,
        checkpoint.corpus,
        checkpoint.training,
        {**checkpoint.made_with, name: other},
    )
    with pytest.warns(CharRNNWarning, match=f"made with {name} {other}, here .*not with the very bits"):
        Trainer(SETTINGS, CORPUS, run, changed)


def test_metrics_that_are_none_are_passed_over(run: Run) -> None:
    rows = run.metrics()
    with open(run.folder / "metrics.jsonl", "ab") as file:
        file.write(b'5\n{}\n[]\n\xff\n{"iteration": "x"}\n' + b"[" * 100_000 + b'\n{"iterat')
    assert run.metrics() == rows


def test_a_run_that_was_only_half_made_is_made_again(tmp_path: Path) -> None:
    (tmp_path / "run/snapshots").mkdir(parents=True)
    Run(tmp_path / "run").create(SETTINGS)
    assert Run(tmp_path / "run").exists


RESUME = """
import sys
from charrnn import Run
run = Run(sys.argv[1])
run.cut_back(4, run.settings())
"""


def test_a_run_that_another_process_went_on_with_is_not_written_any_more(run: Run) -> None:
    trainer = Trainer(SETTINGS, CORPUS, run, run.last_checkpoint())
    run.cut_back(6, SETTINGS)
    with run.writing(continued=True), run.writing(continued=True):
        pass
    subprocess.run([sys.executable, "-c", RESUME, run.folder], check=True)
    before = {path: path.read_bytes() for path in run.folder.rglob("*") if path.is_file()}
    for write in (lambda: list(trainer.train()), lambda: run.writing(continued=True).__enter__()):
        with pytest.raises(RunError, match="has been written by another in the meantime; resume it anew"):
            write()
    assert {path: path.read_bytes() for path in run.folder.rglob("*") if path.is_file()} == before
    assert not run.is_going_on()
    run.cut_back(4, SETTINGS)
    with run.writing(continued=True):
        pass


def test_a_run_that_was_begun_anew_in_this_process_is_not_written_any_more(run: Run) -> None:
    old = Trainer(SETTINGS, CORPUS, run, run.last_checkpoint())
    Run(run.folder).create(SETTINGS, force=True)
    with pytest.raises(RunError, match="in the meantime"):
        list(old.train())


def test_settings_are_those_of_the_run(run: Run) -> None:
    assert run.settings() == SETTINGS
    with pytest.raises(RunError, match="holds no run; give a folder made by charrnn train"):
        Run(run.folder.parent / "other").settings()
    run.config.write_text("training: {batch: x}")
    with pytest.raises(SettingsError, match=r"training\.batch is 'x'"):
        run.settings()
