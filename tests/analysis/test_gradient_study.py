"""Networks that are compared, and how their gradients change as they are trained."""

import numpy as np
import pytest

from charrnn import Model, Trainer, load_settings, make_corpus
from charrnn.analysis.gradient_study import COMPARED_CELLS, LARGE_WEIGHTS, like_sized, measure_flow, training_steps
from charrnn.analysis.gradients import norms_back

TEXT = "The cat sat on the mat.\nAnd then, all at once,\nit left. " * 12


def test_networks_compared_are_of_like_size() -> None:
    vocabulary = make_corpus(TEXT).vocabulary
    all_settings = like_sized(load_settings(model={"hidden": 32}), vocabulary)
    assert tuple(each.model.cell for each in all_settings) == COMPARED_CELLS
    assert all_settings[-1].model.hidden == 32
    sizes = [len(Model.new(each, vocabulary).parameters.vector) for each in all_settings]
    assert max(sizes) / min(sizes) < 1.05


def test_a_flow_is_of_a_model_before_and_after_its_training() -> None:
    training = {"iterations": 5, "batch": 2, "window": 8, "report": 1, "learning_rate": 0.1}
    settings = load_settings(model={"hidden": 6}, training=training, compute={"workers": 1})
    corpus = make_corpus(TEXT)
    began, trainer = Model.new(settings, corpus.vocabulary), Trainer(settings, corpus)
    ids = corpus.vocabulary.encode(TEXT)
    found = measure_flow(settings, trainer.model, training_steps(trainer), ids, 3)
    np.testing.assert_array_equal(found.untrained, norms_back(began, ids, 3))
    np.testing.assert_array_equal(found.trained, norms_back(trainer.model, ids, 3))
    assert not np.allclose(found.trained, found.untrained)
    steps = list(training_steps(Trainer(settings, corpus)))
    assert found.gradient_norm == [step.gradient_norm for step in steps]
    assert found.loss == [step.loss for step in steps]


def test_large_recurrent_weights_make_the_gradient_of_an_rnn_alone_grow() -> None:
    own = {key.removeprefix("model."): value for key, value in LARGE_WEIGHTS.items() if key.startswith("model.")}
    corpus = make_corpus(TEXT)
    for settings in like_sized(load_settings(model={"hidden": 32} | own), corpus.vocabulary):
        model = Model.new(settings, corpus.vocabulary)
        norms = norms_back(model, corpus.vocabulary.encode(TEXT), steps=50).mean(axis=-1)
        assert (norms[50] > 10 * norms[1]) == (settings.model.cell == "rnn")
        assert (norms[50] < norms[1] / 3) == (settings.model.cell != "rnn")


@pytest.mark.parametrize(("clip", "diverges"), [(None, True), (1e-38, False)])
def test_clipping_keeps_a_training_that_would_be_thrown_out(clip: float | None, diverges: bool) -> None:
    """A step of 3e38 gradients leaves the numbers' range, one of a clipped gradient does not."""
    training = {"iterations": 5, "batch": 2, "window": 8, "report": 1, "optimizer": "sgd", "learning_rate": 3e38}
    gradient_alone = {"lookup_rate": 1.0, "head_rate": 1.0, "weight_decay": 0.0}
    settings = load_settings(
        model={"cell": "rnn", "hidden": 4, "scale": 3.0},
        training=training | gradient_alone | {"clip": clip, "momentum": 0, "schedule": "constant", "warmup": 0},
        compute={"workers": 1},
    )
    corpus = make_corpus(TEXT)
    trainer = Trainer(settings, corpus)
    found = measure_flow(settings, trainer.model, training_steps(trainer), corpus.vocabulary.encode(TEXT), 3)
    assert found.diverged == diverges
    assert len(found.loss) == len(found.gradient_norm)
    assert (len(found.loss) == 5) != diverges
