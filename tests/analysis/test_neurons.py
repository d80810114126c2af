"""Properties of texts, and the units that tell them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.analysis.neurons import PROPERTIES, describe_property, liveliest, rank, shades
from charrnn.errors import CorpusError

EXAMPLES = {
    "quotes": ('a "b" c\n\n"d\n \te\n\t\nf', "0011000" + "00" + "111" + "1111" + "10" + "0"),
    "brackets": ("a (b [c] d) ) e\n(f\n\ng", "001111111100000" + "0" + "111" + "00"),
    "caps": ("The cat. SAT Ho3 I'll _We_", "11100000011101110" + "11110" + "0110"),
    "line-position": ("ab c\n\nd", "1234001"),
    "word-position": ("ab c'de. \n f_g", "120123400001" + "01"),
    "indent": ("  a b\n\t c\nd ", "122220122000"),
}


@pytest.mark.parametrize("name", PROPERTIES)
def test_property(name: str) -> None:
    text, expected = EXAMPLES[name]
    values = PROPERTIES[name](text)
    assert "".join(str(int(value)) for value in values) == expected
    assert describe_property(name)[0].islower()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\u201ca\u201d b \u00abc\u00bb \u201ed\u201c e", "110000110" + "011000"),
        ("\u201ca \u00abb\u00bb c\u201d d", "11111111000"),  # one quotation in another
        ("\u00aba \u201eb\u201c c\u00bb d", "11111111000"),
        ("\u201ca\n\u201cb\u201d c", "11111000"),  # a quotation that goes on in the next paragraph
        ("\u201da\u201d \u00bbb\u00ab \u00bbc\u00bb d", "1100110011000"),
        ("\u2018a\u2019 it\u2019s", "00000000"),
        ("\u300ca \u300eb\u300f c\u300d d\u300d", "1111111" + "10000"),
    ],
)
def test_quotation_marks_of_other_kinds(text: str, expected: str) -> None:
    assert "".join(str(int(value)) for value in PROPERTIES["quotes"](text)) == expected


@pytest.mark.parametrize("name", PROPERTIES)
@given(text=st.text("aB'\"([)]\n\t 1_\u201c\u201d\u00ab", max_size=40), data=st.data())
def test_a_property_is_known_once_its_character_is_read(name: str, text: str, data: st.DataObject) -> None:
    """Or else no network could know it."""
    values = PROPERTIES[name](text)
    assert values.shape == (len(text),)
    assert values.dtype in (bool, float)
    stop = data.draw(st.integers(0, len(text)))
    np.testing.assert_array_equal(PROPERTIES[name](text[:stop]), values[:stop])


WORDS = ["he", "said", '"no"', '"never again"', "to", "us,\n", "all.\n", "Then"]
TEXT = " ".join(np.random.default_rng(2).choice(WORDS, 400))


def noise(units: int = 4) -> np.ndarray:
    """(n, L, H): units that know nothing."""
    return np.random.default_rng(1).normal(size=(len(TEXT), 2, units))


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(("name", "measure"), [("quotes", "balanced accuracy"), ("line-position", "R^2")])
def test_the_unit_that_knows_is_found(name: str, measure: str, sign: int) -> None:
    values, wanted = noise(), PROPERTIES[name](TEXT).astype(float)
    values[:, 1, 2] = sign * (3 + 0.5 * wanted)
    values[:, 0, 1] = wanted + 0.5 * values[:, 0, 1] * wanted.std()
    ranking = rank(TEXT, values, name)
    assert ranking.measure == measure
    assert ranking.best(2) == [(1, 2), (0, 1)]
    assert ranking.scores[1, 2] == pytest.approx(1)
    assert ranking.by_luck < ranking.scores[0, 1] < 1
    fit = {what: numbers[1, 2] for what, numbers in ranking.fit.items()}
    if name == "quotes":
        assert fit == {"threshold": pytest.approx(sign * 3.25), "sign": sign}
    else:
        assert fit == {"slope": pytest.approx(sign * 2), "intercept": pytest.approx(-6)}


@pytest.mark.parametrize("name", ["quotes", "line-position"])
def test_the_score_is_of_the_half_that_was_not_fitted(name: str) -> None:
    values, half = noise(), len(TEXT) // 2
    wanted = PROPERTIES[name](TEXT)
    values[:half, 0, 3] = wanted[:half]
    assert rank(TEXT, values, name).scores[0, 3] < 0.6


@pytest.mark.parametrize("name", ["quotes", "line-position"])
@pytest.mark.parametrize("eighth", [1, 4, 7])
def test_luck_is_the_best_score_of_the_property_in_seven_other_places(name: str, eighth: int) -> None:
    values, wanted = noise(), PROPERTIES[name](TEXT)
    parts = np.split(wanted, [len(TEXT) // 2])
    values[:, 0, 1] = np.concatenate([np.roll(part, len(part) * eighth // 8) for part in parts])
    ranking = rank(TEXT, values, name)
    assert ranking.by_luck == pytest.approx(1)
    assert ranking.scores.max() < 0.7


def test_r_squared_against_its_definition() -> None:
    values, half = noise(), len(TEXT) // 2
    wanted = PROPERTIES["line-position"](TEXT)
    values[:, 0, 0] += 0.1 * wanted
    ranking = rank(TEXT, values, "line-position")
    slope, intercept = np.polyfit(values[:half, 0, 0], wanted[:half], 1)
    assert ranking.fit["slope"][0, 0] == pytest.approx(slope)
    assert ranking.fit["intercept"][0, 0] == pytest.approx(intercept)
    errors = wanted[half:] - (slope * values[half:, 0, 0] + intercept)
    assert ranking.scores[0, 0] == pytest.approx(1 - (errors**2).mean() / wanted[half:].var())


def test_balanced_accuracy_against_its_definition() -> None:
    values, half = noise(), len(TEXT) // 2
    values[:, 0, 0] += PROPERTIES["quotes"](TEXT)
    ranking = rank(TEXT, values, "quotes")
    yes = PROPERTIES["quotes"](TEXT)

    def accuracy(part: slice, threshold: float) -> float:
        told = values[part, 0, 0] > threshold
        return (told[yes[part]].mean() + (~told)[~yes[part]].mean()) / 2

    threshold = ranking.fit["threshold"][0, 0]
    assert ranking.scores[0, 0] == pytest.approx(accuracy(slice(half, None), threshold))
    fitted = accuracy(slice(half), threshold)
    assert fitted == pytest.approx(max(accuracy(slice(half), v) for v in values[:half, 0, 0]))


def test_a_unit_that_never_changes_tells_nothing() -> None:
    values = noise()
    values[:, 0, 0] = 1
    assert rank(TEXT, values, "quotes").scores[0, 0] == 0.5
    assert rank(TEXT, values, "line-position").scores[0, 0] == pytest.approx(0, abs=0.1)


def test_what_is_always_the_same_cannot_be_looked_for() -> None:
    with pytest.raises(CorpusError, match=r"brackets \(inside round .* one half of these 2,[0-9]+; give another text"):
        rank(TEXT, noise(), "brackets")


def test_the_liveliest_stretch_begins_with_a_line() -> None:
    dull, lively = "a dull line\n" * 5, 'one "of" "many" marks\n' * 2
    text = dull + lively + dull
    assert liveliest(text, "quotes", len(lively)) == slice(len(dull), len(dull + lively))
    assert liveliest(text.replace("\n", " "), "quotes", 60) == slice(0, 60)


def test_shades() -> None:
    shade, largest = shades(np.array([[0.5, 0], [-2, 0]]))
    np.testing.assert_allclose(shade, [[0.25, 0], [-1, 0]])
    np.testing.assert_allclose(largest, [2, 0])
    shade, largest = shades(np.array([0.5, -90]), through_tanh=True)
    np.testing.assert_allclose(shade, [np.tanh(0.5), -1])
    np.testing.assert_allclose(largest, 1)
    shade, largest = shades(np.array([0.5, 0, 1]), is_gate=True)
    np.testing.assert_allclose(shade, [0, -1, 1])
