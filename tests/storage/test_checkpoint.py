"""What is saved comes back as it was, and nothing else comes back."""

import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from charrnn import Run, Trainer, load_checkpoint, load_settings, make_corpus
from charrnn.errors import CheckpointError
from charrnn.nn.cells import CELLS
from charrnn.storage.archive import MOST_BYTES, check_writable, open_archive, write_archive
from charrnn.storage.checkpoint import Checkpoint

CORPUS = make_corpus("a quick brown fox\n" * 30)


def trained(cell: str = "lstm", embedding: int | None = None) -> Checkpoint:
    settings = load_settings(
        "quick",
        model={"hidden": 5, "layers": 2, "cell": cell, "embedding": embedding},
        training={"iterations": 2, "batch": 3, "window": 7},
        compute={"workers": 1},
    )
    trainer = Trainer(settings, CORPUS)
    list(trainer.train())
    return trainer.checkpoint()


@pytest.mark.parametrize("embedding", [None, 4])
@pytest.mark.parametrize("cell", CELLS)
def test_round_trip(tmp_path: Path, cell: str, embedding: int | None) -> None:
    saved = trained(cell, embedding)
    saved.save(tmp_path / "c.npz")
    loaded = load_checkpoint(tmp_path / "c.npz")
    assert loaded.model.parameters.vector.tobytes() == saved.model.parameters.vector.tobytes()
    assert loaded.model.vocabulary.characters == saved.model.vocabulary.characters
    assert (loaded.settings, loaded.progress) == (saved.settings, saved.progress)
    assert (loaded.corpus, loaded.made_with) == (saved.corpus, saved.made_with)
    assert loaded.training.state.tobytes() == saved.training.state.tobytes()
    assert loaded.training.optimizer_steps == 2
    for name, vector in saved.training.memory.items():
        assert loaded.training.memory[name].tobytes() == vector.tobytes()


def test_weights_only_is_about_a_third(tmp_path: Path) -> None:
    saved = trained()
    saved.save(tmp_path / "whole.npz")
    saved.weights_only().save(tmp_path / "weights.npz")
    assert load_checkpoint(tmp_path / "weights.npz").training is None
    with np.load(tmp_path / "weights.npz") as archive:
        assert all(name == "document" or name.startswith("parameters/") for name in archive)


def test_the_file_is_a_plain_uncompressed_npz_that_numpy_opens(tmp_path: Path) -> None:
    saved = trained()
    saved.save(tmp_path / "c.npz")
    with zipfile.ZipFile(tmp_path / "c.npz") as archive:
        assert {member.compress_type for member in archive.infolist()} == {zipfile.ZIP_STORED}
    with np.load(tmp_path / "c.npz", allow_pickle=False) as archive:
        assert archive["parameters/layer0.Wh"].shape == (5, 20)
        assert json.loads(archive["document"].tobytes())["vocabulary"] == CORPUS.vocabulary.characters


def test_a_failed_save_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path) -> None:
    saved = trained()
    saved.save(tmp_path / "c.npz")
    before = (tmp_path / "c.npz").read_bytes()
    saved.model.parameters.vector[:] = 0
    (tmp_path / "folder.npz").mkdir()
    with pytest.raises(CheckpointError, match="cannot be written"):
        saved.save(tmp_path / "folder.npz")  # replacing a folder fails after everything was written
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c.npz", "folder.npz"]
    assert (tmp_path / "c.npz").read_bytes() == before


def test_a_save_puts_a_new_file_in_the_place_of_the_old_one(tmp_path: Path) -> None:
    """Whoever has the old one open goes on reading it whole."""
    saved = trained()
    saved.save(tmp_path / "c.npz")
    before = (tmp_path / "c.npz").read_bytes()
    with open(tmp_path / "c.npz", "rb") as old:
        saved.model.parameters.vector[:] = 0
        saved.save(tmp_path / "c.npz")
        assert old.read() == before
    assert not load_checkpoint(tmp_path / "c.npz").model.parameters.vector.any()


def rewritten(path: Path, change) -> None:
    """Changes the document and the arrays of a checkpoint as a stranger could."""
    with np.load(path) as archive:
        arrays = dict(archive)
    document = json.loads(arrays.pop("document").tobytes())
    change(document, arrays)
    np.savez(path, document=np.frombuffer(json.dumps(document).encode(), np.uint8), **arrays)


def narrower(document: dict, arrays: dict) -> None:
    arrays["parameters/layer0.Wh"] = arrays["parameters/layer0.Wh"][:, :-1]


CHANGES = {
    "format": lambda document, arrays: document.update(format=99),
    "hidden": lambda document, arrays: document["settings"]["model"].update(hidden=6),
    "unknown cell": lambda document, arrays: document["settings"]["model"].update(cell="transformer"),
    "unknown setting": lambda document, arrays: document["settings"]["model"].update(heads=8),
    "no vocabulary": lambda document, arrays: document.pop("vocabulary"),
    "short vocabulary": lambda document, arrays: document.update(vocabulary="ab"),
    "missing array": lambda document, arrays: arrays.pop("parameters/head.b"),
    "wrong shape": narrower,
    "wrong type": lambda document, arrays: arrays.update({"parameters/head.b": np.zeros(3, np.int64)}),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_file_that_does_not_hold_what_it_says_is_refused(tmp_path: Path, change: str) -> None:
    trained().save(tmp_path / "c.npz")
    rewritten(tmp_path / "c.npz", CHANGES[change])
    with pytest.raises(CheckpointError):
        load_checkpoint(tmp_path / "c.npz")


def test_a_pickle_is_refused(tmp_path: Path) -> None:
    trained().save(tmp_path / "c.npz")
    with np.load(tmp_path / "c.npz") as archive:
        arrays = dict(archive)
    arrays["parameters/head.b"] = np.array([{}], dtype=object)
    np.savez(tmp_path / "c.npz", **arrays)
    with pytest.raises(CheckpointError):
        load_checkpoint(tmp_path / "c.npz")


def test_a_run_folder_stands_for_its_best_then_its_last_checkpoint(tmp_path: Path) -> None:
    settings = load_settings(
        "quick",
        model={"hidden": 4},
        training={"iterations": 3, "batch": 3, "window": 7, "validate_every": 1},
        snapshots={"at": [1, 2], "length": 5},
        compute={"workers": 1},
    )
    run = Run(tmp_path / "run")
    run.create(settings)
    list(Trainer(settings, CORPUS, run).train())
    assert load_checkpoint(run.folder).progress.iteration == load_checkpoint(run.folder).progress.best_iteration
    assert load_checkpoint(run.folder, at=2).progress.iteration == 2
    (run.folder / "checkpoints" / "best.npz").unlink()
    assert load_checkpoint(run.folder).progress.iteration == 3
    with pytest.raises(CheckpointError, match="there are: 1, 2, 3"):
        load_checkpoint(run.folder, at=4)


def test_a_name_may_hold_brackets(tmp_path: Path) -> None:
    paths = [f"[{{{k}}}].txt" for k in range(2000)]
    saved = trained()
    corpus = saved.settings.corpus.model_copy(update={"path": paths})
    replace(saved, settings=saved.settings.model_copy(update={"corpus": corpus})).save(tmp_path / "c.npz")
    assert load_checkpoint(tmp_path / "c.npz").settings.corpus.path == paths


@pytest.mark.parametrize(("paths", "says"), [(["caf\udce9.txt"], "not UTF-8"), (["x" * 500] * 5000, "of at most")])
def test_a_run_that_could_not_be_saved_is_refused_before_it_begins(tmp_path: Path, paths: list, says: str) -> None:
    settings = load_settings("quick", model={"hidden": 5}, training={"iterations": 2, "batch": 3, "window": 7})
    corpus = settings.corpus.model_copy(update={"path": paths})
    with pytest.raises(CheckpointError, match=says):
        Trainer(settings.model_copy(update={"corpus": corpus}), CORPUS, Run(tmp_path / "run"))


def test_the_largest_file_that_is_writable_can_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Zeros as holes of the file, and no checksums: else it would take seconds."""
    monkeypatch.setattr(zipfile, "crc32", lambda data, crc=0: 0)
    arrays = {"large": np.zeros(MOST_BYTES - 1000, np.uint8), "small": np.zeros(8, np.uint8)}
    check_writable(b"{}", arrays)

    class Sparse(io.FileIO):
        def write(self, data: bytes) -> int:
            if len(data) < 1000:
                return super().write(data)
            self.seek(len(data), io.SEEK_CUR)
            return len(data)

    with Sparse(tmp_path / "large.npz", "w") as file:
        write_archive(file, b"{}", arrays)
    with open_archive(tmp_path / "large.npz") as archive:
        assert "small" in archive
