"""Unicode's normal forms: the same letter in one spelling, as one character (NFC) or as its parts (NFD).

A normal form cannot be had character by character: a block may end between a letter and its accent. What ``whole``
yields can be normalised by itself, since no ASCII character joins with what stands before it (Unicode Standard Annex
15).
"""

import unicodedata
from collections.abc import Iterable, Iterator
from typing import Literal, get_args

Form = Literal["none", "NFC", "NFD"]
FORMS = get_args(Form)


def normalised(text: str, form: Form) -> str:
    """The text in a normal form; with ``none``, as it is."""
    return text if form == "none" else unicodedata.normalize(form, text)


def normalised_blocks(blocks: Iterable[str], form: Form) -> Iterator[str]:
    """A text in a normal form, in blocks as it came."""
    return iter(blocks) if form == "none" else (normalised(block, form) for block in whole(blocks))


def whole(blocks: Iterable[str]) -> Iterator[str]:
    """A text cut anew, so that no letter is cut from its accents, and no CR from its LF."""
    held = ""
    for block in blocks:
        new, held = max(len(held), 1), held + block
        places = range(len(held) - 1, new - 1, -1)  # in what was held before there is none
        cut = next((k for k in places if held[k].isascii() and held[k - 1 : k + 1] != "\r\n"), 0)
        if cut:
            yield held[:cut]
            held = held[cut:]
    yield held
