"""The network that travels with the program."""

import yaml

from charrnn import load_checkpoint, load_settings
from charrnn.resources import resource, shipped_network


def test_it_says_how_it_was_made() -> None:
    checkpoint = load_checkpoint(shipped_network())
    catalogue = yaml.safe_load((resource("data") / "corpora.yaml").read_text("utf-8"))
    assert checkpoint.corpus.sha256 == catalogue["war-and-peace"]["sha256"]
    made, recipe = (s.model_dump() for s in (checkpoint.settings, load_settings("tolstoy")))
    assert made.pop("corpus")["path"] == ["war-and-peace.txt"]
    recipe.pop("corpus")
    assert made == recipe
    assert checkpoint.training is None
    assert checkpoint.progress.best_loss is not None


def test_it_is_small() -> None:
    assert shipped_network().stat().st_size <= 4_000_000
