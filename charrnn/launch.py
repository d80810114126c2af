"""How this process was started."""

import os

LAUNCHED = ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE")
"""Environment variables in which launchers of MPI say how many processes they started."""


NUMBERED = ("PMI_RANK", "OMPI_COMM_WORLD_RANK")
"""And which of them this is."""


def is_rank() -> bool:
    """Whether this process is one of several that a launcher of MPI started, to work together."""
    return any(os.environ.get(name, "1") != "1" for name in LAUNCHED)


def is_first_rank() -> bool:
    """Whether it is the first of them."""
    return all(os.environ.get(name, "0") == "0" for name in NUMBERED)
