"""The network that travels with the program."""

import os
import re
from pathlib import Path

import pytest
import yaml

from charrnn import load_checkpoint, load_settings
from charrnn.analysis.activations import collect, read_activations
from charrnn.analysis.neurons import rank
from charrnn.resources import resource, shipped_network

ROOT = Path(__file__).parent.parent


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
    assert shipped_network().stat().st_size <= 4_200_000


@pytest.mark.slow
@pytest.mark.parametrize("name", ["quotes", "line-position"])
def test_it_has_the_units_that_the_documents_show(name: str) -> None:
    path = Path(os.environ.get("CHARRNN_CORPORA", ""), "war-and-peace.txt")
    if not os.environ.get("CHARRNN_CORPORA") or not path.is_file():
        pytest.skip("CHARRNN_CORPORA names no folder with war-and-peace.txt")
    end = path.read_bytes()[-150_000:].decode()[:20_000]
    text, values, _ = collect(read_activations(load_checkpoint(shipped_network()).model, [end]), "cell")
    ranking = rank(text, values, name)
    see = (ROOT / "docs" / "see.md").read_text("utf-8")
    table = re.search(rf"^{name}: .*?by luck +(\S+)$", see, re.M | re.S)
    rows = re.findall(r"^ +(\d+):(\d+) +(\S+)", table[0], re.M)
    assert [(int(layer), int(unit)) for layer, unit, _ in rows] == ranking.best(3)
    scores = [ranking.scores[place] for place in ranking.best(3)]
    assert [float(score) for _, _, score in rows] == pytest.approx(scores, abs=0.002)
    assert float(table[1]) == pytest.approx(ranking.by_luck, abs=0.002)
