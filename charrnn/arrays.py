"""The two kinds of array in use."""

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.floating[Any]]
"""Real numbers: activations, parameters, gradients."""
Ids = npt.NDArray[np.integer[Any]]
"""Characters, as their places in the vocabulary."""
