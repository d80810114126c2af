"""Which size of network a text and a time deserve: proposals with the loss that each may be expected to reach."""

import bz2
import math
from typing import NamedTuple

from charrnn.text.corpus import Corpus

SAMPLE = 2**20
"""Characters of a text from which its difficulty is told."""


class Sizes(NamedTuple):
    """What the loss depends on."""

    parameters: int
    seen: int
    """Characters that training reads, those of every epoch counted."""
    text: int
    """Characters of the training text."""
    difficulty: float
    """Of the text; see ``difficulty``."""


class Fit(NamedTuple):
    """Constants of the formula."""

    floor: float
    a: float
    alpha: float
    b: float
    beta: float
    repeats: float

    def loss(self, at: Sizes) -> float:
        """Nats per character on the validation part: difficulty * (floor + a / parameters^alpha + b / seen^beta), the
        form of Hoffmann et al. 2022 (arXiv 2203.15556), where characters seen again count less each time, and at last
        for nothing (Muennighoff et al. 2023, arXiv 2305.16264): ``repeats`` is how many epochs they are worth in all.
        """
        again = max(0.0, at.seen / at.text - 1)
        seen = min(at.seen, at.text) + at.text * self.repeats * -math.expm1(-again / self.repeats)
        return at.difficulty * (self.floor + self.a / at.parameters**self.alpha + self.b / seen**self.beta)


FIT = Fit(floor=0.5, a=10.0, alpha=0.3, b=50.0, beta=0.4, repeats=15.0)


def difficulty(corpus: Corpus) -> float:
    """Nats per character that bzip2 needs for the beginning of the training text: what makes texts comparable."""
    text = corpus.vocabulary.decode(corpus.training[:SAMPLE])
    return 8 * math.log(2) * len(bz2.compress(text.encode())) / len(text)
