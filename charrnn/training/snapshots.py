"""Samples taken on the way: the progression of a run."""

from charrnn import seeds
from charrnn.generation.sampler import Sampling, generate
from charrnn.model import Model
from charrnn.settings.schema import SnapshotSettings
from charrnn.storage.snapshot import Snapshot
from charrnn.text.words import real_word_share


def is_due(iteration: int, settings: SnapshotSettings) -> bool:
    """Whether a snapshot is to be taken after this iteration."""
    return iteration in settings.at or bool(settings.every and iteration % settings.every == 0)


def take_snapshot(
    model: Model,
    settings: SnapshotSettings,
    seed: int,
    iteration: int,
    loss: float,
    validation_loss: float | None,
    real: frozenset[str],
) -> Snapshot:
    """Writes a sample and measures it against the ``real`` words of the training text."""
    sampling = Sampling(settings.prime, {"temperature": settings.temperature})
    rng = seeds.generator(seed, "snapshots", iteration)
    characters = generate(model, settings.length, rng, sampling)
    text = settings.prime + "".join(character for (character,) in characters)
    share = real_word_share(text, real)
    return Snapshot(iteration, loss, validation_loss, settings.temperature, seed, share, text)
