"""The surprisal of a text: the same whichever way it is cut, and nothing but the network's own probabilities."""

import math

import numpy as np
import pytest

from charrnn import Model, Vocabulary, make_corpus
from charrnn.analysis import scoring, streams
from charrnn.analysis.scoring import LINE_KEPT, Score, score_text, scored_lines
from charrnn.errors import DivergenceError, UnknownCharacterError
from charrnn.generation.reader import Reader
from charrnn.settings.runs import load_settings

TEXT = "The cat sat on the mat.\n\n  \nAnd then, all at once,\nit left" * 12


@pytest.fixture(scope="module")
def model() -> Model:
    settings = load_settings(model={"hidden": 8, "layers": 2, "scale": 2.0}, compute={"precision": "float64"})
    return Model.new(settings, make_corpus(TEXT).vocabulary)


def nats(model: Model, *blocks: str) -> np.ndarray:
    return np.concatenate([piece.nats for piece in score_text(model, blocks)])


def test_every_character_as_sampling_would_draw_it(model: Model) -> None:
    reader = Reader(model)
    ids = model.vocabulary.encode(TEXT)
    expected, last = [], model.vocabulary.encode("\n")
    for v in ids:
        logits = reader.step(last)[0]
        expected.append(-math.log(np.exp(logits[v]) / np.exp(logits).sum()))
        last = np.array([v])
    np.testing.assert_allclose(nats(model, TEXT), expected, rtol=1e-9)


def test_without_a_line_end_a_text_begins_as_a_sample_does() -> None:
    assert Vocabulary("cab").start_character == "a"
    model = Model.new(load_settings(model={"hidden": 4}), Vocabulary("the cat sat "))
    assert len(nats(model, "cat")) == 3


def test_blocks_do_not_matter(model: Model) -> None:
    whole = nats(model, TEXT)
    cut = nats(model, TEXT[:1], "", TEXT[1:300], TEXT[300:])
    np.testing.assert_allclose(cut, whole, rtol=1e-9)


LONG = (TEXT * 20)[:12_345]


@pytest.fixture(scope="module")
def nats_of_long(model: Model) -> np.ndarray:
    """Read in one stream."""
    return np.concatenate([piece.nats for piece in score_text(model, [LONG], exact=True)])


@pytest.mark.parametrize("length", [601, 5_000, len(LONG)])
@pytest.mark.parametrize("longest", [100, 2048])
@pytest.mark.parametrize("whole", [False, True])
def test_many_streams_give_what_one_gives(
    model: Model, nats_of_long: np.ndarray, monkeypatch: pytest.MonkeyPatch, length: int, longest: int, whole: bool
) -> None:
    """To the last digits, as this network forgets within a few characters; the beginning of the text has no context."""
    monkeypatch.setattr(scoring, "SHORT", 600)
    monkeypatch.setattr(streams, "LENGTH", longest)
    monkeypatch.setattr(streams, "STREAMS", 3)
    text = LONG[:length]
    blocks = [text] if whole else [text[:1], "", text[1:300], text[300:4000], text[4000:]]
    cut = list(score_text(model, blocks))
    assert "".join(piece.text for piece in cut) == text
    np.testing.assert_allclose(np.concatenate([piece.nats for piece in cut]), nats_of_long[:length], rtol=1e-9)


def test_many_streams_count_what_is_unknown_and_say_what_is_not_finite(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scoring, "SHORT", 600)
    blocks = [TEXT * 2, "\u2603", TEXT, "\u2603\u2603"]
    score = sum((piece.score for piece in score_text(model, blocks, unknown="skip")), Score())
    assert (score.characters, score.unknown) == (3 * len(TEXT), 3)
    broken = Model(model.network, model.parameters.copy(), model.vocabulary)
    broken.parameters["head.b"][:] = np.nan
    with pytest.raises(DivergenceError, match="for page is no longer a finite number"):
        list(score_text(broken, [TEXT * 2], "page"))


def test_pieces_give_the_text_back_and_scores_add_up(model: Model) -> None:
    pieces = list(score_text(model, [TEXT]))
    assert "".join(piece.text for piece in pieces) == TEXT
    score = sum((piece.score for piece in pieces), Score())
    assert score.characters == len(TEXT)
    assert score.loss == pytest.approx(nats(model, TEXT).mean())
    assert score.bits == pytest.approx(score.loss / math.log(2))
    assert math.log2(score.perplexity) == pytest.approx(score.bits)
    assert math.isnan(Score().loss)


def test_an_unknown_character_is_named_where_it_stands(model: Model) -> None:
    blocks = ["The cat\n", "sat \u2603 on\nthe \u00e9"]
    with pytest.raises(UnknownCharacterError, match=r"^page, line 2: U\+2603 SNOWMAN .*give unknown skip or replace"):
        list(score_text(model, blocks, "page"))


def test_unknown_characters_skipped_or_replaced(model: Model) -> None:
    text, known = "The \u2603\u2603cat\u00e9", "The cat"
    skipped = list(score_text(model, [text], unknown="skip"))
    assert "".join(piece.text for piece in skipped) == known
    np.testing.assert_allclose(np.concatenate([piece.nats for piece in skipped]), nats(model, known))
    replaced = list(score_text(model, [text], unknown="replace"))
    assert "".join(piece.text for piece in replaced) == "The   cat "
    for pieces, characters in ((skipped, 7), (replaced, 10)):
        score = sum((piece.score for piece in pieces), Score())
        assert (score.characters, score.unknown) == (characters, 3)


def test_lines_hold_all_but_the_blank(model: Model) -> None:
    found = list(scored_lines(score_text(model, [TEXT])))
    shown = [line.text for line in found]
    expected = {number: line for number, line in enumerate(TEXT.split("\n"), 1) if line.strip()}
    assert dict(zip([line.number for line in found], shown, strict=True)) == expected
    surprisals = nats(model, TEXT)
    assert found[0].score == Score(24, pytest.approx(surprisals[:24].sum()))
    blank = sum(len(line) + 1 for line in TEXT.split("\n") if not line.strip())
    assert sum(line.score.characters for line in found) == len(TEXT) - blank


def test_a_line_that_begins_with_many_blanks_is_not_blank(model: Model) -> None:
    text = f"{' ' * LINE_KEPT}The cat sat.\n\n{' ' * 2 * LINE_KEPT}\n"
    assert [line.number for line in scored_lines(score_text(model, [text]))] == [1]


def test_of_a_long_line_the_beginning_is_kept(model: Model) -> None:
    text = "The cat sat. " * 100
    (line,) = scored_lines(score_text(model, [text]))
    assert line.text == text[:LINE_KEPT]
    assert line.score.characters == len(text)


def test_a_network_that_diverged(model: Model) -> None:
    broken = Model(model.network, model.parameters.copy(), model.vocabulary)
    broken.parameters["head.b"][:] = np.nan
    with pytest.raises(DivergenceError, match=r"page is no longer a finite number"):
        list(score_text(broken, [TEXT], "page"))
