"""Every setting of a run: its type, its bounds, its default, its meaning.

Layers of settings are laid over one another, later ones winning, and validated once; all mistakes come in one message.
"""

import difflib
import json
import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from charrnn.errors import SettingsError
from charrnn.resources import recipes
from charrnn.settings.yamlfile import MAX_CHARACTERS, Entry, read_settings, read_value


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _numbers(value: Any) -> Any:
    """100, [100, 300] and 100,300 alike."""
    if isinstance(value, str) and re.fullmatch(r"\d+(,\d+)*", value):
        return [int(number) for number in value.split(",")]
    return [value] if isinstance(value, int | float) else value


def _path(path: str) -> str:
    if not path or "\0" in path:
        raise ValueError("it should be a path")
    return path


def _codec(name: str) -> str:
    try:
        "".encode(name)
    except LookupError:
        raise ValueError("it should be a text encoding that Python knows, such as utf-8 or latin-1") from None
    return name


Whole = Annotated[int, BeforeValidator(_whole)]
"""A whole number; 1e4 will do."""
Count = Annotated[Whole, Field(ge=1, le=10**12)]
Size = Annotated[Whole, Field(ge=1, le=100_000)]
"""Of one axis of an array; beyond it nothing fits in memory."""
Share = Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Finite = Annotated[float, Field(allow_inf_nan=False)]


ITERATIONS = 1000
"""The length of a run where nothing says one."""


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class CorpusSettings(Section):
    path: Annotated[list[Annotated[str, AfterValidator(_path)]], BeforeValidator(_listed)] = Field(
        [], description="files, folders of .txt files, - for standard input; none: Python's reference manual"
    )
    encoding: Annotated[str, AfterValidator(_codec)] = Field("utf-8", description="any codec of Python")
    newline: Literal["universal", "keep"] = Field("universal", description="make every line end \\n, or keep them")
    validation: Share = Field(0.1, description="share of the text, at its end, that measures and is not learnt")
    test: Share = Field(0.0, description="share after that, for a last measurement")

    @model_validator(mode="after")
    def _leaves_something(self) -> "CorpusSettings":
        if self.validation + self.test >= 1:
            raise ValueError("corpus.validation and corpus.test leave nothing to train on; lower one of them")
        return self


class ModelSettings(Section):
    cell: str = Field("lstm", description="kind of recurrent cell")
    layers: Annotated[Whole, Field(ge=1, le=1000)] = Field(1, description="cells stacked")
    hidden: Size = Field(128, description="size of the hidden state of each")
    embedding: Size | None = Field(None, description="size of a learnt embedding; null: one-hot input")
    dropout: Share = Field(0.0, description="share of outputs dropped between layers")
    initialisation: str = Field("orthogonal", description="how weights begin")
    scale: Positive | None = Field(None, description="its scale; null: the usual one")
    forget_bias: Finite = Field(1.0, description="first bias of the LSTM's forget gate")


class TrainingSettings(Section):
    init_from: Annotated[str, AfterValidator(_path)] | None = Field(
        None, description="run folder or checkpoint whose network is trained on; null: a new one"
    )
    iterations: Count | None = Field(None, description="windows to learn from; or say epochs or minutes")
    epochs: Annotated[Positive, Field(le=10**6)] | None = Field(
        None, description="passes over the training text; or say iterations or minutes"
    )
    minutes: Annotated[Positive, Field(le=10**6)] | None = Field(
        None, description="time to train in, as many iterations as fit; or say iterations or epochs"
    )
    batch: Size = Field(32, description="streams read side by side")
    window: Size = Field(64, description="steps of truncated backpropagation through time")
    epoch_end: Literal["carry", "reset"] = Field("carry", description="what becomes of the hidden state there")
    state_reset: Share = Field(0.05, description="chance of a stream to start a window from a zero state")
    optimizer: str = Field("adam", description="what turns gradients into steps")
    learning_rate: Positive = Field(2e-3, description="the schedule's largest")
    momentum: Share = Field(0.9, description="for sgd")
    rms_decay: Share = Field(0.95, description="for rmsprop: memory of squared gradients")
    beta1: Share = Field(0.9, description="for adam: memory of gradients")
    beta2: Share = Field(0.999, description="for adam: memory of squared gradients")
    epsilon: Positive = Field(1e-8, description="for all but sgd: added to the root of squared gradients")
    weight_decay: NotNegative = Field(0.0, description="adamw: shrinks weights; others: L2 penalty")
    schedule: str = Field("cosine", description="how the learning rate goes")
    warmup: Annotated[Whole, Field(ge=0, le=10**12)] = Field(
        0, description="iterations over which the rate first rises"
    )
    rate_decay: Positive = Field(0.97, description="for exponential: factor an epoch")
    rate_decay_after: Count = Field(10, description="for exponential: the epoch whose end is the first to do so")
    final_rate: Annotated[float, Field(ge=0, le=1)] = Field(
        0.0, description="for cosine, linear and one-cycle: the last rate, as a share of the largest"
    )
    clip: Positive | None = Field(5.0, description="limit for the gradient; null: none")
    clip_kind: str = Field("norm", description="what is limited: the global norm, or each number")
    seed: Annotated[Whole, Field(ge=0, le=10**18)] = Field(0, description="of everything random")
    report: Size = Field(10, description="iterations between lines of metrics.jsonl")
    validate_every: Count = Field(100, description="iterations between validation losses")

    @model_validator(mode="after")
    def _one_length(self) -> "TrainingSettings":
        if [self.iterations, self.epochs, self.minutes].count(None) != 2:
            raise ValueError("set one of training.iterations, training.epochs and training.minutes, the others null")
        return self


class SnapshotSettings(Section):
    at: Annotated[list[Count], BeforeValidator(_numbers)] = Field([], description="iterations to take a sample at")
    every: Count | None = Field(None, description="and every so many")
    length: Count = Field(400, description="characters of a sample")
    temperature: NotNegative = Field(0.7, description="0: always the likeliest; 1: as learnt; above: wilder")
    prime: str = Field("", description="text to begin with; empty: the beginning of a line")


class CheckpointSettings(Section):
    every: Count = Field(500, description="iterations between saves; the end and a stop save too")


class ComputeSettings(Section):
    workers: Annotated[Whole, Field(ge=1, le=1024)] | None = Field(
        None, description="processes that share the batch; null: one a core"
    )
    precision: Literal["float32", "float64"] = Field("float32", description="of every number")


class Settings(Section):
    """All settings of a run, validated."""

    corpus: CorpusSettings = CorpusSettings()
    model: ModelSettings = ModelSettings()
    training: TrainingSettings = TrainingSettings(iterations=ITERATIONS)
    snapshots: SnapshotSettings = SnapshotSettings()
    checkpoints: CheckpointSettings = CheckpointSettings()
    compute: ComputeSettings = ComputeSettings()

    def to_yaml(self, names: Mapping[str, Collection[str]] | None = None) -> str:
        """The settings as a document that gives them back; with ``names`` (see ``resolve``), what each means too."""
        lines = []
        for section, values in self:
            lines.append(f"{section}:")
            for key, value in values:
                line = f"  {key}: {_to_yaml(value)}"
                if names is not None:
                    dotted = f"{section}.{key}"
                    choice = f": {', '.join(names[dotted])}" if dotted in names else ""
                    line = f"{line:<33} # {KNOWN[dotted]}{choice}"
                lines.append(line)
        return "\n".join(lines) + "\n"


KNOWN: dict[str, str] = {
    f"{section}.{key}": info.description or ""
    for section, field in Settings.model_fields.items()
    for key, info in field.annotation.model_fields.items()  # type: ignore[union-attr]
}
"""Every setting by dotted key, with its meaning."""

_ONE_OF = ("training.iterations", "training.epochs", "training.minutes")
"""Settings that replace one another: a later layer that sets one unsets the others."""


def from_file(path_or_name: str) -> list[Entry]:
    """The layer of a YAML file, or of a recipe by its bare name."""
    known = recipes()
    path = known.get(path_or_name, Path(path_or_name))
    try:
        with open(path, encoding="utf-8-sig") as file:
            return read_settings(file.read(MAX_CHARACTERS + 1), path.name)
    except OSError as error:
        if path.name == path_or_name and not path.suffix:
            raise SettingsError(f"no recipe is called {path_or_name!r}; there are {', '.join(known)}") from None
        problem = "does not exist" if isinstance(error, FileNotFoundError) else f"cannot be read: {error.strerror}"
        raise SettingsError(f"settings file {path_or_name!r} {problem}; check the path") from None
    except UnicodeDecodeError as error:
        raise SettingsError(f"settings file {path_or_name!r} is not UTF-8: {error.reason} at {error.start}") from None


def from_assignments(assignments: Iterable[str]) -> list[Entry]:
    """The layer of ``training.batch=50`` and the like."""
    entries = []
    for assignment in assignments:
        key, equals, value = assignment.partition("=")
        if not equals:
            raise SettingsError(f"--set {assignment!r} sets nothing; write it as training.batch=50")
        entries.append(Entry(key.strip(), read_value(value, f"--set {assignment}"), "--set"))
    return entries


def from_mapping(settings: Mapping[str, Any], origin: str) -> list[Entry]:
    """The layer of a dictionary, nested by section or with dotted keys."""
    entries = []
    for key, value in settings.items():
        if isinstance(value, Mapping):
            entries += [Entry(f"{key}.{k}", v, origin) for k, v in value.items()]
        else:
            entries.append(Entry(key, value, origin))
    return entries


def resolve(layers: Iterable[Sequence[Entry]], names: Mapping[str, Collection[str]]) -> Settings:
    """One set of settings out of layers, later ones winning.

    ``names`` gives the settings that name something in a registry, with the names it holds: cells, optimizers.
    Raises SettingsError with every mistake, a line each.
    """
    merged: dict[str, Entry] = {}
    for layer in layers:
        if any(entry.key in _ONE_OF and entry.value is not None for entry in layer):
            for key in _ONE_OF:
                merged.pop(key, None)
        merged |= {entry.key: entry for entry in layer}

    mistakes = [_unknown(entry) for key, entry in merged.items() if key not in KNOWN and not _empty_section(entry)]
    nested: dict[str, dict[str, Any]] = {section: {} for section in Settings.model_fields}
    for key, entry in merged.items():
        if key in KNOWN:
            section, _, name = key.partition(".")
            nested[section][name] = entry.value
    if all(nested["training"].get(key.partition(".")[2]) is None for key in _ONE_OF):
        nested["training"]["iterations"] = ITERATIONS

    for key, known in names.items():
        entry = merged.get(key, Entry(key, None, ""))
        if isinstance(entry.value, str) and entry.value not in known:
            mistakes.append(
                f"{key} is {entry.value!r}: it should be one of {', '.join(known)}{_nearest(entry.value, known)}"
                f" ({entry.origin})"
            )
    try:
        settings = Settings.model_validate(nested)
    except ValidationError as errors:
        mistakes += [_mistake(error, merged) for error in errors.errors()]
    if mistakes:
        raise SettingsError("\n".join(mistakes))
    return settings


def _to_yaml(value: Any) -> str:
    """A value in one line. JSON is YAML but for the escapes of characters beyond U+FFFF."""
    if isinstance(value, list):
        return f"[{', '.join(map(_to_yaml, value))}]"
    if isinstance(value, str):
        return yaml.safe_dump(value, default_style='"', width=math.inf).rstrip()
    return json.dumps(value)


def _mistake(error: Any, merged: Mapping[str, Entry]) -> str:
    key = ".".join(map(str, error["loc"][:2]))
    message: str = error["msg"].removeprefix("Value error, ").replace("Input should", "it should")
    if key not in merged:  # a rule between settings
        return message
    entry = merged[key]
    return f"{key} is {entry.value!r}: {message} ({entry.origin})"


def _unknown(entry: Entry) -> str:
    if entry.key in Settings.model_fields:
        return f"{entry.key} is a section: write its settings under it ({entry.origin})"
    return f"unknown setting {entry.key!r}{_nearest(entry.key, KNOWN)} ({entry.origin})"


def _empty_section(entry: Entry) -> bool:
    return entry.key in Settings.model_fields and entry.value is None


def _nearest(word: str, known: Collection[str]) -> str:
    by_end = [key for key in known if key.rpartition(".")[2] == word.rpartition(".")[2]]
    close = by_end or difflib.get_close_matches(word, known, 1)
    return f"; did you mean {close[0]!r}?" if close else ""
