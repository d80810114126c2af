"""Which network suits a text and a time, and how it is best trained: proposals, one for each size.

What the rules were drawn from stands in ``benchmarks/learning.md``.
"""

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from charrnn.arguments import check_type, is_number, shown
from charrnn.errors import CorpusError, SettingsError
from charrnn.model import Model
from charrnn.settings.overlays import Overlay, from_mapping, resolve, set_by
from charrnn.settings.schema import Settings
from charrnn.text.corpus import Corpus
from charrnn.text.streams import LEAST_WINDOW, count_windows
from charrnn.training.budget import Budget
from charrnn.training.speed import Speed, characters_read, forecast, measure_speed, occasions
from charrnn.wording import how_many

HIDDEN = (*range(64, 512, 32), *range(512, 1025, 64))
"""Sizes to choose from."""
BEST_RATIO = 7.0
"""Characters that the best network reads in its time for each of its parameters. The optimum is flat."""
MOST_EPOCHS = 60
"""Passes over a text after which no network was seen to learn more from it, however much it was kept from learning it
by heart."""
BATCH, WINDOW = 50, 50
WINDOWS = 25
"""The fewest windows in a stream; a short text is cut into fewer streams, and one that holds no window into one of
shorter windows."""
VALIDATION, PIECE = 50_000, 2_000
"""The most characters held out, and so many of them in one place: what is held out is learnt from what stands around
it, where a whole chapter, act or class that is held out is learnt from nothing."""
VALIDATIONS, EVALUATING = 20, 0.05
"""How often the validation loss is measured, unless that takes more than this share of the time."""
MEASURING, OF_ALL = 0.3, 1 / 600
"""Seconds of iterations that are timed for each size, or this share of the time where that is more; fewer where the
minutes are few."""


@dataclass(frozen=True)
class Proposal:
    """A network of one size, trained on a text for a time."""

    settings: Settings
    parameters: int
    iterations: int
    epochs: float
    ratio: float
    """Characters read, over all epochs, for each parameter."""

    @property
    def size(self) -> str:
        """``1 x 256``."""
        return f"{self.settings.model.layers} x {self.settings.model.hidden}"


def settings_for(corpus: Corpus, minutes: float, **sections: Mapping[str, Any]) -> Settings:
    """The settings of the network that should learn most of a text in so many minutes on this machine, as
    ``charrnn train --minutes`` chooses them: ``settings_for(corpus, 10, model={"cell": "gru"})``.

    Settings given by section are kept, and the rest is chosen around them. Measures for some seconds how fast networks
    of several sizes train. Raises CorpusError where the text is too short, SettingsError for settings that cannot be.
    """
    check_type(corpus, Corpus, "the corpus", "give what load_corpus or make_corpus returns", CorpusError)
    if not is_number(minutes) or not minutes > 0:
        raise SettingsError(f"minutes is {shown(minutes)}", "give {minutes} a number above 0")
    given = [
        from_mapping(settings, "settings_for")
        for settings in ({"corpus": corpus.shares}, sections, {"training.minutes": minutes})
    ]
    if resolve(given).training.init_from is not None:
        raise SettingsError("training.init_from names a network, which leaves nothing to choose", "leave it out")
    return best(list(propose(given, corpus))).settings


def leaves_choice(overlays: Sequence[Overlay], settings: Settings) -> bool:
    """Whether overlays, which come to these settings, say how long to train and leave it open what: they name no recipe
    and no network to begin with."""
    described = any(overlay.describes_run for overlay in overlays)
    return settings.training.minutes is not None and settings.training.init_from is None and not described


def propose(overlays: Sequence[Overlay], corpus: Corpus) -> Iterator[Proposal]:
    """Proposals for the minutes that the overlays give, in search of the size that suits them: the larger a network,
    the less it reads for each of its parameters, so that half of the sizes that are left are ruled out each time. What
    the overlays set is kept, and the rest follows from the text, the time and the speed of this machine, which is
    measured for each size that is tried. Raises CorpusError where the text is too short to train on.
    """
    started, given = time.perf_counter(), resolve(overlays)
    sizes: Sequence[int] = (given.model.hidden,) if "model.hidden" in set_by(overlays) else HIDDEN
    assert given.training.minutes is not None
    while sizes:
        k = len(sizes) // 2
        found = _proposal(sizes[k], started, 60 * given.training.minutes, overlays, corpus)
        yield found
        sizes = sizes[:k] if found.ratio < BEST_RATIO else sizes[k + 1 :]


def best(proposals: Sequence[Proposal]) -> Proposal:
    """The proposal that reads neither too little for its size nor is too small for what it reads."""
    return min(proposals, key=lambda proposal: abs(math.log(proposal.ratio / BEST_RATIO)))


def reasons(chosen: Proposal, proposals: Sequence[Proposal]) -> tuple[str, str]:
    """Why a network has its size, and why it is trained as it is: two sentences."""
    m, t = chosen.settings.model, chosen.settings.training
    reads = f"{how_many(chosen.epochs, 'time', '.3g')}, {how_many(chosen.ratio, 'character', '.2g')} for each parameter"
    why = f"{chosen.size} reads the text {reads}"
    if t.epochs:
        why += "; reading it more often would teach it little"
    elif len(proposals) > 1:
        why += f", and {BEST_RATIO:g} is about right"
    places = {
        "of the input": m.dropout_input,
        "of the recurrent weights": m.dropout_recurrent,
        "before the head": m.dropout_head,
    }
    dropped = ", ".join(f"{rate:g} {place}" for place, rate in places.items() if rate)
    against = f"{f'dropout {dropped} and ' if dropped else ''}weight decay {t.weight_decay:g}"
    how = f"{against} against learning it by heart; learning rate {t.learning_rate:g}, which suits its width"
    return why, how


def by_heart(parameters: int, characters: int, epochs: float) -> float:
    """How soon a network knows a text by heart: the sooner, the more often it reads the text, and the more parameters
    it has for each character. From 1 on, that has to be hindered."""
    return math.log2(max(1.0, epochs)) + math.log2(parameters / characters) / 2


def recipe(
    hidden: int,
    corpus: Corpus,
    danger: float = 0.0,
    iterations: int = 1,
    validations: int = VALIDATIONS,
    validation: float | None = None,
    batch: int | None = None,
    window: int | None = None,
) -> dict[str, Any]:
    """How a network of one layer is best trained on a text, in so many iterations in all, and with this ``validation``,
    ``batch`` and ``window`` where they are given. The wider, the lower the learning rate; the greater the ``danger``
    that it learns the text by heart (``by_heart``), the more is dropped.

    Items are held out at random, and of a text in files the end is: its pieces would have to be copied.
    """
    n = len(corpus.training)
    if validation is None:
        validation = min(0.1, VALIDATION / len(corpus))
    in_pieces = corpus.mark is None and corpus.folder is None
    if batch is None:
        batch = max(1, min(BATCH, n // (WINDOWS * (window or WINDOW))))
    every = math.ceil(iterations / validations)
    return {
        "corpus.validation": validation,
        "corpus.pieces": max(1, int(len(corpus) * validation / PIECE)) if in_pieces else 1,
        "model.cell": "mogrifier",
        "model.layers": 1,
        "model.hidden": hidden,
        "model.dropout_input": _rate((danger - 6.8) / 3, most=0.2),
        "model.dropout_recurrent": _rate((danger - 2.2) / 15, most=0.5),
        "model.dropout_head": _rate(danger / 13, most=0.5),
        "training.batch": batch,
        "training.window": window or max(LEAST_WINDOW, min(WINDOW, (n - 1) // batch)),
        "training.epoch_start": "random",
        "training.optimizer": "adamw",
        "training.weight_decay": 0.1 if danger < 1 else 0.2,
        "training.learning_rate": min(2e-2, round(5 / hidden, 4)),
        "training.lookup_rate": 3.0,
        "training.head_rate": 3.0,
        "training.schedule": "cosine",
        "training.warmup": 50,
        "training.validate_every": every,
        "training.early_stop": True,
        "training.calibrate": True,
        "snapshots.at": sorted({10, every // 4, *(every * 2**k for k in range(5))} - {0}),
    }


def _rate(x: float, most: float) -> float:
    return round(min(most, max(0.0, x)), 2)


def _proposal(hidden: int, started: float, seconds: float, overlays: Sequence[Overlay], corpus: Corpus) -> Proposal:
    given, named = resolve(overlays), set_by(overlays)
    c, t = given.corpus, given.training
    fixed = {"corpus.validation": c.validation, "training.batch": t.batch, "training.window": t.window}
    kept: dict[str, Any] = {key.split(".")[1]: value for key, value in fixed.items() if key in named}
    first = _settled(overlays, recipe(hidden, corpus, **kept))
    corpus = corpus.cut(first.corpus.validation, first.corpus.test, first.corpus.pieces)
    model = Model.new(first, corpus.vocabulary)
    parameters = len(model.parameters.vector)
    speed = measure_speed(first, corpus, model, min(max(MEASURING, seconds * OF_ALL), seconds / 40))

    t = first.training
    window, windows = t.batch * t.window, count_windows(len(corpus.training), t.batch, t.window)
    in_time = max(1, int(speed.training * seconds * (1 - EVALUATING) / window))
    iterations = min(in_time, MOST_EPOCHS * windows)
    validations = _validations(corpus, t.evaluate_characters, speed, seconds)
    danger = by_heart(parameters, len(corpus.training), iterations / windows)
    chosen = recipe(hidden, corpus, danger, iterations, validations, **kept)
    if in_time > iterations:
        overlays = [*overlays, from_mapping({"training.epochs": MOST_EPOCHS}, "the choice")]
    else:
        spent = time.perf_counter() - started
        iterations = Budget(seconds, forecast(_settled(overlays, chosen), corpus, speed), 0, spent).plan(0, spent)
    chosen["training.patience"] = _patience(_settled(overlays, chosen), iterations)
    settings = _settled(overlays, chosen)
    return Proposal(settings, parameters, iterations, iterations / windows, iterations * window / parameters)


def _settled(overlays: Sequence[Overlay], chosen: Mapping[str, Any]) -> Settings:
    return resolve([from_mapping(chosen, "the choice"), *overlays])


def _validations(corpus: Corpus, most: int | None, speed: Speed, seconds: float) -> int:
    """How many measurements of the validation loss there is time for."""
    read = characters_read(corpus.validation, most)
    if not speed.evaluation or not read:
        return VALIDATIONS
    return max(4, min(VALIDATIONS, int(EVALUATING * seconds * speed.evaluation / read)))


def _patience(settings: Settings, iterations: int) -> int:
    """How many validations a loss may rest for: half of those that come at regular intervals, with snapshots too. At a
    high rate it may rest for a quarter of a run, and fall again with the rate."""
    s, t = settings.snapshots, settings.training
    return max(2, occasions(0, iterations, [t.validate_every, *([s.every] if s.every else [])], ()) // 2)
