"""``charrnn corpus``: known texts, fetched from a server of the tests' own, and any text looked at."""

import hashlib
import json
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from charrnn import load_corpus
from charrnn.text import catalogue
from charrnn.text.streams import Streams

TEXT = Path(__file__).read_bytes() * 20
BROKEN_OFF = 1 << 16


class Server(ThreadingHTTPServer):
    """Serves ``content``, and remembers the Range of each request. It breaks off once after ``breaks_after`` bytes."""

    content = TEXT
    status = 206
    """200: Range is ignored."""
    breaks_after: int | None = None

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[str | None] = []


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append(self.headers["Range"])
        if self.server.status == 404:
            self.send_error(404)
            return
        start = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-")) if self.server.status == 206 else 0
        content = self.server.content[start:]
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: self.server.breaks_after])
        self.server.breaks_after = None

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server, a catalogue with one corpus, ``known``, whose address is there, and an empty cache."""
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        entry = {
            "file": "known.txt",
            "title": "A text of the tests",
            "address": f"http://127.0.0.1:{server.server_port}/elsewhere.txt",
            "sha256": hashlib.sha256(TEXT).hexdigest(),
            "bytes": len(TEXT),
            "licence": "MIT",
        }
        (tmp_path / "corpora.yaml").write_text(yaml.safe_dump({"known": entry}))
        monkeypatch.setattr(catalogue, "CATALOGUE", tmp_path / "corpora.yaml")
        monkeypatch.setenv("CHARRNN_CACHE", str(tmp_path / "cache"))
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Where the fetched file belongs."""
    return tmp_path / "cache" / "known.txt"


@pytest.fixture
def fetch(charrnn: Callable) -> Callable:
    pytest.importorskip("pooch")
    return lambda name="known": charrnn("corpus", "fetch", name)


def test_a_known_corpus_is_fetched_once(fetch: Callable, server: Server, place: Path) -> None:
    for _ in range(2):
        assert fetch()[:2] == (0, f"{place}\n")
        assert place.read_bytes() == TEXT
    assert len(server.asked) == 1


def test_a_download_that_broke_off_goes_on(fetch: Callable, server: Server, place: Path) -> None:
    server.breaks_after = BROKEN_OFF
    code, out, err = fetch()
    assert (code, out) == (1, "")
    assert f"the connection broke off; {BROKEN_OFF:,} of {len(TEXT):,} bytes are kept" in err
    assert catalogue.fetched("known") is None
    assert fetch().code == 0
    assert place.read_bytes() == TEXT
    assert server.asked == ["bytes=0-", f"bytes={BROKEN_OFF}-"]
    assert not list(place.parent.glob("*.part"))


def test_a_server_that_knows_no_ranges_gives_the_whole_again(fetch: Callable, server: Server, place: Path) -> None:
    server.status = 200
    server.breaks_after = BROKEN_OFF
    assert fetch().code == 1
    assert fetch().code == 0
    assert place.read_bytes() == TEXT


def test_a_download_that_is_whole_but_was_not_put_in_its_place_is(fetch: Callable, server: Server, place: Path) -> None:
    place.parent.mkdir()
    place.with_name("known.txt.part").write_bytes(TEXT)
    assert fetch().code == 0
    assert (place.read_bytes(), server.asked) == (TEXT, [])


def test_another_text_is_refused_and_not_kept(fetch: Callable, server: Server, place: Path) -> None:
    server.content = TEXT[:-1] + b"!"
    code, out, err = fetch()
    assert (code, out) == (1, "")
    assert f"has another SHA-256 than {hashlib.sha256(TEXT).hexdigest()}" in err
    assert not [path for path in place.parent.iterdir() if not path.name.endswith(".lock")]
    server.content = TEXT
    assert fetch().code == 0


def test_a_file_that_was_changed_in_its_place_is_fetched_again(fetch: Callable, server: Server, place: Path) -> None:
    fetch()
    place.write_bytes(b"changed")
    assert fetch().code == 0
    assert place.read_bytes() == TEXT


def test_offline_says_what_to_fetch_by_hand(fetch: Callable, server: Server, place: Path) -> None:
    server.server_close()
    code, out, err = fetch()
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "cannot be reached" in err
    assert f"fetch http://127.0.0.1:{server.server_port}/elsewhere.txt by hand and save it as {str(place)!r}" in err


def test_what_the_server_refuses(fetch: Callable, server: Server) -> None:
    server.status = 404
    assert "the server answered 404 Not Found" in fetch().err


def test_a_cache_that_cannot_be_written(fetch: Callable, server: Server, place: Path) -> None:
    place.parent.write_text("a file")
    assert "cannot be kept in" in fetch().err


def test_an_unknown_name(fetch: Callable, server: Server) -> None:
    code, _, err = fetch("nothing")
    assert (code, err) == (1, "charrnn: no corpus is called 'nothing'; choose among known\n")


def test_without_the_library_it_is_named(server: Server, charrnn: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pooch", None)
    monkeypatch.delenv("CHARRNN_CACHE")
    assert "python3 -m pip install pooch" in charrnn("corpus", "fetch", "known").err
    assert json.loads(charrnn("corpus", "list", "--json").out)[0]["path"] is None
    assert "fetch it with charrnn corpus fetch known, or save" in charrnn("train", "known").err


def test_the_list(server: Server, charrnn: Callable, place: Path) -> None:
    listed = charrnn("corpus", "list").out
    assert listed.startswith(f"known: A text of the tests; {len(TEXT):,} bytes, MIT\n    http://127.0.0.1")
    place.parent.mkdir()
    place.write_bytes(TEXT)
    assert charrnn("corpus", "list").out.endswith(f"\n    {place}\n")
    (known,) = json.loads(charrnn("corpus", "list", "--json").out)
    assert (known["name"], known["bytes"], known["path"]) == ("known", len(TEXT), str(place))


def test_train_finds_what_was_fetched_by_its_name(
    folder: Path, server: Server, charrnn: Callable, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.parent.mkdir()
    shutil.copy("cats.txt", place)
    assert "corpus: known, 2,220 characters" in charrnn("train", "known", "--config", "tiny.yaml").err
    run = folder / "runs" / "known"
    monkeypatch.chdir("run")
    resumed = charrnn("train", "--run", str(run), "--resume", "--set", "training.iterations=8")
    assert (resumed.code, "from iteration 6" in resumed.err) == (0, True)


def test_a_file_of_that_name_comes_first(folder: Path, server: Server, charrnn: Callable, place: Path) -> None:
    place.parent.mkdir()
    place.write_bytes(TEXT)
    Path("known").write_text("abcabc\n" * 20)
    assert json.loads(charrnn("corpus", "show", "known", "--json").out)["characters"] == 140
    assert charrnn("corpus", "show", "run/known").code == 1


def test_what_is_shown_is_what_would_be_learnt(folder: Path, charrnn: Callable) -> None:
    Path("mixed.txt").write_bytes("caf\u00e9\r\n".encode() * 50 + b"abc\n" * 50)
    for keep in ("universal", "keep"):
        settings = ("--config", "tiny.yaml", "--set", "corpus.test=0.2", "--set", f"corpus.newline={keep}")
        shown = json.loads(charrnn("corpus", "show", "mixed.txt", "cats.txt", *settings, "--json").out)
        corpus = load_corpus(["mixed.txt", "cats.txt"], test=0.2, newline=keep)
        assert shown["characters"] == len(corpus) == sum(row["count"] for row in shown["vocabulary"])
        assert "".join(row["character"] for row in shown["vocabulary"]) == corpus.vocabulary.characters
        parts = shown["parts"]
        assert parts["training"] == len(corpus.training)
        assert (parts["validation"], parts["test"]) == (len(corpus.validation), len(corpus.test))
        assert shown["windows"] == Streams(corpus.training, 2, 8).windows
        assert shown["line_ends"] == {"lf": 110, "crlf": 50, "cr": 0}
        assert shown["findings"][0]["kind"] == "mixed line ends"


def test_of_a_table_the_characters_of_the_field_are_counted(tmp_path: Path, charrnn: Callable) -> None:
    table = tmp_path / "table.csv"
    table.write_text("n,name\n" + "".join(f"{k},ab{chr(0xE9)}\n" for k in range(30)))
    document = json.loads(charrnn("corpus", "show", str(table), "--set", "corpus.field=name", "--json").out)
    counts = {row["character"]: row["count"] for row in document["vocabulary"]}
    assert counts == {"a": 30, "b": 30, "\u00e9": 30, "\x1e": 30}
    assert sum(counts.values()) == document["characters"]
    assert document["distinct"] == len(load_corpus([table], field="name", validation=0, test=0).vocabulary)


def test_blank_lines_between_items_are_not_counted(tmp_path: Path, charrnn: Callable) -> None:
    names = tmp_path / "names.txt"
    names.write_text("ab\n\n\n\ncd\n" * 20)
    document = json.loads(charrnn("corpus", "show", str(names), "--items", "lines", "--json").out)
    assert {row["character"]: row["count"] for row in document["vocabulary"]}["\n"] == document["items"] == 40


def test_of_very_many_characters_the_most_frequent_are_shown(folder: Path, charrnn: Callable) -> None:
    characters = [chr(0x4E00 + k) for k in range(1200)]
    Path("han.txt").write_text("".join(characters) + "\n" + characters[700] * 5, "utf-8")
    _, table = charrnn("corpus", "show", "han.txt").out.split("\n\n")
    assert characters[700] in table.splitlines()[1]
    assert len(table.splitlines()) == 42
    assert "  '\u4e00'     U+4E00" in table  # four columns wide, as it is
    assert table.endswith("\nand 1,161 more; --all shows them\n")
    _, whole = charrnn("corpus", "show", "han.txt", "--all").out.split("\n\n")
    assert len(whole.splitlines()) == 1202
    assert len(json.loads(charrnn("corpus", "show", "han.txt", "--json").out)["vocabulary"]) == 1201
    assert "--all" not in charrnn("corpus", "show", "cats.txt").out


def test_nothing_that_is_shown_can_move_a_cursor(folder: Path, charrnn: Callable) -> None:
    name = "a\x1b[2J\u202e.txt"
    Path(name).write_text("\x1b[31m\x9b\0\u202e\ufeff\u200b\u00c3\u0080abc\n" * 50, "utf-8")
    shown = charrnn("corpus", "show", name).out
    assert all(line.isprintable() for line in shown.split("\n"))
    for what in (
        "file: 'a\\x1b[2J\\u202e.txt'",
        "U+001B ESCAPE",
        "U+202E RIGHT-TO-LEFT OVERRIDE",
        "NUL characters: 50",
    ):
        assert what in shown


@pytest.mark.parametrize(
    ("text", "says"), [(b"too short\n" * 2, "too small: 2 streams of 9"), (b"a", "too small: the validation part")]
)
def test_a_text_too_short_to_learn_is_shown_and_said_to_be(
    folder: Path, charrnn: Callable, text: bytes, says: str
) -> None:
    shown = charrnn("corpus", "show", "-", "--config", "tiny.yaml", "--set", "training.window=9", stdin=text)
    assert (shown.code, says in shown.out) == (0, True)


def test_what_cannot_be_shown(folder: Path, charrnn: Callable) -> None:
    empty = charrnn("corpus", "show", "-").err
    assert empty == "charrnn: corpus 'stdin' is empty; give a text of at least a few thousand characters\n"
    wide = charrnn("corpus", "show", "-", stdin="wide".encode("utf-16"))
    assert (wide.code, "; --set corpus.encoding=utf-16 is probably right" in wide.err) == (1, True)
    assert charrnn("corpus", "show", "nowhere.txt").code == 1


@pytest.mark.parametrize("command", [("corpus", "show"), ("baseline",), ("train", "--run", "new")])
def test_a_text_given_twice_is_refused(folder: Path, charrnn: Callable, command: tuple[str, ...]) -> None:
    refused = charrnn(*command, "cats.txt", "./cats.txt", "--config", "tiny.yaml")
    assert (refused.code, "'cats.txt' is given twice: " in refused.err) == (1, True)
    assert not Path("new").exists()


def test_with_no_corpus_it_is_the_manual_of_python(charrnn: Callable) -> None:
    assert charrnn("corpus", "show").out.startswith("corpus: python-manual, ")
