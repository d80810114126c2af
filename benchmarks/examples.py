"""Puts what the commands of a document print into the document.

    python3 benchmarks/examples.py docs/tour.md work
    python3 benchmarks/examples.py docs/library.md work

Runs every block of shell commands or of Python in the folder, one after the other, and puts what came to stdout into
the block of text after it, where there is one. The blocks of Python share their variables, as cells of a notebook do.
Pictures that a command drew are copied to where the document shows them.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
from contextlib import chdir, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

BLOCKS = re.compile(r"^```(sh|python)\n(.*?)^```\n(?:```text\n(.*?)^```\n)?", re.S | re.M)
PICTURES = re.compile(r"!\[[^]]*\]\(([^)]+)\)")


def main() -> None:
    parser = argparse.ArgumentParser(description="Puts what the commands of a document print into the document.")
    parser.add_argument("document", type=Path)
    parser.add_argument("folder", type=Path, help="where they run; made where it is missing")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    variables: dict[str, Any] = {}

    def shell(commands: str) -> str:
        bash = ["bash", "-euo", "pipefail", "-c", commands]
        done = subprocess.run(
            bash, cwd=arguments.folder, env=os.environ | {"PATH": path}, stdout=subprocess.PIPE, check=True
        )
        return done.stdout.decode()

    def python(code: str) -> str:
        with chdir(arguments.folder), redirect_stdout(StringIO()) as printed:
            exec(code, variables)
        return printed.getvalue()

    def run(found: re.Match[str]) -> str:
        kind, code, shown = found.groups()
        print(code, end="", file=sys.stderr)
        printed = {"sh": shell, "python": python}[kind](code)
        lines = "\n".join(map(str.rstrip, printed.splitlines())).rstrip() + "\n"
        return f"```{kind}\n{code}```\n" + ("" if shown is None else f"```text\n{lines}```\n")

    text = BLOCKS.sub(run, arguments.document.read_text("utf-8"))
    arguments.document.write_text(text, "utf-8")
    for name in PICTURES.findall(text):
        drawn, shown = arguments.folder / Path(name).name, arguments.document.parent / name
        if drawn.exists():
            shutil.copyfile(drawn, shown)


if __name__ == "__main__":
    main()
