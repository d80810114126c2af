"""Samples taken during training: the progression of a run."""

from charrnn import seeds
from charrnn.generation.sampler import Sampling, generate
from charrnn.model import Model
from charrnn.settings.schema import Settings, SnapshotSettings
from charrnn.storage.document import Progress
from charrnn.storage.snapshot import Snapshot
from charrnn.text.items import readable
from charrnn.text.words import real_word_share


def is_due(iteration: int, settings: SnapshotSettings) -> bool:
    """Whether the settings ask for a snapshot after this iteration."""
    return iteration in settings.at or bool(settings.every and iteration % settings.every == 0)


def take_snapshot(model: Model, settings: Settings, progress: Progress, real: frozenset[str]) -> Snapshot:
    """Writes a sample and measures it against the ``real`` words of the training text."""
    s, seed = settings.snapshots, settings.training.seed
    rng = seeds.generator(seed, "snapshots", progress.iteration)
    characters = generate(model, s.length, rng, Sampling(s.prime, {"temperature": s.temperature}))
    text = readable(model.vocabulary.normalised(s.prime) + "".join(character for (character,) in characters))
    return Snapshot(
        iteration=progress.iteration,
        loss=progress.training_loss,
        validation_loss=progress.validation_loss,
        temperature=s.temperature,
        seed=seed,
        real_words=real_word_share(text, real),
        text=text,
    )
