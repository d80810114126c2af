"""``charrnn suggest``"""

import shlex
from collections.abc import Sequence

import click

from charrnn.cli.numbers import Real
from charrnn.cli.options import SettingsOptions, settings_options
from charrnn.cli.terminal import print_json, say
from charrnn.settings.build import build_corpus
from charrnn.training.choice import Proposal, best, leaves_choice, propose, reasons
from charrnn.wording import how_many


@click.command("suggest")
@settings_options(configs=False)
@click.option("--minutes", type=Real(), default=10.0, show_default=True, help="How long training may take.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(given: SettingsOptions, minutes: float, as_json: bool) -> None:
    """Explain what charrnn train --minutes chooses for a text, a time and this machine.

    CORPUS, --set and --items are those of charrnn train. Measures for some seconds how fast this machine trains
    networks of several sizes. The best of them is neither so large that it reads too little in the time, nor so small
    that it cannot hold what it reads. What loss it will reach depends on the text more than on all else, and is not
    foretold.
    """
    overlays, settings = given.overlays(minutes=minutes), given.settings(minutes=minutes)
    if not leaves_choice(overlays, settings):
        raise click.UsageError("training.init_from names a network, which leaves nothing to choose; leave it out")
    learnt = build_corpus(settings)
    say(f"corpus: {learnt.name}, {len(learnt):,} characters; measuring how fast this machine is")
    proposals = []
    for proposal in propose(overlays, learnt):
        say(f"{proposal.size}: {how_many(proposal.iterations, 'iteration')}")
        proposals.append(proposal)
    proposals.sort(key=lambda proposal: proposal.parameters)
    chosen = best(proposals)
    why = reasons(chosen, proposals)
    train = _command(given, minutes, chosen, learnt.name)
    if as_json:
        candidates = [_document(p) | {"recommended": p is chosen} for p in proposals]
        print_json({"minutes": minutes, "candidates": candidates, "reasons": why, "command": train})
        return
    click.echo(_table(proposals, chosen))
    click.echo("\n{}.\n{}.\n\n{}".format(*why, train))


def _document(p: Proposal) -> dict[str, object]:
    return {
        "layers": p.settings.model.layers,
        "hidden": p.settings.model.hidden,
        "parameters": p.parameters,
        "iterations": p.iterations,
        "epochs": p.epochs,
        "characters_per_parameter": p.ratio,
    }


def _table(proposals: Sequence[Proposal], chosen: Proposal) -> str:
    """A line for each, columns aligned, the chosen one marked."""
    rows = [("", "size", "parameters", "iterations", "epochs", "characters/parameter")]
    for p in proposals:
        mark = "*" if p is chosen else ""
        rows.append((mark, p.size, f"{p.parameters:,}", f"{p.iterations:,}", f"{p.epochs:.3g}", f"{p.ratio:.3g}"))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)


def _command(given: SettingsOptions, minutes: float, chosen: Proposal, corpus: str) -> str:
    """The command that trains the chosen network, in a run of its own, for a shell."""
    hidden = chosen.settings.model.hidden
    options = "--run", f"runs/{corpus}-{hidden}", "--minutes", f"{minutes:g}"
    return shlex.join(["charrnn", "train", *given.words(f"model.hidden={hidden}"), *options])
