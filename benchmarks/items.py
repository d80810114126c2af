"""What items cost: a text of many lines, read as one text and as items.

    python3 benchmarks/items.py
    python3 benchmarks/items.py --lines 20000000 --memory

Speed: iterations of an LSTM of 2 x 256 units, by turns on the same lines, on one core; the figure is the median of the
ratios. Memory: the most that a process holds beside what is mapped from files, while it reads the lines and trains for
two epochs' first iterations, as one text and as items. The lines are made of random words. Prints Markdown.
"""

import argparse
import multiprocessing
import re
import statistics
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
from common import machine, table

from charrnn import Model, Settings, load_settings
from charrnn.settings.build import build_corpus, build_streams
from charrnn.training.learner import Learner
from charrnn.training.transport import engine_for

WORDS = 5000


def main() -> None:
    parser = argparse.ArgumentParser(description="What items cost.")
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--memory", action="store_true", help="measure memory rather than speed")
    parser.add_argument("--iterations", type=int, default=40)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        text = Path(name, "lines.txt")
        make_lines(text, arguments.lines)
        print(f"{arguments.lines:,} lines, {text.stat().st_size / 1e6:,.0f} MB; {machine()}\n")
        if arguments.memory:
            rows = [memory_row(text, kind) for kind in ("none", "lines")]
            print(table(["corpus.items", "seconds to read", "MB in memory", "MB mapped"], rows))
        else:
            print(table(["corpus.items", "characters/s", "time, relative"], speed_rows(text, arguments.iterations)))


def make_lines(path: Path, count: int) -> None:
    """Lines of one to eight random words."""
    rng = np.random.default_rng(0)
    letters = np.frombuffer(b"etaoinshrdlucmfwypvbgk", np.uint8)
    words = np.array([bytes(rng.choice(letters, rng.integers(2, 10))).decode() for _ in range(WORDS)])
    with open(path, "w") as file:
        for start in range(0, count, 100_000):
            lengths = rng.integers(1, 9, min(100_000, count - start))
            drawn = iter(words[np.minimum(rng.zipf(1.3, lengths.sum()), WORDS) - 1])
            file.writelines(" ".join(next(drawn) for _ in range(n)) + "\n" for n in lengths.tolist())


def settings_for(text: Path, items: str) -> Settings:
    return load_settings(
        corpus={"path": [str(text)], "items": items, "validation": 0.0},
        model={"cell": "lstm", "layers": 2, "hidden": 256},
        training={"batch": 50, "window": 50},
        compute={"workers": 1},
    )


def speed_rows(text: Path, iterations: int) -> list[list[str]]:
    learners, seconds = [], []
    for items in ("none", "lines"):
        settings = settings_for(text, items)
        corpus = build_corpus(settings)
        model = Model.new(settings, corpus.vocabulary)
        engine = engine_for(settings, model.network, model.parameters)
        learners.append((engine, Learner(settings, model, build_streams(settings, corpus), engine)))
    for number in range(iterations + 1):
        for engine, learner in learners:
            with engine:
                started = time.perf_counter()
                learner.step(number, iterations)
                seconds.append(time.perf_counter() - started)
    plain, items = seconds[2::2], seconds[3::2]  # without the first, which allocates
    ratio = statistics.median(b / a for a, b in zip(plain, items, strict=True))
    return [
        ["none", f"{2500 / statistics.median(plain):,.0f}", "1"],
        ["lines", f"{2500 / statistics.median(items):,.0f}", f"{ratio:.3f}"],
    ]


def memory_row(text: Path, items: str) -> list[str]:
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=train_and_watch, args=(text, items, theirs))
    process.start()
    seconds, private, mapped = ours.recv()
    process.join()
    return [items, f"{seconds:.0f}", f"{private:,.0f}", f"{mapped:,.0f}"]


def train_and_watch(text: Path, items: str, answer: multiprocessing.connection.Connection) -> None:
    """Sends how long reading took, and the most of this process in memory, in MB: its own, and mapped from files."""
    most = {"RssAnon": 0.0, "RssFile": 0.0}
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.02):
            status = Path("/proc/self/status").read_text()
            for name in most:
                found = re.search(rf"{name}:\s*(\d+) kB", status)
                assert found
                most[name] = max(most[name], int(found[1]) / 1000)

    watcher = threading.Thread(target=watch)
    watcher.start()
    settings = settings_for(text, items)
    started = time.perf_counter()
    corpus = build_corpus(settings, cache=text.parent / "ids")
    seconds = time.perf_counter() - started
    model = Model.new(settings, corpus.vocabulary)
    streams = build_streams(settings, corpus)
    with engine_for(settings, model.network, model.parameters) as engine:
        learner = Learner(settings, model, streams, engine)
        for number in (0, streams.windows):
            learner.step(number, 2 * streams.windows)
    done.set()
    watcher.join()
    answer.send((seconds, most["RssAnon"], most["RssFile"]))


if __name__ == "__main__":
    main()
