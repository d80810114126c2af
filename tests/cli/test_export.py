"""``charrnn export`` and ``charrnn import``: a file out, a checkpoint back, and nothing overwritten."""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from charrnn import load_checkpoint

SAMPLE = ("sample", "--seed", "1", "--length", "50", "--checkpoint")


def test_out_and_back_writes_the_same(folder: Path, charrnn: Callable) -> None:
    assert charrnn("export", "run", "--format", "npz").out == "run.npz\n"
    assert charrnn("import", "run.npz", "--to", "back.npz").out == "back.npz\n"
    assert charrnn(*SAMPLE, "back.npz").out == charrnn(*SAMPLE, "run").out


def test_a_run_may_have_a_dot_in_its_name(folder: Path, charrnn: Callable) -> None:
    Path("run").rename("v1.2")
    assert charrnn("export", "v1.2", "--format", "npz").out == "v1.2.npz\n"


def test_the_kind_is_that_of_the_file_s_name(folder: Path, charrnn: Callable) -> None:
    charrnn("export", "run", "--to", "weights.npz")
    charrnn("export", "run", "--format", "npz", "--to", "same.weights")
    assert Path("weights.npz").read_bytes() == Path("same.weights").read_bytes()


def test_the_weights_of_a_snapshot(folder: Path, charrnn: Callable) -> None:
    charrnn("export", "run", "--at", "1", "--format", "npz", "--to", "first.npz")
    with np.load("first.npz") as first:
        head = load_checkpoint("run", at=1).model.parameters["head.W"]
        assert np.array_equal(first["head.weight"], head.T)


def test_a_checkpoint_is_not_replaced_by_its_weights(folder: Path, charrnn: Callable) -> None:
    shutil.copy("run/checkpoints/last.npz", "kept.npz")
    before = Path("kept.npz").read_bytes()
    done = charrnn("export", "kept.npz", "--format", "npz", "--force")
    assert (done.code, Path("kept.npz").read_bytes()) == (1, before)
    assert done.err == "charrnn: 'kept.npz' is the checkpoint itself; name another file with --to\n"


def test_it_says_what_torch_calls_the_layers(folder: Path, charrnn: Callable) -> None:
    assert charrnn("export", "run", "--format", "npz").err == "rnn: torch.nn.LSTM(15, 4, num_layers=1)\n"


@pytest.mark.parametrize("args", [("export", "run", "--format", "npz"), ("import", "weights.npz")], ids=lambda a: a[0])
def test_nothing_is_replaced_unasked(folder: Path, charrnn: Callable, args: tuple[str, ...]) -> None:
    charrnn("export", "run", "--format", "npz", "--to", "weights.npz")
    Path("mine.npz").write_bytes(b"mine")
    code, out, err = charrnn(*args, "--to", "mine.npz")
    assert (code, out) == (1, "")
    assert "'mine.npz' is already there; replace it with --force" in err
    assert Path("mine.npz").read_bytes() == b"mine"
    assert charrnn(*args, "--to", "mine.npz", "--force").code == 0
    assert Path("mine.npz").read_bytes() != b"mine"


@pytest.mark.parametrize(
    ("args", "code", "says"),
    [
        (("export", "nowhere", "--format", "npz"), 1, "checkpoint 'nowhere' does not exist"),
        (("export", "cats.txt", "--format", "npz"), 1, "'cats.txt' is no checkpoint, or a damaged one"),
        (("export", "run", "--format", "npz", "--to", "nowhere/x.npz"), 1, "'nowhere/x.npz' cannot be written"),
        (("export", "run", "--format", "npz", "--to", "run", "--force"), 1, "'run' is a folder; name a file"),
        (("export", "run", "--format", "pt"), 2, "--format"),
        (("export", "--format", "npz"), 2, "name RUN, the network to export; the one that comes with the program is"),
        (("export", "run"), 2, "the kind of file is missing; --format safetensors or npz names it"),
        (("export", "run", "--to", "x.pt"), 2, "--format"),
        (("import", "nowhere", "--to", "x.npz"), 1, "'nowhere' cannot be read: No such file"),
        (("import", "run", "--to", "x.npz"), 1, "'run' is not what charrnn export writes (it is not a file)"),
        (("import", "run/checkpoints/last.npz", "--to", "x.npz"), 1, "is not what charrnn export writes (it lacks "),
        (("import", "run.npz"), 2, "--to"),
    ],
)
def test_what_cannot_be_done(folder: Path, charrnn: Callable, args: tuple[str, ...], code: int, says: str) -> None:
    before = sorted(folder.rglob("*"))
    done = charrnn(*args)
    assert (done.code, done.out) == (code, "")
    assert says in done.err
    assert sorted(folder.rglob("*")) == before


def test_without_the_library_it_is_named(folder: Path, charrnn: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "safetensors", None)
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    for args in (("export", "run", "--format", "safetensors"), ("import", "cats.txt", "--to", "x.npz")):
        assert "python3 -m pip install safetensors" in charrnn(*args).err
    assert not Path("run.safetensors").exists()
