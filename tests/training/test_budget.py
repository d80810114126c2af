"""A time to train in is met whatever the machine does meanwhile, and a plan is kept when a run goes on."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

import charrnn.training.start
from charrnn import Planned, Run, Trainer, load_settings, make_corpus, resume, start
from charrnn.errors import RunError, SettingsError
from charrnn.settings.overlays import from_mapping
from charrnn.settings.runs import settings_to_resume
from charrnn.storage.document import Progress
from charrnn.training.budget import Budget

CORPUS = make_corpus("the cat sat on the mat and the dog ran to the man. " * 30)


def forecast(done: int, last: int) -> float:
    """An iteration a second; every tenth, and the last, are followed by three seconds of evaluation."""
    return last - done + 3 * (last // 10 - done // 10 + (last % 10 > 0))


def raced(seconds: float, pace: Callable[[float], float], spent: float = 0.0) -> tuple[float, list[int]]:
    """When a machine ends, of which a second of work takes ``pace`` at each time, and its plans."""
    done = 0
    budget = Budget(seconds, forecast, done, spent)
    planned = budget.plan(done, spent)
    plans = [planned]
    while done < planned:
        done += 1
        spent += pace(spent) * (1 + 3 * (done % 10 == 0 or done == planned))
        planned = budget.look(done, spent, planned)
        if planned != plans[-1]:
            plans.append(planned)
    return spent, plans


PACES: dict[str, Callable[[float], float]] = {
    "as measured": lambda at: 1,
    "twice as fast": lambda at: 0.5,
    "half as fast": lambda at: 2,
    "hotter and slower": lambda at: 1 + at / 1000,
    "slower from the middle on": lambda at: 1 if at < 500 else 2,
    "faster at the end": lambda at: 1 if at < 800 else 0.5,
    "by fits and starts": lambda at: 1 + at // 60 % 2,
}


@pytest.mark.parametrize("pace", PACES.values(), ids=PACES)
def test_a_time_is_met(pace: Callable[[float], float]) -> None:
    end, _ = raced(1000, pace)
    assert end == pytest.approx(1000, rel=0.05)


def test_what_was_spent_before_counts() -> None:
    end, _ = raced(1000, PACES["as measured"], spent=400)
    assert end == pytest.approx(1000, rel=0.05)


def test_a_plan_that_holds_is_not_touched() -> None:
    assert len(raced(1000, PACES["as measured"])[1]) == 1


def test_a_plan_is_the_most_that_fits_and_one_more_iteration_at_least() -> None:
    budget = Budget(100, forecast, 0, 0)
    planned = budget.plan(0, 0)
    assert forecast(0, planned) <= 100 < forecast(0, planned + 1)
    assert budget.plan(50, 200) == 51


def settings(**training):
    small = {"batch": 4, "window": 10, "validate_every": 50, "warmup": 0}
    return load_settings(
        "quick",
        model={"hidden": 4},
        training=small | training,
        snapshots={"at": []},
        checkpoints={"every": 10**6},
        compute={"workers": 1},
    )


def stopped(trainer: Trainer, *iterations: int) -> Trainer:
    """Trains to each of the iterations in turn, stopped there and resumed from disk."""
    for iteration in iterations:
        for _ in trainer.train():
            if trainer.progress.iteration == iteration:
                trainer.stop()
        checkpoint = trainer.run.last_checkpoint()
        trainer = Trainer(checkpoint.settings, CORPUS, trainer.run, checkpoint)
    return trainer


def begun(folder: Path, minutes: float) -> Trainer:
    run = Run(folder)
    run.create(settings(minutes=minutes))
    return Trainer(settings(minutes=minutes), CORPUS, run)


def test_a_run_in_minutes_ends_with_its_schedule() -> None:
    trainer = Trainer(settings(minutes=0.01), CORPUS)
    facts = list(trainer.train())
    assert trainer.progress.iteration == trainer.iterations == trainer.progress.plan[-1][1]
    assert trainer.progress.plan[0][0] == 0
    replanned = [(fact.iteration, fact.iterations) for fact in facts if isinstance(fact, Planned)]
    assert replanned == list(trainer.progress.plan[1:])
    assert facts[-1].iteration == trainer.iterations  # the last evaluation
    assert trainer.progress.seconds > 0


@pytest.mark.parametrize(
    ("plan", "patience"),
    [
        ((), 4),
        (((0, 100),), 4),
        (((0, 100), (50, 240)), 10),
        (((0, 100), (50, 60)), 4),
        (((0, 100), (50, 240), (80, 150)), 10),
    ],
)
def test_where_a_plan_has_grown_the_loss_may_rest_longer(plan: tuple, patience: int) -> None:
    trainer = Trainer(settings(minutes=1000, patience=4), CORPUS)
    for since, turned in ((patience - 1, False), (patience, True)):
        trainer.progress = Progress(plan=plan, since_best=since)
        assert trainer.has_turned == turned


def test_a_run_that_goes_on_keeps_what_was_planned_and_ends_each_step_with_the_same_bits(tmp_path: Path) -> None:
    """Two copies of one run: nothing in a thousand minutes makes them plan anew within so few iterations."""
    first = stopped(begun(tmp_path / "once", 1000), 1)
    plan, spent = first.progress.plan, first.progress.seconds
    checkpoint = first.run.last_checkpoint()
    run = Run(tmp_path / "again")
    run.create(first.settings)
    again = stopped(Trainer(first.settings, CORPUS, run, checkpoint), 3, 4, 9)
    once = stopped(first, 9)
    assert again.progress.plan == once.progress.plan == plan
    assert again.iterations == plan[0][1] > 9
    assert again.progress.seconds > spent > 0
    assert again.model.parameters.vector.tobytes() == once.model.parameters.vector.tobytes()


def test_reading_the_text_counts_in_a_run_that_begins_and_in_one_that_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_for(seconds: float) -> None:
        since = SimpleNamespace(perf_counter=lambda: time.perf_counter() - seconds)
        monkeypatch.setattr(charrnn.training.start, "time", since)

    read_for(100)
    trainer = start(settings(minutes=1000), CORPUS, run=tmp_path / "run")
    for _ in trainer.train():
        trainer.stop()
    assert 100 < (spent := trainer.progress.seconds) < 200
    read_for(1000)
    trainer = resume(tmp_path / "run")
    trainer.plan()
    assert 1000 < trainer.progress.seconds - spent < 1100


def test_other_minutes_are_planned_anew(tmp_path: Path) -> None:
    checkpoint = stopped(begun(tmp_path / "run", 1000), 5).run.last_checkpoint()
    longer = settings_to_resume(checkpoint.settings, [from_mapping({"training.minutes": 2000}, "test")])
    trainer = Trainer(longer, CORPUS, None, checkpoint)
    trainer.plan()
    *_, before, (after, iterations) = trainer.progress.plan
    assert (before, after, iterations) == (checkpoint.progress.plan[-1], 5, trainer.iterations)
    none_left = settings_to_resume(checkpoint.settings, [from_mapping({"training.minutes": 1e-5}, "test")])
    with pytest.raises(RunError, match=r"has trained for .* minutes, and 1e-05 are now set"):
        Trainer(none_left, CORPUS, None, checkpoint)


@pytest.mark.parametrize("length", [{"iterations": 12}, {"epochs": 0.3}])
def test_minutes_that_take_the_place_of_another_length_count_from_the_beginning(tmp_path: Path, length: dict) -> None:
    run = Run(tmp_path / "run")
    run.create(settings(**length))
    list(Trainer(settings(**length), CORPUS, run).train())
    checkpoint = run.last_checkpoint()
    run.report({"iteration": checkpoint.progress.iteration, "seconds": 90.0})
    longer, shorter = (
        settings_to_resume(checkpoint.settings, [from_mapping({"training.minutes": minutes}, "test")])
        for minutes in (1000, 1)
    )
    assert Trainer(longer, CORPUS, run, checkpoint).progress.seconds == 90
    with pytest.raises(RunError, match=r"has trained for 1\.5 minutes, and 1 are now set"):
        Trainer(shorter, CORPUS, run, checkpoint)


def test_iterations_take_the_place_of_minutes(tmp_path: Path) -> None:
    checkpoint = stopped(begun(tmp_path / "run", 1000), 5).run.last_checkpoint()
    counted = settings_to_resume(checkpoint.settings, [from_mapping({"training.iterations": 7}, "test")])
    trainer = Trainer(counted, CORPUS, None, checkpoint)
    list(trainer.train())
    assert (trainer.progress.iteration, trainer.progress.plan) == (7, checkpoint.progress.plan)
    assert Trainer(counted, CORPUS, None, trainer.checkpoint()).iterations == 7


def test_more_minutes_do_not_end_a_run_whose_loss_may_still_rest(tmp_path: Path) -> None:
    """With its plan the patience had grown."""
    checkpoint = stopped(begun(tmp_path / "run", 1000), 5).run.last_checkpoint()
    rests = checkpoint.settings.training.patience + 1
    progress = replace(checkpoint.progress, plan=((0, 100), (5, 300)), since_best=rests, best_iteration=1)
    checkpoint = replace(checkpoint, progress=progress)
    longer = settings_to_resume(checkpoint.settings, [from_mapping({"training.minutes": 2000}, "test")])
    trainer = Trainer(longer, CORPUS, None, checkpoint)
    trainer.plan()
    assert trainer.patience >= 3 * checkpoint.settings.training.patience
    assert not trainer.has_turned


@pytest.mark.parametrize("minutes", [0, -1, float("nan"), float("inf")])
def test_impossible_minutes(minutes: float) -> None:
    with pytest.raises(SettingsError, match=r"training\.minutes"):
        settings(minutes=minutes)
