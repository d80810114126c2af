"""The characters a network knows, and their ids."""

import unicodedata
from functools import cached_property

import numpy as np

from charrnn.arrays import Ids
from charrnn.errors import UnknownCharacterError


def code_points(text: str) -> Ids:
    """One number a character, without a Python loop: str of length n -> (n,) uint32."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")


class Vocabulary:
    """Distinct characters in the order of their code points; a character's id is its place in that order."""

    def __init__(self, characters: str) -> None:
        self.characters = "".join(sorted(set(characters)))

    def __len__(self) -> int:
        return len(self.characters)

    @cached_property
    def dtype(self) -> np.dtype[np.unsignedinteger]:
        """The smallest unsigned type that holds every id."""
        return np.min_scalar_type(max(len(self) - 1, 0))

    @cached_property
    def _ids(self) -> Ids:
        """(largest code point + 2,): the id at each code point, V for the characters not held."""
        points = code_points(self.characters)
        ids = np.full(int(points.max(initial=0)) + 2, len(self), np.min_scalar_type(len(self)))
        ids[points] = np.arange(len(self))
        return ids

    def encode(self, text: str) -> Ids:
        """Ids (n,) of the n characters of a text.

        Raises UnknownCharacterError, naming the first character that is not held and where it stands.
        """
        # Anything above the table falls on its last entry, which is V.
        ids = self._ids.take(code_points(text), mode="clip")
        unknown = np.flatnonzero(ids == len(self))
        if len(unknown):
            at = int(unknown[0])
            raise UnknownCharacterError(
                f"character {describe(text[at])} at position {at} is not one of the {len(self)} that this "
                "network has learnt; leave it out or write it another way"
            )
        return ids.astype(self.dtype, copy=False)

    def decode(self, ids: Ids) -> str:
        """The text of ids (n,); the inverse of ``encode``."""
        points = code_points(self.characters)
        return points[ids].astype("<u4").tobytes().decode("utf-32-le", "surrogatepass")


def describe(character: str) -> str:
    """A character by code point and name, safe to print: ``U+00E9 LATIN SMALL LETTER E WITH ACUTE``."""
    return f"U+{ord(character):04X} {unicodedata.name(character, 'without a name')}"
