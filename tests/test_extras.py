"""Libraries that only some commands need."""

from pathlib import Path

import pytest

from charrnn.errors import CharRNNError
from charrnn.extras import load_extra


def test_a_library_that_does_not_work_is_not_called_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken_extra.py").write_text("raise ImportError('Numba needs NumPy 2.2 or less. Got NumPy 2.3.')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(CharRNNError, match=r"does not work here \(Numba needs NumPy 2\.2 or less") as raised:
        load_extra("broken_extra")
    assert "not installed" not in str(raised.value)
