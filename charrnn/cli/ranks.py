"""The command line as one of the ranks of an MPI job: the first does what the command says, and the others serve it."""

import platform
import sys
from collections.abc import Callable

from charrnn.cli.terminal import say
from charrnn.errors import CharRNNError
from charrnn.launch import is_first_rank
from charrnn.training.ranks import RankEngine, serve, world


def share(program: Callable[[], None]) -> None:
    """Runs a program, that ends by SystemExit, on rank 0, and serves it on the others. What fails on any of them ends
    all, with a line that names the rank and its host."""
    try:
        comm = world()
    except CharRNNError as error:
        if is_first_rank():
            say(f"charrnn: {error}")
        sys.exit(1)
    try:
        if comm.rank:
            serve()
        else:
            program()
    except SystemExit as end:
        sys.stdout.flush()
        if RankEngine.is_amid:  # the others wait for this one, in something that will not be
            comm.Abort(int(end.code or 1))
        raise
    except BaseException as error:
        why = error if isinstance(error, CharRNNError) else repr(error)
        say(f"charrnn: rank {comm.rank} of {comm.size}, on {platform.node()}, failed: {why}")
        comm.Abort(1)
    finally:
        if not comm.rank:
            comm.bcast(None)
