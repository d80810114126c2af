import json
import re
from collections import Counter
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.errors import CorpusError
from charrnn.text import items as items_module
from charrnn.text import streams as streams_module
from charrnn.text.corpus import Corpus, load_corpus, make_corpus
from charrnn.text.ids import encode_text
from charrnn.text.items import RECORD_SEPARATOR, UNIT_SEPARATOR, Items, looks_like_list
from charrnn.text.streams import ItemStreams
from charrnn.text.tables import columns

NAMES = [f"{first}{last}" for first in ("an", "ot", "eli", "joha") for last in ("na", "to", "sa", "nnes", "", "ka")]


def items_of(corpus: Corpus, part: str) -> list[str]:
    assert corpus.mark
    return corpus.vocabulary.decode(getattr(corpus, part)).split(corpus.mark)[:-1]


def all_items(corpus: Corpus) -> list[str]:
    return [item for part in ("training", "validation", "test") for item in items_of(corpus, part)]


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, "utf-8", newline="")
    return path


def test_lines_are_items_and_blank_ones_are_none(tmp_path: Path) -> None:
    first, second = written(tmp_path, "a.txt", "anna\n\n  \notto"), written(tmp_path, "b.txt", "elisa\r\njohn\r\n")
    corpus = load_corpus([first, second], items="lines", validation=0)
    assert corpus.mark == "\n"
    assert sorted(all_items(corpus)) == ["anna", "elisa", "john", "otto"]


def test_what_stands_between_blank_lines_is_an_item(tmp_path: Path) -> None:
    poems = written(tmp_path, "poems.txt", "\nroses\nare red\n \n\nviolets\nare blue\n")
    corpus = load_corpus(poems, items="blank-lines", validation=0)
    assert corpus.mark == RECORD_SEPARATOR
    assert sorted(all_items(corpus)) == ["roses\nare red", "violets\nare blue"]


def test_files_are_items_without_the_line_ends_at_their_ends(tmp_path: Path) -> None:
    written(tmp_path, "a.txt", "soup\n\nboil\n"), written(tmp_path, "b.txt", "salad")
    assert sorted(all_items(load_corpus(tmp_path, items="files", validation=0))) == ["salad", "soup\n\nboil"]


@pytest.mark.parametrize("separator", [",", "\t", ";"])
def test_values_of_a_column_are_items(tmp_path: Path, separator: str) -> None:
    table = written(tmp_path, "poems", 'name,year,text\nx,1900,"two\nlines"\ny,1901,one\n'.replace(",", separator))
    assert sorted(all_items(load_corpus(table, field="text", validation=0))) == ["one", "two\nlines"]
    labelled = load_corpus(table, field="text", label="year", validation=0)
    assert sorted(all_items(labelled)) == [f"1900{UNIT_SEPARATOR}two\nlines", f"1901{UNIT_SEPARATOR}one"]
    assert labelled.labels == ("1900", "1901")


def test_a_row_may_end_with_a_separator(tmp_path: Path) -> None:
    table = written(tmp_path, "poems", "name,text\nx,one\ny,two,\n")
    assert sorted(all_items(load_corpus(table, field="text", validation=0))) == ["one", "two"]


def test_values_of_json_lines_are_items(tmp_path: Path) -> None:
    rows = [{"text": "two\nlines", "by": "x"}, {"text": "één", "by": "y"}]
    path = written(tmp_path, "poems", "\n".join(map(json.dumps, rows)) + "\n\n")
    assert sorted(all_items(load_corpus(path, field="text", validation=0))) == ["two\nlines", "één"]
    assert load_corpus(path, field="text", label="by", validation=0).labels == ("x", "y")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,texts\nx,y\n", "poems has no column 'text' in its first line; did you mean 'texts'.*'name', 'texts'"),
        ("_id,text_\nx,y\n", "poems has no column 'text' in its first line; did you mean 'text_'.*'_id', 'text_'"),
        ("text\nwell, well\n", "poems, line 2 has more values than the first line has columns; put values"),
        (
            ",".join(f"c{n}" for n in range(1, 2000)) + "\n",
            "poems has no column 'text' in its first line; there are 'c1', .*, 'c10' and 1,989 more$",
        ),
        ("It was a dark and stormy night " * 9, "there are 'It was a dar...stormy night '$"),
        ('[{"text": "x"}, {"text": "y"}]', "poems is one JSON array; write one object a line, as .jsonl$"),
        ('[\n  {"text": "x"}\n]\n', "poems is one JSON array; write one object a line, as .jsonl$"),
        ("name,text\nx,y\nz\n", "poems, line 3 has no text for 'text'"),
        ('{"text": "x"}\n{"name": "y"}\n', "poems, line 2 has no text for 'text'"),
        ('{"text": "x"}\n{"text": \n', "poems, line 2 is not JSON"),
        (f"name,text\nx,a{UNIT_SEPARATOR}b\n", r"poems, line 2: 'text' holds U\+001F"),
        (f"name,text\nx,a{RECORD_SEPARATOR}b\n", r"the item .* holds U\+001E"),
    ],
)
def test_a_row_that_cannot_be_read_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(CorpusError, match=message):
        load_corpus(written(tmp_path, "poems", text), field="text")


@pytest.mark.parametrize("character", [RECORD_SEPARATOR, UNIT_SEPARATOR])
def test_an_item_that_holds_what_has_a_use_is_named(tmp_path: Path, character: str) -> None:
    """Whether it comes from a file or not: a run could not read again what it keeps of it."""
    text = f"one\ntwo{character}\n\nthree"
    says = rf"the item 'one\\ntwo\\x.*' holds U\+{ord(character):04X}, which .*; remove that character"
    for load in (
        lambda: make_corpus(text.split("\n\n"), validation=0),
        lambda: make_corpus(text, items="blank-lines", validation=0),
        lambda: load_corpus(written(tmp_path, "poems.txt", text), items="blank-lines", validation=0),
    ):
        with pytest.raises(CorpusError, match=says):
            load()


@pytest.mark.parametrize(
    ("name", "beginning", "expected"),
    [
        ("a.csv", "\n by,the text\nx,y\n", [" by", "the text"]),
        ("a.CSV", ',"the;text"\n0,y\n', ["the;text"]),
        ("a.csv", "text;author\n", ["text", "author"]),
        ("a.tsv", "text\tauthor\n", ["text", "author"]),
        ("a.tsv", "id\tCity, State, Land\n", ["id", "City, State, Land"]),
        ("a.csv", '"id";"Text, free"\n', ["id", "Text, free"]),
        ("a.csv", "id;Price, net;Text\n", ["id", "Price, net", "Text"]),
        ("a.jsonl", '{"text": "x, y", "by": 1}\n{}\n', ["text", "by"]),
        ("a.jsonl", '{"text": "cut o', []),
        ("a.jsonl", '[{"text": "x"}]', []),
        ("a.txt", "text,author\n", []),
        ("a.csv", "", []),
    ],
)
def test_the_columns_of_a_table_stand_in_its_first_line(name: str, beginning: str, expected: list[str]) -> None:
    assert columns(name, beginning) == expected


def test_line_ends_within_json_are_unified_too(tmp_path: Path) -> None:
    path = written(tmp_path, "poems.jsonl", '{"text": "two\\r\\nlines"}\n{"text": "an\\rother"}\n')
    assert sorted(all_items(load_corpus(path, field="text", validation=0))) == ["an\nother", "two\nlines"]
    kept = load_corpus(path, field="text", newline="keep", validation=0)
    assert sorted(all_items(kept)) == ["an\rother", "two\r\nlines"]


def test_a_row_without_text_is_no_item_with_or_without_a_label(tmp_path: Path) -> None:
    table = written(tmp_path, "table", "text,by\ngood,x\n,y\n  ,x\nbad,x\n")
    assert sorted(all_items(load_corpus(table, field="text", validation=0))) == ["bad", "good"]
    labelled = load_corpus(table, field="text", label="by", validation=0)
    assert sorted(all_items(labelled)) == [f"x{UNIT_SEPARATOR}bad", f"x{UNIT_SEPARATOR}good"]
    assert labelled.labels == ("x",)


@pytest.mark.parametrize("row", ['1,"open', '1,"open\n2,good\n3,"b" c'])
def test_a_quotation_mark_that_is_not_closed_swallows_no_rows(tmp_path: Path, row: str) -> None:
    table = written(tmp_path, "table", f"id,text\n{row}\n4,last\n")
    with pytest.raises(CorpusError, match=r"table, line .* is not CSV: .*; mend its quotation marks"):
        load_corpus(table, field="text", validation=0)


def test_labels_have_to_be_few(tmp_path: Path) -> None:
    table = written(tmp_path, "table", "id,text\n" + "".join(f"{n},x\n" for n in range(10_001)))
    with pytest.raises(CorpusError, match="more than 10,000 different labels"):
        load_corpus(table, field="text", label="id", validation=0)


def test_parts_are_drawn_from_all_items_in_whatever_order_they_come() -> None:
    corpus = make_corpus(NAMES * 3, validation=0.2, test=0.1)
    other = make_corpus(sorted(NAMES * 3), validation=0.2, test=0.1)
    assert np.array_equal(corpus.ids, other.ids)
    assert corpus.sha256 == other.sha256 != make_corpus(NAMES, validation=0).sha256
    assert Counter(all_items(corpus)) == Counter(NAMES * 3)
    assert items_of(corpus, "validation") != items_of(make_corpus(NAMES * 3, validation=0.2, seed=1), "validation")
    held_out = [NAMES.index(item) for item in items_of(corpus, "validation")]
    assert min(held_out) < 8
    assert max(held_out) > 15


@given(counts=st.lists(st.integers(1, 9), min_size=6, max_size=24), seed=st.integers(0, 9), share=st.floats(0.15, 0.3))
def test_equal_items_stay_on_one_side_and_shares_are_kept(counts: list[int], seed: int, share: float) -> None:
    items = [name for name, count in zip(NAMES, counts, strict=False) for _ in range(count)]
    try:
        corpus = make_corpus(items, validation=share, test=0.1, seed=seed)
    except CorpusError as error:
        if not re.search("too few different|none begins within", str(error)):
            raise
        return
    parts = [set(items_of(corpus, part)) for part in ("training", "validation", "test")]
    assert sum(map(len, parts)) == len(set.union(*parts))
    largest = 9 * max(len(name) + 1 for name in NAMES)
    assert abs(len(corpus.validation) - share * len(corpus)) <= 2 * largest


@pytest.mark.parametrize(
    ("items", "shares", "why"),
    [
        ([f"{n:03}" * 20 for n in range(12)], {"validation": 0.08}, "none begins within the 59 characters of a valid"),
        ([f"{n:03}" * 20 for n in range(12)], {"test": 0.05}, "none begins within the 37 characters of a test"),
        (
            ["only this one"],
            {"validation": 0.5},
            "has 1 item, and none begins within the 7 characters of a validation part of 0.5",
        ),
        (["ab"] * 12, {"validation": 0.5}, "too few different ones for a validation part of 0.5, 12 items in all"),
        (["ab"] * 12, {"test": 0.3}, "too few different ones for a test part of 0.3, 12 items in all"),
    ],
)
def test_why_a_part_would_have_no_item_is_said(items: list[str], shares: dict[str, float], why: str) -> None:
    with pytest.raises(CorpusError, match=why):
        make_corpus(items, **({"validation": 0} | shares))


def test_other_shares_are_cut_from_the_same_order() -> None:
    corpus = make_corpus(NAMES, validation=0.2)
    assert np.array_equal(corpus.cut(0.5, 0.1).ids, corpus.ids)
    assert len(items_of(corpus.cut(0.5, 0.1), "validation")) > len(items_of(corpus, "validation"))


def test_items_in_a_file_are_those_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, "names", "\n".join(NAMES))
    in_memory = load_corpus(path, items="lines", validation=0.2)
    monkeypatch.setattr("charrnn.text.ids.MAPPED_FROM", 0)
    for _ in range(2):
        mapped = load_corpus(path, items="lines", validation=0.2, cache=tmp_path / "ids")
        assert isinstance(mapped.ids.base, np.memmap)
        assert np.array_equal(mapped.ids, in_memory.ids)
    other = load_corpus(path, items="lines", validation=0.2, seed=1, cache=tmp_path / "ids")
    assert not np.array_equal(other.ids, in_memory.ids)


def test_items_that_change_while_they_are_read() -> None:
    versions = iter([["ab\nb\n"], ["a\nbb\n"]])
    with pytest.raises(CorpusError, match="items changed while they were read"):
        encode_text(lambda: next(versions), "diary", "", "none", Items("lines"), 0, None)


def test_very_many_items_are_put_in_order_in_groups(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = written(tmp_path, "names", "\n".join(NAMES * 3))
    expected = load_corpus(path, items="lines", validation=0.2)
    monkeypatch.setattr(items_module, "CHUNK", 7)
    monkeypatch.setattr(streams_module, "CHUNK", 7)
    monkeypatch.setattr("charrnn.text.ids.MAPPED_FROM", 0)
    corpus = load_corpus(path, items="lines", validation=0.2, cache=tmp_path / "ids")
    assert np.array_equal(corpus.ids, expected.ids)
    assert corpus.sha256 == expected.sha256
    assert np.array_equal(corpus.starts, expected.starts)
    in_files = ItemStreams(corpus.training, corpus.starts[: len(items_of(corpus, "training"))], 4, 5, 0, corpus.folder)
    assert read(in_files, corpus, 2) == read(item_streams(expected, 4, 5), expected, 2)
    assert {file.suffix for file in (tmp_path / "ids").iterdir()} == {".ids", ".json", ".lock"}


def test_what_is_noted_of_very_many_items_and_cannot_be_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path, folder = written(tmp_path, "names", "\n".join(NAMES)), written(tmp_path, "ids", "in the way")
    corpus = make_corpus(NAMES, validation=0)
    monkeypatch.setattr(items_module, "CHUNK", 7)
    for noting in (
        lambda: load_corpus(path, items="lines", cache=folder),
        lambda: replace(corpus, folder=folder).starts,
        lambda: ItemStreams(corpus.ids, corpus.starts, 4, 5, 0, folder),
    ):
        with pytest.raises(CorpusError, match=r"the items, \d+ bytes, cannot be kept in '.*ids': .*; make room there"):
            noting()
    assert folder.read_text() == "in the way"


def item_streams(corpus: Corpus, streams: int, window: int, seed: int = 0) -> ItemStreams:
    return ItemStreams(corpus.training, corpus.starts[: len(items_of(corpus, "training"))], streams, window, seed)


def read(streams: ItemStreams, corpus: Corpus, epoch: int) -> list[str]:
    """What each stream reads in an epoch: its text with the mark before it."""
    windows = [streams.window(epoch * streams.windows + k) for k in range(streams.windows)]
    for (_, y), (x, _) in pairwise(windows):
        assert np.array_equal(y[-1], x[0])
    first, targets = windows[0][0][:1], np.concatenate([y for _, y in windows])
    return [corpus.vocabulary.decode(ids) for ids in np.concatenate([first, targets]).T]


def test_an_epoch_reads_every_item_once_each_time_in_another_order() -> None:
    corpus = make_corpus(NAMES, validation=0.2)
    n = len(corpus.training)
    streams = item_streams(corpus, 1, next(T for T in range(2, n) if (n - 1) % T == 0))
    epochs = [read(streams, corpus, epoch)[0] for epoch in range(3)]
    for text in epochs:
        mark, *items = text.split("\n")
        assert mark == ""
        *whole, last = items
        assert Counter(whole) <= Counter(items_of(corpus, "training"))
        assert len(whole) == len(items_of(corpus, "training")) - 1
        assert any(item.startswith(last) for item in items_of(corpus, "training"))
    assert len({tuple(sorted(text)) for text in epochs}) <= 2
    assert len(set(epochs)) == 3


def test_streams_begin_with_an_item_and_hold_whole_items_in_an_order_that_follows_from_the_seed() -> None:
    corpus = make_corpus(NAMES, validation=0.2)
    streams = item_streams(corpus, 4, 5)
    texts = read(streams, corpus, 1)
    for text in texts:
        assert text[0] == "\n"
        assert set(text.split("\n")[1:-1]) <= set(items_of(corpus, "training"))
    assert len({text.split("\n")[1] for text in texts}) == 4
    assert read(item_streams(corpus, 4, 5), corpus, 1) == texts
    assert read(item_streams(corpus, 4, 5, seed=1), corpus, 1) != texts


@pytest.mark.parametrize("lengths", [[1000] * 20, [4000, 3000, 5000, 2000, 6000], [700, 40, 30, 60, 900, 20, 50]])
def test_items_longer_than_streams_are_read_to_their_ends(lengths: list[int]) -> None:
    """As books in 50 streams are: each place of the text comes up as a target within some epochs, about as often."""
    ids = np.concatenate([np.append(np.ones(length - 1, np.uint8), 0) for length in lengths])
    starts = np.append(0, np.cumsum(lengths)[:-1])
    streams = ItemStreams(np.arange(len(ids)), starts, 50, 5, 0)
    targets = np.concatenate([streams.window(k)[1].ravel() for k in range(30 * streams.windows)])
    times = np.bincount(targets, minlength=len(ids))
    assert times[ids == 0].min() > 0
    assert times.min() > 0
    assert times.max() <= 60


def test_a_list_is_told_from_prose() -> None:
    prose = "It was a long road that they went, and none of them\nknew where it would lead them in the end, if it led\n"
    assert looks_like_list("".join(f"{name}\n" for name in NAMES * 10))
    assert looks_like_list("".join(f"{name} said {name * (k % 20)}\n" for k, name in enumerate(NAMES * 10)))
    assert not looks_like_list(prose * 100)
    assert not looks_like_list("".join(f"{name}\n\n" for name in NAMES * 10))
    assert not looks_like_list("".join(f"    {name}\n" for name in NAMES * 10))
    assert not looks_like_list("".join(f"{name}\n" for name in NAMES))


@pytest.mark.parametrize(
    ("name", "text", "place"),
    [
        ("t.jsonl", '\n\n{"text": "a"}\n{bad\n', "t.jsonl, line 4 is not JSON"),
        ("t.jsonl", '{"text": ' + "[" * 100_000, "t.jsonl, line 1 is not JSON: maximum recursion depth"),
        ("t.csv", "\n\ntext,label\na,b\nc\n", "t.csv, line 5 has no text for 'label'"),
        ("t.csv", f"text\na\n{'b' * 200_000}\n", "t.csv, line 3 is not CSV: field larger"),
        ("t.csv", f"{'text' * 50_000}\na\n", "t.csv, line 1 is not CSV: field larger"),
    ],
)
def test_an_error_names_the_line_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str, place: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).write_text(text)
    with pytest.raises(CorpusError, match=place):
        load_corpus(name, field="text", label="label" if "label" in text else None)
