"""The speed of training beside PyTorch's: characters a second of whole steps, and the share of what BLAS can do.

    python3 benchmarks/train_speed.py
    python3 benchmarks/train_speed.py 3x512 gru --turns 5
    python3 benchmarks/train_speed.py --kernels AVX2

A step is forward, loss, backward, clip by global norm and Adam. Both sides use all cores, PyTorch as many of them as
make it fastest, and work in turns; the ratio is the median of those of neighbouring turns. The ceiling is the best of
large products taken in turn with them. Operations are 6 a character for each parameter that takes part in a product
(``Network.product_parameters``): activations, biases, look-ups, clip and Adam take time and count nothing.
Prints Markdown.
"""

import argparse
import statistics
import sys

from common import (
    HELD,
    SETTINGS,
    OurTraining,
    Player,
    Products,
    TorchTraining,
    chosen,
    hold,
    machine,
    others,
    ratio_text,
    table,
)

COLUMNS = [
    *("setting", "NumPy, chars/s", "compiled, chars/s", "PyTorch, chars/s (threads, input)"),
    *("ratio of NumPy", "of compiled", "of ceiling, NumPy", "compiled", "others, cores"),
]


def main() -> None:
    parser = argparse.ArgumentParser(description="The speed of training beside PyTorch's.")
    parser.add_argument("settings", nargs="*", help="those whose name holds one of these, such as 3x512; default: all")
    parser.add_argument("--turns", type=int, default=11, help="of each side and setting; default: 11")
    parser.add_argument("--kernels", choices=list(HELD), help="hold both sides to these instructions")
    arguments = parser.parse_args()
    hold(arguments.kernels)

    found, ceiling, idle = [], 0.0, 0.0
    with Player(Products, seconds=0.15) as products:
        for setting in chosen(SETTINGS, arguments.settings):
            with (
                Player(OurTraining, setting) as ours,
                Player(OurTraining, setting, True) as compiled,
                Player(TorchTraining, setting) as theirs,
            ):
                turns = []
                for _ in range(arguments.turns):
                    turns.append((ours.turn(), compiled.turn(), theirs.turn()))
                    ceiling = max(ceiling, products.turn())
            a, b, c = (statistics.median(side) for side in zip(*turns, strict=True))
            ratios = [statistics.median(turn[side] / turn[2] for turn in turns) for side in (0, 1)]
            row = [str(setting), f"{a:,.0f}", f"{b:,.0f}", f"{c:,.0f} ({theirs.manner})"]
            row += [ratio_text(ratio, ours, theirs) for ratio in ratios]
            operations = 6 * setting.network.product_parameters
            found.append((row, (operations * a, operations * b), others([ours, compiled, theirs])))
            idle = max(idle, ours.idle, compiled.idle, theirs.idle, products.idle)
            print(f"{setting}: {ratios[0]:.2f}, {ratios[1]:.2f}", file=sys.stderr)

    rows = [[*row, *(f"{speed / ceiling:.0%}" for speed in speeds), load] for row, speeds, load in found]
    print(f"{machine()}; {ours.manner} here, {products.manner} for products, PyTorch's in the table.")
    print(f"Kernels for {ours.instructions} here, {theirs.instructions} in PyTorch.")
    print(f"Ceiling {ceiling / 1e9:.0f} GFLOP/s; medians of {arguments.turns} turns.")
    print(f"The side that waited used at most {idle:.0%} of a core. Others: what else the machine did meanwhile.\n")
    print(table(COLUMNS, rows))


if __name__ == "__main__":
    main()
