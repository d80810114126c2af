"""What a text is made of, counted a block at a time, and what in it looks like a mistake."""

import tracemalloc
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.text.reading import Source, read_blocks
from charrnn.text.survey import Survey, survey, suspicions

TEXTS = st.lists(st.text("ab\r\n\u00e9\u2019\ufeff\U0001f600", max_size=8), max_size=5)
CLEAN = "It was a caf\u00e9, \u00ab voil\u00e0\u00a0\u00bb; \u201cREN\u00c9\u201d. \u65e5\u672c\u8a9e na\u00efve\n" * 3


def counts(found: Survey) -> dict[str, int]:
    return {c.character: c.count for c in found.characters}


def kinds(text: str, keep: bool = False) -> dict[str, int]:
    """What is found in a text, with how often, but for rare characters."""
    found = {finding.kind: finding.count for finding in survey([text], keep).findings}
    found.pop("rare characters, once or twice", None)
    return found


@given(parts=TEXTS, keep=st.booleans())
def test_counts_are_those_of_the_text_that_is_learnt(parts: list[str], keep: bool) -> None:
    sources = [Source("held", part.encode()) for part in parts]
    found = survey(read_blocks(sources, "utf-8", "keep"), keep)
    learnt = "".join(read_blocks(sources, "utf-8", "keep" if keep else "universal"))
    assert counts(found) == Counter(learnt)
    assert found.length == len(learnt)


@given(parts=TEXTS)
def test_a_character_is_first_in_the_line_where_it_stands(parts: list[str]) -> None:
    text = "".join(parts)
    found = survey(parts, keep_line_ends=True)
    assert {c.character: c.line for c in found.characters} == {c: 1 + text[: text.index(c)].count("\n") for c in text}


def test_line_ends_are_counted_by_kind() -> None:
    found = survey(["a\r\nb\n", "c\rd\r\n"])
    assert found.line_ends == {"lf": 1, "crlf": 2, "cr": 1}
    assert counts(found) == {"\n": 4, "a": 1, "b": 1, "c": 1, "d": 1}


def test_nothing_is_suspicious_in_an_honest_text() -> None:
    assert kinds(CLEAN) == {}
    assert kinds("one\r\ntwo\r\n") == {}


@pytest.mark.parametrize(
    ("text", "kind", "count"),
    [
        ("\0\0", "NUL characters", 2),
        ("\x07\x1b[31m\x7f", "control characters", 3),
        ("\x93quoted\x94", "C1 control characters", 2),
        ("\ufeff", "byte-order marks inside the text", 1),
        ("\ufffd", "replacement characters", 1),
        ("\ue000\U0010fffd", "private-use characters", 2),
        ("a\u200bb\u00ad", "zero-width characters", 2),
        ("\u202egnp.\u2066", "bidirectional controls", 2),
        ("\u2028", "line and paragraph separators", 1),
        ("a\r", "line ends of CR alone", 1),
        ("a\r\nb\n", "mixed line ends", 1),
        ("caf\u00c3\u00a9", "mojibake", 1),
    ],
)
def test_what_is_suspicious(text: str, kind: str, count: int) -> None:
    assert kinds(CLEAN.replace("\n", " ") + text) == {kind: count}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (CLEAN * 20 + "\0\0", "they mean nothing in a text; remove them"),
        ("the cat sat on the mat\n".encode("utf-16-le").decode(), "--set corpus.encoding=utf-16"),
        ("the cat sat on the mat\n".encode("utf-32-be").decode(), "--set corpus.encoding=utf-16"),
    ],
)
def test_a_few_nuls_make_no_other_encoding(text: str, says: str) -> None:
    (found,) = (f.advice for f in survey([text]).findings if f.kind == "NUL characters")
    assert says in found
    assert suspicions("".join(set(text)), text) == [("NUL characters", found)]


def test_where_it_first_is() -> None:
    findings = {f.kind: f.line for f in survey(["\n\n\x1b\n\x1b", "\n", "\u00c3\u00a9", "a\r"]).findings}
    assert findings["control characters"] == 3
    assert findings["mojibake"] == findings["mixed line ends"] == 5


@pytest.mark.parametrize("character", "\u00e9\u00c0\u00e0\u0142\u03b1\u0436\u044f\u2019\u201c\u2014\u20ac\u2026\ufeff")
@pytest.mark.parametrize("cut", range(4))
def test_mojibake_is_found_wherever_a_block_ends(character: str, cut: int) -> None:
    wrong = "".join(bytes([byte]).decode("cp1252", "ignore") or chr(byte) for byte in character.encode())
    text = f"\n{wrong} {wrong}"
    found = next(f for f in survey([text[:cut], text[cut:]]).findings if f.kind == "mojibake")
    assert (found.count, found.line) == (2, 2)
    assert found.examples == [f"{wrong!r} for {character!r}"]


def test_rare_characters_are_those_that_occur_once_or_twice() -> None:
    found = next(f for f in survey(["aaabbc"]).findings if f.kind.startswith("rare"))
    assert found.examples == ["U+0062 LATIN SMALL LETTER B", "U+0063 LATIN SMALL LETTER C"]


def test_a_long_text_takes_no_more_memory_than_a_short_one() -> None:
    def peak(blocks: int) -> int:
        tracemalloc.start()
        survey("the cat sat on the m\u00e4t\n" * 2000 for _ in range(blocks))
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    assert peak(40) < peak(4) + 100_000
