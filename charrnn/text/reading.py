"""From files, folders and standard input to text, a block at a time: no text has to fit in memory."""

import codecs
import io
import os
import re
import shlex
import stat
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from charrnn.arguments import as_path
from charrnn.arrays import Ids
from charrnn.errors import CorpusError
from charrnn.layout import is_run
from charrnn.text.catalogue import locate, way_to
from charrnn.text.encodings import likely_encoding
from charrnn.text.formats import LONGEST, check_plain

BLOCK = 1 << 16
"""Bytes, characters or ids that are processed at a time; few enough that the results stay in a core's cache."""

SAMPLE = 4096
"""Bytes after one that cannot be decoded, by which the encoding is guessed."""
OTHER_ENCODING = "give the right one with {encoding}"
"""What to do about a text that cannot be read in the encoding that was given."""
ENDINGS = 5
"""How many of the endings in a folder without texts are named, the most frequent first."""
_NUMBER = re.compile("([0-9]+)")

Text = TypeVar("Text", str, Ids)


@dataclass(frozen=True)
class Source:
    """A file by its name, or the ``content`` of something that can be read only once: standard input, a pipe."""

    name: str
    content: bytes | None = None


def in_blocks(text: Text) -> Iterator[Text]:
    """A text, or the ids of one, in blocks."""
    return (text[start : start + BLOCK] for start in range(0, len(text), BLOCK))


def find_sources(paths: Sequence[str | Path], standard_input: bytes | None = None) -> list[Source]:
    """The sources that paths stand for, in the order given: files, folders of ``.txt`` files, names of fetched corpora,
    and ``-`` for standard input."""
    return [source for path in paths for source in _sources(path, standard_input)]


def check_there(paths: Iterable[str | Path]) -> None:
    """Raises CorpusError where there is nothing at a path. Reads nothing: a pipe can be read only once."""
    for path in paths:
        if str(path) != "-":
            _found(path)


def check_different(sources: Iterable[Source]) -> None:
    """Raises CorpusError where one file stands among the sources of a text twice."""
    names: dict[str, str] = {}
    for source in sources:
        path = source.name if source.content is not None else os.path.realpath(source.name)
        if path in names:
            also = f", as {source.name!r} too" if source.name != names[path] else ""
            raise CorpusError(
                f"{names[path]!r} is given twice{also}: what is held out of it would stand in what is learnt of it",
                "give each file once",
            )
        names[path] = source.name


def read_blocks(sources: Iterable[Source], encoding: str, newline: str) -> Iterator[str]:
    """The text of all sources, one after the other, in blocks of any length.

    A byte-order mark at the beginning of each source is dropped. Between a source that does not end in a line end and
    the next there is one. Line ends become ``\\n`` unless ``newline`` is ``"keep"``; a CR at the end of one source and
    an LF at the beginning of the next make one line end. Raises CorpusError for what cannot be read or decoded.
    """
    line_ends = io.IncrementalNewlineDecoder(None, translate=newline == "universal")
    last = "\n"
    for source in sources:
        marked = at_start = True
        for decoded in _decoded(source, encoding):
            block = decoded.removeprefix("\ufeff") if marked else decoded
            marked = marked and not decoded
            if block:
                between = "\n" if at_start and last not in "\r\n" else ""
                yield line_ends.decode(between + block)
                at_start, last = False, block[-1]
    yield line_ends.decode("", final=True)


def first_characters(blocks: Iterable[str], length: int) -> Iterator[str]:
    """The beginning of a text, ``length`` characters of it, in blocks; nothing beyond is read."""
    for block in blocks:
        yield block[:length]
        length -= len(block)
        if length <= 0:
            return


def _found(path: str | Path) -> tuple[Path, int]:
    """Where a file or folder is, which may be named as a fetched corpus, and its mode."""
    as_path(path, "the file or folder to read", CorpusError)
    path = Path(locate(path))
    with _named_errors(path):
        return path, path.stat().st_mode


def _sources(path: str | Path, standard_input: bytes | None) -> Iterator[Source]:
    if str(path) == "-":
        yield Source("standard input", sys.stdin.buffer.read() if standard_input is None else standard_input)
        return
    path, mode = _found(path)
    with _named_errors(path):
        if stat.S_ISDIR(mode):
            files = sorted(_files(path), key=lambda file: _as_counted(file.relative_to(path)))
            texts = [file for file in files if file.suffix.lower() == ".txt"]
            if not texts:
                raise _no_texts(path, files)
            yield from (Source(str(file)) for file in texts)
        else:
            yield Source(str(path), None if stat.S_ISREG(mode) else path.read_bytes())


def _files(folder: Path) -> Iterator[Path]:
    """The files under a folder, also through links to other folders, but for those that a run has written there, and
    for what is hidden: names that begin with a dot, such as ``.venv``. Raises CorpusError for a folder that cannot be
    read: nothing is left out unsaid."""

    def refuse(error: OSError) -> None:
        with _named_errors(Path(error.filename)):
            raise error

    for root, folders, files in os.walk(folder, onerror=refuse, followlinks=True):
        if is_run(Path(root)):
            folders.clear()
        else:
            shown = [name for name in folders if not name.startswith(".")]
            folders[:] = [name for name in shown if not _leads_back(Path(root, name), folder)]
            yield from (Path(root, name) for name in files if not name.startswith("."))


def _leads_back(link: Path, top: Path) -> bool:
    """Whether it is a link to a folder that it lies in, or to one under ``top``, which is read in any case."""
    if not link.is_symlink():
        return False
    return link.resolve().is_relative_to(top.resolve()) or any(map(link.samefile, link.absolute().parents))


def _as_counted(path: Path) -> list[list[tuple[int, str]]]:
    """A key that sorts paths by folder, then by name, with numbers by their size: ``c2`` before ``c10``."""
    return [[(int(part) if part.isdecimal() else 0, part) for part in _NUMBER.split(name)] for name in path.parts]


def _no_texts(folder: Path, files: Sequence[Path]) -> CorpusError:
    """The error for a folder without ``.txt`` files, which says what is there instead and how to name it."""
    if is_run(folder):
        going_on = f"charrnn train --run {shlex.quote(str(folder))} --resume"
        return CorpusError(f"folder {str(folder)!r} is a run and no text", f"name the text; {going_on} goes on with it")
    endings = Counter(file.suffix for file in files if file.suffix)
    if not endings:
        return CorpusError(f"folder {str(folder)!r} holds no .txt file", "name the files themselves")
    there = ", ".join(f"{count} {ending}" for ending, count in endings.most_common(ENDINGS))
    ending, _ = endings.most_common(1)[0]
    pattern = next(file.with_name(f"*{ending}") for file in files if file.suffix == ending)
    return CorpusError(
        f"folder {str(folder)!r} holds no .txt file, but {there}", f"name the files themselves, such as {pattern}"
    )


def _decoded(source: Source, encoding: str) -> Iterator[str]:
    with _named_errors(Path(source.name)), _opened(source) as file:
        first = file.read(LONGEST)
        check_plain(source.name, first)
        decoder = _decoder(encoding, first)
        file.seek(0)
        ended = False
        while not ended:
            content = file.read(BLOCK)
            ended = not content
            try:
                block = decoder.decode(content, ended)
            except UnicodeDecodeError as error:
                line = error.object.rfind(b"\n", 0, error.start) + 1
                likely = likely_encoding(error.object[line : error.start + SAMPLE])
                likely = next((name for name, marks in _MARKS.items() if first.startswith(marks)), likely)
                if likely and likely != encoding:
                    way = f"{{encoding}}={likely} is probably right"
                else:
                    way = f"{OTHER_ENCODING}{'' if likely else ', if it is a text at all'}"
                # The object holds what the decoder had kept back as well, and ends where the file stands now.
                offset = file.tell() - len(error.object) + error.start
                raise CorpusError(
                    f"{source.name!r} is not {encoding}: byte 0x{error.object[error.start]:02x} at offset {offset} "
                    f"({error.reason})",
                    way,
                ) from None
            except UnicodeError as error:
                raise CorpusError(f"{source.name!r} is not {encoding}: {error}", OTHER_ENCODING) from None
            yield block


def _opened(source: Source) -> io.BufferedIOBase:
    return open(source.name, "rb") if source.content is None else io.BytesIO(source.content)


_MARKS = {
    "utf-32": (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE),
    "utf-16": (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE),
}
"""Byte-order marks. UTF-32 comes first, since one of its marks begins with one of UTF-16."""


def _decoder(encoding: str, beginning: bytes) -> codecs.IncrementalDecoder:
    """A decoder that takes UTF-16 and UTF-32 without a byte-order mark to be in the machine's byte order, as
    ``bytes.decode`` does; Python's incremental decoders refuse them."""
    name = codecs.lookup(encoding).name
    if not beginning.startswith(_MARKS.get(name, b"")):
        name += "-le" if sys.byteorder == "little" else "-be"
    return codecs.getincrementaldecoder(name)("strict")


@contextmanager
def _named_errors(path: Path) -> Iterator[None]:
    """Turns errors of the operating system into one sentence that names the path."""
    try:
        yield
    except FileNotFoundError:
        raise CorpusError(f"corpus {str(path)!r} does not exist", way_to(path) or "check the path") from None
    except OSError as error:
        raise CorpusError(f"corpus {str(path)!r} cannot be read: {error.strerror}", "check the path") from None
    except ValueError:
        raise CorpusError(f"corpus {str(path)!r} is not a path that a file can have", "check the path") from None
