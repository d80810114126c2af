"""Libraries that only some commands need, and that the extras of the package bring."""

import importlib
from typing import Any

from charrnn.errors import CharRNNError


def load_extra(module: str) -> Any:
    """Imports a module; raises CharRNNError, which says how to install its library, where it is missing.

    The library is installed by its own name, which is that of its module: on the Python Package Index the name
    ``charrnn`` belongs to another project, so that no hint may send a user there for an extra.
    """
    try:
        return importlib.import_module(module)
    except ImportError:
        library = module.partition(".")[0]
        raise CharRNNError(
            f"this needs {library}, which is not installed", f"python3 -m pip install {library}"
        ) from None
