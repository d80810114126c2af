"""The library, called as its examples call it but with something wrong: each mistake is one sentence."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import charrnn
from charrnn import (
    CharRNNError,
    Checkpoint,
    Model,
    Run,
    Sampling,
    Trainer,
    generate,
    load_checkpoint,
    load_corpus,
    load_settings,
    make_corpus,
    resume,
    settings_for,
    start,
    write,
    write_items,
)

TEXT = "the cat sat on the mat. the dog ran.\n" * 60
TINY: dict[str, Any] = {
    "model": {"hidden": 4},
    "training": {"iterations": 2, "batch": 2, "window": 8},
    "compute": {"workers": 1},
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a text, ``my.txt``, and a run, ``run``."""
    folder = tmp_path_factory.mktemp("library")
    (folder / "my.txt").write_text(TEXT)
    list(start(load_settings("quick", **TINY), load_corpus(str(folder / "my.txt")), run=folder / "run").train())
    return folder


@pytest.fixture(autouse=True)
def folder(made: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(made)
    return made


def checkpoint() -> Checkpoint:
    return load_checkpoint("run")


def model() -> Model:
    return checkpoint().model


def of_items() -> Model:
    settings = load_settings("quick", **TINY)
    return start(settings, make_corpus([f"item {k} of many" for k in range(100)])).model


NO_PATHS = [3, None, True, "", "a\0b", b"my.txt", {"a": 1}, ["my.txt", 3]]
NO_WHOLE = [-1, 2.5, "3", None, True, float("nan")]
WRONG: dict[str, Callable[[], object]] = {
    **{
        f"{call.__name__}({path!r})": lambda call=call, path=path: call(path)
        for call in (load_corpus, load_checkpoint, load_settings, resume, Run)
        for path in NO_PATHS
    },
    **{f"save({path!r})": lambda path=path: checkpoint().save(path) for path in NO_PATHS},
    **{f"write(length={n!r})": lambda n=n: write(model(), n) for n in NO_WHOLE},
    **{f"write(seed={n!r})": lambda n=n: write(model(), 3, n) for n in NO_WHOLE},
    **{f"generate(count={n!r})": lambda n=n: generate(model(), 3, count=n) for n in (0, *NO_WHOLE)},
    **{
        f"write({name}={parameter!r})": lambda name=name, parameter=parameter: write(model(), 3, **{name: parameter})
        for name in ("temperature", "top_k", "top_p", "min_p", "loop_penalty")
        for parameter in (-1, "a", True, float("nan"), float("inf"), np.ones(2))
    },
    **{f"write(stop={stop!r})": lambda stop=stop: write(model(), 3, stop=stop) for stop in (3, [3], None, "", [""])},
    **{
        f"{share}={value!r}": lambda share=share, value=value: load_corpus("my.txt", **{share: value})
        for share in ("validation", "test")
        for value in (-0.1, 2, "a", None, float("nan"), float("inf"))
    },
    **{f"pieces={n!r}": lambda n=n: load_corpus("my.txt", pieces=n) for n in (0, *NO_WHOLE)},
    "a recipe for settings": lambda: start("quick"),
    "a dictionary for settings": lambda: start(TINY),
    "a path for a corpus": lambda: start(load_settings("quick"), "my.txt"),
    "no folder for a run": lambda: start(load_settings("quick"), make_corpus(TEXT), run=""),
    "a checkpoint for a model": lambda: write(checkpoint()),
    "a trainer for a model": lambda: write(start(load_settings("quick", **TINY), make_corpus(TEXT))),
    "a path for a model": lambda: write("run"),
    "no text for a prime": lambda: write(model(), 3, prime=None),
    "a filter that is not there": lambda: write(model(), 3, temprature=1),
    "half a character to keep": lambda: write(model(), 3, top_k=2.5),
    "filters in a list": lambda: Sampling(filters=["temperature"]),
    "filters for a sampling": lambda: generate(model(), 3, 0, {"temperature": 1}),
    "another kind of generator": lambda: generate(model(), 3, np.random.RandomState(0)),
    "a misspelt setting": lambda: load_settings(training={"bacth": 1}),
    "a misspelt section": lambda: load_settings(trainig={"batch": 1}),
    "a misspelt section without settings": lambda: load_settings(trainig={}),
    "a number for a section": lambda: load_settings(training=3),
    "a dictionary for a recipe": lambda: load_settings({"training": {"batch": 1}}),
    "a change that is no section": lambda: resume("run", {"training": {"iterations": 3}}),
    "a misspelt section of a change": lambda: resume("run", trainin={"iterations": 3}),
    "no encoding": lambda: load_corpus("my.txt", encoding="utf-9"),
    "a number for an encoding": lambda: load_corpus("my.txt", encoding=3),
    "no way with line ends": lambda: load_corpus("my.txt", newline="crlf"),
    "a path for a text": lambda: make_corpus(Path("my.txt")),
    "a recipe for a trainer": lambda: Trainer("quick", make_corpus(TEXT)),
    "a path for a trainer": lambda: Trainer(load_settings("quick"), "my.txt"),
    "a number for a text": lambda: model().vocabulary.encode(3),
    "a path to choose for": lambda: settings_for("my.txt", 1),
    **{
        f"settings_for(minutes={minutes!r})": lambda minutes=minutes: settings_for(make_corpus(TEXT), minutes)
        for minutes in (None, 0, -1, "a", True, [1], float("nan"), float("inf"), 10**7)
    },
    "items of a model that has learnt a text": lambda: write_items(model(), 3),
    "items of a path": lambda: write_items("run", 3),
    **{f"write_items({n!r})": lambda n=n: write_items(of_items(), n) for n in NO_WHOLE},
    **{f"write_items(seed={n!r})": lambda n=n: write_items(of_items(), 3, n) for n in NO_WHOLE},
    "filters for a sampling of items": lambda: write_items(of_items(), 3, 0, {"temperature": 1}),
    "a stop for items": lambda: write_items(of_items(), 3, 0, Sampling(stop="a")),
    "the mark of items in a prime": lambda: write(of_items(), prime="item\n1"),
    "a number for a label": lambda: write_items(of_items(), 3, label=3),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_a_wrong_argument_is_one_sentence(wrong: Callable[[], object]) -> None:
    with pytest.raises(CharRNNError) as caught:
        wrong()
    assert 20 < len(str(caught.value)) < 250
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda: start("quick"), "the settings are 'quick'; give what load_settings returns"),
        (lambda: write(checkpoint()), "the model is an object of type Checkpoint; give its .model"),
        (lambda: write(model(), -5), "length is -5; give length a whole number of at least 0"),
        (lambda: write(model(), top_k=0), "the filter top_k does not take 0; give it a whole number, at least 1"),
        (lambda: settings_for(make_corpus(TEXT), None), "minutes is None; give minutes a number above 0"),
        (lambda: load_corpus(""), "the file or folder to read is ''; give a path"),
        (
            lambda: load_settings(training={"bacth": 1}),
            "unknown setting 'training.bacth'; did you mean 'training.batch'? (load_settings)",
        ),
    ],
)
def test_what_it_says(wrong: Callable[[], object], says: str) -> None:
    with pytest.raises(CharRNNError) as caught:
        wrong()
    assert str(caught.value) == says


def test_what_the_command_line_takes_the_library_takes() -> None:
    corpora = [load_corpus(paths) for paths in ("my.txt", Path("my.txt"), ["my.txt"], (path for path in ["my.txt"]))]
    assert len({corpus.sha256 for corpus in corpora}) == 1

    Path("own.yaml").write_text("model: {hidden: 5}\n")
    own = load_settings(Path("own.yaml"), corpus={"path": Path("my.txt")}, snapshots={"at": (1, np.int64(2))})
    assert (own.model.hidden, own.corpus.path, own.snapshots.at) == (5, ["my.txt"], [1, 2])

    checkpoint().save("again.npz")
    assert write(load_checkpoint("again.npz").model, 20) == write(model(), 20)


def test_one_item_or_several() -> None:
    items = list(write_items(of_items(), 3, seed=1, sampling=Sampling(filters={"temperature": 0.7})))
    assert len(items) == 3
    assert write(of_items(), seed=1) == next(write_items(of_items(), 1, 1, Sampling(filters={"temperature": 0.7}))).text


def test_a_seed_and_its_generator_write_the_same() -> None:
    rng = np.random.default_rng(3)
    text = write(model(), 30, seed=3, temperature=1)
    at_one = Sampling(filters={"temperature": np.float32(1), "top_k": 100.0})
    for seed in (3, np.int64(3), rng):
        assert "".join(character for (character,) in generate(model(), 30, seed, at_one)) == text
    assert write(model(), 30, rng, temperature=1) != text  # it has gone on


def test_every_name_can_be_imported() -> None:
    assert all(hasattr(charrnn, name) for name in charrnn.__all__)
