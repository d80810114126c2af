"""Loss and every gradient, against PyTorch's own layers and its autograd."""

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
import pytest
from naive import Problem
from numpy.linalg import norm

from charrnn.arrays import Array, Ids

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


class Peer:
    """PyTorch's network with the parameters of a problem, and what it computes of them."""

    def __init__(self, cell: str, problem: Problem) -> None:
        kind, options = PEERS[cell]
        V, H, layers = problem.network.vocabulary_size, problem.network.hidden_size, len(problem.network.cells)
        self.cell, self.layers, self.vocabulary_size, self.hidden_size = cell, layers, V, H
        embedding = problem.network.embedding_size
        self.rnn = kind(embedding or V, H, layers, dtype=torch.float64, **options)
        self.p = {name: tensor(array) for name, array in problem.p.items()}
        with torch.no_grad():
            for layer in range(layers):
                for name, array in as_theirs(problem.p, layer).items():
                    getattr(self.rnn, name)[:] = torch.tensor(array.copy())
                bias = getattr(self.rnn, f"bias_hh_l{layer}")
                bias[:] = 0
                if cell == "gru":
                    bias[2 * H :] = self.p[f"layer{layer}.bhn"]

    def forward(self, x: Ids, state: Array) -> "tuple[torch.Tensor, list[torch.Tensor]]":
        """x (T, B), state (L, S, B, H) -> logits (T, B, V), each state after them (L, B, H)."""
        v = torch.nn.functional.one_hot(torch.tensor(x.astype(np.int64)), self.vocabulary_size).double()
        v = v @ self.p["embedding.W"] if "embedding.W" in self.p else v
        states = tuple(torch.tensor(state[:, s]) for s in range(state.shape[1]))
        h, after = self.rnn(v, states if self.cell == "lstm" else states[0])
        return h @ self.p["head.W"] + self.p["head.b"], list(after) if self.cell == "lstm" else [after]

    def assert_gradients_equal(self, grads: Mapping[str, Array]) -> None:
        for name in ("head.W", "head.b", *(["embedding.W"] if "embedding.W" in self.p else [])):
            assert distance(grads[name], self.p[name].grad) < 1e-10, name
        for layer in range(self.layers):
            for name, gradient in as_theirs(grads, layer).items():
                assert distance(gradient, getattr(self.rnn, name).grad) < 1e-10, name
            if self.cell == "gru":
                their_bhn = getattr(self.rnn, f"bias_hh_l{layer}").grad[2 * self.hidden_size :]
                assert distance(grads[f"layer{layer}.bhn"], their_bhn) < 1e-10


def nats(logits: "torch.Tensor", y: Ids) -> "torch.Tensor":
    """The loss summed over y (...), from logits (..., V)."""
    targets = torch.tensor(y.astype(np.int64)).flatten()
    return torch.nn.functional.cross_entropy(logits.reshape(len(targets), -1), targets, reduction="sum")


@pytest.mark.parametrize("embedding", [None, 4])
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("cell", PEERS)
def test_loss_gradients_and_state_equal_those_of_torch(cell: str, layers: int, embedding: int | None) -> None:
    problem = Problem.random(cell, layers, embedding)
    loss, grads, after = problem.gradients()

    peer = Peer(cell, problem)
    logits, their_after = peer.forward(problem.x, problem.state)
    their_loss = nats(logits, problem.y) / problem.y.size
    their_loss.backward()

    assert loss == pytest.approx(their_loss.item(), rel=1e-10)
    for s, theirs in enumerate(their_after):
        assert distance(after[:, s], theirs) < 1e-10
    peer.assert_gradients_equal(grads)


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("cell", PEERS)
def test_items_in_one_window_equal_items_read_by_torch_one_by_one(cell: str, layers: int) -> None:
    problem = Problem.random(cell, layers, T=23, B=3, mark=1)
    loss, grads, _ = problem.gradients()

    peer, total = Peer(cell, problem), torch.zeros((), dtype=torch.float64)
    items = 0
    for b in range(problem.x.shape[1]):
        x, y, state = problem.x[:, b], problem.y[:, b], problem.state[:, :, b : b + 1]
        marks = np.flatnonzero(x == 1).tolist()
        for start, stop in pairwise(sorted({0, *marks, len(x)})):
            before = state if start == 0 and x[0] != 1 else np.zeros_like(state)
            logits, _ = peer.forward(x[start:stop, None], before)
            total = total + nats(logits, y[start:stop])
            items += 1
    assert items > 6
    (total / problem.y.size).backward()

    assert loss == pytest.approx(total.item() / problem.y.size, rel=1e-10)
    peer.assert_gradients_equal(grads)
