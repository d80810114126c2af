import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from charrnn.optim import optimizers
from charrnn.optim.optimizers import OPTIMIZERS
from charrnn.settings.schema import TrainingSettings

every_optimizer = pytest.mark.parametrize("name", OPTIMIZERS)
every_decay = pytest.mark.parametrize("weight_decay", [0.0, 0.1])

# Far from the defaults, and epsilon large enough to show on which side of a root it stands.
SETTINGS = {"momentum": 0.8, "rms_decay": 0.93, "beta1": 0.85, "beta2": 0.99, "epsilon": 1e-2}

ADAM = {"betas": (SETTINGS["beta1"], SETTINGS["beta2"]), "eps": SETTINGS["epsilon"]}
ORACLES = {
    "adam": ("Adam", ADAM),
    "adamw": ("AdamW", ADAM),
    "rmsprop": ("RMSprop", {"alpha": SETTINGS["rms_decay"], "eps": SETTINGS["epsilon"]}),
    "adagrad": ("Adagrad", {"eps": SETTINGS["epsilon"]}),
    "sgd": ("SGD", {"momentum": SETTINGS["momentum"]}),
}
"""By name of ours: PyTorch's class and its options."""

rng = np.random.default_rng(0)
START = rng.normal(size=20)
GRADIENTS = rng.normal(size=(10, 20))
RATES = rng.uniform(0.01, 0.1, 10)


def settings(weight_decay: float) -> TrainingSettings:
    return TrainingSettings(iterations=1, weight_decay=weight_decay, **SETTINGS)


def test_every_optimizer_has_an_oracle() -> None:
    assert ORACLES.keys() == OPTIMIZERS.keys()


@every_decay
@every_optimizer
def test_ten_steps_equal_those_of_torch(name: str, weight_decay: float) -> None:
    torch = pytest.importorskip("torch")
    theirs = torch.tensor(START, requires_grad=True)
    peer, options = ORACLES[name]
    oracle = getattr(torch.optim, peer)([theirs], lr=1.0, weight_decay=weight_decay, **options)
    p = START.copy()
    optimizer = OPTIMIZERS[name](p, settings(weight_decay))

    for g, rate in zip(GRADIENTS, RATES, strict=True):
        oracle.param_groups[0]["lr"] = rate
        theirs.grad = torch.tensor(g)
        oracle.step()
        optimizer.step(p, g.copy(), rate)
        assert_allclose(p, theirs.detach().numpy(), rtol=1e-12, atol=1e-12)


@every_optimizer
def test_blocks_change_nothing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def run() -> np.ndarray:
        p = START.copy()
        optimizer = OPTIMIZERS[name](p, settings(0.1))
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
        optimizer = OPTIMIZERS[name](p, settings(weight_decay))
        for step, (g, rate) in enumerate(zip(GRADIENTS, RATES, strict=True)):
            if step == restart_at:
                old, optimizer = optimizer, OPTIMIZERS[name](p, settings(weight_decay))
                optimizer.steps = old.steps
                for key, vector in old.state.items():
                    optimizer.state[key][:] = vector
            optimizer.step(p, g.copy(), rate)
        return p

    assert_array_equal(run(START.copy(), restart_at=5), run(START.copy(), restart_at=None))
