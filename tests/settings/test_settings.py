"""Settings: overlays, checks, messages, and back to YAML."""

import re
from contextlib import suppress
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from charrnn.errors import SettingsError
from charrnn.nn.cells import CELLS
from charrnn.nn.initialisers import INITIALISERS
from charrnn.optim.clipping import CLIPS
from charrnn.optim.optimizers import OPTIMIZERS
from charrnn.optim.schedules import SCHEDULES
from charrnn.settings.overlays import Overlay, from_assignments, from_file, from_mapping, resolve
from charrnn.settings.recipes import recipes
from charrnn.settings.runs import load_settings
from charrnn.settings.schema import MEANINGS, REGISTRIES, Settings
from charrnn.settings.yamlfile import read_settings


def read(*documents: str) -> Settings:
    return resolve(Overlay(tuple(read_settings(text, f"f{n}.yaml"))) for n, text in enumerate(documents))


def assign(*assignments: str) -> Settings:
    return resolve([from_assignments(assignments, "--set")])


def mistakes(*assignments: str) -> str:
    with pytest.raises(SettingsError) as refused:
        assign(*assignments)
    return str(refused.value)


def value_of(chosen: Settings, dotted: str) -> object:
    section, key = dotted.split(".")
    return getattr(getattr(chosen, section), key)


def test_nothing_set_is_the_defaults() -> None:
    assert read() == read("", "# nothing\n", "training:\n") == Settings()


@pytest.mark.parametrize(
    ("assignment", "value"),
    [
        ("training.batch=50", 50),
        (" training.batch = 50 ", 50),
        ("training.iterations=1e4", 10_000),
        ("training.learning_rate=1e-3", 0.001),
        ("training.learning_rate=1", 1.0),
        ("training.clip=null", None),
        ("snapshots.at=100", [100]),
        ("snapshots.at=[1, 2e2]", [1, 200]),
        ("snapshots.prime=no", "no"),
        ("snapshots.prime='12'", "12"),
        ("snapshots.prime=a=b", "a=b"),
        ("corpus.path=book.txt", ["book.txt"]),
        ("corpus.path=[a.txt, b.txt]", ["a.txt", "b.txt"]),
    ],
)
def test_assignments(assignment: str, value: object) -> None:
    found = value_of(assign(assignment), assignment.partition("=")[0].strip())
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("assignment", "says"),
    [
        ("training.batch", "--set 'training.batch' has no =; write KEY=VALUE, such as training.batch=50"),
        ("=5", "unknown setting ''"),
        ("training=5", "training is a section"),
        ("training.batch=[", "--set training.batch=["),
        ("training={batch: 5}", "--set training={batch: 5} holds a mapping where a value belongs"),
    ],
)
def test_assignments_that_are_none(assignment: str, says: str) -> None:
    assert says in mistakes(assignment)


def test_later_overlays_win_setting_by_setting() -> None:
    chosen = read("model: {cell: gru, hidden: 5}\ntraining: {batch: 7}", "model: {hidden: 6}", "model: {layers: 2}")
    assert (chosen.model.cell, chosen.model.hidden, chosen.model.layers, chosen.training.batch) == ("gru", 6, 2, 7)


@pytest.mark.parametrize(
    ("documents", "iterations", "epochs"),
    [
        ([], 1000, None),
        (["training: {iterations: 5}", "training: {epochs: 2}"], None, 2.0),
        (["training: {epochs: 2}", "training: {iterations: 5}"], 5, None),
        (["training: {iterations: 5}", "training: {batch: 3}"], 5, None),
        (["training: {iterations: null, epochs: 0.5}"], None, 0.5),
        (["training: {minutes: 5}", "training: {epochs: 2}"], None, 2.0),
        (["training: {iterations: 5}", "training: {minutes: 2}"], None, None),
    ],
)
def test_iterations_and_epochs_replace_one_another(
    documents: list[str], iterations: int | None, epochs: float | None
) -> None:
    t = read(*documents).training
    assert (t.iterations, t.epochs) == (iterations, epochs)


def test_iterations_and_epochs_in_one_overlay_contradict() -> None:
    assert "training.iterations is 5 and training.epochs is 2, and a run has one length; leave out all but one" in (
        mistakes("training.iterations=5", "training.epochs=2")
    )
    assert "training.iterations is 1000000 and" in mistakes("training.iterations=1000000", "training.epochs=2")


@pytest.mark.parametrize(
    ("key", "nearest"),
    [
        ("training.bacth", "training.batch"),
        ("model.batch", "training.batch"),
        ("training.lr", "training.learning_rate"),
        ("hidden", "model.hidden"),
        ("training.batch.size", "training.batch"),
    ],
)
def test_an_unknown_setting_comes_with_the_nearest(key: str, nearest: str) -> None:
    with pytest.raises(SettingsError) as refused:
        read("", f"# a comment\n{key}: 5")
    assert str(refused.value) == f"unknown setting {key!r}; did you mean {nearest!r}? (f1.yaml, line 2)"


def test_an_unknown_setting_that_is_near_none() -> None:
    assert mistakes("qqqq=1") == "unknown setting 'qqqq' (--set)"


@pytest.mark.parametrize(
    ("assignment", "says"),
    [
        ("model.hidden=many", "'many': it should be a whole number"),
        ("model.hidden='5'", "'5': it should be a whole number"),
        ("model.hidden=true", "True: it should be a whole number"),
        ("model.hidden=2.5", "2.5: it should be a whole number"),
        ("model.hidden=[5]", "[5]: it should be a whole number"),
        ("model.hidden=", "None: it should be a whole number"),
        ("model.hidden=.inf", "inf: it should be a whole number"),
        ("training.learning_rate=fast", "'fast': it should be a number"),
        ("training.learning_rate=true", "True: it should be a number"),
        ("model.skips=maybe", "'maybe': it should be true or false"),
        ("model.hidden=0", "0: it should be at least 1"),
        ("model.hidden=1000000", "1000000: it should be at most 100000"),
        ("snapshots.at=x", "'x': it should be whole numbers with commas between, such as 100,300"),
        ("model.cell=5", "5: it should be a text"),
        ("model.cell=[lstm]", "['lstm']: it should be a text"),
        ("snapshots.at=[1, x]", "[1, 'x']: it should be a whole number"),
        ("snapshots.at=true", "True: it should be a whole number"),
        ("corpus.path=[5]", "[5]: it should be a text"),
    ],
)
def test_wrong_types(assignment: str, says: str) -> None:
    key = assignment.partition("=")[0]
    assert mistakes(assignment) == f"{key} is {says} (--set)"


@pytest.mark.parametrize(
    "assignment",
    [
        *("training.batch=0", "training.window=-1", "model.layers=0", "model.hidden=0", "model.embedding=0"),
        *("training.iterations=0", "training.iterations=-1", "training.epochs=0", "training.epochs=-2"),
        *("corpus.validation=1.5", "corpus.validation=1", "corpus.validation=-0.1", "corpus.test=1"),
        *("model.dropout=1", "model.scale=0", "model.forget_bias=.inf", "training.seed=-1", "training.warmup=-1"),
        *("training.learning_rate=-1", "training.learning_rate=0", "training.learning_rate=.nan"),
        *("training.learning_rate=.inf", "training.learning_rate=1e999", "training.momentum=1", "training.clip=0"),
        *("training.clip=-5", "training.epsilon=0", "training.weight_decay=-1", "training.final_rate=-1"),
        *("training.final_rate=1.5", "training.final_rate=.nan"),
        *("training.beta1=1", "training.beta2=1", "training.rms_decay=1", "training.epoch_end=stop"),
        *("training.report=0", "training.validate_every=0", "snapshots.every=0", "snapshots.length=0"),
        *("snapshots.temperature=-1", "snapshots.temperature=.nan", "snapshots.at=[0]", "checkpoints.every=0"),
        *("compute.workers=0", "compute.precision=float16", "corpus.newline=dos", "corpus.encoding=utf-9"),
        *("corpus.encoding=rot13", 'corpus.encoding="a\\0b"'),
    ],
)
def test_impossible_values(assignment: str) -> None:
    key = assignment.partition("=")[0]
    message = mistakes(assignment)
    assert message.startswith(f"{key} is ")
    assert message.endswith(" (--set)")
    assert "\n" not in message


@pytest.mark.parametrize(("validation", "test"), [(0.5, 0.5), (0.6, 0.6), (0.99, 0.01)])
def test_validation_and_test_leave_something(validation: float, test: float) -> None:
    message = mistakes(f"corpus.validation={validation}", f"corpus.test={test}")
    assert message == "corpus.validation and corpus.test leave nothing to train on; lower one of them"


def test_settings_name_entries_of_every_registry() -> None:
    registries = [CELLS, INITIALISERS, OPTIMIZERS, SCHEDULES, CLIPS]
    assert all(any(registry is known for known in REGISTRIES.values()) for registry in registries)


@pytest.mark.parametrize("key", REGISTRIES)
def test_a_name_that_no_registry_holds_lists_those_it_holds(key: str) -> None:
    message = mistakes(f"{key}=whatever")
    assert message.startswith(f"{key} is 'whatever': ")
    assert set(REGISTRIES[key]) <= set(re.findall(r"[\w-]+", message))


def test_a_name_nearly_right_comes_with_the_nearest() -> None:
    assert "did you mean 'lstm'?" in mistakes("model.cell=lsmt")
    assert "did you mean 'gru'?" in mistakes("model.cell=GRU")


def test_all_mistakes_come_at_once_each_with_its_place() -> None:
    text = "model:\n  cell: lsmt\n  hiden: 5\ntraining:\n  batch: 0\n  clip: high\ncorpus:\n  validation: 2\n"
    with pytest.raises(SettingsError) as refused:
        resolve([Overlay(tuple(read_settings(text, "f.yaml"))), from_assignments(["snapshots.length=0"], "--set")])
    lines = str(refused.value).splitlines()
    places = {re.match(r".*?([a-z]+\.[a-z]+)", line)[1]: re.search(r"\(([^(]*)\)$", line)[1] for line in lines}
    assert places == {
        "model.cell": "f.yaml, line 2",
        "model.hiden": "f.yaml, line 3",
        "training.batch": "f.yaml, line 5",
        "training.clip": "f.yaml, line 6",
        "corpus.validation": "f.yaml, line 8",
        "snapshots.length": "--set",
    }
    assert len(lines) == len(places)


@pytest.mark.parametrize("name", recipes())
def test_every_recipe_resolves_and_names_its_source(name: str) -> None:
    assert load_settings(name) == resolve([from_file(str(recipes()[name]))])
    assert re.search(r"^# Source: \S+", recipes()[name].read_text("utf-8"), re.MULTILINE)


def test_an_unknown_recipe_lists_those_there_are() -> None:
    with pytest.raises(SettingsError) as refused:
        from_file("qick")
    assert f"no recipe is called 'qick'; there are {', '.join(recipes())}; did you mean 'quick'?" == str(refused.value)
    with pytest.raises(SettingsError, match=r"'configs/names.yml' does not exist; .* or use the recipe 'names'$"):
        from_file("configs/names.yml")


def test_settings_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine").write_bytes(b"\xef\xbb\xbfmodel:\r\n  hidden: 7\r\n")  # no suffix, a byte-order mark
    (entry,) = from_file("mine").entries
    assert entry == ("model.hidden", 7, "mine, line 2")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("nowhere.yaml", "'nowhere.yaml' does not exist; check the path"),
        ("folder.yaml", "'folder.yaml' cannot be read: Is a directory"),
        ("latin.yaml", "'latin.yaml' is not UTF-8"),
        ("a" * 300, "no recipe is called 'aaa"),
        ("a" * 300 + ".yaml", "cannot be read: File name too long"),
    ],
    ids=lambda value: value[:20],
)
def test_settings_files_that_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("folder.yaml").mkdir()
    Path("latin.yaml").write_bytes("# é".encode("latin-1"))
    with pytest.raises(SettingsError, match=re.escape(says)):
        from_file(name)


def test_every_setting_is_printed_with_its_meaning() -> None:
    section, printed = "", {}
    for line in Settings().to_yaml(meanings=True).splitlines():
        if line.startswith("  "):
            setting, _, comment = line.partition(" # ")
            printed[f"{section}.{setting.split(':')[0].strip()}"] = comment
        else:
            section = line.removesuffix(":")
    assert list(printed) == list(MEANINGS)
    assert all(MEANINGS.values())
    for key, comment in printed.items():
        assert comment == (f"{MEANINGS[key]}: {', '.join(REGISTRIES[key])}" if key in REGISTRIES else MEANINGS[key])


POSITIVE = st.floats(0, exclude_min=True, allow_infinity=False)
TEXT = st.text(st.integers(0, 0xD7FF).map(chr) | st.integers(0xE000, 0x10FFFF).map(chr), max_size=20)
CHOSEN = st.fixed_dictionaries(
    {},
    optional={
        "corpus.path": st.lists(TEXT.filter(lambda path: path and "\0" not in path), max_size=3),
        "corpus.validation": st.floats(0, 0.5),
        "corpus.newline": st.sampled_from(["universal", "keep"]),
        "model.cell": st.sampled_from(list(REGISTRIES["model.cell"])),
        "model.embedding": st.none() | st.integers(1, 100_000),
        "model.forget_bias": st.floats(allow_nan=False, allow_infinity=False),
        "training.epochs": st.floats(0, 10**6, exclude_min=True),
        "training.learning_rate": POSITIVE,
        "training.clip": st.none() | POSITIVE,
        "training.rate_decay_after": st.integers(1, 10**12),
        "training.seed": st.integers(0, 10**18),
        "snapshots.at": st.lists(st.integers(1, 10**12), max_size=3),
        "snapshots.temperature": st.floats(0, 1e6),
        "snapshots.prime": TEXT,
    },
)


@given(chosen=CHOSEN)
@example(chosen={"snapshots.prime": "no"})
@example(chosen={"snapshots.prime": "\U0001f600 \x7f\x85\u2028\ufeff\\ # '\"\n\r\t"})
@example(chosen={"training.learning_rate": 1.2345678901234567e-10})
@example(chosen={"training.rate_decay_after": 10**12})
@pytest.mark.parametrize("comments", [False, True])
def test_printed_settings_read_back_the_same(comments: bool, chosen: dict[str, object]) -> None:
    resolved = resolve([from_mapping(chosen, "test")])
    assert read(resolved.to_yaml(meanings=comments)) == resolved


FRAGMENTS = st.sampled_from(
    [
        *("training", "model", "corpus", "snapshots", "batch", "cell", "path", "at", "iterations", "x", "a.b", "<<"),
        *(": ", ":", "\n", "\n  ", " ", "- ", "? ", "[", "]", "{", "}", ", ", "|\n", ">", "#", "---\n", "...\n", "%"),
        *("&a ", "*a", "!!int ", "!x ", "!<", '"', "'", "\\", "\\x", "\\U0011", "\t", "\r", "\0", "\ufeff", "\u2028"),
        *("5", "0", "-1", "1e4", ".5", ".nan", ".inf", "0x", "0o9", "1e999", "null", "true", "lstm", "é", "\U0001f600"),
    ]
)


@settings(max_examples=300)
@given(text=st.lists(FRAGMENTS, max_size=25).map("".join) | st.text(max_size=30))
def test_any_text_is_settings_or_refused(text: str) -> None:
    with suppress(SettingsError):
        assert isinstance(read(text), Settings)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=4,
)


@given(
    document=st.dictionaries(
        st.sampled_from(list(Settings.model_fields)),
        st.dictionaries(st.sampled_from([key.partition(".")[2] for key in MEANINGS]), VALUES, max_size=4) | VALUES,
        max_size=3,
    )
)
def test_any_value_of_any_setting_is_accepted_or_refused_by_name(document: dict) -> None:
    text = yaml.safe_dump(document, allow_unicode=True)
    try:
        assert isinstance(read(text), Settings)
    except SettingsError as refused:
        message = str(refused)
        names = [
            f"{section}.{key}" for section, values in document.items() if isinstance(values, dict) for key in values
        ]
        for line in message.split("\n"):
            assert any(name in line for name in [*names, *document, "a key"]) or "not valid YAML" in line


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("The ", "The "),
        (" ", " "),
        ("", ""),
        ("Anna: # no", "Anna: # no"),
        ("12", "12"),
        ("null", "null"),
        ('"The "', "The "),
        (r'"a\nb"', "a\nb"),
        ('"No!" he said', '"No!" he said'),
    ],
)
def test_a_text_is_taken_as_it_stands(written: str, text: str) -> None:
    assert resolve([from_assignments([f"snapshots.prime={written}"], "--set")]).snapshots.prime == text
