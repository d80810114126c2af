"""Settings that do nothing beside the others, or not what was meant: found among those that were set, and each said
with the reason."""

from collections.abc import Iterator, Sequence

from charrnn.nn.cells import CELLS
from charrnn.nn.cells.lstm import LSTM
from charrnn.optim.optimizers import OPTIMIZERS, SGD, AdamW
from charrnn.optim.schedules import SCHEDULES, Position
from charrnn.settings.build import build_schedule, keywords
from charrnn.settings.overlays import Overlay, set_by
from charrnn.settings.schema import MEANINGS, Settings, TrainingSettings
from charrnn.wording import how_many

STRONG_PENALTY = 1e-3
"""The weight decay from which on an L2 penalty outweighs the gradient to which it is added, where an optimizer then
measures out the steps by both."""


def remarks(settings: Settings, iterations: int, overlays: Sequence[Overlay]) -> list[str]:
    """A sentence for each setting of the overlays that does nothing, or not what was meant, in a run of so many
    iterations.

    What stands at its default in a file that describes a run is passed over: such files may list all settings.
    """
    values, defaults = settings.by_key(), Settings().by_key()
    by_name = set_by(overlay for overlay in overlays if not overlay.describes_run)
    described = set_by(overlay for overlay in overlays if overlay.describes_run)
    idle = ((key, f"and does nothing: {reason}") for key, reason in _idle(settings, iterations))
    said = []
    for key, remark in (*_surprising(settings, iterations), *idle):
        if key in by_name or (key in described and values[key] != defaults[key]):
            said.append(f"{key} is {values[key]!r} {remark}")
    return said


def _idle(settings: Settings, iterations: int) -> Iterator[tuple[str, str]]:
    """Every setting that does nothing, whoever set it, and why. A new rule is a line here."""
    c, m, t, s = settings.corpus, settings.model, settings.training, settings.snapshots
    if not c.path:
        yield from _all("corpus", ("encoding", "newline"), "Python's manual is not read from a file")
    if not c.validation:
        yield from _all(
            "training", ("validate_every", "patience", "early_stop", "calibrate"), "no text is held out for validation"
        )
        if not c.test:
            yield "training.evaluate_characters", "no text is held out"
            yield "corpus.pieces", "nothing of the text is held out"

    if c.made_of:
        places = ("state_reset", "epoch_start", "epoch_end")
        yield from _all("training", places, "items begin from a state of zero, in another order in each epoch")
    else:
        yield "corpus.seed", "the text is one, and nothing of it is held out at random"

    if m.dropout and m.layers == 1:
        yield "model.dropout", "it is between layers, and there is one; set model.layers or model.dropout_head"
    if m.skips and m.layers == 1:
        yield "model.skips", "one layer has the character and goes to the head in any case; set model.layers"
    if not any((m.dropout and m.layers > 1, m.dropout_input, m.dropout_head)):
        yield "model.dropout_masks", "no units are dropped; of the recurrent weights the same are in a whole window"
    if t.init_from:
        yield "model.forget_bias", "the network begins with the weights of training.init_from"
    elif not issubclass(CELLS[m.cell], LSTM):
        yield "model.forget_bias", f"the cell {m.cell} has none"

    for what, registry, chosen in (("optimizer", OPTIMIZERS, t.optimizer), ("schedule", SCHEDULES, t.schedule)):
        of_any = {name for each in registry.values() for name in keywords(each)}
        unused = [key for key in MEANINGS if key.removeprefix("training.") in of_any - keywords(registry[chosen])]
        yield from ((key, f"the {what} {chosen} has no use for it") for key in unused)
    if _only_warms_up(t, iterations):
        after = sorted(keywords(SCHEDULES[t.schedule]) - {"warmup"})
        yield from _all("training", after, f"training.warmup takes all of {how_many(iterations, 'iteration')}")
    if t.clip is None:
        yield "training.clip_kind", "training.clip is null"

    if s.at and min(s.at) > iterations:
        yield "snapshots.at", f"beyond the run of {how_many(iterations, 'iteration')}"


def _surprising(settings: Settings, iterations: int) -> Iterator[tuple[str, str]]:
    """Every setting that does something else than was meant, whoever set it, and what."""
    t = settings.training
    if _only_warms_up(t, iterations):
        rate = build_schedule(settings)(Position(iterations - 1, iterations, windows=1))
        yield (
            "training.warmup",
            f"in a run of {how_many(iterations, 'iteration')}: the learning rate only rises, and ends at "
            f"{100 * rate / t.learning_rate:.3g}% of training.learning_rate",
        )
    if t.weight_decay > STRONG_PENALTY and not issubclass(OPTIMIZERS[t.optimizer], AdamW | SGD):
        yield (
            "training.optimizer",
            f"and adds training.weight_decay, {t.weight_decay:g}, to the gradient as an L2 penalty, far stronger than "
            "in adamw; set training.weight_decay=0",
        )


def _only_warms_up(t: TrainingSettings, iterations: int) -> bool:
    return t.minutes is None and t.warmup >= iterations  # where there are minutes, it is cut to half of the run


def _all(section: str, names: Sequence[str], reason: str) -> Iterator[tuple[str, str]]:
    return ((f"{section}.{name}", reason) for name in names)
