"""What the machine computes with: its cores, its libraries, and the kernels that BLAS takes for matrix products.

A BLAS has several kernels, written for processors of several generations, and picks one when it is loaded. Which one it
picks decides how fast products are, and how their last bits are rounded.
"""

import math
import os
import platform
from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from threadpoolctl import ThreadpoolController

from charrnn.version import __version__

KERNELS = {
    "AVX-512": ("SkylakeX", "Cooperlake", "SapphireRapids"),
    "AVX2": ("Haswell", "Zen", "Excavator"),
}
"""OpenBLAS's kernels for the x86-64 instructions that matter, the widest instructions first, and for each first the
kernels that run on every processor that has them. Others use older instructions."""
SIMD = {"AVX-512": {"AVX512F", "AVX512_SKX", "X86_V4"}, "AVX2": {"AVX2", "X86_V3"}}
"""What NumPy calls the same instructions where it finds a processor to have them."""
FORCED = "OPENBLAS_CORETYPE"
"""The environment variable that tells OpenBLAS which kernels to take."""


def available_cores() -> int:
    """How many cores this process may use; a container's quota of CPU time counts as so many whole cores."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, int(min(cores, cpu_quota())))


def cpu_quota(root: Path = Path("/")) -> float:
    """How many cores' time this process may use by the limits of its control groups, version 1 or 2, as containers have
    them; infinite where there are none. ``root`` is the folder of ``proc`` and ``sys``."""
    return min(map(_quota_of, _control_groups("cpu", root)), default=math.inf)


def _control_groups(controller: str, root: Path) -> Iterator[Path]:
    """The folders of the control groups that this process is in by a controller, ``cpu`` or ``memory``, and of those
    around them: of version 1, where a group names its controllers, and of version 2, where it has no name."""
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:  # not Linux
        return
    for _, controllers, group in (line.split(":", 2) for line in lines):
        if not controllers or controller in controllers.split(","):
            top = root / "sys/fs/cgroup" / controllers
            folder = top / group.lstrip("/")  # in a container perhaps its name outside, where nothing is: then the top
            yield from (folder, *(parent for parent in folder.parents if parent.is_relative_to(top)))


def _quota_of(folder: Path) -> float:
    """The limit that one control group sets: version 2 in ``cpu.max``, version 1 in two files, where -1 is none."""
    with suppress(OSError, ValueError):
        limit, period = (folder / "cpu.max").read_text().split()
        return int(limit) / int(period)  # "max" is no number, and no limit
    with suppress(OSError, ValueError):
        microseconds, of = (int((folder / f"cpu.cfs_{name}_us").read_text()) for name in ("quota", "period"))
        return microseconds / of if microseconds > 0 else math.inf
    return math.inf


def memory(root: Path = Path("/")) -> int | None:
    """How many bytes of memory this process may use: those of the machine, or fewer by the limits of its control
    groups; None where that cannot be told. ``root`` is the folder of ``proc`` and ``sys``."""
    try:
        bytes_there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # on Windows
        return None
    for group in _control_groups("memory", root):
        for limit in (group / "memory.max", group / "memory.limit_in_bytes"):  # of version 2, and of version 1
            with suppress(OSError, ValueError):
                bytes_there = min(bytes_there, int(limit.read_text()))
    return bytes_there


@cache
def _thread_pools() -> ThreadpoolController:
    """Of the libraries that are loaded; to look for them takes as long as reading dozens of characters."""
    return ThreadpoolController()


def blas_threads(count: int) -> AbstractContextManager[Any]:
    """A context in which matrix products take so many threads in this process. One text's step is a vector times a
    matrix, which is fastest on one."""
    limit: AbstractContextManager[Any] = _thread_pools().limit(limits=count, user_api="blas")
    return limit


class Blas(NamedTuple):
    """A library for matrix products."""

    name: str
    version: str
    kernels: str

    @property
    def instructions(self) -> str | None:
        """``AVX-512`` or ``AVX2``; None for others, and for kernels that are not known here."""
        return next((name for name, kernels in KERNELS.items() if self.kernels in kernels), None)


@cache
def blas() -> tuple[Blas, ...]:
    """The libraries for matrix products that NumPy has loaded: as a rule one, or none that is known."""
    found = {
        Blas(library["internal_api"], str(library["version"]), str(library.get("architecture")))
        for library in _thread_pools().info()
        if library["user_api"] == "blas"
    }
    return tuple(sorted(found))


def blas_instructions() -> str | None:
    """The instructions of ``KERNELS`` for which NumPy's OpenBLAS has its kernels; None for others."""
    return next((library.instructions for library in blas() if library.name == "openblas"), None)


@cache
def simd() -> tuple[str, ...]:
    """What NumPy found the processor to have, beyond what every processor of its kind has."""
    config: Any = np.show_config(mode="dicts")
    return tuple(config.get("SIMD Extensions", {}).get("found", []))


@cache
def versions() -> dict[str, str | int]:
    """What computes here. All but the first two affect how numbers are rounded."""
    libraries = blas()
    return {
        "charrnn": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "blas": " and ".join(sorted({f"{library.name} {library.version}" for library in libraries})),
        "processor": " ".join([platform.machine(), *sorted({library.kernels for library in libraries}), *simd()]),
    }


def held_back() -> str | None:
    """What to do where BLAS uses narrower instructions than the processor has, in a sentence; None where it does not,
    or nobody can tell."""
    if len(blas()) != 1:
        return None
    (library,) = blas()
    widest = next((name for name in KERNELS if SIMD[name] & set(simd())), None)
    if library.name != "openblas" or widest is None or library.instructions == widest:
        return None
    forced = os.environ.get(FORCED)
    remedy = f"unset {FORCED}, which is {forced!r}" if forced else f"update NumPy, or set {FORCED}={KERNELS[widest][0]}"
    return f"this processor has {widest}, and BLAS uses its {library.kernels} kernels, which do not; {remedy}"
