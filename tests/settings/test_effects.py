"""Settings that do nothing, or not what was meant, are said, and only those that somebody set."""

from collections.abc import Sequence

import pytest

from charrnn import load_settings
from charrnn.optim.optimizers import OPTIMIZERS
from charrnn.settings.effects import remarks
from charrnn.settings.overlays import from_assignments, from_file, from_settings
from charrnn.settings.recipes import recipes
from charrnn.settings.runs import over_default, settings_to_start


def idle(*assignments: str, config: Sequence[str] = ()) -> list[str]:
    overlays = over_default([*map(from_file, config), from_assignments(assignments, "--set")])
    settings = settings_to_start(overlays)
    said = remarks(settings, settings.training.iterations or 10**6, overlays)
    return [sentence.partition(" is ")[0] for sentence in said]


@pytest.mark.parametrize(
    ("assignments", "key"),
    [
        (["model.dropout=0.5"], "model.dropout"),
        (["model.skips=true"], "model.skips"),
        (["model.dropout_head=0", "model.dropout_masks=window"], "model.dropout_masks"),
        (["model.dropout_head=0", "model.dropout_recurrent=0.2", "model.dropout_masks=window"], "model.dropout_masks"),
        (["training.optimizer=sgd", "training.beta1=0.9"], "training.beta1"),
        (["training.momentum=0.5"], "training.momentum"),
        (["training.schedule=constant", "training.final_rate=0.1"], "training.final_rate"),
        (["model.cell=gru", "model.forget_bias=2"], "model.forget_bias"),
        (["training.init_from=runs/my", "model.forget_bias=2"], "model.forget_bias"),
        (["corpus.validation=0", "training.early_stop=true"], "training.early_stop"),
        (["corpus.validation=0", "training.evaluate_characters=9"], "training.evaluate_characters"),
        (["training.clip=null", "training.clip_kind=value"], "training.clip_kind"),
        (["corpus.encoding=latin-1"], "corpus.encoding"),
        (["corpus.items=lines", "training.state_reset=0.5"], "training.state_reset"),
        (["corpus.seed=1"], "corpus.seed"),
        (["training.iterations=20", "training.final_rate=0.5"], "training.final_rate"),  # within the warm-up
    ],
)
def test_what_does_nothing_is_named(assignments: list[str], key: str) -> None:
    assert key in idle("training.validate_every=200", *assignments)
    assert key not in idle(*assignments[:-1])  # not while it stands at its default


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_weight_decay_that_becomes_a_penalty_is_said(optimizer: str) -> None:
    """The 0.1 of the default recipe, where its optimizer is replaced by one that measures out its steps."""
    chosen = f"training.optimizer={optimizer}"
    assert ("training.optimizer" in idle(chosen)) == (optimizer in ("adam", "adagrad", "rmsprop"))
    assert "training.optimizer" not in idle(chosen, "training.weight_decay=0")


def test_a_recipe_and_what_is_set_may_clash() -> None:
    """The warm-up and the samples of the default recipe, and the dropout of another."""
    assert idle("training.iterations=100") == ["training.warmup"]
    assert idle("training.iterations=9") == ["training.warmup", "snapshots.at"]
    assert idle("model.layers=1", config=["tolstoy"]) == ["model.dropout"]


@pytest.mark.parametrize("recipe", recipes())
def test_recipes_and_lists_of_all_settings_clash_with_nothing(recipe: str) -> None:
    given = settings_to_start([from_file(recipe)])
    everything = from_settings(type(given).model_validate(given.model_dump()))
    for overlay in (from_file(recipe), everything):
        path = from_assignments(["corpus.path=my.txt"], "--set")
        assert remarks(settings_to_start([overlay, path]), 10**6, [overlay, path]) == []


def test_a_sentence_says_the_value_and_the_reason() -> None:
    chosen = load_settings(training={"iterations": 20, "optimizer": "sgd", "beta1": 0.5})
    (said,) = remarks(chosen, 10**4, [from_assignments(["training.beta1=0.5"], "--set")])
    assert said == "training.beta1 is 0.5 and does nothing: the optimizer sgd has no use for it"


@pytest.mark.parametrize(
    ("schedule", "iterations", "share"), [("cosine", 20, "20"), ("cosine", 100, "100"), ("one-cycle", 20, "9.55")]
)
def test_of_a_warmup_that_never_ends_is_said_how_far_the_rate_rises(schedule: str, iterations: int, share: str) -> None:
    overlay = from_assignments([f"training.schedule={schedule}", "training.warmup=100"], "--set")
    chosen = settings_to_start([overlay])
    assert remarks(chosen, iterations, [overlay]) == [
        f"training.warmup is 100 in a run of {iterations} iterations: the learning rate only rises, and ends at "
        f"{share}% of training.learning_rate"
    ]
    assert remarks(chosen, 101, [overlay]) == []
