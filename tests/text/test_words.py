"""What counts as a word, and as a real one."""

from collections import Counter

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from charrnn.text import words as module
from charrnn.text.words import real_word_share, real_words, words


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("The cat\nSAT.", ["the", "cat", "sat"]),
        ("I saw a b", ["saw"]),
        ("don't it\u2019s 'twas' dogs'", ["don't", "it\u2019s", "twas", "dogs"]),
        ("war_and-peace 1812 abc2def", ["war", "and", "peace", "abc", "def"]),
        ("Über naïve мир", ["über", "naïve", "мир"]),
        ("... 12 _ '", []),
        ("", []),
    ],
)
def test_words(text: str, found: list[str]) -> None:
    assert words(text) == found


def test_real_words_occur_at_least_three_times() -> None:
    assert real_words(["cat dog Cat dog CAT"]) == {"cat"}
    assert real_words(["cat dog Cat dog CAT"], at_least=2) == {"cat", "dog"}


@given(blocks=st.lists(st.text("ab'\u2019é1 ", max_size=6), max_size=8), at_least=st.integers(1, 3))
@example(blocks=["don", "'t"], at_least=1)
@example(blocks=["don'", "t"], at_least=1)
@example(blocks=["don'", "'t"], at_least=1)
@example(blocks=["lo", "", "ng"], at_least=1)
def test_a_block_may_end_inside_a_word(blocks: list[str], at_least: int) -> None:
    counts = Counter(words("".join(blocks)))
    assert real_words(blocks, at_least, least=0) == {word for word, count in counts.items() if count >= at_least}


def test_none_are_real_where_hardly_a_word_comes_again() -> None:
    """As in scripts without spaces, and in lists."""
    few = "cat cat cat"
    assert real_words([f"{few} {' '.join(f'name{chr(97 + k)}' for k in range(9))}"]) == {"cat"}
    assert real_words([f"{few} {' '.join(f'name{chr(97 + k)}' for k in range(10))}"]) == set()
    assert real_word_share("cat", frozenset()) is None


def test_a_word_without_end_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LONGEST_WORD", 3)
    assert real_words(["abcdef", "ghijkl", "mn op"], at_least=1) == {"jklmn", "op"}


@pytest.mark.parametrize(
    ("sample", "share"), [("the THE xqz the", 0.75), ("xqz", 0.0), ("the", 1.0), ("", 0.0), ("a . 5", 0.0)]
)
def test_real_word_share(sample: str, share: float) -> None:
    assert real_word_share(sample, frozenset({"the"})) == share
