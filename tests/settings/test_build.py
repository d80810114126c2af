"""What settings describe is built with the numbers that they give."""

import inspect
from collections.abc import Callable

import numpy as np
import pytest

from charrnn import load_settings
from charrnn.nn.network import Network
from charrnn.optim.clipping import CLIPS
from charrnn.optim.optimizers import OPTIMIZERS
from charrnn.optim.schedules import SCHEDULES, Position
from charrnn.settings.build import build_clip, build_network, build_optimizer, build_schedule
from charrnn.settings.schema import Settings, TrainingSettings
from charrnn.text.vocabulary import Vocabulary

# None of them a default, of the settings or of the function.
NUMBERS = {
    "momentum": 0.5,
    "rms_decay": 0.6,
    "beta1": 0.7,
    "beta2": 0.8,
    "epsilon": 0.1,
    "weight_decay": 0.2,
    "warmup": 3,
    "rate_decay": 0.4,
    "rate_decay_after": 2,
    "final_rate": 0.3,
}


def settings(**training: object) -> Settings:
    return load_settings("quick", training={**NUMBERS, **training})


def keywords(function: Callable) -> dict[str, object]:
    """The keyword arguments of a function, with their defaults."""
    parameters = inspect.signature(function).parameters.values()
    return {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}


@pytest.mark.parametrize("function", [*OPTIMIZERS.values(), *SCHEDULES.values()])
def test_every_number_that_an_optimizer_or_schedule_takes_is_a_setting(function: Callable) -> None:
    assert keywords(function).keys() <= NUMBERS.keys(), "a new number needs a value in NUMBERS, other than its default"
    for name, default in keywords(function).items():
        assert TrainingSettings.model_fields[name].default != NUMBERS[name] != default


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_an_optimizer_has_the_numbers_of_the_settings(optimizer: str) -> None:
    network = Network(3, cell="rnn", hidden_size=2, dtype=np.float64)
    own, built = (network.parameters(np.random.default_rng(0)) for _ in range(2))
    gradient = np.linspace(-1, 1, own.vector.size)
    made = build_optimizer(settings(optimizer=optimizer, lookup_rate=2.0, head_rate=3.0), network, built)
    factors = {"layer0.Wx": 2.0, "head.W": 3.0, "head.b": 3.0}
    numbers = {name: NUMBERS[name] for name in keywords(type(made))}
    expected = OPTIMIZERS[optimizer](own.vector, network.shapes, factors, **numbers)
    assert type(made) is type(expected)
    assert made.shapes == network.shapes
    for _ in range(2):
        made.step(built.vector, gradient.copy(), 0.1)
        expected.step(own.vector, gradient.copy(), 0.1)
    assert np.array_equal(built.vector, own.vector)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_schedule_has_the_numbers_of_the_settings(schedule: str) -> None:
    learning_rate = build_schedule(settings(schedule=schedule, learning_rate=0.5))
    numbers = {name: NUMBERS[name] for name in keywords(SCHEDULES[schedule])}
    for iteration in range(20):
        at = Position(iteration, 20, 4)
        assert learning_rate(at) == 0.5 * SCHEDULES[schedule](at, **numbers)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_warm_up_leaves_half_of_the_minutes_to_come_down(schedule: str) -> None:
    long = {"schedule": schedule, "warmup": 80}
    in_minutes = build_schedule(settings(minutes=1, **long))
    half = build_schedule(settings(iterations=100, **long | {"warmup": 50}))
    for iteration in range(100):
        at = Position(iteration, 100, 1000)
        assert in_minutes(at) == half(at)
    at = Position(60, 200, 1000)
    assert in_minutes(at) == build_schedule(settings(iterations=200, **long))(at)


@pytest.mark.parametrize("kind", CLIPS)
def test_a_clip_has_the_limit_of_the_settings(kind: str) -> None:
    built, expected = np.array([3.0, 4.0]), np.array([3.0, 4.0])
    assert build_clip(settings(clip_kind=kind, clip=0.5))(built) == CLIPS[kind](expected, 0.5) == 5
    assert np.array_equal(built, expected)


@pytest.mark.parametrize("kind", CLIPS)
def test_without_a_limit_the_gradient_is_measured_and_left_alone(kind: str) -> None:
    gradient = np.array([3e8, 4e8])
    assert build_clip(settings(clip_kind=kind, clip=None))(gradient) == 5e8
    assert gradient.tolist() == [3e8, 4e8]


def test_a_network_has_the_sizes_of_the_settings() -> None:
    model = {"cell": "gru", "layers": 2, "hidden": 5, "embedding": 3}
    network = build_network(load_settings(model=model, compute={"precision": "float64"}), Vocabulary("abcdefg"))
    assert (network.dtype, network.shapes["layer1.Wh"][0], network.shapes["head.W"]) == (np.float64, 5, (5, 7))
    assert (7, 3) in network.shapes.values()
