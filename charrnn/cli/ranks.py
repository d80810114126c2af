"""The command line as one of the ranks of an MPI job: the first does what the command says, and the others serve it."""

import platform
import signal
import sys
from collections.abc import Callable

from charrnn.cli.terminal import say
from charrnn.training.ranks import RankEngine, serve, world


def share(program: Callable[[], None]) -> None:
    """Runs a program, that ends by SystemExit, on rank 0, and serves it on the others. What fails on any of them ends
    all, with a line that names the rank and its host."""
    comm = world()
    try:
        if comm.rank:
            for name in ("SIGINT", "SIGTERM", "SIGHUP"):  # they are for rank 0, which then ends the others
                signal.signal(getattr(signal, name), signal.SIG_IGN)
            serve()
        else:
            program()
    except SystemExit as end:
        sys.stdout.flush()
        if RankEngine.is_amid:  # the others wait for this one, in something that will not be
            comm.Abort(int(end.code or 1))
        raise
    except BaseException as error:
        say(f"charrnn: rank {comm.rank} of {comm.size}, on {platform.node()}, failed: {error!r}")
        comm.Abort(1)
    finally:
        if not comm.rank:
            comm.bcast(None)
