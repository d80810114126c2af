"""From files to one text and its parts."""

import hashlib
import io
import itertools
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from pydoc_data.topics import topics
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from charrnn.errors import CorpusError
from charrnn.files import unfinished
from charrnn.resources import resource
from charrnn.text import corpus as module
from charrnn.text import reading
from charrnn.text.corpus import Corpus, corpus_name, load_corpus, make_corpus
from charrnn.text.ids import encode_text
from charrnn.text.notes import Notes

CATALOGUE = yaml.safe_load((resource("data") / "corpora.yaml").read_text("utf-8"))


def text_of(corpus: Corpus) -> str:
    return corpus.vocabulary.decode(corpus.ids)


def load(*paths: Path, **options) -> str:
    return text_of(load_corpus(paths, validation=0, **options))


def write(folder: Path, name: str) -> None:
    """Makes a file that holds its own name, and the folders that it is in."""
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(name)


def test_files_in_the_order_given(tmp_path: Path) -> None:
    one, two, three = (tmp_path / f"{name}.txt" for name in ("one", "two", "three"))
    one.write_text("one ")
    two.write_text("two\n")
    three.write_text("three ")
    assert load(two, one, three) == "two\none \nthree "
    assert load(three, two, one) == "three \ntwo\none "


@pytest.mark.parametrize(
    ("paths", "says"),
    [
        (["a.txt", "b.txt", "a.txt"], "'a.txt' is given twice: what is held out of it would stand"),
        (["./more/../a.txt", "a.txt"], "'more/../a.txt' is given twice, as 'a.txt' too: what is held out"),
        ([".", "b.txt"], "'b.txt' is given twice: what"),
        (["b.txt", "link.text"], "'b.txt' is given twice, as 'link.text' too: what"),
        (["-", "a.txt", "-"], "'standard input' is given twice: what"),
    ],
)
def test_a_file_given_twice_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, paths: list[str], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("more").mkdir()
    for name in ("a.txt", "b.txt"):
        Path(name).write_text("the same text\n" * 9)
    Path("link.text").symlink_to("b.txt")
    with pytest.raises(CorpusError, match=f"^{re.escape(says)}.*; give each file once$"):
        load_corpus(paths, standard_input=b"and this\n")
    assert len(load_corpus(["a.txt", "b.txt"])) == 252  # equal ones are another matter


def test_the_beginning_is_read_once_and_is_not_the_whole_of_a_long_text() -> None:
    short, long = make_corpus("abc " * 10), make_corpus("abc " * 100_000)
    assert short.beginning == "abc " * 10
    assert long.beginning == "abc " * 50_000
    assert long.beginning is long.beginning


def test_a_folder_is_its_txt_files_at_any_depth_sorted(tmp_path: Path) -> None:
    for name in ("b.txt", "a/z.txt", "a/b/c.txt", "Z.TXT", "notes.md", "a/txt"):
        write(tmp_path, name)
    (tmp_path / "folder.txt").mkdir()
    assert load(tmp_path) == "Z.TXT a/b/c.txt a/z.txt b.txt".replace(" ", "\n")


def test_a_folder_holds_what_links_in_it_lead_to(tmp_path: Path) -> None:
    for name in ("texts/a.txt", "texts/2/c.txt", "others/b.txt"):
        write(tmp_path, name)
    (tmp_path / "texts/more").symlink_to("../others")
    (tmp_path / "texts/newest").symlink_to("2")
    (tmp_path / "others/up").symlink_to("../others")
    (tmp_path / "others/back").symlink_to("../texts/more")
    files = load_corpus(tmp_path / "texts").files
    assert [Path(file).relative_to(tmp_path / "texts").as_posix() for file in files] == [
        "2/c.txt",
        "a.txt",
        "more/b.txt",
    ]


def test_files_of_a_folder_are_sorted_as_people_count(tmp_path: Path) -> None:
    names = ["c1.txt", "c2.txt", "c10.txt", "part 2/x.txt", "part 10/1.txt", "part 10/1b.txt", "x9y10.txt", "x10y9.txt"]
    for name in names:
        write(tmp_path, name)
    assert load(tmp_path).split("\n") == names


def test_what_is_hidden_in_a_folder_is_not_read(tmp_path: Path) -> None:
    for name in (".venv/licence.txt", ".hidden.txt", "seen.txt"):
        write(tmp_path / ".dotted", name)
    corpus = load_corpus([tmp_path / ".dotted"], validation=0)
    assert corpus.files == (str(tmp_path / ".dotted" / "seen.txt"),)
    assert text_of(corpus) == "seen.txt"


def test_a_run_is_no_text(tmp_path: Path) -> None:
    write(tmp_path / "run" / "checkpoints", "last.npz")
    write(tmp_path / "run", "config.yaml")
    with pytest.raises(CorpusError, match=r"run' is a run and no text; name the text; .*run --resume goes on with it$"):
        load(tmp_path / "run")


def test_a_folder_without_texts_says_what_is_there_and_how_to_name_it(tmp_path: Path) -> None:
    for name in ("a.md", "books/b.html", "books/c.html", ".git/d.py", "README"):
        write(tmp_path, name)
    with pytest.raises(CorpusError) as refused:
        load(tmp_path)
    assert str(refused.value) == (
        f"folder {str(tmp_path)!r} holds no .txt file, but 2 .html, 1 .md; "
        f"name the files themselves, such as {tmp_path / 'books' / '*.html'}"
    )


def test_standard_input_among_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "file.txt"
    file.write_text("file ")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("gelesen é ".encode())))
    assert load(file, Path("-")) == "file \ngelesen é "
    assert load(Path("-"), file, standard_input=b"given ") == "given \nfile "


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be", "utf-16"])
def test_a_byte_order_mark_is_dropped_from_every_file(tmp_path: Path, encoding: str) -> None:
    mark = "" if encoding == "utf-16" else "\ufeff"  # that codec writes and drops its own
    files = tmp_path / "marked.txt", tmp_path / "another.txt"
    for file in files:
        file.write_bytes(f"{mark}a\ufeffb".encode(encoding))
    assert load(*files, encoding=encoding) == "a\ufeffb\na\ufeffb"


@pytest.mark.parametrize(("encoding", "text"), [("latin-1", "café"), ("utf-16", "☃ \U0001f600"), ("utf-8", "é")])
def test_encodings(tmp_path: Path, encoding: str, text: str) -> None:
    file = tmp_path / "text.txt"
    file.write_bytes(f"{text}.".encode(encoding))
    assert load(file, encoding=encoding) == f"{text}."


@pytest.mark.parametrize(("newline", "learnt"), [("universal", "a\nb\nc\nd\n\n\ne"), ("keep", "a\r\nb\rc\nd\r\r\n\ne")])
def test_line_ends(tmp_path: Path, newline: str, learnt: str) -> None:
    file = tmp_path / "lines.txt"
    file.write_bytes(b"a\r\nb\rc\nd\r\r\n\ne")
    assert load(file, newline=newline) == learnt


@pytest.mark.parametrize(
    ("encoding", "content", "says"),
    [
        ("utf-8", b"ab\xffcd", "byte 0xff at offset 2"),
        ("utf-8", b"abc\xc3", "byte 0xc3 at offset 3"),
        ("ascii", "abcdé".encode(), "byte 0xc3 at offset 4"),
        ("utf-16-le", b"a\0b\0c", "byte 0x63 at offset 4"),
        ("utf-32", b"abc", "offset 0"),
    ],
)
def test_bytes_that_cannot_be_decoded(tmp_path: Path, encoding: str, content: bytes, says: str) -> None:
    file = tmp_path / "odd.txt"
    file.write_bytes(content)
    with pytest.raises(CorpusError) as refused:
        load(file, encoding=encoding)
    for part in (str(file), encoding, says, "encoding"):
        assert part in str(refused.value)


@pytest.mark.parametrize("encoding", ["klingon", "undefined", "utf-8\0", "rot13"])
def test_what_is_no_encoding_is_named(encoding: str) -> None:
    with pytest.raises(CorpusError, match=r"^the encoding is '.*'; give .*encoding.* one that Python knows"):
        load_corpus(encoding=encoding)


@pytest.mark.parametrize(("text", "says"), [("", "is empty"), ("aaaa", "one character"), ("\ufeff", "is empty")])
def test_texts_that_teach_nothing(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "little.txt"
    file.write_text(text, "utf-8")
    with pytest.raises(CorpusError, match=f"corpus 'little' .*{says}"):
        load(file)


@pytest.mark.parametrize("entry", CATALOGUE.values(), ids=CATALOGUE)
def test_a_missing_file_that_is_known_comes_with_its_address(tmp_path: Path, entry: dict[str, str]) -> None:
    with pytest.raises(CorpusError) as refused:
        load(tmp_path / entry["file"])
    assert f"or save {entry['address']} under" in str(refused.value)


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "notes.md").touch()
    with pytest.raises(CorpusError, match=r"nowhere.txt' does not exist; check the path"):
        load(tmp_path / "nowhere.txt")
    with pytest.raises(CorpusError, match=r"holds no \.txt file"):
        load(tmp_path)
    with pytest.raises(CorpusError, match=r"notes.md/a.txt' cannot be read: Not a directory"):
        load(tmp_path / "notes.md" / "a.txt")


@pytest.mark.parametrize("name", ["a\0b", "a" * 300, "loop.txt"])
def test_a_path_that_no_file_can_have_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    Path("loop.txt").symlink_to("loop.txt")
    with pytest.raises(CorpusError, match=r"cannot be read|does not exist|give a path"):
        load_corpus([name])


def test_the_digest_is_of_the_text_as_it_is_learnt(tmp_path: Path) -> None:
    file = tmp_path / "text.txt"
    file.write_bytes(b"\xef\xbb\xbfcaf\xc3\xa9\r\n")
    assert load_corpus([file], validation=0).sha256 == hashlib.sha256("café\n".encode()).hexdigest()


@pytest.mark.parametrize(
    ("validation", "test", "sizes"),
    [
        (0, 0, (100, 0, 0)),
        (0.1, 0, (90, 10, 0)),
        (0, 0.25, (75, 0, 25)),
        (0.15, 0.05, (80, 15, 5)),
        (0.02, 0, (98, 2, 0)),
    ],
)
def test_parts_lie_one_after_another(validation: float, test: float, sizes: tuple[int, int, int]) -> None:
    corpus = make_corpus("".join(map(chr, range(100))), validation=validation, test=test)
    assert (len(corpus.training), len(corpus.validation), len(corpus.test)) == sizes
    assert [*corpus.training, *corpus.validation, *corpus.test] == list(range(len(corpus))) == list(range(100))


def test_every_piece_is_cut() -> None:
    corpus = make_corpus("0123456789" * 30 + "0123", validation=0.2, test=0.2, pieces=30)
    parts = [corpus.vocabulary.decode(ids) for ids in (corpus.training, corpus.validation, corpus.test)]
    assert parts == ["012345" * 30, "67" * 30, "89" * 30]
    assert len(corpus) == 304


def test_pieces_too_short_to_cut_are_refused() -> None:
    text, pieces = "0123456789" * 30, "of each of the 30 pieces of corpus 'text'"
    with pytest.raises(CorpusError, match=f"part would have 1 of the 10 characters {pieces}; lower corpus.pieces, set"):
        make_corpus(text, test=0.1, validation=0.2, pieces=30)
    with pytest.raises(CorpusError, match=f"nothing to train on of the 10 characters {pieces}; .* or corpus.pieces"):
        make_corpus(text, test=0.5, validation=0.4, pieces=30)


@pytest.mark.parametrize("part", ["validation", "test"])
def test_a_part_too_small_to_measure_is_refused(part: str) -> None:
    shares = {"validation": 0.0, "test": 0.0} | {part: 0.01}
    with pytest.raises(CorpusError, match=rf"the {part} part would have 1 of the 100 .* set corpus\.{part} to 0"):
        make_corpus("ab" * 50, **shares)


def test_characters_of_every_part_are_known() -> None:
    corpus = make_corpus("a" * 90 + "b" * 5 + "c" * 5, validation=0.05, test=0.05)
    assert corpus.vocabulary.characters == "abc"


def test_without_a_path_it_is_the_manual_that_python_carries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pydoc_data.topics.topics", dict(reversed(topics.items())))  # listed in any order
    corpus = load_corpus()
    text = text_of(corpus)
    assert corpus.name == "python-manual"
    assert text.startswith(f"{topics[min(topics)]}\n")
    assert text.endswith(f"\n{topics[max(topics)]}")
    assert len(text) == sum(len(topic) + 1 for topic in topics.values()) - 1


@pytest.mark.parametrize(
    ("paths", "name"),
    [
        ([], "python-manual"),
        (["-", "b.txt"], "stdin"),
        (["books/war-and-peace.txt", "b.txt"], "war-and-peace"),
        (["books/"], "books"),
        (["/"], "text"),
    ],
)
def test_a_corpus_is_called_after_its_first_path(paths: list[str], name: str) -> None:
    assert corpus_name(paths) == name


def test_a_folder_given_as_dot_has_its_own_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "poems").mkdir()
    monkeypatch.chdir(tmp_path / "poems")
    assert corpus_name(["."]) == "poems"


def test_the_real_words_are_those_of_the_training_part() -> None:
    corpus = make_corpus("cat cat cat dog dog " + "dog mat mat mat mat ", validation=0.5)
    assert corpus.real_words == {"cat"}


@given(
    text=st.text("ab é☃\U0001f600", min_size=1, max_size=30).map(lambda text: f"{text}xy"),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32-le", "gb18030"]),
    size=st.integers(1, 40),
)
def test_ids_digest_and_vocabulary_do_not_depend_on_blocks(text: str, encoding: str, size: int) -> None:
    characters = sorted(set(text))
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "BLOCK", size)
        file = Path(folder, "text.txt")
        file.write_bytes(text.encode(encoding))
        for corpus in (load_corpus([file], encoding=encoding, validation=0), make_corpus(text, validation=0)):
            assert corpus.vocabulary.characters == "".join(characters)
            assert corpus.ids.tolist() == [characters.index(character) for character in text]
            assert corpus.ids.dtype == np.uint8
            assert corpus.sha256 == hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize("size", [1, 3, 100])
def test_half_a_character_is_named_with_its_position(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(reading, "BLOCK", size)
    with pytest.raises(
        CorpusError, match=r"U\+D83D .* at position 4, half of a character; write the whole character there"
    ):
        make_corpus("abc\U0001f600\ud83d")


@pytest.fixture
def cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Corpus]:
    """Loads a text through the folder ``tmp_path / "ids"``, whatever its size."""
    monkeypatch.setattr("charrnn.text.ids.MAPPED_FROM", 1)

    def load(text: str) -> Corpus:
        (tmp_path / "text.txt").write_text(text, "utf-8")
        return load_corpus([tmp_path / "text.txt"], validation=0, cache=tmp_path / "ids")

    return load


def is_mapped(ids: np.ndarray) -> bool:
    return isinstance(ids.base, np.memmap)


@pytest.mark.parametrize("text", ["a text, é☃\U0001f600", "".join(map(chr, range(1000, 1300)))])
def test_ids_in_a_file_are_those_in_memory(cached: Callable, tmp_path: Path, text: str) -> None:
    corpus, other = cached(text), make_corpus(text, validation=0)
    assert is_mapped(corpus.ids)
    assert not corpus.ids.flags.writeable
    assert corpus.ids.dtype == other.ids.dtype
    assert np.array_equal(corpus.ids, other.ids)
    assert (corpus.sha256, corpus.vocabulary.characters) == (other.sha256, other.vocabulary.characters)
    (file,) = (tmp_path / "ids").glob("*.ids")
    assert file.name == hashlib.sha256(f"{corpus.sha256} {corpus.vocabulary.characters}".encode()).hexdigest() + ".ids"


def test_a_file_of_ids_is_used_again(cached: Callable, tmp_path: Path) -> None:
    cached("aabb")
    (file,) = (tmp_path / "ids").glob("*.ids")
    file.write_bytes(bytes([1, 0, 1, 0]))
    assert text_of(cached("aabb")) == "baba"
    assert text_of(cached("abab")) == "abab"
    assert len(list((tmp_path / "ids").glob("*.ids"))) == 2


def bytes_read() -> int:
    """By this process, so far."""
    return int(Path("/proc/self/io").read_text().partition("rchar: ")[2].partition("\n")[0])


@pytest.mark.skipif(not Path("/proc/self/io").exists(), reason="needs Linux")
def test_a_long_text_is_not_read_again_while_its_file_stays_as_it_is(cached: Callable, tmp_path: Path) -> None:
    first, text = cached("ab" * 500_000), tmp_path / "text.txt"
    for touched in (False, True):
        if touched:
            text.touch()
        before = bytes_read()
        again = load_corpus([text], validation=0, cache=tmp_path / "ids")
        assert (bytes_read() - before > 1_000_000) == touched
        assert np.array_equal(again.ids, first.ids)
        assert (again.sha256, again.vocabulary.characters) == (first.sha256, first.vocabulary.characters)


def test_another_text_with_the_same_size_and_time_is_read(cached: Callable, tmp_path: Path) -> None:
    cached("aabb")
    text = tmp_path / "text.txt"
    time = text.stat()
    text.write_text("abab")
    os.utime(text, ns=(time.st_atime_ns, time.st_mtime_ns))
    assert text_of(load_corpus([text], validation=0, cache=tmp_path / "ids")) == "abab"


@pytest.mark.parametrize("change", ["no ids", "other line ends", "more characters"])
def test_what_is_noted_of_a_text_counts_only_where_all_is_there(cached: Callable, tmp_path: Path, change: str) -> None:
    cached("a\r\nb")
    (file,) = (tmp_path / "ids").glob("*.ids")
    how = {"other line ends": {"newline": "keep"}, "more characters": {"characters": "xyz"}}.get(change, {})
    if change == "no ids":
        file.unlink()
    corpus = load_corpus([tmp_path / "text.txt"], validation=0, cache=tmp_path / "ids", **how)
    expected = load_corpus([tmp_path / "text.txt"], validation=0, **how)
    assert (text_of(corpus), corpus.sha256) == (text_of(expected), expected.sha256)
    assert corpus.vocabulary.characters == expected.vocabulary.characters


@pytest.mark.parametrize(
    "damage",
    [
        lambda note: note[:-9],
        lambda note: "1",
        lambda note: "null",
        lambda note: "[" * 100_000,
        lambda note: note.replace('"length": 4', '"length": "x"'),
        lambda note: note.replace('"length": 4', '"length": -4'),
        lambda note: note.replace('"ab"', "null"),
        lambda note: note.replace('"ab"', '"\\ud800"'),
        lambda note: note.replace('"sha256": "', '"sha256": "/'),
    ],
)
def test_a_damaged_note_is_no_note(cached: Callable, tmp_path: Path, damage: Callable[[str], str]) -> None:
    cached("aabb")
    (note,) = (tmp_path / "ids").glob("*.json")
    whole = note.read_text()
    assert damage(whole) != whole
    note.write_text(damage(whole))
    assert text_of(load_corpus([tmp_path / "text.txt"], validation=0, cache=tmp_path / "ids")) == "aabb"
    assert note.read_text() == whole


def test_a_note_that_cannot_be_written_keeps_nobody_from_reading(cached: Callable, tmp_path: Path) -> None:
    cached("aabb")
    (note,) = (tmp_path / "ids").glob("*.json")
    note.unlink()
    note.mkdir()
    assert text_of(load_corpus([tmp_path / "text.txt"], validation=0, cache=tmp_path / "ids")) == "aabb"


def test_a_link_to_nowhere_is_named_with_a_cache_too(tmp_path: Path) -> None:
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts/lost.txt").symlink_to(tmp_path / "nowhere.txt")
    with pytest.raises(CorpusError, match=r"'.*lost\.txt' does not exist"):
        load_corpus(tmp_path / "texts", cache=tmp_path / "ids")


@pytest.mark.parametrize("content", [b"", b"\0" * 3, b"\0" * 5])
def test_a_file_of_ids_of_another_size_is_made_anew(cached: Callable, tmp_path: Path, content: bytes) -> None:
    cached("aabb")
    (file,) = (tmp_path / "ids").glob("*.ids")
    file.write_bytes(content)
    assert text_of(cached("aabb")) == "aabb"
    assert file.read_bytes() == bytes([0, 0, 1, 1])


@pytest.mark.parametrize(("size", "mapped"), [(999, False), (1000, True)])
def test_only_ids_of_a_long_text_go_into_a_file(
    cached: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int, mapped: bool
) -> None:
    monkeypatch.setattr("charrnn.text.ids.MAPPED_FROM", 2 * 1000)
    text = "".join(map(chr, range(1000, 1000 + size)))  # more than a byte can number
    assert is_mapped(cached(text).ids) == (tmp_path / "ids").exists() == mapped


def test_ids_that_do_not_fit_on_the_disk(cached: Callable, tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    assert len(cached("ab")) == 2
    (tmp_path / "text.txt").write_text("ab" * 40_000)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, hard))
    try:
        with pytest.raises(
            CorpusError, match=r"80000 bytes, cannot be kept in .*ids': File too large; make room there"
        ):
            load_corpus([tmp_path / "text.txt"], cache=tmp_path / "ids")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert sorted(path.suffix for path in (tmp_path / "ids").iterdir()) == [".ids", ".json", ".lock", ".lock"]


def test_ids_that_cannot_be_written(cached: Callable, tmp_path: Path) -> None:
    (tmp_path / "ids").write_text("in the way")
    with pytest.raises(CorpusError, match=r"the ids of the text, 4 bytes, cannot be kept in .*ids': "):
        cached("aabb")
    assert (tmp_path / "ids").read_text() == "in the way"


@pytest.mark.parametrize("second", ["aab", "aabba", "aabc", ""])
@pytest.mark.parametrize("mapped", [False, True])
def test_a_text_that_changes_while_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, second: str, mapped: bool
) -> None:
    monkeypatch.setattr("charrnn.text.ids.MAPPED_FROM", 1)
    versions = itertools.cycle([["aa", "bb"], [second[:2], second[2:]]])
    with pytest.raises(CorpusError, match="'diary' changed while it was read; start again when nothing writes to it"):
        encode_text(lambda: next(versions), "diary", "", "none", None, 0, Notes(tmp_path, [], ()) if mapped else None)
    assert [path.suffix for path in tmp_path.iterdir()] == [".lock"] * mapped


WRITER = """
import os, sys
from pathlib import Path
from charrnn.text import ids
from charrnn.text.items import Items
from charrnn.text.notes import Notes
ids.MAPPED_FROM = 1
of_items, at_the_end = sys.argv[1:]
def blocks():
    yield "ab\\n"
    print("read", flush=True)
    if os.listdir("ids") and at_the_end == "killed":
        os._exit(9)
    sys.stdin.readline()
    yield "b\\n"
os.makedirs("ids", exist_ok=True)
ids.encode_text(blocks, "diary", "", "none", Items() if of_items else None, 0, Notes(Path("ids"), [], ()))
"""


def writer(folder: Path, *arguments: str) -> "subprocess.Popen[str]":
    """Reads a text twice, the first time for what is in it, and waits for a line within each."""
    command = [sys.executable, "-c", WRITER, *arguments]
    return subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("items", ["", "items"])
def test_ids_that_a_killed_process_left_half_written_are_removed(tmp_path: Path, items: str) -> None:
    killed = writer(tmp_path, items, "killed")
    killed.communicate("\n\n", timeout=60)
    assert (killed.returncode, len(unfinished(tmp_path / "ids"))) == (9, 1)
    again = writer(tmp_path, items, "")
    again.communicate("\n\n", timeout=60)
    assert (again.returncode, unfinished(tmp_path / "ids")) == (0, [])
    (file,) = (tmp_path / "ids").glob("*.ids")
    assert sorted(file.read_bytes()) == [0, 0, 1, 2, 2]


def test_one_process_at_a_time_writes_the_ids_of_a_text(tmp_path: Path) -> None:
    first, second = writer(tmp_path, "", ""), writer(tmp_path, "", "")
    for process in (first, second):
        assert process.stdout.readline() == "read\n"
    first.stdin.write("\n")
    first.stdin.flush()
    assert first.stdout.readline() == "read\n"  # it is writing now
    second.stdin.write("\n")
    second.stdin.flush()
    assert first.communicate("\n", timeout=60)[0] == ""
    assert second.communicate(timeout=60)[0] == ""
    assert (first.returncode, second.returncode) == (0, 0)
    (file,) = (tmp_path / "ids").glob("*.ids")
    assert file.read_bytes() == bytes([1, 2, 0, 2, 0])


def test_a_text_that_is_cut_anew_is_the_same_text() -> None:
    corpus = make_corpus("abcd" * 25, validation=0.1)
    again, in_pieces = corpus.cut(0.2, 0.3), corpus.cut(0.25, 0.25, 5)
    assert [len(part) for part in (again.training, again.validation, again.test)] == [50, 20, 30]
    assert in_pieces.vocabulary.decode(in_pieces.test) == "dabcd" * 5
    assert (again.sha256, again.vocabulary) == (corpus.sha256, corpus.vocabulary)
    assert len(corpus.validation) == 10
    with pytest.raises(CorpusError, match="leave nothing to train on"):
        corpus.cut(0.5, 0.5)


@pytest.mark.parametrize("most", [1, 15, 100, 1_000, 9_999])
@pytest.mark.parametrize("count", [1, 3, 200])
@pytest.mark.parametrize("pieces", [1, 7])
def test_a_sample_is_spread_evenly_over_a_part(most: int, count: int, pieces: int) -> None:
    corpus = make_corpus("".join(map(chr, range(100))) * 100, validation=0, pieces=pieces)
    ids = np.arange(10_000)
    streams = corpus.sample(ids, count, 10, most)
    places = np.array([stream[0] for stream in streams])
    lengths = [len(stream) - 1 for stream in streams]
    assert len(streams) == max(2, min(max(count, 50), most // 10))
    assert most - len(streams) < sum(lengths) <= max(2, most)
    assert np.diff(places) == pytest.approx(10_000 / len(streams), abs=1)
    assert places[0] == 0
    assert all(np.array_equal(stream, stream[0] + np.arange(len(stream))) for stream in streams)


@pytest.mark.parametrize("most", [None, 1_000])
def test_a_part_that_is_short_enough_is_its_own_sample(most: int | None) -> None:
    corpus = make_corpus("the cat sat on the mat. " * 40, validation=0)
    sample, streams = corpus.sample(corpus.ids, 4, 10, most), corpus.in_streams(corpus.ids, 4, 10)
    assert [ids.tolist() for ids in sample] == [ids.tolist() for ids in streams]


def test_a_sample_of_items_begins_with_one_at_each_place() -> None:
    corpus = make_corpus([f"item {n}" for n in range(3_000)], validation=0)
    streams = corpus.sample(corpus.ids, 4, 10, 1_000)
    assert len(streams) == 50
    texts = [corpus.vocabulary.decode(ids) for ids in streams]
    assert all(re.match(r"\nitem \d", text) for text in texts)
    assert {len(text) for text in texts} == {21}
    whole = corpus.vocabulary.decode(corpus.ids)
    places = [f"\n{whole}".index(text) for text in texts]
    assert places[0] == 0
    assert np.diff(places) == pytest.approx(len(whole) / 50, abs=10)


@pytest.mark.parametrize("most", [1, 15, 100, 1_000, 9_999])
@pytest.mark.parametrize("length", [2, 7, 100, 700, 5_000, 10_000])
def test_a_sample_of_items_of_any_length_is_spread_evenly_over_a_part(length: int, most: int) -> None:
    """None of it is read twice, and few long items too give enough streams for a standard error."""
    corpus = make_corpus(["some", "items"], validation=0)
    assert corpus.mark_id == 0
    ids = np.arange(1, 10_001)  # each the number of the place after it, but for the marks
    ids[length - 1 :: length] = ids[-1] = 0
    streams = corpus.sample(ids, 4, 10, most)
    assert len(streams) == max(2, min(50, most // 10))
    starts = np.array([stream[0] or stream[1] - 1 for stream in streams])
    ends = starts + [len(stream) - 1 for stream in streams]
    assert all(np.array_equal(s[1:], ids[a:b]) for s, a, b in zip(streams, starts, ends, strict=True))
    assert np.all(starts < ends)
    assert np.all(ends[:-1] <= starts[1:])
    assert np.sum(ends - starts) <= max(2, most)
    late = starts - np.arange(len(streams)) * 10_000 // len(streams)
    assert np.all((late >= 0) & (late < max(1, most // len(streams))))
    if length <= most // len(streams):
        assert all(stream[0] == 0 for stream in streams)


def test_the_words_of_a_very_long_text_are_those_of_a_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of fifty places, where no stream reaches the owls."""
    text = "".join(("cats " * 33 + "owls owls owls.") if n == 1 else "cats " * 36 for n in range(50))
    assert make_corpus(text, validation=0).real_words == {"cats", "owls"}
    monkeypatch.setattr(module, "WORDS_FROM", 2_000)
    assert make_corpus(text, validation=0).real_words == {"cats"}


@pytest.mark.parametrize("pieces", [1, 7, 100])
@pytest.mark.parametrize(("validation", "test"), [(0.1, 0.0), (0.55, 0.1), (0.3, 0.6)])
@pytest.mark.parametrize("length", [2099, 2100, 10_007])
def test_its_shares_cut_it_again_in_the_same_way(length: int, validation: float, test: float, pieces: int) -> None:
    corpus = make_corpus(("ab" * length)[:length], validation=validation, test=test, pieces=pieces)
    again = make_corpus(("ab" * length)[:length], **corpus.shares)
    assert [len(part) for part in (again.training, again.validation, again.test)] == [
        len(part) for part in (corpus.training, corpus.validation, corpus.test)
    ]
