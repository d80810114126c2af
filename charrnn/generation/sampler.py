"""Text out of a model, one character at a time.

Shapes: B texts written side by side, n characters, V vocabulary.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from charrnn.arguments import as_whole, check_type, shown
from charrnn.arrays import Array, Ids
from charrnn.errors import CharRNNError
from charrnn.generation.filters import FILTERS, RECENT, apply_filters, check_filters, look_back
from charrnn.generation.reader import PrimeReader, Reader
from charrnn.generation.stops import Ending, until
from charrnn.machine import memory
from charrnn.model import Model
from charrnn.nn.functional import surprisal
from charrnn.text.items import UNIT_SEPARATOR

NOISE = 2**14
"""How many random numbers are drawn at a time; where the texts are few, that serves several steps."""

Forbid = Callable[[Ids], npt.NDArray[np.bool_]]
"""From the recent ids (B, n), at most RECENT of them and the latest last, to the characters that may not come next,
(B, V)."""
Drawn = tuple[Ids, Array]
"""One step: the characters drawn (B,), and the logits (B, V) of the model before any filter."""


@dataclass(frozen=True)
class Sampling:
    """How a text begins, how its characters are drawn, and where it ends.

    Raises CharRNNError for a filter that does not exist or whose parameter is out of bounds, for an empty stop, and for
    what is no text.
    """

    prime: str = ""
    """Read before the first character is drawn. Without it a text begins as a line does, if the vocabulary has a line
    end."""
    filters: Mapping[str, float | None] = field(default_factory=dict)
    """The parameters of filters by name, see ``FILTERS``; None leaves a filter out. Without any, characters are drawn
    with the probabilities that the network gives them."""
    stop: str | Sequence[str] = ()
    """A text ends before the first of these in it; one alone may be given as it is."""
    forbid: Forbid | None = None
    """What may not be drawn at all; it is asked before the filters are applied."""

    def __post_init__(self) -> None:
        check_type(self.prime, str, "the prime", "give {prime} a text")
        check_type(self.filters, Mapping, "the filters", "give them by name, such as {'temperature': 0.7}")
        check_filters(self.filters)
        stops = (self.stop,) if isinstance(self.stop, str) else self.stop
        check_type(stops, Sequence, "what to stop at", "give {stop} a text, or several")
        for stop in stops:
            check_type(stop, str, "what to stop at", "give {stop} a text, or several")
        object.__setattr__(self, "stop", stops)  # the way to set a field of a frozen dataclass
        if not all(stops):
            raise CharRNNError("a text to stop at is empty", "give {stop} at least one character")


AS_LEARNT = Sampling()
"""From the beginning of a line, with the probabilities that the network gives, to the full length."""


def write(
    model: Model,
    length: int = 500,
    seed: int | np.random.Generator = 0,
    *,
    prime: str = "",
    stop: str | Sequence[str] = (),
    **filters: float | None,
) -> str:
    """Writes a text: ``write(model, 300, prime="The ", temperature=0.7)``.

    It begins with ``prime`` and goes on for ``length`` characters, or until one of the ``stop`` texts would follow; a
    model that has learnt items writes one, to its end at most.
    ``filters`` are those of ``FILTERS`` by name, such as ``temperature``, ``top_k`` or ``top_p``; the others have their
    defaults, which are those of the command line: a temperature of 0.7, and none else. The same seed gives the same
    text, the one that ``charrnn sample`` writes with that seed.

    Raises UnknownCharacterError for a prime that the vocabulary cannot spell, CharRNNError for a filter that does not
    exist or whose parameter is out of bounds, and for any other argument that cannot be used, such as a prime without
    its label (``write_items`` takes one).
    """
    chosen = {name: filter_.default for name, filter_ in FILTERS.items()} | filters
    sampling = Sampling(prime, chosen, stop)
    if isinstance(model, Model) and model.mark is not None:
        check_begins_item(model, prime)
        sampling = replace(sampling, stop=(*sampling.stop, model.mark))
    written = "".join(text for (text,) in generate(model, length, seed, sampling))
    return model.vocabulary.normalised(prime) + written


def generate(
    model: Model,
    length: int = 500,
    seed: int | np.random.Generator = 0,
    sampling: Sampling = AS_LEARNT,
    *,
    count: int = 1,
    reader: PrimeReader | None = None,
) -> Iterator[list[str]]:
    """Writes ``count`` texts side by side: yields ``length`` times a list of one character for each, without the prime.

    All texts end together after ``length`` characters, or each of them before its first stop. Where there are stops,
    what is yielded for a text may be empty, while a stop may have begun, or several characters, once it has not. A
    generator in the place of a ``seed`` goes on from where it is. A ``reader`` that has read the beginning of the prime
    saves reading it again.

    Raises, at the call, UnknownCharacterError for a prime that the vocabulary cannot spell, and CharRNNError for an
    argument that cannot be used.
    """
    of_it = "its .model" if hasattr(model, "model") else "load_checkpoint('runs/my').model, for instance"
    check_type(model, Model, "the model", f"give {of_it}")
    check_type(sampling, Sampling, "the sampling", "give Sampling(filters={'temperature': 0.7}), for instance")
    characters = model.vocabulary.characters
    length, count, rng = as_whole(length, "length"), as_whole(count, "count", 1), as_generator(seed)
    _check_memory(model, count, bytes_each=length * _TEXT if count > 1 else 0)
    steps = draws(model, length, rng, sampling, count, reader)
    texts = ([characters[v] for v in ids.tolist()] for ids, _ in steps)
    stops = [model.vocabulary.normalised(stop) for stop in sampling.stop]
    return until(stops, texts, count) if stops else texts


def check_begins_item(model: Model, prime: str) -> None:
    """Raises CharRNNError where no item of a model that has learnt items begins with a prime, after its label."""
    characters, prime = model.vocabulary.characters, model.vocabulary.normalised(prime)
    if model.mark is not None and model.mark in prime:
        raise CharRNNError(
            f"the prime {shown(prime)} holds the mark that ends an item", "give {prime} a beginning without it"
        )
    if prime and UNIT_SEPARATOR in characters and UNIT_SEPARATOR not in prime:
        raise CharRNNError(
            f"each item of this network begins with its label, and {shown(prime)} would be taken for one",
            "give a {label} with {prime}",
        )


def as_generator(seed: int | np.random.Generator) -> np.random.Generator:
    """The generator of a seed, or the one given. Raises CharRNNError for anything else."""
    if isinstance(seed, np.random.Generator):
        return seed
    try:
        return np.random.default_rng(as_whole(seed, "seed"))
    except CharRNNError:
        raise CharRNNError(
            f"the seed is {shown(seed)}", "give {seed} a whole number from 0 on, or a numpy.random.Generator"
        ) from None


@dataclass(frozen=True)
class ScoredText:
    """A text and how likely its characters are."""

    text: str
    log_probability: float
    """The sum of the log-probabilities of its characters under the model, without filters, in nats."""
    stopped: bool
    """Whether it ended before a stop."""

    @property
    def score(self) -> float:
        """The mean of the log-probabilities, minus infinity for an empty text."""
        return self.log_probability / len(self.text) if self.text else -math.inf


def best_of(
    choices: int,
    model: Model,
    length: int,
    rng: np.random.Generator,
    sampling: Sampling = AS_LEARNT,
    *,
    count: int = 1,
    progress: Callable[[Iterable[Drawn]], Iterable[Drawn]] = iter,
) -> list[list[ScoredText]]:
    """Writes ``count`` groups of ``choices`` texts, all side by side; each group begins with its best.

    ``progress`` wraps the iterator over the steps, as tqdm does. The rest is as for ``generate``.
    """
    characters, B = model.vocabulary.characters, count * choices
    _check_memory(model, B, bytes_each=length * (_TEXT + _SCORE))
    steps = draws(model, length, rng, sampling, B)
    stops = [model.vocabulary.normalised(stop) for stop in sampling.stop]
    endings = [Ending(stops) for _ in range(B)]
    texts = [""] * B
    scores = []  # (B,) for each step
    for ids, logits in progress(steps):
        scores.append(-surprisal(logits, ids))
        for b, (ending, v) in enumerate(zip(endings, ids.tolist(), strict=True)):
            texts[b] += ending.add(characters[v])
        if all(ending.reached for ending in endings):
            break
    texts = [text + ending.held for text, ending in zip(texts, endings, strict=True)]
    columns = np.transpose(scores)
    scored = [
        ScoredText(text, float(column[: len(text)].sum()), ending.reached)
        for text, column, ending in zip(texts, columns, endings, strict=True)
    ]
    groups = (scored[k : k + choices] for k in range(0, B, choices))
    return [sorted(group, key=lambda each: -each.score) for group in groups]


_TEXT, _SCORE, _LOGIT = 4, 16, 32
"""Bytes that are kept until the end for a character and for its log-probability, and those that each logit takes in a
step, with what the filters make of it and its random number."""


def _check_memory(model: Model, count: int, bytes_each: int) -> None:
    """Raises CharRNNError where texts side by side need more memory than there is: ``bytes_each`` to the end, and in
    each step a state, gates and logits."""
    network, available = model.network, memory()
    numbers = 2 * math.prod(network.state_shape(1)) + 4 * network.hidden_size
    needed = count * (bytes_each + numbers * network.dtype.itemsize + _LOGIT * len(model.vocabulary))
    if available is not None and needed > available:
        raise CharRNNError(
            f"{count:,} texts side by side need about {needed / 1e9:,.0f} GB of memory, and there are "
            f"{available / 1e9:,.0f}",
            "lower {count}, {best_of} or {length}",
        )


def draws(
    model: Model,
    length: int,
    rng: np.random.Generator,
    sampling: Sampling,
    count: int,
    reader: PrimeReader | None = None,
) -> Iterator[Drawn]:
    """The ``length`` steps in which ``count`` texts are written side by side; see ``generate``."""
    primes = reader or PrimeReader(model)
    primed = model.vocabulary.encode(sampling.prime)
    if not len(primed) or model.network.mark is not None:
        primed = np.concatenate([model.start, primed])  # (n,), at least one

    def steps() -> Iterator[Drawn]:
        filters, forbid = sampling.filters, sampling.forbid
        reader = Reader(model, count)
        reader.state[:] = primes.state_after(primed[:-1])
        ids = np.repeat(primed[-1:], count)
        V = len(model.vocabulary)
        block = max(1, NOISE // (count * V))
        recent = _Recent(primed, count if forbid or look_back(filters) else 0)
        for written in range(length):
            logits = reader.step(ids)
            if written % block == 0:
                noise = gumbel(rng, (block, count, V))
            allowed = np.where(forbid(recent.ids), -np.inf, logits) if forbid else logits
            ids = draw(apply_filters(allowed, filters, recent.ids), noise[written % block])
            recent.add(ids)
            yield ids, logits

    return steps()


class _Recent:
    """The latest characters of B texts; none where B is 0."""

    def __init__(self, primed: Ids, count: int) -> None:
        self._kept = np.empty((count, 2 * RECENT), primed.dtype)
        self._end = min(len(primed), RECENT)
        self._kept[:, : self._end] = primed[-self._end :]

    @property
    def ids(self) -> Ids:
        """(B, n), the latest last."""
        return self._kept[:, max(0, self._end - RECENT) : self._end]

    def add(self, ids: Ids) -> None:
        """Adds one character to each text, ids (B,)."""
        if not len(self._kept):
            return
        if self._end == self._kept.shape[1]:
            self._kept[:, :RECENT] = self.ids
            self._end = RECENT
        self._kept[:, self._end] = ids
        self._end += 1


def draw(logits: Array, noise: Array) -> Ids:
    """Draws one id for each row of logits (B, V) with the probabilities of their softmax.

    The softmax need not be computed: the largest of the logits is taken after ``gumbel`` noise (B, V) has been added
    (Maddison et al. 2014, "A* sampling").
    """
    ids: Ids = (logits + noise).argmax(axis=-1)
    return ids


def gumbel(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Random numbers of the Gumbel distribution, float64: minus the logarithm of exponentially distributed ones."""
    noise: Array = np.log(rng.standard_exponential(shape))
    return np.negative(noise, out=noise)
