"""The loss by context, against the same read one position at a time."""

import math

import numpy as np
import pytest

from charrnn import Model, load_settings, make_corpus
from charrnn.analysis.context import ContextLoss, horizon, losses_by_context
from charrnn.errors import CorpusError, DivergenceError

TEXT = "The cat sat on the mat.\nAnd then, all at once,\nit left. " * 3


@pytest.fixture(scope="module")
def model() -> Model:
    settings = load_settings(model={"hidden": 8, "layers": 2, "scale": 2.0}, compute={"precision": "float64"})
    return Model.new(settings, make_corpus(TEXT).vocabulary)


def loss_after(model: Model, ids: np.ndarray, at: int, n: int) -> float:
    state = model.network.zero_state(1)
    for v in ids[at - n : at]:
        logits = model.network.step(model.parameters, np.array([v]), state)[0]
    return float(np.log(np.exp(logits).sum()) - logits[ids[at]])


def test_every_context_at_the_same_positions(model: Model) -> None:
    ids = model.vocabulary.encode(TEXT)
    longest = len(ids) // 4
    positions = np.linspace(longest, len(ids) - 1, 20).astype(int)
    full, *cut = losses_by_context(model, ids, positions=20)
    assert [each.context for each in (full, *cut)] == [None, 1, 2, 4, 8, 16, 32]
    whole = np.array([loss_after(model, ids, at, at) for at in positions])
    assert full.loss == pytest.approx(whole.mean())
    assert full.bits == pytest.approx(whole.mean() / math.log(2))
    for each in cut:
        nats = np.array([loss_after(model, ids, at, each.context) for at in positions])
        assert each.loss == pytest.approx(nats.mean())
        assert each.difference == pytest.approx((nats - whole).mean())
        assert each.error == pytest.approx((nats - whole).std() / math.sqrt(20))


def test_a_long_text_is_read_in_passages_from_all_over_it(model: Model) -> None:
    ids = model.vocabulary.encode(TEXT * 100)
    full, *cut = losses_by_context(model, ids, positions=100)
    assert cut[-1].context == 512
    same = list(losses_by_context(model, np.tile(ids[: len(ids) // 2], 2), positions=100))
    assert [each.context for each in same] == [each.context for each in (full, *cut)]
    changed = ids.copy()
    changed[-40:] = ids[0]
    assert next(losses_by_context(model, changed, positions=10_000)).loss != pytest.approx(
        next(losses_by_context(model, ids, positions=10_000)).loss, rel=1e-9
    )


def test_the_horizon_is_the_shortest_context_as_good_as_all() -> None:
    losses = [ContextLoss(n, 1.0 + d, d, 0.001) for n, d in ((None, 0.0), (1, 1.0), (2, 0.011), (4, 0.009), (8, -0.1))]
    assert horizon(losses) == 4
    assert horizon(losses[:3]) is None
    assert horizon([losses[0], ContextLoss(1, 0.9, -0.1, 0.2), *losses[2:]]) == 4


def test_too_short_a_text(model: Model) -> None:
    ids = model.vocabulary.encode("The ")
    assert [each.context for each in losses_by_context(model, ids)] == [None, 1]
    with pytest.raises(CorpusError, match="cannot be cut from 3 characters"):
        list(losses_by_context(model, ids[:3]))


def test_a_network_that_diverged(model: Model) -> None:
    broken = Model(model.network, model.parameters.copy(), model.vocabulary)
    broken.parameters["head.b"][:] = np.nan
    with pytest.raises(DivergenceError, match="no longer a finite number"):
        next(losses_by_context(broken, model.vocabulary.encode(TEXT)))
