"""The share of real words in a sample, which is noted beside each snapshot."""

import re
from collections import Counter
from collections.abc import Iterable

_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*")
_UNFINISHED = re.compile(rf"['\u2019]?{_WORD.pattern}")
"""Matches the last word of a text, which may go on in the next block, at the beginning of the text reversed."""
LONGEST_WORD = 1 << 20
"""The most letters of a word; of a longer one only the end counts. This bounds the memory for a text without gaps."""


def words(text: str) -> list[str]:
    """The words of a text in lower case: runs of two or more letters, with the apostrophes inside them."""
    return [word.lower() for word in _WORD.findall(text) if len(word) > 1]


LEAST_REAL = 0.25
"""The share of a text's own words that are real, below which the measure would say nothing of a sample: so it is where
words are not told apart by spaces, in lists of names or items, and in very short texts."""


def real_words(blocks: Iterable[str], at_least: int = 3, least: float = LEAST_REAL) -> frozenset[str]:
    """The words that occur at least ``at_least`` times in a text, given in blocks that may end inside a word; none if
    these are a smaller share than ``least`` of its words."""
    counts: Counter[str] = Counter()
    rest = ""
    for block in blocks:
        text = rest + block
        unfinished = _UNFINISHED.match(text[::-1])
        end = len(text) - (unfinished.end() if unfinished else 0)
        counts.update(words(text[:end]))
        rest = text[end:][-LONGEST_WORD:]
    counts.update(words(rest))
    real = {word: count for word, count in counts.items() if count >= at_least}
    return frozenset(real if sum(real.values()) >= least * counts.total() else ())


def real_word_share(sample: str, real: frozenset[str]) -> float | None:
    """The share of a sample's words that are real, from 0 to 1; 0 where it has no words, None where none are real."""
    if not real:
        return None
    found = words(sample)
    return sum(word in real for word in found) / len(found) if found else 0.0
