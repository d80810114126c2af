"""What a network has to beat, on the split that it is trained on."""

import bz2
import lzma
import math
import random
import zlib

import numpy as np
import pytest

from charrnn import CharRNNError, make_corpus
from charrnn.analysis import baselines as module
from charrnn.analysis.baselines import baselines, baselines_document, best_baseline

WORDS = ["the", "caf\xe9", "sat", "on", "a", "mat", "and", "ran", "\u2014", "away.\n"]
CORPUS = make_corpus(" ".join(random.Random(1).choices(WORDS, k=3000)), validation=0.1, test=0.2)


def test_orders_then_compressors() -> None:
    names = [found.name for found in baselines(CORPUS, order=3)]
    assert names == [*(f"n-gram of order {k}" for k in (1, 2, 3)), "zlib", "bz2", "lzma"]


def test_longer_contexts_know_the_words() -> None:
    losses = [found.loss for found in baselines(CORPUS, order=6)][:6]
    words = math.log(len(WORDS)) / np.mean([len(word) + 1 for word in WORDS])  # the entropy of the text
    assert losses[0] > 1.5 * words
    assert min(losses) == pytest.approx(words, rel=0.05)


@pytest.mark.parametrize("part", ["validation", "test"])
def test_a_compressor_takes_what_the_part_adds(part: str) -> None:
    training, text = (CORPUS.vocabulary.decode(ids) for ids in (CORPUS.training, getattr(CORPUS, part)))
    losses = {found.name: found.loss for found in baselines(CORPUS, part, order=1)}
    for name, compress in {"zlib": lambda b: zlib.compress(b, 9), "bz2": bz2.compress, "lzma": lzma.compress}.items():
        added = len(compress((training + text).encode())) - len(compress(training.encode()))
        assert losses[name] / math.log(2) == pytest.approx(8 * added / len(text), abs=0.05)


def test_the_best_is_the_lowest() -> None:
    found = list(baselines(CORPUS, order=4))
    assert best_baseline(found).loss == min(baselines_document(CORPUS, found)["nats_per_character"].values())


def test_a_long_text_is_counted_in_part(monkeypatch: pytest.MonkeyPatch) -> None:
    short = make_corpus("ab" * 500 + "cd" * 500, validation=0.25)
    monkeypatch.setattr(module, "COUNTED", 100)
    found = list(baselines(short, order=2))
    assert baselines_document(short, found)["characters"] == {"training": 100, "validation": 100}
    assert found[1].loss < 0.1  # of the last hundred characters, in which c and d alternate, and not the first


def test_nothing_to_measure() -> None:
    corpus = make_corpus("the cat sat on the mat. " * 100, validation=0)
    with pytest.raises(CharRNNError, match=r"has no validation part to measure; set corpus.validation"):
        list(baselines(corpus))
