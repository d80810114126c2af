"""The command line as it describes itself: help, and completion in shells."""

import runpy
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from charrnn.cli import cli
from charrnn.cli.paths import GivenPath
from charrnn.settings.recipes import recipes

ROOT = Path(__file__).parent.parent.parent
commands = runpy.run_path(str(ROOT / "docs" / "make_commands.py"))["commands"]
ALL = [context.command for context in commands(click.Context(cli))]


def test_every_command_and_option_has_help() -> None:
    assert len(ALL) > 10
    for command in [cli, *ALL]:
        assert command.help
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert parameter.help, f"{command.name} {parameter.name}"


def test_no_command_takes_an_empty_path() -> None:
    paths = [parameter for command in ALL for parameter in command.params if isinstance(parameter.type, click.Path)]
    assert len(paths) > 20
    assert all(isinstance(parameter.type, GivenPath) for parameter in paths)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_is_told_how_to_complete(
    charrnn: Callable, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, shell: str
) -> None:
    monkeypatch.setenv("_CHARRNN_COMPLETE", f"{shell}_source")
    code, script, err = charrnn()
    assert (code, err) == (0, "")
    assert f"_CHARRNN_COMPLETE={shell}_complete" in script
    if shutil.which(shell):
        (tmp_path / "script").write_text(script)
        assert subprocess.run([shell, "-n", tmp_path / "script"], check=False).returncode == 0


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["cor"], ["plain,corpus"]),
        (["corpus", "f"], ["plain,fetch"]),
        (["corpus", "fetch", "w"], ["plain,war-and-peace"]),
        (["train", "--res"], ["plain,--resume"]),
        (["export", "run", "--format", "s"], ["plain,safetensors"]),
        (["bench", "--config", "min"], ["plain,min-char-rnn", "file,min"]),
        (["train", "--config", ""], [*(f"plain,{name}" for name in recipes()), "file,"]),
    ],
    ids=" ".join,
)
def test_words_are_completed(
    charrnn: Callable, monkeypatch: pytest.MonkeyPatch, words: list[str], offered: list[str]
) -> None:
    monkeypatch.setenv("_CHARRNN_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", " ".join(["charrnn", *words]))
    monkeypatch.setenv("COMP_CWORD", str(len(words)))
    assert charrnn().out.splitlines() == offered


def test_completing_is_light() -> None:
    begin = "import sys; sys.argv = ['charrnn']\ntry: from charrnn.__main__ import main; main()"
    code = f"{begin}\nexcept SystemExit: pass\nprint(*sys.modules)"
    env = {"_CHARRNN_COMPLETE": "bash_complete", "COMP_WORDS": "charrnn s", "COMP_CWORD": "1"}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert "plain,sample\n" in done.stdout
    assert not {"pydantic", "tqdm", "charrnn.training.trainer"} & set(done.stdout.split())
