"""The settings of a new run, of one that begins with a trained network, and of one that is resumed."""

import pytest
import yaml

from charrnn import Settings, load_settings
from charrnn.errors import SettingsError
from charrnn.settings.overlays import from_assignments, from_file, from_mapping, from_settings, resolve
from charrnn.settings.runs import settings_to_begin, settings_to_resume, settings_to_start

NETWORK = load_settings("quick", model={"cell": "gru", "layers": 2, "hidden": 6, "skips": True, "dropout": 0.3})


def test_the_default_recipe_stands_below_what_is_set_by_name() -> None:
    batch = from_assignments(["training.batch=7"], "--set")
    assert settings_to_start([batch]) == load_settings("quick", training={"batch": 7})
    assert settings_to_start([from_file("war-and-peace"), batch]).model.hidden == 576


def test_the_architecture_is_that_of_the_network_and_the_rest_may_be_set() -> None:
    assigned = from_assignments(["model.hidden=6", "model.forget_bias=2", "training.batch=7"], "--set")
    chosen = settings_to_begin([from_file("tolstoy"), assigned], NETWORK)
    assert (chosen.model.cell, chosen.model.layers, chosen.model.hidden, chosen.model.skips) == ("gru", 2, 6, True)
    assert (chosen.model.dropout, chosen.model.forget_bias, chosen.training.batch) == (0.2, 2, 7)
    assert settings_to_begin([assigned], NETWORK).model.dropout == 0.3


def test_the_dropout_of_the_network_stands_above_that_of_the_default_recipe() -> None:
    network = NETWORK.changed(model={"dropout_head": 0.5})
    batch = from_assignments(["training.batch=7"], "--set")
    assert settings_to_begin([batch], network).model.dropout_head == 0.5
    assert settings_to_begin([from_file("quick"), batch], network).model.dropout_head == 0.2


def test_the_text_is_brought_into_the_normal_form_that_the_network_has_learnt() -> None:
    composed = NETWORK.changed(corpus={"normalise": "NFC"})
    assert settings_to_begin([], composed).corpus.normalise == "NFC"
    as_it_is = from_assignments(["corpus.normalise=none"], "--set")
    assert settings_to_begin([as_it_is], composed).corpus.normalise == "none"


def test_ready_made_settings_give_way_to_the_network() -> None:
    given = load_settings("war-and-peace", model={"skips": False}, training={"batch": 7})
    chosen = settings_to_begin([from_settings(given)], NETWORK)
    assert (chosen.model, chosen.training) == (NETWORK.model, given.training)


@pytest.mark.parametrize("setting", ["cell=rnn", "layers=3", "hidden=7", "embedding=5", "skips=false"])
def test_another_architecture_is_refused(setting: str) -> None:
    key, _, value = f"model.{setting}".partition("=")
    for overlay in (
        from_assignments([f"{key}={value}"], "--set"),
        from_mapping({key: yaml.safe_load(value)}, "--set"),
    ):
        with pytest.raises(SettingsError, match=rf"{key} is .*, and the network to begin with .* \(--set\)"):
            settings_to_begin([overlay], NETWORK)


@pytest.mark.parametrize(
    "given",
    [
        Settings(),
        load_settings("quick"),
        load_settings("tolstoy", training={"minutes": 5}, snapshots={"at": []}),
        load_settings("char-rnn", model={"embedding": 4}, compute={"workers": 2}),
    ],
)
def test_settings_as_an_overlay_give_the_same_settings(given: Settings) -> None:
    assert resolve([from_settings(given)]) == settings_to_start([from_settings(given)]) == given
    assert settings_to_resume(given, [from_settings(given)]) == given


def test_settings_as_an_overlay_leave_what_they_do_not_set() -> None:
    below = from_mapping({"model.hidden": 9, "training.batch": 9, "corpus.validation": 0.2}, "below")
    chosen = resolve([below, from_settings(Settings(model={"hidden": 7}))])
    assert (chosen.model.hidden, chosen.training.batch, chosen.corpus.validation) == (7, 9, 0.2)


@pytest.mark.parametrize(
    ("key", "value"),
    [("model.hidden", 3), ("training.batch", 3), ("training.seed", 3), ("training.clip_kind", "value")],
)
def test_what_the_run_is_about_cannot_change(key: str, value: object) -> None:
    says = rf"^{key} is .* in this run and cannot change to {value!r} when it goes on; leave it out \(test\)$"
    with pytest.raises(SettingsError, match=says):
        settings_to_resume(load_settings("quick"), [from_mapping({key: value}, "test")])


def test_what_describes_a_run_gives_way_to_the_network_it_began_with_again() -> None:
    """The same command goes on with the run that it began."""
    given = [from_file("tolstoy"), from_assignments(["training.init_from=old", "training.iterations=9"], "--set")]
    begun = settings_to_begin(given, NETWORK)
    assert settings_to_resume(begun, given) == begun
    with pytest.raises(SettingsError, match=r"model\.hidden is 6 in this run"):
        settings_to_resume(begun, [*given, from_assignments(["model.hidden=7"], "--set")])
