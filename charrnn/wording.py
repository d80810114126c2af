"""Words that messages and tables share."""


def how_many(number: float, thing: str, form: str = ",") -> str:
    """A number of things, in a format of Python's: ``1 iteration``, ``2,000 iterations``."""
    shown = f"{number:{form}}"
    return f"{shown} {thing}{'' if shown == '1' else 's'}"
