"""A network that is there already goes on with another text: what it knows stays, what is new is added."""

from pathlib import Path

import numpy as np
import pytest

from charrnn import Checkpoint, Run, Step, Trainer, load_checkpoint, load_corpus, load_settings, make_corpus
from charrnn.errors import CorpusError, SettingsError
from charrnn.model import Model
from charrnn.nn.cells import CELLS
from charrnn.nn.functional import cross_entropy
from charrnn.nn.parameters import Workspace
from charrnn.text.vocabulary import Vocabulary

OLD = make_corpus("a man sat on a mat and ran. " * 20, "old")
MORE = make_corpus("on a mat sat a Man, émile; and ran. " * 20, "more", characters=OLD.vocabulary.characters)


def settings(cell: str = "lstm", embedding: int | None = None, skips: bool = False, **training):
    """A float64 network: one that is a column wider rounds its products another way."""
    return load_settings(
        "quick",
        model={"hidden": 6, "layers": 2, "cell": cell, "embedding": embedding, "skips": skips, "dropout_head": 0.0},
        training={"iterations": 8, "batch": 4, "window": 9, "learning_rate": 0.02, "state_reset": 0} | training,
        snapshots={"at": []},
        compute={"workers": 1, "precision": "float64"},
    )


def learnt(chosen=None) -> Checkpoint:
    trainer = Trainer(chosen or settings(), OLD)
    list(trainer.train())
    return trainer.checkpoint()


def logits(model: Model, text: str) -> np.ndarray:
    """(T, V)."""
    x = model.vocabulary.encode(text)[:, None]
    space = Workspace(model.network.dtype)
    return model.network.forward(model.parameters, x, model.network.zero_state(1), space).logits[:, 0]


def test_without_new_characters_the_first_loss_is_the_old_models() -> None:
    """The text may lack some that the network knows."""
    old = learnt()
    corpus = make_corpus("mat on a man sat and " * 30, characters=OLD.vocabulary.characters)
    trainer = Trainer(settings(), corpus, init_from=old)
    x, y = trainer.streams.window(0)
    network = old.model.network
    known = network.forward(old.model.parameters, x, network.zero_state(4), Workspace(np.float64)).logits
    first = next(fact for fact in trainer.train() if isinstance(fact, Step))
    assert first.loss == cross_entropy(known, y).mean()


@pytest.mark.parametrize("embedding", [None, 3])
@pytest.mark.parametrize("skips", [False, True])
@pytest.mark.parametrize("cell", CELLS)
def test_new_characters_leave_the_logits_of_the_old_as_they_were(cell: str, skips: bool, embedding: int | None) -> None:
    old = learnt(settings(cell, embedding, skips))
    model = Trainer(settings(cell, embedding, skips), MORE, init_from=old).model
    assert set("Mémile,;") - set(OLD.vocabulary.characters)
    its = model.vocabulary.encode(OLD.vocabulary.characters)
    prime = "a man sat on a mat."
    assert np.allclose(logits(model, prime)[:, its], logits(old.model, prime), rtol=1e-12, atol=1e-12)


def test_what_is_new_is_drawn_as_in_a_new_model_and_begins_as_rare_as_the_rarest() -> None:
    old, fresh = learnt(), Model.new(settings(), MORE.vocabulary)
    p = Trainer(settings(), MORE, init_from=old).model.parameters
    new = MORE.vocabulary.encode("".join(sorted(set(MORE.vocabulary.characters) - set(OLD.vocabulary.characters))))
    assert len(new) == 7
    assert np.array_equal(p["layer0.Wx"][new], fresh.parameters["layer0.Wx"][new])
    assert np.array_equal(p["head.W"][:, new], fresh.parameters["head.W"][:, new])
    assert (p["head.b"][new] == old.model.parameters["head.b"].min()).all()


def test_the_old_network_is_left_alone() -> None:
    old = learnt()
    before = old.model.parameters.vector.copy()
    list(Trainer(settings(), make_corpus("mat " * 50, characters=OLD.vocabulary.characters), init_from=old).train())
    assert np.array_equal(old.model.parameters.vector, before)


def test_optimizer_and_iteration_begin_anew() -> None:
    trainer = Trainer(settings(), MORE, init_from=learnt())
    assert (trainer.progress.iteration, trainer.progress.best_loss) == (0, None)
    training = trainer.checkpoint().training
    assert training.optimizer_steps == 0
    assert not any(vector.any() for vector in training.memory.values())


def test_a_vocabulary_that_lacks_what_the_network_knows_is_refused() -> None:
    with pytest.raises(CorpusError, match="lacks 1 of the characters"):
        learnt().model.extended(settings(), Vocabulary(OLD.vocabulary.characters.replace("s", "é")))


def test_a_corpus_knows_more_than_its_text(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("banana " * 9)
    corpus = load_corpus([tmp_path / "text.txt"], characters="xyz")
    assert corpus.vocabulary.characters == " abnxyz"
    assert corpus.vocabulary.decode(corpus.ids) == "banana " * 9


def test_a_checkpoint_names_all_that_it_goes_back_to(tmp_path: Path) -> None:
    old = learnt()
    second = Trainer(settings(init_from="runs/old"), MORE, init_from=old)
    list(second.train())
    third = Trainer(settings(init_from="runs/more"), MORE, init_from=second.checkpoint())
    third.checkpoint().save(tmp_path / "c.npz")
    first_origin, second_origin = load_checkpoint(tmp_path / "c.npz").origins
    assert (first_origin.name, first_origin.iteration, first_origin.corpus) == ("old", 8, old.corpus)
    assert (second_origin.name, second_origin.corpus.name) == ("more", "more")
    assert first_origin == old.as_origin("runs/old")
    assert first_origin.parameters_sha256 != second_origin.parameters_sha256


def test_stopped_and_resumed_it_ends_with_the_same_bits(tmp_path: Path) -> None:
    old, chosen = learnt(), settings(init_from="runs/old")
    whole = Trainer(chosen, MORE, init_from=old)
    list(whole.train())
    run = Run(tmp_path / "run")
    run.create(chosen)
    stopped = Trainer(chosen, MORE, run, init_from=old)
    for _ in stopped.train():
        if stopped.progress.iteration == 3:
            stopped.stop()
    resumed = Trainer(chosen, MORE, run, run.last_checkpoint())
    list(resumed.train())
    assert resumed.model.parameters.vector.tobytes() == whole.model.parameters.vector.tobytes()
    assert resumed.checkpoint().origins == whole.checkpoint().origins


@pytest.mark.parametrize("other", [{"layers": 3}, {"hidden": 7}, {"cell": "gru"}])
def test_another_architecture_than_the_network_has_is_refused(other: dict) -> None:
    (name,) = other
    with pytest.raises(SettingsError, match=rf"model\.{name} is .*, and the network to begin with has"):
        Trainer(settings().changed(model=other), OLD, init_from=learnt())
