"""The losses that networks of given sizes reach on War and Peace, beside the published ones.

    python3 benchmarks/published.py war-and-peace.txt runs/published
    python3 benchmarks/published.py war-and-peace.txt runs/published --networks lstm-1x64 gru-1x64
    python3 benchmarks/published.py --table

Published: Karpathy, Johnson and Li 2015 (arXiv 1506.02078), table 1, test loss after 50 passes at most. The text is
read as they had it: with a byte-order mark and Windows line ends, byte for byte, which makes 87 characters; and cut
into 100 streams, each of which keeps a tenth for validation and a tenth for the test. Ours makes ``PASSES`` passes at
most; its test loss is that of the network with the lowest validation loss.

Trains one network after another, each in a folder of its own; interrupted, it goes on where it was. Two of these
commands side by side share the networks between them, each on one core. What is reached is written to
``published.json``, and not trained again. Prints Markdown.
"""

import argparse
import math
from pathlib import Path
from typing import Any

from common import machine, measure_missing, results, table, train_to_the_end

from charrnn import Settings, load_checkpoint, load_settings
from charrnn.training.transport import engine_for

PASSES = {64: 20, 128: 20, 256: 6, 448: 20, 512: 5}
"""Passes over the text, by hidden size: as many as are needed, 20 at most."""
OF_ONE_LAYER = {256: 12}
"""The same for networks of one layer, where it differs."""
PUBLISHED = {
    "lstm": {
        64: (1.449, 1.442, 1.540),
        128: (1.277, 1.227, 1.279),
        256: (1.189, 1.137, 1.141),
        512: (1.161, 1.092, 1.082),
    },
    "gru": {
        64: (1.398, 1.373, 1.472),
        128: (1.230, 1.226, 1.253),
        256: (1.198, 1.164, 1.138),
        512: (1.170, 1.201, 1.077),
    },
}
"""Test loss in nats per character, by cell and hidden size, for one, two and three layers. Not all of them could be
checked against the paper."""
OURS = {"mogrifier-2x448": ("mogrifier", 2, 448)}
"""A network as good as one night allows, beside the best of theirs."""
RATES = {64: 2e-2, 128: 2e-2, 256: 1.2e-2, 448: 7e-3, 512: 6e-3}
"""Highest learning rate, by hidden size."""
DEEP_GRU = 0.3
"""The share of it for a GRU of several layers: with all of it, 2 x 128 fell apart after 2,000 iterations."""
DECAY = {64: 0.0, 128: 0.01, 256: 0.03, 448: 0.1, 512: 0.1}
"""Weight decay, by hidden size: the larger a network, the sooner it learns the text by heart."""
DROPOUT = {64: 0.0, 128: 0.0, 256: 0.1, 448: 0.3, 512: 0.3}
"""Dropout before the head and between layers, by hidden size."""
RESULTS = Path(__file__).with_name("published.json")


def main() -> None:
    parser = argparse.ArgumentParser(description="Losses beside those of Karpathy, Johnson and Li 2015.")
    parser.add_argument("text", nargs="?", help="war-and-peace.txt, as Project Gutenberg has it")
    parser.add_argument("runs", nargs="?", type=Path, help="folder for the runs")
    names = list(networks())
    parser.add_argument("--networks", nargs="+", choices=names, default=names, metavar="NAME", help="default: all")
    parser.add_argument("--table", action="store_true", help="only print what was reached")
    arguments = parser.parse_args()
    if not arguments.table:
        if not arguments.runs:
            parser.error("name the text and a folder for the runs, or give --table")
        original = as_published(Path(arguments.text), arguments.runs)
        runs = arguments.runs
        measure_missing(arguments.networks, lambda name: train(name, original, runs / name), RESULTS, runs)
    print(table_of_results())


def networks() -> dict[str, tuple[str, int, int]]:
    """Cell, layers and hidden size, by name, the smallest first."""
    sizes = [(cell, layers, hidden) for hidden in PUBLISHED["lstm"] for layers in (1, 2, 3) for cell in PUBLISHED]
    return {f"{cell}-{layers}x{hidden}": (cell, layers, hidden) for cell, layers, hidden in sizes} | OURS


def as_published(text: Path, folder: Path) -> Path:
    """The text with a byte-order mark and Windows line ends."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "original.txt"
    if not path.exists():
        path.write_bytes(b"\xef\xbb\xbf" + text.read_bytes().replace(b"\n", b"\r\n"))
    return path


def settings_of(name: str, text: Path) -> Settings:
    """The recipe."""
    cell, layers, hidden = networks()[name]
    return load_settings(
        corpus={
            "path": [str(text)],
            "encoding": "latin-1",
            "newline": "keep",
            "pieces": 100,
            "validation": 0.1,
            "test": 0.1,
        },
        model={
            "cell": cell,
            "layers": layers,
            "hidden": hidden,
            "dropout": DROPOUT[hidden],
            "dropout_head": DROPOUT[hidden],
        },
        training={
            "epochs": OF_ONE_LAYER.get(hidden, PASSES[hidden]) if layers == 1 else PASSES[hidden],
            "batch": 100,
            "window": 50,
            "epoch_start": "random",
            "state_reset": 0.01,
            "optimizer": "adamw",
            "weight_decay": DECAY[hidden],
            "learning_rate": RATES[hidden] * (DEEP_GRU if cell == "gru" and layers > 1 else 1),
            "lookup_rate": 3.0,
            "head_rate": 3.0,
            "schedule": "cosine",
            "warmup": 300,
            "validate_every": 500,
            "report": 100,
        },
        snapshots={"at": []},
        checkpoints={"every": 200},
        compute={"workers": 1, "compiled": True},
    )


def train(name: str, text: Path, folder: Path) -> dict[str, Any]:
    """Trains a network, or goes on with its run, and measures the best of it."""
    trainer, speed = train_to_the_end(settings_of(name, text), folder)
    best, corpus, t = load_checkpoint(folder), trainer.corpus, trainer.settings.training
    with engine_for(trainer.settings, best.model.network, best.model.parameters) as engine:
        streams = corpus.in_streams(corpus.test, t.batch, t.window)
        test = engine.evaluate(best.model.parameters, streams, t.window).loss
    return {
        "test": round(test, 4),
        "validation": round(best.progress.best_loss or math.nan, 4),
        "training": round(trainer.progress.training_loss, 4),
        "parameters": len(best.model.parameters.vector),
        "passes": t.epochs,
        "iterations": trainer.progress.iteration,
        "best iteration": best.progress.iteration,
        "characters per second": speed,
        "learning rate": t.learning_rate,
        "weight decay": t.weight_decay,
        "dropout": trainer.settings.model.dropout_head,
        "machine": machine(),
    }


def table_of_results() -> str:
    """What was reached beside what is published."""
    rows, reached = [], results(RESULTS)
    for cell, sizes in PUBLISHED.items():
        for hidden, losses in sizes.items():
            row = [f"{cell} {hidden}"]
            for layers, loss in enumerate(losses, start=1):
                ours = reached.get(f"{cell}-{layers}x{hidden}")
                row += [f"{ours['test']:.3f}" if ours else "", f"{loss:.3f}"]
            rows.append(row)
    theirs = min(loss for sizes in PUBLISHED.values() for losses in sizes.values() for loss in losses)
    for name, (cell, layers, hidden) in OURS.items():
        if name in reached:
            ours = f"{reached[name]['test']:.3f}"
            rows.append(
                [f"{cell} {hidden}", *([""] * (2 * layers - 2)), ours, f"{theirs:.3f} (the best)"]
                + [""] * (6 - 2 * layers)
            )
    return table(["cell", "1 layer", "published", "2 layers", "published", "3 layers", "published"], rows)


if __name__ == "__main__":
    main()
