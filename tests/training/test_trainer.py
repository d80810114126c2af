"""The training loop: what it learns, what it reports, what it leaves alone."""

import hashlib
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from charrnn import (
    Evaluation,
    Planned,
    Run,
    Saved,
    Settings,
    Snapshot,
    Step,
    Trainer,
    Turned,
    generate,
    load_checkpoint,
    load_settings,
    make_corpus,
)
from charrnn.errors import CorpusError, DivergenceError
from charrnn.nn.functional import cross_entropy
from charrnn.nn.parameters import Workspace
from charrnn.storage.records import Status
from charrnn.text.words import real_word_share, real_words
from charrnn.training.budget import Budget
from charrnn.training.engine import Engine

TEXT = "".join("the cat sat on the mat and the dog ran to the man who sat, " for _ in range(40))


def settings(**sections):
    small = {
        "model": {"hidden": 8, "dropout_head": 0.0},
        "training": {
            "iterations": 20,
            "batch": 4,
            "window": 10,
            "validate_every": 7,
            "report": 3,
            "optimizer": "adam",
            "weight_decay": 0.0,
            "learning_rate": 0.01,
            "lookup_rate": 1.0,
            "head_rate": 1.0,
        },
        "snapshots": {"at": [], "length": 30},
        "compute": {"workers": 1},
    }
    return load_settings("quick", **{key: small.get(key, {}) | sections.get(key, {}) for key in small | sections})


def digest(trainer: Trainer) -> str:
    return hashlib.sha256(trainer.model.parameters.vector.tobytes()).hexdigest()


def trained(chosen, corpus=None, run=None) -> tuple[Trainer, list]:
    trainer = Trainer(chosen, corpus or make_corpus(TEXT), run)
    return trainer, list(trainer.train())


GOLDEN = [
    *(2.656641278381, 2.718965782654, 2.689568593480, 2.682764421675, 2.661897754738),
    *(2.684516646609, 2.523750343566, 2.643862068819, 2.582239818565, 2.580921718349),
    *(2.633882788070, 2.586662784460, 2.431067839818, 2.503444273689, 2.523672052392),
    *(2.514474681178, 2.638659994449, 2.493730648823, 2.462077917602, 2.408596501008),
]


def test_golden_curve() -> None:
    """Twenty steps of a tiny model, pinned: any change to the arithmetic, the data order or the seeds shows here."""
    chosen = settings(
        model={"layers": 2, "dropout": 0.2},
        training={"report": 1, "clip": 0.5, "schedule": "one-cycle", "warmup": 5, "state_reset": 0.1},
        compute={"precision": "float64"},
    )
    _, facts = trained(chosen)
    losses = [fact.loss for fact in facts if isinstance(fact, Step)]
    assert losses == pytest.approx(GOLDEN, rel=1e-9)


def test_it_learns_a_text_that_repeats() -> None:
    trainer, facts = trained(settings(training={"iterations": 300}, model={"hidden": 24}))
    losses = [fact.loss for fact in facts if isinstance(fact, Step)]
    assert losses[0] > 2.5
    assert losses[-1] < 0.4
    assert trainer.progress.best_loss < 0.4


def test_snapshots_evaluations_and_a_folder_change_nothing_that_follows(tmp_path: Path) -> None:
    bare, _ = trained(settings(training={"validate_every": 1000}))
    run = Run(tmp_path / "run")
    chosen = settings(training={"validate_every": 2}, snapshots={"every": 3}, checkpoints={"every": 4})
    run.create(chosen)
    watched, facts = trained(chosen, run=run)
    assert sum(isinstance(fact, Snapshot) for fact in facts) == 7  # six, and one at the end
    assert digest(watched) == digest(bare)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_workers_change_rounding_only(cell: str) -> None:
    one, two = (
        trained(settings(model={"cell": cell}, compute={"workers": n, "precision": "float64"}))[0] for n in (1, 2)
    )
    assert np.allclose(one.model.parameters.vector, two.model.parameters.vector, rtol=1e-9, atol=1e-12)


def test_the_same_seed_gives_the_same_bits_and_another_one_others() -> None:
    first, again, other = (digest(trained(settings(training={"seed": seed}))[0]) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_facts_come_in_order_and_say_what_happened(tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    chosen = settings(snapshots={"at": [4], "temperature": 0.9}, checkpoints={"every": 15})
    run.create(chosen)
    corpus = make_corpus(TEXT, validation=0.1, test=0.05)
    trainer, facts = trained(chosen, corpus, run)
    kinds = {kind: [fact for fact in facts if isinstance(fact, kind)] for kind in (Step, Evaluation, Snapshot, Saved)}
    assert [step.iteration for step in kinds[Step]] == list(range(1, 21))
    assert [(e.iteration, e.part) for e in kinds[Evaluation]] == [
        *((n, "validation") for n in (4, 7, 14, 20)),
        (20, "test"),
    ]
    assert [saved.iteration for saved in kinds[Saved]] == [15, 20]
    snapshot, last = kinds[Snapshot]
    assert (last.iteration, last.validation_loss) == (20, kinds[Evaluation][-2].loss)
    assert (snapshot.iteration, snapshot.temperature, len(snapshot.text)) == (4, 0.9, 30)
    learnt = TEXT[: len(corpus.training)]
    assert snapshot.real_words == real_word_share(snapshot.text, real_words([learnt]))
    assert kinds[Step][-1].epoch == pytest.approx(20 / trainer.streams.windows)
    assert trainer.progress.best_loss == min(e.loss for e in kinds[Evaluation] if e.part == "validation")
    rows = run.metrics()
    assert [row["iteration"] for row in rows] == [3, 4, 6, 7, 9, 12, 14, 15, 18, 20]
    assert [row["validation_loss"] is not None for row in rows] == [row["iteration"] in (4, 7, 14, 20) for row in rows]


def test_the_best_is_kept_when_validation_gets_worse_again(tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    chosen = settings(
        training={"validate_every": 1, "learning_rate": 2.0, "schedule": "constant", "warmup": 0},
        compute={"precision": "float64"},
    )
    run.create(chosen)
    trainer, facts = trained(chosen, run=run)
    losses = [fact.loss for fact in facts if isinstance(fact, Evaluation)]
    assert losses[-1] > min(losses)
    assert trainer.progress.best_loss == min(losses)
    assert load_checkpoint(run.folder).progress.iteration == losses.index(min(losses)) + 1
    assert [fact.is_best for fact in facts if isinstance(fact, Evaluation)] == [
        loss < min([*losses[:k], math.inf]) for k, loss in enumerate(losses)
    ]


def test_each_snapshot_draws_its_own_sample() -> None:
    """Even where the network has hardly changed in between."""
    _, facts = trained(settings(training={"learning_rate": 1e-12}, snapshots={"at": [1, 2]}))
    first, second, _ = (fact.text for fact in facts if isinstance(fact, Snapshot))
    assert first != second


def test_reported_loss_is_the_mean_of_the_latest_iterations() -> None:
    single = [fact.loss for fact in trained(settings(training={"report": 1}))[1] if isinstance(fact, Step)]
    meaned = [fact.loss for fact in trained(settings(training={"report": 5}))[1] if isinstance(fact, Step)]
    assert meaned[-1] == pytest.approx(sum(single[-5:]) / 5)
    assert meaned[2] == pytest.approx(sum(single[:3]) / 3)


def test_epochs_set_the_length() -> None:
    trainer, _ = trained(settings(training={"epochs": 1.5, "iterations": None}))
    assert trainer.progress.iteration == math.ceil(1.5 * trainer.streams.windows)


def test_the_smallest_part_of_an_epoch_is_an_iteration() -> None:
    assert Trainer(settings(training={"epochs": 1e-9, "iterations": None}), make_corpus(TEXT)).iterations == 1


def test_a_run_that_was_stopped_and_left_goes_on() -> None:
    trainer = Trainer(settings(), make_corpus(TEXT))
    for _ in trainer.train():
        trainer.stop()
        break
    list(trainer.train())
    assert trainer.has_ended


def test_tenths_of_an_epoch_may_be_whole_windows() -> None:
    """In floating point 2.2 * 25 is more than 55."""
    corpus = make_corpus("abcdefghi\n" * 46, validation=0)
    shape = {"epochs": 2.2, "iterations": None, "batch": 2, "window": 9}
    trainer = Trainer(settings(training=shape), corpus)
    assert (trainer.streams.windows, math.ceil(2.2 * 25), trainer.iterations) == (25, 56, 55)


def test_reset_forgets_at_the_end_of_an_epoch_and_carry_does_not() -> None:
    corpus = make_corpus(TEXT[:200], validation=0)  # 4 windows an epoch
    carry, reset = (
        trained(settings(training={"epoch_end": end, "iterations": 5, "report": 1}), corpus)[1]
        for end in ("carry", "reset")
    )
    assert [fact.loss for fact in carry[:4]] == [fact.loss for fact in reset[:4]]
    assert carry[4].loss != reset[4].loss


def test_the_rest_of_an_item_that_a_stream_begins_with_is_read_from_a_zero_state() -> None:
    """Not from that in which the epoch before ended."""
    corpus = make_corpus(["the cat sat " * 30, "on the mat " * 30], validation=0)
    trainer = Trainer(settings(corpus={"items": "lines", "validation": 0}), corpus)
    for fact in trainer.train():
        if fact.iteration == trainer.streams.windows:
            trainer.checkpoint().training.state[:] = np.nan
    assert trainer.has_ended


def test_state_reset_begin_from_a_zero_state() -> None:
    """With every stream fresh, each window is read as if nothing came before it."""
    corpus, constant = make_corpus(TEXT, validation=0), {"report": 1, "optimizer": "sgd", "learning_rate": 1e-12}
    all_fresh = Trainer(settings(training=constant | {"state_reset": 1 - 1e-16}), corpus)
    losses = [fact.loss for fact in all_fresh.train() if isinstance(fact, Step)]
    network, space = all_fresh.model.network, Workspace()
    for number, loss in enumerate(losses):
        x, y = all_fresh.streams.window(number)
        logits = network.forward(all_fresh.model.parameters, x, network.zero_state(4), space).logits
        assert cross_entropy(logits, y).mean() == pytest.approx(loss, rel=1e-5)


@given(text=st.text(st.characters(exclude_categories=["Cs"]), min_size=4))
def test_any_text_can_be_learnt_and_written(text: str) -> None:
    assume(len(set(text)) > 1)
    chosen = settings(model={"hidden": 2}, training={"iterations": 1, "batch": 1, "window": 2})
    corpus = make_corpus(text, validation=0)
    assert corpus.vocabulary.decode(corpus.ids) == text
    trainer = Trainer(chosen, corpus)
    assert [type(fact) for fact in trainer.train()] == [Step, Snapshot]
    ((character,),) = generate(trainer.model, 1, np.random.default_rng(0))
    assert character in text


def test_no_validation_part_means_no_evaluation() -> None:
    _, facts = trained(settings(), make_corpus(TEXT, validation=0))
    assert not [fact for fact in facts if isinstance(fact, Evaluation)]


def test_a_loss_may_be_measured_on_a_sample_of_the_part(tmp_path: Path) -> None:
    """With the standard error; the part has 252 characters, and the whole of it has none."""
    corpus = make_corpus(TEXT, test=0.1)
    whole, sampled = Run(tmp_path / "whole"), Run(tmp_path / "sampled")
    for run, most in ((whole, 252), (sampled, 60)):
        chosen = settings(training={"evaluate_characters": most})
        run.create(chosen)
        trainer, facts = trained(chosen, corpus, run)
        *_, last, test = [fact for fact in facts if isinstance(fact, Evaluation)]
        streams = corpus.sample(corpus.validation, 4, 10, most)
        with Engine(trainer.model.network, workers=1) as engine:
            measured = engine.evaluate(trainer.model.parameters, streams, 10)
        assert (last.loss, test.part) == (measured.loss, "test")
        row = run.metrics()[-1]
        errors = [last.error, test.error, row["validation_error"]]
        if run is sampled:
            assert min(errors) > 0
            assert row["validation_error"] == last.error == measured.error
        else:
            assert errors == [None] * 3


def test_a_sample_of_one_long_item_has_a_standard_error() -> None:
    """The validation part is that one item."""
    corpus = make_corpus([TEXT[n:] + TEXT[:n] for n in range(4)], validation=0.25)
    assert corpus.items_in(corpus.validation) == 1
    chosen = settings(corpus={"items": "lines"}, training={"evaluate_characters": 500})
    _, facts = trained(chosen, corpus)
    evaluations = [fact for fact in facts if isinstance(fact, Evaluation)]
    assert evaluations
    assert all(np.isfinite(fact.loss) and fact.error for fact in evaluations)


def test_divergence_stops_before_it_spoils_anything(tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    chosen = settings(
        model={"cell": "rnn-relu"},
        training={"learning_rate": 1e20, "clip": None, "optimizer": "sgd"},
        checkpoints={"every": 1},
    )
    run.create(chosen)
    trainer = Trainer(chosen, make_corpus(TEXT), run)
    with pytest.raises(
        DivergenceError, match=r"at iteration \d+ of 20: .* good checkpoint .* of iteration \d+; .*learning_rate"
    ):
        list(trainer.train())
    good = run.last_checkpoint()
    assert np.isfinite(good.model.parameters.vector).all()
    noted = run.noted()
    assert (noted.state, noted.iteration, noted.iterations) == ("diverged", good.progress.iteration + 1, 20)
    assert noted.why.endswith("not finite")


def test_a_loss_far_beyond_guessing_is_a_divergence_too() -> None:
    wild = settings(training={"learning_rate": 100.0, "clip": None, "schedule": "constant", "warmup": 0})
    with pytest.raises(
        DivergenceError, match=r"the loss is [\d,.]+ nats a character, and that of guessing evenly 2\.7; "
    ):
        list(Trainer(wild, make_corpus(TEXT)).train())


def test_too_small_a_text_names_the_number_to_change() -> None:
    with pytest.raises(CorpusError, match=r"; set training\.batch to 1, or give a longer text$"):
        Trainer(settings(), make_corpus("a short text", validation=0))


def test_what_is_saved_and_validated_is_the_average() -> None:
    """Beside a run without an average, whose parameters after each step are averaged here."""
    plain, averaged = settings(), settings(training={"average_decay": 0.5})
    trainer = Trainer(plain, make_corpus(TEXT))
    expected = None
    for fact in trainer.train():
        if isinstance(fact, Step):
            p, d = trainer.model.parameters.vector, min(0.5, (fact.iteration - 1) / (fact.iteration + 9))
            expected = p.copy() if expected is None else d * expected + (1 - d) * p
    other, facts = trained(averaged)
    assert_allclose(other.model.parameters.vector, expected, atol=1e-6)
    assert_array_equal(other.checkpoint().training.memory["parameters"], trainer.model.parameters.vector)
    assert [fact.loss for fact in facts if isinstance(fact, Step)][-1] == trainer.progress.training_loss
    assert other.progress.validation_loss != trainer.progress.validation_loss


NOISE = make_corpus("".join(np.random.default_rng(0).choice(list("abcdefgh"), 600)), validation=0.3)
"""A text in which there is nothing to learn but itself."""


def overfitting(**training: object) -> Settings:
    return settings(
        model={"hidden": 32},
        training={"iterations": 300, "validate_every": 10, "patience": 4, "schedule": "constant"} | training,
    )


def test_learning_by_heart_is_noticed_once() -> None:
    trainer, facts = trained(overfitting(), NOISE)
    losses = [fact.loss for fact in facts if isinstance(fact, Evaluation)]
    (turned,) = (fact for fact in facts if isinstance(fact, Turned))
    best = int(np.argmin(losses))
    assert turned == Turned(10 * (best + 1 + 4), 10 * (best + 1), losses[best])
    assert trainer.progress.iteration == 300
    assert losses[-1] > turned.best_loss + 0.1


def test_it_is_noticed_once_where_a_plan_grows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the loss may rest longer, and has turned again."""
    chosen = overfitting(iterations=None, minutes=1000, patience=3)
    monkeypatch.setattr(Budget, "plan", lambda *_: 300)
    monkeypatch.setattr(Budget, "look", lambda self, done, spent, planned: planned)
    noticed = [fact.iteration for fact in trained(chosen, NOISE)[1] if isinstance(fact, Turned)]
    monkeypatch.setattr(Budget, "look", lambda self, done, spent, planned: 400 if done >= noticed[0] else planned)
    trainer, facts = trained(chosen, NOISE)
    assert [fact.iteration for fact in facts if isinstance(fact, Turned)] == noticed
    assert trainer.patience == 4


def test_learning_by_heart_ends_a_run_that_is_told_so(tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    run.create(overfitting(early_stop=True))
    trainer, facts = trained(overfitting(early_stop=True), NOISE, run)
    (turned,) = (fact for fact in facts if isinstance(fact, Turned))
    assert trainer.progress.iteration == turned.iteration < 300
    assert run.last_checkpoint().progress.since_best == 4
    assert [snapshot.iteration for snapshot in run.snapshots()] == [turned.iteration]
    assert facts[-2] == run.snapshots()[0]
    assert run.noted() == Status("finished", turned.iteration, 300, "the validation loss falls no longer")
    assert load_checkpoint(tmp_path / "run").progress.iteration == turned.best_iteration


def test_a_run_that_ends_early_is_not_planned_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a plan grows, the loss may rest longer."""
    chosen = overfitting(early_stop=True, iterations=None, minutes=1000)
    (turned,) = (fact.iteration for fact in trained(chosen, NOISE)[1] if isinstance(fact, Turned))
    growing = lambda self, done, spent, planned: planned * (2 if done == turned else 1)  # noqa: E731
    monkeypatch.setattr(Budget, "look", growing)
    trainer, facts = trained(chosen, NOISE)
    assert trainer.progress.iteration == turned
    assert not any(isinstance(fact, Planned) for fact in facts)


def test_a_run_that_ended_early_has_a_test_loss_and_does_nothing_more(tmp_path: Path) -> None:
    run, chosen = Run(tmp_path / "run"), overfitting(early_stop=True)
    corpus = make_corpus(NOISE.vocabulary.decode(NOISE.ids), validation=0.3, test=0.1)
    run.create(chosen)
    trainer, facts = trained(chosen, corpus, run)
    test = facts[-1]
    assert (test.part, test.iteration, trainer.has_ended) == ("test", trainer.progress.iteration, True)
    assert test.iteration < trainer.iterations
    noted = run.noted()
    assert list(trainer.train()) == [test]
    assert list(Trainer(chosen, corpus, run, run.last_checkpoint()).train()) == [test]
    assert run.noted() == noted
    goes_on = Trainer(overfitting(early_stop=False), corpus, run, run.last_checkpoint())
    assert next(goes_on.train()).iteration == test.iteration + 1


def test_a_new_lowest_loss_begins_the_count_anew() -> None:

    trainer = Trainer(overfitting(patience=1000), NOISE)
    lowest, since = math.inf, 0
    for fact in trainer.train():
        if isinstance(fact, Evaluation):
            since = 0 if fact.loss < lowest else since + 1
            lowest = min(lowest, fact.loss)
            assert trainer.progress.since_best == since
