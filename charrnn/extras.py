"""Libraries that only some commands need, and that the extras of the package bring."""

import importlib
from typing import Any

from charrnn.errors import CharRNNError


def load_extra(module: str) -> Any:
    """Imports a module; raises CharRNNError, which says how to install its library, where it is missing, and what the
    library says where it is there and does not work: Numba with a NumPy that is too new, mpi4py without MPI.

    The library is installed by its own name, which is that of its module: on the Python Package Index the name
    ``charrnn`` belongs to another project, so that no hint may send a user there for an extra.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        library, install = module.partition(".")[0], "python3 -m pip install"
        if isinstance(error, ModuleNotFoundError):
            raise CharRNNError(f"this needs {library}, which is not installed", f"{install} {library}") from None
        reason = " ".join(str(error).split())
        raise CharRNNError(
            f"this needs {library}, which does not work here ({reason})", f"{install} --upgrade {library}"
        ) from None
