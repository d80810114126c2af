"""Libraries that only some commands need; each is installed with an extra of the package."""

import importlib
from typing import Any

from charrnn.errors import CharRNNError


def load_extra(module: str, extra: str) -> Any:
    """Imports a module that comes with an extra; raises CharRNNError, which names the extra, where it is missing."""
    try:
        return importlib.import_module(module)
    except ImportError:
        library = module.partition(".")[0]
        raise CharRNNError(
            f"this needs {library}, which is not installed", f"python3 -m pip install 'charrnn[{extra}]'"
        ) from None
