"""How the speed of training grows with workers, and with the streams that each of them reads.

    python3 benchmarks/workers_speed.py
    python3 benchmarks/workers_speed.py 2x128 --turns 5
    taskset -c 0-7 python3 benchmarks/workers_speed.py

Whole steps, as in train_speed.py, with compiled cells. Everything works in turns. The first table has the batch of the
settings shared out over 1, 2, 4 ... workers and one for each core; the second has batches of so many streams for each
of all workers. Prints Markdown.
"""

import argparse
import statistics
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace

from common import SETTINGS, OurTraining, Player, Setting, chosen, machine, table, thread_counts

STREAMS = (4, 8, 16, 25, 32, 50, 64)


def main() -> None:
    parser = argparse.ArgumentParser(description="How the speed of training grows with workers.")
    parser.add_argument("settings", nargs="*", help="those whose name holds one of these, such as 3x512; default: all")
    parser.add_argument("--turns", type=int, default=11, help="of each; default: 11")
    arguments = parser.parse_args()
    counts = thread_counts()
    by_workers, by_streams = [], []
    for setting in chosen(SETTINGS, arguments.settings):
        one, *more = medians([(setting, count) for count in counts], arguments.turns)
        by_workers.append([str(setting), f"{one:,.0f}", *(f"{n:,.0f} ({n / one:.2f})" for n in more)])
        batches = [replace(setting, streams=streams * counts[-1]) for streams in STREAMS]
        speeds = medians([(batch, counts[-1]) for batch in batches], arguments.turns)
        by_streams.append([str(setting).partition(" B")[0], *(f"{n:,.0f}" for n in speeds)])
    print(f"{machine()}.\nCharacters/s; medians of {arguments.turns} turns; in brackets, over one worker.\n")
    print(table(["workers", *map(str, counts)], by_workers))
    print(f"\n{counts[-1]} workers:\n")
    print(table(["streams of each", *map(str, STREAMS)], by_streams))


def medians(jobs: Sequence[tuple[Setting, int]], turns: int) -> list[float]:
    """Characters a second of each."""
    with ExitStack() as stack:
        players = [stack.enter_context(Player(OurTraining, setting, True, workers)) for setting, workers in jobs]
        rounds = [[player.turn() for player in players] for _ in range(turns)]
    return [statistics.median(speeds) for speeds in zip(*rounds, strict=True)]


if __name__ == "__main__":
    main()
