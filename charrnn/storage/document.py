"""What a checkpoint says of itself beside its arrays: one JSON document, written the same way to the byte each time.

An export holds the same document. Neither holds a path, only names: both are made to be passed on.
"""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from charrnn.errors import CharRNNError, CheckpointError
from charrnn.files import name_of
from charrnn.nn.network import Network
from charrnn.settings.build import build_network
from charrnn.settings.overlays import from_mapping, resolve
from charrnn.settings.schema import Settings
from charrnn.storage.archive import ArchiveError
from charrnn.storage.migrations import FORMAT, as_today, migrated
from charrnn.text.vocabulary import Vocabulary
from charrnn.version import __version__

Counter = Annotated[int, Field(ge=0, le=10**12)]
Loss = Annotated[float, Field(allow_inf_nan=False)]
SHA256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
STRICT = ConfigDict(extra="forbid", strict=True)


@dataclass(frozen=True)
class Progress:
    """How far training had come."""

    iteration: Counter = 0
    best_iteration: Counter = 0
    best_loss: Loss | None = None
    """Lowest validation loss so far, nats per character."""
    validation_loss: Loss | None = None
    """The latest one."""
    since_best: Counter = 0
    """Validations since the lowest."""
    recent_losses: tuple[Loss, ...] = ()
    """Training losses of the latest iterations; reports show their mean."""
    seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    """Time spent so far, where the length of the run is set in minutes."""
    plan: tuple[tuple[Counter, Annotated[Counter, Field(ge=1)]], ...] = ()
    """Where the length is set in minutes: after which iteration a plan was made, and how many iterations it has in
    all. The latest plan is the last; those before other minutes, or another length, were set stay too."""

    @property
    def training_loss(self) -> float:
        """The mean of the recent losses, nats per character; NaN before the first."""
        return sum(self.recent_losses) / len(self.recent_losses) if self.recent_losses else math.nan


@dataclass(frozen=True)
class CorpusRecord:
    """The text that was learnt."""

    name: str
    sha256: SHA256
    characters: Counter
    labels: tuple[str, ...] = ()
    """That stood before its items."""


@dataclass(frozen=True)
class Origin:
    """A checkpoint whose network a run began with."""

    name: str
    """Of its run folder or file."""
    parameters_sha256: SHA256
    """Of the parameters as they lie in memory, in the order of the file."""
    iteration: Counter
    corpus: CorpusRecord


class TrainingRecord(BaseModel):
    """Which arrays training needs to go on, beside ``state``. An optimizer may remember other vectors than today's, or
    none; a vector that is not one number for each parameter will need a field that says how long it is."""

    model_config = STRICT
    steps: Counter
    """That the optimizer took."""
    optimizer: Annotated[list[Annotated[str, Field(pattern="^[a-z_]{1,32}$")]], Field(max_length=8)]
    """Names of what it remembers, each a vector (P,): ``optimizer/m`` is the array of ``m``."""


class Document(BaseModel):
    """What stands beside the arrays. When a field may be added, and what has to be done for any other change, is said
    in ``migrations.py``."""

    model_config = STRICT
    format: int
    settings: dict[str, Any]
    vocabulary: str
    progress: Progress
    corpus: CorpusRecord
    origins: tuple[Origin, ...]
    made_with: dict[str, str | int]
    """What computed: any number of names, each with a version or a number."""
    training: TrainingRecord | None
    """None where there are weights only."""


def without_folders(settings: Settings) -> Settings:
    """The settings with the bare names of files, which tell nothing of the machine that they are on."""
    names, origin = [name_of(path) for path in settings.corpus.path], settings.training.init_from
    return settings.changed(corpus={"path": names}, training={"init_from": origin and name_of(origin)})


def to_json(document: Mapping[str, Any]) -> bytes:
    """The one way to write a document. Raises ValueError for numbers that are not finite."""
    return json.dumps(document, ensure_ascii=False, allow_nan=False).encode()


def read_document(text: bytes, path: Path) -> tuple[Document, Settings, Vocabulary, Network]:
    """The document of any format up to today's, and what it says of the arrays that come with it.

    Raises CheckpointError for the file of a newer version, and ArchiveError, SettingsError, ValueError or
    RecursionError for what is no such document.
    """
    raw = _parsed(text, path)
    try:
        return _checked(migrated(raw))
    except (ArchiveError, CharRNNError) as error:
        if _made_by_newer(raw):
            reason = " ".join(str(error).split())[:200]
            raise CheckpointError(
                f"{str(path)!r} was made by charrnn {raw['made_with']['charrnn']}, and this is {__version__}, which "
                f"cannot read all of it ({reason})",
                "update charrnn",
            ) from None
        raise


def _parsed(text: bytes, path: Path) -> dict[str, Any]:
    raw = json.loads(text)
    number = raw.get("format") if isinstance(raw, dict) else None
    if type(number) is not int or number < 1:
        raise ArchiveError("its document names no format")
    if number > FORMAT:
        raise CheckpointError(
            f"{str(path)!r} was made by a newer charrnn (format {number}; this version reads up to {FORMAT})",
            "update charrnn",
        )
    if to_json(raw) != text:
        raise ArchiveError("its document is not as it is written")
    return dict(raw)


def _checked(raw: Mapping[str, Any]) -> tuple[Document, Settings, Vocabulary, Network]:
    try:
        document = Document.model_validate_json(to_json(raw))
    except ValidationError as errors:
        first = errors.errors(include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise ArchiveError(f"{where}: {first['msg']}") from None
    settings = resolve([as_today(from_mapping(document.settings, "checkpoint"))])
    if without_folders(settings) != settings:
        raise ArchiveError("its settings hold a folder where a name should be")
    vocabulary = Vocabulary(document.vocabulary, settings.corpus.normalise)
    if vocabulary.characters != document.vocabulary or len(vocabulary) < 2:
        raise ArchiveError("its vocabulary is not two or more distinct characters in order")
    return document, settings, vocabulary, build_network(settings, vocabulary)


def _made_by_newer(raw: Mapping[str, Any]) -> bool:
    made_with = raw.get("made_with")
    return isinstance(made_with, dict) and _version(made_with.get("charrnn")) > _version(__version__)


def _version(text: object) -> tuple[int, ...]:
    """The numbers of a version: (0, 1, 0); none of what is no version."""
    match = re.match(r"\d{1,6}(\.\d{1,6})*", text) if isinstance(text, str) else None
    return tuple(map(int, match[0].split("."))) if match else ()
