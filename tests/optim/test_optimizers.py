import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from charrnn.optim import optimizers
from charrnn.optim.optimizers import OPTIMIZERS, Optimizer

every_optimizer = pytest.mark.parametrize("name", OPTIMIZERS)
every_decay = pytest.mark.parametrize("weight_decay", [0.0, 0.1])

# Far from the defaults, and epsilon large enough to show on which side of a root it stands.
ADAM = {"beta1": 0.85, "beta2": 0.99, "epsilon": 1e-2}
TORCH_ADAM = {"betas": (0.85, 0.99), "eps": 1e-2}
ORACLES = {
    "adam": (ADAM, "Adam", TORCH_ADAM),
    "adamw": (ADAM, "AdamW", TORCH_ADAM),
    "rmsprop": ({"rms_decay": 0.93, "epsilon": 1e-2}, "RMSprop", {"alpha": 0.93, "eps": 1e-2}),
    "adagrad": ({"epsilon": 1e-2}, "Adagrad", {"eps": 1e-2}),
    "sgd": ({"momentum": 0.8}, "SGD", {"momentum": 0.8}),
}
"""By name of ours: its numbers, PyTorch's class and the same numbers there."""

rng = np.random.default_rng(0)
START = rng.normal(size=20)
GRADIENTS = rng.normal(size=(10, 20))
RATES = rng.uniform(0.01, 0.1, 10)


SHAPES = {"W": (3, 4), "b": (8,)}


def made(name: str, p: np.ndarray, weight_decay: float) -> Optimizer:
    return OPTIMIZERS[name](p, SHAPES, weight_decay=weight_decay, **ORACLES[name][0])


def test_every_optimizer_has_an_oracle() -> None:
    assert ORACLES.keys() == OPTIMIZERS.keys()


@every_decay
@every_optimizer
def test_ten_steps_equal_those_of_torch(name: str, weight_decay: float) -> None:
    _, peer, options = ORACLES[name]
    check_against_torch(lambda p: made(name, p, weight_decay), peer, {**options, "weight_decay": weight_decay})


@every_optimizer
def test_the_defaults_are_those_of_torch(name: str) -> None:
    check_against_torch(lambda p: OPTIMIZERS[name](p, SHAPES), ORACLES[name][1], {})


def check_against_torch(build: Callable[[np.ndarray], Optimizer], peer: str, options: dict) -> None:
    """A matrix, and a vector, which is not decayed."""
    torch = pytest.importorskip("torch")
    theirs = [torch.tensor(part, requires_grad=True) for part in np.split(START, [12])]
    groups = [{"params": [theirs[0]]}, {"params": [theirs[1]], "weight_decay": 0}]
    oracle = getattr(torch.optim, peer)(groups, **options)
    p = START.copy()
    optimizer = build(p)
    for g, rate in zip(GRADIENTS, RATES, strict=True):
        for group, part in zip(oracle.param_groups, np.split(g, [12]), strict=True):
            group["lr"] = rate
            group["params"][0].grad = torch.tensor(part)
        oracle.step()
        optimizer.step(p, g.copy(), rate)
        assert_allclose(p, torch.cat(theirs).detach().numpy(), rtol=1e-12, atol=1e-12)


@every_optimizer
def test_a_factor_multiplies_the_rate_of_one_array(name: str) -> None:
    """That array as with a higher rate, the other as without."""
    p, faster, slower = START.copy(), START.copy(), START.copy()
    numbers = ORACLES[name][0]
    optimizers = [OPTIMIZERS[name](p, SHAPES, {"b": 3.0}, **numbers)]
    optimizers += [OPTIMIZERS[name](each, SHAPES, **numbers) for each in (faster, slower)]
    for g, rate in zip(GRADIENTS, RATES, strict=True):
        for optimizer, each, factor in zip(optimizers, (p, faster, slower), (1, 3, 1), strict=True):
            optimizer.step(each, g.copy(), factor * rate)
    assert_allclose(p, np.concatenate([slower[:12], faster[12:]]), rtol=1e-12)


def test_a_factor_leaves_the_decay_of_weights_as_it_is() -> None:
    p = START.copy()
    OPTIMIZERS["adamw"](p, SHAPES, {"W": 3.0}, weight_decay=0.1).step(p, np.zeros(20), 0.5)
    assert_allclose(p, np.concatenate([0.95 * START[:12], START[12:]]), rtol=1e-12)


@every_optimizer
def test_blocks_change_nothing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def run() -> np.ndarray:
        p = START.copy()
        optimizer = made(name, p, 0.1)
        for g, rate in zip(GRADIENTS, RATES, strict=True):
            optimizer.step(p, g.copy(), rate)
        return p

    whole = run()
    monkeypatch.setattr(optimizers, "BLOCK", 7)  # which does not divide 20
    assert_array_equal(run(), whole)


@every_decay
@every_optimizer
def test_state_moves_to_another_optimizer(name: str, weight_decay: float) -> None:
    def run(p: np.ndarray, restart_at: int | None) -> np.ndarray:
        optimizer = made(name, p, weight_decay)
        for step, (g, rate) in enumerate(zip(GRADIENTS, RATES, strict=True)):
            if step == restart_at:
                old, optimizer = optimizer, made(name, p, weight_decay)
                optimizer.steps = old.steps
                for key, vector in old.memory.items():
                    optimizer.memory[key][:] = vector
            optimizer.step(p, g.copy(), rate)
        return p

    assert_array_equal(run(START.copy(), restart_at=5), run(START.copy(), restart_at=None))


class Normalised(Optimizer):
    """p -= rate g / |g| for each array of the parameters, |g| the norm of its own gradient."""

    def step(self, p: np.ndarray, g: np.ndarray, rate: float) -> None:
        start = 0
        for shape in self.shapes.values():
            part = slice(start, start := start + math.prod(shape))
            G = g[part].reshape(shape)
            p[part].reshape(shape)[...] -= rate * G / np.linalg.norm(G)


def test_an_optimizer_may_work_on_the_arrays_that_the_shapes_name() -> None:
    p, g = START.copy(), GRADIENTS[0]
    Normalised(p, SHAPES).step(p, g, 0.1)
    assert np.linalg.norm((START - p)[:12]) == pytest.approx(0.1)
    assert np.linalg.norm((START - p)[12:]) == pytest.approx(0.1)
