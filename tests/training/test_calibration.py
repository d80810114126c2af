"""A network is made as sure as it should be."""

from pathlib import Path

import numpy as np
import pytest

from charrnn import Model, Run, Settings, Trainer, load_checkpoint, load_settings, make_corpus
from charrnn.errors import CharRNNWarning
from charrnn.training.calibration import best_scale
from charrnn.training.engine import Engine
from charrnn.training.facts import Calibrated

WORDS = ["the ", "cat ", "sat ", "on ", "a ", "mat ", "and ", "ran ", "to ", "her "]
TEXT = make_corpus("".join(np.random.default_rng(0).choice(WORDS, 300)), validation=0.3)
"""A text in which the order of words is learnt by heart, if anything is: whoever learns it is surer than right."""


def settings(**training: object) -> Settings:
    own = {
        "iterations": 120,
        "batch": 4,
        "window": 10,
        "validate_every": 10,
        "learning_rate": 0.01,
        "schedule": "constant",
        "calibrate": True,
    }
    return load_settings(
        "quick",
        model={"hidden": 16, "skips": True, "layers": 2},
        training=own | training,
        snapshots={"at": [], "length": 10},
        compute={"workers": 1},
    )


def scaled(model: Model, scale: float) -> Model:
    """A model whose logits are that many times as large."""
    parameters = model.parameters.copy()
    for name in ("head.W", "head.b"):
        parameters[name][:] *= scale
    return Model(model.network, parameters, model.vocabulary)


def loss(model: Model) -> float:
    with Engine(model.network, 1) as engine:
        streams = TEXT.sample(TEXT.validation, 4, 10, None)
        return engine.evaluate(model.parameters, streams, 10).loss


def trained(folder: Path, chosen: Settings) -> tuple[Run, Trainer, list]:
    run = Run(folder)
    run.create(chosen)
    trainer = Trainer(chosen, TEXT, run)
    return run, trainer, list(trainer.train())


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """One that has learnt by heart."""
    _, trainer, _ = trained(tmp_path_factory.mktemp("model") / "run", settings(iterations=400, calibrate=False))
    return trainer.model


@pytest.mark.parametrize("more_sure", [0.9, 1.0, 1.3])
def test_the_loss_is_lowest_at_the_best_scale(model: Model, more_sure: float) -> None:
    model = scaled(model, more_sure)
    scale, lowest = best_scale(model, TEXT.sample(TEXT.validation, 4, 10, None), 10)
    assert lowest == pytest.approx(loss(scaled(model, scale)), abs=1e-4)
    assert lowest < min(loss(scaled(model, scale * other)) for other in (0.9, 1.1)) - 1e-4
    assert scale < 1


def test_logits_that_are_far_too_large_or_small_get_the_last_scale_that_is_tried(model: Model) -> None:
    for factor, last in ((20.0, np.exp(-0.7)), (0.02, np.exp(0.2))):
        scale, lowest = best_scale(sure := scaled(model, factor), TEXT.sample(TEXT.validation, 4, 10, None), 10)
        assert scale == pytest.approx(last)
        assert lowest == pytest.approx(loss(scaled(sure, scale)), abs=1e-4)


def test_the_best_network_is_kept_as_sure_as_it_should_be_and_training_is_as_it_was(tmp_path: Path) -> None:
    plain, before, _ = trained(tmp_path / "plain", settings(calibrate=False))
    run, trainer, facts = trained(tmp_path / "run", settings())
    fact, best, uncalibrated = facts[-1], load_checkpoint(run.folder), load_checkpoint(plain.folder)
    assert isinstance(fact, Calibrated)
    assert fact.iteration == best.progress.iteration == trainer.progress.best_iteration
    assert loss(best.model) == pytest.approx(fact.loss, abs=1e-4)
    assert best.progress.best_loss == best.progress.validation_loss == fact.loss < uncalibrated.progress.best_loss
    np.testing.assert_allclose(
        best.model.parameters.vector, scaled(uncalibrated.model, fact.scale).parameters.vector, rtol=1e-6
    )
    assert trainer.progress == before.progress
    for last in (run.last_checkpoint(), trainer.checkpoint()):
        assert np.array_equal(last.model.parameters.vector, before.model.parameters.vector)


def test_what_is_calibrated_already_stays_and_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    run, _, _ = trained(tmp_path / "run", settings())
    before = (tmp_path / "run/checkpoints/best.npz").read_bytes()
    assert list(Trainer(settings(), TEXT, run, run.last_checkpoint()).train()) == []
    assert (tmp_path / "run/checkpoints/best.npz").read_bytes() == before

    longer = settings(iterations=140)
    extended = Trainer(longer, TEXT, run, run.last_checkpoint())
    list(extended.train())
    _, straight, _ = trained(tmp_path / "straight", longer)
    assert extended.progress == straight.progress
    assert np.array_equal(extended.model.parameters.vector, straight.model.parameters.vector)


def test_a_better_network_of_a_longer_run_is_calibrated_too(tmp_path: Path) -> None:
    run, short, _ = trained(tmp_path / "run", settings(iterations=30))
    extended = Trainer(settings(iterations=60), TEXT, run, run.last_checkpoint())
    again = list(extended.train())[-1]
    assert isinstance(again, Calibrated)
    assert again.iteration == extended.progress.best_iteration > short.progress.best_iteration


def test_no_other_network_takes_the_place_of_a_best_one_that_is_damaged(tmp_path: Path) -> None:
    run, trainer, _ = trained(tmp_path / "run", settings(calibrate=False))
    assert trainer.progress.best_iteration < trainer.progress.iteration
    best = tmp_path / "run/checkpoints/best.npz"
    best.write_bytes(damaged := best.read_bytes()[:-100])
    with pytest.warns(CharRNNWarning, match="best.npz"):
        assert list(Trainer(settings(), TEXT, run, run.last_checkpoint()).train()) == []
    assert best.read_bytes() == damaged


def test_a_run_that_is_stopped_or_has_no_folder_is_not_calibrated(tmp_path: Path) -> None:
    chosen = settings(iterations=150)
    run = Run(tmp_path / "run")
    run.create(chosen)
    trainer, seen = Trainer(chosen, TEXT, run), []
    for fact in trainer.train():
        seen.append(fact)
        if trainer.progress.iteration == 20:
            trainer.stop()
    assert not any(isinstance(fact, Calibrated) for fact in (*seen, *Trainer(settings(), TEXT).train()))
