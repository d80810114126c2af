"""What a network has to beat: models that only count, and compressors, on the same split of the same text."""

import bz2
import lzma
import math
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from charrnn.analysis.ngrams import probabilities
from charrnn.arrays import Ids
from charrnn.errors import CorpusError
from charrnn.text.corpus import Corpus
from charrnn.text.reading import in_blocks

ORDER = 9
"""The longest context that is counted by default."""
COUNTED = 1 << 23
"""The most characters that are used: of a longer training part only the end is counted, of a longer held-out part only
the beginning is measured, so that a text of any length takes less than a gigabyte."""

COMPRESSED_FROM = 1000
"""The fewest measured characters of which the size that they add is told: compressors round it to bytes, or to blocks
of some, and of a few dozen characters may add nothing."""


class _Compressor(Protocol):
    def compress(self, data: bytes, /) -> bytes: ...
    def flush(self) -> bytes: ...


COMPRESSORS: dict[str, Callable[[], _Compressor]] = {
    "zlib": lambda: zlib.compressobj(9),
    "bz2": lambda: bz2.BZ2Compressor(9),
    "lzma": lambda: lzma.LZMACompressor(preset=9 | lzma.PRESET_EXTREME),
}
"""The compressors of the standard library, at their strongest. zlib looks back over 32 KiB only and bz2 works in blocks
of 900 kB, so a long training part helps them little; lzma looks back over 64 MiB."""


@dataclass(frozen=True)
class Baseline:
    """How well a model or a compressor does on a part of a text that it has not seen."""

    name: str
    """``n-gram of order 5``, or the name of a compressor."""
    loss: float
    """Nats per character."""


def held_out(corpus: Corpus, part: str = "validation") -> Ids:
    """The validation or test part of a corpus, as much of it as is measured. Raises CorpusError where it is empty."""
    ids: Ids = getattr(corpus, part)
    if not len(ids):
        raise CorpusError(f"corpus {corpus.name!r} has no {part} part to measure", f"set {{corpus.{part}}} to 0.1, say")
    return ids[:COUNTED]


def counted(corpus: Corpus) -> Ids:
    """The training part of a corpus, or as much of it as is counted."""
    return corpus.training[-COUNTED:]


def baselines(corpus: Corpus, part: str = "validation", order: int = ORDER) -> Iterator[Baseline]:
    """Measures the n-gram models of order 1 to ``order``, then the ``fair_compressors``; yields each as soon as it is
    known."""
    training, text = counted(corpus), held_out(corpus, part)
    for k, p in enumerate(probabilities(training, text, len(corpus.vocabulary), order, corpus.mark_id)):
        if k:
            yield Baseline(f"n-gram of order {k}", -float(np.log(p).mean()))
    for name in fair_compressors(corpus, part):
        bits = 8 * (_size(corpus, name, training, text) - _size(corpus, name, training))
        yield Baseline(name, bits * math.log(2) / len(text))


def fair_compressors(corpus: Corpus, part: str = "validation") -> Collection[str]:
    """The names of the compressors; none where the part is so short that they tell nothing of it."""
    return COMPRESSORS if len(held_out(corpus, part)) >= COMPRESSED_FROM else ()


def best_baseline(found: Iterable[Baseline]) -> Baseline:
    """The baseline with the lowest loss."""
    return min(found, key=lambda baseline: baseline.loss)


def baselines_document(corpus: Corpus, found: Iterable[Baseline], part: str = "validation") -> dict[str, Any]:
    """The baselines as a JSON document, for programs and for the folder of a run."""
    return {
        "part": part,
        "characters": {"training": len(counted(corpus)), part: len(held_out(corpus, part))},
        "nats_per_character": {baseline.name: baseline.loss for baseline in found},
    }


def _size(corpus: Corpus, name: str, *parts: Ids) -> int:
    """How many bytes the parts of a text, in UTF-8, take when they are compressed one after the other."""
    compressor = COMPRESSORS[name]()
    blocks = (corpus.vocabulary.decode(block).encode() for ids in parts for block in in_blocks(ids))
    return sum(len(compressor.compress(block)) for block in blocks) + len(compressor.flush())
