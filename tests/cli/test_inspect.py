"""``charrnn inspect``: all that a checkpoint says of itself, and nothing that it could do to a terminal."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from charrnn import load_checkpoint, make_corpus
from charrnn.model import Model
from charrnn.storage.checkpoint import Checkpoint
from charrnn.storage.document import CorpusRecord


def test_json_is_what_the_checkpoint_holds(folder: Path, charrnn: Callable) -> None:
    facts = json.loads(charrnn("inspect", "run/checkpoints/last.npz", "--json").out)
    checkpoint = load_checkpoint("run/checkpoints/last.npz")
    assert facts["settings"] == checkpoint.settings.model_dump()
    assert facts["vocabulary"] == checkpoint.model.vocabulary.characters
    assert facts["made_with"] == checkpoint.made_with
    assert facts["progress"]["iteration"] == 6
    assert facts["epochs"] == pytest.approx(6 / ((1998 - 1) // 2 // 8))
    assert facts["resumable"]
    assert facts["numbers"] == len(checkpoint.model.parameters.vector)
    for name, array in checkpoint.model.parameters.items():
        assert facts["parameters"][name]["shape"] == list(array.shape)
        assert facts["parameters"][name]["norm"] == pytest.approx(np.linalg.norm(array))
        assert facts["parameters"][name]["largest"] == pytest.approx(np.abs(array).max())


def test_for_people(folder: Path, charrnn: Callable) -> None:
    shown = charrnn("inspect", "run", "--at", "3").out
    row = json.loads(Path("run/metrics.jsonl").read_text().splitlines()[2])
    for said in (
        "corpus: cats, 2,220 characters, SHA-256 ",
        "trained: 3 iterations of 16 characters, 0.02 epochs\n",
        f"training loss: {row['loss']:.3f} nats/char ({row['loss'] / np.log(2):.3f} bits)\n",
        f"validation loss: {row['validation_loss']:.3f} nats/char",
        "resumable: no, weights only; ",
        f"numpy {np.__version__}",
        "vocabulary: 15 characters: '\\n .acdeghmnorst'\n",
        "layer0.Wx               15 x 16  norm ",
        "training.batch: 2\n",
    ):
        assert said in shown


def test_a_stranger_s_words_stay_words(folder: Path, charrnn: Callable) -> None:
    made = load_checkpoint("run")
    vocabulary = make_corpus("\x1b\x9b\u202e\ufeff\n" + made.model.vocabulary.characters[1:11]).vocabulary
    settings = made.settings.model_copy(
        update={"snapshots": made.settings.snapshots.model_copy(update={"prime": "a\x1b[2J\n\u202eb"})}
    )
    Checkpoint(
        Model(made.model.network, made.model.parameters, vocabulary),
        settings,
        made.progress,
        replace(made.corpus, name="cats\x1b]0;x\x07\nresumable: yes"),
        made_with={"numpy": "2\x1b[31m\n\u2066"},
    ).save(Path("hostile.npz"))
    shown = charrnn("inspect", "hostile.npz")
    assert shown.code == 0
    assert all(line.isprintable() for line in shown.out.split("\n"))
    assert len(shown.out.splitlines()) == len(charrnn("inspect", "run").out.splitlines())


def test_a_corpus_that_does_not_fit_the_settings(folder: Path, charrnn: Callable) -> None:
    made = load_checkpoint("run")
    replace(made, corpus=CorpusRecord("none", "0" * 64, 0)).save(Path("odd.npz"))
    assert "trained: 6 iterations of 16 characters\n" in charrnn("inspect", "odd.npz").out


@pytest.mark.parametrize("path", ["nowhere", "cats.txt", "tiny.yaml"])
def test_what_cannot_be_inspected(folder: Path, charrnn: Callable, path: str) -> None:
    code, out, err = charrnn("inspect", path)
    assert (code, out, err.count("\n")) == (1, "", 1)


def test_the_network_that_comes_with_the_program(charrnn: Callable) -> None:
    assert json.loads(charrnn("inspect", "--json").out)["corpus"]["name"] == "war-and-peace"
