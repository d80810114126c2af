"""Settings of all tests."""

import signal

from hypothesis import settings

settings.register_profile("charrnn", deadline=None)
settings.load_profile("charrnn")

# A shell that starts the tests in the background has them ignore Ctrl-C, and so would every process that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)
