"""Prints a list to try the recipe ``messages`` on: the first lines of the docstrings in this Python's standard library.

python3 benchmarks/docstrings.py > docstrings.txt && charrnn train docstrings.txt --config messages
"""

import ast
import sysconfig
from contextlib import suppress
from pathlib import Path


def main() -> None:
    for path in sorted(Path(sysconfig.get_path("stdlib")).rglob("*.py")):
        if {"site-packages", "test", "tests"} & set(path.parts):
            continue
        with suppress(SyntaxError, UnicodeDecodeError):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Module) and (text := ast.get_docstring(node)):
                    print(text.splitlines()[0])


if __name__ == "__main__":
    main()
