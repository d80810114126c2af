"""How sure a network is, brought to what it knows of text that it has not learnt.

A network that has read its text often is surer than it is right. One number that all logits are multiplied by, the
inverse of a temperature, mends that (Guo et al. 2017, arXiv 1706.04599).
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from charrnn.arrays import Array, Ids
from charrnn.model import Model
from charrnn.nn.functional import cross_entropy
from charrnn.nn.parameters import Workspace
from charrnn.storage.checkpoint import Checkpoint
from charrnn.training.evaluation import measure
from charrnn.training.facts import Calibrated

STEP = 0.1
LOG_SCALES = STEP * np.arange(-7, 3)
"""Natural logarithms of the numbers that are tried: logits times 0.5 to 1.2."""


def calibrate(best: Checkpoint, streams: Sequence[Ids], window: int) -> tuple[Checkpoint, Calibrated]:
    """A checkpoint whose network is as sure as its loss over streams is lowest for, and what that took. The parameters
    are changed in place."""
    scale, loss = best_scale(best.model, streams, window)
    for name in best.model.network.head_parameters:
        best.model.parameters[name][:] *= scale
    progress = replace(best.progress, validation_loss=loss, best_loss=loss)
    return replace(best, progress=progress), Calibrated(progress.iteration, scale, loss)


def best_scale(model: Model, streams: Sequence[Ids], window: int) -> tuple[float, float]:
    """What to multiply the logits by for the lowest loss over streams, and that loss in nats per character. They are
    read once; between the numbers that are tried, the loss is taken for a parabola."""
    network, space = model.network, Workspace(model.network.dtype)
    scales, nats = np.exp(LOG_SCALES).astype(network.dtype), np.zeros(len(LOG_SCALES))

    def read(x: Ids, y: Ids, state: Array) -> tuple[Array, Array]:
        unrolled = network.forward(model.parameters, x, state, space)
        losses = np.array([cross_entropy(unrolled.logits * scale, y) for scale in scales])
        nats[:] += len(x) * losses.sum(axis=1)
        return losses[0], unrolled.state

    measure(streams, window, network.zero_state, read)
    losses = nats / sum(len(ids) - 1 for ids in streams)
    k = min(max(int(losses.argmin()), 1), len(losses) - 2)
    curvature, slope, loss = np.polyfit((-1, 0, 1), losses[k - 1 : k + 2], 2)
    at = float(np.clip(-slope / (2 * curvature) if curvature > 0 else -np.sign(slope), -1, 1))
    return float(np.exp(LOG_SCALES[k] + at * STEP)), float(loss + slope * at + curvature * at**2)
