"""The texts of ``minutes.py``, from 20 kB to 10 MB, of what Python and Debian carry.

    python3 benchmarks/texts.py texts

Two of them come from packages of Debian 12, ``perl`` (5.36.0-7+deb12u3) and ``fortunes-de`` (0.35), and two by
``charrnn corpus fetch``; what is not there is left out, and said.
"""

import argparse
import sysconfig
from collections.abc import Callable
from pathlib import Path

from charrnn.text.catalogue import locate
from charrnn.text.corpus import python_manual

STDLIB = 10_000_000
"""Characters of the standard library's source code."""


def main() -> None:
    parser = argparse.ArgumentParser(description="Writes the texts of minutes.py.")
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in TEXTS.items():
        try:
            content = text()
        except OSError as error:
            print(f"{name}: left out: {error}")
            continue
        (folder / f"{name}.txt").write_text(content, "utf-8")
        print(f"{name}: {len(content):,} characters")


def standard_library() -> str:
    """The source code of the standard library without its tests, file after file in the order of their paths."""
    root, left_out = Path(sysconfig.get_path("stdlib")), {"test", "tests", "idle_test", "site-packages"}
    files = (path for path in sorted(root.rglob("*.py")) if not left_out & set(path.relative_to(root).parts))
    return "".join(path.read_text("utf-8") for path in files)[:STDLIB]


def of(path: str) -> Callable[[], str]:
    """What reads a file, or a known corpus by its name."""
    return lambda: Path(locate(path)).read_text("utf-8")


TEXTS: dict[str, Callable[[], str]] = {
    "licence": of("/usr/share/common-licenses/GFDL-1.3"),
    "perldiag": of("/usr/share/perl/5.36.0/pod/perldiag.pod"),
    "manual": python_manual,
    "tiny-shakespeare": of("tiny-shakespeare"),
    "zitate": of("/usr/share/games/fortunes/de/zitate"),
    "war-and-peace": of("war-and-peace"),
    "stdlib": standard_library,
}

if __name__ == "__main__":
    main()
