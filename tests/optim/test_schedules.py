import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charrnn.optim.schedules import SCHEDULES, Position

ITERATIONS, WINDOWS = 40, 3

# After the warm-up, by how far training has come: x from 0 to 1, epochs finished e.
FALLS = {
    "constant": lambda x, e: 1,
    "exponential": lambda x, e, rate_decay, rate_decay_after: math.prod(
        rate_decay for k in range(1, e + 1) if k >= rate_decay_after
    ),
    "cosine": lambda x, e, final_rate: final_rate + (1 - final_rate) * math.cos(math.pi / 2 * x) ** 2,
    "linear": lambda x, e, final_rate: (1 - x) + x * final_rate,
}
FALLS["one-cycle"] = FALLS["cosine"]

# Within the warm-up, x from 0 to 1; a straight line where nothing else is said.
RISES = {"one-cycle": lambda x: math.sin(math.pi / 2 * x) ** 2}

FINAL_RATE = {"final_rate": st.floats(0, 1)}
NUMBERS = {
    "constant": {},
    "exponential": {"rate_decay": st.floats(0.5, 1), "rate_decay_after": st.integers(1, 12)},
    "cosine": FINAL_RATE,
    "linear": FINAL_RATE,
    "one-cycle": FINAL_RATE,
}
"""What each takes besides the warm-up."""

every_schedule = pytest.mark.parametrize("schedule", SCHEDULES)


def factors(schedule: str, iterations: int = ITERATIONS, windows: int = WINDOWS, **numbers: float) -> list[float]:
    """Of every iteration of a run."""
    return [SCHEDULES[schedule](Position(i, iterations, windows), **numbers) for i in range(iterations)]


def test_every_schedule_has_a_definition() -> None:
    assert FALLS.keys() == NUMBERS.keys() == SCHEDULES.keys()


@every_schedule
@settings(deadline=None)
@given(data=st.data())
def test_schedule_equals_its_definition(schedule: str, data: st.DataObject) -> None:
    numbers = data.draw(st.fixed_dictionaries(NUMBERS[schedule]))
    expected = [FALLS[schedule](i / ITERATIONS, i // WINDOWS, **numbers) for i in range(ITERATIONS)]
    assert factors(schedule, **numbers) == pytest.approx(expected)


@every_schedule
def test_warmup_rises_to_where_the_schedule_begins(schedule: str) -> None:
    rise = RISES.get(schedule, lambda x: x)
    course = factors(schedule, windows=100, warmup=4)
    assert course[:4] == pytest.approx([rise(1 / 4), rise(2 / 4), rise(3 / 4), 1])
    assert course[4] == pytest.approx(1)


@pytest.mark.parametrize("schedule", ["cosine", "linear", "one-cycle"])
def test_schedule_goes_from_the_end_of_the_warmup_to_the_end_of_training(schedule: str) -> None:
    course = factors(schedule, iterations=44, warmup=4, final_rate=0.1)
    assert course[4:] == pytest.approx(factors(schedule, iterations=40, final_rate=0.1))


@every_schedule
def test_warmup_longer_than_training(schedule: str) -> None:
    assert factors(schedule, iterations=5, warmup=10) == factors(schedule, iterations=20, warmup=10)[:5]


@every_schedule
def test_no_epoch_counts_within_the_warmup(schedule: str) -> None:
    few, many = (factors(schedule, iterations=30, windows=windows, warmup=25)[:25] for windows in (1, 1000))
    assert few == many


def test_exponential_first_decays_at_the_end_of_epoch_ten() -> None:
    """char-rnn's own numbers, which are the defaults."""
    course = factors("exponential", iterations=130, windows=10)
    assert course[:100] == [1] * 100
    assert course[100:] == pytest.approx([0.97] * 10 + [0.97**2] * 10 + [0.97**3] * 10)


def test_cosine_equals_that_of_torch() -> None:
    torch = pytest.importorskip("torch")
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.5)
    peer = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=40, eta_min=0.1)
    for factor in factors("cosine", final_rate=0.2):
        assert 0.5 * factor == pytest.approx(peer.get_last_lr()[0])
        optimizer.step()
        peer.step()
