"""How open the gates of a network are along a text, and how often each unit's are nearly shut or wide open.

A gate below 0.1 is left-saturated, above 0.9 right-saturated; the share of time that each unit spends there is the plot
of Karpathy et al. (2015, arXiv 1506.02078, section 4.2). A unit whose forget gate is nearly always right-saturated
remembers for long, and so does one whose update gate is (GRU).

Shapes: n characters, H hidden size.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from charrnn.analysis.activations import Window
from charrnn.arrays import Array

LEFT, RIGHT = 0.1, 0.9
QUANTILES = (0.1, 0.5, 0.9)


@dataclass(frozen=True)
class Gate:
    """One gate of all units of a layer."""

    layer: int
    name: str
    along: Array
    """(n,): how open it is at each character, the mean over units."""
    mean: Array
    """(H,): how open it is in each unit, the mean over the text."""
    left: Array
    """(H,): the share of the text at which it is below 0.1."""
    right: Array
    """(H,): the share at which it is above 0.9."""


def study(windows: Iterable[Window], names: Iterable[str]) -> tuple[str, list[Gate]]:
    """The text, and the gates of these names, layer by layer."""
    names, texts = list(names), []
    along: dict[tuple[int, str], list[Array]] = {}
    sums: dict[tuple[int, str], Array] = {}
    for window in windows:
        texts.append(window.text)
        for layer, trace in enumerate(window.layers):
            for name in names:
                a = trace[name]
                along.setdefault((layer, name), []).append(a.mean(axis=1))
                counts = np.stack([a.sum(axis=0), (a < LEFT).sum(axis=0), (a > RIGHT).sum(axis=0)])
                sums[layer, name] = sums.get((layer, name), 0) + counts.astype(np.float64)
    text = "".join(texts)
    return text, [
        Gate(layer, name, np.concatenate(along[layer, name]), *(numbers / len(text)))
        for (layer, name), numbers in sums.items()
    ]
