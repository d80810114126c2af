"""How long a text takes to load, index and encode, and how much memory.

    python3 benchmarks/corpus_speed.py [TEXT] [--sizes 100 1000]

Texts of 100 MB and of 1 GB are made by repeating one, by default Python's reference manual: its ASCII characters; the
same with every e accented and every z beyond U+FFFF; the same in Cyrillic letters. Each is loaded in a process of its
own, into memory and into a file of ids (made, then found there). The text comes from the page cache. Memory is the peak
of the process less what it was after the import. For Linux. Prints Markdown.
"""

import argparse
import multiprocessing
import platform
import re
import string
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

from charrnn.machine import available_cores
from charrnn.text import corpus, ids

MB = 10**6
BEYOND = {"z": "\U0001d56b", "Z": "\U0001d57f"}
ALPHABETS = {
    "ASCII": {},
    "accented": str.maketrans({"e": "é", "E": "É"} | BEYOND),
    "Cyrillic": str.maketrans({letter: chr(0x40F + n) for n, letter in enumerate(string.ascii_letters, 1)} | BEYOND),
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Seconds and memory to load, index and encode a text.")
    parser.add_argument("text", nargs="?", help="UTF-8; default: Python's reference manual")
    parser.add_argument("--sizes", type=int, nargs="+", default=[100, 1000], metavar="MB")
    arguments = parser.parse_args()

    text = Path(arguments.text).read_text("utf-8") if arguments.text else corpus.python_manual()
    text = text.encode("ascii", "ignore").decode()
    processor, python = found("/proc/cpuinfo", r"model name\s*: (.*)"), platform.python_version()
    print(f"{processor}, {available_cores()} cores; Python {python}, NumPy {np.__version__}\n")
    print("| text | MB | million characters | ids | seconds | of CPU | MB of ids | MB of memory |")
    print("| --- | ---: | ---: | --- | ---: | ---: | ---: | ---: |")
    with tempfile.TemporaryDirectory() as folder:
        file, cache = Path(folder, "text.txt"), Path(folder, "ids")
        for size in arguments.sizes:
            for name, alphabet in ALPHABETS.items():
                repeat(text.translate(alphabet), file, size * MB)
                for kind, ids in (("in memory", None), ("file made", cache), ("file found", cache)):
                    wall, cpu, characters, bytes_of_ids, memory = measured(file, ids)
                    row = f"{name} | {size} | {characters / MB:.0f} | {kind} | {wall:.1f} | {cpu:.1f}"
                    print(f"| {row} | {bytes_of_ids / MB:.0f} | {memory / MB:.0f} |", flush=True)


def repeat(text: str, file: Path, size: int) -> None:
    """Writes the text over and over, in UTF-8, to a whole character at ``size`` bytes or just before."""
    unit = text.encode()
    with open(file, "wb") as out:
        for _ in range(size // len(unit)):
            out.write(unit)
        out.write(unit[: size % len(unit)].decode(errors="ignore").encode())


def measured(file: Path, cache: Path | None) -> tuple[float, float, int, int, int]:
    """(seconds, of CPU, characters, bytes of ids, bytes of memory) of loading a file in a fresh process."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
        return process.submit(load, file, cache).result()


def load(file: Path, cache: Path | None) -> tuple[float, float, int, int, int]:
    ids.MAPPED_FROM = 0
    before, started, started_cpu = peak_memory(), time.perf_counter(), time.process_time()
    loaded = corpus.load_corpus([file], cache=cache)
    wall, cpu = time.perf_counter() - started, time.process_time() - started_cpu
    return wall, cpu, len(loaded), loaded.ids.nbytes, peak_memory() - before


def peak_memory() -> int:
    """In bytes. The one that ``getrusage`` knows begins with that of the parent process."""
    return int(found("/proc/self/status", r"VmHWM:\s+(\d+) kB")) * 1024


def found(file: str, pattern: str) -> str:
    match = re.search(pattern, Path(file).read_text())
    assert match, f"{file} says nothing of {pattern!r}"
    return match[1]


if __name__ == "__main__":
    main()
