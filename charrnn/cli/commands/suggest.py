"""``charrnn suggest``"""

import json
import math
import shlex
from collections.abc import Sequence
from dataclasses import asdict

import click

from charrnn.analysis.sizes import Proposal, best, propose, reason
from charrnn.cli.options import SettingsOptions, settings_options
from charrnn.cli.terminal import say
from charrnn.settings.build import build_corpus


@click.command("suggest")
@settings_options
@click.option("--minutes", type=float, default=10.0, show_default=True, help="How long training may take.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(given: SettingsOptions, minutes: float, as_json: bool) -> None:
    """Propose a size of network for a text, a time and this machine, and the command that trains it.

    CORPUS and settings are those of charrnn train, except model.hidden, which is proposed. Measures for a second
    or two how fast this machine trains each size. The losses expected come from a formula fitted to short runs
    on three texts, and are ranges: it knows your text only by its length and by how well it compresses.
    """
    settings = given.settings(minutes=minutes)
    learnt = build_corpus(settings)
    say(f"corpus: {learnt.name}, {len(learnt.training):,} characters to learn; measuring how fast this machine is")
    proposals = []
    for proposal in propose(settings, learnt):
        say(f"{_size(proposal)}: {proposal.iterations:,} iterations")
        proposals.append(proposal)
    chosen = best(proposals)
    why = reason(chosen, proposals, learnt)
    train = _command(given, minutes, chosen, settings.training.batch, learnt.name)
    if as_json:
        rows = [
            asdict(p) | {"loss_range": p.loss_range, "loss_bits": p.loss / math.log(2), "recommended": p is chosen}
            for p in proposals
        ]
        click.echo(json.dumps({"minutes": minutes, "candidates": rows, "reason": why, "command": train}))
        return
    click.echo(_table(proposals, chosen))
    click.echo(f"\n{_size(chosen)}: {why}.\n\n{train}")


def _size(proposal: Proposal) -> str:
    return f"{proposal.layers} x {proposal.hidden}"


def _table(proposals: Sequence[Proposal], chosen: Proposal) -> str:
    """A line for each, columns aligned, the chosen one marked."""
    rows = [("", "size", "parameters", "iterations", "epochs", "nats/char", "bits/char")]
    for p in proposals:
        nats = "{:.2f} to {:.2f}".format(*p.loss_range)
        bits = "{:.2f} to {:.2f}".format(*(end / math.log(2) for end in p.loss_range))
        mark = "*" if p is chosen else ""
        rows.append((mark, _size(p), f"{p.parameters:,}", f"{p.iterations:,}", f"{p.epochs:.3g}", nats, bits))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)


def _command(
    given: SettingsOptions,
    minutes: float,
    chosen: Proposal,
    batch: int,
    name: str,
) -> str:
    """The command that trains the chosen network, in a run of its own, for a shell."""
    assigned = [*given.assignments, f"model.hidden={chosen.hidden}"]
    if chosen.batch != batch:
        assigned.append(f"training.batch={chosen.batch}")
    words = ["charrnn", "train", *given.corpus]
    words += [word for config in given.configs for word in ("--config", config)]
    words += ["--run", f"runs/{name}-{chosen.hidden}"]
    words += ["--minutes", f"{minutes:g}", *(word for setting in assigned for word in ("--set", setting))]
    return shlex.join(words)
