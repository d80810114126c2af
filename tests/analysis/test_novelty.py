"""Copies are found as a search through the whole text finds them, and none is written that is too long."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from charrnn import Model, Sampling, generate, load_settings, make_corpus
from charrnn.analysis.novelty import STRETCH, NoCopies, TextIndex, learnt_corpus, measure_novelty
from charrnn.arrays import Ids
from charrnn.errors import CharRNNError, CorpusError
from charrnn.storage.checkpoint import Checkpoint
from charrnn.storage.document import CorpusRecord, Progress
from charrnn.text.corpus import load_corpus
from charrnn.text.vocabulary import Vocabulary

TEXT = "the cat sat on the mat, and the dog ran from the cat to the man on the moon.\n" * 3


def texts(alphabet: str) -> st.SearchStrategy[str]:
    return st.text(alphabet, min_size=1, max_size=80)


def encoded(text: str, vocabulary: Vocabulary, wide: bool) -> Ids:
    """Ids of one byte, or of two with differences in both."""
    ids = vocabulary.encode(text)
    return ids.astype(np.uint16) * 255 if wide else ids


@given(text=texts("ab"), string=texts("ab") | texts("abc"), wide=st.booleans())
@example(text="ab" * 200, string="b" + "ab" * 150 + "b", wide=False)
def test_longest_matches(text: str, string: str, wide: bool) -> None:
    vocabulary = Vocabulary("abc")
    index = TextIndex(encoded(text, vocabulary, wide))
    lengths = index.longest_matches(encoded(string, vocabulary, wide))
    for start, length in enumerate(lengths.tolist()):
        assert string[start : start + length] in text
        assert start + length == len(string) or string[start : start + length + 1] not in text


@given(text=texts("abc"), string=st.text("abc", max_size=3), wide=st.booleans())
def test_followers(text: str, string: str, wide: bool) -> None:
    vocabulary = Vocabulary("abc")
    index = TextIndex(encoded(text, vocabulary, wide))
    followers = list(index.followers(encoded(string, vocabulary, wide)))
    expected = [character for character in "abc" if string + character in text]
    assert sorted(followers) == encoded("".join(expected), vocabulary, wide).tolist()


def test_a_network_that_knows_more_characters_than_its_text(tmp_path: Path) -> None:
    """One that was fine-tuned: the text is read in its vocabulary."""
    (tmp_path / "text.txt").write_text(TEXT)
    settings = load_settings(model={"hidden": 4}, corpus={"path": [str(tmp_path / "text.txt")], "validation": 0})
    corpus = load_corpus(settings.corpus.path, validation=0)
    vocabulary = Vocabulary(corpus.vocabulary.characters + "!QZ")
    model = Model.new(settings, vocabulary)
    checkpoint = Checkpoint(model, settings, Progress(), CorpusRecord("text", corpus.sha256, len(corpus)))
    assert vocabulary.decode(learnt_corpus(checkpoint).training) == TEXT


def test_novelty_is_the_longest_copy_and_the_share_of_long_ones() -> None:
    vocabulary = Vocabulary(TEXT + "xyz")
    index = TextIndex(vocabulary.encode(TEXT))
    copies = TEXT[5 : 5 + STRETCH], TEXT[40 : 40 + STRETCH + 5], TEXT[60 : 60 + STRETCH - 1]
    text = "xyz" + "z".join(copies) + "zyx"
    found = measure_novelty(index, vocabulary.encode(text))
    assert text[found.start : found.start + found.length] == copies[1]
    assert found.share == pytest.approx((STRETCH + STRETCH + 5) / len(text))


def test_stretches_that_overlap_count_once() -> None:
    vocabulary = Vocabulary("abcdefghijklmnopqrstuvwxyz")
    a, b, c = "abcdefghij", "klmnopqrst", "zyxwvutsrq"
    index = TextIndex(vocabulary.encode(a + b + "z" + b + c))
    assert measure_novelty(index, vocabulary.encode(a + b + c)).share == 1


@pytest.mark.parametrize("most", [3, 5, 12])
def test_no_longer_copies_are_written(most: int) -> None:
    model = Model.new(load_settings("quick", model={"hidden": 8, "layers": 1}), Vocabulary(TEXT + "xyz"))
    index = TextIndex(model.vocabulary.encode(TEXT))

    def toward_the_text(recent: Ids) -> np.ndarray:
        """Allows what the text goes on with, as far as copying is allowed, and else all that is not forbidden."""
        forbidden = no_copies(recent)
        for row, ids in zip(forbidden, recent, strict=True):
            wanted = [v for v in index.followers(ids[-2:]) if not row[v]]
            if wanted:
                row[:] = True
                row[wanted] = False
        return forbidden

    no_copies = NoCopies(index, most, len(model.vocabulary))
    prime = TEXT[:2]
    sampling = Sampling(prime, forbid=toward_the_text)
    columns = generate(model, 300, np.random.default_rng(0), sampling, count=3)
    for characters in zip(*columns, strict=True):
        text = prime + "".join(characters)
        lengths = index.longest_matches(model.vocabulary.encode(text))
        assert lengths.max() == most


def test_where_nothing_is_left_to_write_it_says_so() -> None:
    vocabulary = Vocabulary("ab")
    no_copies = NoCopies(TextIndex(vocabulary.encode("aabbab")), 1, 2)
    says = "more than 1 character in a row are copied from the training text; raise max_copy"
    with pytest.raises(CharRNNError, match=says):
        no_copies(vocabulary.encode("a")[None])


class TestTrainingText:
    @pytest.fixture
    def checkpoint(self, tmp_path: Path) -> Checkpoint:
        path = tmp_path / "text.txt"
        path.write_text(TEXT)
        settings = load_settings(model={"hidden": 4}, corpus={"path": [str(path)], "validation": 0.2})
        corpus = load_corpus([path], validation=0.2)
        model = Model.new(settings, corpus.vocabulary)
        return Checkpoint(model, settings, Progress(), CorpusRecord("text", corpus.sha256, len(corpus)))

    def test_it_is_the_training_part(self, checkpoint: Checkpoint) -> None:
        training = make_corpus(TEXT, validation=0.2).training
        assert learnt_corpus(checkpoint).training.tolist() == training.tolist()

    def test_it_may_have_moved(self, checkpoint: Checkpoint, tmp_path: Path) -> None:
        moved = (tmp_path / "text.txt").rename(tmp_path / "moved.txt")
        with pytest.raises(CorpusError, match=r"text.txt' does not exist; check the path, or say with corpus where"):
            learnt_corpus(checkpoint)
        assert len(learnt_corpus(checkpoint, [str(moved)]))

    def test_another_text_is_refused(self, checkpoint: Checkpoint, tmp_path: Path) -> None:
        (tmp_path / "text.txt").write_text(TEXT + "!")
        with pytest.raises(CorpusError, match=r"is not the one this network learnt .*; give that one with corpus"):
            learnt_corpus(checkpoint)
