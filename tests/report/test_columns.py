"""Characters that take two columns of a terminal, or none, and what stands below them."""

import numpy as np
import pytest

from charrnn.analysis.gates import Gate
from charrnn.report.columns import broken, columns, padded
from charrnn.report.gate_charts import gates_along
from charrnn.report.levels import marked

WIDE = "\u300cねこ\u300d"
"""Two kana in quotation marks, all four wide."""


@pytest.mark.parametrize(
    ("text", "width"),
    [
        ("cat, \u201ccat\u201d", 10),
        (WIDE, 8),
        ("\uff46\uff55\uff4c\uff4c", 8),
        ("cafe\u0301", 4),
        ("हिन्दी", 5),  # its virama stands below a letter, its vowels beside them
        ("\u1112\u1161\u11ab", 2),
        ("soft\u00adly\u200b", 7),
    ],
)
def test_columns_are_those_of_a_terminal(text: str, width: int) -> None:
    assert columns(text) == width
    assert padded(text, 12) == text + " " * (12 - width)


def test_lines_are_broken_by_columns() -> None:
    assert broken(f"{WIDE}a\n\nbcd\tefg\x1b", 7) == ["\u300cねこ", "\u300da", "", "bcd efg", "\\x1b"]
    assert broken("こe\u0301", 1) == ["こ", "e\u0301"]


def test_levels_stand_below_their_characters() -> None:
    levels = enumerate([*WIDE, "e", "\u0301", ".", "\n", "a"])
    assert "".join(marked(levels, 9)) == f"{WIDE}e\u0301\n001122334\n.\n67\na\n8\n"


def test_gates_stand_below_their_characters() -> None:
    along = np.linspace(0, 1, 6)
    gate = Gate(0, "input", along, *np.zeros((3, 1)))
    _, *drawn = gates_along(f"{WIDE}e\u0301", [gate], None, "012345")
    assert drawn == ["", f"         {WIDE}e\u0301", "0 input  001122334"]
