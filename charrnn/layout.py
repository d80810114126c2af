"""Where things stand in a run folder. ``storage`` writes there; ``text`` must not take what it wrote for a corpus.

config.yaml              the resolved settings, enough to start the same run again
corpus.txt               the text, where it came by standard input
metrics.jsonl            one line per report
status.json              how far the run is, or how it ended
baseline.json            what counting and compressing achieve on the validation part, where that was asked for
snapshots/000100.txt     the sample taken at iteration 100
checkpoints/             last.npz, best.npz, and iteration-000100.npz for each snapshot (weights only)

``last.prev.npz`` there is the save before the last one, ``last.damaged.npz`` one that could not be read when the run
went on. A process that writes the folder holds ``.lock``; ``.writer`` names it, and marks whose run the folder holds.
Beside the folder, for all runs there, ``.ids`` holds the ids of long texts, and notes on what they were made of; it may
be removed when none is running.
"""

from pathlib import Path

CONFIG = "config.yaml"
CORPUS = "corpus.txt"
METRICS = "metrics.jsonl"
BASELINE = "baseline.json"
STATUS = "status.json"
SNAPSHOTS = "snapshots"
CHECKPOINTS = "checkpoints"
BEST, LAST, PREVIOUS, DAMAGED = "best.npz", "last.npz", "last.prev.npz", "last.damaged.npz"
LOCK, WRITER = ".lock", ".writer"
IDS = ".ids"


def is_run(folder: Path) -> bool:
    """Whether a folder is one that a run has written. A ``config.yaml`` alone may be anybody's."""
    return (folder / CONFIG).is_file() and (folder / CHECKPOINTS).is_dir()


def snapshot_name(iteration: int) -> str:
    """The file of a snapshot, in ``snapshots``."""
    return f"{iteration:06d}.txt"


def weights_name(iteration: int) -> str:
    """The file of a snapshot's weights, in ``checkpoints``."""
    return f"iteration-{iteration:06d}.npz"
