"""The look that all pictures share."""

import io
from xml.etree import ElementTree

import pytest

from charrnn.report.look import drawing, make_logarithmic, save_picture

pytest.importorskip("matplotlib")
EVIL = "$x{$<b>&amp;\x1b[1m\u202e\udcff\uffff\u65e5\n"
"""No formula, markup, bold, a reversal, a byte that is no text, no character, none of the font, the end of a line."""
SHOWN = r"$x{$<b>&amp;\x1b[1m\u202e\udcff\uffff" + "\u65e5"


def texts(content: bytes) -> list[str | None]:
    return [element.text for element in ElementTree.fromstring(content).iter() if element.tag.endswith("}text")]


def saved(title: str, key: list, values: list[float], kind: str = "svg") -> bytes:
    """A picture of some values on a logarithmic axis."""
    with drawing(title, 6, 2, key) as figure:
        axes = figure.subplots()
        axes.plot(values)
        axes.set_xticks([])
        make_logarithmic(axes)
    file = io.BytesIO()
    save_picture(figure, file, kind)
    return file.getvalue()


@pytest.mark.parametrize(("kind", "begins"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")])
def test_any_name_can_be_shown(kind: str, begins: bytes) -> None:
    content = saved(EVIL, [(EVIL, {"color": "red"})], [1, 2], kind)
    assert content.startswith(begins)
    if kind == "svg":
        assert texts(content).count(SHOWN) == 2


def test_long_names_are_wrapped() -> None:
    words = " ".join(["name"] * 60)
    shown = texts(saved(words, [(words, {"color": "red"})], [1, 2]))
    lines = [text for text in shown if text and "name" in text]
    assert max(map(len, lines)) <= 48
    assert " ".join(lines).count("name") == 120


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ([0.03, 40], ["0.1", "1", "10"]),
        ([1e-9, 1], ["10⁻⁸", "10⁻⁶", "10⁻⁴", "10⁻²", "10⁰"]),
        ([1e-6, 3e-6], ["10⁻⁶", "2·10⁻⁶", "3·10⁻⁶"]),
    ],
)
def test_numbers_on_a_logarithmic_axis_are_plain_letters(values: list[float], shown: list[str]) -> None:
    assert texts(saved("", [], values)) == shown
