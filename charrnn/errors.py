"""What can go wrong by a user's doing. Each message is one sentence: the thing, its value, the way out."""


class CharRNNError(Exception):
    """Anything a user can cause and mend; the command line prints it as one line."""

    exit_code = 1


class SettingsError(CharRNNError):
    """Settings that cannot be used, all mistakes in one message, one a line."""

    exit_code = 2


class CorpusError(CharRNNError):
    """A text that cannot be read, or is too small for what is asked of it."""


class UnknownCharacterError(CharRNNError):
    """A character that the vocabulary does not hold."""


class CheckpointError(CharRNNError):
    """A checkpoint that cannot be found, read or written."""


class DamagedCheckpointError(CheckpointError):
    """A file that is not a checkpoint, is not whole, or does not hold what its settings promise."""


class RunError(CharRNNError):
    """A run folder that is missing, taken, or does not fit what is asked of it."""


class DivergenceError(CharRNNError):
    """A loss, gradient or parameter that is no longer a finite number."""


class WorkerError(CharRNNError):
    """A process that shared the work and is gone."""


class CharRNNWarning(UserWarning):
    """Something that went another way than asked, and nothing was lost; the command line prints it as one line."""
