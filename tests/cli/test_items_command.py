"""Many short texts on the command line: trained on, written and scored as items."""

import json
import os
import re
import signal
from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest

from charrnn import CharRNNError, load_checkpoint, write
from charrnn.arrays import Array, Ids
from charrnn.generation.reader import Reader

NAMES = ["".join(parts) for parts in product(("an", "el", "jo"), ("n", "s", "han"), ("a", "e", "nes"))]
POEMS = [("rose", "red as\nthe sun"), ("rose", "red as\nthe fire"), ("violet", "blue as\nthe sea")] * 20
SETTINGS = """
model: {cell: gru, hidden: 16}
training: {iterations: 60, batch: 4, window: 12, learning_rate: 0.05, validate_every: 30, weight_decay: 0}
snapshots: {at: [30], length: 40}
compute: {workers: 1}
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, charrnn: Callable) -> Path:
    """Two runs, ``names`` of lines and ``poems`` of rows with labels, and what they learnt."""
    folder = tmp_path_factory.mktemp("items")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        Path("names.txt").write_text("".join(f"{name}\n" for name in NAMES * 5))
        Path("poems.csv").write_text("by,text\n" + "".join(f'{by},"{text}"\n' for by, text in POEMS))
        Path("settings.yaml").write_text(SETTINGS)
        names = charrnn("train", "names.txt", "--items", "lines", "--config", "settings.yaml", "--run", "names")
        assert names.code == 0, names.err
        assert f"corpus: names, {len(NAMES) * 5} items, " in names.err
        assert re.search(r"best validation loss .* nats/item, at iteration", names.err)
        column = ("--set", "corpus.field=text", "--set", "corpus.label=by", "--set", "corpus.validation=0")
        column = (*column, "--set", "training.iterations=150")
        poems = charrnn("train", "poems.csv", *column, "--config", "settings.yaml", "--run", "poems")
        assert poems.code == 0, poems.err
        assert "control characters" not in poems.err
        assert "\x1e" not in poems.out
        assert "\x1f" not in poems.out
    return folder


@pytest.fixture(autouse=True)
def folder(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(trained)


def sample(charrnn: Callable, run: str, *args: str) -> list[str]:
    done = charrnn("sample", "--checkpoint", run, "--seed", "3", "--temperature", "1", *args)
    assert done.code == 0, done.err
    return done.out.splitlines()


def test_items_that_are_lines_stand_one_a_line(charrnn: Callable) -> None:
    written = sample(charrnn, "names", "--count", "20")
    assert len(written) == 20
    assert all(re.fullmatch("[a-z]{1,15}", name) for name in written)
    assert len(set(written)) > 5


def test_a_prime_begins_each(charrnn: Callable) -> None:
    assert all(name.startswith("jo") for name in sample(charrnn, "names", "--count", "5", "--prime", "jo"))


def test_a_prime_in_a_file_may_end_its_line(charrnn: Callable) -> None:
    Path("prime.txt").write_text("jo\n")
    assert sample(charrnn, "names", "--prime-file", "prime.txt") == sample(charrnn, "names", "--prime", "jo")


def test_each_turn_writes_an_item(charrnn: Callable) -> None:
    done = charrnn("sample", "names", "-i", "--seed", "3", "--temperature", "0", stdin=b"jo\n\n/again\nel\n")
    likeliest = [sample(charrnn, "names", "--temperature", "0", "--prime", prime)[0] for prime in ("jo", "", "", "el")]
    assert done.out.splitlines() == likeliest
    cold = ("--temperature", "0.1", "--label", "violet")
    assert charrnn("sample", "poems", "-i", "--seed", "3", *cold, stdin=b"blue\n").out == "blue as\nthe sea\n"


@pytest.mark.skipif(os.name != "posix", reason="needs signals")
def test_ctrl_c_stops_an_item_and_not_the_session(
    charrnn: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = Reader.step

    def interrupted(reader: Reader, ids: Ids) -> Array:
        monkeypatch.setattr(Reader, "step", step)
        signal.raise_signal(signal.SIGINT)
        return step(reader, ids)

    monkeypatch.setattr(Reader, "step", interrupted)
    done = charrnn("sample", "names", "-i", "--seed", "3", "--temperature", "0", stdin=b"jo\nel\n")
    assert (done.code, done.out) == (0, sample(charrnn, "names", "--temperature", "0", "--prime", "el")[0] + "\n")


def test_novelty_stands_in_json_too(charrnn: Callable) -> None:
    pytest.importorskip("pydivsufsort")
    said = charrnn("sample", "names", "--seed", "3", "--count", "2", "--novelty").err
    stretches = re.findall(r": \d+ characters?, '(.*?)'; ", said)
    documents = map(json.loads, sample(charrnn, "names", "--temperature", "0.7", "--count", "2", "--novelty", "--json"))
    assert [document["novelty"]["stretch"] for document in documents] == stretches
    assert len(stretches) == 2


def test_what_is_given_is_not_counted_as_written(charrnn: Callable) -> None:
    pytest.importorskip("pydivsufsort")
    prime = NAMES[0][:-1]
    (row,) = map(json.loads, sample(charrnn, "names", "--prime", prime, "--length", "2", "--novelty", "--json"))
    assert row["novelty"]["length"] <= row["characters"] == len(row["text"]) - len(prime)
    (labelled,) = map(json.loads, sample(charrnn, "poems", "--prime", "rose\x1fre", "--json"))
    (apart,) = map(json.loads, sample(charrnn, "poems", "--label", "rose", "--prime", "re", "--json"))
    assert (labelled["text"], labelled["characters"]) == (apart["text"], len(apart["text"]) - 2)
    assert labelled["characters"] == apart["characters"]


def test_a_prime_without_its_label_is_not_written_on() -> None:
    poems = load_checkpoint("poems").model
    with pytest.raises(CharRNNError, match="each item of this network begins with its label"):
        write(poems, prime="red")
    assert write(poems, prime="rose\x1fred").startswith("rose\x1fred")


def test_an_unknown_character_is_found_by_its_item(charrnn: Callable) -> None:
    Path("strange.csv").write_text("by,text\n" + 'rose,"red as\nthe sun"\n' * 30 + "rose,r\u00e9d\n")
    assert "strange.csv, item 31: U+00E9" in charrnn("score", "poems", "strange.csv").err
    Path("strange.txt").write_text("jona\n\n\njon\u00e9\n")
    assert "strange.txt, item 2: U+00E9" in charrnn("score", "names", "strange.txt").err
    lines = charrnn("score", "names", "strange.txt", "--unknown", "skip", "--lines").out
    assert lines.splitlines()[0].split() == ["nats/char", "bits", "item", "text"]


def test_networks_that_read_a_file_as_different_texts_are_not_compared(charrnn: Callable) -> None:
    Path("gaps.txt").write_text("jona\n\n\nelna\n" * 9)
    quick = ("--set", "training.iterations=2", "--set", "corpus.validation=0")
    assert charrnn("train", "gaps.txt", "--config", "settings.yaml", *quick, "--run", "text").code == 0
    done = charrnn("score", "names", "text", "gaps.txt")
    assert "*" not in done.out.splitlines()[1]
    assert done.err == "gaps.txt: not compared, since these networks read 90 and 108 characters of it\n"


def test_new_ones_stand_nowhere_in_the_text_and_it_says_how_many_did(charrnn: Callable) -> None:
    done = charrnn("sample", "--checkpoint", "names", "--seed", "3", "--temperature", "1", "--count", "9", "--new")
    assert not set(done.out.splitlines()) & set(NAMES)
    known, all_written = map(int, re.fullmatch(r"(\d+) of (\d+) stood in the text .*\n", done.err).groups())
    assert known == all_written - 9 > 0


def test_unique_ones_come_once(charrnn: Callable) -> None:
    once = sample(charrnn, "names", "--count", "12", "--unique", "--temperature", "0.6")
    assert len(set(once)) == 12
    assert len(set(sample(charrnn, "names", "--count", "12", "--temperature", "0.6"))) < 12


def test_when_there_are_no_more_it_gives_up(charrnn: Callable) -> None:
    done = charrnn("sample", "--checkpoint", "names", "--count", "3", "--unique", "--temperature", "0", "--seed", "1")
    assert done.code == 1
    assert "items that were written all but 1 were known or written before; raise --temperature" in done.err


def test_all_that_is_known_of_an_item_is_json(charrnn: Callable) -> None:
    arguments = ("sample", "--checkpoint", "names", "--seed", "3", "--temperature", "1", "--count", "6")
    rows = [json.loads(line) for line in charrnn(*arguments, "--json").out.splitlines()]
    assert [row["text"] for row in rows] == charrnn(*arguments).out.splitlines()
    assert [row["new"] for row in rows] == [row["text"] not in NAMES for row in rows]
    assert [(row["prime"], row["characters"]) for row in rows] == [("", len(row["text"])) for row in rows]
    prime = NAMES[0][:2]
    primed = json.loads(charrnn(*arguments[:-1], "1", "--prime", prime, "--json").out)
    assert (primed["prime"], primed["characters"]) == (prime, len(primed["text"]) - 2)
    Path("one.txt").write_text(rows[0]["text"] + "\n")
    (scored,) = json.loads(charrnn("score", "--checkpoint", "names", "one.txt", "--json").out)["names"]
    assert rows[0]["log_probability"] == pytest.approx(-scored["nats_per_item"], rel=1e-5)
    Path("names.txt").rename("moved.txt")
    moved = charrnn(*arguments, "--json")
    assert [json.loads(line)["new"] for line in moved.out.splitlines()] == [None] * 6
    assert "which items are new is not known" in moved.err
    assert '"new": false' in charrnn(*arguments, "--json", "--corpus", "moved.txt").out
    Path("moved.txt").rename("names.txt")


def test_what_is_cut_off_is_said(charrnn: Callable) -> None:
    done = charrnn("sample", "--checkpoint", "names", "--seed", "3", "--count", "3", "--length", "2")
    assert all(len(name) <= 2 for name in done.out.splitlines())
    assert re.search(r"item.* cut off at 2 characters; --length allows more\n", done.err)


def test_a_label_is_asked_for(charrnn: Callable) -> None:
    text = "\n".join(sample(charrnn, "poems", "--label", "violet", "--temperature", "0.1"))
    assert text == "blue as\nthe sea"
    several = "\n".join(sample(charrnn, "poems", "--count", "4")).split("\n-----\n")
    assert len(several) == 4
    assert all(re.match("(rose|violet): ", poem) for poem in several)


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (("poems", "--label", "violett"), 1, r"no label 'violett'; did you mean 'violet'\?; it knows 'rose', 'violet'"),
        (("names", "--label", "violet"), 1, "this network has learnt no labels"),
        (("names", "--stop", "a"), 2, "items end by themselves"),
        (("names", "--best-of", "3"), 2, "items end by themselves"),
        (("names", "--prime", "an\ne"), 1, r"the prime 'an\\ne' holds the mark that ends an item; give --prime a"),
        (("poems", "--prime", "red"), 1, "'red' would be taken for one; give a --label with --prime"),
        (("names", "-i", "--new"), 2, "leave out --count, --best-of, --json, --new, --unique, --separator and"),
    ],
)
def test_what_makes_no_sense_of_items_is_refused(charrnn: Callable, args: tuple, code: int, message: str) -> None:
    done = charrnn("sample", "--checkpoint", *args)
    assert done.code == code
    assert re.search(message, done.err)


def test_options_for_items_are_refused_where_there_is_one_text(charrnn: Callable) -> None:
    Path("one.txt").write_text("the cat sat.\n" * 40)
    assert charrnn("train", "one.txt", "--config", "settings.yaml", "--run", "one").code == 0
    assert "--label, --new and --unique are for" in charrnn("sample", "--checkpoint", "one", "--new").err


def test_a_score_is_of_items_too(charrnn: Callable) -> None:
    Path("two.txt").write_text("anna\njohannes\n")
    done = charrnn("score", "--checkpoint", "names", "two.txt")
    assert re.search(r"two.txt: \S+ nats/item, standard deviation \S+, 2 items", done.out)
    (row,) = json.loads(charrnn("score", "--checkpoint", "names", "two.txt", "--json").out)["names"]
    assert row["nats_per_item"] == pytest.approx(row["nats_per_character"] * 14 / 2)
    lines = {
        line["text"]: line
        for line in json.loads(charrnn(*["score", "--checkpoint", "names", "two.txt", "--lines", "--json"]).out)
    }
    losses = [lines[name]["nats_per_character"] * lines[name]["characters"] for name in ("anna", "johannes")]
    assert row["standard_deviation_of_items"] == pytest.approx(abs(losses[0] - losses[1]) / 2)
    Path("turned.txt").write_text("johannes\nanna\n")
    turned = json.loads(charrnn("score", "--checkpoint", "names", "turned.txt", "--json").out)["names"][0]
    assert turned["nats_per_item"] == pytest.approx(row["nats_per_item"])


def test_rows_are_scored_as_rows(charrnn: Callable) -> None:
    done = charrnn("score", "--checkpoint", "poems", "poems.csv", "--lines")
    assert f"{len(POEMS)} items" in done.err
    assert "  violet: blue as the sea\n" in done.out
    assert "\x1e" not in charrnn("score", "--checkpoint", "poems", "poems.csv", "--html").out


def test_training_says_that_a_text_is_a_list(charrnn: Callable) -> None:
    Path("list.txt").write_text("".join(f"{name}\n" for name in NAMES * 5))
    once = ("--config", "settings.yaml", "--set", "training.iterations=1", "--set", "snapshots.at=[]", "--force")
    hint = "each line of this text looks like an item of its own; --items lines"
    assert hint in charrnn("train", "list.txt", *once).err
    assert hint not in charrnn("train", "list.txt", "--items", "lines", *once).err
    shown = charrnn("corpus", "show", "list.txt")
    assert "--items lines" in shown.out
    assert f"items: {len(NAMES) * 5:,}" in charrnn("corpus", "show", "list.txt", "--items", "lines").out


def test_training_says_that_a_text_is_a_table(charrnn: Callable) -> None:
    rows = "".join(f"{name},{name} has a house\n" for name in NAMES * 5)
    Path("table.csv").write_text(f"a name,text\n{rows}")
    once = ("--config", "settings.yaml", "--set", "training.iterations=1", "--set", "snapshots.at=[]", "--force")
    hint = "--set corpus.field=COLUMN learns one of its columns, which are 'a name', 'text'\n"
    plain = charrnn("train", "table.csv", *once)
    assert f"this looks like a table; {hint}" in plain.err
    assert "--items lines" not in plain.err
    assert "looks like" not in charrnn("train", "table.csv", "--set", "corpus.field=a name", *once).err
    shown = charrnn("corpus", "show", "table.csv").out
    assert f"a table: {hint}" in shown
    assert "--items lines" not in shown
    assert "a table" not in charrnn("corpus", "show", "table.csv", "--set", "corpus.field=text").out
    Path("one.csv").write_text(f"a name\n{chr(10).join(NAMES * 5)}")
    assert (
        "a table: --set 'corpus.field=a name' learns its column 'a name'\n" in charrnn("corpus", "show", "one.csv").out
    )


def test_a_run_of_items_goes_on_as_it_would_have(charrnn: Callable) -> None:
    """Also where the list comes in another order."""
    arguments = ("train", "list2.txt", "--items", "lines", "--config", "settings.yaml")
    Path("list2.txt").write_text("".join(f"{name}\n" for name in NAMES * 5))
    assert charrnn(*arguments, "--run", "whole").code == 0
    assert (
        charrnn(
            *arguments, "--run", "half", "--set", "training.iterations=25", "--set", "training.schedule=constant"
        ).code
        == 0
    )
    assert charrnn(*arguments, "--run", "full", "--set", "training.schedule=constant").code == 0
    Path("list2.txt").write_text("".join(f"{name}\n" for name in sorted(NAMES * 5)))
    assert charrnn("train", "--run", "half", "--resume", "--set", "training.iterations=60").code == 0
    half, full = (load_checkpoint(f"{run}/checkpoints/last.npz") for run in ("half", "full"))
    assert (half.model.parameters.vector == full.model.parameters.vector).all()


def test_the_parts_of_a_list_end_where_items_end(charrnn: Callable) -> None:
    shown = charrnn("corpus", "show", "names.txt", "--items", "lines").out
    assert re.search(r"^parts: training .*, test 0, each to the end of an item$", shown, re.MULTILINE)
    assert "the end of an item" not in charrnn("corpus", "show", "names.txt").out
