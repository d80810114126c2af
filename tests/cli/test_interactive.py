"""``charrnn sample -i``, piped and at a terminal."""

import os
import re
import select
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from terminals import needs_terminals, read_until

from charrnn.cli.interactive import _stopped_by_ctrl_c

RUN = ("sample", "--checkpoint", "run", "--seed", "5", "--temperature", "0", "--length", "12")


def session(charrnn: Callable, *lines: str, args: tuple[str, ...] = ()) -> tuple[list[str], list[str]]:
    """What it writes and what it says, in lines."""
    result = charrnn(*RUN, "-i", *args, stdin="".join(f"{line}\n" for line in lines).encode())
    assert result.code == 0
    return result.out.splitlines(), result.err.splitlines()


def continuation(charrnn: Callable, prime: str, *args: str) -> str:
    """What follows a beginning."""
    return charrnn(*RUN, *args, "--prime", prime).out.removesuffix("\n").removeprefix(prime)


def test_what_is_typed_goes_on_from_all_that_went_before(folder: Path, charrnn: Callable) -> None:
    one = "the cat" + continuation(charrnn, "the cat")
    two = continuation(charrnn, one)
    three = " dog" + continuation(charrnn, one + two + " dog")
    assert "\n" not in one + two + three
    assert session(charrnn, "the cat", "", " dog") == ([one, two, three], [])


def test_without_a_beginning_it_goes_on_as_one_sample_does(folder: Path, charrnn: Callable) -> None:
    whole = charrnn(*RUN, "--length", "36").out
    out, _ = session(charrnn, "", "", "")
    assert "".join(out) == whole.removesuffix("\n")
    assert "\n" not in whole[:-1]


def test_settings_change_on_the_way(folder: Path, charrnn: Callable) -> None:
    one = continuation(charrnn, "the cat", "--length", "3")
    two = continuation(charrnn, "the cat" + one, "--temperature", "1", "--top-k", "5", "--seed", "9")
    out, err = session(
        *(charrnn, "/length 3", "the cat", "/length 12", "/temperature off", "/top-k 5", "/seed 9", "", "/temperature")
    )
    assert "\n".join(out) == f"the cat{one}\n{two}"
    assert err == ["length 3", "length 12", "temperature off", "top-k 5", "seed 9", "temperature off"]


def test_again_and_new(folder: Path, charrnn: Callable) -> None:
    out, _ = session(charrnn, "the cat", "/again", "/new", "the cat", "/temperature 3", "/again")
    assert out[0] == out[1] == out[2]
    assert "\n".join(out[3:]).startswith("the cat")
    assert "\n".join(out[3:]) != out[0]


def test_it_begins_with_a_prime(folder: Path, charrnn: Callable) -> None:
    assert session(charrnn, args=("--prime", "the cat")) == session(charrnn, "the cat")


def test_a_line_end_is_typed_as_its_escape(folder: Path, charrnn: Callable) -> None:
    out, _ = session(charrnn, r"the\ncat")
    assert out == ("the\ncat" + continuation(charrnn, "the\ncat")).splitlines()


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("/sing", "there is no command /sing; /help lists them"),
        ("/", "there is no command /; /help lists them"),
        ("/checkpoint x", "there is no command /checkpoint"),
        ("/temperature hot", "/temperature: 'hot' is not a number from 0 to 1,000,000"),
        ("/top-p 2", "/top-p: '2' is not a number from 0 to 1"),
        ("/length 0", "/length: '0' is not a whole number of at least 1"),
        ("/length off", "/length: 'off'"),
        ("/again", "nothing is written yet"),
        ("//", "U+002F SOLIDUS at position 0"),
        ("caf\xe9", "U+00E9 LATIN SMALL LETTER E WITH ACUTE at position 3"),
    ],
)
def test_what_it_does_not_take_is_said_and_changes_nothing(
    folder: Path, charrnn: Callable, line: str, says: str
) -> None:
    out, (err,) = session(charrnn, line, "the cat")
    assert err.startswith("charrnn: ")
    assert says in err
    assert out == session(charrnn, "the cat")[0]


def test_a_line_that_is_not_text_is_left_out(folder: Path, charrnn: Callable) -> None:
    result = charrnn(*RUN, "-i", stdin=b"\xff\nthe cat\n")
    assert (result.code, result.out.splitlines()) == (0, session(charrnn, "the cat")[0])
    assert "not UTF-8" in result.err


def test_help_names_every_command_and_setting(folder: Path, charrnn: Callable) -> None:
    out, err = session(charrnn, "/help", "/quit", "the cat")
    assert out == []
    for name in ("/again", "/new", "/quit", "length 12", "seed 5", "temperature 0.0", "loop-penalty off", "min-p off"):
        assert any(name in line for line in err), name


@pytest.mark.skipif(os.name != "posix", reason="needs signals")
def test_ctrl_c_stops_the_continuation_and_not_the_session(folder: Path, start: Callable) -> None:
    import subprocess

    args = [*RUN[:-1], "1000000000", "-i"]
    process = start(*args, stdin=subprocess.PIPE)
    process.stdin.write(b"the cat\n")
    process.stdin.flush()
    assert process.stdout.read(50).startswith(b"the cat")
    process.send_signal(signal.SIGINT)
    process.stdin.write(b"/length 5\n/new\nthe dog\n")
    process.stdin.close()
    out = process.stdout.read()
    assert process.wait() == 0
    assert re.search(rb"\nthe dog.{5}\n$", out, re.S)
    assert process.stderr.read() == b"length 5\n"


@needs_terminals
def test_at_a_terminal(folder: Path, start: Callable) -> None:
    """It prompts, Ctrl-C at the prompt begins the line anew, Ctrl-D ends."""
    parent, child = os.openpty()
    process = start(
        *RUN, "-i", stdin=child, stdout=child, stderr=child, env=os.environ | {"TERM": "dumb"}, start_new_session=True
    )
    os.close(child)
    seen = read_until(parent, b"> $")
    assert b"Ctrl-D ends" in seen
    os.write(parent, b"the cat\n")
    assert re.search(rb"\nthe cat.{12}\r\n> $", read_until(parent, b"\r\n> $"), re.S)
    answered = False
    while not answered:  # one that comes just before readline waits is seen by it only with the next key
        process.send_signal(signal.SIGINT)
        answered, _, _ = select.select([parent], [], [], 1)
    read_until(parent, b"\n> $")
    os.write(parent, b"/length 3\n")
    assert b"length 3\r\n" in read_until(parent, b"3\r\n> $")
    os.write(parent, b"\x04")
    assert process.wait() == 0
    os.close(parent)


def test_a_second_ctrl_c_does_not_wait_for_what_is_computed() -> None:
    with _stopped_by_ctrl_c() as received:
        signal.raise_signal(signal.SIGINT)
        assert received
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
