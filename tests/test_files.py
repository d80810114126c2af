"""Writing fails at each single point at which it can, as on a full disk and on a broken one: what was there stands."""

import errno
import io
import os
from collections.abc import Callable
from pathlib import Path

import pytest

import charrnn.files
from charrnn import Run, Trainer, load_checkpoint, load_settings, make_corpus
from charrnn.errors import CharRNNError, CheckpointError, RunError
from charrnn.files import check_free, replace_file, replace_text, unfinished

SETTINGS = load_settings(
    "quick",
    model={"hidden": 3},
    training={"iterations": 8, "batch": 2, "window": 5},
    compute={"workers": 1},
)


class Faults:
    """Lets the ``at``th write, fsync, replace, link, copy or opening of a file or folder fail."""

    def __init__(self, patch: pytest.MonkeyPatch, at: int, code: int) -> None:
        self.calls: list[str] = []
        self.at = at
        self.code = code
        faults = self

        class File(io.FileIO):
            def write(self, data):
                faults("write")
                return super().write(data)

        for name in ("fsync", "replace", "link", "open"):
            patch.setattr(os, name, self.failing(name, getattr(os, name)))
        patch.setattr(charrnn.files, "open", lambda path, mode: [self("create"), File(path, mode)][1], raising=False)

    def failing(self, name: str, function: Callable) -> Callable:
        def call(*args, **kwargs):
            self(name)
            return function(*args, **kwargs)

        return call

    def __call__(self, name: str) -> None:
        self.calls.append(name)
        if len(self.calls) == self.at:
            raise OSError(self.code, os.strerror(self.code))


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_a_save_that_fails_at_any_point_leaves_what_was_there(tmp_path: Path, code: int) -> None:
    run = Run(tmp_path / "run")
    run.create(SETTINGS)
    trainer = Trainer(SETTINGS, make_corpus("a quick brown fox\n" * 30), run)
    steps = trainer.train()
    for _ in range(2):
        next(steps)
        run.save(trainer.checkpoint(), "last.npz")
    checkpoints = run.folder / "checkpoints"
    before = files(checkpoints)
    assert before.keys() == {"last.npz", "last.prev.npz"}
    next(steps)
    failed = 0
    while True:
        with pytest.MonkeyPatch.context() as patch:
            faults = Faults(patch, failed + 1, code)
            try:
                run.save(trainer.checkpoint(), "last.npz")
            except (CheckpointError, RunError) as error:
                message = str(error)
            else:
                if len(faults.calls) <= failed:  # nothing was left to fail
                    break
                message = os.strerror(code)  # a link that failed was made up for by a copy
        failed += 1
        assert os.strerror(code) in message
        after = files(checkpoints)
        assert after.keys() == before.keys()
        if after["last.npz"] != before["last.npz"]:  # only the folder was not brought to the disk any more
            assert after["last.prev.npz"] == before["last.npz"]
            assert load_checkpoint(checkpoints / "last.npz").progress.iteration == 3
            for name, content in before.items():
                (checkpoints / name).write_bytes(content)
        else:
            assert after["last.prev.npz"] in before.values()
    print(f"{failed} faults of {os.strerror(code)}: {dict.fromkeys(faults.calls)}")
    assert {"write", "fsync", "replace", "link", "create"} <= set(faults.calls)
    assert load_checkpoint(checkpoints / "last.npz").progress.iteration == 3


def test_what_does_not_verify_does_not_take_the_place(tmp_path: Path) -> None:
    path = tmp_path / "file"
    replace_text(path, "old")

    def verify(written: Path) -> None:
        assert written.read_text() == "new"
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        replace_file(path, lambda file: file.write(b"new"), verify)
    assert files(tmp_path) == {"file": b"old"}


def test_a_save_is_read_back_before_it_takes_the_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that turns a bit over while it is written is noticed."""
    trainer = Trainer(SETTINGS, make_corpus("a quick brown fox\n" * 30))
    trainer.checkpoint().save(tmp_path / "c.npz")
    before = files(tmp_path)
    next(trainer.train())

    class File(io.FileIO):
        def write(self, data):
            data = bytearray(data)
            if len(data) > 40:  # an array
                data[-3] ^= 1
            return super().write(data)

    monkeypatch.setattr(charrnn.files, "open", lambda path, mode: File(path, mode), raising=False)
    with pytest.raises(CheckpointError, match="cannot be written"):
        trainer.checkpoint().save(tmp_path / "c.npz")
    assert files(tmp_path) == before


def test_without_links_the_one_before_is_a_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def link(*args: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", link)
    path = tmp_path / "file"
    for text in ("first", "second"):
        replace_file(path, lambda file, text=text: file.write(text.encode()), previous=tmp_path / "previous")
    assert files(tmp_path) == {"file": b"second", "previous": b"first"}


def test_unfinished_files_are_known_by_their_names(tmp_path: Path) -> None:
    class Stop(BaseException):
        pass

    def write(file: io.IOBase) -> None:
        assert [path.name for path in unfinished(tmp_path)] == [Path(file.name).name]
        raise Stop

    with pytest.raises(Stop):
        replace_file(tmp_path / "file", write)
    assert unfinished(tmp_path) == []


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_an_output_does_not_take_the_place_of_a_pipe_or_a_device(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path(os.devnull)):
        with pytest.raises(CharRNNError, match="is a device or a pipe; name a file with"):
            check_free(path, force=True)
