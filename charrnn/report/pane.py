"""What ``pane.js`` shows of a text that a network has read: its characters, and what was expected in their places."""

import base64
from typing import Any

import numpy as np

from charrnn.analysis.expectations import Expectations
from charrnn.arrays import Array
from charrnn.text.vocabulary import Vocabulary


def pane_data(text: str, expected: Expectations, vocabulary: Vocabulary) -> dict[str, Any]:
    """A text for the script ``ReadText``."""
    return {
        "text": text,
        "alphabet": code_points_of(vocabulary),
        "nats": in_base64(expected.nats.astype("<f4")),
        "guesses": in_base64(expected.guesses.astype("<u2")),
        "chances": in_base64((expected.chances * 65535).round().astype("<u2")),
    }


def code_points_of(vocabulary: Vocabulary) -> list[int]:
    """The characters of a vocabulary as a script takes them, whatever they are."""
    return [ord(character) for character in vocabulary.characters]


def in_base64(array: Array) -> str:
    """The memory of an array as a text."""
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
