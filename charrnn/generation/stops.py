"""Where a text ends that is written until it contains one of some given texts."""

from collections.abc import Iterable, Iterator, Sequence


class Ending:
    """Looks for the first of some stops in a text that arrives character by character."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = stops
        self.reached = False
        """Whether a stop has been found; nothing that arrives later belongs to the text."""
        self.held = ""
        """The end of the text so far, held back because a stop may begin with it."""

    def add(self, character: str) -> str:
        """Takes in one character; returns what is now certain to stand before any stop."""
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


def until(stops: Sequence[str], texts: Iterable[list[str]], count: int) -> Iterator[list[str]]:
    """``count`` texts that arrive side by side, a character of each at a time, each of them only up to its first stop.

    What is yielded for a text is empty while a stop may have begun, and several characters once it has not.
    """
    endings = [Ending(stops) for _ in range(count)]
    for characters in texts:
        yield [ending.add(character) for ending, character in zip(endings, characters, strict=True)]
        if all(ending.reached for ending in endings):
            return
    yield [ending.held for ending in endings]
