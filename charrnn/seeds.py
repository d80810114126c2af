"""Random number generators, each made for one purpose.

A generator depends on the seed of the run, its purpose and the iteration that it serves, and on nothing else. So taking
a snapshot or evaluating cannot change the training that follows, and a resumed run needs no stored generator states:
the seed and the iteration are the state.
"""

import zlib

import numpy as np


def generator(seed: int, purpose: str, *counters: int) -> np.random.Generator:
    """The generator for one purpose, such as ``generator(seed, "dropout", iteration)``."""
    return np.random.default_rng([seed, zlib.crc32(purpose.encode()), *counters])
