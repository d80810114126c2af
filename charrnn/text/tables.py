"""Tables: files of CSV, with a header, or of JSON lines, an object each."""

import csv
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from charrnn.arguments import shown
from charrnn.errors import CorpusError, did_you_mean

ENDINGS = (".csv", ".tsv", ".jsonl")
"""How the names of tables end."""
NAMED = 10
"""How many columns a message names."""
_QUOTED = re.compile(r'"[^"]*"')
_ARRAY = re.compile(r'\s*\[\s*($|[\[{"])')


def records(name: str, lines: Iterator[str], fields: Sequence[str]) -> Iterator[tuple[str, Mapping[Any, Any]]]:
    """The rows of a table, each with its place in words. Raises CorpusError for what is none, or has no column for one
    of these fields."""
    at, first = next(((k, line) for k, line in enumerate(lines, start=1) if line.strip()), (1, ""))
    if _ARRAY.match(first):
        raise CorpusError(f"{name} is one JSON array", "write one object a line, as .jsonl")
    table = chain([first], lines)
    if first.lstrip().startswith("{"):
        return _json_rows(name, at, table)
    return _csv_rows(name, at, table, _separator(first), fields)


def columns(name: str, beginning: str) -> list[str]:
    """The names of the columns of a file that is a table by its own name; none of any other."""
    first = next(filter(str.strip, beginning.split("\n")), "")
    if not name.lower().endswith(ENDINGS) or _ARRAY.match(first):
        return []
    try:
        row = json.loads(first) if first.lstrip().startswith("{") else _header(first)
    except (ValueError, RecursionError, csv.Error):
        return []
    return list(filter(str.strip, row))


def listed(names: Sequence[str]) -> str:
    """The names of columns in words, the first ``NAMED`` of them."""
    more = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
    return f"{', '.join(map(shown, names[:NAMED]))}{more}"


def _json_rows(name: str, at: int, lines: Iterator[str]) -> Iterator[tuple[str, Mapping[Any, Any]]]:
    """``at``: the number of the first of these lines."""
    for number, line in enumerate(lines, start=at):
        where = f"{name}, line {number}"
        try:
            row = json.loads(line) if line.strip() else None
        except (ValueError, RecursionError) as error:
            raise CorpusError(f"{where} is not JSON: {error}", "write one object a line") from None
        if row is not None:
            yield where, row if isinstance(row, dict) else {}


def _csv_rows(
    name: str, at: int, lines: Iterator[str], separator: str, fields: Sequence[str]
) -> Iterator[tuple[str, Mapping[Any, Any]]]:
    """``at``: the number of the first of these lines."""
    reader = csv.DictReader((f"{line}\n" for line in lines), delimiter=separator, strict=True)
    try:
        header = reader.fieldnames or []
        for field in fields:
            if field not in header:
                raise CorpusError(
                    f"{name} has no column {field!r} in its first line{did_you_mean(field, header)}",
                    f"there are {listed(header)}",
                )
        for row in reader:
            where = f"{name}, line {at + reader.line_num - 1}"
            if any(row.get(None, ())):
                raise CorpusError(
                    f"{where} has more values than the first line has columns",
                    "put values that hold a separator in quotation marks",
                )
            yield where, row
    except csv.Error as error:
        raise CorpusError(
            f"{name}, line {at + reader.line_num} is not CSV: {error}",
            "mend its quotation marks, or write so long a text as JSON, one object a line",
        ) from None


def _separator(header: str) -> str:
    """A tab if there is one, else the more frequent of comma and semicolon; inside quotation marks they are letters."""
    bare = _QUOTED.sub("", header)
    return "\t" if "\t" in bare else max(",;", key=bare.count)


def _header(line: str) -> list[str]:
    return next(csv.reader([line], delimiter=_separator(line)))
