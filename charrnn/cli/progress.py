"""Bars that show how far something is, on a terminal, where it takes longer than a second."""

from typing import Any

from tqdm import tqdm

from charrnn.report.escaping import escaped


def progress_bar(form: str, over: Any = None, **more: Any) -> "tqdm[Any]":
    """A bar of a form, tqdm's ``bar_format``; over an iterable, where one is given. ``more`` is as for tqdm."""
    options: Any = {"delay": 1, "leave": False, "disable": None, "dynamic_ncols": True, **more}
    return tqdm(over, bar_format=form, **options)


def reading_bar(name: str, total: int, **more: Any) -> "tqdm[Any]":
    """How much of a text is read, and how long the rest will take."""
    form = "{desc}: {percentage:.0f}%, {remaining} left {bar}"
    return progress_bar(form, desc=escaped(name), total=total, **more)
