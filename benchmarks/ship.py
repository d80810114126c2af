"""Makes the network that travels with the program out of a run:

    charrnn train war-and-peace.txt --config tolstoy --run runs/tolstoy
    python3 benchmarks/ship.py runs/tolstoy

Copies the run's best weights, without what training needs, to data/tolstoy.npz.
"""

import argparse
from pathlib import Path

from charrnn import load_checkpoint
from charrnn.resources import shipped_network

PATH = shipped_network()
MOST_BYTES = 4_000_000


def main() -> None:
    parser = argparse.ArgumentParser(description="Makes the network that travels with the program out of a run.")
    parser.add_argument("run", type=Path)
    checkpoint = load_checkpoint(parser.parse_args().run).weights_only()
    checkpoint.save(PATH)
    size = PATH.stat().st_size
    assert size <= MOST_BYTES, f"{size:,} bytes"
    print(
        f"{PATH}: {size:,} bytes, iteration {checkpoint.progress.iteration}, {checkpoint.progress.best_loss:.3f} nats"
    )


if __name__ == "__main__":
    main()
