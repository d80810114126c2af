"""A sample that a run took while it trained, and the text file that keeps it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Snapshot:
    """A sample, and how far the run was when it was taken."""

    iteration: int
    loss: float
    """Training loss, nats per character, mean of the latest iterations."""
    validation_loss: float | None
    temperature: float
    seed: int
    real_words: float | None
    """The share of its words that are real, from 0 to 1; None for a text in which that tells nothing (see
    ``charrnn.text.words``)."""
    text: str

    def to_file(self) -> str:
        """A header of ``key: value`` lines, an empty line, the text."""
        header = {name: value for name, value in vars(self).items() if name != "text" and value is not None}
        return "".join(f"{name}: {value}\n" for name, value in header.items()) + f"\n{self.text}\n"

    @classmethod
    def from_file(cls, content: str) -> "Snapshot":
        """The inverse of ``to_file``; raises ValueError or KeyError for any other text."""
        header, _, text = content.partition("\n\n")
        values = dict(line.split(": ", 1) for line in header.splitlines())
        validation_loss, real_words = values.get("validation_loss"), values.get("real_words")
        return cls(
            iteration=int(values["iteration"]),
            loss=float(values["loss"]),
            validation_loss=None if validation_loss is None else float(validation_loss),
            temperature=float(values["temperature"]),
            seed=int(values["seed"]),
            real_words=None if real_words is None else float(real_words),
            text=text.removesuffix("\n"),
        )
