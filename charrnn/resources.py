"""Files that come with the program: recipes in ``configs/``; in ``data/`` a catalogue of corpora and a network."""

from pathlib import Path

_HERE = Path(__file__).parent


def resource(folder: str) -> Path:
    """The folder ``configs`` or ``data``: inside the package in a wheel, beside it in a checkout."""
    inside = _HERE / folder
    return inside if inside.is_dir() else _HERE.parent / folder


def shipped_network() -> Path:
    """The checkpoint that comes with the program: of the recipe ``tolstoy``, trained on War and Peace."""
    return resource("data") / "tolstoy.npz"
