"""The two kinds of array there are."""

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.floating[Any]]
"""Real numbers: activations, parameters, gradients."""
Ids = npt.NDArray[np.integer[Any]]
"""Characters, by their place in the vocabulary."""
