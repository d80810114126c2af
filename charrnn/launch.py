"""How this process was started."""

import os

LAUNCHED = ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE")
"""Environment variables in which launchers of MPI say how many processes they started."""


def is_rank() -> bool:
    """Whether this process is one of several that a launcher of MPI started, to work together."""
    return any(os.environ.get(name, "1") != "1" for name in LAUNCHED)
