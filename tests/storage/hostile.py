"""Loads files and prints for each, as a line of JSON, what was said of it and how many bytes it took at the worst.
``python3 tests/storage/hostile.py checkpoint|settings FILE...``
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path

from charrnn.errors import CharRNNError
from charrnn.settings.overlays import from_file, resolve
from charrnn.storage.run import load_checkpoint

load: Callable[[str], object] = load_checkpoint
if sys.argv[1] == "settings":
    load = lambda path: resolve([from_file(path)])  # noqa: E731


def memory(what: str) -> int:
    """VmRSS is what is held, VmHWM the most since it was reset."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(what)) << 10


for path in sys.argv[2:]:
    Path("/proc/self/clear_refs").write_text("5")  # the most is now what is held
    before = memory("VmRSS")
    try:
        load(path)
        said = "loaded"
    except CharRNNError as error:
        said = str(error)
    print(json.dumps([said, memory("VmHWM") - before]), flush=True)
