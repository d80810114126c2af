"""What every unit of a network does while it reads a text: its states and gates after each character.

The state is carried from the first character to the last, in windows. The network begins as in sampling and scoring:
from a zero state, with a line end, or where its vocabulary has none with its first character.

Shapes: n characters, L layers, H hidden size.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from charrnn.analysis.scoring import encoded
from charrnn.arrays import Array
from charrnn.errors import DivergenceError
from charrnn.generation.sampler import WINDOW, beginning
from charrnn.model import Model
from charrnn.nn.cells import CANDIDATE
from charrnn.nn.functional import quiet_overflow
from charrnn.nn.network import Network
from charrnn.nn.parameters import Workspace
from charrnn.text.vocabulary import Unknown


@dataclass(frozen=True)
class Window:
    """Some characters of a text, and what the units did as they read them."""

    text: str
    layers: list[dict[str, Array]]
    """Of each layer every state and gate by name, (n, H); views, good until the next window is read."""


def activation_names(network: Network) -> tuple[str, ...]:
    """The states and gates that a network has: ``hidden``, ``cell``, ``forget`` and so on."""
    cell = network.cells[0]
    return (*cell.carried, *cell.activations)


def gate_names(network: Network) -> tuple[str, ...]:
    """The gates alone, which lie between 0, closed, and 1, open; none in a vanilla RNN."""
    return tuple(name for name in network.cells[0].activations if name != CANDIDATE)


def trace(model: Model, blocks: Iterable[str], name: str = "the text", unknown: Unknown = "error") -> Iterator[Window]:
    """Reads a text, given in blocks of any length, a window at a time.

    Raises UnknownCharacterError unless ``unknown`` says what to do, as ``scoring.read`` does, and DivergenceError where
    the network computes what is no finite number.
    """
    network, p, vocabulary = model.network, model.parameters, model.vocabulary
    space = Workspace(network.dtype)
    first = vocabulary.encode(beginning(vocabulary.characters))
    _, state, _ = network.forward(p, first[:, None], network.zero_state(1), space)
    for ids, _ in encoded(vocabulary, blocks, name, unknown):
        for start in range(0, len(ids), WINDOW):
            x = ids[start : start + WINDOW]
            with quiet_overflow():
                _, state, _ = network.forward(p, x[:, None], state, space)
            if not np.isfinite(state).all():
                raise DivergenceError(
                    f"what the network computes for {name} is no longer a finite number; take an earlier checkpoint"
                )
            layers = [{of: a[:, 0] for of, a in layer.items()} for layer in network.trace(space, len(x), 1)]
            yield Window(vocabulary.decode(x), layers)


def collect(windows: Iterable[Window], of: str) -> tuple[str, Array]:
    """The text, and one kind of activation of all units along it, (n, L, H)."""
    texts, values = [], []
    for window in windows:
        texts.append(window.text)
        values.append(np.stack([layer[of] for layer in window.layers], axis=1))
    return "".join(texts), np.concatenate(values) if values else np.zeros((0, 0, 0))


def first_characters(blocks: Iterable[str], length: int) -> Iterator[str]:
    """The blocks of a text up to so many characters; what comes after is not read."""
    for block in blocks:
        yield block[:length]
        length -= len(block)
        if length <= 0:
            return
