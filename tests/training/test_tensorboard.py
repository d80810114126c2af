"""What TensorBoard would read: numbers over the iteration, and of runs that went on, the latest."""

import struct
import sys
from pathlib import Path

import pytest

from charrnn import Run, Trainer, load_settings, make_corpus
from charrnn.errors import CharRNNError, RunError
from charrnn.training.tensorboard import EventFile
from charrnn.training.trainer import Evaluation, Fact, Step

CORPUS = make_corpus("a quick brown fox\n" * 30)


def events(file: Path) -> list:
    """The records of an event file: length (8 bytes), its checksum (4), the event, its checksum (4)."""
    from tensorboardX.proto.event_pb2 import Event

    content, found = file.read_bytes(), []
    while content:
        (length,) = struct.unpack("<Q", content[:8])
        found.append(Event.FromString(content[12 : 12 + length]))
        content = content[16 + length :]
    return found


def scalars(file: Path) -> dict[str, dict[int, float]]:
    found: dict[str, dict[int, float]] = {}
    for event in events(file):
        for value in event.summary.value:
            if not value.HasField("tensor"):
                found.setdefault(value.tag, {})[event.step] = value.simple_value
    return found


def samples(file: Path) -> dict[int, str]:
    values = ((event.step, value) for event in events(file) for value in event.summary.value)
    return {step: value.tensor.string_val[0].decode() for step, value in values if value.HasField("tensor")}


def train(run: Run, board: Path, iterations: int) -> list[Fact]:
    """Trains, or goes on, and writes what happens."""
    settings = load_settings(
        "quick",
        model={"hidden": 4},
        training={"iterations": iterations, "batch": 3, "window": 7, "validate_every": 2, "warmup": 0},
        snapshots={"at": [3], "length": 20, "prime": "a"},
        compute={"workers": 1},
    )
    checkpoint = run.last_checkpoint() if run.exists else None
    if not checkpoint:
        run.create(settings)
    file, facts = EventFile(board), []
    for fact in Trainer(settings, CORPUS, run, checkpoint).train():
        file.write(fact)
        facts.append(fact)
    file.close()
    return facts


@pytest.fixture(autouse=True)
def extra() -> None:
    pytest.importorskip("tensorboardX")


def test_facts_are_scalars_and_samples_text(tmp_path: Path) -> None:
    facts = train(Run(tmp_path / "run"), tmp_path / "board", 4)
    (file,) = (tmp_path / "board").iterdir()
    found = scalars(file)
    steps = [fact for fact in facts if isinstance(fact, Step)]
    assert found["loss/training"] == pytest.approx({step.iteration: step.loss for step in steps})
    for name in ("gradient_norm", "learning_rate", "characters_per_second"):
        assert found[name] == pytest.approx({step.iteration: getattr(step, name) for step in steps})
    validated = {fact.iteration: fact.loss for fact in facts if isinstance(fact, Evaluation)}
    assert found["loss/validation"] == pytest.approx(validated)
    snapshots = Run(tmp_path / "run").snapshots()
    assert found["real_words"] == pytest.approx({snapshot.iteration: snapshot.real_words for snapshot in snapshots})
    shown = {n: sample.replace("\n    ", "\n").removeprefix("    ") for n, sample in samples(file).items()}
    assert shown == {snapshot.iteration: f"{snapshot.text}\n" for snapshot in snapshots}


def test_a_run_that_goes_on_continues_its_axis(tmp_path: Path) -> None:
    run, board = Run(tmp_path / "run"), tmp_path / "board"
    train(run, board, 4)
    train(run, board, 6)
    first, second = sorted(board.iterdir(), key=lambda file: int(file.suffix[1:]))
    assert list(scalars(first)["loss/training"]) == [1, 2, 3, 4]
    assert list(scalars(second)["loss/training"]) == [5, 6]
    (start,) = [event.step for event in events(second) if event.HasField("session_log")]
    assert start == 5


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match="file' cannot hold event files"):
        EventFile(tmp_path / "file")


def test_without_the_library_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in [name for name in sys.modules if name.startswith("tensorboardX")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(CharRNNError, match=r"python3 -m pip install tensorboardX$"):
        EventFile(tmp_path / "board")
    assert not (tmp_path / "board").exists()


def test_a_run_that_has_ended_hides_nothing_of_what_was_written(tmp_path: Path) -> None:
    file = EventFile(tmp_path / "board")
    file.write(Evaluation(6, "test", 1.0, None, False))
    file.close()
    assert not list((tmp_path / "board").iterdir())
