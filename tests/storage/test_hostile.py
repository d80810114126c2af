"""Files that a stranger made to hurt: refused in one sentence, and without taking memory (measured by hostile.py)."""

import io
import json
import pickle
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from charrnn import Trainer, load_settings, make_corpus

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="asks for the peak of memory, as Linux can")
ALLOWED = 200 << 20
"""Bytes more than before."""
Members = dict[str, Any]


def said_of(how: str, files: dict[str, Path]) -> dict[str, str]:
    """What is said of each file, by a process that had the memory to load it."""
    program = Path(__file__).with_name("hostile.py")
    done = subprocess.run([sys.executable, program, how, *files.values()], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    results = dict(zip(files, map(json.loads, done.stdout.splitlines()), strict=True))
    for name, (said, more) in results.items():
        print(f"{more / 2**20:.0f} MiB for {name}: {said}")
        assert more < ALLOWED, name
    return {name: said for name, (said, _) in results.items()}


def zipped(path: Path, members: Members, compression: int = zipfile.ZIP_STORED) -> None:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content if isinstance(content, bytes) else npy(content))


def npy(array: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=True)
    return file.getvalue()


def changed(document: Callable[[dict], None] = lambda d: None, arrays: Callable[[Members], None] = lambda a: None):
    """A file with another document or other arrays."""

    def write(good: Path, path: Path) -> None:
        with np.load(good) as archive:
            members: Members = dict(archive)
        read = json.loads(members.pop("document").tobytes())
        document(read)
        arrays(members)
        text = json.dumps(read, ensure_ascii=False).encode("utf-8", "surrogatepass")
        zipped(path, {"document": np.frombuffer(text, np.uint8), **members})

    return write


def bomb(good: Path, path: Path) -> None:
    with np.load(good) as archive:
        members = dict(archive) | {"parameters/layer0.Wh": np.zeros(ALLOWED // 2, np.float32)}
    zipped(path, members, zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 2 << 20


def header_bomb(good: Path, path: Path) -> None:
    with np.load(good) as archive:
        members: Members = dict(archive)
    members["parameters/layer0.Wh"] = npy(members["parameters/layer0.Wh"]).replace(
        b"(4, 16), }" + b" " * 20, b"(4000000000, 16000), }" + b" " * 8
    )
    assert b"4000000000" in members["parameters/layer0.Wh"]
    zipped(path, members)


def twice(good: Path, path: Path) -> None:
    path.write_bytes(good.read_bytes())
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("state.npy", npy(np.zeros((1, 2, 2, 4), np.float32)))


def pickled(good: Path, path: Path) -> None:
    path.write_bytes(pickle.dumps({"document": b""}))


def text_of(text: bytes):
    def write(good: Path, path: Path) -> None:
        with np.load(good) as archive:
            zipped(path, dict(archive) | {"document": np.frombuffer(text, np.uint8)})

    return write


def directory_bomb(good: Path, path: Path) -> None:
    """A million entries, all of the same member."""
    entry = b"PK\1\2" + bytes(24) + (1).to_bytes(2, "little") + bytes(16) + b"a"
    directory = entry * 1_000_000
    end = b"PK\5\6" + bytes(4) + (64).to_bytes(2, "little") * 2 + len(directory).to_bytes(4, "little") + bytes(6)
    path.write_bytes(directory + end)


def directory_bomb_of_64_bits(good: Path, path: Path) -> None:
    """The same, its length told by the 64-bit extension only."""
    entry = b"PK\1\2" + bytes(24) + (1).to_bytes(2, "little") + bytes(16) + b"a"
    n, size = 1_000_000, 1_000_000 * len(entry)
    end64 = b"PK\6\6" + (44).to_bytes(8, "little") + bytes(12) + n.to_bytes(8, "little") * 2
    end64 += size.to_bytes(8, "little") + bytes(8)
    locator = b"PK\6\7" + bytes(4) + size.to_bytes(8, "little") + (1).to_bytes(4, "little")
    small = len(end64) + len(locator)
    end = b"PK\5\6" + bytes(8) + small.to_bytes(4, "little") + size.to_bytes(4, "little") + bytes(2)
    path.write_bytes(entry * n + end64 + locator + end)


def overlapping(good: Path, path: Path) -> None:
    """A member that claims the whole file, and more."""
    content = bytearray(good.read_bytes())
    directory = content.rindex(b"PK\1\2")  # the last entry: sizes are at 20 and 24
    content[directory + 20 : directory + 28] = (10**9).to_bytes(4, "little") * 2
    path.write_bytes(content)


CHECKPOINTS = {
    "members over one another": (overlapping, "over one another"),
    "a zip bomb": (bomb, "is compressed"),
    "a header that asks for terabytes": (header_bomb, "is not float32 (4, 16)"),
    "settings that ask for terabytes": (changed(lambda d: d["settings"]["model"].update(hidden=100_000)), "ask for"),
    "a state that asks for terabytes": (changed(lambda d: d["settings"]["training"].update(batch=10**5)), "ask for"),
    "layers without end": (changed(lambda d: d["settings"]["model"].update(layers=100_000)), "model.layers"),
    "a member twice": (twice, "twice"),
    "a member more": (changed(arrays=lambda a: a.update(evil=np.zeros(3))), "has too many: 'evil'"),
    "a member less": (changed(arrays=lambda a: a.pop("state")), "lacks 'state'"),
    "objects": (changed(arrays=lambda a: a.update(state=np.array([{}], object))), "'state' has"),
    "objects of the right size": (
        changed(arrays=lambda a: a.update(state=npy(a["state"]).replace(b"'<f4'", b"'|O' "))),
        "is not float32",
    ),
    "a pickle": (pickled, "is no checkpoint, or a damaged one"),
    "characters twice": (changed(lambda d: d.update(vocabulary="aabcdr")), "vocabulary"),
    "characters in disorder": (changed(lambda d: d.update(vocabulary=d["vocabulary"][::-1])), "vocabulary"),
    "half a character": (changed(lambda d: d.update(vocabulary=d["vocabulary"][:-1] + "\ud800")), "surrogates"),
    "no characters": (changed(lambda d: d.update(vocabulary="")), "vocabulary"),
    "a number as vocabulary": (changed(lambda d: d.update(vocabulary=6)), "vocabulary"),
    "NaN weights": (changed(arrays=lambda a: a["parameters/head.b"].fill(np.nan)), "not finite"),
    "infinite memory": (changed(arrays=lambda a: a["optimizer/v"].fill(np.inf)), "not finite"),
    "an infinite loss": (changed(lambda d: d["progress"].update(best_loss=float("inf"))), "Out of range"),
    "a plan of no iterations": (changed(lambda d: d["progress"].update(plan=[[0, 0]])), "greater than or equal to 1"),
    "an unknown setting": (changed(lambda d: d["settings"]["model"].update(heads=8)), "unknown setting"),
    "an unknown field": (changed(lambda d: d.update(evil=1)), "evil"),
    "a path as optimizer": (changed(lambda d: d["training"]["optimizer"].append("../../x")), "training.optimizer"),
    "a text too long": (text_of(b'"' + b"a" * (3 << 20) + b'"'), "bytes, of at most"),
    "brackets": (text_of(b"[" * (2 << 20)), "is no checkpoint, or a damaged one"),
    "lists without end": (text_of(b"[" + b"[]," * 690_000 + b"[]]"), "nests 690,0"),
    "objects without end": (
        text_of(b'{"format": 2, "settings": {"a": [' + b'{"": 0}, ' * 230_000 + b"0]}}"),
        "nests 230,0",
    ),
    "numbers without end": (text_of(b'{"format": 2, "settings": {"a": [' + b"0.5, " * 400_000 + b"0]}}"), "required"),
    "a number of many digits": (text_of(b"9" * 1_000_000), "is no checkpoint, or a damaged one"),
    "a directory without end": (directory_bomb, "of at most"),
    "a directory of 64 bits without end": (directory_bomb_of_64_bits, "does not end as one does"),
}


def check_refused(good: Path, attacks: dict[str, tuple[Callable[[Path, Path], None], str]], folder: Path) -> None:
    """Makes the hostile files out of a good one, and looks at what is said of each."""
    files = {"good": good, "device": Path("/dev/zero")}
    for k, (name, (write, _)) in enumerate(attacks.items()):
        files[name] = folder / f"{k}.npz"
        write(good, files[name])
    said = said_of("checkpoint", files)
    assert said["good"] == "loaded"
    assert "is not a file" in said["device"]
    for name, (_, says) in attacks.items():
        assert says in said[name], name


@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")
def test_hostile_checkpoints_are_refused(tmp_path: Path) -> None:
    settings = load_settings(
        "quick",
        model={"hidden": 4},
        training={"iterations": 1, "batch": 2, "window": 3},
        compute={"workers": 1},
    )
    trainer = Trainer(settings, make_corpus("abracadabra " * 20))
    list(trainer.train())
    trainer.checkpoint().save(tmp_path / "good.npz")
    check_refused(tmp_path / "good.npz", CHECKPOINTS, tmp_path)


OLDER = CHECKPOINTS | {
    "a path as optimizer": (
        changed(lambda d: d["optimizer"]["vectors"].append("../../x")),
        "training.optimizer",
    ),
    "objects without end": (
        text_of(b'{"format": 1, "settings": {"a": [' + b'{"": 0}, ' * 230_000 + b"0]}}"),
        "nests 230,0",
    ),
    "numbers without end": (
        text_of(b'{"format": 1, "settings": {"a": [' + b"0.5, " * 400_000 + b"0]}}"),
        "not one of format 1",
    ),
}


@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")
def test_hostile_checkpoints_of_format_1_are_refused(tmp_path: Path) -> None:
    """They are migrated, and no less dangerous."""
    check_refused(Path(__file__).parent / "fixtures" / "format-1.npz", OLDER, tmp_path)


SETTINGS = {
    "ten megabytes of brackets": (b"[" * 10_000_000, "settings may have"),
    "brackets": (b"[" * 90_000, "nested deeper"),
    "braces": (b"{" * 90_000, "nested deeper"),
    "an alias bomb": (
        b"a: &a [x,x,x,x,x,x,x,x,x]\n"
        + b"".join(b"%c: &%c [%s]\n" % (c, c, b",".join([b"*%c" % (c - 1)] * 9)) for c in range(98, 110)),
        "aliases are not allowed",
    ),
    "a tag": (b"training: !!python/object/apply:os.system [echo]\n", "training"),
    "a key twice": (b"training: {batch: 1, batch: 2}\n", "training.batch is set twice"),
    "a number of many digits": (b"training: {batch: %s}\n" % (b"9" * 90_000), "digits"),
    "no text": (b"\xff\xfe\x00\xd8" * 10, "is not UTF-8"),
}


def test_hostile_settings_are_refused(tmp_path: Path) -> None:
    files = {"good": tmp_path / "good.yaml", "device": Path("/dev/zero")}
    files["good"].write_text("training: {batch: 2}\n")
    for k, (name, (content, _)) in enumerate(SETTINGS.items()):
        files[name] = tmp_path / f"{k}.yaml"
        files[name].write_bytes(content)
    said = said_of("settings", files)
    assert said["good"] == "loaded"
    assert "settings may have" in said["device"]
    for name, (_, says) in SETTINGS.items():
        assert says in said[name], name
