"""How much of a sample is real words: the measure beside each snapshot."""

import re
from collections import Counter

_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*")


def words(text: str) -> list[str]:
    """The words of a text in lower case: runs of two or more letters, apostrophes inside them kept."""
    return [word.lower() for word in _WORD.findall(text) if len(word) > 1]


def real_words(text: str, at_least: int = 3) -> frozenset[str]:
    """The words that occur at least three times in the training text."""
    return frozenset(word for word, count in Counter(words(text)).items() if count >= at_least)


def real_word_share(sample: str, real: frozenset[str]) -> float:
    """The share of a sample's words that are real, from 0 to 1; 0 where there is none."""
    found = words(sample)
    return sum(word in real for word in found) / len(found) if found else 0.0
