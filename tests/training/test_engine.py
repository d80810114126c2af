import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from threadpoolctl import threadpool_info, threadpool_limits

from charrnn.arrays import Array, Ids
from charrnn.nn.cells import CELLS
from charrnn.nn.dropout import Dropout
from charrnn.nn.functional import cross_entropy
from charrnn.nn.network import Network
from charrnn.nn.parameters import Parameters, Workspace
from charrnn.text.corpus import make_corpus
from charrnn.training import evaluation
from charrnn.training.engine import Engine

V, T = 6, 5
EXACT = {"rtol": 0, "atol": 1e-12}

every_cell = pytest.mark.parametrize("cell", CELLS)
each_cell_and_number_of_workers = pytest.mark.parametrize(
    ("cell", "workers"), [*((cell, 2) for cell in CELLS), ("lstm", 1), ("lstm", 3)]
)


@pytest.fixture(params=[1, 2, 3], ids="{} workers".format)
def workers(request: pytest.FixtureRequest) -> int:
    return request.param


def small_network(cell: str = "lstm") -> tuple[Network, Parameters]:
    network = Network(V, cell=cell, layers=2, hidden_size=5, embedding_size=4, dtype=np.float64)
    p = Parameters(network.shapes, np.float64)
    p.vector[:] = np.random.default_rng(1).normal(0, 0.6, p.vector.shape)
    return network, p


DROPOUT = Dropout(input=0.2, between=0.4, head=0.3, recurrent=0.3, seed=7, iteration=2)


def batch(network: Network, streams: int) -> tuple[Ids, Ids, Array]:
    """x, y (T, B), state (L, S, B, H)."""
    rng = np.random.default_rng(2)
    x, y = rng.integers(V, size=(2, T, streams), dtype=np.uint8)
    state = rng.normal(0, 0.6, network.zero_state(streams).shape)
    return x, y, state


@each_cell_and_number_of_workers
def test_engine_equals_the_network(cell: str, workers: int) -> None:
    """With and without dropout, of more streams than workers and of fewer than three."""
    network, p = small_network(cell)
    with Engine(network, workers) as engine:
        for streams, dropout in product((2, 5), (Dropout(), DROPOUT)):
            x, y, state = batch(network, streams)
            grads, masks = p.like(), dropout.masks(network, T, range(streams))
            loss, after = network.loss_and_gradients(p, grads, x, y, state, Workspace(np.float64), masks)
            shared_loss, shared_grads, shared_after = engine.loss_and_gradients(p, x, y, state, dropout)
            assert_allclose(shared_loss, loss, **EXACT)
            assert_allclose(shared_grads.vector, grads.vector, **EXACT)
            assert_allclose(shared_after, after, **EXACT)


@pytest.mark.parametrize(("workers", "accumulate"), [(1, 2), (1, 9), (2, 2)])
@every_cell
def test_parts_one_after_another_have_the_gradient_of_all(cell: str, workers: int, accumulate: int) -> None:
    """Five streams: parts of them are of different sizes, and there may be fewer than are asked for."""
    network, p = small_network(cell)
    data = batch(network, streams=5)
    with Engine(network, 1) as whole, Engine(network, workers, accumulate=accumulate) as engine:
        for _ in range(2):
            loss, expected, after = whole.loss_and_gradients(p, *data, DROPOUT)
            loss_of_parts, gradient, after_parts = engine.loss_and_gradients(p, *data, DROPOUT)
            assert_allclose(loss_of_parts, loss, **EXACT)
            assert_allclose(gradient.vector, expected.vector, **EXACT)
            assert_allclose(after_parts, after, **EXACT)


def test_parts_one_after_another_take_less_memory() -> None:
    network = Network(V, hidden_size=32)
    p = network.parameters(np.random.default_rng(0))
    x, peaks = np.zeros((20, 400), np.uint8), []
    for accumulate in (1, 8):
        with Engine(network, 1, accumulate=accumulate) as engine:
            tracemalloc.start()
            engine.loss_and_gradients(p, x, x, network.zero_state(400))
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
    assert peaks[1] < peaks[0] / 4


def test_same_workers_same_bits(workers: int) -> None:
    network, p = small_network()
    results = []
    for _ in range(2):
        with Engine(network, workers) as engine:
            for _ in range(3):
                loss, grads, after = engine.loss_and_gradients(p, *batch(network, streams=5), DROPOUT)
                results.append((loss, grads.vector.tobytes(), after.tobytes()))
    assert len(set(results)) == 1


def test_the_engines_own_parameters_give_the_same_bits_and_outlive_it(workers: int) -> None:
    """They change between two windows, and in between others are read."""
    network, own = small_network()
    p, others = own.copy(), own.like()
    data = batch(network, streams=5)
    with Engine(network, workers) as copies, Engine(network, workers, own) as engine:
        for _ in range(2):
            expected_loss, expected, _ = copies.loss_and_gradients(p, *data)
            loss, gradient, _ = engine.loss_and_gradients(own, *data)
            assert loss == expected_loss
            assert_array_equal(gradient.vector, expected.vector)
            assert engine.loss_and_gradients(others, *data)[0] == copies.loss_and_gradients(others, *data)[0]
            for each in (p, own):
                each.vector -= 0.1
                each["head.b"][:] += 0.3
    assert_array_equal(own.vector, p.vector)
    with Engine(network, 1) as one:
        assert one.loss_and_gradients(own, *data)[0] == one.loss_and_gradients(p, *data)[0]


def test_the_engines_own_parameters_are_not_copied() -> None:
    network, p = small_network()
    with Engine(network, 2, p) as engine:
        engine.loss_and_gradients(p, *batch(network, streams=4))
        shared = engine._shared
        assert np.shares_memory(p.vector, shared.own)
        assert np.shares_memory(p["head.W"], shared.own)
        assert not shared.others.any()
    assert p.vector.flags.owndata


def test_idle_workers_add_nothing() -> None:
    """Three workers with five streams to share, then with two."""
    network, p = small_network()
    few = batch(network, streams=2)
    with Engine(network, 3) as engine:
        expected = engine.loss_and_gradients(p, *few)[1].vector.copy()
        engine.loss_and_gradients(p, *batch(network, streams=5))
        assert_array_equal(engine.loss_and_gradients(p, *few)[1].vector, expected)


def test_blas_has_one_thread_within_and_its_own_number_after() -> None:
    def blas_threads() -> list[int]:
        return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]

    with threadpool_limits(2, user_api="blas"):
        with Engine(small_network()[0], 2):
            assert set(blas_threads()) == {1}
        assert set(blas_threads()) == {2}


def one_pass(network: Network, p: Parameters, ids: Ids) -> float:
    """Summed nats of all of ids but the first, read in one window from a state of zero."""
    x, y = ids[:-1, None], ids[1:, None]
    unrolled = network.forward(p, x, network.zero_state(1), Workspace(np.float64))
    return float(cross_entropy(unrolled.logits, y).mean()) * y.size


@pytest.fixture
def text() -> Ids:
    """48 characters: 47 predictions, which neither windows nor streams divide."""
    return np.random.default_rng(3).integers(V, size=48, dtype=np.uint8)


def in_streams(text: Ids, count: int, window: int, pieces: int = 1) -> list[Ids]:
    """A text as a corpus would cut it."""
    corpus = make_corpus("".join(map(chr, range(V))), validation=0)
    return replace(corpus, pieces=pieces).in_streams(text, count, window)


@every_cell
def test_one_stream_is_evaluated_like_one_long_window(cell: str, text: Ids) -> None:
    network, p = small_network(cell)
    with Engine(network, 2) as engine:
        for window in (1, T, 100):
            assert_allclose(engine.evaluate(p, [text], window).loss, one_pass(network, p, text) / 47, **EXACT)


@each_cell_and_number_of_workers
def test_several_streams_each_carry_their_state_and_the_last_reads_the_rest(cell: str, workers: int, text: Ids) -> None:
    network, p = small_network(cell)
    pieces = [text[0:12], text[11:23], text[22:34], text[33:48]]  # each begins with the last character before it
    expected = sum(one_pass(network, p, piece) for piece in pieces) / 47
    with Engine(network, workers) as engine:
        assert_allclose(engine.evaluate(p, in_streams(text, 4, T), T).loss, expected, **EXACT)


def test_pieces_are_streams_that_do_not_continue_one_another(workers: int, text: Ids) -> None:
    network, p = small_network()
    pieces = text.reshape(4, 12)
    expected = sum(one_pass(network, p, piece) for piece in pieces) / (4 * 11)
    with Engine(network, workers) as engine:
        assert_allclose(engine.evaluate(p, in_streams(text, 2, T, pieces=4), T).loss, expected, **EXACT)


def test_many_pieces_are_read_some_at_a_time(workers: int, text: Ids, monkeypatch: pytest.MonkeyPatch) -> None:
    network, p = small_network()
    pieces = [text[:20], text[20:23], text[23:35], text[35:40], text[40:42], text[42:]]
    expected = sum(one_pass(network, p, piece) for piece in pieces) / (48 - 6)
    monkeypatch.setattr(evaluation, "MOST_STREAMS", 4)
    made = []
    with Engine(network, workers) as engine:
        monkeypatch.setattr(network, "zero_state", lambda n: made.append(n) or Network.zero_state(network, n))
        assert_allclose(engine.evaluate(p, pieces, T).loss, expected, **EXACT)
    assert made == [4, 2]


def test_items_are_evaluated_each_from_a_zero_state_and_its_mark(workers: int) -> None:
    corpus = make_corpus([*"abcde", "abba", "cab", "deed", "abcdeabcdeabcde"], validation=0)
    network = Network(V, hidden_size=5, dtype=np.float64, mark=corpus.mark_id)
    p = network.parameters(np.random.default_rng(2))
    nats = 0.0
    for item in corpus.vocabulary.decode(corpus.ids).split("\n")[:-1]:
        nats += one_pass(network, p, corpus.vocabulary.encode(f"\n{item}\n"))
    with Engine(network, workers) as engine:
        for streams in (1, 3, 20):
            loss = engine.evaluate(p, corpus.in_streams(corpus.ids, streams, T), T).loss
            assert loss == pytest.approx(nats / len(corpus), rel=1e-12)


def test_text_too_short_for_its_streams_is_read_in_fewer(text: Ids) -> None:
    network, p = small_network()
    with Engine(network, 2) as engine:
        assert len(in_streams(text, 50, 20)) == 2
        assert_allclose(engine.evaluate(p, in_streams(text, 50, 60), 60).loss, one_pass(network, p, text) / 47, **EXACT)


@pytest.fixture(scope="module")
def frequencies() -> Iterator[tuple[Engine, Parameters]]:
    """A network that gives each character a probability of its own, whatever it has read."""
    network, _ = small_network("rnn")
    p = Parameters(network.shapes, np.float64)
    p["head.b"][:] = np.log([2.0**-v for v in range(V)])
    with Engine(network, 2) as engine:
        yield engine, p


@settings(deadline=None, max_examples=50)
@given(n=st.integers(2, 60), streams=st.integers(1, 12), window=st.integers(1, 12), seed=st.integers(0, 9))
def test_every_prediction_counts_once(
    frequencies: tuple[Engine, Parameters], n: int, streams: int, window: int, seed: int
) -> None:
    engine, p = frequencies
    ids = np.random.default_rng(seed).integers(V, size=n, dtype=np.uint8)
    losses = ids[1:] * np.log(2) + np.log(2 - 2.0 ** (1 - V))
    assert_allclose(engine.evaluate(p, in_streams(ids, streams, window), window).loss, losses.mean(), **EXACT)


def test_the_standard_error_follows_from_how_far_streams_differ(frequencies: tuple[Engine, Parameters]) -> None:
    engine, p = frequencies
    ids = np.random.default_rng(4).integers(V, size=(7, 13), dtype=np.uint8)
    losses = (ids[:, 1:] * np.log(2) + np.log(2 - 2.0 ** (1 - V))).mean(axis=1)
    assert_allclose(engine.evaluate(p, list(ids), T).error, losses.std(ddof=1) / np.sqrt(7), **EXACT)
    assert engine.evaluate(p, [ids[0]], T).error is None


def test_evaluation_changes_neither_parameters_nor_the_next_gradient(workers: int, text: Ids) -> None:
    network, p = small_network()
    original = p.vector.copy()
    data = batch(network, streams=4)
    with Engine(network, workers) as engine:
        before = engine.loss_and_gradients(p, *data)[1].vector.copy()
        engine.evaluate(p, in_streams(text, 4, T), T)
        after = engine.loss_and_gradients(p, *data)[1].vector
        assert_array_equal(after, before)
        engine.evaluate(p, in_streams(text, 4, T), T)
        assert_array_equal(after, before)
    assert_array_equal(p.vector, original)
