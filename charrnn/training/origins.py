"""The network that training begins or goes on with, and those that it goes back to."""

from charrnn.errors import RunError, SettingsError
from charrnn.model import Model
from charrnn.settings.runs import check_architecture, check_same_run
from charrnn.settings.schema import Settings
from charrnn.storage.checkpoint import Checkpoint
from charrnn.storage.document import Origin
from charrnn.text.corpus import Corpus


def first_model(
    settings: Settings, corpus: Corpus, checkpoint: Checkpoint | None, init_from: Checkpoint | None
) -> tuple[Model, tuple[Origin, ...]]:
    """The model that training begins or goes on with, and the checkpoints it goes back to. Raises RunError for a
    checkpoint of another text, and for one of weights only, SettingsError for one of a run with other settings."""
    if checkpoint:
        if checkpoint.corpus.sha256 != corpus.sha256:
            text = ", ".join(settings.corpus.path) or corpus.name
            raise RunError(
                f"the text of {text} is not what this run learnt ({checkpoint.corpus.characters:,} characters, "
                f"SHA-256 {checkpoint.corpus.sha256[:12]}...)",
                "bring that one back, or start a new run",
            )
        if checkpoint.training is None:
            raise RunError("the checkpoint holds weights only", "resume from the run folder's last.npz")
        check_same_run(checkpoint.settings, settings)
        return checkpoint.model, checkpoint.origins
    path = settings.training.init_from
    if init_from:
        check_architecture(settings, init_from.settings)
        model = init_from.model.extended(settings, corpus.vocabulary)
        return model, (*init_from.origins, init_from.as_origin(path or ""))
    if path:
        raise SettingsError(
            f"training.init_from is {path!r}, and a trainer loads no checkpoint by itself",
            "use start(settings, corpus), or give the trainer load_checkpoint(...) as init_from",
        )
    return Model.new(settings, corpus.vocabulary), ()
