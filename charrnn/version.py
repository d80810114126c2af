"""The version of the program, as packages and checkpoints name it."""

__version__ = "0.1.0"
