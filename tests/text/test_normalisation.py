"""One spelling for each letter: in the text, in what the network is asked, and where the two meet."""

import unicodedata
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from charrnn import load_checkpoint, load_corpus, load_settings, make_corpus, resume, start, write
from charrnn.analysis.scoring import score_text
from charrnn.errors import CorpusError
from charrnn.text.normalisation import normalised_blocks
from charrnn.text.survey import survey
from charrnn.text.vocabulary import Vocabulary

COMPOSED, DECOMPOSED = "caf\u00e9", "cafe\u0301"
TEXT = f"a {COMPOSED} and a {DECOMPOSED}, na\u00efve.\n" * 60
BLOCKS = st.lists(st.text("ae \n\r\u0301\u0323\u00e9\u1e69\u1112\u1161\u11ab\ud55c\u65e5", max_size=6), max_size=6)
FORMS = pytest.mark.parametrize("form", ["NFC", "NFD"])


@FORMS
@given(blocks=BLOCKS)
@example(blocks=["e", "\u0301"])
@example(blocks=["a\u0301", "\u0323 e", "\u0301"])
def test_blocks_are_normalised_as_the_text_is(form: str, blocks: list[str]) -> None:
    assert "".join(normalised_blocks(blocks, form)) == unicodedata.normalize(form, "".join(blocks))


@FORMS
def test_a_text_is_learnt_in_one_spelling(form: str, tmp_path: Path) -> None:
    (tmp_path / "my.txt").write_text(TEXT * 40, "utf-8")  # of several blocks
    read = load_corpus(tmp_path / "my.txt", normalise=form)
    given = make_corpus(TEXT * 40, normalise=form)
    assert np.array_equal(read.ids, given.ids)
    assert read.sha256 == given.sha256
    assert read.vocabulary.decode(read.ids) == unicodedata.normalize(form, TEXT * 40)
    assert ("\u0301" in read.vocabulary.characters) == (form == "NFD")


def test_without_a_form_a_text_stays_as_it_is() -> None:
    assert make_corpus(TEXT).vocabulary.decode(make_corpus(TEXT).ids) == TEXT


def test_no_other_form() -> None:
    with pytest.raises(CorpusError, match="normalise is 'nfc'; give one of 'none', 'NFC', 'NFD'"):
        make_corpus(TEXT, normalise="nfc")


@FORMS
def test_what_is_asked_is_brought_into_the_form_that_was_learnt(form: str) -> None:
    vocabulary = make_corpus(TEXT, normalise=form).vocabulary
    assert vocabulary.encode(COMPOSED).tolist() == vocabulary.encode(DECOMPOSED).tolist()
    blocks = [DECOMPOSED[:-1], DECOMPOSED[-1:]]
    ids = np.concatenate([ids for ids, _ in vocabulary.encode_blocks(blocks)])
    assert ids.tolist() == vocabulary.encode(COMPOSED).tolist()


def test_what_can_be_spelt_in_one_way_only_is_spelt_so() -> None:
    vocabulary = Vocabulary("qn\u0303\n", "NFC")  # no n with a tilde in one character
    assert vocabulary.decode(vocabulary.encode("n\u0303")) == "n\u0303"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that has learnt the text in NFC, as it was given, from memory."""
    folder = tmp_path_factory.mktemp("normalised")
    settings = load_settings(
        model={"hidden": 4},
        training={"iterations": 2, "batch": 2, "window": 8},
        snapshots={"at": 2, "length": 5, "prime": DECOMPOSED},
        compute={"workers": 1},
    )
    list(start(settings, make_corpus(TEXT, normalise="NFC"), run=folder / "run").train())
    return folder / "run"


def test_a_run_remembers_its_form(run: Path) -> None:
    trainer = resume(run, training={"iterations": 3})
    assert trainer.settings.corpus.normalise == "NFC"
    assert trainer.model.vocabulary.form == "NFC"
    assert COMPOSED in (run / "snapshots").glob("*.txt").__next__().read_text("utf-8")


def test_primes_stops_and_scored_texts_are_normalised(run: Path) -> None:
    model = load_checkpoint(run).model
    for options in ({}, {"stop": "\u00e9"}):
        composed, decomposed = (write(model, 40, prime=prime, **options) for prime in (COMPOSED, DECOMPOSED))
        assert composed == decomposed
        assert composed.startswith(COMPOSED)
    assert write(model, 200, temperature=2, stop="e\u0301") == write(model, 200, temperature=2, stop="\u00e9")
    nats = [np.concatenate([p.nats for p in score_text(model, [text])]) for text in (COMPOSED, DECOMPOSED)]
    assert np.allclose(*nats)


def test_a_network_that_learnt_a_text_as_it_was_is_asked_as_it_is(run: Path) -> None:
    model = load_checkpoint(run).model
    plain = replace(model, vocabulary=Vocabulary(model.vocabulary.characters))
    (piece,) = (p for p in score_text(plain, [DECOMPOSED], unknown="skip") if p.text)
    assert piece.text == "cafe"


def spellings(*blocks: str) -> tuple[int, int, list[str]] | None:
    """How often a text in blocks spells a letter in another way than others, where first, and how."""
    found = (f for f in survey(blocks).findings if f.kind == "letters in two spellings")
    return next(((f.count, f.line, list(f.examples)) for f in found), None)


def test_a_mixed_text_is_noticed() -> None:
    assert spellings("caf\u00e9\nmen", "u\ncafe", "\u0301, cafe\u0301") == (
        *(2, 3),
        ["'e\u0301' as U+0065 U+0301"],
    )
    assert spellings("\ud55c\n\u1112\u1161\u11ab\n") == (1, 2, ["'\u1112\u1161\u11ab' as U+1112 U+1161 U+11AB"])


@pytest.mark.parametrize("text", ["caf\u00e9 na\u00efve", "cafe\u0301 nai\u0308ve", "q\u0303 caf\u00e9", "cafe", ""])
def test_a_text_of_one_spelling_is_not(text: str) -> None:
    assert spellings(text) is None


def test_corpus_show_says_what_is_learnt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shown: Callable = pytest.importorskip("charrnn.cli.commands.corpus").show_corpus
    monkeypatch.chdir(tmp_path)
    Path("my.txt").write_text(TEXT, "utf-8")
    shown(["my.txt"], standalone_mode=False)
    assert "suspicious: letters in two spellings: 60, first in line 1\n" in capsys.readouterr().out
    shown(["my.txt", "--set", "corpus.normalise=NFC"], standalone_mode=False)
    out = capsys.readouterr().out
    assert "spellings" not in out
    assert "COMBINING" not in out


def test_what_a_network_can_only_have_spelt_its_own_way_is_read_in_blocks_too() -> None:
    vocabulary = Vocabulary("ae x\u0301", "NFC")
    ((ids, _),) = vocabulary.encode_blocks([DECOMPOSED[-2:]])
    assert ids.tolist() == vocabulary.encode(DECOMPOSED[-2:]).tolist()
