"""What one iteration of training is: read a window, go forward and backward, clip, step.

Shapes: T window, B streams, L layers, S states of a cell, H hidden size.
"""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from charrnn import seeds
from charrnn.model import Model
from charrnn.optim.schedules import Position
from charrnn.settings.build import build_dropout, build_schedule
from charrnn.settings.schema import Settings
from charrnn.storage.checkpoint import TrainingState
from charrnn.text.streams import Streams
from charrnn.training.engine import Learnt
from charrnn.training.transport import AnyEngine
from charrnn.training.updater import Updater


class Learner:
    """Learns from one window at a time: it knows which window comes next, which streams begin anew, and the rate. The
    engine has the hidden states of the streams, and the updater what the gradient changes.

    ``step`` may be called only while the engine runs.
    """

    def __init__(self, settings: Settings, model: Model, streams: Streams, engine: AnyEngine) -> None:
        self.streams = streams
        self.updater = Updater(settings, model.network, model.parameters)
        self._engine = engine
        engine.state = model.network.zero_state(streams.streams)
        self._has_items = model.network.mark is not None
        self._dropout = build_dropout(settings)
        self._training = settings.training
        self._schedule = build_schedule(settings)

    def step(self, iteration: int, iterations: int) -> tuple[Learnt, float]:
        """Learns from the window of iteration number ``iteration``, counted from 0, of ``iterations`` in all; returns
        what it taught, and the learning rate."""
        x, y = self.streams.window(iteration)
        dropout = replace(self._dropout, iteration=iteration)
        rate = self._schedule(Position(iteration, iterations, self.streams.windows))
        return self._engine.learn(self.updater, x, y, self._fresh(iteration), dropout, rate), rate

    @property
    def state(self) -> TrainingState:
        """What the next step depends on beside the model; its arrays are those in use."""
        return TrainingState(self.updater.optimizer.steps, self.updater.memory, self._engine.state)

    @state.setter
    def state(self, state: TrainingState) -> None:
        self.updater.restore(state.optimizer_steps, state.memory)
        self._engine.state = state.state

    def _fresh(self, iteration: int) -> npt.NDArray[np.bool_]:
        """Which streams begin anew, (B,), from a hidden state of zero: all at the end of an epoch, if set so, and some
        now and then, at random. A network whose state is only ever carried comes to depend on it: after
        1,000 iterations an LSTM of 512 units lost 0.23 nats/char when it had to begin from zero, as every sample does.
        Items begin from zero in any case, and so does the rest of one that a stream begins with.
        """
        t = self._training
        if self._has_items:
            return np.full(t.batch, iteration % self.streams.windows == 0)
        if iteration and iteration % self.streams.windows == 0 and t.epoch_end == "reset":
            return np.ones(t.batch, np.bool_)
        rng = seeds.generator(t.seed, "fresh streams", iteration)
        return rng.random(t.batch) < t.state_reset
