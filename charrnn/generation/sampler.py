"""Text out of a model, one character at a time.

Shapes: B samples written side by side, V vocabulary, L layers, S states of a cell, H hidden size.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from charrnn.arrays import Array, Ids
from charrnn.errors import DivergenceError
from charrnn.generation.filters import RECENT, apply_filters, look_back
from charrnn.model import Model
from charrnn.nn.functional import quiet_overflow
from charrnn.nn.parameters import Workspace

WINDOW = 256
"""How many steps of a long text are read at a time, which bounds the memory it takes."""
NOISE = 2**14
"""How many random numbers are drawn at a time, for several steps where the samples are few."""

Forbid = Callable[[Ids], npt.NDArray[np.bool_]]
"""From the recent ids (B, n), at most RECENT of them and the latest last, to the characters that may not come next,
(B, V)."""
Draw = tuple[Ids, Array]
"""One step: the characters drawn (B,), and the logits (B, V) of the model, before any filter."""


class Sampler:
    """Reads and writes with B hidden states, which it holds between calls."""

    def __init__(self, model: Model, count: int = 1) -> None:
        self.model = model
        self.state: Array = model.network.zero_state(count)  # (L, S, B, H)
        self._space = Workspace(model.network.dtype)

    def read(self, ids: Ids) -> Array:
        """Takes in ids (T,), the same for all samples; returns the logits (B, V) of what comes next."""
        network, p = self.model.network, self.model.parameters
        x = np.broadcast_to(ids[:, None], (len(ids), self.state.shape[2]))
        with quiet_overflow():
            for start in range(0, len(x), WINDOW):
                logits, self.state, _ = network.forward(p, x[start : start + WINDOW], self.state, self._space)
        last: Array = logits[-1].copy()
        return last

    def step(self, ids: Ids) -> Array:
        """Takes in one character of each sample, ids (B,); returns the logits (B, V) of what comes next."""
        with quiet_overflow():
            return self.model.network.step(self.model.parameters, ids, self.state)


class Reader:
    """Reads texts one after the other. Where one begins with all of the last, only what is new is read."""

    def __init__(self, model: Model) -> None:
        self._sampler = Sampler(model)
        self._read: Ids = np.empty(0, np.uint8)

    def state_after(self, ids: Ids) -> Array:
        """The hidden state (L, S, 1, H) after a text (n,)."""
        if not np.array_equal(ids[: len(self._read)], self._read):
            self._sampler, self._read = Sampler(self._sampler.model), self._read[:0]
        if len(ids) > len(self._read):
            self._sampler.read(ids[len(self._read) :])
        self._read = ids
        return self._sampler.state


def generate(
    model: Model,
    length: int,
    rng: np.random.Generator,
    *,
    prime: str = "",
    count: int = 1,
    filters: Mapping[str, float | None] | None = None,
    stop: Sequence[str] = (),
    forbid: Forbid | None = None,
    reader: Reader | None = None,
) -> Iterator[list[str]]:
    """Writes ``count`` texts side by side: yields ``length`` times a list of one character for each.

    ``prime`` is read first and not yielded; without one, the texts begin as a line begins, where the vocabulary has
    a line end. ``filters`` are those of ``filters.py`` by name; with none, characters are drawn as the model learnt
    them. ``forbid`` says, before them, what may not be drawn at all. A ``reader`` that has read the beginning of the
    prime before saves reading it again.

    Each text ends before the first of the ``stop`` texts in it, all of them together or after ``length`` characters.
    Then what is yielded for a text may be empty, while a stop may have begun, and several characters, once it has not.

    Raises UnknownCharacterError for a prime that the vocabulary cannot spell, at the call.
    """
    characters = model.vocabulary.characters
    draws = _draws(model, length, rng, _beginning(model, prime), count, filters or {}, forbid, reader or Reader(model))
    texts = ([characters[v] for v in ids.tolist()] for ids, _ in draws)
    return _until(stop, texts, count) if stop else texts


@dataclass(frozen=True)
class Scored:
    """A text, and the mean of the log-probabilities of its characters under the model, without filters, in nats; minus
    infinity for an empty one."""

    text: str
    score: float


def best_of(
    choices: int,
    model: Model,
    length: int,
    rng: np.random.Generator,
    *,
    prime: str = "",
    count: int = 1,
    filters: Mapping[str, float | None] | None = None,
    stop: Sequence[str] = (),
    forbid: Forbid | None = None,
    progress: Callable[[Iterable[Draw]], Iterable[Draw]] = iter,
) -> list[list[Scored]]:
    """Writes ``count`` times so many texts, all side by side: lists of ``choices``, the best of each first.

    The rest is as for ``generate``; ``progress`` goes over the steps, as tqdm does.
    """
    characters = model.vocabulary.characters
    primed, all_ = _beginning(model, prime), count * choices
    draws = _draws(model, length, rng, primed, all_, filters or {}, forbid, Reader(model))
    endings = [_Ending(stop) for _ in range(all_)]
    texts = [""] * len(endings)
    scores = []  # of each step, (B,)
    for ids, logits in progress(draws):
        scores.append(_log_probabilities(logits, ids))
        for b, (ending, v) in enumerate(zip(endings, ids.tolist(), strict=True)):
            texts[b] += ending.add(characters[v])
        if all(ending.reached for ending in endings):
            break
    texts = [text + ending.held for text, ending in zip(texts, endings, strict=True)]
    columns = np.transpose(scores)
    scored = [
        Scored(text, float(column[: len(text)].mean()) if text else -math.inf)
        for text, column in zip(texts, columns, strict=True)
    ]
    groups = (scored[k : k + choices] for k in range(0, len(scored), choices))
    return [sorted(group, key=lambda each: -each.score) for group in groups]


def _log_probabilities(logits: Array, ids: Ids) -> Array:
    """Of one character for each row of logits (B, V), (B,) in float64."""
    largest = logits.max(axis=-1, keepdims=True)
    relative = (logits - largest).astype(np.float64)
    drawn = np.take_along_axis(relative, ids[:, None], axis=-1)[:, 0]
    log_probabilities: Array = drawn - np.log(np.exp(relative).sum(axis=-1))
    return log_probabilities


def _beginning(model: Model, prime: str) -> Ids:
    """The ids (n,) that a text goes on from, at least one."""
    return model.vocabulary.encode(prime or beginning(model.vocabulary.characters))


def beginning(characters: str) -> str:
    """What is read before the first character of a text: a line end, or where the vocabulary has none its first
    character."""
    return "\n" if "\n" in characters else characters[0]


def _draws(
    model: Model,
    length: int,
    rng: np.random.Generator,
    primed: Ids,
    count: int,
    filters: Mapping[str, float | None],
    forbid: Forbid | None,
    reader: Reader,
) -> Iterator[Draw]:
    sampler = Sampler(model, count)
    sampler.state[:] = reader.state_after(primed[:-1])
    ids = np.repeat(primed[-1:], count)
    V = len(model.vocabulary)
    block = max(1, NOISE // (count * V))
    recent = _Recent(primed, count if forbid or look_back(filters) else 0)
    for written in range(length):
        logits = sampler.step(ids)
        if not math.isfinite(logits.sum(dtype=np.float64)):
            raise DivergenceError(
                "what the network computes is no longer a finite number; sample an earlier checkpoint"
            )
        if written % block == 0:
            noise = gumbel(rng, (block, count, V))
        allowed = np.where(forbid(recent.ids), -np.inf, logits) if forbid else logits
        ids = draw(apply_filters(allowed, filters, recent.ids), noise[written % block])
        recent.add(ids)
        yield ids, logits


class _Recent:
    """The latest characters of B texts; nothing where B is 0."""

    def __init__(self, primed: Ids, count: int) -> None:
        self._kept = np.empty((count, 2 * RECENT), primed.dtype)
        self._end = min(len(primed), RECENT)
        self._kept[:, : self._end] = primed[-self._end :]

    @property
    def ids(self) -> Ids:
        """(B, n), the latest last."""
        return self._kept[:, max(0, self._end - RECENT) : self._end]

    def add(self, ids: Ids) -> None:
        """One character for each, (B,)."""
        if not len(self._kept):
            return
        if self._end == self._kept.shape[1]:
            self._kept[:, :RECENT] = self.ids
            self._end = RECENT
        self._kept[:, self._end] = ids
        self._end += 1


def _until(stop: Sequence[str], texts: Iterable[list[str]], count: int) -> Iterator[list[str]]:
    endings = [_Ending(stop) for _ in range(count)]
    for characters in texts:
        yield [ending.add(character) for ending, character in zip(endings, characters, strict=True)]
        if all(ending.reached for ending in endings):
            return
    yield [ending.held for ending in endings]


class _Ending:
    """Finds the first of some stops in a text that comes character by character."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = stops
        self.reached = False
        self.held = ""
        """What may be the beginning of a stop."""

    def add(self, character: str) -> str:
        """What is now certain to stand before any stop."""
        if self.reached:
            return ""
        self.held += character
        found = [len(stop) for stop in self._stops if self.held.endswith(stop)]
        if found:
            self.reached = True
            certain = len(self.held) - max(found)
            before, self.held = self.held[:certain], ""
            return before
        starts = range(len(self.held))
        certain = next((k for k in starts if self._may_begin(self.held[k:])), len(self.held))
        before, self.held = self.held[:certain], self.held[certain:]
        return before

    def _may_begin(self, text: str) -> bool:
        return any(stop.startswith(text) for stop in self._stops)


def draw(logits: Array, noise: Array) -> Ids:
    """One id for each row of logits (B, V), with the probabilities of their softmax, which need not be computed: the
    largest of logits to which ``gumbel`` noise (B, V) was added (Maddison et al. 2014, "A* sampling")."""
    ids: Ids = (logits + noise).argmax(axis=-1)
    return ids


def gumbel(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Numbers of the Gumbel distribution: minus the logarithm of exponentially distributed ones, float64."""
    noise: Array = np.log(rng.standard_exponential(shape))
    return np.negative(noise, out=noise)
