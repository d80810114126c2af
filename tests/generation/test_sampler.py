import tracemalloc
from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from charrnn.arrays import Array, Ids
from charrnn.errors import CharRNNError, DivergenceError, UnknownCharacterError
from charrnn.generation.filters import RECENT
from charrnn.generation.reader import PrimeReader, Reader
from charrnn.generation.sampler import NOISE, Sampling, best_of, draw, generate, gumbel, write
from charrnn.model import Model
from charrnn.nn.cells import CELLS
from charrnn.nn.network import Network
from charrnn.nn.parameters import Workspace
from charrnn.text.vocabulary import Vocabulary

CHARACTERS = "\nabcdef"
GREEDY = {"temperature": 0.0}

every_cell = pytest.mark.parametrize("cell", CELLS)


def small_model(cell: str = "lstm", characters: str = CHARACTERS) -> Model:
    network = Network(len(characters), cell=cell, layers=2, hidden_size=6, dtype=np.float64)
    p = network.parameters(np.random.default_rng(0))
    p.vector[:] = np.random.default_rng(1).normal(0, 2, p.vector.shape)
    return Model(network, p, Vocabulary(characters))


def logits_after(model: Model, text: str) -> Array:
    """Logits (V,) of what follows a text, read by the network in one window."""
    network, ids = model.network, model.vocabulary.encode(text)[:, None]
    unrolled = network.forward(model.parameters, ids, network.zero_state(1), Workspace(network.dtype))
    return unrolled.logits[-1, 0]


def texts_of(
    model: Model, length: int, seed: int = 0, count: int = 1, reader: PrimeReader | None = None, **sampling: object
) -> list[str]:
    """The texts that ``generate`` writes side by side."""
    rng = np.random.default_rng(seed)
    columns = generate(model, length, rng, Sampling(**sampling), count=count, reader=reader)
    return ["".join(text) for text in zip(*columns, strict=True)]


def test_same_seed_same_text() -> None:
    model = small_model()
    assert texts_of(model, 40, seed=1) == texts_of(model, 40, seed=1)
    assert texts_of(model, 40, seed=1) != texts_of(model, 40, seed=2)


@every_cell
def test_temperature_zero_writes_the_likeliest_after_all_that_went_before(cell: str) -> None:
    model = small_model(cell)
    text = "fade"
    for _ in range(12):
        text += model.vocabulary.characters[np.argmax(logits_after(model, text))]
    assert texts_of(model, 12, prime="fade", filters=GREEDY) == [text.removeprefix("fade")]


def test_count_writes_so_many_different_texts_after_one_prime() -> None:
    model = small_model()
    texts = texts_of(model, 30, prime="bad", count=4)
    assert [len(text) for text in texts] == [30] * 4
    assert len(set(texts)) == 4
    assert (
        texts_of(model, 30, prime="bad", count=4, filters=GREEDY)
        == texts_of(model, 30, prime="bad", filters=GREEDY) * 4
    )


def test_texts_side_by_side_keep_states_of_their_own() -> None:
    model = small_model()
    reader = Reader(model, count=2)
    for pair in ("ad", "be", "ca"):
        logits = reader.step(model.vocabulary.encode(pair))
    assert_allclose(logits, [logits_after(model, "abc"), logits_after(model, "dea")], rtol=1e-12)


@every_cell
@pytest.mark.parametrize("skips", [False, True])
@pytest.mark.parametrize("embedding", [None, 4])
def test_steps_equal_a_window(cell: str, embedding: int | None, skips: bool) -> None:
    network = Network(6, cell=cell, layers=2, hidden_size=5, embedding_size=embedding, skips=skips, dtype=np.float64)
    p = network.parameters(np.random.default_rng(0))
    x = np.random.default_rng(1).integers(6, size=(7, 3), dtype=np.uint8)
    state = np.random.default_rng(2).normal(size=network.zero_state(3).shape)
    unrolled = network.forward(p, x, state, Workspace(np.float64))
    logits, after = unrolled.logits, unrolled.state
    for t, ids in enumerate(x):
        assert_allclose(network.step(p, ids, state), logits[t], rtol=1e-12)
    assert_allclose(state, after, rtol=1e-12)


@every_cell
def test_reading_in_parts_equals_reading_at_once(cell: str) -> None:
    model = small_model(cell)
    reader = Reader(model)
    for part in ("fac", "a", "de"):
        logits = reader.read(model.vocabulary.encode(part))
    assert_allclose(logits, [logits_after(model, "facade")], rtol=1e-12)


def test_without_a_prime_a_text_begins_like_a_line() -> None:
    model = small_model()
    assert texts_of(model, 20, count=5) == texts_of(model, 20, count=5, prime="\n")
    assert texts_of(model, 20, count=5) != texts_of(model, 20, count=5, prime="a")


def test_without_a_prime_and_line_ends_a_text_is_written_too() -> None:
    assert len(texts_of(small_model(characters="abc"), 20)[0]) == 20


def test_filters_are_applied() -> None:
    model = small_model()
    assert texts_of(model, 30, filters={"top_k": 1}) == texts_of(model, 30, filters=GREEDY)
    assert texts_of(model, 30, filters=GREEDY) != texts_of(model, 30)


def test_unknown_character_in_the_prime_is_an_error_at_the_call() -> None:
    with pytest.raises(UnknownCharacterError, match=r"U\+00E9"):
        generate(small_model(), 5, np.random.default_rng(0), Sampling(prime="caf\u00e9"))


def test_model_is_not_changed_and_texts_come_one_character_at_a_time() -> None:
    model = small_model()
    before = model.parameters.vector.copy()
    begun = list(islice(generate(model, 10**9, np.random.default_rng(0)), 5))
    assert begun == [[character] for character in texts_of(model, 5)[0]]
    assert_array_equal(model.parameters.vector, before)


def test_no_random_number_serves_twice() -> None:
    """A network that gives all characters alike writes what the noise says, which must not repeat by blocks."""
    model = small_model()
    model.parameters.vector[:] = 0
    block = NOISE // len(CHARACTERS)
    text = texts_of(model, 2 * block)[0]
    assert text[:block] != text[block:]
    assert len({text[k : k + 40] for k in range(0, 2 * block - 40, 40)}) == len(range(0, 2 * block - 40, 40))


class TestDraw:
    def test_frequencies_are_the_probabilities(self) -> None:
        probabilities = np.array([0.4, 0.3, 0.0, 0.2, 0.1])
        with np.errstate(divide="ignore"):
            logits = np.log(probabilities) + 3
        n = 20_000
        counts = np.bincount(draw(np.tile(logits, (n, 1)), gumbel(np.random.default_rng(0), (n, 5))), minlength=5)
        assert counts[2] == 0
        likely = probabilities > 0
        expected = n * probabilities[likely]
        assert ((counts[likely] - expected) ** 2 / expected).sum() < 16.3  # chi-square, 3 degrees: 99.9 %

    def test_each_row_is_drawn_from_by_itself(self) -> None:
        logits = np.where(np.eye(5), 0.0, -np.inf)[[3, 0, 4, 2]]
        assert_array_equal(draw(logits, gumbel(np.random.default_rng(0), (4, 5))), [3, 0, 4, 2])

    def test_one_draw_does_not_decide_another(self) -> None:
        ids = draw(np.zeros((1000, 2)), gumbel(np.random.default_rng(0), (1000, 2)))
        assert 400 < ids.sum() < 600


def test_a_long_prime_is_read_in_little_memory_and_as_a_whole() -> None:
    model = small_model()
    text = "fade" * 2000
    reader = Reader(model)
    tracemalloc.start()
    logits = reader.read(model.vocabulary.encode(text))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert_allclose(logits[0], logits_after(model, text))
    assert peak < 2e6


@given(seed=st.integers(0, 100), stops=st.lists(st.text("abc", min_size=1, max_size=4), min_size=1, max_size=3))
def test_each_text_ends_before_the_first_stop_and_only_what_may_be_one_is_held_back(
    seed: int, stops: list[str]
) -> None:
    model = small_model(characters="abc")
    model.parameters.vector[:] = 0  # all characters are as likely
    wholes = texts_of(model, 30, seed, count=3)
    steps = list(generate(model, 30, np.random.default_rng(seed), Sampling(stop=stops), count=3))
    for whole, pieces in zip(wholes, zip(*steps, strict=True), strict=True):
        found = [(whole.index(stop) + len(stop), whole.index(stop)) for stop in stops if stop in whole]
        end, start = min(found, default=(30, 30))  # of the first that is whole, and the longest such
        assert "".join(pieces) == whole[:start]
        for drawn in range(1, end):
            held = whole[len("".join(pieces[:drawn])) : drawn]
            assert not held or any(stop.startswith(held) for stop in stops)
            assert not any(stop.startswith(whole[k:drawn]) for stop in stops for k in range(drawn - len(held)))
    assert len(steps) <= 31


def test_writing_ends_when_all_texts_have() -> None:
    assert (
        len(
            list(
                generate(
                    small_model(characters="ab"), 10**9, np.random.default_rng(0), Sampling(stop=["a", "b"]), count=3
                )
            )
        )
        < 100
    )


def test_a_reader_reads_on_and_reads_anew() -> None:
    model = small_model()
    reader = PrimeReader(model)
    expected = [texts_of(model, 20, prime=prime) for prime in ("fade", "facade", "fa")]
    for prime, texts in zip(("fade", "facade", "fa"), expected, strict=True):
        assert texts_of(model, 20, prime=prime, reader=reader) == texts
        assert texts_of(model, 20, prime=prime + texts[0], reader=reader) == texts_of(model, 20, prime=prime + texts[0])


def test_what_is_forbidden_is_not_written_and_what_went_before_is_known() -> None:
    model, seen = small_model(), []

    def forbid(recent: Ids) -> Array:
        seen.append([model.vocabulary.decode(ids) for ids in recent])
        return np.array([[character in "ab" for character in model.vocabulary.characters]] * 2)

    texts = texts_of(model, RECENT * 2 + 50, prime="fade", count=2, forbid=forbid, filters={"temperature": 3})
    assert not set("".join(texts)) & set("ab")
    for k, recents in enumerate(seen):
        assert recents == [("fade" + text[:k])[-RECENT:] for text in texts]


def test_a_loop_is_broken() -> None:
    model = small_model()
    text = texts_of(model, 400, filters=GREEDY)[0]
    assert text[-100:] in text[:-100]
    text = texts_of(model, 400, filters=GREEDY | {"loop_penalty": 1})[0]
    assert text[-100:] not in text[:-100]


class TestWrite:
    def test_it_is_what_generate_yields_after_the_prime(self) -> None:
        model = small_model()
        (expected,) = texts_of(model, 30, seed=3, prime="fade", filters={"temperature": 2, "top_k": 3})
        assert write(model, 30, 3, prime="fade", temperature=2, top_k=3) == "fade" + expected

    def test_without_a_temperature_it_has_that_of_the_command_line(self) -> None:
        model = small_model()
        assert write(model, 60) == texts_of(model, 60, filters={"temperature": 0.7})[0]
        assert write(model, 60, temperature=None) == texts_of(model, 60)[0]

    def test_one_stop_need_not_be_a_list(self) -> None:
        model = small_model(characters="ab")
        assert write(model, 60, stop="ab") == write(model, 60, stop=["ab"])
        assert "ab" not in write(model, 60, stop="ab")


@pytest.mark.parametrize(
    ("sampling", "says"),
    [
        (
            {"filters": {"temprature": 0.5}},
            r"no filter 'temprature'; choose among loop_penalty, .*; did you mean 'temperature'\?",
        ),
        ({"filters": {"temperature": -1}}, "temperature does not take -1; give it at least 0"),
        ({"filters": {"top_p": 1.5}}, "top_p does not take 1.5; give it at least 0 and at most 1"),
        ({"filters": {"min_p": float("nan")}}, "min_p does not take nan"),
        ({"filters": {"top_k": 2.5}}, "top_k does not take 2.5; give it a whole number"),
        ({"stop": ["a", ""]}, "empty; give stop at least one character"),
    ],
)
def test_what_cannot_be_asked_for(sampling: dict, says: str) -> None:
    with pytest.raises(CharRNNError, match=says):
        Sampling(**sampling)


def test_a_network_whose_numbers_are_not_finite() -> None:
    model = small_model()
    model.parameters["head.b"][:] = np.nan
    with pytest.raises(DivergenceError, match="no longer a finite number; take an earlier checkpoint"):
        texts_of(model, 5)


class TestBestOf:
    def test_choices_are_scored_by_the_model_and_the_best_is_first(self) -> None:
        model, rng = small_model(), np.random.default_rng(0)
        sampling = Sampling("fade", {"temperature": 2}, ["a"])
        groups = best_of(3, model, 20, rng, sampling, count=2)
        texts = texts_of(model, 20, count=6, prime="fade", filters={"temperature": 2}, stop=["a"])
        assert [sorted(scored.text for scored in group) for group in groups] == [sorted(texts[:3]), sorted(texts[3:])]
        for group in groups:
            assert [scored.score for scored in group] == sorted((scored.score for scored in group), reverse=True)
            for scored in group:
                assert scored.score == pytest.approx(mean_log_probability(model, "fade", scored.text))

    def test_an_empty_text_is_the_worst(self) -> None:
        model = small_model(characters="ab")
        model.parameters.vector[:] = 0
        (group,) = best_of(20, model, 5, np.random.default_rng(0), Sampling(stop=["a"]))
        assert (group[-1].text, group[-1].score) == ("", -np.inf)
        assert group[0].text


def mean_log_probability(model: Model, prime: str, text: str) -> float:
    if not text:
        return -np.inf
    logits = [logits_after(model, prime + text[:k]) for k in range(len(text))]
    ids = model.vocabulary.encode(text)
    return float(np.mean([each[v] - np.log(np.exp(each).sum()) for each, v in zip(logits, ids, strict=True)]))
