"""What every unit of a network does while it reads a text: its states and gates after each character.

The text is read in windows, and the hidden state is carried from the first character to the last. The network begins as
in sampling and scoring: from a zero state, with the vocabulary's start character.

Shapes: n characters, L layers, H hidden size.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from charrnn.analysis.expectations import Expectations, expectations, joined
from charrnn.arrays import Array
from charrnn.errors import CorpusError
from charrnn.generation.reader import Reader
from charrnn.model import Model
from charrnn.text.vocabulary import Unknown


@dataclass(frozen=True)
class Trace:
    """Some characters of a text, and what the units did as they read them."""

    text: str
    layers: list[dict[str, Array]]
    """For each layer the states and gates by name, (n, H); views that hold until the next trace is read."""
    expected: Expectations
    """What the network expected at each character."""


def read_activations(
    model: Model, blocks: Iterable[str], name: str = "the text", unknown: Unknown = "error"
) -> Iterator[Trace]:
    """Reads a text, given in blocks of any length, a window at a time.

    Raises UnknownCharacterError, naming the text, the line or item and the character, unless ``unknown`` says what to
    do; DivergenceError where the network computes something that is not finite; CorpusError where the text holds no
    character that it can read.
    """
    vocabulary, reader, empty = model.vocabulary, Reader(model, name=name), True
    before = reader.read(model.start)  # (1, V)
    for ids, _ in vocabulary.encode_blocks(blocks, name, unknown, model.mark):
        for window, after in reader.windows(ids):
            logits = np.concatenate([before, after[:, 0]])
            before = logits[-1:]
            yield Trace(vocabulary.decode(window), reader.activations(), expectations(logits[:-1], window))
            empty = False
    if empty:
        raise CorpusError(f"{name!r} holds no character that the network can read", "give a text that does")


class Collected(NamedTuple):
    """A text, one state or gate of all units along it, (n, L, H), and what the network expected."""

    text: str
    values: Array
    expected: Expectations


def collect(traces: Iterable[Trace], name: str) -> Collected:
    """All of a text that is read, with the state or gate of a name."""
    texts, values, expected = [], [], []
    for trace in traces:
        texts.append(trace.text)
        values.append(np.stack([layer[name] for layer in trace.layers], axis=1))
        expected.append(trace.expected)
    return Collected("".join(texts), np.concatenate(values), joined(expected))
