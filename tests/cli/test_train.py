"""``charrnn train`` from beginning to end, and ``charrnn snapshots`` over what it left."""

import json
import os
import random
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from terminals import needs_terminals, read_until

from charrnn import Trainer, load_checkpoint, load_corpus, load_settings
from charrnn.cli import output
from charrnn.cli.commands import train
from charrnn.text import corpus
from charrnn.training import choice
from charrnn.training.facts import Planned

TINY = ("--config", "tiny.yaml")


def metrics(run: Path) -> list[dict]:
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def test_a_run_is_a_folder(folder: Path) -> None:
    files = {str(path.relative_to("run")) for path in Path("run").rglob("*") if path.is_file()}
    assert files == {
        *(".lock", ".writer"),
        "config.yaml",
        "metrics.jsonl",
        "status.json",
        *(f"snapshots/{iteration:06d}.txt" for iteration in (1, 3, 6)),
        *("checkpoints/last.npz", "checkpoints/last.prev.npz", "checkpoints/best.npz"),
        *(f"checkpoints/iteration-{iteration:06d}.npz" for iteration in (1, 3, 6)),
    }


def test_metrics_are_a_line_a_report(folder: Path) -> None:
    rows = metrics(folder / "run")
    assert [row["iteration"] for row in rows] == [1, 2, 3, 4, 6]
    assert [row["iteration"] for row in rows if row["validation_loss"] is not None] == [1, 3, 6]
    for row in rows:
        assert list(row) == [
            *("iteration", "epoch", "loss", "gradient_norm", "learning_rate", "characters_per_second"),
            *("validation_loss", "validation_error", "seconds"),
        ]
    assert 0 < rows[0]["seconds"] <= rows[-1]["seconds"]


def test_a_snapshot_file_is_a_header_and_a_text(folder: Path) -> None:
    header, _, text = (folder / "run/snapshots/000003.txt").read_text().partition("\n\n")
    values = dict(line.split(": ") for line in header.splitlines())
    row = metrics(folder / "run")[2]
    assert values.pop("real_words")
    assert {key: json.loads(value) for key, value in values.items()} == {
        "iteration": 3,
        "loss": row["loss"],
        "validation_loss": row["validation_loss"],
        "temperature": 0.7,
        "seed": 0,
    }
    assert len(text) == 20 + len("\n")


def test_stdout_is_the_progression_and_nothing_else(folder: Path, charrnn: Callable) -> None:
    trained = charrnn("train", "cats.txt", *TINY, "--run", "new")
    assert trained.code == 0
    assert trained.out == charrnn("snapshots", "new").out
    for iteration in (1, 3, 6):
        text = Path(f"new/snapshots/{iteration:06d}.txt").read_text().partition("\n\n")[2]
        assert f"\n\n{text}" in trained.out
        assert f"iteration {iteration}, loss " in trained.out
    assert trained.out.startswith("iteration 1, loss ")


@pytest.mark.parametrize(("at", "shown"), [("3", [3]), ("1,3", [1, 3]), ("3,1", [3, 1])])
def test_at_picks_snapshots(folder: Path, charrnn: Callable, at: str, shown: list[int]) -> None:
    one = {number: charrnn("snapshots", "run", "--at", str(number)).out for number in (1, 3)}
    assert all(out.startswith(f"iteration {number}, ") for number, out in one.items())
    assert charrnn("snapshots", "run", "--at", at).out == "".join(one[number] for number in shown)


def test_a_plan_that_wavers_is_said_once(capsys: pytest.CaptureFixture) -> None:
    bar = output.TrainingBar(0, 150)
    for iteration, planned in enumerate((158, 160, 100, 95, 101, 89)):
        bar.show(Planned(iteration, planned))
    said = [f"iteration {k}: at this speed {planned} fit in the time" for k, planned in ((2, 100), (5, 89))]
    assert capsys.readouterr().err.splitlines() == said


def test_stderr_is_plain_lines_where_it_is_no_terminal(folder: Path, charrnn: Callable) -> None:
    err = charrnn("train", "cats.txt", *TINY, "--run", "new").err
    assert all(line.isprintable() for line in err.split("\n"))
    for said in (
        "corpus: cats, 2,220 characters",
        "1 x 4",
        "6 iterations of 2 x 8",
        "run: new",
        "best validation loss",
    ):
        assert said in err
    assert err.endswith("write: charrnn sample new\n")


def test_a_line_says_at_which_iteration_the_validation_loss_was_measured(
    folder: Path, charrnn: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(output, "SECONDS_BETWEEN_LINES", 0)
    err = charrnn("train", "cats.txt", *TINY, "--run", "new").err
    lines = dict(re.findall(r"^iteration (\d) of 6: loss [\d.]+(.*), [\d,]+ chars/s$", err, re.M))
    assert lines["1"] == ""
    for iteration, measured in (("2", 1), ("3", 1), ("4", 3), ("6", 3)):
        assert re.fullmatch(rf", validation \d\.\d{{3}} \(at {measured}\)", lines[iteration])


@pytest.mark.parametrize("resume", [False, True])
def test_the_time_it_will_take_is_said_before_it_begins(folder: Path, charrnn: Callable, resume: bool) -> None:
    more = ("--run", "run", "--resume", "--set", "training.iterations=8") if resume else (*TINY, "--run", "new")
    lines = charrnn("train", "cats.txt", *more).err.splitlines()
    (time,) = [number for number, line in enumerate(lines) if line.startswith("time: ")]
    assert re.fullmatch(
        r"time: about \S.* \([\d,]+ characters/s\); a pass over the text to learn takes about \S.*", lines[time]
    )
    assert lines[time - 1].startswith("run: ")
    assert "best validation loss" in lines[time + 1]


def test_a_sample_of_what_is_held_out_is_said_to_be_one(
    folder: Path, charrnn: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(output, "SECONDS_BETWEEN_LINES", 0)
    few = ("--set", "training.evaluate_characters=50", "--set", "corpus.test=0.1")
    err = charrnn("train", "cats.txt", *TINY, *few, "--run", "new").err
    assert re.search(r"^iteration 6 of 6: loss [\d.]+, validation \d\.\d{3} ± 0\.\d{3} \(at 3\), ", err, re.M)
    assert re.search(r"^test loss \d\.\d{3} ± 0\.\d{3} nats/char", err, re.M)


def test_evaluations_that_take_most_of_the_time_are_said(
    folder: Path, charrnn: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train, "LONG_EVALUATIONS", 0.0)
    often = ("--set", "training.validate_every=1", "--set", "corpus.validation=0.8")
    said = r"^\d\d% of it goes to evaluations; for less, (.*)"

    def advice(*args: str) -> str:
        return re.search(said, charrnn("train", *args).err, re.M)[1]

    raised = "raise training.validate_every"
    assert advice("cats.txt", *TINY, *often, "--run", "new") == f"set training.evaluate_characters or {raised}"
    # A run that goes on cannot measure its losses on another part of the text.
    assert advice("--run", "new", "--resume", "--set", "training.iterations=9") == raised


def test_no_time_is_said_where_nothing_is_left(folder: Path, charrnn: Callable) -> None:
    assert "time: " not in charrnn("train", "cats.txt", "--run", "run", "--resume").err


def test_saying_the_time_changes_no_bit(folder: Path) -> None:
    trainer = Trainer(load_settings("tiny.yaml"), load_corpus(["cats.txt"]))
    list(trainer.train())
    ours, its = trainer.checkpoint(), load_checkpoint("run/checkpoints/last.npz")
    assert ours.model.parameters.vector.tobytes() == its.model.parameters.vector.tobytes()
    assert ours.training.state.tobytes() == its.training.state.tobytes()


@needs_terminals
def test_stderr_shows_a_bar_on_a_terminal(folder: Path, start: Callable, charrnn: Callable) -> None:
    import termios

    ours, theirs = os.openpty()
    termios.tcsetwinsize(theirs, (24, 100))
    process = start("train", "cats.txt", *TINY, "--run", "new", stderr=theirs)
    os.close(theirs)
    shown = read_until(ours)
    os.close(ours)
    out = process.stdout.read()
    assert process.wait() == 0
    assert b"\r6/6, " in shown
    assert "█".encode() in shown
    assert b"loss " in shown
    assert out.decode() == charrnn("snapshots", "new").out


def test_a_run_is_called_after_its_corpus(folder: Path, charrnn: Callable) -> None:
    assert charrnn("train", "cats.txt", *TINY).code == 0
    assert (folder / "runs/cats/checkpoints/last.npz").is_file()
    assert charrnn("train", "cats.txt", "--resume").code == 0


def test_standard_input_is_kept_and_resumed_from(folder: Path, charrnn: Callable) -> None:
    text = b"\xef\xbb\xbfa line of it\r\nand another\n" * 40
    piped = charrnn("train", "-", *TINY, stdin=text)
    assert piped.code == 0
    assert "corpus: stdin, " in piped.err
    assert Path("runs/stdin/corpus.txt").read_bytes() == text
    resumed = charrnn("train", "--run", "runs/stdin", "--resume", "--set", "training.iterations=8")
    assert (resumed.code, metrics(folder / "runs/stdin")[-1]["iteration"]) == (0, 8)


def test_a_run_that_keeps_its_text_goes_on_where_it_was_moved(folder: Path, charrnn: Callable) -> None:
    assert charrnn("train", "-", *TINY, stdin=Path("cats.txt").read_bytes()).code == 0
    Path("runs/stdin").rename("moved")
    assert charrnn("train", "-", *TINY, stdin=b"another text in its old place. " * 60).code == 0
    assert charrnn("train", "--run", "moved", "--resume", "--set", "training.iterations=8").code == 0
    assert metrics(folder / "moved")[-1]["iteration"] == 8
    assert f'path: ["{folder / "moved" / "corpus.txt"}"]' in Path("moved/config.yaml").read_text()


def test_a_run_whose_text_is_gone_goes_on_when_that_is_named(folder: Path, charrnn: Callable) -> None:
    assert charrnn("train", "cats.txt", *TINY, "--run", "new").code == 0
    resume = ("train", "--run", "new", "--resume", "--set", "training.iterations=8")
    Path("cats.txt").rename("elsewhere.txt")
    code, out, err = charrnn(*resume)
    assert (code, out) == (1, "")
    assert err.endswith(
        "cats.txt' does not exist; check the path, or give as CORPUS the path that it has now: "
        "charrnn train PATH --run new --resume\n"
    )
    assert charrnn(*resume, "elsewhere.txt").code == 0
    assert f'path: ["{folder / "elsewhere.txt"}"]' in Path("new/config.yaml").read_text()
    assert load_checkpoint("new").settings.corpus.path == [str(folder / "elsewhere.txt")]


def test_a_run_of_a_file_says_that_it_keeps_no_standard_input(folder: Path, charrnn: Callable) -> None:
    (learnt,) = load_checkpoint("run").settings.corpus.path
    assert charrnn("train", "-", "--run", "run", "--resume", stdin=b"anything").err == (
        f"charrnn: 'run' learns {learnt!r}, and no text of standard input; leave out the -\n"
    )


def test_a_long_text_is_learnt_from_ids_beside_the_run(
    folder: Path, charrnn: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kept and used again, with the same weights as from memory; an ordinary text leaves nothing there."""

    def weights(run: str, *args: str) -> bytes:
        assert charrnn("train", *args, "--run", f"runs/{run}").code == 0
        return load_checkpoint(f"runs/{run}/checkpoints/last.npz").model.parameters.vector.tobytes()

    longer = ("--resume", "--set", "training.iterations=8")
    in_memory = weights("one", "cats.txt", *TINY), weights("one", *longer)
    assert [path.name for path in Path("runs").iterdir()] == ["one"]
    monkeypatch.setattr("charrnn.text.ids.MAPPED_FROM", 1)
    assert weights("two", "cats.txt", *TINY) == in_memory[0]
    (ids,) = Path("runs/.ids").glob("*.ids")
    content, made = ids.read_bytes(), ids.stat().st_ino
    assert content == corpus.load_corpus(["cats.txt"]).ids.tobytes()
    assert weights("three", "cats.txt", *TINY) == in_memory[0]
    assert ids.stat().st_ino == made
    ids.unlink()
    assert weights("two", *longer) == in_memory[1]
    assert ids.read_bytes() == content


def test_printed_settings_are_a_settings_file(folder: Path, charrnn: Callable) -> None:
    printed = charrnn("train", "cats.txt", *TINY, "--set", "training.clip=null", "--print-config")
    assert (printed.code, printed.err) == (0, "")
    Path("again.yaml").write_text(printed.out)
    again = charrnn("train", "--config", "again.yaml", "--print-config")
    assert again.out == printed.out
    assert 'path: ["cats.txt"]' in printed.out
    assert not Path("runs").exists()


def test_options_win_over_files_and_later_files_over_earlier(folder: Path, charrnn: Callable) -> None:
    Path("own.yaml").write_text("training: {batch: 3, window: 9}\ncorpus: {path: other.txt}\n")
    out = charrnn("train", "cats.txt", *TINY, "--config", "own.yaml", "--set", "training.batch=5", "--print-config").out
    for setting in ("hidden: 4 ", "window: 9 ", "batch: 5 ", 'path: ["cats.txt"]'):
        assert f"  {setting}" in out


def test_the_settings_kept_start_the_same_run_again(folder: Path, charrnn: Callable) -> None:
    assert charrnn("train", "--config", "run/config.yaml", "--run", "again").code == 0
    first, second = (load_checkpoint(f"{run}/checkpoints/last.npz") for run in ("run", "again"))
    assert first.model.parameters.vector.tobytes() == second.model.parameters.vector.tobytes()


def test_without_validation(folder: Path, charrnn: Callable) -> None:
    trained = charrnn("train", "cats.txt", *TINY, "--run", "new", "--set", "corpus.validation=0")
    assert trained.code == 0
    assert "validation" not in trained.out
    assert "0 to validate" in trained.err
    assert "best" not in trained.err
    assert {row["validation_loss"] for row in metrics(folder / "new")} == {None}
    assert not Path("new/checkpoints/best.npz").exists()
    assert charrnn("sample", "--checkpoint", "new", "--length", "5").code == 0
    assert charrnn("snapshots", "new").out == trained.out


def test_the_test_part_is_measured_at_the_end(folder: Path, charrnn: Callable) -> None:
    err = charrnn("train", "cats.txt", *TINY, "--run", "new", "--set", "corpus.test=0.1").err
    assert "222 to test" in err
    assert re.search(r"^test loss [\d.]+ nats/char \([\d.]+ bits\), by the last network, of iteration 6$", err, re.M)


def test_resuming_goes_on_where_it_stopped(folder: Path, charrnn: Callable) -> None:
    resumed = charrnn("train", "--run", "run", "--resume", "--set", "training.iterations=8", "--set", "snapshots.at=7")
    assert "run: run, from iteration 6\n" in resumed.err
    assert resumed.out.startswith("iteration 7, ")
    assert [row["iteration"] for row in metrics(folder / "run")] == [1, 2, 3, 4, 6, 7, 8]
    assert "iterations: 8\n" in Path("run/config.yaml").read_text()


def test_the_files_of_a_folder_are_counted_and_named(folder: Path, charrnn: Callable) -> None:
    for number in (10, 2, 1, 3, 4):
        Path("books").mkdir(exist_ok=True)
        Path(f"books/c{number}.txt").write_bytes(Path("cats.txt").read_bytes())
    assert "\nread: 5 files: books/c1.txt, books/c2.txt, books/c3.txt, ..., books/c10.txt\n" in (
        charrnn("train", "books", *TINY, "--run", "new").err
    )
    assert "read: " not in charrnn("train", "books/c2.txt", *TINY, "--run", "other").err


def test_what_is_changed_in_config_yaml_holds_when_the_run_goes_on(folder: Path, charrnn: Callable) -> None:
    config = Path("run/config.yaml")
    own = config.read_text()
    config.write_text(own.replace("iterations: 6", "iterations: 8").replace("hidden: 4", "hidden: 5"))
    line = own[: own.index("hidden: 4")].count("\n") + 1
    changed = config.read_text()
    assert charrnn("train", "--run", "run", "--resume").err == (
        "charrnn: model.hidden is 4 in this run and cannot change to 5 when it goes on; leave it out "
        f"(config.yaml, line {line})\n"
    )
    assert config.read_text() == changed
    config.write_text(own.replace("iterations: 6", "iterations: 8"))
    assert "iterations: 8" in charrnn("train", "--run", "run", "--resume", "--print-config").out
    assert charrnn("train", "--run", "run", "--resume").code == 0
    assert [row["iteration"] for row in metrics(folder / "run")] == [1, 2, 3, 4, 6, 8]
    config.write_text(own.replace("iterations: 6", "iterations: few"))
    refused = charrnn("train", "--run", "run", "--resume")
    assert (refused.code, refused.err.startswith("charrnn: training.iterations is 'few': ")) == (2, True)


def test_a_run_inside_its_corpus_folder_does_not_learn_its_own_samples(folder: Path, charrnn: Callable) -> None:
    books = folder / "books"
    (books / "more").mkdir(parents=True)
    (books / "more" / "cats.txt").write_bytes(Path("cats.txt").read_bytes())
    assert charrnn("train", "books", *TINY, "--run", "books/run").code == 0
    resumed = charrnn("train", "books", "--run", "books/run", "--resume", "--set", "training.iterations=8")
    assert (resumed.code, metrics(books / "run")[-1]["iteration"]) == (0, 8)


def test_force_keeps_the_text_that_a_link_leads_to(folder: Path, charrnn: Callable) -> None:
    assert charrnn("train", "-", *TINY, "--run", "new", stdin=Path("cats.txt").read_bytes()).code == 0
    Path("link").symlink_to("new")
    assert charrnn("train", "link/corpus.txt", *TINY, "--run", "link", "--force").code == 0
    assert Path("new/corpus.txt").read_bytes() == Path("cats.txt").read_bytes()


def test_a_run_that_goes_on_keeps_its_corpus_name_and_prints_its_own_settings(folder: Path, charrnn: Callable) -> None:
    assert charrnn("train", "-", *TINY, stdin=Path("cats.txt").read_bytes()).code == 0
    resume = ("train", "--run", "runs/stdin", "--resume", "--set", "training.iterations=8")
    assert "hidden: 4 " in charrnn(*resume, "--print-config").out
    assert "corpus: stdin, " in charrnn(*resume).err


@pytest.mark.parametrize(
    ("length", "longer"),
    [
        ("training.iterations=2", "training.iterations"),
        ("training.epochs=0.02", "training.epochs"),
        ("training.minutes=0.001", "--minutes"),
    ],
)
def test_a_run_that_has_ended_says_what_would_make_it_longer(
    folder: Path, charrnn: Callable, length: str, longer: str
) -> None:
    assert charrnn("train", "cats.txt", *TINY, "--set", length, "--run", "new").code == 0
    again = charrnn("train", "--run", "new", "--resume").err
    assert f"\nnothing is left to do; set {longer} higher to train longer\n" in again


def test_resuming_a_finished_run_changes_nothing(folder: Path, charrnn: Callable) -> None:
    before = Path("run/checkpoints/last.npz").read_bytes(), Path("run/metrics.jsonl").read_text()
    resumed = charrnn("train", "--run", "run", "--resume")
    assert (resumed.code, resumed.out) == (0, "")
    assert (Path("run/checkpoints/last.npz").read_bytes(), Path("run/metrics.jsonl").read_text()) == before


def test_a_reader_that_leaves_does_not_stop_the_run(folder: Path, charrnn: Callable, start: Callable) -> None:
    """As with ``charrnn train | head -1``: only the display is lost."""
    process = start("train", "cats.txt", "--config", "blocking.yaml", "--run", "new")
    assert process.stdout.readline().startswith(b"iteration 1, ")
    process.stdout.close()
    err = process.stderr.read().decode()
    assert process.wait() == 0
    assert err.count("nobody reads the samples any more; training goes on, and keeps them: charrnn snapshots new") == 1
    assert err.endswith("write: charrnn sample new\n")
    assert "Traceback" not in err
    assert load_checkpoint("new/checkpoints/last.npz").progress.iteration == 6


def test_a_reader_of_everything_that_leaves_does_not_stop_the_run(folder: Path, start: Callable) -> None:
    """As with ``charrnn train 2>&1 | head -1``."""
    process = start("train", "cats.txt", "--config", "blocking.yaml", "--run", "new", stderr=subprocess.STDOUT)
    process.stdout.readline()
    process.stdout.close()
    assert process.wait() == 0
    assert load_checkpoint("new/checkpoints/last.npz").progress.iteration == 6


def test_auto_resume_begins_a_run_or_goes_on_with_it(folder: Path, charrnn: Callable) -> None:
    """The same line each time, as a job that is started again has it."""
    begun = ("train", "cats.txt", *TINY, "--run", "new", "--init-from", "run", "--auto-resume")
    first = charrnn(*begun)
    assert (first.code, first.out.startswith("iteration 1, ")) == (0, True)
    again = charrnn(*begun)
    assert (again.code, again.out, "nothing is left to do" in again.err) == (0, "", True)
    assert charrnn(*begun, "--set", "training.iterations=8").code == 0
    assert [row["iteration"] for row in metrics(folder / "new")] == [1, 2, 3, 4, 6, 8]
    for saved in Path("new/checkpoints").glob("last*"):
        saved.unlink()
    assert charrnn(*begun).out == first.out
    for other in ("--resume", "--force"):
        assert charrnn(*begun, other).code == 2


def test_auto_resume_keeps_the_epochs_that_minutes_came_to(
    folder: Path, charrnn: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a text so short that it can be read as often as helps."""
    monkeypatch.setattr(choice, "MOST_EPOCHS", 2)
    small = ("--set", "model.hidden=4", "--set", "compute.workers=1", "--set", "training.early_stop=false")
    line = ("train", "cats.txt", *small, "--minutes", "0.5", "--run", "new", "--auto-resume")
    assert charrnn(*line).code == 0
    config, rows = Path("new/config.yaml").read_text(), metrics(folder / "new")
    assert "epochs: 2.0\n" in config
    again = charrnn(*line)
    assert again.err.startswith("the length stays 2 epochs; --resume --minutes would change it\n")
    assert "\nnothing is left to do; set training.epochs higher" in again.err
    assert (Path("new/config.yaml").read_text(), metrics(folder / "new")) == (config, rows)
    Path("new/config.yaml").write_text(config.replace("epochs: 2.0", "epochs: 2.1"))
    assert charrnn(*line).err.startswith("the length stays 2.1 epochs; ")
    assert metrics(folder / "new")[-1]["epoch"] == pytest.approx(2.1, abs=0.05)
    assert "  minutes: 0.5" in charrnn(*line[:-1], "--resume", "--print-config").out


def test_force_replaces_the_run_and_nothing_else(folder: Path, charrnn: Callable) -> None:
    Path("run/mine.txt").write_text("mine")
    forced = charrnn("train", "cats.txt", *TINY, "--run", "run", "--force", "--set", "snapshots.at=2")
    assert forced.code == 0
    assert Path("run/mine.txt").read_text() == "mine"
    assert {path.name for path in Path("run/snapshots").iterdir()} == {"000002.txt", "000006.txt"}
    assert [row["iteration"] for row in metrics(folder / "run")] == [2, 3, 4, 6]
    assert charrnn("snapshots", "run").out == forced.out


def test_force_replaces_no_folder_that_another_program_made(folder: Path, charrnn: Callable) -> None:
    """A configuration, metrics and checkpoints may be anybody's; an older run has no mark of its writer."""
    for name in ("config.yaml", "metrics.jsonl", "corpus.txt", "checkpoints/last.npz", "checkpoints/best.npz"):
        Path("theirs", name).parent.mkdir(parents=True, exist_ok=True)
        Path("theirs", name).write_text("model: resnet\n")
    before = {path: path.read_bytes() for path in Path("theirs").rglob("*") if path.is_file()}
    for options in ([], ["--force"], ["--resume"], ["--auto-resume"], ["--force"]):
        assert charrnn("train", "cats.txt", *TINY, "--run", "theirs", *options).code == 1
    kept = {path: path.read_bytes() for path in Path("theirs").rglob("*") if path.is_file()}
    assert before == {path: content for path, content in kept.items() if not path.name.startswith(".")}
    Path("run/.writer").unlink()
    assert charrnn("train", "cats.txt", *TINY, "--run", "run", "--force").code == 0


def test_force_keeps_the_text_that_the_new_run_learns(folder: Path, charrnn: Callable) -> None:
    assert charrnn("train", "-", *TINY, "--run", "new", stdin=Path("cats.txt").read_bytes()).code == 0
    assert charrnn("train", "new/corpus.txt", *TINY, "--run", "new", "--force").code == 0
    assert Path("new/corpus.txt").read_bytes() == Path("cats.txt").read_bytes()


@pytest.mark.parametrize("name", ["corpus.txt", "metrics.jsonl", "snapshots/mine.txt", "mine.md"])
def test_files_that_no_run_made_are_never_lost(folder: Path, charrnn: Callable, name: str) -> None:
    """A run in a folder that is not empty is refused or leaves alone what it finds."""
    file = folder / "work" / name
    file.parent.mkdir(parents=True)
    file.write_bytes(Path("cats.txt").read_bytes())
    charrnn("train", str(file), *TINY, "--run", "work")
    assert file.read_bytes() == Path("cats.txt").read_bytes()


@pytest.mark.parametrize("stranger", ["snapshots/notes.txt", "checkpoints/iteration-000001 copy.npz"])
def test_strangers_among_the_files_of_a_run_are_passed_over(folder: Path, charrnn: Callable, stranger: str) -> None:
    shown = charrnn("snapshots", "run").out
    (folder / "run" / stranger).write_text("mine")
    assert charrnn("snapshots", "run").out == shown
    assert charrnn("train", "--run", "run", "--resume", "--set", "training.iterations=8").code == 0
    assert charrnn("sample", "--checkpoint", "run", "--at", "2").err == (
        "charrnn: run 'run' kept no weights at iteration 2; there are: 1, 3, 6, 8\n"
    )
    assert (folder / "run" / stranger).read_text() == "mine"


def test_event_files_stand_where_they_are_asked_for(folder: Path, charrnn: Callable) -> None:
    pytest.importorskip("tensorboardX")
    new = ("--run", "new", "--set", "corpus.test=0.2", "--tensorboard", "board")
    assert charrnn("train", "cats.txt", *TINY, *new).code == 0
    (file,) = Path("board").iterdir()
    assert all(name in file.read_bytes() for name in (b"loss/validation", b"loss/test"))
    before = sorted(folder.iterdir())
    refused = charrnn("train", "cats.txt", *TINY, "--run", "newer", "--tensorboard", "cats.txt")
    assert (refused.code, "'cats.txt' cannot hold event files" in refused.err) == (1, True)
    assert sorted(folder.iterdir()) == before


def test_fine_tuning_says_what_is_kept_and_what_is_new(folder: Path, charrnn: Callable) -> None:
    Path("chats.txt").write_text("le chat était là, sur le tapis.\n" * 60, "utf-8")
    tuned = charrnn("train", "chats.txt", *TINY, "--init-from", "run", "--run", "new", "--set", "model.dropout=0.1")
    assert tuned.code == 0
    kept = len(set(Path("cats.txt").read_text()))
    said = f"network of cats, iteration 6: its {kept} characters are kept, 7 are new: ,ilpuàé\n"
    assert said in tuned.err
    (origin,) = load_checkpoint("new").origins
    assert (origin.name, origin.corpus.name) == ("run", "cats")
    assert f'init_from: "{folder / "run"}"\n' in Path("new/config.yaml").read_text()
    assert charrnn("sample", "--checkpoint", "new", "--prime", "the dog était ", "--length", "5").code == 0
    assert charrnn("train", "--run", "new", "--resume", "--set", "training.iterations=8").code == 0
    assert load_checkpoint("new/checkpoints/last.npz").origins == (origin,)


def test_the_settings_kept_fine_tune_the_same_again(folder: Path, charrnn: Callable) -> None:
    """The network's size comes with it, and not from the recipe."""
    tune = ("train", "cats.txt", "--init-from", "run/checkpoints/last.npz", "--set", "training.iterations=3")
    small = ("--set", "training.batch=2", "--set", "training.window=8", "--set", "compute.workers=1")
    assert charrnn(*tune, *small, "--run", "one").code == 0
    assert charrnn("train", "--config", "one/config.yaml", "--run", "two").code == 0
    one, two = (load_checkpoint(f"{run}/checkpoints/last.npz") for run in ("one", "two"))
    assert one.settings.model.hidden == 4
    assert one.model.parameters.vector.tobytes() == two.model.parameters.vector.tobytes()
    assert one.origins == two.origins


def test_a_run_in_minutes_ends_and_goes_on_in_iterations(folder: Path, charrnn: Callable) -> None:
    small = ("model.hidden=4", "training.batch=2", "training.window=8", "snapshots.at=[]", "compute.workers=1")
    chosen = [part for setting in small for part in ("--set", setting)]
    trained = charrnn("train", "cats.txt", *chosen, "--minutes", "0.01", "--run", "new")
    assert trained.code == 0
    assert re.search(r"^time: about \S+", trained.err, re.M)
    done = load_checkpoint("new/checkpoints/last.npz").progress
    assert done.iteration == done.plan[-1][1]
    more = charrnn("train", "--run", "new", "--resume", "--set", f"training.iterations={done.iteration + 2}")
    assert (more.code, f"run: new, from iteration {done.iteration}\n" in more.err) == (0, True)
    assert load_checkpoint("new/checkpoints/last.npz").progress.iteration == done.iteration + 2


def test_minutes_alone_leave_the_choice_to_the_program_which_says_why(folder: Path, charrnn: Callable) -> None:
    small = ("--set", "model.hidden=4", "--set", "compute.workers=1", "--set", "training.seed=3")
    trained = charrnn("train", "cats.txt", *small, "--minutes", "0.01", "--run", "new")
    assert trained.code == 0
    why, how = [line for line in trained.err.splitlines() if line.startswith("chosen: ")]
    assert why.startswith("chosen: 1 x 4 reads the text ")
    assert "weight decay" in how
    made = load_checkpoint("new/checkpoints/last.npz").settings
    assert (made.model.cell, made.model.hidden, made.training.seed) == ("mogrifier", 4, 3)
    printed = charrnn("train", "cats.txt", *small, "--minutes", "0.01", "--print-config")
    assert 'cell: "mogrifier"' in printed.out
    assert "chosen: " not in printed.out


@pytest.mark.parametrize("option", [("--config", "tiny.yaml"), ("--init-from", "small")])
def test_a_recipe_or_a_network_leaves_nothing_to_choose(folder: Path, charrnn: Callable, option: tuple) -> None:
    assert charrnn("train", "cats.txt", *TINY, "--run", "small").code == 0
    small = ("--set", "training.batch=2", "--set", "training.window=8", "--set", "compute.workers=1")
    trained = charrnn("train", "cats.txt", *option, *small, "--minutes", "0.01", "--run", "new")
    assert trained.code == 0
    assert "chosen: " not in trained.err


def test_settings_that_do_nothing_are_said_where_somebody_set_them(folder: Path, charrnn: Callable) -> None:
    said = charrnn("train", "cats.txt", *TINY, "--run", "new", "--set", "model.dropout=0.5").err
    assert said.startswith("model.dropout is 0.5 and does nothing: it is between layers, and there is one; ")
    assert charrnn("train", "cats.txt", *TINY, "--run", "other").err.startswith("corpus: ")
    resumed = charrnn("train", "--run", "other", "--resume", "--set", "snapshots.at=9")
    assert resumed.err.startswith("snapshots.at is [9] and does nothing: beyond the run of 6 iterations\n")


def test_what_looks_like_another_encoding_is_said(folder: Path, charrnn: Callable) -> None:
    Path("old.txt").write_bytes("“né” à côté\n".encode("cp1252") * 200)
    assert charrnn("train", "old.txt", *TINY).err.endswith("; --set corpus.encoding=cp1252 is probably right\n")
    wrong = charrnn("train", "old.txt", *TINY, "--run", "new", "--set", "corpus.encoding=latin-1")
    assert wrong.err.startswith(
        "the text holds C1 control characters: the text is probably Windows-1252 and was read as Latin-1; "
        "--set corpus.encoding=cp1252; charrnn corpus show says where\n"
    )
    assert "the text holds" not in charrnn("train", "--run", "new", "--resume").err


def test_no_share_of_real_words_is_shown_where_it_would_say_nothing(folder: Path, charrnn: Callable) -> None:
    """A list in which every name is another."""
    names = ("".join(random.Random(k).choices("abdeiklmnorst", k=6)) for k in range(300))
    Path("names.txt").write_text("\n".join(names))
    trained = charrnn("train", "names.txt", *TINY, "--run", "new")
    assert (trained.code, "real words" in trained.out) == (0, False)
    assert charrnn("snapshots", "new").out == trained.out
    assert "real words" not in charrnn("watch", "new").out
    assert charrnn("report", "new", "--to", "new.html").code == 0
    assert "Real words" not in Path("new.html").read_text().partition("<h2>Curves</h2>")[2]


@pytest.mark.parametrize(("epochs", "said"), [(60, False), (61, True)])
def test_a_text_that_is_too_short_for_its_training_is_noticed(
    folder: Path, charrnn: Callable, epochs: int, said: bool
) -> None:
    Path("short.txt").write_text("to be or not to be, " * 5)
    told = charrnn("train", "short.txt", *TINY, "--set", f"training.epochs={epochs}")
    assert ("is read so often is learnt by heart; --minutes 1 chooses a network and a length" in told.err) == said


def test_learning_by_heart_is_said_and_may_end_the_run(folder: Path, charrnn: Callable) -> None:
    """A text in which there is nothing to learn but itself."""
    Path("noise.txt").write_text("".join(random.Random(0).choices("abcdefgh", k=600)))
    chosen = ("corpus.validation=0.3", "model.hidden=32", "training.iterations=300", "training.validate_every=10")
    options = [*TINY, *(word for setting in (*chosen, "training.schedule=constant") for word in ("--set", setting))]
    told = charrnn("train", "noise.txt", *options)
    assert re.search(r"iteration \d+: the validation loss has not fallen since iteration \d+ \(", told.err)
    assert re.search(
        r"best validation loss .*\nthe last \d+ iterations, \d+% of the run, taught it the text by heart: "
        r"the validation loss rose by \d\.\d+ to \d\.\d+; to end there, set training.early_stop=true; to learn longer, "
        r"model.dropout_head=0.3 and model.dropout_recurrent=0.2, or a longer text\n",
        told.err,
    )
    early = ("--set", "training.early_stop=true", "--set", "corpus.test=0.1")
    ended = charrnn("train", "noise.txt", *options, "--run", "other", *early)
    (end,) = re.findall(r"ended at iteration (\d+) of 300, as .* falls no longer\nbest validation loss", ended.err)
    assert ended.out.rpartition("\niteration ")[2].startswith(f"{end}, loss ")
    again = charrnn("train", "--run", "other", "--resume", "--set", "training.calibrate=true").err
    assert re.search(r"\nbest validation loss .*\ncalibrated, its logits times 0\.\d\d: \d\.\d+ nats/char", again)
    best = load_checkpoint("other").progress.iteration
    assert f", by the last network, of iteration {end}\n" in ended.err
    write = f"write: charrnn sample other   # with the best network, of iteration {best}; --at {end} for the last\n"
    assert ended.err.endswith(write)
    assert charrnn("sample", "other", "--at", end, "--length", "20").code == 0
    said = f"other: finished at iteration {end} of 300: the validation loss falls no longer\n"
    assert charrnn("watch", "other").out.startswith(said)
    before = metrics(folder / "other")
    again = charrnn("train", "--run", "other", "--resume").err
    assert "nothing is left to do, as the validation loss falls no longer; set training.early_stop=false to" in again
    assert (metrics(folder / "other"), charrnn("watch", "other").out.startswith(said)) == (before, True)
    assert "taught it the text" not in ended.err
    assert "taught it the text" not in charrnn("train", "cats.txt", *TINY, "--run", "third").err
