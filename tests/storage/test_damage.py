"""A checkpoint cut short, or with one bit turned over, is refused or loads exactly as it was: never anything else."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn import Trainer, load_checkpoint, load_settings, make_corpus
from charrnn.errors import DamagedCheckpointError
from charrnn.storage.checkpoint import Checkpoint


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes, Checkpoint]:
    """A path to write to, the bytes of a whole checkpoint, and what it holds."""
    settings = load_settings(
        "quick",
        model={"cell": "rnn", "hidden": 1},
        training={"iterations": 1, "batch": 1, "window": 2},
        corpus={"validation": 0},
    )
    trainer = Trainer(settings, make_corpus("ab" * 10, validation=0))
    list(trainer.train())
    path = tmp_path_factory.mktemp("small") / "small.npz"
    trainer.checkpoint().save(path)
    return path, path.read_bytes(), load_checkpoint(path)


def same(a: Checkpoint, b: Checkpoint) -> bool:
    return a.document() == b.document() and {k: v.tobytes() for k, v in a._arrays().items()} == {
        k: v.tobytes() for k, v in b._arrays().items()
    }


def refused_or_same(small: tuple[Path, bytes, Checkpoint], content: bytes) -> bool:
    """Whether it is refused when it holds this; fails where it loads as something else, or with another error."""
    path, _, whole = small
    with open(path, "r+b") as file:  # a file that is emptied first is brought to the disk when it is closed
        file.write(content)
        file.truncate()
    try:
        loaded = load_checkpoint(path)
    except DamagedCheckpointError:
        return True
    assert same(loaded, whole)
    return False


def test_cut_short_at_every_byte(small: tuple[Path, bytes, Checkpoint]) -> None:
    for length in range(len(small[1])):
        assert refused_or_same(small, small[1][:length])


def turned_over(small: tuple[Path, bytes, Checkpoint], bits: range) -> int:
    """How many of these bits, each turned over alone, were noticed."""
    noticed = 0
    for bit in bits:
        content = bytearray(small[1])
        content[bit // 8] ^= 1 << bit % 8
        noticed += refused_or_same(small, bytes(content))
    return noticed


def test_bits_turned_over(small: tuple[Path, bytes, Checkpoint]) -> None:
    bits = range(0, 8 * len(small[1]), 23)  # all eight of a byte come in turn
    assert turned_over(small, bits) > len(bits) * 0.8


@pytest.mark.slow
def test_every_bit_turned_over(small: tuple[Path, bytes, Checkpoint]) -> None:
    bits = range(8 * len(small[1]))
    noticed = turned_over(small, bits)
    print(f"{noticed:,} of {len(bits):,} bits noticed; with the others it loads as it was")


@given(data=st.data())
def test_bytes_put_in_taken_out_and_replaced(small: tuple[Path, bytes, Checkpoint], data: st.DataObject) -> None:
    content = small[1]
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(content)))
        stop = data.draw(st.integers(start, min(len(content), start + 40)))
        content = content[:start] + data.draw(st.binary(max_size=40)) + content[stop:]
    refused_or_same(small, content)
