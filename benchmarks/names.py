"""Names, beside a GRU of PyTorch that learns them as makemore does.

    python3 benchmarks/names.py names.txt runs/names

The list is read as items, a tenth of them held out for validation and a tenth for the test. Ours is the recipe
``names``. The peer is a GRU of PyTorch with at most as many parameters, behind an embedding of 64: batches of 32 names,
AdamW with the rate 5e-4 and weight decay 0.01, the defaults of makemore (https://github.com/karpathy/makemore), until
its validation loss has not fallen for ten epochs; and once more with a rate that suits it better, 4e-3 that falls to
zero, for as many epochs as ours makes. Each is judged by the network with its lowest validation loss, on the same test
part. Prints Markdown.
"""

import argparse
import copy
import math
import time
from pathlib import Path

import numpy as np
import torch
from common import machine, table

from charrnn import Corpus, load_checkpoint, load_settings, start
from charrnn.training.transport import engine_for

EMBEDDING, BATCH = 64, 32
PAD = -100
"""What PyTorch's loss leaves out."""


def main() -> None:
    parser = argparse.ArgumentParser(description="Names, beside a GRU of PyTorch.")
    parser.add_argument("names", help="a list of names, one a line")
    parser.add_argument("run", type=Path, help="folder for our run")
    arguments = parser.parse_args()
    settings = load_settings("names", corpus={"path": [arguments.names], "test": 0.1}, snapshots={"at": []})
    started = time.perf_counter()
    trainer = start(settings, run=arguments.run, force=True)
    for _ in trainer.train():
        pass
    seconds, corpus, t = time.perf_counter() - started, trainer.corpus, trainer.settings.training
    best = load_checkpoint(arguments.run)
    with engine_for(settings, best.model.network, best.model.parameters) as engine:
        streams = corpus.in_streams(corpus.test, t.batch, t.window)
        test = engine.evaluate(best.model.parameters, streams, t.window).loss
    size = len(best.model.parameters.vector)
    epochs = math.ceil((trainer.iterations or 0) / trainer.streams.windows)
    rows = [row(f"recipe `names`, {settings.model.cell} {settings.model.hidden}", size, epochs, seconds, test, corpus)]
    for name, rate, most in (("AdamW 5e-4", 5e-4, None), ("AdamW 4e-3, falling", 4e-3, epochs)):
        peer = Peer(len(corpus.vocabulary), size)
        started = time.perf_counter()
        done = peer.train(corpus, rate, most)
        seconds = time.perf_counter() - started
        title = f"PyTorch GRU {peer.rnn.hidden_size}, {name}"
        rows.append(row(title, peer.size, done, seconds, peer.loss(batches(corpus, corpus.test)), corpus))
    print(f"{len(corpus.starts):,} names; {machine()}\n")
    print(table(["network", "parameters", "epochs", "seconds", "test, nats/char", "nats/name"], rows))


def row(name: str, size: int, epochs: int, seconds: float, loss: float, corpus: Corpus) -> list[str]:
    per_name = loss * len(corpus.test) / corpus.items_in(corpus.test)
    return [name, f"{size:,}", str(epochs), f"{seconds:.0f}", f"{loss:.3f}", f"{per_name:.2f}"]


Pair = tuple[torch.Tensor, torch.Tensor]


def batches(corpus: Corpus, part: np.ndarray, rng: np.random.Generator | None = None) -> list[Pair]:
    """The names of a part in batches (x, y), each (B, longest), at random or as they stand."""
    mark = corpus.mark_id
    names = np.split(part, np.flatnonzero(part == mark)[:-1] + 1)
    order = rng.permutation(len(names)) if rng else np.arange(len(names))
    found = []
    for at in range(0, len(names), BATCH):
        chosen = [names[k] for k in order[at : at + BATCH]]
        longest = max(map(len, chosen))
        x, y = np.zeros((len(chosen), longest), np.int64), np.full((len(chosen), longest), PAD)
        for b, name in enumerate(chosen):
            x[b, 0], x[b, 1 : len(name)], y[b, : len(name)] = mark, name[:-1], name
        found.append((torch.from_numpy(x), torch.from_numpy(y)))
    return found


class Peer(torch.nn.Module):
    """Embedding, GRU, linear head, as large as ``size`` parameters allow."""

    def __init__(self, vocabulary: int, size: int) -> None:
        super().__init__()
        torch.manual_seed(0)
        hidden = next(H for H in range(1024, 0, -1) if self.count(vocabulary, H) <= size)
        self.embedding = torch.nn.Embedding(vocabulary, EMBEDDING)
        self.rnn = torch.nn.GRU(EMBEDDING, hidden, batch_first=True)
        self.head = torch.nn.Linear(hidden, vocabulary)
        self.size = sum(p.numel() for p in self.parameters())

    @staticmethod
    def count(V: int, H: int) -> int:
        return V * EMBEDDING + 3 * H * (EMBEDDING + H + 2) + V * (H + 1)

    def nats(self, x: torch.Tensor, y: torch.Tensor, reduction: str = "mean") -> torch.Tensor:
        logits = self.head(self.rnn(self.embedding(x))[0])
        return torch.nn.functional.cross_entropy(logits.flatten(0, 1), y.flatten(), reduction=reduction)

    def loss(self, of: list[Pair]) -> float:
        """Nats per character."""
        with torch.no_grad():
            total = sum(float(self.nats(x, y, "sum")) for x, y in of)
        return total / sum(int((y != PAD).sum()) for _, y in of)

    def train(self, corpus: Corpus, rate: float, epochs: int | None) -> int:  # type: ignore[override]
        """Learns for so many epochs, or until it learns no more; ends as it was at its lowest validation loss."""
        optimizer = torch.optim.AdamW(self.parameters(), rate, betas=(0.9, 0.99), weight_decay=0.01)
        held_out, rng = batches(corpus, corpus.validation), np.random.default_rng(0)
        steps = epochs and epochs * len(batches(corpus, corpus.training))
        schedule = steps and torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
        lowest, since, done, best = math.inf, 0, 0, self.state_dict()
        while done < epochs if epochs else since < 10:
            for x, y in batches(corpus, corpus.training, rng):
                optimizer.zero_grad()
                self.nats(x, y).backward()
                optimizer.step()
                if schedule:
                    schedule.step()
            done += 1
            loss, since = self.loss(held_out), since + 1
            if loss < lowest:
                lowest, since, best = loss, 0, copy.deepcopy(self.state_dict())
        self.load_state_dict(best)
        return done


if __name__ == "__main__":
    main()
