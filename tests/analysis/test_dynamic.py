"""A network that learns from the text that it is scored on: what it predicts, and when it learns."""

import numpy as np
import pytest

from charrnn import Model, make_corpus
from charrnn.analysis.dynamic import EPSILON, SEGMENT, score_dynamically
from charrnn.analysis.scoring import score_text
from charrnn.errors import DivergenceError, UnknownCharacterError
from charrnn.nn.functional import surprisal
from charrnn.nn.parameters import Workspace
from charrnn.settings.runs import load_settings

TEXT = "The cat sat on the mat, and then it left.\n" * 20


@pytest.fixture
def model() -> Model:
    settings = load_settings(model={"hidden": 8, "layers": 2}, compute={"precision": "float64"})
    return Model.new(settings, make_corpus(TEXT).vocabulary)


def nats(model: Model, *blocks: str, **options: float) -> np.ndarray:
    return np.concatenate([piece.nats for piece in score_dynamically(model, blocks, **options)])


def static(model: Model, text: str) -> np.ndarray:
    return np.concatenate([piece.nats for piece in score_text(model, [text])])


def test_a_rate_of_nothing_is_the_static_figure(model: Model) -> None:
    np.testing.assert_allclose(nats(model, TEXT, rate=0), static(model, TEXT), rtol=1e-9)


def test_it_learns_a_text_that_repeats(model: Model) -> None:
    learnt = nats(model, TEXT, rate=0.01)
    assert learnt[-200:].mean() < 0.85 * static(model, TEXT)[-200:].mean()


def test_it_learns_by_the_stated_rule(model: Model) -> None:
    """Three segments are enough for all of its terms."""
    network, p0 = model.network, model.parameters.vector
    p, grads, space = model.parameters.copy(), model.parameters.like(), Workspace(np.float64)
    state, squares, expected = network.zero_state(1), np.zeros_like(p0), []
    ids = np.concatenate([model.start, model.vocabulary.encode(TEXT[: 3 * SEGMENT])])
    for t in (1, 2, 3):
        x, y = (ids[(t - 1) * SEGMENT + k :][:SEGMENT, None] for k in (0, 1))
        expected.append(surprisal(network.forward(p, x, state, space).logits[:, 0], y[:, 0]))
        _, state = network.loss_and_gradients(p, grads, x, y, state, space)
        squares += grads.vector**2
        p.vector -= 0.01 * np.sqrt(t) * grads.vector / (np.sqrt(squares) + EPSILON)
        p.vector += 0.1 * (p0 - p.vector)
    learnt = nats(model, TEXT[: 3 * SEGMENT], rate=0.01, decay=0.1)
    np.testing.assert_allclose(learnt, np.concatenate(expected), rtol=1e-9)


def test_a_strong_decay_keeps_it_near_what_it_was(model: Model) -> None:
    plain, free, held = static(model, TEXT), nats(model, TEXT, decay=0), nats(model, TEXT, decay=0.9)
    assert np.abs(held - plain).max() < 0.5 * np.abs(free - plain).max()


@pytest.mark.parametrize("n", [1, SEGMENT, 3 * SEGMENT, 95])
def test_a_character_is_counted_before_it_is_learnt(model: Model, n: int) -> None:
    """What comes after the first n characters changes nothing in their surprisal."""
    one, other = (nats(model, TEXT[:n] + rest, rate=0.01) for rest in (TEXT, "eee eee eee"))
    np.testing.assert_allclose(one[:n], other[:n], rtol=1e-9)


def test_the_first_segment_is_predicted_by_the_network_as_it_was(model: Model) -> None:
    learnt, plain = nats(model, TEXT, rate=0.01), static(model, TEXT)
    np.testing.assert_allclose(learnt[:SEGMENT], plain[:SEGMENT], rtol=1e-9)
    assert abs(learnt[SEGMENT] - plain[SEGMENT]) > 1e-6


def test_blocks_do_not_matter_and_every_character_counts_once(model: Model) -> None:
    whole, cut = nats(model, TEXT), nats(model, TEXT[:1], "", TEXT[1:300], TEXT[300:])
    np.testing.assert_array_equal(whole, cut)
    assert len(whole) == len(TEXT)
    assert "".join(piece.text for piece in score_dynamically(model, [TEXT])) == TEXT


def test_the_model_stays_as_it_is(model: Model) -> None:
    before = model.parameters.vector.copy()
    nats(model, TEXT, rate=0.01)
    np.testing.assert_array_equal(model.parameters.vector, before)


def test_unknown_characters_are_counted(model: Model) -> None:
    pieces = score_dynamically(model, ["cats é", TEXT, "é"], unknown="skip")
    assert sum(piece.unknown for piece in pieces) == 2
    with pytest.raises(UnknownCharacterError):
        nats(model, "é")


@pytest.mark.parametrize("text", ["é", TEXT[: 3 * SEGMENT] + "éé"])
def test_a_text_may_end_with_unknown_characters_alone(model: Model, text: str) -> None:
    pieces = list(score_dynamically(model, [text], unknown="skip"))
    assert "".join(piece.text for piece in pieces) == text.replace("é", "")
    assert sum(piece.unknown for piece in pieces) == text.count("é")


def test_numbers_that_grow_too_large_are_noticed(model: Model) -> None:
    model.parameters["head.W"][:] = np.inf
    with pytest.raises(DivergenceError):
        nats(model, TEXT)
