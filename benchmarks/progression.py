"""The progression of a run as a table: loss and share of real words at each snapshot.

    python3 benchmarks/progression.py runs/war-and-peace

A run's own samples are a few hundred characters; here each snapshot's weights write 8 samples of 1,000 characters at
each temperature, which makes the shares good to a few hundredths. Prints Markdown.
"""

import argparse
import statistics

from charrnn import Run, Sampling, generate, load_checkpoint, seeds
from charrnn.settings.build import build_corpus
from charrnn.text.words import real_word_share

SAMPLES, LENGTH = 8, 1000


def main() -> None:
    parser = argparse.ArgumentParser(description="The progression of a run as a table.")
    parser.add_argument("run")
    parser.add_argument("--temperatures", type=float, nargs="+", help="default: 1.0 and the recipe's")
    arguments = parser.parse_args()

    run = Run(arguments.run)
    snapshots = run.snapshots()
    settings = load_checkpoint(run.folder).settings
    real = build_corpus(settings, cache=run.ids).real_words
    temperatures = arguments.temperatures or sorted({1.0, settings.snapshots.temperature}, reverse=True)

    columns = [f"real words at {temperature:g}" for temperature in temperatures]
    print("| iteration | training loss | validation loss |", " | ".join(columns), "|")
    print("| ---: " * (3 + len(columns)) + "|")
    for snapshot in snapshots:
        model = load_checkpoint(run.folder, snapshot.iteration).model
        cells = [f"{snapshot.iteration:,}", f"{snapshot.loss:.3f}", f"{snapshot.validation_loss or float('nan'):.3f}"]
        for temperature in temperatures:
            rng = seeds.generator(settings.training.seed, "progression", snapshot.iteration)
            steps = list(generate(model, LENGTH, rng, Sampling(filters={"temperature": temperature}), count=SAMPLES))
            shares = [real_word_share("".join(sample), real) for sample in zip(*steps, strict=True)]
            told = [share for share in shares if share is not None]
            cells.append(f"{statistics.mean(told):.0%}" if told else "")
        print("|", " | ".join(cells), "|")


if __name__ == "__main__":
    main()
