"""Characters that drive what shows them, a terminal or a page, or that it cannot show, made visible instead."""

_CONTROLS = [*range(0x20), *range(0x7F, 0xA0)]  # C0, DEL, C1
_DIRECTIONS = [0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]
"""Bidirectional marks, embeddings, overrides and isolates (Unicode Standard Annex 9)."""
_NO_CHARACTERS = [*range(0xD800, 0xE000), 0xFFFE, 0xFFFF]
"""Surrogates, as which Python reads the bytes of a file's name that are no text, and what XML does not allow."""
_ESCAPES = {point: f"\\x{point:02x}" for point in _CONTROLS}
_ESCAPES |= {point: f"\\u{point:04x}" for point in (*_DIRECTIONS, *_NO_CHARACTERS)}
for _kept in "\n\t":
    del _ESCAPES[ord(_kept)]


_IN_JSON = {point: f"\\u{point:04x}" for point in _ESCAPES}


def escaped(text: str) -> str:
    """Control characters other than newline and tab, bidirectional controls and what is no character, as ``\\x1b`` and
    ``\\u202e``."""
    return text.translate(_ESCAPES)


def escaped_in_json(document: str) -> str:
    """The same characters in JSON, as ``\\u001b`` and ``\\u202e``."""
    return document.translate(_IN_JSON)
