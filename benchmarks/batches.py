"""What larger batches cost: the loss after the same number of characters, with 50 to 1,600 streams.

    python3 benchmarks/batches.py war-and-peace.txt runs/batches
    python3 benchmarks/batches.py --table

An LSTM of 2 x 256 units reads the text ``PASSES`` times; the last twentieth is held out. A batch of B streams is read
in parts of 50 (``training.accumulate``), and its learning rate is that of 50 streams, or that times the square root of
B / 50. The loss is that on the held-out part at the end.

Trains one run after another, on one core; interrupted, it goes on where it was. Two of these commands side by side
share the runs between them. What is reached is written to ``batches.json``, and not trained again. Prints Markdown.
"""

import argparse
import math
from pathlib import Path
from typing import Any

from common import machine, measure_missing, results, table, train_to_the_end

from charrnn import Settings, load_settings

BATCHES = (50, 100, 200, 400, 800, 1600)
WINDOW = 50
PASSES = 3
RATE = 1e-2
"""Of 50 streams."""
SCALINGS = ("square root", "the same")
RESULTS = Path(__file__).with_name("batches.json")


def main() -> None:
    parser = argparse.ArgumentParser(description="The loss at equal characters, by the size of the batch.")
    parser.add_argument("text", nargs="?", type=Path, help="war-and-peace.txt")
    parser.add_argument("runs", nargs="?", type=Path, help="folder for the runs")
    parser.add_argument("--table", action="store_true", help="only print what was reached")
    arguments = parser.parse_args()
    if not arguments.table:
        text, runs = arguments.text, arguments.runs
        if not runs:
            parser.error("name the text and a folder for the runs, or give --table")
        runs.mkdir(parents=True, exist_ok=True)
        wanted = {
            name_of(batch, scaling): (batch, rate_of(batch, scaling)) for scaling in SCALINGS for batch in BATCHES
        }
        measure_missing(wanted, lambda name: train(text, *wanted[name], runs / name.replace(" ", "-")), RESULTS, runs)
    print(table_of_results())


def name_of(batch: int, scaling: str) -> str:
    """The name of a run; the smallest batch has one for both."""
    return f"{batch} {scaling if batch > BATCHES[0] else SCALINGS[0]}"


def rate_of(batch: int, scaling: str) -> float:
    """The learning rate."""
    return round(RATE * math.sqrt(batch / BATCHES[0]), 4) if scaling == "square root" else RATE


def settings_of(text: Path, batch: int, rate: float) -> Settings:
    """The recipe."""
    iterations = PASSES * int(text.stat().st_size * 0.95) // (batch * WINDOW)
    return load_settings(
        corpus={"path": [str(text)], "validation": 0.05},
        model={"layers": 2, "hidden": 256, "dropout": 0.0},
        training={
            "iterations": iterations,
            "batch": batch,
            "accumulate": batch // BATCHES[0],
            "window": WINDOW,
            "epoch_start": "random",
            "optimizer": "adamw",
            "weight_decay": 0.05,
            "learning_rate": rate,
            "lookup_rate": 3.0,
            "head_rate": 3.0,
            "schedule": "cosine",
            "warmup": iterations // 20,
            "validate_every": iterations,
        },
        snapshots={"at": []},
        checkpoints={"every": 25},
        compute={"workers": 1, "compiled": True},
    )


def train(text: Path, batch: int, rate: float, folder: Path) -> dict[str, Any]:
    """Trains, or goes on with a run, and says what it came to."""
    trainer, speed = train_to_the_end(settings_of(text, batch, rate), folder)
    loss = trainer.progress.validation_loss
    assert loss is not None
    return {
        "validation": round(loss, 4),
        "training": round(trainer.progress.training_loss, 4),
        "iterations": trainer.progress.iteration,
        "learning rate": rate,
        "characters per second": speed,
        "machine": machine(),
    }


def table_of_results() -> str:
    """A line for each batch: the losses, and how far they are above that of 50 streams."""
    reached = results(RESULTS)
    rows = []
    for batch in BATCHES:
        found = [reached.get(name_of(batch, scaling)) for scaling in SCALINGS]
        if all(found):
            row = [f"{batch:,}", f"{found[0]['iterations']:,}"]
            for run in found:
                more = run["validation"] - reached[name_of(BATCHES[0], SCALINGS[0])]["validation"]
                row += [f"{run['learning rate']:g}", f"{run['validation']:.3f}", f"{more:+.3f}"]
            rows.append(row)
    header = ["streams", "iterations"]
    for scaling in SCALINGS:
        header += [f"rate: {scaling}", "loss", "more"]
    return table(header, rows)


if __name__ == "__main__":
    main()
