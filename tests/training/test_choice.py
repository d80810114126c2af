"""What is proposed follows the time and the text."""

import random

import pytest

from charrnn import Model, Settings, load_settings, make_corpus
from charrnn.analysis import sizes
from charrnn.analysis.sizes import FIT, Proposal, Sizes, best, difficulty, propose, reason
from charrnn.text.corpus import Corpus
from charrnn.training.speed import Speed

TEXT = "".join(random.Random(1).choices("etaoin shrdlu\n", k=20_000))


def proposals(monkeypatch: pytest.MonkeyPatch, minutes: float, corpus: Corpus) -> list[Proposal]:
    """On a machine whose speed is one over the number of parameters."""

    def speed(settings: Settings, corpus: Corpus, model: Model, seconds: float) -> Speed:
        return Speed(4e9 / len(model.parameters.vector), None, 1000)

    monkeypatch.setattr(sizes, "measure_speed", speed)
    monkeypatch.setattr(sizes, "HIDDEN", (16, 32, 64, 128, 256))
    settings = load_settings("quick", training={"minutes": minutes}, snapshots={"at": []})
    return list(propose(settings, corpus))


def test_more_time_gets_a_larger_network_and_a_lower_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = make_corpus(TEXT * 50, validation=0)
    short, long = (best(proposals(monkeypatch, minutes, corpus)) for minutes in (0.2, 20))
    assert short.hidden < long.hidden
    assert short.loss > long.loss


def test_a_longer_text_gets_a_lower_loss_and_fewer_epochs(monkeypatch: pytest.MonkeyPatch) -> None:
    short, long = (proposals(monkeypatch, 2, make_corpus(TEXT * n, validation=0))[0] for n in (2, 50))
    assert short.iterations == pytest.approx(long.iterations, rel=0.01)
    assert short.epochs > long.epochs
    assert short.loss > long.loss


def test_a_text_that_compresses_better_gets_a_lower_loss() -> None:
    words = " ".join(random.Random(1).choices(["the", "cat", "sat", "on", "a", "mat"], k=4000))
    easy, hard = difficulty(make_corpus(words)), difficulty(make_corpus(TEXT))
    assert easy < hard
    assert FIT.loss(Sizes(10**5, 10**6, 10**6, easy)) < FIT.loss(Sizes(10**5, 10**6, 10**6, hard))


def test_difficulty_is_the_entropy_where_nothing_but_the_alphabet_is_known() -> None:
    """Two letters by chance take a bit each, in any script; bzip2 needs somewhat more."""
    for letters in ("ab", "жи"):
        corpus = make_corpus("".join(random.Random(1).choices(letters, k=20_000)))
        assert 0.69 < difficulty(corpus) < 1


def test_characters_read_again_count_less_and_at_last_for_nothing() -> None:
    def at(seen: int) -> float:
        return FIT.loss(Sizes(10**5, seen, 10**5, 1.5))

    again, fresh = at(2 * 10**5), FIT.loss(Sizes(10**5, 2 * 10**5, 10**6, 1.5))
    assert fresh < again < at(10**5)
    assert at(10**9) == pytest.approx(at(10**10))


def test_sizes_are_tried_as_long_as_larger_ones_promise_something(monkeypatch: pytest.MonkeyPatch) -> None:
    found = proposals(monkeypatch, 0.5, make_corpus(TEXT * 50, validation=0))
    losses = [proposal.loss for proposal in found]
    assert [proposal.hidden for proposal in found] == [16, 32, 64, 128, 256][: len(found)]
    assert min(losses) < losses[-1]


def test_a_short_text_gets_no_network_that_knows_it_by_heart(monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = make_corpus(TEXT[:3000], validation=0)
    found = proposals(monkeypatch, 20, corpus)
    assert [p.hidden for p in found] == [16, 32, 64]
    assert found[-1].parameters < sizes.CROWDED * 3000


def test_the_reason_names_what_larger_ones_would_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sizes, "HIDDEN", (10, 20, 40))
    corpus = make_corpus("ab" * 500, validation=0)
    rows = [Proposal(1, h, 50, h * h, 100, 1000 / h, loss) for h, loss in ((10, 2.0), (20, 1.5), (40, 1.8))]
    why = reason(rows[1], rows, corpus)
    assert why.startswith("its 400 parameters read the 1,000 characters 50 times in that time, and a smaller network")
    assert why.endswith("a larger one makes more of each but would read them 25 times")
    assert "smaller" not in reason(rows[0], rows, corpus)
    assert reason(rows[1], rows[:2], corpus).partition("; a larger one would come to fewer than 60 iterations")[1]
    assert reason(rows[2], rows, corpus).endswith("it is the largest that was tried")
