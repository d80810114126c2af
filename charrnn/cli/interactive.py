"""``charrnn sample -i``: a text that is typed and written in turns."""

import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from types import FrameType
from typing import Any

import click
import numpy as np

from charrnn.cli.items import show_items
from charrnn.cli.remedies import running, sentence
from charrnn.cli.terminal import print_text, say
from charrnn.errors import CharRNNError
from charrnn.generation.filters import FILTERS
from charrnn.generation.items import write_items
from charrnn.generation.reader import PrimeReader
from charrnn.generation.sampler import Sampling, generate
from charrnn.model import Model
from charrnn.text.vocabulary import Unknown

HELP = """\
type the beginning, and the network goes on from there; what you type next is added to the text,
or begins another item, if items are what it has learnt
Enter alone   go on                         \\n in what you type is a line end, // at its start a slash
Ctrl-C        stop what is being written    Ctrl-D or /quit   end
/again        write the last continuation another way
/new          leave the text and begin another
/NAME VALUE   change a setting; without a value see it, with "off" leave it out
settings: """


class Session:
    """A text that the user and the network write in turns."""

    def __init__(
        self,
        model: Model,
        settings: Mapping[str, Any],
        sampling: Sampling,
        *,
        unknown: Unknown,
        raw: bool,
        after: Callable[[str], None],
        label: str | None = None,
    ) -> None:
        """``settings`` are length, seed and the filters, which the user can change; ``after`` is called with each
        continuation. Of a model that has learnt items each turn writes one, with the ``label`` where one is given."""
        self._model = model
        self._settings = dict(settings)
        self._rng = np.random.default_rng(self._settings["seed"])
        self._sampling = sampling
        self._reader = PrimeReader(model)
        self._unknown = unknown
        self._raw = raw
        self._after = after
        self._label = label
        self._text = ""
        self._last: tuple[str, str] | None = None
        """The text before the last turn, and what was typed then."""

    def run(self) -> None:
        """Takes turns until the input ends; the prime is the first."""
        if sys.stdin.isatty():
            with suppress(ImportError):
                import readline  # noqa: F401  (input() edits lines with it)
            say("type the beginning; Enter alone goes on, /help tells more, Ctrl-D ends")
        if self._sampling.prime:
            self._turn(self._sampling.prime)
        while (line := _next_line()) is not None:
            try:
                if line == "/quit":
                    return
                if line.startswith("/") and not line.startswith("//"):
                    self._command(*line[1:].split(maxsplit=1))
                else:
                    self._turn(line.removeprefix("/").replace("\\n", "\n"))
            except CharRNNError as error:
                say(f"charrnn: {sentence(error, running(click.get_current_context()))}")

    def _turn(self, typed: str) -> None:
        vocabulary = self._model.vocabulary
        typed = vocabulary.decode(vocabulary.encode(typed, self._unknown))
        self._last = self._text, typed
        filters = {name: self._settings[name] for name in FILTERS}
        if self._model.network.mark is not None:
            self._item(replace(self._sampling, prime=typed, filters=filters))
            return
        # Without a beginning the network reads a start character, which belongs to what it goes on from.
        self._text += typed or ("" if self._text else vocabulary.start_character)
        print_text(typed, self._raw)
        sampling = replace(self._sampling, prime=self._text, filters=filters)
        pieces = generate(self._model, self._settings["length"], self._rng, sampling, reader=self._reader)
        written = ""
        try:
            with _stopped_by_ctrl_c() as stopped:
                for (piece,) in pieces:
                    print_text(piece, self._raw)
                    written += piece
                    if stopped:
                        break
        finally:
            self._text += written
            print_text("\n")
        self._after(written)

    def _item(self, sampling: Sampling) -> None:
        length = self._settings["length"]
        items = write_items(self._model, 1, self._rng, sampling, length=length, label=self._label)
        try:
            show_items(items, "", self._label is None, self._raw, self._after, length)
        except KeyboardInterrupt:  # nothing of an item is shown before it is whole
            say("")

    def _command(self, name: str = "", value: str | None = None) -> None:
        key = name.replace("-", "_")
        if name == "help":
            for line in (HELP + ", ".join(self._shown(key) for key in self._settings)).splitlines():
                say(line)
        elif name == "new":
            self._text, self._last = "", None
        elif name == "again":
            if self._last is None:
                raise CharRNNError("nothing is written yet; type the beginning")
            self._text, typed = self._last
            self._turn(typed)
        elif key in self._settings:
            if value is not None:
                self._set(key, value)
            say(self._shown(key))
        else:
            raise CharRNNError(f"there is no command /{name}; /help lists them, and // writes a slash")

    def _set(self, key: str, value: str) -> None:
        if key in FILTERS and value == "off":
            self._settings[key] = None
            return
        context = click.get_current_context()
        option = next(parameter for parameter in context.command.params if parameter.name == key)
        try:
            self._settings[key] = option.type.convert(value, option, context)
        except click.BadParameter as error:
            raise CharRNNError(f"/{key.replace('_', '-')}: {error.message}") from None
        if key == "seed":
            self._rng = np.random.default_rng(self._settings["seed"])

    def _shown(self, key: str) -> str:
        value = self._settings[key]
        return f"{key.replace('_', '-')} {'off' if value is None else value}"


def _next_line() -> str | None:
    """The next line typed or piped, without its end; None after the last. Ctrl-C begins the line anew."""
    while True:
        try:
            if sys.stdin.isatty():
                return _typed_line()
            line = sys.stdin.buffer.readline().decode()
            return line.rstrip("\r\n") if line else None
        except KeyboardInterrupt:
            say("")
        except UnicodeDecodeError:
            say("charrnn: a line that is not UTF-8 is left out")


def _typed_line() -> str | None:
    prompt = "> "
    if not sys.stdout.isatty():  # where input() would write its prompt
        click.echo(prompt, err=True, nl=False)
        prompt = ""
    try:
        return input(prompt)
    except EOFError:
        say("")
        return None


@contextmanager
def _stopped_by_ctrl_c() -> Iterator[list[int]]:
    """Within it, Ctrl-C only adds its number to the list that is yielded."""
    received: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        if received:  # what is being computed takes long, such as a long beginning that is read
            raise KeyboardInterrupt
        received.append(number)

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield received
    finally:
        signal.signal(signal.SIGINT, before)
