"""What every unit of a network does while it reads a text: its states and gates after each character.

The text is read in windows, and the hidden state is carried from the first character to the last. The network begins as
in sampling and scoring: from a zero state, with the vocabulary's start character.

Shapes: n characters, L layers, H hidden size.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from charrnn.arrays import Array
from charrnn.errors import CorpusError
from charrnn.generation.reader import Reader
from charrnn.model import Model
from charrnn.nn.network import Network
from charrnn.text.vocabulary import Unknown


@dataclass(frozen=True)
class Trace:
    """Some characters of a text, and what the units did as they read them."""

    text: str
    layers: list[dict[str, Array]]
    """For each layer the states and gates by name, (n, H); views that hold until the next trace is read."""


def activation_names(network: Network) -> tuple[str, ...]:
    """The states and gates of a network: ``hidden``, ``cell``, ``forget`` and so on."""
    cell = network.cells[0]
    return (*cell.carried, *cell.activations)


def gate_names(network: Network) -> tuple[str, ...]:
    """The gates of a network, which lie between 0 (closed) and 1 (open); a vanilla RNN has none."""
    return network.cells[0].gates


def read_activations(
    model: Model, blocks: Iterable[str], name: str = "the text", unknown: Unknown = "error"
) -> Iterator[Trace]:
    """Reads a text, given in blocks of any length, a window at a time.

    Raises UnknownCharacterError, naming the text, the line and the character, unless ``unknown`` says what to do;
    DivergenceError where the network computes something that is not finite; CorpusError where the text holds no
    character that it can read.
    """
    vocabulary, reader, empty = model.vocabulary, Reader(model, name=name), True
    reader.read(model.start)
    for ids, _ in vocabulary.encode_blocks(blocks, name, unknown):
        for window, _ in reader.windows(ids):
            yield Trace(vocabulary.decode(window), reader.activations())
            empty = False
    if empty:
        raise CorpusError(f"{name!r} holds no character that the network can read", "give a text that does")


def collect(traces: Iterable[Trace], name: str) -> tuple[str, Array]:
    """The whole text, and one state or gate of all units along it, (n, L, H)."""
    texts, values = [], []
    for trace in traces:
        texts.append(trace.text)
        values.append(np.stack([layer[name] for layer in trace.layers], axis=1))
    return "".join(texts), np.concatenate(values)
