"""What counts as a word, and as a real one."""

import pytest

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
    assert real_words("cat dog Cat dog CAT") == {"cat"}
    assert real_words("cat dog Cat dog CAT", at_least=2) == {"cat", "dog"}


@pytest.mark.parametrize(
    ("sample", "share"), [("the THE xqz the", 0.75), ("xqz", 0.0), ("the", 1.0), ("", 0.0), ("a . 5", 0.0)]
)
def test_real_word_share(sample: str, share: float) -> None:
    assert real_word_share(sample, frozenset({"the"})) == share
