"""Which size of network suits a text and a time: proposals, each with the loss that it should reach."""

import bz2
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from charrnn.errors import SettingsError
from charrnn.model import Model
from charrnn.settings.schema import Settings
from charrnn.text.corpus import Corpus
from charrnn.text.streams import count_windows
from charrnn.training.budget import Budget
from charrnn.training.speed import REHEARSAL, forecast, measure_speed

HIDDEN = (64, 128, 256, 384, 512, 768, 1024)
"""Sizes to choose from."""
FEWEST = 60
"""Iterations below which a network learns next to nothing."""
CROWDED = 20
"""The most parameters for each character of the text that are tried; 6 were measured, and did no harm."""
WINDOWS = 10
"""The fewest windows in a stream; a short text is cut into fewer streams."""
PIECES, PIECE = 16, 2**15
"""How many pieces of a text its difficulty is measured on, and the length of each in characters."""


class Sizes(NamedTuple):
    """What the loss depends on."""

    parameters: int
    seen: int
    """Characters that training reads, over all epochs."""
    text: int
    """Characters of the training text."""
    difficulty: float
    """That of the text, as the function ``difficulty`` measures it."""


class Fit(NamedTuple):
    """Constants of the formula."""

    floor: float
    a: float
    alpha: float
    b: float
    beta: float
    repeats: float

    def loss(self, at: Sizes) -> float:
        """Nats per character on the validation part: floor * difficulty + a / parameters^alpha + b / seen^beta, the
        form of Hoffmann et al. 2022 (arXiv 2203.15556), where characters seen again count less each time, and in
        the end nothing (Muennighoff et al. 2023, arXiv 2305.16264): ``repeats`` is how many epochs all repetitions
        together can be worth.
        """
        again = max(0.0, at.seen / at.text - 1)
        seen = min(at.seen, at.text) - at.text * self.repeats * math.expm1(-again / self.repeats)
        return float(self.floor * at.difficulty + self.a / at.parameters**self.alpha + self.b / seen**self.beta)


FIT = Fit(floor=0.6518, a=3050.0, alpha=0.84, b=356800.0, beta=1.07, repeats=40.0)
"""Fitted by ``benchmarks/loss_fit.py`` to runs of 0.25 to 4 million characters by one layer of 64 to 512 units; only
``repeats`` is set by hand: in 37 epochs of 54,000 characters nothing was lost by repetition."""
ERROR = 0.1
"""How far the formula is off (root mean square) on a text it was not fitted to, as a share of the loss: 2 % and 7 % on
two books, 10 % on a manual. On the beginning of a text it is 4 % too low to 16 % too high."""


@dataclass(frozen=True)
class Proposal:
    """A network of one size, trained on a text for a time."""

    layers: int
    hidden: int
    batch: int
    parameters: int
    iterations: int
    epochs: float
    loss: float
    """The loss expected on the validation part, in nats per character."""

    @property
    def loss_range(self) -> tuple[float, float]:
        """The range in which the loss is expected."""
        return self.loss * (1 - ERROR), self.loss * (1 + ERROR)


def propose(settings: Settings, corpus: Corpus) -> Iterator[Proposal]:
    """Proposals for the minutes that the settings give, from the smallest network up, as long as larger ones promise
    a lower loss; measures how fast this machine trains each, which takes a second or two.

    Raises CorpusError where the text is too short to train on, SettingsError where the time is too short.
    """
    m, t = settings.model, settings.training
    batch = min(t.batch, max(1, (len(corpus.training) - 1) // (WINDOWS * t.window)))
    hard = difficulty(corpus)
    losses: list[float] = []
    for hidden in HIDDEN:
        sized, training = m.model_copy(update={"hidden": hidden}), t.model_copy(update={"batch": batch})
        candidate = settings.model_copy(update={"model": sized, "training": training})
        parameters, iterations = _fitting(candidate, corpus)
        if iterations < FEWEST or (losses and parameters > CROWDED * len(corpus.training)):
            break
        loss = FIT.loss(Sizes(parameters, iterations * batch * t.window, len(corpus.training), hard))
        epochs = iterations / count_windows(len(corpus.training), batch, t.window)
        yield Proposal(m.layers, hidden, batch, parameters, iterations, epochs, loss)
        losses.append(loss)
        if len(losses) > 2 and min(losses[-2:]) > min(losses):
            break
    if not losses:
        raise SettingsError(
            f"{t.minutes:g} minutes are too few: they hold {iterations} iterations of the smallest network, "
            f"and it takes {FEWEST} to learn anything",
            "set {minutes} higher",
        )


def _fitting(settings: Settings, corpus: Corpus) -> tuple[int, int]:
    """How many parameters a network has, and how many iterations of it fit in the minutes of the settings."""
    started, seconds = time.perf_counter(), 60 * (settings.training.minutes or 0)
    model = Model.new(settings, corpus.vocabulary)
    speed = measure_speed(settings, corpus, model, min(REHEARSAL, seconds / 20))
    spent = time.perf_counter() - started
    budget = Budget(seconds, forecast(settings, corpus, speed), 0, spent)
    return len(model.parameters.vector), budget.plan(0, spent)


def best(proposals: Sequence[Proposal]) -> Proposal:
    """The proposal with the lowest expected loss."""
    return min(proposals, key=lambda proposal: proposal.loss)


def reason(chosen: Proposal, proposals: Sequence[Proposal], corpus: Corpus) -> str:
    """Why a proposal is chosen, in a sentence."""
    larger = [p for p in proposals if p.hidden > chosen.hidden]
    why = (
        f"its {chosen.parameters:,} parameters read the {len(corpus.training):,} characters {chosen.epochs:.3g} times "
        "in that time"
    )
    if chosen is not proposals[0]:
        why += ", and a smaller network makes less of them"
    if larger:
        return f"{why}; a larger one makes more of each but would read them {larger[0].epochs:.3g} times"
    if chosen.hidden == HIDDEN[-1]:
        return f"{why}; it is the largest that was tried"
    return (
        f"{why}; a larger one would come to fewer than {FEWEST} iterations, or have more than {CROWDED} parameters for "
        "each character"
    )


def difficulty(corpus: Corpus) -> float:
    """Nats per character that bzip2 needs for pieces of the training text. The pieces have the same length in all
    texts, since bzip2 does better on longer ones."""
    ids = corpus.training
    last = max(0, len(ids) - PIECE)
    starts = {last * k // (PIECES - 1) for k in range(PIECES)}
    pieces = [corpus.vocabulary.decode(ids[start : start + PIECE]) for start in sorted(starts)]
    return 8 * math.log(2) * sum(len(bz2.compress(piece.encode())) for piece in pieces) / sum(map(len, pieces))
