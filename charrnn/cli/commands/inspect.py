"""``charrnn inspect``"""

import json
from collections.abc import Mapping
from typing import Any

import click

from charrnn.analysis.summary import checkpoint_summary
from charrnn.cli.terminal import print_json
from charrnn.cli.texts import at_option, checkpoint_option, load, named, run_argument
from charrnn.layout import LAST
from charrnn.report.escaping import escaped
from charrnn.report.figures import loss_text
from charrnn.wording import how_many


@click.command("inspect")
@run_argument
@checkpoint_option
@at_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(runs: tuple[str, ...], checkpoint: str | None, at: int | None, as_json: bool) -> None:
    """Show what is in a checkpoint: settings, vocabulary, parameters, and how, on what and how far it was trained.

    RUN is a run folder or a checkpoint file. A norm is the root of the sum of squares.
    """
    facts = checkpoint_summary(load(named(runs, checkpoint), at))
    if as_json:
        print_json(facts)
    else:
        _print(facts)


def _print(facts: Mapping[str, Any]) -> None:
    corpus, progress, vocabulary = facts["corpus"], facts["progress"], facts["vocabulary"]
    _line("corpus", f"{corpus['name']}, {how_many(corpus['characters'], 'character')}, SHA-256 {corpus['sha256']}")
    for origin in facts["origins"]:
        _line("began with", f"{origin['name']}, iteration {origin['iteration']:,} on {origin['corpus']['name']}")
    epochs = "" if facts["epochs"] is None else f", {facts['epochs']:.2f} epochs"
    _line(
        "trained",
        f"{how_many(progress['iteration'], 'iteration')} of "
        f"{how_many(facts['characters_per_iteration'], 'character')}{epochs}",
    )
    if facts["training_loss"] is not None:
        _line("training loss", loss_text(facts["training_loss"]))
    if progress["validation_loss"] is not None:
        _line("validation loss", loss_text(progress["validation_loss"]))
    if progress["best_loss"] is not None:
        _line(
            "best validation loss", f"{loss_text(progress['best_loss'])}, at iteration {progress['best_iteration']:,}"
        )
    _line("resumable", "yes" if facts["resumable"] else f"no, weights only; a run goes on from its {LAST}")
    _line("made with", ", ".join(f"{name} {version}" for name, version in facts["made_with"].items()))
    _line("vocabulary", f"{len(vocabulary):,} characters: {vocabulary!r}")
    click.echo(f"\nparameters: {facts['numbers']:,}")
    for name, array in facts["parameters"].items():
        shape = " x ".join(f"{n:,}" for n in array["shape"])
        click.echo(
            f"  {name:<14} {shape:>16}  norm {array['norm']:<9.4g} mean {array['mean']:<+10.3g} "
            f"largest {array['largest']:.3g}"
        )
    click.echo("\nsettings:")
    for section, values in facts["settings"].items():
        for key, value in values.items():
            _line(f"  {section}.{key}", json.dumps(value))


def _line(name: str, text: str) -> None:
    """Prints a line; no text from a stranger can move the cursor or begin another line."""
    click.echo(escaped(f"{name}: {text}").replace("\n", "\\n"))
