"""What ``charrnn train TEXT --minutes N`` reaches, beside each recipe in the same time.

    python3 benchmarks/minutes.py runs/minutes texts/*.txt --minutes 1 5 20
    python3 benchmarks/minutes.py --table

The last tenth of each text is kept apart, and what a run has kept as its best network is scored on it. A run is the
whole command, on one core. Two of these commands side by side share the runs between them. What is reached is written
to ``minutes.json``, and not trained again. Prints Markdown.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from common import machine, measure_missing, results, table

from charrnn.settings.recipes import recipes

CHOSEN = "chosen"
"""No recipe: what is chosen for the text and the time."""
RECIPES = (CHOSEN, "quick", "tiny-shakespeare", "war-and-peace")
"""The columns of the table."""
RESULTS = Path(__file__).with_name("minutes.json")


def main() -> None:
    parser = argparse.ArgumentParser(description="Recipes and the choice for a text, at equal time.")
    parser.add_argument("runs", nargs="?", type=Path, help="folder for the runs")
    parser.add_argument("texts", nargs="*", type=Path)
    parser.add_argument("--minutes", nargs="+", type=float, default=[1.0, 5.0, 20.0])
    parser.add_argument("--recipes", nargs="+", choices=(CHOSEN, *recipes()), default=RECIPES, help="those to train")
    parser.add_argument("--table", action="store_true", help="only print what was reached")
    arguments = parser.parse_args()
    if not arguments.table:
        if not arguments.texts:
            parser.error("name a folder for the runs and some texts, or give --table")
        runs = arguments.runs
        runs.mkdir(parents=True, exist_ok=True)
        wanted = {
            f"{text.stem} {minutes:g} {recipe}": (text, minutes, recipe)
            for minutes in arguments.minutes
            for text in arguments.texts
            for recipe in arguments.recipes
        }
        measure_missing(wanted, lambda name: train(*wanted[name], runs / name.replace(" ", "-")), RESULTS, runs)
    print(table_of_results())


def train(text: Path, minutes: float, recipe: str, run: Path) -> dict[str, Any]:
    """Trains on the first nine tenths of a text, and scores the rest."""
    content = text.read_text("utf-8")
    cut = len(content) * 9 // 10
    seen, rest = run.with_suffix(".seen.txt"), run.with_suffix(".rest.txt")
    seen.write_text(content[:cut], "utf-8")
    rest.write_text(content[cut:], "utf-8")
    command = ["train", str(seen), "--run", str(run), "--force", "--minutes", f"{minutes:g}"]
    command += ["--set", "compute.workers=1", *(["--config", recipe] if recipe != CHOSEN else [])]
    started = time.perf_counter()
    said = charrnn(*command).stderr
    seconds = time.perf_counter() - started
    ((score,),) = json.loads(
        charrnn("score", "--checkpoint", str(run), str(rest), "--unknown", "skip", "--json").stdout
    ).values()
    model = re.search(r"model: (\S+), (\d+ x \d+)", said)
    epochs = re.search(r"([\d.]+) epochs", said)
    assert model, said
    assert epochs, said
    return {
        "loss": round(score["nats_per_character"], 4),
        "characters": len(content),
        "network": f"{model[1]} {model[2]}",
        "epochs": float(epochs[1]),
        "seconds": round(seconds, 1),
        "machine": machine(),
    }


def charrnn(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "charrnn", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode:
        sys.exit(done.stderr)
    return done


def table_of_results() -> str:
    """A line for each text and time: the losses that were reached, the lowest in bold, and what was chosen. Below it
    the other recipes that were trained."""
    reached = results(RESULTS)
    rows = []
    for text, minutes in dict.fromkeys(tuple(name.split(" ")[:2]) for name in reached):
        runs = {recipe: reached[name] for recipe in RECIPES if (name := f"{text} {minutes} {recipe}") in reached}
        if CHOSEN not in runs or len(runs) == 1:
            continue
        chosen, lowest = runs[CHOSEN], min(run["loss"] for run in runs.values())
        losses = (runs[recipe]["loss"] if recipe in runs else None for recipe in RECIPES)
        shown = ["" if loss is None else f"{loss:.3f}" if loss > lowest else f"**{loss:.3f}**" for loss in losses]
        what = f"{chosen['network']}, {chosen['epochs']:g} epochs"
        rows.append([chosen["characters"], float(minutes), text, f"{chosen['characters']:,}", minutes, *shown, what])
    header = ["text", "characters", "minutes", *RECIPES, "what was chosen"]
    runs = ((name.split(" "), run["loss"]) for name, run in reached.items())
    others = [
        f"`{recipe}` comes to {loss:.3f} on {text} in {minutes} minutes."
        for (text, minutes, recipe), loss in runs
        if recipe not in RECIPES
    ]
    return "\n".join([table(header, [row[2:] for row in sorted(rows)]), "", *others])


if __name__ == "__main__":
    main()
