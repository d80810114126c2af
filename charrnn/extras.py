"""Libraries that only some commands need, and that are installed when they are asked for."""

import importlib
from typing import Any

from charrnn.errors import CharRNNError


def load_extra(module: str, extra: str) -> Any:
    """A module of a library that an extra brings; raises CharRNNError, which names the extra, where it is missing."""
    try:
        return importlib.import_module(module)
    except ImportError:
        library = module.partition(".")[0]
        raise CharRNNError(
            f"this needs {library}, which is not installed; python3 -m pip install 'charrnn[{extra}]'"
        ) from None
