"""Samples taken on the way: the progression of a run."""

from dataclasses import dataclass

from charrnn import seeds
from charrnn.config import SnapshotSettings
from charrnn.generation.sampler import generate
from charrnn.model import Model
from charrnn.text.words import real_word_share


@dataclass(frozen=True)
class Snapshot:
    """A sample and where the run stood when it was taken."""

    iteration: int
    loss: float
    """Of training, nats per character, mean of the latest iterations."""
    validation_loss: float | None
    temperature: float
    seed: int
    real_words: float
    """The share of its words that are real, from 0 to 1 (see ``charrnn.text.words``)."""
    text: str

    def to_file(self) -> str:
        """A header of ``key: value`` lines, an empty line, the text."""
        header = {name: value for name, value in vars(self).items() if name != "text" and value is not None}
        return "".join(f"{name}: {value}\n" for name, value in header.items()) + f"\n{self.text}\n"

    @classmethod
    def from_file(cls, content: str) -> "Snapshot":
        """The inverse of ``to_file``; raises ValueError or KeyError for anything else."""
        header, _, text = content.partition("\n\n")
        values = dict(line.split(": ", 1) for line in header.splitlines())
        validation_loss = values.get("validation_loss")
        return cls(
            iteration=int(values["iteration"]),
            loss=float(values["loss"]),
            validation_loss=None if validation_loss is None else float(validation_loss),
            temperature=float(values["temperature"]),
            seed=int(values["seed"]),
            real_words=float(values["real_words"]),
            text=text.removesuffix("\n"),
        )


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
    filters = {"temperature": settings.temperature}
    rng = seeds.generator(seed, "snapshots", iteration)
    characters = generate(model, settings.length, rng, prime=settings.prime, filters=filters)
    text = settings.prime + "".join(character for (character,) in characters)
    share = real_word_share(text, real)
    return Snapshot(iteration, loss, validation_loss, settings.temperature, seed, share, text)
