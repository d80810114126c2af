"""Losses, durations, snapshots, lists and names of files in words."""

import math
import os
from collections.abc import Sequence
from pathlib import Path

from charrnn.storage.snapshot import Snapshot


def loss_text(nats: float, error: float | None = None) -> str:
    """A loss, with its standard error where that is known, in both units: ``1.405 nats/char (2.027 bits)``."""
    kind = ".3f" if nats < 1e6 else ".3e"
    return f"{nats:{kind}}{error_text(error)} nats/char ({nats / math.log(2):{kind}} bits)"


def error_text(error: float | None) -> str:
    """What follows a loss whose standard error is known: `` ± 0.004``."""
    return "" if error is None else f" ± {error:.3f}"


def snapshot_text(snapshot: Snapshot) -> str:
    """A snapshot as the progression shows it, iteration first."""
    facts = [f"iteration {snapshot.iteration:,}", f"loss {loss_text(snapshot.loss)}"]
    if snapshot.validation_loss is not None:
        facts.append(f"validation {loss_text(snapshot.validation_loss)}")
    words = "" if snapshot.real_words is None else f"{snapshot.real_words:.0%} real words at "
    facts.append(f"{words}temperature {snapshot.temperature:g}")
    return f"{', '.join(facts)}\n\n{snapshot.text}\n"


def duration_text(seconds: float) -> str:
    """An estimated duration: ``about 2.4 minutes``."""
    if seconds < 1.5:
        return "about a second"
    value, unit = seconds, "seconds"
    for factor, longer in ((60, "minutes"), (60, "hours"), (24, "days")):
        if value < 1.5 * factor:
            break
        value, unit = value / factor, longer
    return f"about {f'{value:.1f}'.removesuffix('.0') if value < 9.95 else f'{value:,.0f}'} {unit}"


def list_text(words: Sequence[str]) -> str:
    """One or more words as a list: ``rnn, gru and lstm``."""
    *others, last = words
    return f"{', '.join(others)} and {last}" if others else last


def telling_names(files: Sequence[Path | str]) -> list[str]:
    """The name of each file or folder, preceded by as few of the folders above it as tell it from the others: what is
    passed on tells no path."""
    paths = [Path(os.path.abspath(file)).parts for file in files]
    names = []
    for path in paths:
        others = {other for other in paths if other != path}
        lengths = range(1, len(path))  # without the root
        least = next((n for n in lengths if all(other[-n:] != path[-n:] for other in others)), len(path) - 1)
        names.append("/".join(path[-least:]))
    return names
