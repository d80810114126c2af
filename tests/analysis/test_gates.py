import numpy as np
import pytest

from charrnn.analysis.activations import Trace
from charrnn.analysis.expectations import Expectations
from charrnn.analysis.gates import study

NOTHING = Expectations(*np.zeros((3, 0)))


def test_openness_and_saturation_over_windows() -> None:
    shut, between, wide = 0.05, 0.5, 0.95
    first = Trace("ab", [{"forget": np.array([[shut, wide], [between, wide]]), "hidden": np.ones((2, 2))}], NOTHING)
    second = Trace("cd", [{"forget": np.array([[shut, between], [0.1, 0.9]]), "hidden": np.ones((2, 2))}], NOTHING)
    text, (gate,) = study([first, second], ["forget"])
    assert (text, gate.layer, gate.name) == ("abcd", 0, "forget")
    assert gate.left == pytest.approx([0.5, 0])
    assert gate.right == pytest.approx([0, 0.5])
    assert gate.mean == pytest.approx([0.175, 0.825])
    assert gate.along == pytest.approx([0.5, 0.725, 0.275, 0.5])


def test_layers_and_gates_in_their_order() -> None:
    layer = {name: np.full((1, 3), 0.5) for name in ("input", "output")}
    _, gates = study([Trace("a", [layer, layer], NOTHING)], ["input", "output"])
    assert [(gate.layer, gate.name) for gate in gates] == [(0, "input"), (0, "output"), (1, "input"), (1, "output")]
