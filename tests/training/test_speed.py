"""What is measured leaves the training alone, and the time left is what remains at that speed."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from threadpoolctl import threadpool_info

from charrnn import Trainer, load_settings, make_corpus
from charrnn.errors import DivergenceError
from charrnn.nn.cells import CELLS
from charrnn.optim.clipping import CLIPS
from charrnn.optim.optimizers import OPTIMIZERS
from charrnn.training.speed import Duration, Speed, occasions, product_ceiling, typical

TEXT = "the cat sat on the mat and the dog ran to the man who sat, " * 20
SECONDS = 1e-3


def trainer(corpus=None, **sections) -> Trainer:
    small = {
        "model": {"hidden": 6, "layers": 2},
        "training": {"iterations": 10, "batch": 4, "window": 5, "validate_every": 4},
        "snapshots": {"at": [3], "length": 20},
        "compute": {"workers": 1},
    }
    settings = load_settings("quick", **{key: small[key] | sections.get(key, {}) for key in small})
    return Trainer(settings, corpus or make_corpus(TEXT))


def bits(of: Trainer) -> list[bytes]:
    training = of.checkpoint().training
    vectors = [of.model.parameters.vector, training.state, *training.memory.values()]
    return [vector.tobytes() for vector in vectors]


@pytest.mark.parametrize(
    "sections",
    [
        *({"model": {"cell": cell, "dropout": 0.3}} for cell in CELLS),
        *({"training": {"optimizer": optimizer, "weight_decay": 0.1}} for optimizer in OPTIMIZERS),
        *({"training": {"clip_kind": clip, "clip": 1e-3}} for clip in CLIPS),
        {"training": {"clip": None}},
        {"compute": {"precision": "float64"}},
        {"compute": {"workers": 2}},
    ],
)
def test_measuring_changes_no_bit_of_the_run(sections: dict) -> None:
    bare, measured = trainer(**sections), trainer(**sections)
    list(bare.train())
    measured.measure(SECONDS)
    for _ in measured.train():
        measured.stop()
    measured.measure(SECONDS)
    list(measured.train())
    assert bits(measured) == bits(bare)


@pytest.mark.parametrize(("validation", "test"), [(0.1, 0), (0, 0.1), (0, 0)])
def test_evaluation_is_measured_where_there_is_something_to_evaluate(validation: float, test: float) -> None:
    measured = trainer(make_corpus(TEXT, validation=validation, test=test)).measure(SECONDS)
    assert (measured.evaluation is not None) == (validation + test > 0)
    assert min(measured.training, measured.sampling, measured.evaluation or 1) > 0


def test_a_network_without_finite_numbers_has_no_speed() -> None:
    broken = trainer()
    broken.model.parameters.vector[:] = np.nan
    with pytest.raises(DivergenceError):
        broken.measure(SECONDS)


def test_time_left_is_what_remains_at_that_speed(tmp_path: Path) -> None:
    corpus = make_corpus(TEXT, validation=0.1, test=0.05)  # 118 and 59 of 1,180 characters
    begun = trainer(corpus)
    at = Speed(training=10, evaluation=100, sampling=5)
    assert begun.time_left(at) == Duration(
        training=pytest.approx(10 * 4 * 5 / 10),
        evaluation=pytest.approx((4 * 118 + 59) / 100),  # at 3, 4, 8 and the end
        snapshots=pytest.approx(2 * 20 / 5),  # at 3 and the end
    )
    assert begun.time_left(at).total == pytest.approx(20 + 5.31 + 8)
    for fact in begun.train():
        if fact.iteration == 4:
            begun.stop()
    assert begun.time_left(at) == Duration(
        training=pytest.approx(6 * 4 * 5 / 10),
        evaluation=pytest.approx((2 * 118 + 59) / 100),
        snapshots=pytest.approx(4),
    )


def test_time_left_where_a_sample_is_evaluated() -> None:
    begun = trainer(make_corpus(TEXT, validation=0.1, test=0.05), training={"evaluate_characters": 100})
    left = begun.time_left(Speed(training=10, evaluation=100, sampling=5))
    assert left.evaluation == pytest.approx((4 * 100 + 59) / 100)


def test_time_left_without_a_part_to_evaluate() -> None:
    bare = trainer(make_corpus(TEXT, validation=0), training={"iterations": None, "epochs": 2}, snapshots={"every": 7})
    left = bare.time_left(Speed(training=10, evaluation=None, sampling=5))
    assert left.training == pytest.approx(2 * bare.streams.windows * 20 / 10)
    assert left.evaluation == 0
    assert left.snapshots == pytest.approx((2 * bare.streams.windows // 7 + 2) * 20 / 5)  # every 7, at 3, at the end


@given(
    st.integers(0, 60),
    st.integers(0, 60),
    st.lists(st.integers(1, 20), max_size=2),
    st.lists(st.integers(1, 70), max_size=6),
)
def test_occasions_are_counted_once_each(done: int, more: int, every: list[int], at: list[int]) -> None:
    iterations = range(done + 1, done + more + 1)
    counted = sum(n in at or any(n % m == 0 for m in every) for n in iterations)
    assert occasions(done, done + more, every, at) == counted


@pytest.mark.parametrize(
    ("measured", "seconds", "median"),
    [
        ([9.0, 4.0], 3, 4.0),  # no time for another
        ([9.0, 1.0, 2.0], 3, 1.5),
        ([2.0, 1.0, 5.0, 1.0, 9.0], 7.5, 3.0),
    ],
)
def test_typical_leaves_out_the_first(measured: list[float], seconds: float, median: float) -> None:
    left = list(measured)
    assert typical(lambda: left.pop(0), seconds) == median


def test_typical_comes_to_an_end() -> None:
    calls = iter([0.0] * 1000)
    assert typical(lambda: next(calls), 1.0) == 0


def test_the_ceiling_leaves_the_threads_as_they_were() -> None:
    before = threadpool_info()
    assert product_ceiling(np.float32, 0) > 0
    assert threadpool_info() == before
