"""Characters and their ids."""

import re
from typing import get_args

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from charrnn.errors import UnknownCharacterError
from charrnn.text.vocabulary import Unknown, Vocabulary, code_points

ANY_TEXT = st.text(st.integers(0, 0x10FFFF).map(chr), max_size=50)
"""Of every code point there is, lone surrogates among them."""


@pytest.mark.parametrize(
    ("text", "ordered"),
    [("hello", "ehlo"), ("b\na B", "\n Bab"), ("\U0001f600\uffe6é☃e", "eé☃\uffe6\U0001f600"), ("", "")],
)
def test_ids_follow_code_points(text: str, ordered: str) -> None:
    vocabulary = Vocabulary(text)
    assert vocabulary.characters == ordered
    assert len(vocabulary) == len(ordered)
    assert vocabulary.encode(ordered).tolist() == list(range(len(ordered)))


@given(text=ANY_TEXT)
@example(text="\ud83d\ude00 \U0001f600 \U0010ffff \0")
def test_round_trip(text: str) -> None:
    vocabulary = Vocabulary(text)
    ids = vocabulary.encode(text)
    assert ids.dtype == vocabulary.dtype
    assert vocabulary.decode(ids) == text
    assert Vocabulary(vocabulary.characters).encode(text).tolist() == ids.tolist()
    assert code_points(text).tolist() == [ord(character) for character in text]


@pytest.mark.parametrize(
    ("size", "dtype"), [(1, np.uint8), (256, np.uint8), (257, np.uint16), (65536, np.uint16), (65537, np.uint32)]
)
def test_ids_have_the_smallest_type(size: int, dtype: type) -> None:
    vocabulary = Vocabulary("".join(map(chr, range(size))))
    ids = vocabulary.encode(chr(size - 1))
    assert ids.dtype == vocabulary.dtype == dtype
    assert ids.tolist() == [size - 1]
    with pytest.raises(UnknownCharacterError, match=f"U\\+{size:04X} .* at position 1;"):
        vocabulary.encode(chr(0) + chr(size))


@pytest.mark.parametrize(
    ("character", "named"),
    [
        ("A", "U+0041 LATIN CAPITAL LETTER A"),  # below all known
        ("d", "U+0064 LATIN SMALL LETTER D"),  # between two known
        ("é", "U+00E9 LATIN SMALL LETTER E WITH ACUTE"),  # one above the largest
        ("\U0001f600", "U+1F600 GRINNING FACE"),
        ("\x07", "U+0007 without a name"),
        ("\ud800", "U+D800 without a name"),
    ],
)
def test_unknown_characters_are_named_with_their_first_positions(character: str, named: str) -> None:
    vocabulary = Vocabulary("abceè")
    names = re.escape(f"not among the 5 characters that this network has learnt: {named} at position 3;")
    with pytest.raises(UnknownCharacterError, match=names):
        vocabulary.encode(f"abc{character}{character}")
    names = re.escape(
        f"{named} at position 3, U+005A LATIN CAPITAL LETTER Z at position 5 and U+0000 without a name at"
    )
    with pytest.raises(UnknownCharacterError, match=names):
        vocabulary.encode(f"abc{character}aZ\x00{character}Z")


def test_not_all_of_many_unknown_characters_are_named() -> None:
    with pytest.raises(UnknownCharacterError, match=r"LETTER J at position 9 and 16 more; ") as error:
        Vocabulary("ab").encode("ABCDEFGHIJKLMNOPQRSTUVWXYZ" * 2)
    assert "LETTER K" not in str(error.value)


def test_unknown_characters_are_skipped() -> None:
    vocabulary = Vocabulary("ab ")
    ids = vocabulary.encode("éaéb☃", "skip")
    assert (vocabulary.decode(ids), ids.dtype) == ("ab", np.uint8)


@pytest.mark.parametrize(("characters", "stand_in"), [("ab\ufffd ?", "\ufffd"), ("ab ?", " "), ("ab?", "?")])
def test_unknown_characters_are_replaced_one_for_one(characters: str, stand_in: str) -> None:
    vocabulary = Vocabulary(characters)
    assert vocabulary.decode(vocabulary.encode("éab☃", "replace")) == f"{stand_in}ab{stand_in}"


def test_no_character_that_says_something_replaces_an_unknown_one() -> None:
    vocabulary = Vocabulary("\nab")
    assert vocabulary.decode(vocabulary.encode("ab", "replace")) == "ab"
    says = r"^nothing can replace U\+00E9 LATIN SMALL LETTER E WITH ACUTE: .*; give unknown skip$"
    with pytest.raises(UnknownCharacterError, match=says):
        vocabulary.encode("aéb☃", "replace")
    with pytest.raises(UnknownCharacterError, match=says):
        list(vocabulary.encode_blocks(["ab", "é"], unknown="replace"))


@given(text=ANY_TEXT, unknown=st.sampled_from(get_args(Unknown)))
def test_known_characters_are_the_same_under_every_policy(text: str, unknown: Unknown) -> None:
    vocabulary = Vocabulary(text + "a")
    assert vocabulary.decode(vocabulary.encode(text, unknown)) == text
