"""The words of an error on the command line: options of the command that ran, and settings."""

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest

import charrnn as package
from charrnn.cli import cli
from charrnn.cli.remedies import out_of_memory, sentence, word
from charrnn.errors import CharRNNError, CorpusError
from charrnn.settings.schema import MEANINGS
from charrnn.text.streams import count_windows

SOURCES = sorted(Path(package.__file__).parent.rglob("*.py"))


def commands(group: click.Group, above: str = "") -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, f"{above}{name} ")
        else:
            yield f"{above}{name}", command


COMMANDS = dict(commands(cli))


def names(source: str) -> Iterator[str]:
    """The arguments that the remedies of errors in a file name in braces."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("Error"):
            texts = [part for part in ast.walk(node) if isinstance(part, ast.Constant) and isinstance(part.value, str)]
            for text in texts:
                yield from re.findall(r"\{([\w.]+)\}", str(text.value))


NAMED = {(path.name, name) for path in SOURCES for name in names(path.read_text("utf-8"))}


def test_remedies_are_found_in_the_source() -> None:
    source = 'raise RunError(f"{x}", "leave out {resume}")\nraise OSError\nraise AError("a", f"take {{to}} {1}")'
    assert list(names(source)) == ["resume", "to"]
    assert NAMED


@pytest.mark.parametrize(("file", "name"), sorted(NAMED))
def test_every_argument_that_a_remedy_names_is_an_option_or_a_setting(file: str, name: str) -> None:
    assert name in MEANINGS or any(word(name, command) != name for command in COMMANDS.values())


@pytest.mark.parametrize(
    ("command", "argument", "called"),
    [
        ("train", "run", "--run"),
        ("train", "corpus", "CORPUS"),
        ("train", "encoding", "--set corpus.encoding"),
        ("train", "training.clip", "training.clip"),
        ("score", "encoding", "--encoding"),
        ("sample", "max_copy", "--max-copy"),
        ("sample", "corpus", "--corpus"),
        ("plot", "to", "--to"),
        ("corpus show", "corpus", "CORPUS"),
    ],
)
def test_a_command_calls_an_argument_by_its_option(command: str, argument: str, called: str) -> None:
    error = CharRNNError("it failed", f"change {{{argument}}}")
    assert sentence(error, COMMANDS[command]) == f"it failed; change {called}"


def test_words_of_the_problem_stay_as_they_are() -> None:
    assert sentence(CharRNNError("'{run}' is odd", "rename {run}"), COMMANDS["train"]) == "'{run}' is odd; rename --run"


@pytest.mark.parametrize(
    ("command", "option"),
    [
        (["export", "run", "--format", "npz", "--to", "taken.png"], "--to"),
        (["plot", "run", "-o", "taken.png"], "--to"),
        (["gates", "cats.txt", "--plot", "taken.png"], "--plot"),
    ],
    ids=lambda value: value[0],
)
def test_the_command_that_ran_words_its_errors(
    charrnn: Callable, folder: Path, command: list[str], option: str
) -> None:
    (folder / "taken.png").touch()
    result = charrnn(*command)
    assert result.err.endswith(f"already there; replace it with --force, or name another file with {option}\n")


@pytest.mark.parametrize(
    ("command", "lower"),
    [
        ("sample", "; lower --count, --best-of or --length"),
        ("gates", "; lower --length"),
        ("train", "; lower model.hidden, training.batch or training.window, or raise training.accumulate"),
        ("inspect", ""),
    ],
)
def test_without_enough_memory_the_remedy_names_what_the_command_has(command: str, lower: str) -> None:
    assert sentence(out_of_memory(COMMANDS[command]), COMMANDS[command]) == f"there is not enough memory{lower}"


@pytest.mark.parametrize(
    ("n", "also"),
    [(60, ", or let charrnn train --minutes 1 choose batch and window"), (10, "")],
)
def test_only_the_command_line_names_a_command_for_a_short_text(n: int, also: str) -> None:
    with pytest.raises(CorpusError) as short:
        count_windows(n, 50, 50)
    assert "charrnn" not in str(short.value)
    assert sentence(short.value, COMMANDS["train"]) == str(short.value) + also
