"""Files of every format that was ever released load, and training goes on from them; newer ones say that they are."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from make_fixtures import ENDED, FIXTURES, STOPPED, TEXT

from charrnn import Run, Trainer, generate, load_checkpoint, load_corpus
from charrnn.errors import CharRNNError, CheckpointError
from charrnn.machine import versions
from charrnn.storage import migrations
from charrnn.storage.archive import write_archive
from charrnn.storage.checkpoint import Checkpoint
from charrnn.storage.interchange import import_weights
from charrnn.storage.migrations import FORMAT, MIGRATIONS

FORMATS = range(1, FORMAT + 1)
FOLDER = "/home/alice/letters"
"""Where the fixtures of format 1 were made, which they say."""
RESUMABLE = {
    "parameters": "f18e2ee6e3be12a7",
    "m": "6bb403856e818d28",
    "v": "b02d912f32641c7c",
    "state": "e1c23fb2867dc54c",
}
WEIGHTS, EXPORT = "0b5067c28d4bf3f8", "8226f1c62c9208d6"
"""SHA-256, its beginning, of the numbers in each kind of file. They are the same in all formats."""


def digest(array: np.ndarray) -> str:
    return hashlib.sha256(array.tobytes()).hexdigest()[:16]


def numbers(checkpoint: Checkpoint) -> dict[str, str]:
    """The digest of every vector in a checkpoint that training can go on from."""
    training = checkpoint.training
    vectors = {"parameters": checkpoint.model.parameters.vector, **training.memory, "state": training.state}
    return {name: digest(vector) for name, vector in vectors.items()}


def rewritten(source: Path, path: Path, change: Callable[[dict], object]) -> Path:
    """A copy of a file with another document."""
    with np.load(source) as archive:
        arrays = dict(archive)
    document = json.loads(arrays.pop("document").tobytes())
    change(document)
    with open(path, "wb") as file:
        write_archive(file, json.dumps(document, ensure_ascii=False).encode(), arrays)
    return path


def run_of(number: int, folder: Path) -> Run:
    """The run folder that a fixture comes from, its text beside it."""
    text = folder / "cats.txt"
    text.write_text(TEXT)
    run = Run(folder / "run")
    settings = load_checkpoint(FIXTURES / f"format-{number}.npz").settings
    corpus = settings.corpus.model_copy(update={"path": [str(text)]})
    training = settings.training.model_copy(update={"init_from": str(folder / "first")})
    run.create(settings.model_copy(update={"corpus": corpus, "training": training}))
    shutil.copy(FIXTURES / f"format-{number}.npz", run.last)
    shutil.copy(FIXTURES / f"format-{number}-weights.npz", run.folder / "checkpoints" / "iteration-000003.npz")
    return run


def test_every_format_has_its_fixtures_and_every_older_one_its_migration() -> None:
    kinds = ("", "-weights", "-export")
    there = {path.name for path in FIXTURES.iterdir()}
    assert there == {f"format-{number}{kind}.npz" for number in FORMATS for kind in kinds}
    for name in there:
        with np.load(FIXTURES / name) as archive:
            assert f"format-{json.loads(archive['document'].tobytes())['format']}" in name
    assert list(MIGRATIONS) == list(FORMATS)[:-1]


@pytest.mark.parametrize("number", FORMATS)
def test_each_loads_with_all_that_it_held(number: int) -> None:
    last = load_checkpoint(FIXTURES / f"format-{number}.npz")
    assert numbers(last) == RESUMABLE
    assert last.training.optimizer_steps == STOPPED
    assert (last.progress.iteration, last.progress.best_iteration) == (STOPPED, 4)
    assert last.progress.recent_losses == (2.7113472297787666, 2.74720505438745, 2.7096257116645575)
    assert (last.settings.model.hidden, last.settings.training.batch, last.settings.snapshots.at) == (4, 2, [3])
    assert last.model.vocabulary.characters == "\n .acdeghmnorst"
    assert (last.corpus.name, last.corpus.characters) == ("cats", len(TEXT))
    assert [(origin.name, origin.iteration, origin.corpus) for origin in last.origins] == [("first", 4, last.corpus)]
    assert (last.made_with["charrnn"], last.made_with["workers"]) == ("0.1.0", 1)

    weights = load_checkpoint(FIXTURES / f"format-{number}-weights.npz")
    assert (weights.progress.iteration, digest(weights.model.parameters.vector)) == (3, WEIGHTS)
    assert weights.training is None
    export = import_weights(FIXTURES / f"format-{number}-export.npz")
    assert (export.progress.iteration, digest(export.model.parameters.vector)) == (ENDED, EXPORT)


@pytest.mark.parametrize("number", FORMATS)
def test_each_can_be_sampled_and_saved_in_the_format_of_today(tmp_path: Path, number: int) -> None:
    loaded = load_checkpoint(FIXTURES / f"format-{number}.npz")
    text = "".join(piece for (piece,) in generate(loaded.model, 30, np.random.default_rng(1)))
    assert len(text) == 30
    assert set(text) <= set(TEXT)
    loaded.save(tmp_path / "again.npz")
    assert (tmp_path / "again.npz").read_bytes().count(b'{"format": %d, ' % FORMAT) == 1
    again = load_checkpoint(tmp_path / "again.npz")
    assert numbers(again) == RESUMABLE
    assert again.document() == loaded.document()


@pytest.mark.parametrize("number", FORMATS)
@pytest.mark.filterwarnings("ignore:the checkpoint was made with")
def test_training_goes_on_to_where_it_would_have_come(tmp_path: Path, number: int) -> None:
    """To the very bits, where the fixture was made with what computes here."""
    run = run_of(number, tmp_path)
    checkpoint = run.last_checkpoint()
    settings = checkpoint.settings
    corpus = load_corpus(settings.corpus.path, validation=settings.corpus.validation)
    trainer = Trainer(settings, corpus, run, checkpoint)
    run.cut_back(trainer.progress.iteration, settings)
    list(trainer.train())
    assert trainer.progress.iteration == ENDED
    expected = import_weights(FIXTURES / f"format-{number}-export.npz").model.parameters.vector
    assert np.allclose(trainer.model.parameters.vector, expected, rtol=0, atol=1e-5)
    if versions().items() <= checkpoint.made_with.items():
        assert digest(trainer.model.parameters.vector) == EXPORT
    contents = {path.name: path.read_bytes() for path in run.folder.rglob("*.npz")}
    assert not any(tmp_path.name.encode() in content for content in contents.values())
    untouched = {"iteration-000003.npz", "last.prev.npz"} if number == 1 else set()
    assert {name for name, content in contents.items() if FOLDER.encode() in content} == untouched


@pytest.mark.parametrize("number", FORMATS)
def test_a_newer_format_says_that_it_is_newer(tmp_path: Path, number: int) -> None:
    newer = rewritten(
        FIXTURES / f"format-{number}.npz", tmp_path / "newer.npz", lambda document: document.update(format=FORMAT + 1)
    )
    says = rf"newer.npz' was made by a newer charrnn \(format {FORMAT + 1}; this version reads up to {FORMAT}\); update"
    with pytest.raises(CheckpointError, match=says):
        load_checkpoint(newer)


@pytest.mark.parametrize("change", [{"settings": {"training": {"rho": 1}}}, {"labels": ["poem", "letter"]}], ids=str)
def test_what_a_newer_version_added_says_that_it_is_newer(tmp_path: Path, change: dict) -> None:
    """Where no newer version made it, it is a damaged file."""

    def changed(version: object) -> Path:
        def update(document: dict) -> None:
            document["made_with"]["charrnn"] = version
            document["settings"]["training"] |= change.get("settings", {}).get("training", {})
            document |= {key: value for key, value in change.items() if key != "settings"}

        return rewritten(FIXTURES / f"format-{FORMAT}.npz", tmp_path / "added.npz", update)

    for version in ("0.1.1", "0.10.0", "1", "2.0.0rc1"):
        with pytest.raises(CheckpointError, match=rf"was made by charrnn {version}, and this is .*; update charrnn"):
            load_checkpoint(changed(version))
    for version in ("0.1.0", "0.0.9", "", "x", 9, "\ud7ff"):
        with pytest.raises(CheckpointError, match="is no checkpoint, or a damaged one"):
            load_checkpoint(changed(version))


@pytest.mark.parametrize("number", FORMATS)
def test_a_setting_that_was_renamed_since_is_understood(
    tmp_path: Path, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here ``training.batch`` was called ``training.streams`` in the file, and ``model.hidden`` stood elsewhere."""

    def older(document: dict) -> None:
        settings = document["settings"]
        settings["training"]["streams"] = settings["training"].pop("batch")
        settings["network"] = {"units": settings["model"].pop("hidden")}

    source = FIXTURES / f"format-{number}.npz"
    path = rewritten(source, tmp_path / "older.npz", older)
    with pytest.raises(CheckpointError, match="unknown setting"):
        load_checkpoint(path)
    monkeypatch.setitem(migrations.RENAMED, "training.streams", "training.batch")
    monkeypatch.setitem(migrations.RENAMED, "network.units", "model.hidden")
    assert load_checkpoint(path).settings == load_checkpoint(source).settings
    assert numbers(load_checkpoint(path)) == RESUMABLE

    run = run_of(number, tmp_path)
    config = run.config.read_text()
    run.config.write_text(config.replace("  batch: 2\n", "  streams: 2\n"))
    assert run.config.read_text() != config
    assert run.settings().training.batch == 2


@pytest.mark.parametrize(("split", "pieces"), [("end", 1), ("streams", 2)])
def test_a_text_held_out_of_each_stream_is_now_one_in_pieces(tmp_path: Path, split: str, pieces: int) -> None:
    def older(document: dict) -> None:
        document["settings"]["corpus"].pop("pieces", None)
        document["settings"]["corpus"]["split"] = split

    path = rewritten(FIXTURES / f"format-{FORMAT}.npz", tmp_path / "older.npz", older)
    assert load_checkpoint(path).settings.corpus.pieces == pieces


def drop(key: str) -> Callable[[dict], object]:
    return lambda document: document.pop(key)


BROKEN: dict[str, Callable[[dict], object]] = {
    "no settings": drop("settings"),
    "no optimizer": drop("optimizer"),
    "no origins": drop("origins"),
    "settings that are a list": lambda d: d.update(settings=[]),
    "a corpus that is a number": lambda d: d["settings"].update(corpus=5),
    "a path that is a number": lambda d: d["settings"]["corpus"].update(path=[5]),
    "an origin without a path": lambda d: d["origins"][0].pop("path"),
    "an optimizer without vectors": lambda d: d["optimizer"].pop("vectors"),
    "an optimizer that is a text": lambda d: d.update(optimizer="x"),
    "today's training beside its own": lambda d: d["optimizer"].update(optimizer=["m", "v"]),
    "an unknown field": lambda d: d.update(evil=1),
    "a path as optimizer": lambda d: d["optimizer"]["vectors"].append("../../x"),
    "no format": drop("format"),
    "format 0": lambda d: d.update(format=0),
    "a format that is true": lambda d: d.update(format=True),
    "a format that is a text": lambda d: d.update(format="1"),
    "a number that is not finite": lambda d: d["progress"].update(best_loss=float("nan")),
}


@pytest.mark.parametrize("change", BROKEN)
def test_what_was_never_written_in_format_1_is_refused(tmp_path: Path, change: str) -> None:
    path = rewritten(FIXTURES / "format-1.npz", tmp_path / "broken.npz", BROKEN[change])
    with pytest.raises(CheckpointError, match="is no checkpoint, or a damaged one"):
        load_checkpoint(path)


def test_a_folder_in_a_file_of_today_is_refused(tmp_path: Path) -> None:
    def tells(document: dict) -> None:
        document["settings"]["corpus"]["path"] = ["/etc/passwd"]

    path = rewritten(FIXTURES / f"format-{FORMAT}.npz", tmp_path / "tells.npz", tells)
    with pytest.raises(CharRNNError, match="hold a folder where a name should be"):
        load_checkpoint(path)
