"""``charrnn watch``"""

import shutil
import signal
import sys
import textwrap
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import click

from charrnn.cli.paths import GivenPath
from charrnn.cli.terminal import can_show, has_colour, takes_control_sequences
from charrnn.report.chart_terminal import chart
from charrnn.report.columns import broken
from charrnn.report.curves import Curves, read_curves
from charrnn.report.escaping import escaped
from charrnn.report.figures import loss_text
from charrnn.report.panels import panels
from charrnn.report.status import status_sentence
from charrnn.storage.run import Run

SECONDS_BETWEEN_LOOKS = 1
_WIDE = 100
"""From this many columns on, two charts stand side by side."""
_ALTERNATE_SCREEN, _BACK = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"
"""Codes that switch to another screen without a cursor, and back (XTerm Control Sequences)."""


@click.command("watch")
@click.argument("run", type=GivenPath())
@click.option(
    "--once", is_flag=True, help="Print the current state and end; always so where stdout is no terminal or a dumb one."
)
def command(run: str, once: bool) -> None:
    """Show the curves of a run and its newest sample in the terminal, while it goes on.

    RUN is a folder that charrnn train is writing. Watching ends when the run does, or with Ctrl-C, which
    does not stop the run.
    """
    watched = Run(run)
    curves = read_curves(watched)
    if once or not takes_control_sequences():
        _print(curves)
        return
    with _screen() as woken:
        while True:
            curves = read_curves(watched)
            size = shutil.get_terminal_size()
            sys.stdout.write("\x1b[H" + "\x1b[K\r\n".join(_frame(curves, size.columns, size.lines)) + "\x1b[J")
            sys.stdout.flush()
            if curves.status.state != "running":
                break
            woken.wait(SECONDS_BETWEEN_LOOKS)
            woken.clear()
    _print(curves)


@contextmanager
def _screen() -> Iterator[threading.Event]:
    """Switches to an empty screen, and back at the end. Yields an event that is set when the terminal is resized."""
    woken = threading.Event()
    resized = getattr(signal, "SIGWINCH", None)
    before = signal.signal(resized, lambda *_: woken.set()) if resized else None
    sys.stdout.write(_ALTERNATE_SCREEN)
    try:
        yield woken
    finally:
        sys.stdout.write(_BACK)
        sys.stdout.flush()
        if resized:
            signal.signal(resized, before)


def _print(curves: Curves) -> None:
    size = shutil.get_terminal_size()
    click.echo("\n".join(_frame(curves, size.columns, size.lines)))


def _frame(curves: Curves, width: int, height: int) -> list[str]:
    """At most ``height`` lines of at most ``width`` columns: status, figures, charts, the newest sample."""
    loss, _, norm, *_ = panels([curves])
    across = 2 if width >= _WIDE else 1
    look = {"width": (width - 2 * (across - 1)) // across, "height": max(height // 2, 4)}
    charts = [chart(panel, **look, braille=can_show("\u28ff"), colour=has_colour()) for panel in (loss, norm)[:across]]
    lines = [
        *textwrap.wrap(escaped(f"{curves.run}: {status_sentence(curves.status)}"), width),
        *textwrap.wrap(escaped(_figures(curves)), width),
        *("  ".join(row) for row in zip(*charts, strict=True)),
        "",
    ]
    if curves.snapshots:
        newest = curves.snapshots[-1]
        words = "" if newest.real_words is None else f", {newest.real_words:.0%} real words"
        about = f"iteration {newest.iteration:,}{words}:"
        lines += [*broken(about, width), *broken(newest.text.expandtabs(), width)]
    return lines[: max(height - 1, 1)]


def _figures(curves: Curves) -> str:
    """How well the run does, by its last report."""
    if not len(curves.training):
        return "nothing reported yet"
    facts = [f"iteration {curves.last_iteration:,}: loss {loss_text(curves.training.values[-1])}"]
    if len(curves.validation):
        measured = curves.validation.iterations[-1]
        at = "" if measured == curves.last_iteration else f" (at {measured:,})"
        facts.append(f"validation {loss_text(curves.validation.values[-1])}{at}")
    if len(curves.speed):
        facts.append(f"{curves.speed.values[-1]:,.0f} chars/s")
    return ", ".join(facts)
