"""What a text is made of, and what in it looks like a mistake: to be read before anything is learnt from it."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from charrnn.text.normalisation import normalised, whole
from charrnn.text.vocabulary import code_points

RARE = 2
"""A character that occurs at most this often is too rare for a network to learn anything about it."""
_EXAMPLES = 12
"""How many characters or mistakes a finding names."""


@dataclass(frozen=True)
class Character:
    """A character of a text, how often it occurs, and the line, from 1, where it first stands."""

    character: str
    count: int
    line: int

    @property
    def code_point(self) -> str:
        """``U+00E9``."""
        return f"U+{ord(self.character):04X}"

    @property
    def name(self) -> str:
        """Its name in Unicode; where it has none, what kind of character it is."""
        category = unicodedata.category(self.character)
        without = f"<{_CATEGORIES.get(category, category)}>"
        return unicodedata.name(self.character, _CONTROLS.get(ord(self.character), without))


@dataclass(frozen=True)
class Finding:
    """Something in a text that is probably a mistake."""

    kind: str
    count: int
    line: int
    """The line of the first one, counted from 1; 0 where there is none."""
    examples: Sequence[str]
    advice: str


@dataclass(frozen=True)
class Survey:
    """Counts of a text as it stands in its files; see ``survey``."""

    as_read: Sequence[Character]
    """Every character, line ends as they are in the files, in the order of code points."""
    line_ends: dict[str, int]
    """How many lines end with ``lf``, ``crlf`` and ``cr``."""
    mojibake: Counter[str]
    mojibake_line: int
    decomposed: Counter[str]
    """What is written as a letter and its accents, or as the parts of a Hangul syllable, and could be one character."""
    decomposed_line: int
    keep_line_ends: bool

    @cached_property
    def characters(self) -> Sequence[Character]:
        """Every character that would be learnt: after line ends have been made ``\\n``, unless they are kept."""
        if self.keep_line_ends or not self.line_ends["crlf"] + self.line_ends["cr"]:
            return self.as_read
        others = [character for character in self.as_read if character.character not in "\r\n"]
        line = min(character.line for character in self.as_read if character.character in "\r\n")
        return sorted([*others, Character("\n", sum(self.line_ends.values()), line)], key=lambda c: c.character)

    @property
    def length(self) -> int:
        """The length of the text in characters."""
        return sum(character.count for character in self.characters)

    @property
    def findings(self) -> list[Finding]:
        """What looks like a mistake, and what to do about each."""
        nuls = sum(c.count for c in self.characters if c.character == "\0")
        found = [
            _finding(kind, [c for c in self.characters if re.match(pattern, c.character)], advice)
            for kind, pattern, advice in _suspicious(nuls, self.length)
        ]
        found.append(self._line_ends())
        found.append(
            Finding(
                "mojibake",
                self.mojibake.total(),
                self.mojibake_line,
                [f"{wrong!r} for {_repaired(wrong)!r}" for wrong, _ in self.mojibake.most_common(_EXAMPLES)],
                "UTF-8 was once read as Windows-1252; take the original, or let the program ftfy undo it",
            )
        )
        if any(len(normalised(c.character, "NFD")) > 1 for c in self.characters):
            found.append(
                Finding(
                    "letters in two spellings",
                    self.decomposed.total(),
                    self.decomposed_line,
                    [f"{one!r} as {_points(one)}" for one, _ in self.decomposed.most_common(_EXAMPLES)],
                    "others are one character with its accent, these several; set corpus.normalise=NFC to learn "
                    "all as one, or NFD as several",
                )
            )
        rare = [c for c in self.characters if c.count <= RARE]
        advice = (
            "too rare to learn, and each costs a row of weights; replace it by a more frequent one, or leave it out"
        )
        found.append(_finding("rare characters, once or twice", rare, advice))
        return [finding for finding in found if finding.count]

    def _line_ends(self) -> Finding:
        used = {kind: count for kind, count in self.line_ends.items() if count}
        if len(used) < 2 and "cr" not in used:
            return Finding("", 0, 0, [], "")
        kind = "mixed line ends" if len(used) > 1 else "line ends of CR alone"
        returns = [character.line for character in self.as_read if character.character == "\r"]
        if self.keep_line_ends:
            advice = "they would be learnt as they are; leave corpus.newline at universal"
        else:
            advice = "all of them are read as \\n; set corpus.newline=keep only to learn them as they are"
        odd = self.line_ends["crlf"] + self.line_ends["cr"]
        return Finding(kind, odd, min(returns), [f"{count:,} {kind.upper()}" for kind, count in used.items()], advice)


def survey(blocks: Iterable[str], keep_line_ends: bool = False) -> Survey:
    """Surveys a text given in blocks, with the line ends of its files; no line end may be split between two blocks.

    This takes the memory of a block and of a table of all code points, however long the text is.
    """
    counts = np.zeros(0x110000, np.int64)
    first_lines = np.zeros(0x110000, np.int64)
    line_ends = dict.fromkeys(("lf", "crlf", "cr"), 0)
    mojibake: Counter[str] = Counter()
    decomposed: Counter[str] = Counter()
    mojibake_line, decomposed_line, line, tail = 0, 0, 1, ""
    for block in whole(blocks):
        points = code_points(block)
        of_block = np.bincount(points)
        if (new := (of_block > 0) & (counts[: len(of_block)] == 0)).any():
            newlines = np.flatnonzero(points == ord("\n"))
            values, places = np.unique(points, return_index=True)
            unseen = new[values]
            first_lines[values[unseen]] = line + np.searchsorted(newlines, places[unseen])
        counts[: len(of_block)] += of_block
        if not block.isascii():
            joined = tail + block
            for match in _MOJIBAKE.finditer(joined):
                if match.end() > len(tail) and _repaired(match[0]):
                    mojibake_line = mojibake_line or line + joined.count("\n", len(tail), match.start())
                    mojibake[match[0]] += 1
            for match in _decomposed(block):
                decomposed_line = decomposed_line or line + block.count("\n", 0, match.start())
                decomposed[match[0]] += 1
        tail = (tail + block)[-2:]
        crlf = block.count("\r\n")
        line_ends["crlf"] += crlf
        line_ends["lf"] += block.count("\n") - crlf
        line_ends["cr"] += block.count("\r") - crlf
        line += block.count("\n")
    points = np.flatnonzero(counts)
    rows = zip(points.tolist(), counts[points].tolist(), first_lines[points].tolist(), strict=True)
    characters = [Character(chr(point), count, first) for point, count, first in rows]
    return Survey(characters, line_ends, mojibake, mojibake_line, decomposed, decomposed_line, keep_line_ends)


def _decomposed(block: str) -> Iterator[re.Match[str]]:
    """The letters in a block that are written in more characters than they need."""
    marks = "".join(c for c in set(block) if unicodedata.combining(c))
    accented = f"[^{re.escape(marks)}][{re.escape(marks)}]+|" if marks else ""
    for match in re.finditer(f"{accented}[\u1100-\u1112][\u1161-\u1175][\u11a8-\u11c2]?", block):
        if len(normalised(match[0], "NFC")) < len(match[0]):
            yield match


def _points(text: str) -> str:
    return " ".join(f"U+{ord(character):04X}" for character in text)


def suspicions(characters: str, beginning: str) -> list[tuple[str, str]]:
    """What among the distinct characters of a text is probably a mistake, and what to do about it: kind and advice.
    How much of the ``beginning`` of the text is NUL tells a wrong encoding from a few stray ones."""
    found = _suspicious(beginning.count("\0"), len(beginning))
    return [(kind, advice) for kind, pattern, advice in found if re.search(pattern, characters)]


def _suspicious(nuls: int, length: int) -> Sequence[tuple[str, str, str]]:
    """``_SUSPICIOUS``, with the advice that suits a text of so many characters and NULs among them."""
    advice = _WIDE if nuls >= _MANY_NULS * length else _REMOVE
    return [("NUL characters", "\0", advice), *_SUSPICIOUS]


def _finding(kind: str, characters: Sequence[Character], advice: str) -> Finding:
    by_count = sorted(characters, key=lambda c: -c.count)[:_EXAMPLES]
    examples = [f"{c.code_point} {c.name}" for c in by_count]
    line = min((c.line for c in characters), default=0)
    return Finding(kind, sum(c.count for c in characters), line, examples, advice)


_CATEGORIES = {"Cc": "control", "Cf": "format", "Cn": "not assigned", "Co": "private use", "Cs": "surrogate"}
_CONTROLS = {0x09: "TAB", 0x0A: "LINE FEED", 0x0C: "FORM FEED", 0x0D: "CARRIAGE RETURN", 0x1B: "ESCAPE"}

_MANY_NULS = 0.25
"""The share of NULs from which on a text was written in wider units; of Latin letters in UTF-16 they are a half."""
_WIDE = "the text is probably UTF-16 or UTF-32; --set corpus.encoding=utf-16"
_REMOVE = "they mean nothing in a text; remove them"
_SUSPICIOUS = [
    ("control characters", "[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]", _REMOVE),
    (
        "C1 control characters",
        "[\x80-\x9f]",
        "the text is probably Windows-1252 and was read as Latin-1; --set corpus.encoding=cp1252",
    ),
    ("byte-order marks inside the text", "\ufeff", "files were joined with their marks; remove all but the first"),
    ("replacement characters", "\ufffd", "something was lost when the text was decoded before; take the original"),
    (
        "private-use characters",
        "[\ue000-\uf8ff\U000f0000-\U000ffffd\U00100000-\U0010fffd]",
        "they mean something in one font only; replace or remove them",
    ),
    (
        "zero-width characters",
        "[\u00ad\u180e\u200b-\u200d\u2060\u2061-\u2064]",
        "they cannot be seen; remove them, unless the language or its emoji need U+200C and U+200D",
    ),
    (
        "bidirectional controls",
        "[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]",
        "they change the order in which text is shown; remove them, unless the text mixes directions",
    ),
    ("line and paragraph separators", "[\u2028\u2029]", "no line ends with them here; replace them by \\n"),
]
"""Kind, pattern of a character, advice."""

_CP1252 = "".join(bytes([byte]).decode("cp1252", "ignore") or chr(byte) for byte in range(0x80, 0xC0))
_MOJIBAKE = re.compile(
    f"[\u00c2-\u00c5\u00ce-\u00d1][{re.escape(_CP1252)}]|\u00e2[{re.escape(_CP1252)}]{{2}}|\u00ef\u00bb\u00bf"
)
"""Two or three bytes of UTF-8 as they look in Windows-1252: accented letters, Greek, Cyrillic; punctuation; a
byte-order mark. Other lead bytes are passed over, as they occur in honest text before a quotation mark."""


def _repaired(wrong: str) -> str | None:
    """The character that was meant; None where the bytes are not UTF-8."""
    to_byte = {character: byte for byte, character in enumerate(_CP1252, 0x80)}
    try:
        return bytes(to_byte.get(character, ord(character)) for character in wrong).decode()
    except (UnicodeDecodeError, ValueError):
        return None
