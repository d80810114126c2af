"""The files that travel with the program: recipes in ``configs/``, the catalogue of corpora in ``data/``."""

from pathlib import Path

import yaml

_HERE = Path(__file__).parent


def resource(folder: str) -> Path:
    """``configs`` or ``data``: inside the package in a wheel, beside it in a checkout."""
    inside = _HERE / folder
    return inside if inside.is_dir() else _HERE.parent / folder


def recipes() -> dict[str, Path]:
    """The recipes by bare name."""
    return {path.stem: path for path in sorted(resource("configs").glob("*.yaml"))}


def corpus_source(file_name: str) -> str | None:
    """Where a known corpus can be fetched from, by the name of its file; None for others."""
    catalogue = yaml.safe_load((resource("data") / "corpora.yaml").read_text("utf-8"))
    for entry in catalogue.values():
        if entry["file"] == file_name:
            return str(entry["address"])
    return None
