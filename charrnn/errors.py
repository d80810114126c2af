"""What can go wrong by a user's doing.

An error says apart what is wrong, naming the thing and its value, and what to do about it. The remedy may name an
argument of the library in braces, ``name another folder with {run}``; the command line puts its option in that place.
"""

import difflib
import re
from collections.abc import Callable, Collection
from typing import Self


class CharRNNError(Exception):
    """Anything a user can cause and mend. As a string it is one sentence; the command line prints it as one line."""

    exit_code = 1

    def __init__(self, problem: str, remedy: str = "") -> None:
        super().__init__(problem, remedy)
        self.problem = problem
        self.remedy = remedy

    def __str__(self) -> str:
        return self.worded(lambda argument: argument)

    def worded(self, called: Callable[[str], str]) -> str:
        """The sentence, with each argument that the remedy names as it is ``called`` where the sentence is read."""
        remedy = re.sub(r"\{([\w.]+)\}", lambda match: called(match[1]), self.remedy)
        return f"{self.problem}; {remedy}" if remedy else self.problem

    def also(self, remedy: str) -> Self:
        """The same error with one more remedy."""
        return type(self)(self.problem, f"{self.remedy}, or {remedy}" if self.remedy else remedy)


class SettingsError(CharRNNError):
    """Settings that cannot be used, all mistakes in one message, one a line."""

    exit_code = 2


class CorpusError(CharRNNError):
    """A text that cannot be read, or is too small for what is asked of it."""


class ShortTextError(CorpusError):
    """A text that is too short for the batch and the window that are set, and not for smaller ones."""


class UnknownCharacterError(CharRNNError):
    """A character that the vocabulary does not hold."""


class CheckpointError(CharRNNError):
    """A checkpoint that cannot be found, read or written."""


class DamagedCheckpointError(CheckpointError):
    """A file that is not a checkpoint, is not whole, or does not hold what its settings promise."""


class RunError(CharRNNError):
    """A run folder that is missing, taken, or does not fit what is asked of it."""


class DivergenceError(CharRNNError):
    """A loss, gradient or parameter that is no longer a finite number, or a loss far beyond that of guessing evenly."""

    ADVICE = "try a lower {training.learning_rate}, or clip gradients at a lower norm with {training.clip}"


class WorkerError(CharRNNError):
    """A process that shared the work and is gone."""


class CharRNNWarning(UserWarning):
    """Something that went another way than asked, and nothing was lost; the command line prints it as one line."""


def did_you_mean(word: str, known: Collection[str]) -> str:
    """The end of a message about an unknown word: the known one that is nearest to it, if any is near."""
    end = word.rpartition(".")[2]
    ends = {key: key.rpartition(".")[2] for key in known}
    by_end = [key for key in known if ends[key] == end]
    by_initials = [key for key in known if are_initials(end, ends[key])]
    folded = {key.casefold(): key for key in known}
    close = by_end or by_initials or [folded[key] for key in difflib.get_close_matches(word.casefold(), folded, 1)]
    return f"; did you mean {close[0]!r}?" if close else ""


def are_initials(word: str, name: str) -> bool:
    """Whether a word stands for a name of several words, as lr for learning_rate."""
    return "_" in name and word == "".join(part[:1] for part in name.split("_"))
