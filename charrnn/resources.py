"""What travels with the program: recipes in ``configs/``; in ``data/`` a catalogue of corpora and a network; in
``pages/`` what pages of HTML are made of."""

import base64
import hashlib
from pathlib import Path

_HERE = Path(__file__).parent


def resource(folder: str) -> Path:
    """``configs`` or ``data``: inside the package in a wheel, beside it in a checkout."""
    inside = _HERE / folder
    return inside if inside.is_dir() else _HERE.parent / folder


def shipped_network() -> Path:
    """The checkpoint that is there from the beginning: of the recipe ``tolstoy``, trained on War and Peace."""
    return resource("data") / "tolstoy.npz"


def page_part(name: str) -> str:
    """A template, style sheet or script of ``pages/``."""
    return (_HERE / "report" / "pages" / name).read_text("utf-8")


def script_hash(script: str) -> str:
    """A script as a content security policy names it."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
