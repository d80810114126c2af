"""The speed of scoring a long text in many streams beside that in one, and by how much the losses differ.

    python3 benchmarks/score_speed.py TEXT

The network is the one that comes with the program; of TEXT the last 600,000 characters are scored, and the first 60,000
of these in one stream. Characters that the network does not know are left out. Both work in turns. Prints Markdown.
"""

import argparse
import statistics
import time
from pathlib import Path

import numpy as np
from common import machine, table

from charrnn import Model, load_checkpoint
from charrnn.analysis.scoring import score_text
from charrnn.resources import shipped_network

LONG, SHORTER = 600_000, 60_000


def scored(model: Model, text: str, exact: bool) -> tuple[np.ndarray, float]:
    """The surprisal of each character, and characters per second."""
    started = time.perf_counter()
    nats = np.concatenate([piece.nats for piece in score_text(model, [text], exact=exact)])
    return nats, len(text) / (time.perf_counter() - started)


def main() -> None:
    parser = argparse.ArgumentParser(description="The speed of scoring in many streams beside that in one.")
    parser.add_argument("text", type=Path)
    parser.add_argument("--turns", type=int, default=5)
    arguments = parser.parse_args()
    model = load_checkpoint(shipped_network()).model
    known = set(model.vocabulary.characters)
    text = "".join(filter(known.__contains__, arguments.text.read_text("utf-8-sig")))[-LONG:]
    pairs = []
    for _ in range(arguments.turns):
        exact, one = scored(model, text[:SHORTER], exact=True)
        many, all_ = scored(model, text, exact=False)
        pairs.append((one, all_))
    difference = many[:SHORTER] - exact
    a, b = (statistics.median(side) for side in zip(*pairs, strict=True))
    row = [f"{a:,.0f}", f"{b:,.0f}", f"{statistics.median(all_ / one for one, all_ in pairs):.1f}"]
    row += [f"{difference.mean():+.1e}", f"{np.abs(difference).max():.1e}"]
    print(f"{machine()}.\nMedians of {arguments.turns} turns; losses in nats.\n")
    print(table(["one stream, chars/s", "many, chars/s", "ratio", "mean difference", "largest of a character"], [row]))


if __name__ == "__main__":
    main()
