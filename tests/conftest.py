"""Settings of all tests."""

from hypothesis import settings

settings.register_profile("charrnn", deadline=None)
settings.load_profile("charrnn")
