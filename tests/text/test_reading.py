"""From files to text in blocks: nothing depends on where a block ends."""

import codecs
import os
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from charrnn.errors import CorpusError
from charrnn.text import reading
from charrnn.text.reading import Source, find_sources, first_characters, in_blocks, read_blocks

ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32", "utf-7", "latin-1", "gb18030", "iso2022_jp"]
TEXTS = st.text("ab+\r\n\ufeffé☃日\U0001f600", max_size=12)
SIZES = st.integers(1, 20)


def read(sources: list[Source], encoding: str = "utf-8", newline: str = "universal", size: int | None = None) -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "BLOCK", size or reading.BLOCK)
        return "".join(read_blocks(sources, encoding, newline))


def held(*contents: bytes) -> list[Source]:
    return [Source("held", content) for content in contents]


@given(texts=st.lists(TEXTS, max_size=3), encoding=st.sampled_from(ENCODINGS), keep=st.booleans(), size=SIZES)
@example(texts=["a\r\nb"], encoding="utf-8", keep=False, size=2)  # a line end in two blocks
@example(texts=["a", "", "b"], encoding="utf-8", keep=True, size=9)
@example(texts=["a\r", "\nb"], encoding="utf-8", keep=False, size=9)  # and in two files
@example(texts=["a\r"], encoding="utf-8", keep=True, size=9)
@example(texts=["\ufeff\U0001f600", "\ufeff\ufeffa"], encoding="utf-8", keep=True, size=1)
def test_blocks_are_the_whole_text(texts: list[str], encoding: str, keep: bool, size: int) -> None:
    contents = [text.encode(encoding, "ignore") for text in texts]
    decoded = [content.decode(encoding).removeprefix("\ufeff") for content in contents]
    whole = "".join(text if text.endswith(("\r", "\n")) else f"{text}\n" for text in decoded if text)
    if whole and not "".join(decoded).endswith(("\r", "\n")):
        whole = whole[:-1]  # the line end is between two files
    if not keep:
        whole = whole.replace("\r\n", "\n").replace("\r", "\n")
    assert read(held(*contents), encoding, "keep" if keep else "universal", size) == whole


@given(
    content=st.lists(
        st.sampled_from([b"a", b"\xff\xfe", b"\xc3", b"\xa9", b"\xf0\x9f\x98\x80", b"\xff", b"\xd8", b"\x81", b"\0"])
    ),
    encoding=st.sampled_from(["utf-8", "ascii", "utf-16", "utf-16-le", "utf-32-be", "gb18030", "shift_jis"]),
    size=SIZES,
)
def test_what_cannot_be_decoded_is_named_by_its_place_in_the_file(
    content: list[bytes], encoding: str, size: int
) -> None:
    joined = b"".join(content)
    try:
        text = joined.decode(encoding)
    except UnicodeDecodeError as error:
        says = f"'held' is not {encoding}: byte 0x{joined[error.start]:02x} at offset {error.start} ({error.reason});"
        with pytest.raises(CorpusError) as refused:
            read(held(joined), encoding, "keep", size)
        assert says in str(refused.value)
    else:
        assert read(held(joined), encoding, "keep", size) == text.removeprefix("\ufeff")


@pytest.mark.parametrize(
    ("beginning", "says"),
    [
        (
            b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
            "a PDF document, and not a text; save it as plain text in UTF-8 and name that",
        ),
        (b"{\\rtf1\\ansi\\deff0 The cat sat.}", "an RTF document, full of markup, and not a text; save it as plain"),
        (
            b"PK\x03\x04\x14\0",
            "a zip archive, as Word documents and e-books are, and not a text; save it as plain text",
        ),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a document of an old Word or Excel, and not a text; save it as plain"),
        (b"\x1f\x8b\x08\0\0\0\0\0", "compressed by gzip, and not a text; unpack it and name the text that comes out"),
        (b"\xfd7zXZ\0\0\4", "compressed by xz, and not a text; unpack it and name the text that comes out"),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_what_is_no_plain_text_is_named_as_what_it_is(
    tmp_path: Path, beginning: bytes, says: str, encoding: str
) -> None:
    (tmp_path / "novel.txt").write_bytes(beginning + b"the cat sat on the mat\n" * 50)
    for named in (tmp_path, tmp_path / "novel.txt"):
        with pytest.raises(CorpusError) as refused:
            read(find_sources([named]), encoding)
        assert str(refused.value).startswith(f"{str(tmp_path / 'novel.txt')!r} is {says}")


def test_a_text_about_a_format_is_a_text() -> None:
    assert read(held(b"A file that begins with %PDF- or PK is none.")).startswith("A file")


def test_an_encoding_that_cannot_be_guessed_may_be_none() -> None:
    with pytest.raises(CorpusError, match=r"; give the right one with encoding, if it is a text at all$"):
        read(held(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\1"))


def test_a_byte_order_mark_counts_in_offsets() -> None:
    with pytest.raises(CorpusError, match="byte 0xff at offset 4 "):
        read(held(codecs.BOM_UTF8 + b"a\xff"), "utf-8-sig")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "U16"])
@pytest.mark.parametrize("size", [1, 100])
def test_without_a_byte_order_mark_it_is_the_order_of_the_machine(encoding: str, size: int) -> None:
    marked = "ab\U0001f600".encode(encoding)
    unmarked = marked[len("".encode(encoding)) :]
    assert read(held(unmarked), encoding, size=size) == read(held(marked), encoding, size=size) == "ab\U0001f600"


def test_an_encoding_that_says_no_place_keeps_its_reason() -> None:
    with pytest.raises(
        CorpusError, match=r"'held' is not undefined: undefined encoding; give the right one with encoding"
    ):
        read(held(b"a"), "undefined")


def test_blocks_are_no_longer_than_they_should_be(tmp_path: Path) -> None:
    file = tmp_path / "text.txt"
    file.write_bytes(b"a" * (3 * reading.BLOCK))
    assert max(map(len, read_blocks(find_sources([file]), "utf-8", "universal"))) == reading.BLOCK


@given(text=TEXTS, size=SIZES)
def test_a_text_in_blocks(text: str, size: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "BLOCK", size)
        blocks = list(in_blocks(text))
    assert "".join(blocks) == text
    assert all(len(block) == size for block in blocks[:-1])


def test_a_text_can_be_read_again(tmp_path: Path) -> None:
    file = tmp_path / "text.txt"
    file.write_text("text")
    sources = find_sources([file, "-"], b" and more")
    assert read(sources) == read(sources) == "text\n and more"


@pytest.mark.skipif(not os.path.exists("/dev/fd"), reason="needs pipes that have a path")
def test_a_pipe_can_be_read_again() -> None:
    ours, theirs = os.pipe()
    os.write(theirs, "käse".encode())
    os.close(theirs)
    try:
        sources = find_sources([f"/dev/fd/{ours}"])
        assert read(sources) == read(sources) == "käse"
    finally:
        os.close(ours)


def test_a_file_that_vanishes_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a")
    (tmp_path / "b.txt").write_text("b")
    sources = find_sources([tmp_path])
    (tmp_path / "b.txt").unlink()
    with pytest.raises(CorpusError, match=r"b\.txt' does not exist; check the path"):
        read(sources)


def test_what_is_missing_is_said_before_anything_is_read(tmp_path: Path) -> None:
    (tmp_path / "bad.txt").write_bytes(b"\xff")
    with pytest.raises(CorpusError, match=r"nowhere\.txt' does not exist"):
        read(find_sources([tmp_path / "bad.txt", tmp_path / "nowhere.txt"]))


def test_first_characters_reads_no_more() -> None:
    blocks = iter(["abc", "de", "fgh", "never"])
    assert list(first_characters(blocks, 6)) == ["abc", "de", "f"]
    assert next(blocks) == "never"
    assert list(first_characters(["abc", "de"], 9)) == ["abc", "de"]
