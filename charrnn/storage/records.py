"""What a run tells of itself as JSON: its metrics, what there is to beat, how far it is. Damaged parts count as not
there."""

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter

from charrnn.storage.document import Counter

State = Literal["running", "finished", "stopped", "diverged"]


@dataclass(frozen=True)
class Status:
    """How far training is, and whether it goes on."""

    state: State
    """``finished`` where it came to its end by itself, ``stopped`` where it can still go on."""
    iteration: Counter
    iterations: Counter | None = None
    """Planned in all; None where that is not known."""
    why: str = ""
    """How it diverged, or why it finished before the last iteration."""
    seconds_left: float | None = None
    """Estimated, of a run that goes on; never kept."""

    def to_json(self) -> str:
        """The line that keeps it, without what says nothing."""
        return json.dumps({name: value for name, value in vars(self).items() if value not in (None, "")}) + "\n"


_STATUS = TypeAdapter(Status)


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Lines of metrics, without any that a crash cut short."""
    rows = []
    if path.exists():
        for line in path.read_text("utf-8", errors="replace").splitlines():
            with suppress(ValueError, RecursionError):
                row = json.loads(line)
                if isinstance(row, dict) and isinstance(row.get("iteration"), int):
                    rows.append(row)
    return rows


def read_baseline(path: Path) -> dict[str, float]:
    """Losses in nats per character by the name of what has them."""
    with suppress(FileNotFoundError, ValueError, RecursionError, KeyError, TypeError, AttributeError, OverflowError):
        kept = json.loads(path.read_text("utf-8"))["nats_per_character"]
        return {str(name): float(loss) for name, loss in kept.items()}
    return {}


def read_status(path: Path) -> Status | None:
    """What training noted last of how far it is. A run of an older version has noted nothing."""
    with suppress(FileNotFoundError, ValueError):
        return _STATUS.validate_json(path.read_bytes())
    return None
