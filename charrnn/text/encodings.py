"""Which encoding a text is probably in: the one in which it looks most like writing."""

import codecs
import unicodedata

SINGLE_BYTE = ("cp1252", "cp1251", "koi8-r", "cp1250", "cp1253")
"""Encodings in which a byte is a character, the most frequent first."""
COMMON = {
    "shift_jis": range(0x88, 0x98),
    "euc_jp": range(0xB0, 0xD0),
    "euc_kr": range(0xB0, 0xC9),
    "gb2312": range(0xB0, 0xD8),
    "big5": range(0xA4, 0xC7),
}
"""Encodings in which a character is two bytes, and the first of these for the characters in common use."""
_CONTROLS = bytes(byte for byte in (*range(0x20), 0x7F) if byte not in b"\t\n\f\r\x1b")
_MOST_CONTROLS = 0.01
"""The share of control characters from which on a sample is no text in any of these encodings."""
_AT_LEAST = 0.4
"""The share of characters that have to make sense."""
_RARER = 0.02
"""What an encoding has to be better by than one that is more frequent."""


def likely_encoding(sample: bytes) -> str | None:
    """The encoding of a sample, by its name in Python; None where neither UTF-8 nor those above make sense of it."""
    if len(sample) - len(sample.translate(None, _CONTROLS)) > _MOST_CONTROLS * len(sample):
        return None
    if not (_decoded(sample, "utf-8") or "").isascii():
        return "utf-8"
    singles = enumerate(SINGLE_BYTE)
    scores = {codec: _score(text) - k * _RARER for k, codec in singles if (text := _decoded(sample, codec))}
    scores |= {codec: _common(text, codec) for codec in COMMON if (text := _decoded(sample, codec))}
    best = max(scores, key=lambda codec: scores[codec], default=None)
    if best is None or scores[best] < _AT_LEAST:
        return None
    if best == "cp1252" and not any(0x80 <= byte < 0xA0 for byte in sample):
        return "latin-1"
    return "gb18030" if best == "gb2312" else best


def _decoded(sample: bytes, codec: str) -> str | None:
    """The sample in an encoding, but for half a character at its end; None where it is not in that."""
    try:
        return codecs.getincrementaldecoder(codec)().decode(sample)
    except UnicodeDecodeError:
        return None


def _score(text: str) -> float:
    """How much sense the characters beyond ASCII make, each from 1 down to -1, on average: letters of the script of
    their neighbours, capitals at the beginning of words, and in Latin words among others without accents."""
    points = [_sense(before, c) for before, c in zip(f" {text}", text, strict=False) if not c.isascii()]
    return sum(points) / len(points) if points else 0.0


def _sense(before: str, c: str) -> float:
    kind = unicodedata.category(c)
    if not c.isalpha() or kind == "Lm":  # a mark such as the caron alone
        return 0.5 if kind[0] in "PZ" else -1.0
    if not before.isalpha():
        return 1.0
    if _script(before) != _script(c) or (c.isupper() and before.islower()):
        return -1.0
    if _script(c) == "LATIN" and not before.isascii():
        return -0.5
    return 0.0 if c.isupper() else 1.0


def _script(letter: str) -> str:
    return unicodedata.name(letter, "?").split()[0]


def _common(text: str, codec: str) -> float:
    """The share of the letters beyond ASCII that are in common use: kana, or in the range of ``COMMON``; 0 for Japanese
    without kana."""
    letters = [c for c in text if not c.isascii() and c.isalpha()]
    kana = sum(_script(c) in ("HIRAGANA", "KATAKANA") for c in letters)
    if not letters or (codec in ("shift_jis", "euc_jp") and not kana):
        return 0.0
    return (kana + sum(c.encode(codec)[0] in COMMON[codec] for c in letters)) / len(letters)
