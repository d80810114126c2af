"""Whatever a user gets wrong: one line that names it, the right exit code, and not a byte written or lost."""

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

TRAIN = ("train", "cats.txt", "--config", "tiny.yaml", "--run", "new")
SAMPLE = ("sample", "--length", "5", "--checkpoint")
NO_NAME = "a" * 300
"""Longer than any file system lets a name be."""


@pytest.fixture(autouse=True)
def bad_files(folder: Path) -> None:
    for name, content in {
        "empty.txt": b"",
        "one.txt": b"aaaaaaaa",
        "latin.txt": "a café, a café\n".encode("latin-1") * 50,
        "other.txt": Path("cats.txt").read_bytes() + b"!",
        "two.yaml": b"model:\n  hidden: 0\ntraining:\n  bacth: 5\n",
        "zip.npz": b"",
    }.items():
        Path(name).write_bytes(content)
    Path("no-texts").mkdir()
    Path("loop.txt").symlink_to("loop.txt")
    np.savez("arrays.npz", weights=np.zeros(3))
    np.savez("numbers.npz", document=np.zeros(3))
    np.savez("list.npz", document=np.frombuffer(b"[]", np.uint8))
    np.savez("settings.npz", document=np.frombuffer(b'{"format": 1, "settings": []}', np.uint8))
    np.savez("future.npz", document=np.frombuffer(b'{"format": 99}', np.uint8))
    np.savez("objects.npz", document=np.array([{}], object))
    for name, member in (("zip.npz", "word.xml"), ("member.npz", "document")):
        with zipfile.ZipFile(name, "w") as archive:
            archive.writestr(member, "hello")
    whole = Path("run/checkpoints/last.npz").read_bytes()
    method = whole.index(b"PK\x01\x02") + 10  # of compression, in the directory at the end
    Path("method.npz").write_bytes(whole[:method] + b"\x63\x00" + whole[method + 2 :])


@pytest.fixture
def untouched(folder: Path, bad_files: None) -> Iterator[None]:
    """Afterwards every file and folder is as it was before."""
    before = tree(folder)
    yield
    assert tree(folder) == before


def tree(folder: Path) -> dict[Path, bytes | None]:
    return {path: path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


CASES = {
    "no such text": (1, ["nowhere.txt"], "'nowhere.txt' does not exist; check the path"),
    "no such text, a known one": (
        1,
        ["war-and-peace.txt"],
        "does not exist; fetch it with charrnn corpus fetch war-and-peace, or save ",
    ),
    "an empty text": (1, ["empty.txt"], "is empty"),
    "a text of one character": (1, ["one.txt"], "repeats one character"),
    "another encoding": (1, ["latin.txt"], "'latin.txt' is not utf-8: byte 0xe9 at offset 5"),
    "a folder without texts": (1, ["no-texts"], "'no-texts' holds no .txt file"),
    "the folder of the text": (1, ["no-texts", "--run", "no-texts"], "'no-texts' is the folder of the text"),
    "no file can be called so": (1, [NO_NAME], "File name too long"),
    "a link to itself": (1, ["loop.txt"], "loop.txt"),
    "too small a text": (
        *(1, ["--set", "training.window=5000"]),
        "set training.window to at most 998, or give a longer text, or let charrnn train --minutes 1 choose batch and",
    ),
    "too small a validation part": (1, ["--set", "corpus.validation=0.0001"], "corpus.validation"),
    "unknown setting": (2, ["--set", "training.bacth=5"], "did you mean 'training.batch'? (--set)"),
    "wrong type": (2, ["--set", "training.batch=many"], "training.batch is 'many'"),
    "impossible value": (2, ["--set", "training.batch=0"], "training.batch is 0"),
    "unknown cell": (
        2,
        ["--set", "model.cell=elman"],
        "'elman': it should be one of lstm, lstm-coupled, mogrifier, gru",
    ),
    "no such settings file": (2, ["--config", "nowhere.yaml"], "'nowhere.yaml' does not exist; check the path"),
    "no such recipe": (2, ["--config", "nowhere"], "no recipe is called 'nowhere'; there are "),
    "settings that are no text": (2, ["--config", "run/checkpoints/last.npz"], "is not UTF-8"),
    "settings that no file can hold": (2, ["--config", f"{NO_NAME}.yaml"], "File name too long"),
    "a run of that name": (1, ["--run", "run"], "continue it with --resume, replace it with --force, or name another"),
    "a run of that name, and no text": (1, ["nope.txt", "--run", "run"], "corpus 'nope.txt' does not exist; check"),
    "a run that is a file": (1, ["--run", "cats.txt"], "'cats.txt' is a file; name a folder with --run"),
    "a file on the way to the run": (1, ["--run", "cats.txt/new"], "cats.txt"),
    "a run that no folder can be": (1, ["--run", NO_NAME], "File name too long"),
    "nothing to resume": (1, ["--resume"], "'new' holds no run to resume; leave out --resume to start one"),
    "a file to resume": (1, ["--resume", "--run", "cats.txt"], "'cats.txt' holds no run to resume"),
    "resumed with another text": (1, ["other.txt", "--run", "run", "--resume"], "not what this run learnt"),
    "resumed with another model": (
        *(2, ["--run", "run", "--resume", "--set", "model.hidden=5"]),
        "model.hidden is 4 in this run and cannot change",
    ),
    "fine-tuned with another model": (
        *(2, ["--init-from", "run", "--set", "model.hidden=5"]),
        "model.hidden is 5, and the network to begin with has 4; leave it out (--set)",
    ),
    "nothing to begin with": (1, ["--init-from", "nowhere"], "checkpoint 'nowhere' does not exist"),
    "no checkpoint to begin with": (1, ["--init-from", "cats.txt"], "'cats.txt' is no checkpoint, or a damaged one"),
    "no clip": (2, ["--set", "training.clip=none"], "training.clip is 'none': it should be a number, or null for none"),
    "no minutes": (2, ["--minutes", "0"], "training.minutes is 0.0: it should be greater than 0 (--minutes)"),
    "minutes and iterations": (
        *(2, ["--minutes", "1", "--set", "training.iterations=5"]),
        "training.iterations is 5 and training.minutes is 1, and a run has one length",
    ),
    "unknown character to begin with": (1, ["--set", "snapshots.prime=the é"], "U+00E9 LATIN SMALL LETTER E WITH"),
    "more memory than there is": (2, ["--set", "model.hidden=1000000000"], "model.hidden"),
    "more memory than can be counted": (2, ["--set", "model.hidden=1e30"], "model.hidden"),
    "more epochs than can be counted": ((1, 2), ["--config", "quick", "--set", "training.epochs=1e308"], "epochs"),
    "longer reports than can be counted": ((1, 2), ["--set", "training.report=1e30"], "training.report"),
}


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(("code", "args", "says"), CASES.values(), ids=CASES)
def test_what_cannot_be_trained(charrnn: Callable, code: int | tuple[int, ...], args: list[str], says: str) -> None:
    base = list(TRAIN)
    if args[0][0] != "-":  # another text instead
        base.remove("cats.txt")
    refused(charrnn(*base, *args), code, says)


def refused(result, code: int | tuple[int, ...], says: str) -> None:
    assert result.out == ""
    (line,) = result.err.splitlines()
    assert line.startswith("charrnn: ")
    assert says in line
    assert result.code in (code if isinstance(code, tuple) else (code,))


@pytest.mark.usefixtures("untouched")
def test_mistakes_in_settings_come_a_line_each(charrnn: Callable) -> None:
    code, out, err = charrnn(*TRAIN, "--config", "two.yaml")
    assert (code, out) == (2, "")
    unknown, zero = err.splitlines()
    assert unknown.startswith("charrnn: unknown setting 'training.bacth'")
    assert unknown.endswith("(two.yaml, line 4)")
    assert zero.startswith("charrnn: model.hidden is 0: ")
    assert zero.endswith("(two.yaml, line 2)")


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["run", "--at", "2"], "run 'run' kept no weights at iteration 2; there are: 1, 3"),
        (["run/checkpoints/last.npz", "--at", "3"], "--at picks from a run folder"),
        (["run", "--prime", "a ☃"], "U+2603 SNOWMAN at position 2"),
        (["run", "--prime", "a ☃é☃"], "U+00E9 LATIN SMALL LETTER E WITH ACUTE at position 3; "),
        (["run", "--prime", "é"], "or give --unknown skip or replace"),
        (["run", "--stop", "a☃", "--unknown", "skip"], "U+2603 SNOWMAN at position 1"),
        (["run", "--novelty", "--corpus", "other.txt"], "'other' is not the one this network learnt"),
        (["run", "--max-copy", "9", "--corpus", "nowhere.txt"], "'nowhere.txt' does not exist"),
        (["run", "--prime-file", "nowhere.txt"], "'nowhere.txt' cannot be read"),
        (["run", "--prime-file", "no-texts"], "'no-texts' cannot be read"),
        (
            ["run", "--prime-file", "latin.txt"],
            "byte 0xe9 at offset 5 (invalid continuation byte); --encoding=latin-1 is",
        ),
        (["nowhere"], "checkpoint 'nowhere' does not exist"),
        (["cats.txt/nowhere"], "'cats.txt/nowhere' cannot be read: Not a directory"),
        ([NO_NAME], "File name too long"),
        (["no-texts"], "folder 'no-texts' holds no checkpoint"),
        (["cats.txt"], "'cats.txt' is no checkpoint, or a damaged one"),
        (["empty.txt"], "'empty.txt' is no checkpoint, or a damaged one"),
        (["zip.npz"], "'zip.npz' is no checkpoint, or a damaged one ('word.xml' is there twice, or no array)"),
        (["arrays.npz"], "'arrays.npz' is no checkpoint, or a damaged one (it lacks 'document')"),
        (["objects.npz"], "'objects.npz' is no checkpoint, or a damaged one ("),
        (["numbers.npz"], "'numbers.npz' is no checkpoint, or a damaged one ("),
        (["list.npz"], "'list.npz' is no checkpoint, or a damaged one ("),
        (["settings.npz"], "'settings.npz' is no checkpoint, or a damaged one ("),
        (["member.npz"], "'member.npz' is no checkpoint, or a damaged one ("),
        (["method.npz"], "'method.npz' is no checkpoint, or a damaged one ("),
        (["future.npz"], "'future.npz' was made by a newer charrnn (format 99;"),
    ],
    ids=lambda value: " ".join(value)[:30] if isinstance(value, list) else "",
)
def test_what_cannot_be_sampled(charrnn: Callable, args: list[str], says: str) -> None:
    refused(charrnn(*SAMPLE, *args), 1, says)


def test_more_samples_than_memory_are_refused(charrnn: Callable) -> None:
    code, out, err = charrnn(*SAMPLE, "run", "--count", str(10**18))
    assert (code in (1, 2), out) == (True, "")
    assert "count" in err


@pytest.mark.parametrize("twentieths", range(20))
def test_a_checkpoint_cut_short_is_refused(charrnn: Callable, twentieths: int) -> None:
    whole = Path("run/checkpoints/last.npz").read_bytes()
    Path("cut.npz").write_bytes(whole[: len(whole) * twentieths // 20])
    refused(charrnn(*SAMPLE, "cut.npz"), 1, "'cut.npz' is no checkpoint, or a damaged one (")


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["no-texts"], "'no-texts' holds no run"),
        (["nowhere"], "'nowhere' holds no run"),
        (["cats.txt"], "'cats.txt' holds no run"),
        ([NO_NAME], "File name too long"),
        (["run", "--at", "1,2"], "run 'run' took no snapshot at 2; there are: 1, 3"),
    ],
)
def test_what_has_no_snapshots(charrnn: Callable, args: list[str], says: str) -> None:
    refused(charrnn("snapshots", *args), 1, says)


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["train", "--resume", "--force", "--run", "run"], "--resume goes on with a run and --force replaces it"),
        (["train", "--resume", "--init-from", "run", "--run", "run"], "--resume goes on with a run and --init-from"),
        (["train", "--minutes", "ten"], "'--minutes': 'ten' is not a number\n"),
        (["train", "--minutes", "nan"], "'--minutes': 'nan' is not a number\n"),
        (["train", "--nothing"], "--nothing"),
        (["trian"], "No such command 'trian'; did you mean 'train'?"),
        ([*SAMPLE, "run", "--prime", "a", "--prime-file", "cats.txt"], "--prime and --prime-file"),
        ([*SAMPLE, "run", "--length", "0"], "--length"),
        ([*SAMPLE, "run", "--temperature", "-1"], "--temperature"),
        ([*SAMPLE, "run", "--temperature", "nan"], "--temperature"),
        ([*SAMPLE, "run", "--top-k", "0"], "--top-k"),
        ([*SAMPLE, "run", "--min-p", "1.5"], "--min-p"),
        ([*SAMPLE, "run", "--loop-penalty", "-1"], "--loop-penalty"),
        ([*SAMPLE, "run", "--max-copy", "0"], "--max-copy"),
        ([*SAMPLE, "run", "--unknown", "keep"], "--unknown"),
        ([*SAMPLE, "run", "--stop", ""], "--stop needs a text of at least one character"),
        (
            [*SAMPLE, "run", "--corpus", "cats.txt"],
            "--corpus is read for --novelty, --max-copy and --new, and",
        ),
        ([*SAMPLE, "run", "-i", "--count", "2"], "--interactive takes turns and reads stdin; leave out --count"),
        ([*SAMPLE, "run", "--encoding", "utf-8"], "--encoding is that of --prime-file; give one, or leave it out"),
        ([*SAMPLE, "run", "--json", "--raw"], "--json prints a line for each sample, escaped; leave out"),
        ([*SAMPLE, "run", "-i", "--novelty", "--corpus", "-"], "stdin is read once; give the file of --corpus"),
        (["score", "run", "-", "-"], "stdin is read once; give - once"),
        ([*SAMPLE, "run", "--top-p", "1.5"], "--top-p"),
        ([*SAMPLE, "run", "--top-p", "nan"], "'--top-p': 'nan' is not a number from 0 to 1\n"),
        ([*SAMPLE, "run", "--top-k", "1.5"], "'--top-k': '1.5' is not a whole number of at least 1\n"),
        ([*SAMPLE, "run", "--at", "x"], "'--at': 'x' is not a whole number\n"),
        ([*SAMPLE, "run", "--at", "first"], "--at"),
        (["snapshots"], "RUN"),
        (["snapshots", "run", "--at", "1;2"], "'1;2' should be iterations with commas between"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_usage(charrnn: Callable, args: list[str], says: str) -> None:
    code, out, err = charrnn(*args)
    assert (code, out) == (2, "")
    assert err.startswith("Usage: charrnn ")
    assert says in err.partition("\nError: ")[2]


@pytest.mark.parametrize(("cell", "rate"), [("lstm", "1e300"), ("rnn-relu", "100")])
def test_a_run_that_diverges_says_so_and_no_more(charrnn: Callable, cell: str, rate: str) -> None:
    """Warnings are errors here, as they would stand on stderr."""
    code, _, err = charrnn(*TRAIN, "--set", f"model.cell={cell}", "--set", f"training.learning_rate={rate}")
    assert code == 1
    last = err.splitlines()[-1]
    assert last.startswith("charrnn: training diverged at iteration ")
    assert "not finite; no checkpoint was saved before; try a lower training.learning_rate" in last


def test_a_validation_loss_that_is_no_number_stops_the_run(charrnn: Callable) -> None:
    steep = ("model.cell=rnn-relu", "model.hidden=8", "training.window=16", "training.learning_rate=2")
    steps = ("training.clip=null", "training.iterations=60")
    code, _, err = charrnn(*TRAIN, *(part for setting in steep + steps for part in ("--set", setting)))
    assert code == 1
    assert "diverged at iteration 1 of 60: evaluation not finite" in err
    assert list(Path("new/checkpoints").iterdir()) == []
    said = "new: diverged at iteration 1 of 60: evaluation not finite; try a lower training.learning_rate, or clip "
    assert charrnn("watch", "new").out.replace("\n", " ").startswith(said)
    refused = charrnn("report", "new")
    assert refused.err.startswith("charrnn: 'new' has reported nothing: it diverged at iteration 1 of 60: evaluation ")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("args", [(*SAMPLE, "run"), ("snapshots", "run"), TRAIN], ids=lambda args: args[0])
def test_a_disk_that_is_full(start: Callable, args: tuple[str, ...]) -> None:
    with open("/dev/full", "wb") as full:
        process = start(*args, stdout=full)
        err = process.stderr.read().decode()
    assert process.wait() == 1
    assert err.splitlines()[-1].startswith("charrnn: ")
    assert "No space left on device" in err.splitlines()[-1]


def test_a_terminal_that_cannot_show_a_character(start: Callable, charrnn: Callable) -> None:
    """The text is shown as well as can be, and what is learnt is kept."""
    Path("cafe.txt").write_text("un café, naïve\n" * 60, "utf-8")
    ascii_only = os.environ | {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    process = start("train", "cafe.txt", *TRAIN[2:], "--set", "snapshots.prime=é", env=ascii_only)
    out, err = process.communicate()
    assert (process.returncode, err.decode().splitlines()[-1]) == (0, "write: charrnn sample new")
    assert out.startswith(b"iteration 1, ")


@pytest.mark.skipif(os.name != "posix", reason="needs a POSIX shell")
@pytest.mark.parametrize(
    ("closed", "args", "code"),
    [("<&-", ("train", "-"), 1), (">&-", (*SAMPLE, "run"), 1), ("2>&-", TRAIN, 0)],
    ids=["stdin", "stdout", "stderr"],
)
def test_a_stream_that_is_closed(closed: str, args: tuple[str, ...], code: int) -> None:
    shell = ["/bin/sh", "-c", f'"$0" -m charrnn "$@" {closed}', sys.executable]
    done = subprocess.run([*shell, *args], capture_output=True, text=True, check=False)
    assert done.returncode == code
    assert all(line.startswith("charrnn: ") for line in done.stderr.splitlines())


def one_line(err: str, says: str) -> None:
    assert err.splitlines()[-1].startswith("charrnn: ")
    assert says in err.splitlines()[-1]
    assert "Traceback" not in err


LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)
sys.argv[:] = ["charrnn", *sys.argv[2:]]
from charrnn.cli import main
main()
"""


@pytest.mark.skipif(os.name != "posix", reason="needs limits for a process")
@pytest.mark.parametrize("limit", [0, 100, 1000, 3000])
def test_files_that_may_not_grow(folder: Path, limit: int) -> None:
    """As on a full disk: the run stops in one line, and what was saved before stands."""
    before = files(Path("run/checkpoints"))
    resume = ("train", "--run", "run", "--resume", "--set", "training.iterations=30", "--set", "snapshots.every=1")
    done = subprocess.run([sys.executable, "-c", LIMITED, str(limit), *resume], capture_output=True, text=True)
    assert done.returncode == 1
    one_line(done.stderr, "File too large")
    after = files(Path("run/checkpoints"))
    assert after["last.npz"] in before.values()
    assert not [name for name in after if "unfinished" in name]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Mounts a file system of its own."""
    mounted = []

    def mount(options: str) -> Path:
        path = tmp_path / f"disk{len(mounted)}"
        path.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", options, "none", path]
        if shutil.which("mount") is None or subprocess.run(command, capture_output=True).returncode:
            pytest.skip("may not mount a file system")
        mounted.append(path)
        return path

    yield mount
    for path in mounted:
        subprocess.run(["umount", "-l", path], check=True)


def test_a_disk_that_fills_up(folder: Path, charrnn: Callable, small_disk: Callable) -> None:
    run = small_disk("size=400k") / "run"
    code, _, err = charrnn(
        *TRAIN[:-2], "--run", str(run), "--set", "training.iterations=400", "--set", "snapshots.every=1"
    )
    assert code == 1
    one_line(err, "No space left on device")
    (run / "snapshots/000001.txt").unlink()
    for path in run.glob("checkpoints/iteration-*"):
        path.unlink()
    assert charrnn("train", "--run", str(run), "--resume", "--set", "snapshots.every=null").code == 0


def test_a_disk_that_is_read_only(folder: Path, charrnn: Callable, small_disk: Callable) -> None:
    disk = small_disk("size=1m")
    shutil.copytree("run", disk / "run")
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    for args in (("--run", str(disk / "new")), ("--run", str(disk / "run"), "--force")):
        code, _, err = charrnn(*TRAIN[:-2], *args)
        assert code == 1
        one_line(err, "Read-only file system")
    code, _, err = charrnn("train", "--run", str(disk / "run"), "--resume", "--set", "training.iterations=30")
    assert code == 1
    one_line(err, "Read-only file system")
    assert charrnn(*SAMPLE, str(disk / "run")).code == 0
    assert files(disk / "run/checkpoints") == files(Path("run/checkpoints"))


@pytest.mark.skipif(os.name != "posix", reason="an open folder cannot vanish elsewhere")
def test_a_run_folder_that_vanishes(folder: Path, start: Callable) -> None:
    process = start("train", "cats.txt", "--config", "blocking.yaml", "--run", "new")
    assert process.stdout.readline().startswith(b"iteration 1, ")  # and cannot write the rest yet
    shutil.rmtree("new")
    _, err = process.communicate()
    assert process.returncode == 1
    one_line(err.decode(), "No such file or directory")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root is never refused")
def test_a_folder_without_permission(folder: Path, charrnn: Callable) -> None:
    Path("locked").mkdir(mode=0o500)
    code, _, err = charrnn(*TRAIN[:-2], "--run", "locked/run")
    assert code == 1
    one_line(err, "Permission denied")


def test_a_run_that_another_process_writes(folder: Path, charrnn: Callable, start: Callable) -> None:
    process = start("train", "cats.txt", "--config", "blocking.yaml", "--run", "new")
    assert process.stdout.readline().startswith(b"iteration 1, ")  # and cannot write the rest yet
    for args in ((*TRAIN[:-2], "--run", "new", "--force"), ("train", "--run", "new", "--resume")):
        code, out, err = charrnn(*args)
        assert (code, out) == (1, "")
        one_line(err, f"'new' is being written by process {process.pid};")


def test_a_damaged_last_checkpoint_is_said_and_made_up_for(folder: Path, charrnn: Callable) -> None:
    Path("run/checkpoints/last.npz").write_bytes(b"damaged")
    code, _, err = charrnn("train", "--run", "run", "--resume")
    assert code == 0
    assert "charrnn: 'run/checkpoints/last.npz' is no checkpoint, or a damaged one" in err.splitlines()[0]
    assert err.splitlines()[0].endswith("'run/checkpoints/last.prev.npz' of iteration 4 takes its place")


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize(
    ("args", "named"),
    [
        (("sample", "--checkpoint", ""), "'--checkpoint'"),
        (("sample", ""), "'[RUN]'"),
        (("sample", "run", "--novelty", "--corpus", ""), "'--corpus'"),
        (("neurons", "", "cats.txt"), "'[RUN]'"),
        (("gates", "--checkpoint", "", "cats.txt"), "'--checkpoint'"),
        (("score", "", "cats.txt"), "'[RUN]... FILE...'"),
        (("train", ""), "'[CORPUS]...'"),
        (("train", "cats.txt", "--config", "tiny.yaml", "--run", ""), "'--run'"),
        (("train", "cats.txt", "--config", "tiny.yaml", "--run", "new", "--tensorboard", ""), "'--tensorboard'"),
        (("gradients", "--checkpoint", ""), "'--checkpoint'"),
        (("report", ""), "'RUN...'"),
    ],
)
def test_an_empty_path_is_no_default(untouched: None, charrnn: Callable, args: tuple[str, ...], named: str) -> None:
    """An unset variable, in quotation marks, must not write with another network or train in another folder."""
    code, out, err = charrnn(*args)
    assert (code, out) == (2, "")
    assert f"Invalid value for {named}: it is empty" in err


@pytest.mark.parametrize(
    ("option", "meant"),
    [
        ("--epochs", "--set training.epochs=VALUE"),
        ("--iterations", "--set training.iterations=VALUE"),
        ("--hidden", "--set model.hidden=VALUE"),
        ("--hidden-size", "--set model.hidden=VALUE"),
        ("--batch-size", "--set training.batch=VALUE"),
        ("--learning-rate", "--set training.learning_rate=VALUE"),
        ("--lr", "--set training.learning_rate=VALUE or --set training.lookup_rate=VALUE"),
        ("--every", "--set snapshots.every=VALUE or --set checkpoints.every=VALUE"),
        ("--optimiser", "--set training.optimizer=VALUE"),
    ],
)
def test_an_option_that_is_a_setting_says_how_it_is_set(
    untouched: None, charrnn: Callable, option: str, meant: str
) -> None:
    code, out, err = charrnn("train", "cats.txt", option, "3")
    assert (code, out) == (2, "")
    assert err.endswith(f"Error: No such option '{option}'; it is a setting: {meant}\n")


def test_a_misspelt_option_is_no_setting(untouched: None, charrnn: Callable) -> None:
    code, _, err = charrnn("train", "cats.txt", "--minuts", "3")
    assert code == 2
    assert "--minutes" in err
    assert "setting" not in err


@pytest.mark.parametrize("command", ["sample", "snapshots", "neurons", "report"])
def test_a_command_that_reads_a_run_takes_it_without_an_option(charrnn: Callable, command: str) -> None:
    code, _, err = charrnn(command, "--run", "run")
    assert (code, "No such option '--run'; RUN stands without it" in err) == (2, True)


@pytest.mark.parametrize("args", [("train", "--zzzz"), ("sample", "--hidden", "3"), ("report", "--epochs", "3")])
def test_another_option_is_just_unknown(charrnn: Callable, args: tuple[str, ...]) -> None:
    code, _, err = charrnn(*args)
    assert (code, "--set" in err) == (2, False)
    assert f"No such option '{args[1]}'" in err


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("sample", "run", "--checkpoint", "run"), "one network is asked for, by RUN or by --checkpoint"),
        (("sample", "run", "cats.txt"), "'run', 'cats.txt' are given"),
        (("neurons", "run", "cats.txt", "--checkpoint", "run"), "one network is asked for"),
        (("score", "cats.txt"), "nothing comes after 'cats.txt'; give RUN, the network, and then FILE"),
    ],
)
def test_one_network_is_named_once(untouched: None, charrnn: Callable, args: tuple[str, ...], says: str) -> None:
    code, out, err = charrnn(*args)
    assert (code, out) == (2, "")
    assert says in err


@pytest.mark.parametrize(
    ("command", "rest"),
    [("sample", ("--seed", "1")), ("score", ("cats.txt",)), ("neurons", ("cats.txt",)), ("gates", ("cats.txt",))],
)
def test_a_network_is_an_argument_or_an_option(folder: Path, charrnn: Callable, command: str, rest: tuple) -> None:
    as_argument, as_option = charrnn(command, "run", *rest), charrnn(command, "--checkpoint", "run", *rest)
    assert as_argument == as_option
    assert as_argument.code == 0


def test_a_file_that_is_not_there_is_not_the_output(start: Callable) -> None:
    Path("linked").mkdir()
    Path("linked/a.txt").symlink_to("nowhere")
    process = start("score", "run", "linked")
    assert process.stderr.read() == b"charrnn: 'linked/a.txt' cannot be used: No such file or directory\n"
    assert process.wait() == 1
