"""What a gradient changes."""

from collections.abc import Mapping

from charrnn.arrays import Array
from charrnn.errors import RunError
from charrnn.nn.functional import quiet_overflow
from charrnn.nn.network import Network
from charrnn.nn.parameters import Parameters
from charrnn.optim.averaging import update_average
from charrnn.settings.build import build_clip, build_optimizer
from charrnn.settings.schema import Settings


class Updater:
    """Clips a gradient and takes the optimizer's step; where the settings ask for an average, that follows.

    ``parameters`` are those that are validated, saved and sampled: the average, or where there is none the ``trained``
    ones.
    """

    def __init__(self, settings: Settings, network: Network, parameters: Parameters) -> None:
        self.settings = settings
        self.parameters = parameters
        self._decay = settings.training.average_decay
        self.trained = parameters if self._decay is None else parameters.copy()
        self.optimizer = build_optimizer(settings, network, self.trained)
        self._clip = build_clip(settings)

    def step(self, gradient: Array, rate: float) -> float:
        """Steps by a gradient (P,), which is clipped in place, and returns its norm as it was before. Numbers that grow
        too large become infinite or NaN, without a warning."""
        with quiet_overflow():
            norm = self._clip(gradient)
            self.optimizer.step(self.trained.vector, gradient, rate)
            if self._decay is not None:
                update_average(self.parameters.vector, self.trained.vector, self.optimizer.steps, self._decay)
        return norm

    def restore(self, steps: int, memory: Mapping[str, Array]) -> None:
        """Goes on from what another remembered after so many steps. Raises RunError for the memory of another
        optimizer."""
        if memory.keys() != self.memory.keys():
            raise RunError("the checkpoint does not hold what its optimizer remembers", "start a new run")
        self.optimizer.steps = steps
        for name, vector in self.memory.items():
            vector[:] = memory[name]

    @property
    def memory(self) -> dict[str, Array]:
        """What the next step depends on beside ``parameters``: vectors (P,) by name."""
        trained = {"parameters": self.trained.vector} if self.trained is not self.parameters else {}
        return self.optimizer.memory | trained
