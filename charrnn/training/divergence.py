"""When training has diverged: what it computes is no number any more, or tells nothing."""

import math

import numpy as np

from charrnn.arrays import Array
from charrnn.nn.functional import quiet_overflow

FAR_BEYOND = 10.0
"""How many times the loss of guessing evenly the training loss, a mean of the latest iterations, may be."""


def not_finite(**numbers: float | Array) -> str:
    """Names what is not finite; nothing where all is."""
    with quiet_overflow():
        lost = [name for name, number in numbers.items() if not math.isfinite(np.sum(number))]
    return f"{', '.join(lost)} not finite" if lost else ""


def far_beyond(loss: float, characters: int) -> str:
    """Says that a training loss is far beyond that of guessing evenly among so many characters; nothing where it is
    not."""
    evenly = math.log(characters)
    if loss <= FAR_BEYOND * evenly:
        return ""
    return f"the loss is {loss:,.1f} nats a character, and that of guessing evenly {evenly:.1f}"
