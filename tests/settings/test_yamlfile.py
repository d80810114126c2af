"""Settings files as YAML 1.2 reads them, and nothing that can hurt."""

import math
import sys

import pytest

from charrnn.errors import SettingsError
from charrnn.settings.yamlfile import MAX_CHARACTERS, Entry, read_settings, read_value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12", 12),
        ("+12", 12),
        ("-12", -12),
        ("007", 7),
        ("0o17", 15),
        ("0x1F", 31),
        ("1e-3", 0.001),
        ("1E3", 1000.0),
        ("-.5", -0.5),
        ("1.", 1.0),
        ("2.5e+10", 2.5e10),
        (".inf", math.inf),
        ("-.inf", -math.inf),
        ("true", True),
        ("FALSE", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("no", "no"),
        ("yes", "yes"),
        ("on", "on"),
        ("off", "off"),
        ("n", "n"),
        ("1_000", "1_000"),
        ("0b11", "0b11"),
        ("12:30:45", "12:30:45"),
        ("2024-01-31", "2024-01-31"),
        ("e5", "e5"),
        ("1e", "1e"),
        ("nan", "nan"),
        ("'12'", "12"),
        ('"null"', "null"),
        ('"\\u2603\\n"', "☃\n"),
        ("[1, no, [1e1]]", [1, "no", [10.0]]),
    ],
)
def test_scalars_of_yaml_1_2(text: str, value: object) -> None:
    found = read_value(text, "here")
    assert found == value
    assert type(found) is type(value)


def test_not_a_number() -> None:
    assert math.isnan(read_value(".nan", "here"))


def test_sections_become_dotted_keys_with_their_places() -> None:
    text = "# settings\ntraining:\n  batch: 5   # streams\n\n  clip: null\nmodel: {cell: gru,\n  hidden: 8}\nempty:\n"
    assert read_settings(text, "f.yaml") == [
        Entry("training.batch", 5, "f.yaml, line 3"),
        Entry("training.clip", None, "f.yaml, line 5"),
        Entry("model.cell", "gru", "f.yaml, line 6"),
        Entry("model.hidden", 8, "f.yaml, line 7"),
        Entry("empty", None, "f.yaml, line 8"),
    ]


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n", "---\n"])
def test_nothing_is_no_settings(text: str) -> None:
    assert read_settings(text, "f.yaml") == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: &x 1\nb: *x", "f.yaml, line 2 is not valid YAML: aliases are not allowed"),
        ("a: &x\n  - *x", "f.yaml, line 2 is not valid YAML: aliases are not allowed"),
        ("a:\n  b: 1\n  c: 2\n  b: 3", "a.b is set twice (f.yaml, line 4); keep one"),
        ("a: {b: 1}\na: {c: 2}", "a is set twice (f.yaml, line 2); keep one"),
        ("a.b: 1\na:\n  b: 2", "a.b is set twice (f.yaml, line 3); keep one"),
        ("a:\n\tb: 1", "f.yaml, line 2 is not valid YAML"),
        ("a: [1", "is not valid YAML"),
        ("a: 'x", "is not valid YAML"),
        ("a: \0", "f.yaml is not valid YAML"),
        ("a: !e!tag 1", "f.yaml, line 1 is not valid YAML"),
        ("hello", "f.yaml holds no settings; write sections"),
        ("- a: 1", "f.yaml holds no settings; write sections"),
        ("a: [{b: 1}]", "a holds a mapping where a value belongs (f.yaml, line 1)"),
        ("? {a: 1}\n: 2", "a key holds a mapping where a value belongs (f.yaml, line 1)"),
        ("a: 1\n---\nb: 2", "f.yaml, line 2 "),
    ],
)
def test_refused_with_its_place(text: str, says: str) -> None:
    with pytest.raises(SettingsError) as refused:
        read_settings(text, "f.yaml")
    assert says in str(refused.value)


@pytest.mark.parametrize("opening", ["[", "{", "- ", "? ", "a: {", "!!map {", "{? "])
def test_depth_is_bounded(opening: str) -> None:
    """Refused while it is read, long before Python's own limit."""
    with pytest.raises(SettingsError, match="nested deeper than 8 levels"):
        read_settings(opening * (MAX_CHARACTERS // len(opening)), "f.yaml")
    with pytest.raises(SettingsError, match="nested deeper than 8 levels"):
        read_value(opening * sys.getrecursionlimit(), "--set a")


def test_size_is_bounded() -> None:
    with pytest.raises(SettingsError, match=r"f\.yaml is too long; settings may have 100,000 characters"):
        read_settings("[" * 10_000_000, "f.yaml")
    comment = "#" * (MAX_CHARACTERS - len("\na: 1"))
    assert read_settings(f"{comment}\na: 1", "f.yaml") == [Entry("a", 1, "f.yaml, line 2")]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("!!python/object/apply:os.getcwd []", []),
        ("!!python/name:os.getcwd ''", ""),
        ("!!python/object/new:str [x]", ["x"]),
        ("!!binary aGk=", "aGk="),
        ("!mine 5", 5),
    ],
)
def test_tags_do_nothing(text: str, value: object) -> None:
    assert read_settings(f"a: {text}", "f.yaml") == [Entry("a", value, "f.yaml, line 1")]


@pytest.mark.parametrize(
    "text",
    ["9" * 5000, '"\\U00110000"', '"\\UFFFFFFFF"'],
    ids=["a number of 5000 digits", "beyond Unicode", "far beyond Unicode"],
)
def test_what_python_cannot_hold_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="here"):
        read_value(text, "here")
