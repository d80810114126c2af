import tracemalloc
from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from charrnn.arrays import Array, Ids
from charrnn.errors import UnknownCharacterError
from charrnn.generation.filters import RECENT
from charrnn.generation.sampler import NOISE, Reader, Sampler, best_of, draw, generate, gumbel
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
    logits, _, _ = network.forward(model.parameters, ids, network.zero_state(1), Workspace(network.dtype))
    return logits[-1, 0]


def write(model: Model, length: int, seed: int = 0, **options: object) -> list[str]:
    """The texts that ``generate`` writes side by side."""
    columns = generate(model, length, np.random.default_rng(seed), **options)
    return ["".join(text) for text in zip(*columns, strict=True)]


def test_same_seed_same_text() -> None:
    model = small_model()
    assert write(model, 40, seed=1) == write(model, 40, seed=1)
    assert write(model, 40, seed=1) != write(model, 40, seed=2)


@every_cell
def test_temperature_zero_writes_the_likeliest_after_all_that_went_before(cell: str) -> None:
    model = small_model(cell)
    text = "fade"
    for _ in range(12):
        text += model.vocabulary.characters[np.argmax(logits_after(model, text))]
    assert write(model, 12, prime="fade", filters=GREEDY) == [text.removeprefix("fade")]


def test_count_writes_so_many_different_texts_after_one_prime() -> None:
    model = small_model()
    texts = write(model, 30, prime="bad", count=4)
    assert [len(text) for text in texts] == [30] * 4
    assert len(set(texts)) == 4
    assert write(model, 30, prime="bad", count=4, filters=GREEDY) == write(model, 30, prime="bad", filters=GREEDY) * 4


def test_texts_side_by_side_keep_states_of_their_own() -> None:
    model = small_model()
    sampler = Sampler(model, count=2)
    for pair in ("ad", "be", "ca"):
        logits = sampler.step(model.vocabulary.encode(pair))
    assert_allclose(logits, [logits_after(model, "abc"), logits_after(model, "dea")], rtol=1e-12)


@every_cell
@pytest.mark.parametrize("embedding", [None, 4])
def test_steps_equal_a_window(cell: str, embedding: int | None) -> None:
    network = Network(6, cell=cell, layers=2, hidden_size=5, embedding_size=embedding, dtype=np.float64)
    p = network.parameters(np.random.default_rng(0))
    x = np.random.default_rng(1).integers(6, size=(7, 3), dtype=np.uint8)
    state = np.random.default_rng(2).normal(size=network.zero_state(3).shape)
    logits, after, _ = network.forward(p, x, state, Workspace(np.float64))
    for t, ids in enumerate(x):
        assert_allclose(network.step(p, ids, state), logits[t], rtol=1e-12)
    assert_allclose(state, after, rtol=1e-12)


@every_cell
def test_reading_in_parts_equals_reading_at_once(cell: str) -> None:
    model = small_model(cell)
    sampler = Sampler(model)
    for part in ("fac", "a", "de"):
        logits = sampler.read(model.vocabulary.encode(part))
    assert_allclose(logits, [logits_after(model, "facade")], rtol=1e-12)


def test_without_a_prime_a_text_begins_like_a_line() -> None:
    model = small_model()
    assert write(model, 20, count=5) == write(model, 20, count=5, prime="\n")
    assert write(model, 20, count=5) != write(model, 20, count=5, prime="a")


def test_without_a_prime_and_line_ends_a_text_is_written_too() -> None:
    assert len(write(small_model(characters="abc"), 20)[0]) == 20


def test_filters_are_applied() -> None:
    model = small_model()
    assert write(model, 30, filters={"top_k": 1}) == write(model, 30, filters=GREEDY)
    assert write(model, 30, filters=GREEDY) != write(model, 30)


def test_unknown_character_in_the_prime_is_an_error_at_the_call() -> None:
    with pytest.raises(UnknownCharacterError, match=r"U\+00E9"):
        generate(small_model(), 5, np.random.default_rng(0), prime="caf\u00e9")


def test_model_is_not_changed_and_texts_come_one_character_at_a_time() -> None:
    model = small_model()
    before = model.parameters.vector.copy()
    begun = list(islice(generate(model, 10**9, np.random.default_rng(0)), 5))
    assert begun == [[character] for character in write(model, 5)[0]]
    assert_array_equal(model.parameters.vector, before)


def test_no_random_number_serves_twice() -> None:
    """A network that gives all characters alike writes what the noise says, which must not repeat by blocks."""
    model = small_model()
    model.parameters.vector[:] = 0
    block = NOISE // len(CHARACTERS)
    text = write(model, 2 * block)[0]
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
    text = "fade" * 5000
    sampler = Sampler(model)
    tracemalloc.start()
    logits = sampler.read(model.vocabulary.encode(text))
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
    wholes = write(model, 30, seed, count=3)
    steps = list(generate(model, 30, np.random.default_rng(seed), count=3, stop=stops))
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
    assert len(list(generate(small_model(characters="ab"), 10**9, np.random.default_rng(0), count=3, stop="ab"))) < 100


def test_a_reader_reads_on_and_reads_anew() -> None:
    model = small_model()
    reader = Reader(model)
    expected = [write(model, 20, prime=prime) for prime in ("fade", "facade", "fa")]
    for prime, texts in zip(("fade", "facade", "fa"), expected, strict=True):
        assert write(model, 20, prime=prime, reader=reader) == texts
        assert write(model, 20, prime=prime + texts[0], reader=reader) == write(model, 20, prime=prime + texts[0])


def test_what_is_forbidden_is_not_written_and_what_went_before_is_known() -> None:
    model, seen = small_model(), []

    def forbid(recent: Ids) -> Array:
        seen.append([model.vocabulary.decode(ids) for ids in recent])
        return np.array([[character in "ab" for character in model.vocabulary.characters]] * 2)

    texts = write(model, RECENT * 2 + 50, prime="fade", count=2, forbid=forbid, filters={"temperature": 3})
    assert not set("".join(texts)) & set("ab")
    for k, recents in enumerate(seen):
        assert recents == [("fade" + text[:k])[-RECENT:] for text in texts]


def test_a_loop_is_broken() -> None:
    model = small_model()
    text = write(model, 400, filters=GREEDY)[0]
    assert text[-100:] in text[:-100]
    text = write(model, 400, filters=GREEDY | {"loop_penalty": 1})[0]
    assert text[-100:] not in text[:-100]


class TestBestOf:
    def test_choices_are_scored_by_the_model_and_the_best_is_first(self) -> None:
        model, rng = small_model(), np.random.default_rng(0)
        groups = best_of(3, model, 20, rng, count=2, prime="fade", filters={"temperature": 2}, stop=["a"])
        texts = write(model, 20, count=6, prime="fade", filters={"temperature": 2}, stop=["a"])
        assert [sorted(scored.text for scored in group) for group in groups] == [sorted(texts[:3]), sorted(texts[3:])]
        for group in groups:
            assert [scored.score for scored in group] == sorted((scored.score for scored in group), reverse=True)
            for scored in group:
                assert scored.score == pytest.approx(mean_log_probability(model, "fade", scored.text))

    def test_an_empty_text_is_the_worst(self) -> None:
        model = small_model(characters="ab")
        model.parameters.vector[:] = 0
        (group,) = best_of(20, model, 5, np.random.default_rng(0), stop=["a"])
        assert (group[-1].text, group[-1].score) == ("", -np.inf)
        assert group[0].text


def mean_log_probability(model: Model, prime: str, text: str) -> float:
    if not text:
        return -np.inf
    logits = [logits_after(model, prime + text[:k]) for k in range(len(text))]
    ids = model.vocabulary.encode(text)
    return float(np.mean([each[v] - np.log(np.exp(each).sum()) for each, v in zip(logits, ids, strict=True)]))
