"""The units that a page names."""

import numpy as np

from charrnn.analysis.neurons import rank
from charrnn.report.units import above_luck

TEXT = "".join("x" * length + "\n" for length in np.random.default_rng(0).integers(5, 60, 60).tolist())
"""Lines of all lengths."""


def test_a_unit_that_tells_less_than_chance_is_not_named_however_bad_luck_is() -> None:
    """Noise about one level in the first half of the text and about another in the second."""
    values = np.random.default_rng(12).normal(size=(len(TEXT), 1, 1))
    values[len(TEXT) // 2 :] += 40
    ranking = rank(TEXT, values, "line-position")
    assert ranking.by_luck < ranking.scores.max() < ranking.chance == 0
    assert "line-position" not in [unit.name for unit in above_luck(TEXT, values)]


def test_a_unit_that_tells_more_is_named() -> None:
    values = np.array([place - TEXT.rfind("\n", 0, place) for place in range(len(TEXT))], float)[:, None, None]
    assert ("line-position", (0, 0)) in [(unit.name, unit.unit) for unit in above_luck(TEXT, values)]
