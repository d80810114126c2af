"""What is chosen follows the time and the text."""

import random
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from charrnn import CharRNNError, Model, Settings, make_corpus, settings_for
from charrnn.errors import SettingsError
from charrnn.settings.build import build_streams
from charrnn.settings.overlays import from_file, from_mapping
from charrnn.settings.runs import settings_to_start
from charrnn.text.corpus import Corpus
from charrnn.training import choice
from charrnn.training.choice import Proposal, best, leaves_choice, propose, reasons
from charrnn.training.speed import Speed

TEXT = "".join(random.Random(1).choices("etaoin shrdlu\n", k=20_000))


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine whose speed is one over the number of parameters, and where time passes only while it is measured."""
    now = 0.0

    def speed(settings: Settings, corpus: Corpus, model: Model, seconds: float) -> Speed:
        nonlocal now
        now += seconds
        return Speed(4e9 / len(model.parameters.vector), 1e10 / len(model.parameters.vector), 1000)

    monkeypatch.setattr(choice, "measure_speed", speed)
    monkeypatch.setattr(choice, "time", SimpleNamespace(perf_counter=lambda: now))
    monkeypatch.setattr(choice, "HIDDEN", (16, 32, 64, 128, 256))


def proposals(minutes: float, corpus: Corpus, **settings: object) -> list[Proposal]:
    """From the smallest network to the largest."""
    found = propose([from_mapping({"training.minutes": minutes, **settings}, "test")], corpus)
    return sorted(found, key=lambda p: p.parameters)


def proposal(hidden: int, minutes: float, corpus: Corpus, **settings: object) -> Proposal:
    (only,) = proposals(minutes, corpus, **{"model.hidden": hidden}, **settings)
    return only


def test_more_time_gets_a_larger_network() -> None:
    corpus = make_corpus(TEXT * 200)
    short, long = (best(proposals(minutes, corpus)) for minutes in (0.1, 2))
    assert short.settings.model.hidden < long.settings.model.hidden


@pytest.mark.parametrize("minutes", [0.0001, 0.01, 0.05, 0.1, 0.5, 2, 10, 100])
def test_the_best_of_a_few_sizes_is_the_best_of_all(minutes: float) -> None:
    corpus = make_corpus(TEXT * 200)
    found, of_all_sizes = proposals(minutes, corpus), [proposal(hidden, minutes, corpus) for hidden in choice.HIDDEN]
    assert best(found).size == best(of_all_sizes).size
    assert len(found) <= 3


def test_what_is_read_is_less_by_the_time_that_other_sizes_took() -> None:
    corpus = make_corpus(TEXT * 200)
    *_, last = propose([from_mapping({"training.minutes": 0.2}, "test")], corpus)
    alone = proposal(last.settings.model.hidden, 0.2, corpus)
    assert 0.9 < last.iterations / alone.iterations < 0.95  # two measurements of a fortieth of the time


def test_the_more_often_a_text_is_read_the_more_is_dropped() -> None:
    often, seldom = (proposal(64, 0.2, make_corpus(TEXT * n)).settings for n in (2, 400))
    assert seldom.model.dropout_head == seldom.model.dropout_recurrent == 0
    assert often.model.dropout_head > often.model.dropout_recurrent > 0
    assert often.training.weight_decay > seldom.training.weight_decay > 0


def test_the_wider_a_network_the_lower_its_rate() -> None:
    corpus = make_corpus(TEXT)
    narrow, wide, wider = (choice.recipe(hidden, corpus)["training.learning_rate"] for hidden in (64, 512, 1024))
    assert narrow > wide == 2 * wider


def test_no_text_is_read_more_often_than_it_helps() -> None:
    """Then the length is a number of epochs, and less than the minutes."""
    for p in proposals(10, make_corpus(TEXT)):
        t = p.settings.training
        assert (t.minutes, t.epochs, p.epochs) == (None, choice.MOST_EPOCHS, pytest.approx(choice.MOST_EPOCHS, rel=0.1))


def test_what_is_set_is_kept() -> None:
    kept = {"model.hidden": 24, "model.cell": "gru", "model.dropout_head": 0.4, "training.batch": 7}
    (only,) = proposals(0.2, make_corpus(TEXT * 20), **kept)
    m, t = only.settings.model, only.settings.training
    assert (m.hidden, m.cell, m.dropout_head, t.batch) == (24, "gru", 0.4, 7)


@pytest.mark.parametrize(("length", "window"), [(28, 24), (2000, 50)])
def test_a_very_short_text_is_read_in_one_stream_of_shorter_windows(length: int, window: int) -> None:
    corpus = make_corpus(TEXT[:length])
    settings = proposals(0.1, corpus)[0].settings
    assert (settings.training.batch, settings.training.window) == (1, window)
    assert build_streams(settings, corpus).windows >= 1


@pytest.mark.parametrize(
    ("given", "batch", "window"),
    [({"batch": 100}, 100, 17), ({"window": 1000}, 1, 1000), ({"window": 5}, 14, 5), ({"batch": 3, "window": 7}, 3, 7)],
)
def test_a_batch_and_a_window_that_are_set_leave_the_other_to_fit(given: dict, batch: int, window: int) -> None:
    settings = proposals(0.1, make_corpus(TEXT[:2000]), training=given)[0].settings
    assert (settings.training.batch, settings.training.window) == (batch, window)


def test_a_text_shorter_than_any_window_is_refused() -> None:
    corpus = make_corpus("abcabcabc", validation=0)
    with pytest.raises(
        CharRNNError, match=r"^1 stream of 10 characters needs a training part of 11, and it has 9; give"
    ):
        proposals(0.1, corpus, **{"corpus.validation": 0})


def test_no_more_is_held_out_than_is_needed() -> None:
    long, short = make_corpus(TEXT * 200), make_corpus(TEXT)
    assert long.cut(proposals(1, long)[0].settings.corpus.validation, 0).validation.size == choice.VALIDATION
    assert proposals(1, short)[0].settings.corpus.validation == 0.1


@pytest.mark.parametrize(
    ("given", "pieces"),
    [({}, 25), ({"corpus.validation": 0.01}, 20), ({"corpus.validation": 0.1, "corpus.pieces": 3}, 3)],
)
def test_what_is_held_out_comes_from_all_over_the_text(given: dict, pieces: int) -> None:
    """Two thousand characters in one place."""
    settings = proposals(1, make_corpus(TEXT * 200), **given)[0].settings
    assert settings.corpus.pieces == pieces


def test_neither_items_nor_texts_in_files_nor_very_short_ones_are_cut_in_pieces() -> None:
    items = make_corpus([f"item {number}" for number in range(5000)])
    mapped = replace(make_corpus(TEXT * 10), folder=Path("ids"))
    for corpus in (items, mapped, make_corpus(TEXT[:2000])):
        assert choice.recipe(64, corpus)["corpus.pieces"] == 1


def test_evaluations_take_a_small_part_of_the_time() -> None:
    seldom, often = (proposals(minutes, make_corpus(TEXT * 200))[-1] for minutes in (0.1, 20))
    assert seldom.iterations / seldom.settings.training.validate_every < 6
    assert often.iterations / often.settings.training.validate_every > 15


def test_a_loss_that_is_measured_on_a_sample_is_measured_as_often_as_on_a_short_part() -> None:
    corpus = make_corpus(TEXT * 200)
    whole, sampled = (
        proposal(32, 0.2, corpus, **{"corpus.validation": 0.05, "training.evaluate_characters": most})
        for most in (None, 5000)
    )
    assert whole.iterations / whole.settings.training.validate_every < 10
    assert sampled.iterations / sampled.settings.training.validate_every > 15


def test_a_text_of_which_only_a_test_is_held_out_is_chosen_for() -> None:
    chosen = best(proposals(0.05, make_corpus(TEXT), **{"corpus.validation": 0, "corpus.test": 0.1})).settings
    assert (chosen.corpus.validation, chosen.corpus.test) == (0, 0.1)


@pytest.mark.parametrize(
    ("minutes", "given"),
    [
        (20, {}),
        (0.1, {}),  # too few for twenty validations
        (20, {"training.validate_every": 3}),
        (20, {"snapshots.every": 7}),  # each with a validation
    ],
)
def test_a_run_may_end_for_a_loss_that_rests_half_of_it_and_not_a_while(minutes: float, given: dict) -> None:
    p = proposal(16, minutes, make_corpus(TEXT * 200), **given)
    t, every = p.settings.training, p.settings.snapshots.every
    validations = p.iterations / t.validate_every + (p.iterations / every if every else 0)
    assert t.early_stop
    assert 0.4 < t.patience / validations < 0.6


@pytest.mark.parametrize("pieces", [1, 10])
def test_settings_for_a_corpus_that_is_cut_already_keep_its_parts(pieces: int) -> None:
    corpus = make_corpus(TEXT * 100, validation=0.25, test=0.05, pieces=pieces)
    settings = settings_for(corpus, 0.5, model={"hidden": 40})
    assert (settings.model.hidden, settings.training.minutes) == (40, 0.5)
    assert (settings.corpus.validation, settings.corpus.test, settings.corpus.pieces) == (0.25, 0.05, pieces)


def test_nothing_is_chosen_for_a_run_that_begins_with_a_network() -> None:
    with pytest.raises(SettingsError, match=r"^training.init_from names a network, .*; leave it out$"):
        settings_for(make_corpus(TEXT), 0.5, training={"init_from": "runs/my"})


def test_few_minutes_get_the_smallest_network() -> None:
    chosen = best(proposals(0.0001, make_corpus(TEXT)))
    assert (chosen.settings.model.hidden, chosen.iterations) == (16, 1)


def test_a_choice_is_left_where_a_time_is_given_and_no_recipe() -> None:
    minutes = from_mapping({"training.minutes": 1}, "test")
    iterations = from_mapping({"training.iterations": 1}, "test")
    quick = from_file("quick")
    for overlays, left in (([minutes], True), ([iterations], False), ([quick, minutes], False)):
        assert leaves_choice(overlays, settings_to_start(overlays)) is left


def test_a_short_text_gets_no_network_that_is_far_larger_than_it() -> None:
    found = proposals(20, corpus := make_corpus(TEXT[:2000]))
    assert best(found).parameters < choice.MOST_EPOCHS * len(corpus.training)
    assert len(found) < len(choice.HIDDEN)


def test_the_reasons_say_how_often_the_text_is_read_and_what_is_dropped() -> None:
    found = proposals(0.2, make_corpus(TEXT * 10))
    chosen = best(found)
    why, how = reasons(chosen, found)
    assert why.startswith(f"{chosen.size} reads the text {chosen.epochs:.3g} times, ")
    assert why.endswith("and 7 is about right")
    assert f"{chosen.settings.model.dropout_head:g} before the head" in how
    capped = proposals(20, make_corpus(TEXT))
    assert reasons(capped[0], capped)[0].endswith("reading it more often would teach it little")
