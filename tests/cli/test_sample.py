"""``charrnn sample``, and what every command has."""

import json
import math
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest

from charrnn import __version__, load_checkpoint
from charrnn.cli import COMMANDS, cli
from charrnn.generation.filters import FILTERS
from charrnn.generation.reader import Reader
from charrnn.nn.functional import surprisal

RUN = ("sample", "--checkpoint", "run", "--length", "30", "--seed", "5")


def written(charrnn: Callable, *args: str, **options) -> str:
    result = charrnn(*RUN, *args, **options)
    assert (result.code, result.err) == (0, "")
    assert result.out.endswith("\n")
    return result.out.removesuffix("\n")


@pytest.mark.parametrize("length", [1, 30, 157])
def test_length_is_exact(folder: Path, charrnn: Callable, length: int) -> None:
    assert len(written(charrnn, "--length", str(length))) == length
    assert len(written(charrnn, "--length", str(length), "--prime", "the ")) == length + 4


def test_the_prime_comes_first_and_leads_on(folder: Path, charrnn: Callable) -> None:
    text = written(charrnn, "--prime", "the cat")
    assert text.startswith("the cat")
    assert text.removeprefix("the cat") != written(charrnn)


def test_the_prime_out_of_a_file_and_standard_input(folder: Path, charrnn: Callable) -> None:
    prime = "the cat\nsat"
    Path("prime.txt").write_bytes(b"\xef\xbb\xbfthe cat\r\nsat")
    given = written(charrnn, "--prime", prime)
    assert written(charrnn, "--prime-file", "prime.txt") == given
    assert written(charrnn, "--prime-file", "-", stdin=prime.encode()) == given


def test_a_prime_file_is_read_as_the_corpus_was(folder: Path, charrnn: Callable) -> None:
    Path("old.txt").write_bytes("né à côté\r\n".encode("cp1252") * 200)
    how = ("--set", "corpus.encoding=cp1252", "--set", "corpus.newline=keep")
    assert charrnn("train", "old.txt", "--config", "tiny.yaml", "--run", "old", *how).code == 0
    sample = ("sample", "--checkpoint", "old", "--seed", "5", "--length", "9", "--prime-file")
    Path("prime.txt").write_bytes("à côté\r\n".encode("cp1252"))
    assert charrnn(*sample, "prime.txt").out.startswith("à côté\r\n")
    Path("new.txt").write_text("à côté\r\n", "utf-8", newline="")
    assert charrnn(*sample, "new.txt", "--encoding", "utf-8").out == charrnn(*sample, "prime.txt").out


def test_the_seed_decides(folder: Path, charrnn: Callable) -> None:
    assert written(charrnn) == written(charrnn)
    assert written(charrnn) != written(charrnn, "--seed", "6")


def test_count_writes_several_apart(folder: Path, charrnn: Callable) -> None:
    texts = written(charrnn, "--count", "3", "--prime", "the ", "--temperature", "1").split("\n-----\n")
    assert [len(text) for text in texts] == [34] * 3
    assert all(text.startswith("the ") for text in texts)
    assert len(set(texts)) == 3


def test_without_a_seed_the_one_drawn_is_said(folder: Path, charrnn: Callable) -> None:
    drawn = charrnn(*RUN[:5])
    seed = drawn.err.removeprefix("seed: ").strip()
    assert charrnn(*RUN[:5], "--seed", seed) == (0, drawn.out, "")
    assert charrnn(*RUN[:5]).out != drawn.out


def test_samples_end_before_a_stop(folder: Path, charrnn: Callable) -> None:
    def texts(*args: str) -> list[str]:
        return written(charrnn, "--count", "20", "--temperature", "2", "--length", "60", *args).split("\n-----\n")

    ended = [re.split("t|a ", text)[0] for text in texts()]
    assert len(set(ended)) > 10
    assert texts("--stop", "a ", "--stop", "t") == ended


def test_best_of_is_the_likeliest_and_says_how_likely(folder: Path, charrnn: Callable) -> None:
    result = charrnn(*RUN, "--best-of", "8", "--count", "2", "--prime", "the ", "--temperature", "1")
    assert result.code == 0
    assert [len(text) for text in result.out.removesuffix("\n").split("\n-----\n")] == [34, 34]
    line = r"best of 8: mean log-probability (\S+) nats/char \((\S+) bits\); the worst (\S+)\n"
    said = re.findall(line, result.err)
    assert len(said) == 2
    for best, bits, worst in said:
        assert float(worst) < float(best) < 0
        assert float(bits) == pytest.approx(float(best) / math.log(2), abs=2e-3)


def test_unknown_characters_are_skipped_or_replaced_where_asked(folder: Path, charrnn: Callable) -> None:
    assert written(charrnn, "--prime", "thé cat", "--unknown", "skip") == written(charrnn, "--prime", "th cat")
    assert written(charrnn, "--prime", "thé cat", "--unknown", "replace") == written(charrnn, "--prime", "th  cat")


def test_novelty_is_said_after_each_sample(folder: Path, charrnn: Callable) -> None:
    text = Path("cats.txt").read_text()
    args = ("--count", "2", "--temperature", "1", "--length", "200")
    result = charrnn(*RUN, *args, "--novelty")
    assert result.out == written(charrnn, *args) + "\n"
    line = r"novelty: longest stretch .*: (\d+) characters?, '(.*)'; \d+\.\d% lies in such stretches of 20 or more\n"
    said = re.findall(line, result.err)
    for sample, (length, shown) in zip(result.out.split("\n-----\n"), said, strict=True):
        stretch = shown.replace("\\n", "\n")
        assert len(stretch) == int(length)
        assert stretch in sample
        assert stretch in text


def test_no_more_than_asked_is_copied(folder: Path, charrnn: Callable) -> None:
    Path("cats.txt").rename("moved.txt")
    text = Path("moved.txt").read_text()
    args = ("--temperature", "1", "--length", "200")
    copied = [written(charrnn, *args), written(charrnn, *args, "--max-copy", "2", "--corpus", "moved.txt")]
    longest = [max(n for n in range(50) if any(each[k : k + n] in text for k in range(200 - n))) for each in copied]
    assert longest[0] > 2
    assert longest[1] == 2


@pytest.mark.parametrize("temperature", ["0", "1e-9", "1e-30", "1e-50"])
def test_the_likeliest_is_what_a_temperature_of_nothing_leaves(
    folder: Path, charrnn: Callable, temperature: str
) -> None:
    assert written(charrnn, "--temperature", temperature) == written(charrnn, "--top-k", "1")


def test_what_a_run_folder_stands_for(folder: Path, charrnn: Callable) -> None:
    """Its best weights, its last where none are best, those of a snapshot with ``--at``."""
    kept, long = Path("run/checkpoints"), ("--length", "200")
    texts = {name: written(charrnn, *long, "--checkpoint", f"{kept}/iteration-00000{name}.npz") for name in "13"}
    last = written(charrnn, *long, "--checkpoint", f"{kept}/last.npz")
    assert len({last, *texts.values()}) == 3
    assert {name: written(charrnn, *long, "--at", name) for name in texts} == texts
    shutil.copy(kept / "iteration-000003.npz", kept / "best.npz")
    assert written(charrnn, *long) == texts["3"]
    (kept / "best.npz").unlink()
    assert written(charrnn, *long) == last


def test_a_checkpoint_alone_is_enough(folder: Path, charrnn: Callable, tmp_path: Path) -> None:
    text = written(charrnn)
    alone = Path("run/checkpoints/best.npz").rename("alone.npz")
    for path in [path for path in folder.rglob("*") if path.is_file() and path != folder / alone]:
        path.unlink()
    assert written(charrnn, "--checkpoint", "alone.npz") == text


def test_a_reader_that_leaves_ends_it_quietly(folder: Path, start: Callable) -> None:
    """As with ``charrnn sample | head -c 10``."""
    process = start("sample", "--checkpoint", "run", "--length", "20000", "--seed", "5")
    assert len(process.stdout.read(10)) == 10
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait() == 0


def test_version(charrnn: Callable) -> None:
    assert charrnn("--version") == (0, f"charrnn {__version__}\n", "")


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_lists_every_command(charrnn: Callable, option: str) -> None:
    code, out, err = charrnn(option)
    assert (code, err) == (0, "")
    for name, summary in COMMANDS.items():
        assert f"\n  {name} " in out
        assert summary in out


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_says_what_it_does(charrnn: Callable, name: str) -> None:
    code, out, err = charrnn(name, "--help")
    assert (code, err) == (0, "")
    command = cli.get_command(click.Context(cli), name)
    assert command.name == name
    assert command.help
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.name
            assert parameter.opts[0] in out
        else:
            words = re.findall("[A-Z]+", parameter.make_metavar(click.Context(command)))
            assert all(word in command.help for word in words)


def test_every_filter_is_an_option(charrnn: Callable) -> None:
    out = charrnn("sample", "--help").out
    for name, filter_ in FILTERS.items():
        assert f"--{name.replace('_', '-')} " in out
        assert filter_.help.split()[0] in out


def test_without_a_checkpoint_the_network_that_travels_along_writes(folder: Path, charrnn: Callable) -> None:
    result = charrnn("sample", "--length", "80", "--seed", "1")
    assert (result.code, len(result.out)) == (0, 81)
    assert result.err.startswith("network: the one that comes with the program, ")
    of_run = charrnn("sample", "--length", "80", "--seed", "1", "--checkpoint", "run")
    assert (of_run.out != result.out, of_run.err) == (True, "")


def as_json(charrnn: Callable, *args: str) -> list[dict[str, Any]]:
    code, out, err = charrnn(*RUN, "--json", *args)
    assert (code, err) == (0, "")
    return [json.loads(line) for line in out.splitlines()]


def test_json_holds_what_is_printed_otherwise(folder: Path, charrnn: Callable) -> None:
    samples = as_json(charrnn, "--count", "3", "--prime", "the ")
    printed = written(charrnn, "--count", "3", "--prime", "the ").split("\n-----\n")
    assert [sample["text"] for sample in samples] == printed
    assert [sample["sample"] for sample in samples] == [0, 1, 2]
    assert all(sample["prime"] == "the " and sample["characters"] == 30 for sample in samples)
    assert all(sample["seed"] == 5 and not sample["stopped"] for sample in samples)


def test_json_has_the_log_probability_of_the_characters_written(folder: Path, charrnn: Callable) -> None:
    model = load_checkpoint("run").model
    for sample in as_json(charrnn, "--count", "2", "--best-of", "3", "--prime", "the ", "--stop", "a"):
        reader, ids = Reader(model), model.vocabulary.encode(sample["text"])
        logits = [reader.step(ids[n : n + 1])[0] for n in range(len(ids))]
        by_hand = -sum(float(surprisal(logits[n - 1][None], ids[n : n + 1])[0]) for n in range(len("the "), len(ids)))
        assert sample["log_probability"] == pytest.approx(by_hand, rel=1e-4)
        assert (sample["characters"], sample["best_of"]) == (len(ids) - len("the "), 3)
        assert sample["stopped"] == (sample["characters"] < 30)


def test_json_tells_what_is_copied(folder: Path, charrnn: Callable) -> None:
    pytest.importorskip("pydivsufsort")
    (sample,) = as_json(charrnn, "--novelty", "--max-copy", "3")
    assert sample["novelty"]["stretch"] in sample["text"]
    assert 0 < sample["novelty"]["length"] <= 3


@pytest.mark.parametrize(("separator", "between"), [("***", "***\n"), ("", ""), ("-----", "-----\n")])
def test_samples_are_separated_as_asked(folder: Path, charrnn: Callable, separator: str, between: str) -> None:
    for args in (("--count", "3"), ("--count", "3", "--best-of", "2")):
        usual = charrnn(*RUN, *args).out
        assert usual.count("-----\n") == 2
        assert charrnn(*RUN, *args, "--separator", separator).out == usual.replace("-----\n", between)


@pytest.mark.parametrize(
    "args",
    [
        ("--count", "100000", "--best-of", "100000"),
        ("--count", "100000", "--length", "1000000000"),
        ("--best-of", "100000", "--length", "1000000000"),
    ],
)
def test_more_texts_than_fit_in_memory_are_refused_at_once(folder: Path, charrnn: Callable, args: tuple) -> None:
    code, out, err = charrnn("sample", "--checkpoint", "run", "--seed", "1", *args)
    assert (code, out) == (1, "")
    assert re.search(
        r"texts side by side need about [\d,]+ GB of memory, and there are \d+; lower --count, --best-of", err
    )


@pytest.mark.parametrize("name", ["run.npz", "run.safetensors", "run.pt"])
def test_weights_from_elsewhere_are_to_be_imported(folder: Path, charrnn: Callable, name: str) -> None:
    if name == "run.pt":
        torch = pytest.importorskip("torch")
        torch.save({"weight": torch.zeros(2)}, name)
    else:
        if name == "run.safetensors":
            pytest.importorskip("safetensors")
        assert charrnn("export", "run", "--format", name.partition(".")[2]).code == 0
    code, out, err = charrnn("sample", name)
    assert (code, out) == (1, "")
    assert (
        err == f"charrnn: '{name}' holds weights under PyTorch's names; make a checkpoint of it with charrnn import\n"
    )
