"""How open the gates of a network are along a text, and how often the gates of each unit are saturated.

A gate below 0.1 is left-saturated, above 0.9 right-saturated; Karpathy et al. (2015, arXiv 1506.02078, section 4.2)
plot the share of time that each unit spends there. A unit whose forget gate (LSTM) or update gate (GRU) is nearly
always right-saturated remembers for long.

Shapes: n characters, H hidden size.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from charrnn.analysis.activations import Trace
from charrnn.arrays import Array

LEFT_SATURATED, RIGHT_SATURATED = 0.1, 0.9
QUANTILES = (0.1, 0.5, 0.9)


@dataclass(frozen=True)
class Gate:
    """One gate of all units of a layer."""

    layer: int
    name: str
    along: Array
    """(n,): how open the gate is at each character, the mean over units."""
    mean: Array
    """(H,): how open the gate is in each unit, the mean over the text."""
    left: Array
    """(H,): the share of the text at which the gate is left-saturated."""
    right: Array
    """(H,): the share of the text at which the gate is right-saturated."""


def study(traces: Iterable[Trace], names: Iterable[str]) -> tuple[str, list[Gate]]:
    """The whole text, and the gates of the given names, layer by layer."""
    names, texts = list(names), []
    along: dict[tuple[int, str], list[Array]] = {}
    sums: dict[tuple[int, str], Array] = {}
    for trace in traces:
        texts.append(trace.text)
        for layer, activations in enumerate(trace.layers):
            for name in names:
                a = activations[name]
                along.setdefault((layer, name), []).append(a.mean(axis=1))
                counts = np.stack([a.sum(axis=0), (a < LEFT_SATURATED).sum(axis=0), (a > RIGHT_SATURATED).sum(axis=0)])
                sums[layer, name] = sums.get((layer, name), 0) + counts.astype(np.float64)
    text = "".join(texts)
    return text, [
        Gate(layer, name, np.concatenate(along[layer, name]), *(numbers / len(text)))
        for (layer, name), numbers in sums.items()
    ]
