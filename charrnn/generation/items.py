"""Items out of a model that has learnt items: each from its beginning to its end.

Shapes: B items written side by side, n characters.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from charrnn.arguments import as_whole, check_type
from charrnn.errors import CharRNNError
from charrnn.generation.sampler import AS_LEARNT, Sampling, as_generator, check_begins_item, draws
from charrnn.model import Model
from charrnn.nn.functional import surprisal
from charrnn.text.items import UNIT_SEPARATOR

TOGETHER = 200
"""Items that are written side by side at most."""
LENGTH = 500
"""Characters after which an item is cut off."""
TRIES = 50
"""So many are written for each that is wanted, before it is given up."""


@dataclass(frozen=True)
class Item:
    """An item as it was written."""

    text: str
    """With its prime, without its mark and its label."""
    written: str
    """The same without its prime."""
    label: str | None
    log_probability: float
    """Of all that was written of it, its end included, in nats: under the model, without filters."""
    is_whole: bool
    """Whether it came to its end, rather than be cut off."""


def write_items(
    model: Model,
    count: int,
    seed: int | np.random.Generator = 0,
    sampling: Sampling = AS_LEARNT,
    *,
    length: int = LENGTH,
    label: str | None = None,
    wanted: Callable[[str], bool] = lambda text: True,
) -> Iterator[Item]:
    """Writes items, of ``length`` characters at most, that begin with the prime of ``sampling``, and with a ``label``
    where one is given. Those that are not ``wanted``, by their texts, are not yielded, and others take their places.
    A generator in the place of a ``seed`` goes on from where it is.

    Raises CharRNNError, at the call, for a model that has not learnt items and for an argument that cannot be used;
    later, where hardly any item is wanted.
    """
    check_type(model, Model, "the model", "give load_checkpoint('runs/names').model, for instance")
    if model.network.mark is None:
        raise CharRNNError("this network has learnt one text, not items", "write with generate")
    check_type(sampling, Sampling, "the sampling", "give Sampling(filters={'temperature': 0.7}), for instance")
    if sampling.stop:
        raise CharRNNError("items end by themselves, and at no other text", "leave out {stop}")
    check_type(label, str | None, "the label", "give {label} a text")
    count, length, rng = as_whole(count, "count"), as_whole(length, "length", 1), as_generator(seed)
    primed = Sampling(_beginning(model, sampling.prime, label), sampling.filters, (), sampling.forbid)

    def items() -> Iterator[Item]:
        yielded = written = 0
        while yielded < count:
            if written >= TRIES * count:
                raise CharRNNError(
                    f"of {written:,} items that were written all but {yielded:,} were known or written before",
                    "raise {temperature}, or ask for fewer",
                )
            for item in _written(model, rng, primed, length, min(TOGETHER, count - yielded)):
                written += 1
                if wanted(item.text):
                    yielded += 1
                    yield item

    return items()


def _beginning(model: Model, prime: str, label: str | None) -> str:
    """A prime after its label. Raises CharRNNError where no item begins so."""
    prime = model.vocabulary.normalised(prime)
    beginning = prime if label is None else f"{label}{UNIT_SEPARATOR}{prime}"
    check_begins_item(model, beginning)
    return beginning


def _written(model: Model, rng: np.random.Generator, sampling: Sampling, length: int, count: int) -> Iterator[Item]:
    ids, nats, ended = [], [], np.zeros(count, np.bool_)
    for drawn, logits in draws(model, length + 1, rng, sampling, count):
        ids.append(drawn)
        nats.append(surprisal(logits, drawn))
        ended |= drawn == model.network.mark
        if ended.all():
            break
    for of_item, its_nats in zip(np.transpose(ids), np.transpose(nats), strict=True):
        ends = np.flatnonzero(of_item == model.network.mark)
        n = int(ends[0]) if len(ends) else length
        written = model.vocabulary.decode(of_item[:n])
        text = sampling.prime + written
        label, separator, rest = text.partition(UNIT_SEPARATOR)
        text = rest if separator else text
        log_probability = -float(its_nats[: n + len(ends[:1])].sum())
        written = min(text, written, key=len)  # a label that was written is left out
        yield Item(text, written, label if separator else None, log_probability, len(ends) > 0)
