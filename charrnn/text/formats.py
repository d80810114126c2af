"""Files that are no plain text, known by their first bytes."""

from charrnn.errors import CorpusError

_SAVE = "save it as plain text in UTF-8 and name that file"
_UNPACK = "unpack it and name the text that comes out"
FORMATS = {
    b"%PDF-": ("a PDF document", _SAVE),
    b"{\\rtf": ("an RTF document, full of markup", _SAVE),
    b"PK\x03\x04": ("a zip archive, as Word documents and e-books are", _SAVE),
    b"\xd0\xcf\x11\xe0": ("a document of an old Word or Excel", _SAVE),
    b"\x1f\x8b\x08": ("compressed by gzip", _UNPACK),
    b"\xfd7zXZ": ("compressed by xz", _UNPACK),
}
"""What a file that begins so is, and what to do about it."""
LONGEST = max(map(len, FORMATS))
"""How many bytes are enough to know them."""


def check_plain(name: str, beginning: bytes) -> None:
    """Raises CorpusError for a file of that name and beginning that is known to be no plain text."""
    for first, (is_a, remedy) in FORMATS.items():
        if beginning.startswith(first):
            raise CorpusError(f"{name!r} is {is_a}, and not a text", remedy)
