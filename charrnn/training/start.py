"""How training begins: a new run, a run that goes on, and a run that begins with another network."""

import json
import os
import shlex
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from charrnn.arguments import check_type, shown
from charrnn.errors import CorpusError, RunError, SettingsError
from charrnn.settings.build import build_corpus
from charrnn.settings.overlays import Overlay, from_mapping, from_settings, set_by
from charrnn.settings.runs import check_readable, settings_to_begin, settings_to_resume, settings_to_start
from charrnn.settings.schema import Settings
from charrnn.storage.checkpoint import Checkpoint
from charrnn.storage.run import Run, load_checkpoint
from charrnn.text.catalogue import locate
from charrnn.text.corpus import Corpus
from charrnn.text.items import UNIT_SEPARATOR
from charrnn.text.reading import check_there
from charrnn.training.ranks import ranks
from charrnn.training.trainer import Trainer

_BY_SECTION = "give them by section, such as training={'iterations': 2000}"


def start(
    settings: Settings | Sequence[Overlay],
    corpus: Corpus | None = None,
    *,
    run: Run | Path | str | None = None,
    force: bool = False,
    choose: Callable[[Corpus], Settings] | None = None,
) -> Trainer:
    """A trainer for a new run; nothing is trained yet.

    ``settings`` are settings, or overlays of them. The corpus is the one they name, unless another is given here.
    ``run`` is the folder that training will make and write, and from which ``resume`` goes on; without one, nothing is
    written. A run that is already there is replaced only with ``force``.

    Where ``training.init_from`` names a run folder or a checkpoint, training begins with the network found there. It
    keeps its architecture, whatever the settings say, and the characters that it knows, and gains those that are new
    in the corpus.

    Where the settings depend on the text, ``choose`` makes them from the corpus, which is then cut as they say.

    Raises SettingsError, CorpusError or CheckpointError for what cannot be used, RunError where the folder is taken.
    """
    started = time.perf_counter()
    run = run if isinstance(run, Run | None) else Run(run)
    settings, beginning = starting_settings(settings)
    if corpus is not None:
        check_type(corpus, Corpus, "the corpus", "give what load_corpus or make_corpus returns", CorpusError)
    else:
        check_there(settings.corpus.path)
    if run:
        run.check_free(force)
        if run.folder.resolve() in (Path(path).resolve() for path in settings.corpus.path):
            raise RunError(f"{str(run)!r} is the folder of the text", "name another folder with {run}")
    kept, given = None, corpus is not None
    if "-" in settings.corpus.path and ranks() > 1:
        raise SettingsError("the text comes by standard input, which a launcher of MPI does not pass on", "name a file")
    if corpus is None:
        kept = sys.stdin.buffer.read() if "-" in settings.corpus.path else None
        known = beginning.model.vocabulary if beginning else None
        corpus = build_corpus(settings, standard_input=kept, cache=run.ids if run else None, known=known)
    if choose:
        settings = choose(corpus)
        corpus = corpus.cut(settings.corpus.validation, settings.corpus.test, settings.corpus.pieces)
    if given:
        settings, kept = _kept(settings, corpus)
    if not run:
        return Trainer(settings, corpus, init_from=beginning, started=started)
    settings = _with_full_paths(settings, run)
    check_readable(settings)
    create = partial(_create, run, settings, force, kept)
    return Trainer(settings, corpus, run, init_from=beginning, create=create, started=started)


def resume(run: Run | Path | str, *overlays: Overlay, **sections: Mapping[str, Any]) -> Trainer:
    """A trainer that goes on with a run from its last checkpoint, to the same bits as if it had not stopped.

    Settings that may change are given by overlays, or by section: ``resume("runs/my", training={"iterations": 2000})``.
    Below these stands what has been changed in the run's config.yaml.
    What the run wrote after that checkpoint is removed, since it will be written again.

    Raises RunError where there is no run to go on with, where another process is writing it, or where its text has
    changed; SettingsError for a setting that cannot change.
    """
    started = time.perf_counter()
    run = run if isinstance(run, Run) else Run(run)
    for overlay in overlays:
        check_type(overlay, Overlay, "what should change settings", _BY_SECTION, SettingsError)
    run.check_exists()
    with run.writing():
        checkpoint = run.last_checkpoint()
        given = [run.edits(checkpoint), *overlays, from_mapping(sections, "resume")]
        settings = settings_to_resume(checkpoint.settings, given)
        if "-" in settings.corpus.path and not run.corpus.exists():
            texts = ", ".join(map(repr, checkpoint.settings.corpus.path)) or "Python's manual"
            raise RunError(f"{str(run)!r} learns {texts}, and no text of standard input", "leave out the -")
        settings = _with_full_paths(settings, run)
        try:
            corpus = build_corpus(settings, cache=run.ids, known=checkpoint.model.vocabulary)
        except CorpusError as error:
            if "corpus.path" in set_by(overlays):
                raise
            command = f"charrnn train PATH --run {shlex.quote(str(run))} --resume"
            raise error.also(f"give as {{corpus}} the path that it has now: {command}") from None
        corpus = replace(corpus, name=checkpoint.corpus.name)
        if settings != checkpoint.settings:
            checkpoint = run.with_later_best(checkpoint)
        trainer = Trainer(settings, corpus, run, checkpoint, started=started)
        run.cut_back(checkpoint.progress.iteration, settings)
    return trainer


def starting_settings(given: Settings | Sequence[Overlay]) -> tuple[Settings, Checkpoint | None]:
    """The settings of a new run, and the checkpoint whose network it begins with, if any."""
    overlays = [from_settings(given, "the settings")] if isinstance(given, Settings) else given
    if not isinstance(overlays, list | tuple) or not all(isinstance(overlay, Overlay) for overlay in overlays):
        raise SettingsError(f"the settings are {shown(given)}", "give what load_settings returns")
    settings = settings_to_start(overlays)
    if settings.training.init_from is None:
        return settings, None
    beginning = load_checkpoint(settings.training.init_from)
    return settings_to_begin(overlays, beginning.settings), beginning


def _create(run: Run, settings: Settings, force: bool, kept: bytes | None) -> None:
    """Makes the folder of a run, and in it the text, where that cannot be read again from elsewhere."""
    run.create(settings, force)
    if kept is not None:
        run.keep_corpus(kept)


def _kept(settings: Settings, corpus: Corpus) -> tuple[Settings, bytes]:
    """Settings that read a corpus again from the copy of it that the run keeps, and that copy."""
    text = corpus.vocabulary.decode(corpus.ids)
    form: dict[str, Any] = {"items": "none", "field": None, "label": None, "seed": corpus.seed}
    if corpus.mark == "\n":
        form["items"] = "lines"
    elif corpus.mark:
        form |= {"field": "text", "label": "label" if corpus.labels else None}
        text = "".join(_row(item, bool(corpus.labels)) for item in text.split(corpus.mark)[:-1])
    mark = "\ufeff" if text.startswith("\ufeff") else ""  # reading drops one
    form |= {"path": ["-"], "encoding": "utf-8", "newline": "keep", "normalise": corpus.vocabulary.form}
    return settings.changed(corpus=form | corpus.shares), (mark + text).encode()


def _row(item: str, labelled: bool) -> str:
    """An item as a line of JSON."""
    label, _, text = item.partition(UNIT_SEPARATOR) if labelled else ("", "", item)
    return json.dumps({"label": label, "text": text} if labelled else {"text": text}, ensure_ascii=False) + "\n"


def _with_full_paths(settings: Settings, run: Run) -> Settings:
    """Settings with paths that hold from any folder; for standard input, that of the copy that the run keeps."""
    paths = [os.path.abspath(run.corpus if path == "-" else locate(path)) for path in settings.corpus.path]
    origin = settings.training.init_from and os.path.abspath(settings.training.init_from)
    return settings.changed(corpus={"path": paths}, training={"init_from": origin})
