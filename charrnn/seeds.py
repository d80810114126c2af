"""Random numbers as a function of what they are for.

Every generator is derived from the run's seed, a purpose and the iteration it serves, and from nothing else. So
taking a snapshot or evaluating cannot change the training that follows, and a resumed run needs no generator states:
the seed and the iteration are the state.
"""

import zlib

import numpy as np


def generator(seed: int, purpose: str, *counters: int) -> np.random.Generator:
    """The generator of one purpose, such as ``generator(seed, "dropout", iteration)``."""
    return np.random.default_rng([seed, zlib.crc32(purpose.encode()), *counters])
