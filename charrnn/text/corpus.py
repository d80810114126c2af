"""From files to one text, its vocabulary and its ids, and the split into training, validation and test part."""

import hashlib
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from charrnn.arrays import Ids
from charrnn.errors import CorpusError
from charrnn.resources import corpus_source
from charrnn.text.vocabulary import Vocabulary, code_points, describe


@dataclass(frozen=True)
class Corpus:
    """A text as ids (n,), cut into contiguous blocks: training first, then validation, then test."""

    name: str
    """What it is called in messages and in the name of a run: ``war-and-peace``."""
    vocabulary: Vocabulary
    ids: Ids
    sha256: str
    """Of the text as it is learnt, after decoding and line ends, encoded as UTF-8."""
    validation_start: int
    test_start: int

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def training(self) -> Ids:
        return self.ids[: self.validation_start]

    @property
    def validation(self) -> Ids:
        return self.ids[self.validation_start : self.test_start]

    @property
    def test(self) -> Ids:
        return self.ids[self.test_start :]


def load_corpus(
    paths: Sequence[str | Path] = (),
    *,
    encoding: str = "utf-8",
    newline: str = "universal",
    validation: float = 0.1,
    test: float = 0.0,
    standard_input: bytes | None = None,
) -> Corpus:
    """Reads files, folders of ``.txt`` files and ``-`` as one text, in the order given.

    ``-`` is standard input, or ``standard_input`` where it has been read already.

    With no path it is the reference manual that every CPython carries. A byte-order mark is dropped; line ends become
    ``\\n`` unless ``newline`` is ``"keep"``. ``validation`` and ``test`` are shares of the text, 0 for none.

    Raises CorpusError for what cannot be read or decoded, and for a text too small for its split.
    """
    if paths:
        text = "".join(_decode(*source, encoding) for path in paths for source in _read(path, standard_input))
    else:
        text = python_manual()
    if newline == "universal":
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return make_corpus(text, corpus_name(paths), validation=validation, test=test)


def make_corpus(text: str, name: str = "text", *, validation: float = 0.1, test: float = 0.0) -> Corpus:
    """A corpus of a text already in memory; see ``load_corpus``."""
    if not text:
        raise CorpusError(f"corpus {name!r} is empty; give a text of at least a few thousand characters")
    points = code_points(text)
    vocabulary = Vocabulary.of(points)
    if len(vocabulary) < 2:
        raise CorpusError(
            f"corpus {name!r} repeats one character ({len(text)} times); a network needs at least two to learn from"
        )
    n = len(points)
    validation_size, test_size = round(n * validation), round(n * test)
    for part, share, size in (("validation", validation, validation_size), ("test", test, test_size)):
        if share > 0 and size < 2:
            raise CorpusError(
                f"the {part} part would have {size} of the {n} characters of corpus {name!r}; set corpus.{part} to 0 "
                "for none, or give a longer text"
            )
    if n - validation_size - test_size < 2:
        raise CorpusError(
            f"corpus.validation ({validation:g}) and corpus.test ({test:g}) leave nothing to train on of the {n} "
            f"characters of corpus {name!r}; lower them"
        )
    try:
        digest = hashlib.sha256(text.encode()).hexdigest()
    except UnicodeEncodeError as error:
        raise CorpusError(
            f"corpus {name!r} holds {describe(text[error.start])} at position {error.start}, half of a character; "
            "set corpus.encoding to the right one"
        ) from None
    ids = vocabulary.encode_points(points)
    return Corpus(name, vocabulary, ids, digest, n - validation_size - test_size, n - test_size)


def python_manual() -> str:
    """The topics of the Python reference manual (``pydoc_data.topics``), in sorted order."""
    try:
        from pydoc_data.topics import topics
    except ImportError:
        raise CorpusError("this Python comes without its reference manual; name a text to train on") from None
    return "\n".join(topics[name] for name in sorted(topics))


def corpus_name(paths: Sequence[str | Path]) -> str:
    """What a corpus of these paths is called: after the first."""
    if not paths:
        return "python-manual"
    return "stdin" if str(paths[0]) == "-" else Path(os.path.abspath(paths[0])).stem or "text"


def _read(path: str | Path, standard_input: bytes | None) -> list[tuple[str, bytes]]:
    """The files that a path stands for: (name, content)."""
    if str(path) == "-":
        return [("standard input", sys.stdin.buffer.read() if standard_input is None else standard_input)]
    path = Path(path)
    try:
        files = [path]
        if path.is_dir():
            files = sorted(_texts(path))
            if not files:
                raise CorpusError(f"folder {str(path)!r} holds no .txt file; name the files themselves")
        return [(str(file), file.read_bytes()) for file in files]
    except FileNotFoundError:
        source = corpus_source(path.name)
        way_out = f"fetch it from {source} and save it there" if source else "check the path"
        raise CorpusError(f"corpus {str(path)!r} does not exist; {way_out}") from None
    except OSError as error:
        raise CorpusError(f"corpus {str(path)!r} cannot be read: {error.strerror}; check the path") from None
    except ValueError:
        raise CorpusError(f"corpus {str(path)!r} is not a path that a file can have; check it") from None


def _texts(folder: Path) -> Iterator[Path]:
    """The ``.txt`` files under a folder, without those that runs of ours have written there."""
    for root, folders, files in os.walk(folder):
        if "config.yaml" in files and "checkpoints" in folders:
            folders.clear()
        else:
            yield from (Path(root, file) for file in files if file.endswith(".txt"))


def _decode(name: str, content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise CorpusError(
            f"{name!r} is not {encoding}: byte 0x{content[error.start]:02x} at offset {error.start} "
            f"({error.reason}); set corpus.encoding to the right one, latin-1 for instance"
        ) from None
    except UnicodeError as error:
        raise CorpusError(f"{name!r} is not {encoding}: {error}; set corpus.encoding to the right one") from None
