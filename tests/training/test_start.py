"""A run is started, resumed and begun with another network by the library as by the command line."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from charrnn import (
    Corpus,
    Run,
    Settings,
    Trainer,
    load_checkpoint,
    load_corpus,
    load_settings,
    make_corpus,
    resume,
    start,
)
from charrnn.errors import CorpusError, RunError, SettingsError
from charrnn.storage import checkpoint as storage
from charrnn.storage.checkpoint import read_checkpoint

TEXT = "a man sat on a mat and ran after the cat. " * 40


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """With a text in it, and the current one."""
    (tmp_path / "my.txt").write_text(TEXT)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def settings(**sections: dict) -> Settings:
    own = {
        "corpus": {"path": "my.txt"},
        "model": {"hidden": 6},
        "training": {"iterations": 8, "batch": 4, "window": 9, "validate_every": 4, "report": 3},
        "snapshots": {"at": [2, 5], "length": 20},
        "checkpoints": {"every": 3},
        "compute": {"workers": 1},
    }
    return load_settings("quick", **{key: own.get(key, {}) | sections.get(key, {}) for key in own | sections})


def weights(trainer: Trainer) -> bytes:
    return trainer.model.parameters.vector.tobytes()


def until(trainer: Trainer, iteration: int) -> None:
    for _ in trainer.train():
        if trainer.progress.iteration == iteration:
            trainer.stop()


def test_a_run_is_resumed_in_three_lines() -> None:
    whole = start(settings())
    list(whole.train())
    until(start(settings(), run="runs/my"), 4)

    trainer = resume("runs/my")
    for fact in trainer.train():
        print(fact)

    assert weights(trainer) == weights(whole)
    assert [row["iteration"] for row in Run("runs/my").metrics()] == [2, 3, 4, 5, 6, 8]


def test_the_command_line_resumes_what_the_library_began_and_the_other_way_round() -> None:
    whole = start(settings(training={"iterations": 12}))
    list(whole.train())
    until(start(settings(training={"iterations": 12}), run="my"), 3)
    command = [sys.executable, "-m", "charrnn", "train", "--run", "my", "--resume"]
    subprocess.run([*command, "--set", "training.iterations=8"], check=True, capture_output=True)
    trainer = resume("my", training={"iterations": 12})
    assert trainer.progress.iteration == 8
    list(trainer.train())
    assert load_checkpoint("my").corpus.name == "my"
    assert trainer.settings == whole.settings.model_copy(update={"corpus": trainer.settings.corpus})


def test_resuming_reads_the_last_checkpoint_once(monkeypatch: pytest.MonkeyPatch) -> None:
    until(start(settings(), run="my"), 4)
    read: list[Path] = []
    monkeypatch.setattr(storage, "read_checkpoint", lambda path: read.append(path) or read_checkpoint(path))
    assert resume("my").progress.iteration == 4
    assert read == [Path("my/checkpoints/last.npz")]


def test_settings_that_may_change_are_given_by_section() -> None:
    list(start(settings(), run="my").train())
    longer = resume("my", training={"iterations": 10}, snapshots={"at": [9]})
    list(longer.train())
    assert (longer.progress.iteration, len(Run("my").snapshots())) == (10, 5)
    with pytest.raises(SettingsError, match=r"model\.hidden is 6 in this run and cannot change"):
        resume("my", model={"hidden": 7})


@pytest.mark.parametrize("force", [False, True])
def test_nothing_is_written_before_training_begins(force: bool) -> None:
    if force:
        list(start(settings(), run="my").train())
    before = {path: path.stat().st_mtime_ns for path in Path("my").rglob("*")}
    trainer = start(settings(training={"seed": 1}), run="my", force=force)
    assert {path: path.stat().st_mtime_ns for path in Path("my").rglob("*")} == before
    next(iter(trainer.train()))
    assert "seed: 1\n" in Path("my/config.yaml").read_text()


def test_a_folder_that_holds_a_run_is_refused_without_force() -> None:
    list(start(settings(), run="my").train())
    with pytest.raises(RunError, match="already holds a run"):
        start(settings(), run="my")
    late, other = start(settings(), run="new"), start(settings(), run="new")
    list(other.train())
    with pytest.raises(RunError, match="'new'"):
        list(late.train())
    assert Run("new").last_checkpoint().progress.iteration == 8


def test_a_run_that_another_trainer_has_gone_on_with_is_not_written() -> None:
    until(start(settings(), run="my"), 4)
    first, second = resume("my"), resume("my")
    list(second.train())
    with pytest.raises(RunError, match="in the meantime; resume it anew"):
        list(first.train())
    assert Run("my").last_checkpoint().progress.iteration == 8


def test_a_trainer_goes_on_with_what_it_left_itself() -> None:
    trainer = start(settings(), run="my")
    until(trainer, 4)
    list(trainer.train())
    assert Run("my").last_checkpoint().progress.iteration == 8


@pytest.mark.parametrize("text", [TEXT, "\ufeffa man\r\nsat on\ra mat\u2028 " * 40], ids=["plain", "odd"])
def test_a_text_from_memory_is_kept_and_resumed_from(text: str) -> None:
    corpus = make_corpus(text, "mine", validation=0.17, test=0.05)
    until(start(settings(), corpus, run="my"), 4)
    resumed = resume("my")
    assert resumed.corpus.name == "mine"
    assert resumed.corpus.vocabulary.decode(resumed.corpus.ids) == text
    parts = (corpus.validation_start, corpus.test_start)
    assert (resumed.corpus.validation_start, resumed.corpus.test_start) == parts


@pytest.mark.parametrize("kind", ["lines", "poems", "labels"])
def test_items_from_memory_are_kept_and_resumed_from(kind: str) -> None:
    names = [f"{a}{b}" for a in ("an", "el", "jo", "ma") for b in ("na", "sa", "han", "ria", "")] * 4
    items = names if kind == "lines" else [f"{name}\n{name[::-1]}" for name in names]
    if kind == "labels":
        Path("rows").write_text("".join(json.dumps({"text": t, "by": t[0]}) + "\n" for t in items))
        corpus = load_corpus("rows", field="text", label="by", validation=0.2, seed=3)
    else:
        corpus = make_corpus(items, "mine", validation=0.2, seed=3)
    until(start(settings(), corpus, run="my"), 4)
    resumed = resume("my")
    assert np.array_equal(resumed.corpus.ids, corpus.ids)
    assert (resumed.corpus.mark, resumed.corpus.labels) == (corpus.mark, corpus.labels)
    assert resumed.corpus.validation_start == corpus.validation_start
    assert resumed.model.network.mark == corpus.mark_id


def test_a_trainer_takes_no_items_for_a_text() -> None:
    with pytest.raises(SettingsError, match=r"the corpus has items, .*use start"):
        Trainer(settings(), make_corpus(["anna", "otto"] * 40, validation=0))


def test_a_corpus_in_pieces_is_kept_and_cut_in_the_same_pieces() -> None:
    corpus = make_corpus(TEXT, "mine", validation=0.17, test=0.05, pieces=4)
    until(start(settings(), corpus, run="my"), 4)
    resumed = resume("my")
    assert resumed.settings.corpus.pieces == 4
    for part in ("training", "validation", "test"):
        assert np.array_equal(getattr(resumed.corpus, part), getattr(corpus, part))


def test_what_training_begins_with_is_heeded() -> None:
    """Its architecture stands over the settings, and its characters over the text."""
    list(start(settings(model={"hidden": 5, "cell": "gru", "dropout": 0.1}), run="old").train())
    Path("new.txt").write_text("on a mat sat, \xe9mile. " * 40, "utf-8")
    chosen = settings(corpus={"path": "new.txt"}, training={"init_from": "old", "iterations": 3})
    trainer = start(chosen, run="new")
    model = trainer.settings.model
    assert (model.cell, model.hidden, model.dropout) == ("gru", 5, 0.1)
    assert trainer.new_characters == ",il\xe9"
    assert set(TEXT) < set(trainer.corpus.vocabulary.characters)
    until(trainer, 2)
    resumed = resume("new")
    list(resumed.train())
    (origin,) = resumed.checkpoint().origins
    assert (origin.iteration, origin.corpus.name) == (load_checkpoint("old").progress.iteration, "my")


def test_a_text_that_is_elsewhere_now_is_named(folder: Path) -> None:
    until(start(settings(), run="my"), 4)
    Path("my.txt").rename("moved.txt")
    with pytest.raises(CorpusError, match=r"does not exist; .*give as corpus the path that it has now"):
        resume("my")
    trainer = resume("my", corpus={"path": ["moved.txt"]})
    list(trainer.train())
    assert trainer.settings.corpus.path == [str(folder / "moved.txt")]


def test_a_trainer_says_that_it_loads_no_checkpoint_by_itself() -> None:
    corpus = make_corpus(TEXT)
    with pytest.raises(SettingsError, match=r"training\.init_from is 'old', .*; use start"):
        Trainer(settings(training={"init_from": "old"}), corpus)


def test_nothing_is_trained_while_a_trainer_is_made() -> None:
    trainer = start(settings(training={"minutes": 1, "iterations": None}))
    assert (trainer.iterations, trainer.speed, trainer.progress.seconds) == (None, None, 0)
    trainer.plan()
    assert trainer.progress.plan == ((0, trainer.iterations),)
    assert trainer.speed.training > 0


def test_settings_can_be_chosen_for_the_text() -> None:
    """What is chosen is what the run has and goes on with, and the text is cut as it says."""
    seen = []

    def choose(corpus: Corpus) -> Settings:
        seen.append(len(corpus.validation))
        return settings(corpus={"validation": 0.25}, model={"hidden": 3})

    trainer = start(settings(), run="runs/chosen", choose=choose)
    n = len(trainer.corpus)
    assert (seen, len(trainer.corpus.validation)) == ([round(n / 10)], round(n / 4))
    assert trainer.model.network.hidden_size == 3
    until(trainer, 4)
    again = resume("runs/chosen")
    assert (again.progress.iteration, len(again.corpus.validation)) == (4, round(n / 4))


def test_settings_can_be_chosen_for_a_text_that_is_given() -> None:
    corpus = make_corpus(TEXT[5:])
    until(start(settings(), corpus, run="runs/given", choose=lambda _: settings(model={"hidden": 3})), 4)
    again = resume("runs/given")
    assert (again.progress.iteration, again.model.network.hidden_size) == (4, 3)
    assert again.corpus.sha256 == corpus.sha256
