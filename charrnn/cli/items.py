"""Items that ``charrnn sample`` writes, shown one after another."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from charrnn.analysis.novelty import learnt_corpus
from charrnn.cli.terminal import print_json, print_text, say
from charrnn.errors import CharRNNError, CorpusError, did_you_mean
from charrnn.generation.items import Item
from charrnn.storage.checkpoint import Checkpoint
from charrnn.text.items import UNIT_SEPARATOR, readable
from charrnn.wording import how_many


@dataclass
class Wanted:
    """Whether an item, by its text, is to be shown: it does not stand in the text that the network was given, or has
    not been shown before."""

    learnt: frozenset[str] = frozenset()
    once: bool = False
    """Whether an item is to be shown only once."""
    known: int = 0
    """How many items stood in that text."""
    _shown: set[str] = field(default_factory=set)

    def __call__(self, text: str) -> bool:
        if text in self.learnt:
            self.known += 1
            return False
        seen = text in self._shown
        if self.once:
            self._shown.add(text)
        return not seen


def learnt_items(checkpoint: Checkpoint, paths: Sequence[str]) -> frozenset[str]:
    """The texts of all items that a network was given, those held out too, without their labels."""
    corpus = learnt_corpus(checkpoint, paths)
    items = corpus.vocabulary.decode(corpus.ids).split(corpus.mark)
    return frozenset(item.rpartition(UNIT_SEPARATOR)[2] for item in items)


def learnt_items_if_there(checkpoint: Checkpoint, paths: Sequence[str]) -> frozenset[str] | None:
    """The same; None where that text cannot be read, which is said."""
    try:
        return learnt_items(checkpoint, paths)
    except CorpusError as error:
        say(f"which items are new is not known: {error.problem}")
        return None


def check_label(checkpoint: Checkpoint, label: str) -> None:
    """Raises CharRNNError for a label that the network has not learnt."""
    known = checkpoint.corpus.labels
    if not known:
        raise CharRNNError("this network has learnt no labels", "leave out --label")
    if label not in known:
        some = ", ".join(map(repr, known[:10])) + (" and others" if len(known) > 10 else "")
        raise CharRNNError(f"the network knows no label {label!r}{did_you_mean(label, known)}", f"it knows {some}")


def items_as_json(
    items: Iterable[Item],
    prime: str,
    learnt: frozenset[str] | None,
    seed: int,
    novelty: Callable[[str], dict[str, Any]],
) -> None:
    """Prints all that is known of each item that begins with a prime, an object a line; ``novelty`` adds to it."""
    for number, item in enumerate(items):
        facts = {
            "sample": number,
            "seed": seed,
            "text": readable(item.text),
            "prime": prime,
            "characters": len(item.written),
            "label": item.label,
            "log_probability": item.log_probability,
            "whole": item.is_whole,
            "new": None if learnt is None else item.text not in learnt,
        }
        print_json(facts | novelty(item.written))


def show_items(
    items: Iterable[Item], separator: str, labels: bool, raw: bool, after: Callable[[str], None], length: int
) -> None:
    """Prints items as they come, each on a line of its own or with a separator between them, with or without their
    labels, and says which were cut off."""
    cut = []
    for number, item in enumerate(items, start=1):
        label = f"{item.label}: " if labels and item.label is not None else ""
        print_text(f"{separator if number > 1 else ''}{label}{readable(item.text)}\n", raw)
        after(item.written)
        if not item.is_whole:
            cut.append(str(number))
    if cut:
        which = f"item {cut[0]} was" if len(cut) == 1 else f"items {', '.join(cut)} were"
        say(f"{which} cut off at {how_many(length, 'character')}; --length allows more")
