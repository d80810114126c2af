"""What settings describe, built: the text, the network, the optimizer, the learning rate, the limit of the gradient."""

import inspect
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from charrnn.arrays import Array, Ids
from charrnn.errors import CorpusError
from charrnn.nn.dropout import Dropout
from charrnn.nn.network import Network
from charrnn.nn.parameters import Parameters
from charrnn.optim.clipping import CLIPS, global_norm
from charrnn.optim.optimizers import OPTIMIZERS, Optimizer
from charrnn.optim.schedules import SCHEDULES, Position
from charrnn.settings.schema import Settings, TrainingSettings
from charrnn.text.corpus import Corpus, load_corpus, read_text
from charrnn.text.reading import Source
from charrnn.text.streams import ItemStreams, Streams
from charrnn.text.vocabulary import Vocabulary


def build_corpus(
    settings: Settings,
    standard_input: bytes | None = None,
    cache: Path | None = None,
    known: Vocabulary | None = None,
) -> Corpus:
    """The text, for a network that knows some characters already where ``known`` is given; see ``load_corpus``."""
    c = settings.corpus
    return load_corpus(
        c.path,
        **c.model_dump(exclude={"path"}),  # every other setting is a keyword argument of the same name
        characters=known.characters if known else "",
        standard_input=standard_input,
        cache=cache,
    )


def read_as(settings: Settings, sources: Sequence[Source], encoding: str | None = None) -> Iterator[str]:
    """A text in blocks, read as the corpus of these settings is, in another encoding if one is given."""
    c = settings.corpus
    return read_text(sources, encoding or c.encoding, c.newline, c.made_of)


def build_streams(settings: Settings, corpus: Corpus) -> Streams:
    """The training part of the text, as it is read."""
    t = settings.training
    if corpus.mark is not None:
        starts = corpus.starts[: np.searchsorted(corpus.starts, len(corpus.training))]
        return ItemStreams(corpus.training, starts, t.batch, t.window, t.seed, corpus.folder)
    return Streams(corpus.training, t.batch, t.window, t.seed if t.epoch_start == "random" else None)


def build_sample(settings: Settings, corpus: Corpus, ids: Ids) -> list[Ids]:
    """A part of the text that is held out, in streams, or what is read of it to measure a loss."""
    t = settings.training
    return corpus.sample(ids, t.batch, t.window, t.evaluate_characters)


def build_network(settings: Settings, vocabulary: Vocabulary) -> Network:
    """The architecture; a network holds no numbers. Raises CorpusError for a vocabulary without the mark of items."""
    m, items = settings.model, settings.corpus.made_of
    if items and items.mark not in vocabulary.characters:
        raise CorpusError("the vocabulary lacks the mark that ends items", "take that of a text with items")
    return Network(
        len(vocabulary),
        cell=m.cell,
        layers=m.layers,
        hidden_size=m.hidden,
        embedding_size=m.embedding,
        skips=m.skips,
        dtype=settings.compute.precision,
        mark=vocabulary.characters.index(items.mark) if items else None,
    )


def build_dropout(settings: Settings) -> Dropout:
    """What is dropped in training."""
    m = settings.model
    return Dropout(
        input=m.dropout_input,
        between=m.dropout,
        head=m.dropout_head,
        recurrent=m.dropout_recurrent,
        fixed=m.dropout_masks == "window",
        seed=settings.training.seed,
    )


def build_optimizer(settings: Settings, network: Network, parameters: Parameters) -> Optimizer:
    """The optimizer of these parameters of a network, at its first step."""
    t = settings.training
    optimizer = OPTIMIZERS[t.optimizer]
    factors = dict.fromkeys(network.lookup_parameters, t.lookup_rate)
    factors |= dict.fromkeys(network.head_parameters, t.head_rate)
    return optimizer(parameters.vector, parameters.shapes, factors, **_numbers_of(optimizer, t))


def build_schedule(settings: Settings) -> Callable[[Position], float]:
    """The learning rate of the step after a position.

    Where a run is given minutes, its warm-up takes half of the iterations at most, so that the rate comes down again on
    a slow machine too.
    """
    t = settings.training
    schedule = SCHEDULES[t.schedule]
    numbers = _numbers_of(schedule, t)

    def learning_rate(at: Position) -> float:
        warmup = t.warmup if t.minutes is None else min(t.warmup, at.iterations // 2)
        return t.learning_rate * schedule(at, **numbers | {"warmup": warmup})

    return learning_rate


def build_clip(settings: Settings) -> Callable[[Array], float]:
    """Limits a gradient (P,) in place, and returns its global norm as it was before."""
    limit = settings.training.clip
    if limit is None:
        return global_norm
    clip = CLIPS[settings.training.clip_kind]
    return lambda g: clip(g, limit)


def keywords(function: Callable[..., Any]) -> set[str]:
    """The keyword arguments of a function: the settings of training that it takes."""
    parameters = inspect.signature(function).parameters.values()
    return {p.name for p in parameters if p.kind is p.KEYWORD_ONLY}


def _numbers_of(function: Callable[..., Any], t: TrainingSettings) -> dict[str, Any]:
    """What a function takes as keyword arguments, from the settings of the same names."""
    return {name: getattr(t, name) for name in keywords(function)}
