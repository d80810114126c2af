"""Puts what the commands of a document print into the document.

    python3 benchmarks/examples.py docs/tour.md work

Runs every block of shell commands in the folder, one after the other, and puts what came to stdout into the block of
text after it, where there is one. Pictures that a command drew are copied to where the document shows them.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

COMMANDS = re.compile(r"^```sh\n(.*?)^```\n(?:```text\n(.*?)^```\n)?", re.S | re.M)
PICTURES = re.compile(r"!\[[^]]*\]\(([^)]+)\)")


def main() -> None:
    parser = argparse.ArgumentParser(description="Puts what the commands of a document print into the document.")
    parser.add_argument("document", type=Path)
    parser.add_argument("folder", type=Path, help="where they run; made where it is missing")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])

    def run(found: re.Match[str]) -> str:
        print(found[1], end="", file=sys.stderr)
        shell = ["bash", "-euo", "pipefail", "-c", found[1]]
        done = subprocess.run(
            shell, cwd=arguments.folder, env=os.environ | {"PATH": path}, stdout=subprocess.PIPE, check=True
        )
        printed = "\n".join(map(str.rstrip, done.stdout.decode().splitlines())).rstrip() + "\n"
        return f"```sh\n{found[1]}```\n" + ("" if found[2] is None else f"```text\n{printed}```\n")

    text = COMMANDS.sub(run, arguments.document.read_text("utf-8"))
    arguments.document.write_text(text, "utf-8")
    for name in PICTURES.findall(text):
        drawn, shown = arguments.folder / Path(name).name, arguments.document.parent / name
        if drawn.exists():
            shutil.copyfile(drawn, shown)


if __name__ == "__main__":
    main()
