"""What the recipes promise. Where the corpora are is said by CHARRNN_CORPORA, a folder; without it, these are skipped.

The long ones train for some ten minutes:
``CHARRNN_CORPORA=... python3 -m pytest -m slow tests/settings/test_recipes.py``
"""

import hashlib
import os
import statistics
from pathlib import Path

import pytest
import yaml

from charrnn import Run, Sampling, Trainer, generate, load_checkpoint, load_corpus, load_settings, seeds
from charrnn.resources import resource
from charrnn.settings.recipes import recipes
from charrnn.text.words import real_word_share

CORPORA = Path(os.environ.get("CHARRNN_CORPORA", ""))
CATALOGUE = yaml.safe_load((resource("data") / "corpora.yaml").read_text("utf-8"))
STAGES = {100: 0.05, 300: 0.15, 500: 0.53, 700: 0.64, 1200: 0.83, 2000: 0.95}
"""Share of real words in the classic samples of an LSTM that learns War and Peace, by iteration; small samples all."""


def corpus(name: str) -> Path:
    path = CORPORA / CATALOGUE[name]["file"]
    if not os.environ.get("CHARRNN_CORPORA") or not path.is_file():
        pytest.skip(f"CHARRNN_CORPORA names no folder with {path.name}")
    return path


def trained(name: str, folder: Path) -> Run:
    run = Run(folder)
    settings = load_settings(name)
    run.create(settings)
    list(Trainer(settings, load_corpus([corpus(name)], validation=settings.corpus.validation), run).train())
    return run


@pytest.mark.parametrize("name", CATALOGUE)
def test_the_catalogue_describes_the_file(name: str) -> None:
    content = corpus(name).read_bytes()
    assert len(content) == CATALOGUE[name]["bytes"]
    assert hashlib.sha256(content).hexdigest() == CATALOGUE[name]["sha256"]


@pytest.mark.parametrize("recipe", recipes())
def test_a_recipe_names_its_source_and_what_it_reaches(recipe: str) -> None:
    text = recipes()[recipe].read_text("utf-8")
    assert "# Source: " in text
    assert "# Reaches: " in text


@pytest.mark.slow
def test_tiny_shakespeare(tmp_path: Path) -> None:
    assert load_checkpoint(trained("tiny-shakespeare", tmp_path).folder).progress.best_loss < 1.43


@pytest.mark.slow
def test_war_and_peace_passes_through_the_classic_stages(tmp_path: Path) -> None:
    run = trained("war-and-peace", tmp_path)
    real = load_corpus([corpus("war-and-peace")], validation=0.05).real_words

    def share(iteration: int, temperature: float) -> float:
        model = load_checkpoint(run.folder, iteration).model
        rng = seeds.generator(0, "stages", iteration)
        steps = list(generate(model, 1000, rng, Sampling(filters={"temperature": temperature}), count=8))
        return statistics.mean(real_word_share("".join(sample), real) for sample in zip(*steps, strict=True))

    temperature = run.snapshots()[0].temperature
    assert {at: share(at, temperature) for at in STAGES} == pytest.approx(STAGES, abs=0.2)
    assert share(2000, 1.0) > 0.68
    assert load_checkpoint(run.folder).progress.best_loss < 1.30
