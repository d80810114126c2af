"""What stands on a pseudo-terminal, read from the other side."""

import os
import re

import pytest

needs_terminals = pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs pseudo-terminals")
END = rb"$.^"
"""A pattern that nothing matches."""


def read_until(terminal: int, pattern: bytes = END) -> bytes:
    """What is shown until it holds the pattern, or until the other side is closed."""
    shown = b""
    while not re.search(pattern, shown, re.S):
        try:
            chunk = os.read(terminal, 4096)
        except OSError:  # the other side has closed it
            break
        if not chunk:
            break
        shown += chunk
    return shown
