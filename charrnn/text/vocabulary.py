"""The characters a network knows, and their ids."""

import unicodedata
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Literal

import numpy as np

from charrnn.arguments import check_type
from charrnn.arrays import Ids
from charrnn.errors import UnknownCharacterError
from charrnn.text.normalisation import Form, normalised, whole

Unknown = Literal["error", "skip", "replace"]
"""What to do with characters that a vocabulary does not hold."""

NAMED = 10
"""How many unknown characters an error names."""


def code_points(text: str) -> Ids:
    """The code points of a text, without a Python loop: str of length n -> (n,) uint32."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")


class Vocabulary:
    """Distinct characters, ordered by code point; a character's id is its place in that order.

    They are those of a text in a normal form of Unicode, or as it is; what is encoded is brought into that form first.
    """

    def __init__(self, characters: str, form: Form = "none") -> None:
        self.characters = "".join(sorted(set(characters)))
        self.form = form

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

    @property
    def start_character(self) -> str:
        """What a network reads before the first character of a text: a line end, or where the vocabulary has none its
        first character."""
        return "\n" if "\n" in self.characters else self.characters[0]

    @property
    def stand_in(self) -> str | None:
        """What replaces an unknown character: U+FFFD, Unicode's own replacement character, or else a space, or else a
        question mark; None where the vocabulary has none of them, and any other character would say something."""
        return next((character for character in "\ufffd ?" if character in self.characters), None)

    def normalised(self, text: str) -> str:
        """A text in the normal form of what was learnt; as it is where it can be spelt only so, which is how a network
        may have written it."""
        other = normalised(text, self.form)
        return text if other != text and set(other) - self._known and not set(text) - self._known else other

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self.characters)

    def encode(self, text: str, unknown: Unknown = "error") -> Ids:
        """Ids (n,) of the n characters of a text, which is ``normalised`` first.

        Characters that are not held are skipped, or each replaced by ``stand_in``, or they raise UnknownCharacterError,
        which says of each where it first occurs; so they do where there is no ``stand_in``.
        """
        check_type(text, str, "what to encode", "give a text")
        text = self.normalised(text)
        # Anything above the table falls on its last entry, which is V.
        ids = self._ids.take(code_points(text), mode="clip")
        is_unknown = ids == len(self)
        if is_unknown.any():
            if unknown == "error":
                raise UnknownCharacterError(
                    f"not among the {len(self)} characters that this network has learnt: "
                    f"{_listed(text, np.flatnonzero(is_unknown))}",
                    "leave them out, write them another way, or give {unknown} skip or replace",
                )
            if unknown == "skip":
                ids = ids[~is_unknown]
            elif self.stand_in is None:
                first = text[int(np.argmax(is_unknown))]
                raise UnknownCharacterError(
                    f"nothing can replace {describe_character(first)}: the network has learnt no U+FFFD, space or "
                    "question mark",
                    "give {unknown} skip",
                )
            else:
                ids[is_unknown] = self.characters.index(self.stand_in)
        return ids.astype(self.dtype, copy=False)

    def encode_blocks(
        self, blocks: Iterable[str], name: str = "the text", unknown: Unknown = "error", mark: str | None = None
    ) -> Iterator[tuple[Ids, int]]:
        """The ids of each block of a text, and how many of its characters are not held.

        These are skipped or replaced as by ``encode``, or the first of them raises UnknownCharacterError, which names
        the text and the line; in items, which end with a ``mark``, it names the item.
        """
        place, end = ("line", "\n") if mark is None else ("item", mark)
        number = 1
        for block in blocks if self.form == "none" else map(self.normalised, whole(blocks)):
            strange = set(block) - self._known
            if strange and unknown == "error":
                at = min(map(block.index, strange))
                number += block[:at].count(end)
                raise UnknownCharacterError(
                    f"{name}, {place} {number}: {describe_character(block[at])} is not one of the {len(self)} "
                    "characters that the network has learnt",
                    "leave such characters out, or give {unknown} skip or replace",
                )
            number += block.count(end)
            yield self.encode(block, unknown), sum(map(block.count, strange))

    def decode(self, ids: Ids) -> str:
        """The text of ids (n,); the inverse of ``encode``."""
        points = code_points(self.characters)
        return points[ids].astype("<u4").tobytes().decode("utf-32-le", "surrogatepass")


def describe_character(character: str) -> str:
    """A character by code point and name, safe to print: ``U+00E9 LATIN SMALL LETTER E WITH ACUTE``."""
    return f"U+{ord(character):04X} {unicodedata.name(character, 'without a name')}"


def _listed(text: str, positions: Ids) -> str:
    """The characters at some positions of a text, each with the first of them."""
    first: dict[str, int] = {}
    for position in positions.tolist():
        first.setdefault(text[position], position)
    named = [f"{describe_character(character)} at position {position}" for character, position in first.items()]
    if len(named) > NAMED:
        named[NAMED:] = [f"{len(named) - NAMED} more"]
    return " and ".join(filter(None, [", ".join(named[:-1]), named[-1]]))
