"""Characters that drive what shows them, a terminal or a page, made visible instead."""

_CONTROLS = [*range(0x20), *range(0x7F, 0xA0)]  # C0, DEL, C1
_DIRECTIONS = [0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]
"""Bidirectional marks, embeddings, overrides and isolates (Unicode Standard Annex 9)."""
_ESCAPES = {point: f"\\x{point:02x}" for point in _CONTROLS} | {point: f"\\u{point:04x}" for point in _DIRECTIONS}
for _kept in "\n\t":
    del _ESCAPES[ord(_kept)]


def escaped(text: str) -> str:
    """Control characters other than newline and tab, and bidirectional controls, as ``\\x1b`` and ``\\u202e``."""
    return text.translate(_ESCAPES)
