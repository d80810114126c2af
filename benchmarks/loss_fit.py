"""What loss a network reaches: measured with short runs, and fitted by the formula that ``charrnn suggest`` uses.

    python3 benchmarks/loss_fit.py runs.jsonl tiny-shakespeare.txt war-and-peace.txt

Trains with the recipe ``quick`` and other sizes and lengths, on the texts named and on Python's reference manual, one
process on one core, ten minutes in all. A line of JSON for each run is added to the file; runs that it holds are not
done again. Prints the runs beside the fit, the constants, and how far the formula is off on a text that was left out.
Runs on the beginning of a text are not fitted: their validation part is the same scene.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from scipy.optimize import least_squares

from charrnn import Evaluation, Trainer, load_corpus, load_settings, make_corpus
from charrnn.analysis.sizes import FIT, Fit, Sizes, difficulty

RUNS = [(64, 200), (64, 800), (128, 200), (128, 800), (256, 150), (256, 500)]
"""Hidden size and iterations, on every text."""
MORE_RUNS = [(None, 512, 100), (60_000, 64, 800), (60_000, 128, 800), (60_000, 256, 500)]
"""Characters of the first text (None: all of them), hidden size and iterations. A short text is read for many
epochs."""


REACHED = {"python-manual": (256, 395_111, 4_000_000, 1.137)}
"""What the recipe ``quick`` itself reaches, as its file says: hidden size, parameters, characters seen, loss."""


def measured(path: Path, text: str, name: str, hidden: int, iterations: int) -> dict:
    corpus = make_corpus(text, name)
    settings = load_settings(
        "quick",
        model={"hidden": hidden},
        training={"iterations": iterations, "validate_every": 50 if len(text) <= 200_000 else 10**6},
        snapshots={"at": []},
        compute={"workers": 1},
    )
    trainer = Trainer(settings, corpus)
    losses = [fact.loss for fact in trainer.train() if isinstance(fact, Evaluation)]
    row = {
        "corpus": name,
        "hidden": hidden,
        "parameters": len(trainer.model.parameters.vector),
        "seen": iterations * 2500,
        "text": len(corpus.training),
        "difficulty": difficulty(corpus),
        "loss": min(losses),
    }
    with open(path, "a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")
    return row


def sizes_of(row: dict) -> Sizes:
    return Sizes(row["parameters"], row["seen"], row["text"], row["difficulty"])


def fitted(rows: list[dict]) -> Fit:
    sizes = list(map(sizes_of, rows))
    losses = np.array([row["loss"] for row in rows])

    def residuals(logs: np.ndarray) -> np.ndarray:
        fit = Fit(*np.exp(logs), FIT.repeats)
        return np.log([fit.loss(size) for size in sizes]) - np.log(losses)

    found = least_squares(residuals, np.log(FIT[:-1]), loss="soft_l1", f_scale=0.05)
    return Fit(*np.exp(found.x).tolist(), FIT.repeats)


def main() -> None:
    parser = argparse.ArgumentParser(description="What loss a network reaches.")
    parser.add_argument("file", type=Path)
    parser.add_argument("texts", nargs="*")
    arguments = parser.parse_args()

    lines = arguments.file.read_text("utf-8").splitlines() if arguments.file.exists() else []
    rows = [json.loads(line) for line in lines]
    done = {(row["corpus"], row["hidden"], row["seen"] // 2500) for row in rows}
    corpora = [load_corpus([path]) for path in arguments.texts] + [load_corpus()]
    wanted = [(corpus, None, *run) for run in RUNS for corpus in corpora] + [(corpora[0], *run) for run in MORE_RUNS]
    for corpus, length, hidden, iterations in wanted:
        name = f"{corpus.name}:{length}" if length else corpus.name
        if (name, hidden, iterations) not in done:
            text = corpus.vocabulary.decode(corpus.ids[:length])
            rows.append(measured(arguments.file, text, name, hidden, iterations))

    for corpus in corpora:
        if corpus.name in REACHED:
            names = ("hidden", "parameters", "seen", "loss")
            about = {"corpus": corpus.name, "text": len(corpus.training), "difficulty": difficulty(corpus)}
            rows.append(about | dict(zip(names, REACHED[corpus.name], strict=True)))
    whole = [row for row in rows if ":" not in row["corpus"]]

    fit = fitted(whole)
    print("| text | hidden | parameters | seen | epochs | loss | fit |\n|" + " --- |" * 7)
    for row in rows:
        print(
            f"| {row['corpus']} | {row['hidden']} | {row['parameters']:,} | {row['seen']:,} "
            f"| {row['seen'] / row['text']:.1f} | {row['loss']:.3f} | {fit.loss(sizes_of(row)):.3f} |"
        )
    print(f"\n{Fit(*(float(f'{value:.4g}') for value in fit))}")
    for left_out in sorted({row["corpus"] for row in whole}):
        rest = fitted([row for row in whole if row["corpus"] != left_out])
        off = np.array([rest.loss(sizes_of(row)) / row["loss"] - 1 for row in whole if row["corpus"] == left_out])
        print(f"without {left_out}: off on it by {(off**2).mean() ** 0.5:.1%} (rms), {np.abs(off).max():.1%} at most")


if __name__ == "__main__":
    main()
