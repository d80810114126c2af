"""The distribution: what ``pip`` is told to install exists under that name, and is what is meant."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
SAYING = [
    path
    for pattern in ("*.md", "docs/*", "benchmarks/*.md", "charrnn/**/*.py", ".ci/*")
    for path in sorted(ROOT.glob(pattern))
    if path.suffix in {".md", ".py", ""} and path.is_file()
]
INSTALLED = re.compile(r"pip install [^\n&|`]*\bcharrnn\b(?!-numpy)")
"""A command that would fetch the project of another, which holds the name on the index."""


def test_an_extra_brings_each_library_that_a_hint_names() -> None:
    brought = {re.match(r"[\w-]+", line)[0] for extra in PROJECT["optional-dependencies"].values() for line in extra}
    asked = {
        node.args[0].value.partition(".")[0]
        for path in (ROOT / "charrnn").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "load_extra"
    }
    assert {"matplotlib", "numba", "requests"} <= asked <= brought


def test_the_extras_are_those_of_this_distribution() -> None:
    named = {
        line.partition("[")[0] for extra in PROJECT["optional-dependencies"].values() for line in extra if "[" in line
    }
    assert named == {PROJECT["name"]} == {"charrnn-numpy"}


@pytest.mark.parametrize("path", SAYING, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_nothing_installs_the_project_of_another(path: Path) -> None:
    assert INSTALLED.findall(path.read_text("utf-8")) == []


@pytest.mark.parametrize("line", ["pip install charrnn", "pip install 'charrnn[plot]'", "-m pip install charrnn -U"])
def test_such_a_command_is_seen(line: str) -> None:
    assert INSTALLED.search(line)
    assert not INSTALLED.search(line.replace("charrnn", "charrnn-numpy"))
    assert not INSTALLED.search("python3 -m pip install . && charrnn train")
