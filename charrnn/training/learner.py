"""What one iteration of training is: read a window, go forward and backward, clip, step.

Shapes: T window, B streams, L layers, S states of a cell, H hidden size.
"""

from dataclasses import dataclass, replace

from charrnn import seeds
from charrnn.arrays import Array
from charrnn.model import Model
from charrnn.nn.functional import quiet_overflow
from charrnn.optim.averaging import update_average
from charrnn.optim.schedules import Position
from charrnn.settings.build import build_clip, build_dropout, build_optimizer, build_schedule
from charrnn.settings.schema import Settings
from charrnn.text.streams import Streams
from charrnn.training.engine import Engine


@dataclass(frozen=True)
class Update:
    """What one iteration was."""

    loss: float
    """The loss of its window, in nats per character."""
    gradient_norm: float
    """Before clipping."""
    learning_rate: float


class Learner:
    """Learns from one window at a time. It holds what an iteration changes: the parameters, the optimizer and the
    hidden state of every stream.

    Where the settings ask for an average, the model's parameters are the average, and those that are trained are the
    learner's own. ``step`` may be called only while the engine runs.
    """

    def __init__(self, settings: Settings, model: Model, streams: Streams, engine: Engine) -> None:
        self.model = model
        self.streams = streams
        averaged = settings.training.average_decay is not None
        self._trained = model.parameters.copy() if averaged else model.parameters
        self.optimizer = build_optimizer(settings, model.network, self._trained)
        self.state: Array = model.network.zero_state(streams.streams)
        """(L, S, B, H), as the last window left it."""
        self._engine = engine
        self._dropout = build_dropout(settings)
        self._training = settings.training
        self._clip = build_clip(settings)
        self._schedule = build_schedule(settings)

    def step(self, iteration: int, iterations: int) -> Update:
        """Learns from the window of iteration number ``iteration``, counted from 0, of ``iterations`` in all. Numbers
        that grow too large become infinite or NaN, without a warning."""
        p, decay = self._trained, self._training.average_decay
        x, y = self.streams.window(iteration)
        self._begin_streams(iteration)
        with quiet_overflow():
            dropout = replace(self._dropout, iteration=iteration)
            loss, gradient, self.state = self._engine.loss_and_gradients(p, x, y, self.state, dropout)
            norm = self._clip(gradient.vector)
            rate = self._schedule(Position(iteration, iterations, self.streams.windows))
            self.optimizer.step(p.vector, gradient.vector, rate)
            if decay is not None:
                update_average(self.model.parameters.vector, p.vector, self.optimizer.steps, decay)
        return Update(loss, norm, rate)

    @property
    def memory(self) -> dict[str, Array]:
        """What the next step depends on beside the model's parameters and the hidden state: vectors (P,) by name."""
        trained = {"parameters": self._trained.vector} if self._trained is not self.model.parameters else {}
        return self.optimizer.state | trained

    def _begin_streams(self, iteration: int) -> None:
        """Zeroes the hidden state where a stream begins anew: of all streams at the end of an epoch, if set so, and of
        single streams now and then, at random. A network whose state is only ever carried comes to depend on it: after
        1,000 iterations an LSTM of 512 units lost 0.23 nats/char when it had to begin from zero, as every sample does.
        Items begin from zero in any case.
        """
        t = self._training
        if self.model.network.mark is not None:
            return
        if iteration and iteration % self.streams.windows == 0 and t.epoch_end == "reset":
            self.state[:] = 0
        rng = seeds.generator(t.seed, "fresh streams", iteration)
        self.state[:, :, rng.random(t.batch) < t.state_reset] = 0
