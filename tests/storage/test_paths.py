"""A checkpoint or export tells nothing of the folders it was made in; in its run folder the paths are known."""

import shutil
from pathlib import Path

import pytest

from charrnn import Run, Settings, Trainer, load_checkpoint, load_corpus, load_settings
from charrnn.files import name_of
from charrnn.storage.interchange import FORMATS, export_weights, import_weights

TEXT = "a quick brown fox\n" * 30
TELLING = "alices-secret-letters"


def settings(*paths: Path, **training: object) -> Settings:
    return load_settings(
        "quick",
        corpus={"path": [str(path) for path in paths]},
        model={"hidden": 3},
        training={"iterations": 4, "batch": 2, "window": 5, "validate_every": 2, **training},
        snapshots={"at": [1], "length": 5},
        checkpoints={"every": 2},
        compute={"workers": 1},
    )


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """One that has ended; its texts, and the run whose network it began with, lie under a telling folder."""
    there = tmp_path / TELLING
    (there / "books").mkdir(parents=True)
    (there / "fox.txt").write_text(TEXT)
    (there / "books" / "dog.txt").write_text(TEXT)
    first, run = Run(there / "first"), Run(there / "run")
    for each, beginning in ((first, None), (run, first)):
        chosen = settings(there / "fox.txt", there / "books", init_from=beginning and str(beginning))
        each.create(chosen)
        loaded = beginning and load_checkpoint(beginning.folder)
        list(Trainer(chosen, load_corpus(chosen.corpus.path), each, init_from=loaded).train())
    return run


def named(path: Path) -> tuple[list[str], str | None]:
    """The corpus and the beginning, as a checkpoint loaded from a path has them."""
    loaded = load_checkpoint(path).settings
    return loaded.corpus.path, loaded.training.init_from


NAMES = (["fox.txt", "books"], "first")


@pytest.mark.parametrize("kind", FORMATS)
def test_no_file_tells_where_it_was_made(run: Run, tmp_path: Path, kind: str) -> None:
    if kind == "safetensors":
        pytest.importorskip("safetensors")
    export = tmp_path / "weights"
    export_weights(load_checkpoint(run.folder), export, kind)
    import_weights(export).save(tmp_path / "imported.npz")
    load_checkpoint(run.folder).save(tmp_path / "saved.npz")
    files = [export, *tmp_path.rglob("*.npz")]
    assert len(files) == 1 + 2 * 5 + 2
    for file in files:
        assert b"fox.txt" in file.read_bytes()
        for telling in (TELLING, tmp_path.name):
            assert telling.encode() not in file.read_bytes()


@pytest.mark.parametrize(
    "file", ["", "checkpoints/best.npz", "checkpoints/last.npz", "checkpoints/iteration-000001.npz"]
)
def test_in_the_run_folder_the_paths_are_known(
    run: Run, tmp_path: Path, file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = tmp_path / TELLING
    whole = ([str(there / "fox.txt"), str(there / "books")], str(there / "first"))
    assert named(run.folder / file) == whole
    moved = run.folder.rename(tmp_path / "moved")
    assert named(moved / file) == whole
    assert Run(moved).last_checkpoint().settings.corpus.path == whole[0]
    monkeypatch.chdir((moved / file).parent if file else moved)
    assert named(Path(Path(file).name)) == whole


def test_elsewhere_the_names_stay(run: Run, tmp_path: Path) -> None:
    shutil.copy(run.last, tmp_path / "alone.npz")
    (tmp_path / "checkpoints").mkdir()
    shutil.copy(run.last, tmp_path / "checkpoints")
    assert named(tmp_path / "alone.npz") == named(tmp_path / "checkpoints" / "last.npz") == NAMES


@pytest.mark.parametrize(
    "content", [None, b"", b"corpus: {path: [other/fox.txt]}", b"corpus: {path: [", b"\xff", b"x: 1"]
)
def test_where_the_settings_of_the_run_do_not_say_the_names_stay(run: Run, content: bytes | None) -> None:
    run.config.unlink()
    if content is not None:
        run.config.write_bytes(content)
    assert named(run.last) == named(run.folder) == NAMES


def test_a_run_finds_the_text_that_it_keeps_where_it_was_moved(tmp_path: Path) -> None:
    """Unless there are other texts of that name, which are found where they are."""
    other = tmp_path / "other" / "corpus.txt"
    other.parent.mkdir()
    other.write_text(TEXT)
    run = Run(tmp_path / "run")
    chosen = settings(run.corpus, other)
    run.create(chosen)
    run.keep_corpus(TEXT.encode())
    list(Trainer(chosen, load_corpus(chosen.corpus.path), run).train())
    assert named(run.folder)[0] == [str(run.corpus), str(other)]
    moved = Run(run.folder.rename(tmp_path / "moved"))
    assert named(moved.folder)[0] == [str(moved.corpus), str(other)]

    checkpoint = moved.last_checkpoint()
    longer = checkpoint.settings.training.model_copy(update={"iterations": 6})
    chosen = checkpoint.settings.model_copy(update={"training": longer})
    trainer = Trainer(chosen, load_corpus(chosen.corpus.path), moved, checkpoint)
    moved.cut_back(4, chosen)
    list(trainer.train())
    assert moved.last_checkpoint().progress.iteration == 6
    assert moved.settings().corpus.path == [str(moved.corpus), str(other)]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/home/alice/cats.txt", "cats.txt"),
        (r"C:\Users\alice\cats.txt", "cats.txt"),
        (r"\\server\alice\cats.txt", "cats.txt"),
        ("C:/Users/alice/books/", "books"),
        ("cats.txt", "cats.txt"),
        ("-", "-"),
        ("war-and-peace", "war-and-peace"),
        (".", "."),
        ("/", "/"),
        ("C:\\", "C:"),
    ],
)
def test_names(path: str, name: str) -> None:
    assert name_of(path) == name
    assert name_of(name) == name
