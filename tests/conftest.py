"""Settings of all tests, and the walk through the documents, which goes on beside them."""

import os
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

sys.path.append(str(Path(__file__).parent))
from walk import Walk

settings.register_profile("charrnn", deadline=None)
settings.load_profile("charrnn")

# A shell that starts the tests in the background has them ignore Ctrl-C, and so would every process that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Readline, which pytest imports, sets these past os.environ, and every process would take them for its own terminal's.
for name in ("COLUMNS", "LINES"):
    os.environ.pop(name, None)
    os.unsetenv(name)

# One thread for each process, as several run beside one another: two threads that share a core wait for each other.
os.environ["OMP_NUM_THREADS"] = "1"

# Each of some hundreds of processes would compile the program anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The tests that look at what the walk has made come last."""
    items.sort(key=lambda item: "walked" in item.fixturenames)


@pytest.fixture(scope="session", autouse=True)
def walk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walk | None]:
    """The walk through the documents, which begins with the first test where there is one that looks at it."""
    if not shutil.which("bash") or not any("walked" in item.fixturenames for item in request.session.items):
        yield None
        return
    begun = Walk(tmp_path_factory.mktemp("walk"))
    yield begun
    begun.stop()


@pytest.fixture(scope="session")
def walked(walk: Walk) -> Walk:
    """The same, when it has come to its end."""
    walk.end()
    return walk
