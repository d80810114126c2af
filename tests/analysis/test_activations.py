"""What units do along a text: what they do as the network reads it a character at a time."""

import numpy as np
import pytest

from charrnn import Model, make_corpus
from charrnn.analysis.activations import collect, read_activations
from charrnn.analysis.expectations import GUESSES
from charrnn.errors import DivergenceError, UnknownCharacterError
from charrnn.generation.reader import Reader
from charrnn.nn.cells import CELLS
from charrnn.settings.runs import load_settings

TEXT = "The cat sat on the mat.\nAnd then, all at once,\nit left" * 6  # longer than a window


def model_of(cell: str) -> Model:
    settings = load_settings(model={"cell": cell, "hidden": 3, "layers": 2}, compute={"precision": "float64"})
    return Model.new(settings, make_corpus(TEXT).vocabulary)


@pytest.mark.parametrize("cell", CELLS)
def test_states_are_those_of_reading_a_character_at_a_time(cell: str) -> None:
    model = model_of(cell)
    reader = Reader(model)
    reader.step(model.vocabulary.encode("\n"))
    expected = []
    for v in model.vocabulary.encode(TEXT):
        reader.step(np.array([v]))
        expected.append(reader.state[:, :, 0].copy())  # (L, S, H)
    assert len(CELLS[cell].carried) == np.shape(expected)[2]
    for s, name in enumerate(CELLS[cell].carried):
        text, values, _ = collect(read_activations(model, [TEXT[:40], "", TEXT[40:]]), name)
        assert text == TEXT
        np.testing.assert_allclose(values, np.array(expected)[:, :, s], rtol=1e-9)


@pytest.mark.parametrize("cell", CELLS)
def test_every_name_is_traced_and_gates_lie_between_closed_and_open(cell: str) -> None:
    model = model_of(cell)
    (window, *_) = read_activations(model, [TEXT])
    for layer in window.layers:
        assert set(layer) == {*CELLS[cell].carried, *CELLS[cell].activations}
        for gate in CELLS[cell].gates:
            assert ((layer[gate] > 0) & (layer[gate] < 1)).all()


@pytest.mark.parametrize(
    ("cell", "states", "gates"),
    [
        ("lstm", ("hidden", "cell"), ("input", "forget", "output")),
        ("mogrifier", ("hidden", "cell"), ("forget", "output")),
        ("gru", ("hidden",), ("reset", "update")),
        ("gru-reset-before", ("hidden",), ("reset", "update")),
        ("rnn", ("hidden",), ()),
    ],
)
def test_states_and_gates_have_their_usual_names(cell: str, states: tuple[str, ...], gates: tuple[str, ...]) -> None:
    assert (CELLS[cell].carried, CELLS[cell].gates) == (states, gates)


def test_what_cannot_be_read() -> None:
    model = model_of("rnn-relu")
    with pytest.raises(UnknownCharacterError, match=r"^page, line 2: U\+2603"):
        list(read_activations(model, ["The\n\u2603"], "page"))
    assert collect(read_activations(model, ["T\u2603he"], unknown="skip"), "hidden")[0] == "The"
    model.parameters["layer0.b"][:] = np.nan
    with pytest.raises(DivergenceError, match="for page is no longer a finite number"):
        list(read_activations(model, ["The"], "page"))


def test_what_was_expected_before_each_character() -> None:
    model = model_of("gru")
    reader = Reader(model)
    logits = [reader.read(model.start)[0]]
    for v in model.vocabulary.encode(TEXT):
        logits.append(reader.step(np.array([v]))[0])
    p = np.exp(logits[:-1]) / np.exp(logits[:-1]).sum(axis=1, keepdims=True)
    _, _, expected = collect(read_activations(model, [TEXT[:40], TEXT[40:]]), "hidden")
    came = p[np.arange(len(TEXT)), model.vocabulary.encode(TEXT)]
    np.testing.assert_allclose(expected.nats, -np.log(came), rtol=1e-6)
    np.testing.assert_allclose(expected.chances, -np.sort(-p, axis=1)[:, :GUESSES], rtol=1e-6)
    np.testing.assert_allclose(np.take_along_axis(p, expected.guesses, axis=1), expected.chances, rtol=1e-6)
