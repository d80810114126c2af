"""Stopped anywhere and resumed, a run ends with the same bits as if it had not been stopped."""

import hashlib
import os
import re
import shutil
import signal
import warnings
from pathlib import Path

import numpy as np
import pytest

from charrnn import (
    Evaluation,
    Run,
    Saved,
    Settings,
    Snapshot,
    Step,
    Trainer,
    load_checkpoint,
    load_settings,
    make_corpus,
    resume,
    start,
)
from charrnn.errors import CharRNNWarning, DivergenceError, RunError, SettingsError, WorkerError
from charrnn.nn.cells import CELLS
from charrnn.optim.optimizers import OPTIMIZERS
from charrnn.settings.overlays import from_mapping
from charrnn.settings.runs import settings_to_resume
from charrnn.storage.records import Status
from charrnn.training import trainer as module

ITERATIONS = 12
CORPUS = make_corpus("".join(chr(97 + i * i % 17) for i in range(200)), validation=0.2)


def settings(**sections) -> Settings:
    """Four windows an epoch, so that twelve iterations cross two ends of one."""
    own = {
        "model": {"hidden": 6, "layers": 2, "dropout": 0.25, "dropout_head": 0.1, "dropout_recurrent": 0.2}
        | sections.get("model", {}),
        "training": {"iterations": ITERATIONS, "batch": 4, "window": 9, "report": 5, "validate_every": 4}
        | sections.get("training", {}),
        "snapshots": {"at": [2, 7], "length": 20},
        "checkpoints": {"every": 5},
        "compute": {"workers": 1} | sections.get("compute", {}),
    }
    return load_settings("quick", **own)


def train(run: Run, chosen: Settings, stops: tuple[int, ...] = ()) -> Trainer:
    """Trains to the end, stopped after each of the given iterations and resumed from disk."""
    run.create(chosen)
    trainer = Trainer(chosen, CORPUS, run)
    for stop in stops:
        until(trainer, stop)
        checkpoint = run.last_checkpoint()
        trainer = Trainer(checkpoint.settings, CORPUS, run, checkpoint)
        assert trainer.progress.iteration == stop
    list(trainer.train())
    return trainer


def until(trainer: Trainer, iteration: int) -> None:
    for _ in trainer.train():
        if trainer.progress.iteration == iteration:
            trainer.stop()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Trainer:
    """One that trained to the end without a stop."""
    return train(Run(tmp_path_factory.mktemp("resume") / "whole"), settings())


@pytest.fixture
def run(whole: Trainer, tmp_path: Path) -> Run:
    """A copy of its run, which has ended."""
    return Run(shutil.copytree(whole.run.folder, tmp_path / "run"))


def digest(trainer: Trainer) -> str:
    return hashlib.sha256(trainer.model.parameters.vector.tobytes()).hexdigest()


def facts(run: Run) -> list[dict]:
    """Metrics, but for what a clock measured."""
    clocked = ("characters_per_second", "seconds")
    return [{key: value for key, value in row.items() if key not in clocked} for row in run.metrics()]


def same(a: Trainer, b: Trainer) -> None:
    assert digest(a) == digest(b)
    assert a.checkpoint().training.state.tobytes() == b.checkpoint().training.state.tobytes()
    assert a.progress == b.progress
    assert facts(a.run) == facts(b.run)
    assert a.run.snapshots() == b.run.snapshots()
    assert a.run.noted() == b.run.noted() == Status("finished", ITERATIONS, ITERATIONS)


def children() -> set[str]:
    """The processes that this one has started."""
    return set(Path("/proc/thread-self/children").read_text().split())


@pytest.mark.skipif(not Path("/proc/thread-self/children").exists(), reason="needs the list of child processes")
@pytest.mark.parametrize("killed", [7, 8], ids=["before a step", "before an evaluation"])
def test_a_worker_that_dies_loses_nothing_that_is_learnt(tmp_path: Path, killed: int) -> None:
    chosen = settings(compute={"workers": 2})
    whole = train(Run(tmp_path / "whole"), chosen)
    run = Run(tmp_path / "stopped")
    run.create(chosen)
    trainer, before = Trainer(chosen, CORPUS, run), children()
    going_on = trainer.train()
    next(fact for fact in going_on if isinstance(fact, Step) and fact.iteration == killed)
    (worker,) = children() - before
    os.kill(int(worker), signal.SIGKILL)
    with pytest.raises(WorkerError, match="ended with status -9"):
        list(going_on)
    checkpoint = run.last_checkpoint()
    assert checkpoint.progress.iteration == killed
    resumed = Trainer(chosen, CORPUS, run, checkpoint)
    list(resumed.train())
    assert digest(resumed) == digest(whole)
    assert [row["iteration"] for row in facts(run)] == [row["iteration"] for row in facts(whole.run)]


def test_the_first_save_waits_for_no_iteration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It comes after a minute, here after none at all."""
    monkeypatch.setattr(module, "FIRST_SAVE", 0.0)
    run = Run(tmp_path / "run")
    run.create(settings())
    saved = [fact.iteration for fact in Trainer(settings(), CORPUS, run).train() if isinstance(fact, Saved)]
    assert saved == [1, 5, 10, 12]


@pytest.mark.parametrize(
    "sections",
    [
        *({"model": {"cell": cell}} for cell in CELLS),
        *({"training": {"optimizer": optimizer}} for optimizer in OPTIMIZERS),
    ],
    ids=str,
)
def test_every_cell_and_every_optimizer_resumes_exactly(tmp_path: Path, sections: dict) -> None:
    chosen = settings(**sections)
    whole = train(Run(tmp_path / "whole"), chosen)
    same(whole, train(Run(tmp_path / "stopped"), chosen, stops=(1, 4, 9)))


@pytest.mark.parametrize("stop", range(1, ITERATIONS))
def test_every_stop_resumes_exactly(tmp_path: Path, whole: Trainer, stop: int) -> None:
    same(whole, train(Run(tmp_path / "stopped"), settings(), stops=(stop,)))


def test_two_workers_resume_exactly(tmp_path: Path) -> None:
    chosen = settings(compute={"workers": 2})
    whole = train(Run(tmp_path / "whole"), chosen)
    same(whole, train(Run(tmp_path / "stopped"), chosen, stops=(5,)))


@pytest.mark.parametrize("workers", [1, 2])
def test_compiled_cells_resume_exactly(tmp_path: Path, workers: int) -> None:
    numba = pytest.importorskip("numba")
    chosen = settings(compute={"workers": workers, "compiled": True})
    whole = train(Run(tmp_path / "whole"), chosen)
    same(whole, train(Run(tmp_path / "stopped"), chosen, stops=(5,)))
    assert whole.checkpoint().made_with["numba"] == numba.__version__


def test_a_run_that_was_compiled_goes_on_without_and_says_so(tmp_path: Path) -> None:
    pytest.importorskip("numba")
    run = Run(tmp_path / "run")
    train(run, settings(compute={"compiled": True}))
    checkpoint = run.last_checkpoint()
    more = {"training": {"iterations": ITERATIONS + 2}, "compute": {"compiled": False}}
    plain = settings_to_resume(checkpoint.settings, [from_mapping(more, "test")])
    with pytest.warns(CharRNNWarning, match=r"made with numba \S+, here none: .*not with the very bits"):
        trainer = Trainer(plain, CORPUS, run, checkpoint)
    list(trainer.train())
    assert "numba" not in run.last_checkpoint().made_with


def test_a_run_goes_on_with_its_batch_in_parts_and_says_so(run: Run) -> None:
    """The parts are another way to the same gradient: only rounding differs."""
    same_length = settings(training={"iterations": ITERATIONS + 2})
    checkpoint = run.last_checkpoint()
    more = {"training": {"iterations": ITERATIONS + 2, "accumulate": 3}}
    in_parts = settings_to_resume(checkpoint.settings, [from_mapping(more, "test")])
    with pytest.warns(CharRNNWarning, match="made with accumulate none, here 3: .*not with the very bits"):
        trainer = Trainer(in_parts, CORPUS, run, checkpoint)
    whole = Trainer(same_length, CORPUS, checkpoint=run.last_checkpoint())
    for each in (whole, trainer):
        assert each.progress.iteration == ITERATIONS
        list(each.train())
    np.testing.assert_allclose(trainer.model.parameters.vector, whole.model.parameters.vector, atol=1e-5)


@pytest.mark.parametrize(
    "training",
    [
        {"epoch_end": "reset"},
        {"epoch_start": "random"},
        {"average_decay": 0.6},
        {"accumulate": 2},
        {"warmup": 6},
        {"schedule": "exponential", "warmup": 0, "rate_decay": 0.5, "rate_decay_after": 1},
    ],
)
def test_whatever_depends_on_the_position_resumes_exactly(tmp_path: Path, training: dict) -> None:
    chosen = settings(training=training)
    whole = train(Run(tmp_path / "whole"), chosen)
    same(whole, train(Run(tmp_path / "stopped"), chosen, stops=(3, 8)))


def test_what_came_after_the_last_save_is_cut_off_and_written_again(tmp_path: Path, whole: Trainer) -> None:
    run = Run(tmp_path / "killed")
    run.create(settings())
    for _ in Trainer(settings(), CORPUS, run).train():
        if len(run.metrics()) and run.metrics()[-1]["iteration"] == 8:
            break  # last saved at 5; the snapshot at 7 and the lines at 7 and 8 are beyond it
    checkpoint = run.last_checkpoint()
    assert checkpoint.progress.iteration == 5
    run.cut_back(5, checkpoint.settings)
    assert [row["iteration"] for row in run.metrics()] == [2, 4, 5]
    assert [snapshot.iteration for snapshot in run.snapshots()] == [2]
    assert not (run.folder / "checkpoints" / "iteration-000007.npz").exists()
    resumed = Trainer(checkpoint.settings, CORPUS, run, checkpoint)
    list(resumed.train())
    same(whole, resumed)


def test_a_run_that_never_saved_says_so(tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    run.create(settings())
    next(iter(Trainer(settings(), CORPUS, run).train()))
    with pytest.raises(RunError, match=r"before it saved anything that training could go on from; start it again"):
        run.last_checkpoint()


def test_a_run_that_kept_weights_alone_says_which(tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    run.create(settings())
    for fact in Trainer(settings(), CORPUS, run).train():
        if fact.iteration == 3:
            break
    with pytest.raises(RunError, match=r"; start it again .* begins with its weights of iteration 2, with init_from$"):
        run.last_checkpoint()


def test_raising_the_iterations_continues_a_run_that_had_ended(tmp_path: Path) -> None:
    constant = {"schedule": "constant"}
    longer = train(Run(tmp_path / "longer"), settings(training=constant | {"iterations": 20}))
    run = Run(tmp_path / "raised")
    train(run, settings(training=constant))
    checkpoint = run.last_checkpoint()
    raised = settings_to_resume(checkpoint.settings, [from_mapping({"training.iterations": 20}, "test")])
    trainer = Trainer(raised, CORPUS, run, checkpoint)
    list(trainer.train())
    assert trainer.progress.iteration == 20
    assert digest(trainer) == digest(longer)


def test_a_run_that_is_stopped_takes_no_snapshot_and_says_so(tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    run.create(settings())
    until(Trainer(settings(), CORPUS, run), 5)
    assert [snapshot.iteration for snapshot in run.snapshots()] == [2]
    assert run.noted() == Status("stopped", 5, ITERATIONS)
    run.cut_back(5, settings())
    assert run.noted() is None  # until training goes on


def test_what_was_written_at_the_end_stays_when_a_run_goes_on_and_is_not_written_twice(run: Run) -> None:
    """Ended at 12, it goes on to 20, is killed after its save at 15 and one more snapshot, and goes on again."""
    checkpoint = run.last_checkpoint()
    raised = settings_to_resume(checkpoint.settings, [from_mapping({"training.iterations": 20}, "test")])
    run.cut_back(ITERATIONS, raised)
    ended = run.snapshots()
    assert [snapshot.iteration for snapshot in ended] == [2, 7, ITERATIONS]
    for fact in Trainer(raised, CORPUS, run, checkpoint).train():
        if isinstance(fact, Snapshot):
            break  # at 20, whose save is not done
    killed = run.snapshots()
    assert killed[:-1] == ended
    assert run.noted() == Status("running", ITERATIONS, 20)
    checkpoint = run.last_checkpoint()
    assert checkpoint.progress.iteration == 15
    run.cut_back(15, raised)
    assert run.snapshots() == ended
    list(Trainer(raised, CORPUS, run, checkpoint).train())
    assert run.snapshots() == killed
    assert [row["iteration"] for row in run.metrics()] == [2, 4, 5, 7, 8, 10, 12, 15, 16, 20]
    assert run.noted() == Status("finished", 20, 20)


def test_time_goes_on_where_it_stopped(tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    train(run, settings(), stops=(6,))
    seconds = [row["seconds"] for row in run.metrics()]
    assert seconds[0] > 0
    assert seconds == sorted(seconds)


def test_a_trainer_that_was_stopped_goes_on_when_asked_again(whole: Trainer) -> None:
    trainer = Trainer(settings(), CORPUS)
    until(trainer, 5)
    assert trainer.progress.iteration == 5
    list(trainer.train())
    assert digest(trainer) == digest(whole)


@pytest.mark.parametrize("fewer", [{"training.iterations": 3}, {"training.epochs": 0.6}])
def test_fewer_iterations_than_are_done_are_refused(run: Run, fewer: dict) -> None:
    checkpoint = run.last_checkpoint()
    lowered = settings_to_resume(checkpoint.settings, [from_mapping(fewer, "test")])
    (length,) = fewer
    with pytest.raises(RunError, match=rf"at iteration 12, beyond the 3 now set; set {re.escape(length)} higher"):
        Trainer(lowered, CORPUS, run, checkpoint)


@pytest.mark.parametrize(("kept", "good", "at"), [(None, "last.npz", 12), (100, "last.prev.npz", 10)])
def test_a_divergence_names_the_checkpoint_that_training_went_on_from(
    run: Run, kept: int | None, good: str, at: int
) -> None:
    """Also where the last was cut short, and has made way for the one before it."""
    run.last.write_bytes(run.last.read_bytes()[:kept])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CharRNNWarning)
        checkpoint = run.last_checkpoint()
    wild = {"training": {"iterations": 30, "learning_rate": 1e9}}
    chosen = settings_to_resume(checkpoint.settings, [from_mapping(wild, "test")])
    trainer = Trainer(chosen, CORPUS, run, checkpoint)
    run.cut_back(at, chosen)
    path = run.folder / "checkpoints" / good
    with pytest.raises(DivergenceError, match=re.escape(f"good checkpoint is {str(path)!r}, of iteration {at};")):
        list(trainer.train())
    assert load_checkpoint(path).progress.iteration == at


def test_the_best_checkpoint_stays_when_a_run_goes_back(run: Run) -> None:
    """It took the place of one that the run had before the iteration it goes back to."""
    best = run.folder / "checkpoints" / "best.npz"
    run.cut_back(load_checkpoint(best).progress.iteration - 1, settings())
    assert best.exists()


def test_what_a_killed_save_left_is_removed(run: Run) -> None:
    unfinished = run.folder / "checkpoints" / ".last.npz.unfinished-123"
    unfinished.write_bytes(b"half")
    run.cut_back(ITERATIONS, settings())
    assert not unfinished.exists()


def test_a_run_that_had_ended_does_nothing_more(run: Run) -> None:
    checkpoint = run.last_checkpoint()
    assert list(Trainer(checkpoint.settings, CORPUS, run, checkpoint).train()) == []


def test_another_text_is_refused(run: Run) -> None:
    with pytest.raises(RunError, match="not what this run learnt"):
        Trainer(settings(), make_corpus("another text " * 40), run, run.last_checkpoint())


@pytest.mark.parametrize(
    "other", [{"model": {"hidden": 16}}, {"training": {"batch": 3}}, {"training": {"optimizer": "sgd"}}], ids=str
)
def test_settings_of_another_run_are_refused(run: Run, other: dict) -> None:
    with pytest.raises(SettingsError, match=r" in this run and .*; leave it out"):
        Trainer(settings(**other), CORPUS, run, run.last_checkpoint())


def test_weights_alone_are_refused(run: Run) -> None:
    with pytest.raises(RunError, match="weights only"):
        Trainer(settings(), CORPUS, run, load_checkpoint(run.folder))


@pytest.mark.parametrize("ending", [{"iterations": 6}, {"early_stop": True, "patience": 0}])
def test_a_run_that_settings_end_where_it_stands_has_all_that_is_due_at_the_end(tmp_path: Path, ending: dict) -> None:
    run = Run(tmp_path / "run")
    run.create(settings())
    until(Trainer(settings(), CORPUS, run), 6)
    checkpoint = run.last_checkpoint()
    facts = list(Trainer(checkpoint.settings.changed(training=ending), CORPUS, run, checkpoint).train())
    assert [type(fact) for fact in facts] == [Evaluation, Snapshot, Saved]
    assert [snapshot.iteration for snapshot in run.snapshots()] == [2, 6]
    assert run.noted().state == "finished"


def test_with_other_settings_a_better_network_that_was_made_later_stays(tmp_path: Path) -> None:
    text = tmp_path / "my.txt"
    text.write_text(CORPUS.vocabulary.decode(CORPUS.ids))
    chosen = settings(training={"validate_every": 1, "learning_rate": 0.02}).changed(corpus={"path": [str(text)]})
    trainer = start(chosen, run=tmp_path / "run")
    for fact in trainer.train():
        if isinstance(fact, Saved) and fact.iteration == 5:
            before = trainer.run.last_checkpoint()
            shutil.copytree(tmp_path / "run", tmp_path / "killed")
        if isinstance(fact, Evaluation) and fact.iteration == 9:
            shutil.copy(tmp_path / "run/checkpoints/best.npz", tmp_path / "killed/checkpoints/best.npz")
    later = load_checkpoint(tmp_path / "killed").progress
    assert later.iteration > before.progress.iteration
    same, other = resume(tmp_path / "killed"), resume(tmp_path / "killed", training={"learning_rate": 1e-5})
    assert same.progress.best_iteration == before.progress.best_iteration
    assert (other.progress.best_iteration, other.progress.best_loss) == (later.iteration, later.best_loss)


def test_a_run_whose_settings_could_not_be_read_again_does_not_begin(tmp_path: Path) -> None:
    for k in range(400):
        (tmp_path / f"{k}{'é' * 100}.txt").write_text("a text\n")
    chosen = settings().changed(corpus={"path": sorted(map(str, tmp_path.iterdir()))})
    with pytest.raises(SettingsError, match=r"since corpus\.path names 400 files; name the folder that they are in"):
        start(chosen, run=tmp_path / "run")
    assert not (tmp_path / "run").exists()
