"""Loss and every gradient, against PyTorch's own layers and its autograd."""

from collections.abc import Mapping

import numpy as np
import pytest
from naive import Problem
from numpy.linalg import norm

from charrnn.arrays import Array

torch = pytest.importorskip("torch")

# By cell: PyTorch's class and its options. Gates stand in the same order.
PEERS = {
    "lstm": (torch.nn.LSTM, {}),
    "gru": (torch.nn.GRU, {}),
    "rnn": (torch.nn.RNN, {"nonlinearity": "tanh"}),
    "rnn-relu": (torch.nn.RNN, {"nonlinearity": "relu"}),
}


def as_theirs(arrays: Mapping[str, Array], layer: int) -> dict[str, Array]:
    """One layer's arrays, parameters or gradients, under PyTorch's names; the bias is put where x is."""
    return {
        f"weight_ih_l{layer}": arrays[f"layer{layer}.Wx"].T,
        f"weight_hh_l{layer}": arrays[f"layer{layer}.Wh"].T,
        f"bias_ih_l{layer}": arrays[f"layer{layer}.b"],
    }


def tensor(array: Array) -> "torch.Tensor":
    return torch.tensor(array, requires_grad=True)


def distance(ours: Array, theirs: "torch.Tensor") -> float:
    return float(norm(ours - theirs.detach().numpy()) / norm(ours))


@pytest.mark.parametrize("embedding", [None, 4])
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("cell", PEERS)
def test_loss_gradients_and_state_equal_those_of_torch(cell: str, layers: int, embedding: int | None) -> None:
    problem = Problem.random(cell, layers, embedding)
    loss, grads, after = problem.gradients()

    peer, options = PEERS[cell]
    V, H = problem.network.vocabulary_size, problem.network.hidden_size
    rnn = peer(embedding or V, H, layers, dtype=torch.float64, **options)
    p = {name: tensor(array) for name, array in problem.p.items()}
    with torch.no_grad():
        for layer in range(layers):
            for name, array in as_theirs(problem.p, layer).items():
                getattr(rnn, name)[:] = torch.tensor(array.copy())
            bias = getattr(rnn, f"bias_hh_l{layer}")
            bias[:] = 0
            if cell == "gru":
                bias[2 * H :] = p[f"layer{layer}.bhn"]

    x, y = (torch.tensor(ids.astype(np.int64)) for ids in (problem.x, problem.y))
    v = torch.nn.functional.one_hot(x, V).double()
    v = v @ p["embedding.W"] if embedding else v
    states = tuple(torch.tensor(problem.state[:, s]) for s in range(problem.state.shape[1]))  # each (L, B, H)
    h, their_after = rnn(v, states if cell == "lstm" else states[0])
    logits = h @ p["head.W"] + p["head.b"]
    their_loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), y.flatten())
    their_loss.backward()

    assert loss == pytest.approx(their_loss.item(), rel=1e-10)
    for s, theirs in enumerate(their_after if cell == "lstm" else [their_after]):
        assert distance(after[:, s], theirs) < 1e-10
    for name in ("head.W", "head.b", *(["embedding.W"] if embedding else [])):
        assert distance(grads[name], p[name].grad) < 1e-10, name
    for layer in range(layers):
        for name, gradient in as_theirs(grads, layer).items():
            assert distance(gradient, getattr(rnn, name).grad) < 1e-10, name
        if cell == "gru":
            assert distance(grads[f"layer{layer}.bhn"], getattr(rnn, f"bias_hh_l{layer}").grad[2 * H :]) < 1e-10
