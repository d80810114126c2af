"""Every setting of a run: its type, bounds, default and meaning, and the registry of which it names an entry."""

import json
import math
from collections.abc import Collection, Mapping
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.fields import FieldInfo

from charrnn.nn.cells import CELLS
from charrnn.nn.initialisers import INITIALISERS
from charrnn.optim.clipping import CLIPS
from charrnn.optim.optimizers import OPTIMIZERS
from charrnn.optim.schedules import SCHEDULES
from charrnn.settings.values import (
    Codec,
    Count,
    Counts,
    FilePath,
    FilePaths,
    Finite,
    NameIn,
    NotNegative,
    Positive,
    Share,
    Size,
    Whole,
)
from charrnn.text.items import KINDS, Items, as_items
from charrnn.text.normalisation import Form

ITERATIONS = 1000
"""The length of a run where nothing says one."""
LENGTHS = ("iterations", "epochs", "minutes")
"""The settings of training of which one, and no other, says how long a run is."""


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class CorpusSettings(Section):
    path: FilePaths = Field([], description="text files, folders of .txt files, - for stdin; []: Python's manual")
    encoding: Codec = Field("utf-8", description="text encoding, by its name in Python")
    newline: Literal["universal", "keep"] = Field(
        "universal", description="universal: every line end becomes \\n; keep: as they are"
    )
    normalise: Form = Field("none", description="normal form of Unicode to learn the text in: none, NFC or NFD")
    items: Annotated[str, NameIn(KINDS)] = Field(
        "none", description="what is an item, of a text that is made of many short ones"
    )
    field: str | None = Field(None, description="files of CSV or JSON lines: the field whose values are the items")
    label: str | None = Field(None, description="and the field whose value is put before each as its label")
    validation: Share = Field(0.1, description="share held out at the end for validation")
    test: Share = Field(0.0, description="share held out after that, for a test of the last network when training ends")
    pieces: Annotated[Whole, Field(ge=1)] = Field(
        1, description="hold out the end of each of so many equal pieces of the text"
    )
    seed: Annotated[Whole, Field(ge=0, le=10**18)] = Field(0, description="of items: which of them are held out")

    @property
    def made_of(self) -> Items | None:
        """What the items of the text are; None where it is one."""
        return as_items(self.items, self.field, self.label)

    @model_validator(mode="after")
    def _leaves_something(self) -> "CorpusSettings":
        if self.validation + self.test >= 1:
            raise ValueError("corpus.validation and corpus.test leave nothing to train on; lower one of them")
        return self

    @model_validator(mode="after")
    def _items_are_one_thing(self) -> "CorpusSettings":
        if self.field is not None and self.items != "none":
            raise ValueError(f"corpus.field makes each row an item, and corpus.items is {self.items}; leave one out")
        if self.label is not None and self.field is None:
            raise ValueError("corpus.label needs corpus.field, the field that holds the items")
        if self.made_of and self.pieces > 1:
            raise ValueError("items are held out at random; leave out corpus.pieces, or corpus.items and corpus.field")
        return self


class ModelSettings(Section):
    cell: Annotated[str, NameIn(CELLS)] = Field("lstm", description="kind of recurrent cell")
    layers: Annotated[Whole, Field(ge=1, le=1000)] = Field(1, description="number of stacked layers")
    hidden: Size = Field(128, description="units in each layer")
    embedding: Size | None = Field(None, description="size of a learnt embedding of characters; null: one-hot input")
    skips: bool = Field(False, description="give the character to every layer, and every layer to the head")
    dropout: Share = Field(0.0, description="dropout rate between layers")
    dropout_input: Share = Field(0.0, description="dropout rate of what the first layer is given")
    dropout_head: Share = Field(0.0, description="dropout rate of what the last layer gives the head")
    dropout_recurrent: Share = Field(0.0, description="dropout rate of the recurrent weights")
    dropout_masks: Literal["step", "window"] = Field(
        "step", description="drop other units in each step, or the same in a whole window"
    )
    initialisation: Annotated[str, NameIn(INITIALISERS)] = Field(
        "orthogonal", description="how the weights are initialised"
    )
    scale: Positive | None = Field(None, description="scale of the initial weights; null: the usual one")
    forget_bias: Finite = Field(1.0, description="initial bias of the forget gate, where the cell has one")

    @property
    def summary(self) -> str:
        """``lstm, 2 x 128 with skips``."""
        return f"{self.cell}, {self.layers} x {self.hidden}{' with skips' if self.skips and self.layers > 1 else ''}"


class TrainingSettings(Section):
    init_from: FilePath | None = Field(
        None, description="run folder or checkpoint whose network to begin with; null: a new one"
    )
    iterations: Count | None = Field(None, description="length of the run in iterations; or set epochs or minutes")
    epochs: Annotated[Positive, Field(le=10**6)] | None = Field(
        None, description="length in epochs, passes over the text; or set iterations or minutes"
    )
    minutes: Annotated[Positive, Field(le=10**6)] | None = Field(
        None, description="length of the run in minutes; or set iterations or epochs"
    )
    batch: Size = Field(32, description="streams of text read side by side")
    accumulate: Size = Field(
        1, description="each worker reads its streams in so many parts, one after another, which takes less memory"
    )
    window: Size = Field(64, description="steps of truncated backpropagation through time")
    epoch_end: Literal["carry", "reset"] = Field(
        "carry", description="at the end of an epoch: carry the hidden state on, or reset it to zero"
    )
    epoch_start: Literal["same", "random"] = Field(
        "same", description="start the streams at the same places in each epoch, or a random distance farther on"
    )
    state_reset: Share = Field(0.05, description="chance that a stream starts a window with a zero hidden state")
    optimizer: Annotated[str, NameIn(OPTIMIZERS)] = Field("adam", description="optimizer")
    learning_rate: Positive = Field(2e-3, description="highest learning rate of the schedule")
    lookup_rate: Positive = Field(1.0, description="factor on the rate of weights with a row for each character")
    head_rate: Positive = Field(1.0, description="factor on the rate of the head, which makes the logits")
    momentum: Share = Field(0.9, description="sgd: momentum")
    rms_decay: Share = Field(0.95, description="rmsprop: decay rate of the mean of squared gradients")
    beta1: Share = Field(0.9, description="adam, adamw: decay rate of the mean of gradients")
    beta2: Share = Field(0.999, description="adam, adamw: decay rate of the mean of squared gradients")
    epsilon: Positive = Field(1e-8, description="all but sgd: added to the denominator, against division by zero")
    weight_decay: NotNegative = Field(
        0.0, description="weight decay of matrices: decoupled in adamw, else an L2 penalty"
    )
    average_decay: Share | None = Field(
        None, description="the network is a moving average of the trained one, with this decay rate; null: no average"
    )
    schedule: Annotated[str, NameIn(SCHEDULES)] = Field("cosine", description="learning-rate schedule")
    warmup: Annotated[Whole, Field(ge=0, le=10**12)] = Field(
        0, description="iterations over which the learning rate rises at the start"
    )
    rate_decay: Positive = Field(0.97, description="exponential: factor on the learning rate after each epoch")
    rate_decay_after: Count = Field(10, description="exponential: number of the first epoch that ends with this factor")
    final_rate: Annotated[float, Field(ge=0, le=1)] = Field(
        0.0, description="cosine, linear, one-cycle: last rate, as a share of learning_rate"
    )
    clip: Positive | None = Field(5.0, description="limit on the gradient; null: no clipping")
    clip_kind: Annotated[str, NameIn(CLIPS)] = Field(
        "norm", description="clip the global norm of the gradient, or each value"
    )
    seed: Annotated[Whole, Field(ge=0, le=10**18)] = Field(0, description="seed of all random numbers")
    report: Size = Field(10, description="iterations between lines of metrics.jsonl")
    validate_every: Count = Field(
        100, description="iterations between measurements of the validation loss, in training.batch streams"
    )
    evaluate_characters: Count | None = Field(
        None, description="the most characters read to measure a loss, spread evenly over the part; null: all of it"
    )
    patience: Count = Field(
        5,
        description="so many validations without a new lowest loss (more where a plan of minutes grows), and training "
        "says that it rises",
    )
    early_stop: bool = Field(
        False, description="end the run when patience is over; best.npz holds the network with the lowest loss"
    )
    calibrate: bool = Field(
        False, description="in the end, multiply the logits of best.npz by what lowers its validation loss most"
    )

    @property
    def length(self) -> str:
        """The one of ``LENGTHS`` that is set."""
        return next(name for name in LENGTHS if getattr(self, name) is not None)

    @model_validator(mode="after")
    def _one_length(self) -> "TrainingSettings":
        given = [
            f"training.{name} is {getattr(self, name):.12g}" for name in LENGTHS if getattr(self, name) is not None
        ]
        if not given:
            raise ValueError("a run has a length; set training.iterations, training.epochs or training.minutes")
        if len(given) > 1:
            raise ValueError(
                f"{' and '.join(given)}, and a run has one length; leave out all but one, or set them to null"
            )
        return self


class SnapshotSettings(Section):
    at: Counts = Field([], description="iterations after which to write a sample; the last is one in any case")
    every: Count | None = Field(None, description="iterations between further samples; null: only those above")
    length: Count = Field(400, description="characters of a sample")
    temperature: Annotated[NotNegative, Field(le=1e6)] = Field(
        0.7, description="0: always the likeliest character; 1: as learnt; above: wilder"
    )
    prime: str = Field("", description="text for the samples to continue; empty: they start on a new line")


class CheckpointSettings(Section):
    every: Count = Field(
        500, description="iterations between checkpoints; one is also saved after a minute and at the end"
    )


class ComputeSettings(Section):
    workers: Annotated[Whole, Field(ge=1, le=1024)] | None = Field(
        None,
        description="processes that share the batch; null: one for each core, or what a container may use",
    )
    compiled: bool = Field(False, description="compile all of a step but its matrix products; needs Numba")
    precision: Literal["float32", "float64"] = Field("float32", description="floating-point type of all numbers")


class Settings(Section):
    """All settings of a run, validated."""

    corpus: CorpusSettings = CorpusSettings()
    model: ModelSettings = ModelSettings()
    training: TrainingSettings = TrainingSettings(iterations=ITERATIONS)
    snapshots: SnapshotSettings = SnapshotSettings()
    checkpoints: CheckpointSettings = CheckpointSettings()
    compute: ComputeSettings = ComputeSettings()

    def by_key(self) -> dict[str, Any]:
        """All settings by their dotted keys."""
        return {f"{section}.{name}": value for section, values in self for name, value in values}

    def changed(self, **sections: Mapping[str, Any]) -> Self:
        """The same but for some settings, which are taken unchecked: ``changed(training={"clip": None})``."""
        new = {section: getattr(self, section).model_copy(update=values) for section, values in sections.items()}
        return self.model_copy(update=new)

    def to_yaml(self, meanings: bool = False) -> str:
        """The settings as a document that gives them back; with ``meanings``, each with a comment on what it means and,
        where it names an entry of a registry, the names there are."""
        lines = []
        for section, values in self:
            lines.append(f"{section}:")
            for key, value in values:
                line = f"  {key}: {_to_yaml(value)}"
                if meanings:
                    dotted = f"{section}.{key}"
                    names = f": {', '.join(REGISTRIES[dotted])}" if dotted in REGISTRIES else ""
                    line = f"{line:<33} # {MEANINGS[dotted]}{names}"
                lines.append(line)
        return "\n".join(lines) + "\n"


_FIELDS: dict[str, FieldInfo] = {
    f"{section}.{key}": field for section, values in Settings() for key, field in type(values).model_fields.items()
}

MEANINGS: dict[str, str] = {key: field.description or "" for key, field in _FIELDS.items()}
"""What each setting means, by its dotted key."""

TEXTS = {key for key, field in _FIELDS.items() if field.annotation is str and not field.metadata}
"""The settings that hold any text."""

REGISTRIES: dict[str, Collection[str]] = {
    key: mark.registry for key, field in _FIELDS.items() for mark in field.metadata if isinstance(mark, NameIn)
}
"""The registry of each setting that names an entry of one, by the setting's dotted key."""


def _to_yaml(value: Any) -> str:
    """A value in one line. JSON is YAML but for the escapes of characters beyond U+FFFF."""
    if isinstance(value, list):
        return f"[{', '.join(map(_to_yaml, value))}]"
    if isinstance(value, str):
        return yaml.safe_dump(value, default_style='"', width=math.inf).rstrip()
    return json.dumps(value)
