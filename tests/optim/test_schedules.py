import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charrnn.optim.schedules import SCHEDULES, Position, learning_rate
from charrnn.settings.schema import TrainingSettings

ITERATIONS, WINDOWS = 40, 3

# After the warm-up, by how far training has come: x from 0 to 1, epochs finished e.
FALLS = {
    "constant": lambda x, e, s: 1,
    "exponential": lambda x, e, s: math.prod(s.rate_decay for k in range(1, e + 1) if k >= s.rate_decay_after),
    "cosine": lambda x, e, s: s.final_rate + (1 - s.final_rate) * math.cos(math.pi / 2 * x) ** 2,
    "linear": lambda x, e, s: (1 - x) + x * s.final_rate,
}
FALLS["one-cycle"] = FALLS["cosine"]

# Within the warm-up, x from 0 to 1; a straight line where nothing else is said.
RISES = {"one-cycle": lambda x: math.sin(math.pi / 2 * x) ** 2}

every_schedule = pytest.mark.parametrize("schedule", SCHEDULES)


def rates(schedule: str, iterations: int = ITERATIONS, windows: int = WINDOWS, **changes: float) -> list[float]:
    """The learning rate of every iteration of a run."""
    s = TrainingSettings(iterations=iterations, schedule=schedule, **{"learning_rate": 1.0} | changes)
    return [learning_rate(Position(iteration, iterations, windows), s) for iteration in range(iterations)]


def test_every_schedule_has_a_definition() -> None:
    assert FALLS.keys() == SCHEDULES.keys()


@every_schedule
@settings(deadline=None)
@given(
    final_rate=st.floats(0, 1),
    rate_decay=st.floats(0.5, 1),
    rate_decay_after=st.integers(1, 12),
    learning_rate=st.floats(1e-4, 10),
)
def test_schedule_equals_its_definition(schedule: str, **changes: float) -> None:
    s = TrainingSettings(iterations=ITERATIONS, **changes)
    factors = [FALLS[schedule](i / ITERATIONS, i // WINDOWS, s) for i in range(ITERATIONS)]
    assert rates(schedule, **changes) == pytest.approx([s.learning_rate * factor for factor in factors])


@every_schedule
def test_warmup_rises_to_where_the_schedule_begins(schedule: str) -> None:
    rise = RISES.get(schedule, lambda x: x)
    course = rates(schedule, windows=100, warmup=4, learning_rate=2.0)
    assert course[:4] == pytest.approx([2 * rise(1 / 4), 2 * rise(2 / 4), 2 * rise(3 / 4), 2])
    assert course[4] == pytest.approx(2)


@pytest.mark.parametrize("schedule", ["cosine", "linear", "one-cycle"])
def test_schedule_goes_from_the_end_of_the_warmup_to_the_end_of_training(schedule: str) -> None:
    course = rates(schedule, iterations=44, warmup=4, final_rate=0.1)
    assert course[4:] == pytest.approx(rates(schedule, iterations=40, final_rate=0.1))


@every_schedule
def test_warmup_longer_than_training(schedule: str) -> None:
    assert rates(schedule, iterations=5, warmup=10) == rates(schedule, iterations=20, warmup=10)[:5]


def test_exponential_first_decays_at_the_end_of_epoch_ten() -> None:
    """char-rnn's own numbers, which are the defaults."""
    course = rates("exponential", iterations=130, windows=10, learning_rate=2e-3)
    assert course[:100] == [2e-3] * 100
    assert course[100:] == pytest.approx([2e-3 * 0.97] * 10 + [2e-3 * 0.97**2] * 10 + [2e-3 * 0.97**3] * 10)


def test_cosine_equals_that_of_torch() -> None:
    torch = pytest.importorskip("torch")
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.5)
    peer = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=40, eta_min=0.1)
    for rate in rates("cosine", learning_rate=0.5, final_rate=0.2):
        assert rate == pytest.approx(peer.get_last_lr()[0])
        optimizer.step()
        peer.step()
