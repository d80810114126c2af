"""The one way through the house: what each part may import, and what stays out of all but one."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import charrnn
from charrnn.cli import COMMANDS

PACKAGE = Path(charrnn.__file__).parent
LAYERS = [
    ["errors", "version"],
    ["arguments", "seeds", "arrays", "extras", "files", "launch", "layout", "machine", "resources", "wording"],
    ["nn", "text", "optim"],
    ["settings"],
    ["model"],
    ["storage", "generation"],
    ["training"],
    ["analysis"],
    ["report"],
    ["cli"],
]
"""From the ground up: a part imports itself and the layers below it, not its neighbours and nothing above."""
RANK = {part: rank for rank, layer in enumerate(LAYERS) for part in layer}
EXEMPT = {"__init__", "__main__"}
FILES = {
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts): path.read_text("utf-8")
    for path in sorted(PACKAGE.rglob("*.py"))
}


def imports(tree: ast.AST) -> Iterator[str]:
    """Every module that is imported anywhere, functions and ``TYPE_CHECKING`` included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            name = "." * node.level + (node.module or "")
            yield from (f"charrnn.{alias.name}" for alias in node.names) if name == "charrnn" else [name]


def violations(module: str, source: str) -> list[str]:
    part = module.partition(".")[0]
    tree = ast.parse(source)
    found = []
    for name in imports(tree):
        top, _, inside = name.partition(".")
        other = inside.partition(".")[0]
        if top == "charrnn" and other != part and not RANK.get(other, 99) < RANK[part]:
            found.append(name)
        if not top or (top in {"click", "tqdm"} and part != "cli"):
            found.append(name)
    if part != "cli":
        found += [
            ast.unparse(node)
            for node in ast.walk(tree)
            if ast.unparse(node) in {"sys.stdout", "sys.stderr"} or (isinstance(node, ast.Name) and node.id == "print")
        ]
    return found


@pytest.mark.parametrize("module", sorted(FILES.keys() - EXEMPT))
def test_nothing_imports_upwards(module: str) -> None:
    assert module.partition(".")[0] in RANK, "a new part needs a place in LAYERS"
    assert violations(module, FILES[module]) == []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("nn.cells", "import charrnn.text.streams"),
        ("text.corpus", "def f():\n    from charrnn.nn import cells"),
        ("generation.sampler", "from charrnn.storage.run import load_checkpoint"),
        ("storage.checkpoint", "from charrnn.generation.sampler import generate"),
        ("storage.run", "if TYPE_CHECKING:\n    from charrnn.cli import main"),
        ("settings.schema", "from charrnn import model"),
        ("seeds", "from charrnn import Model"),
        ("report.run_page", "import charrnn.cli"),
        ("training.trainer", "from ..cli import main"),
        ("training.trainer", "from tqdm import tqdm"),
        ("text.corpus", "import click.testing"),
        ("training.trainer", "def f():\n    print(1)"),
        ("training.trainer", "import sys\nsys.stderr.write('')"),
    ],
)
def test_the_rule_sees_what_breaks_it(module: str, source: str) -> None:
    assert violations(module, source)


def private_names(source: str) -> list[str]:
    """What is imported from another module though its name begins with an underscore."""
    return [
        f"{node.module}.{alias.name}"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("charrnn")
        for alias in node.names
        if alias.name.startswith("_") and not alias.name.startswith("__")
    ]


@pytest.mark.parametrize("module", sorted(FILES))
def test_a_room_is_small_and_takes_no_private_name(module: str) -> None:
    assert len(FILES[module].splitlines()) <= 400
    assert private_names(FILES[module]) == []


def needs(source: str) -> set[str]:
    """What a module may import from the package, and the names it takes from there, which may be modules too."""
    tree = ast.parse(source)
    taken = [
        f"{node.module}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    ]
    return {name.removeprefix("charrnn.") for name in (*imports(tree), *taken) if name.startswith("charrnn.")}


def circles(needed: dict[str, set[str]]) -> set[str]:
    """The modules that lie on a circle of imports, or import one that does."""
    left = dict(needed)
    while leaves := {module for module, others in left.items() if not others & left.keys()}:
        left = {module: others for module, others in left.items() if module not in leaves}
    return set(left)


def test_no_module_imports_itself_by_way_of_others() -> None:
    rooms = {module.removesuffix(".__init__"): source for module, source in FILES.items()}
    assert circles({module: needs(source) & rooms.keys() - {module} for module, source in rooms.items()}) == set()


def test_circles_are_seen() -> None:
    assert needs("from charrnn.text import corpus\nimport charrnn.seeds") == {"text", "text.corpus", "seeds"}
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a"}}) == {"a", "b", "c", "d"}


def test_private_names_are_seen() -> None:
    assert private_names("from charrnn.text.corpus import Corpus, _make") == ["charrnn.text.corpus._make"]


@pytest.mark.parametrize("statement", ["import charrnn", "from charrnn.__main__ import main; main()"])
def test_importing_and_asking_for_help_is_light(statement: str) -> None:
    heavy = {"numpy", "pydantic", "yaml", "threadpoolctl", "charrnn.settings.schema"}
    code = (
        f"import sys; sys.argv = ['charrnn', '--help']\ntry: {statement}\nexcept SystemExit: pass\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stderr.split())
    assert "charrnn" in loaded
    assert not loaded & heavy
    if statement != "import charrnn":
        assert all(name in done.stdout for name in COMMANDS)
