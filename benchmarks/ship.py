"""Makes the network that travels with the program out of a run:

    charrnn train war-and-peace.txt --config tolstoy --run runs/tolstoy
    python3 benchmarks/ship.py runs/tolstoy

Copies the run's best weights, without what training needs, to data/tolstoy.npz. The run may have had other numbers of
workers and other samples than the recipe, compiled or not: what is kept are the recipe's settings.
"""

import argparse
from dataclasses import replace
from pathlib import Path

from charrnn import load_checkpoint, load_settings
from charrnn.resources import shipped_network

PATH = shipped_network()
MOST_BYTES = 4_200_000


def main() -> None:
    parser = argparse.ArgumentParser(description="Makes the network that travels with the program out of a run.")
    parser.add_argument("run", type=Path)
    checkpoint = load_checkpoint(parser.parse_args().run).weights_only()
    recipe, made = load_settings("tolstoy"), checkpoint.settings
    assert (made.model, made.training) == (recipe.model, recipe.training), "not the recipe"
    path = {"path": [Path(made.corpus.path[0]).name]}
    settings = recipe.model_copy(update={"corpus": recipe.corpus.model_copy(update=path)})
    replace(checkpoint, settings=settings).save(PATH)
    size = PATH.stat().st_size
    assert size <= MOST_BYTES, f"{size:,} bytes"
    print(
        f"{PATH}: {size:,} bytes, iteration {checkpoint.progress.iteration}, {checkpoint.progress.best_loss:.3f} nats"
    )


if __name__ == "__main__":
    main()
