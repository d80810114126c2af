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

    @classmethod
    def of(cls, points: Ids) -> "Vocabulary":
        """The vocabulary of a text given as code points."""
        seen = np.zeros(0x110000, np.bool_)
        seen[points] = True
        return cls("".join(map(chr, np.flatnonzero(seen).tolist())))

    def __len__(self) -> int:
        return len(self.characters)

    @cached_property
    def dtype(self) -> np.dtype[np.unsignedinteger]:
        """The smallest unsigned type that holds every id."""
        return np.min_scalar_type(max(len(self) - 1, 0))

    @cached_property
    def _ids(self) -> np.ndarray:
        """(largest code point + 2,): the id at each code point, -1 for the characters not held."""
        points = code_points(self.characters)
        ids = np.full(int(points.max(initial=0)) + 2, -1, np.int32)
        ids[points] = np.arange(len(self))
        return ids

    def encode(self, text: str) -> Ids:
        """Ids (n,) of the n characters of a text.

        Raises UnknownCharacterError, naming the first character that is not held and where it stands.
        """
        return self.encode_points(code_points(text))

    def encode_points(self, points: Ids) -> Ids:
        """The same for a text given as code points."""
        # Anything above the table falls on its last entry, which is -1.
        ids = self._ids[np.minimum(points, len(self._ids) - 1)]
        unknown = np.flatnonzero(ids < 0)
        if len(unknown):
            at = int(unknown[0])
            raise UnknownCharacterError(
                f"character {describe(chr(points[at]))} at position {at} is not one of the {len(self)} that this "
                "network has learnt; leave it out or write it another way"
            )
        return ids.astype(self.dtype)

    def decode(self, ids: Ids) -> str:
        """The text of ids (n,); the inverse of ``encode``."""
        points = code_points(self.characters)
        return points[ids].astype("<u4").tobytes().decode("utf-32-le", "surrogatepass")


def describe(character: str) -> str:
    """A character by code point and name, safe to print: ``U+00E9 LATIN SMALL LETTER E WITH ACUTE``."""
    return f"U+{ord(character):04X} {unicodedata.name(character, 'without a name')}"
