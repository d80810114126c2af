"""Words that messages and tables share."""

import pytest

from charrnn.wording import how_many


@pytest.mark.parametrize(
    ("number", "form", "shown"),
    [
        (0, ",", "0 steps"),
        (1, ",", "1 step"),
        (1000, ",", "1,000 steps"),
        (1.0, "g", "1 step"),
        (1.5, "g", "1.5 steps"),
    ],
)
def test_one_is_one(number: float, form: str, shown: str) -> None:
    assert how_many(number, "step", form) == shown
