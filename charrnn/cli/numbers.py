"""The types of numbers on the command line. Click's own say that something "is not a valid float range"."""

import math
from typing import Any

import click
from click.types import FloatParamType, IntParamType


class _Number(click.ParamType):  # type: ignore[type-arg]  # generic only in new versions of click
    """A number, and no NaN, which every bound lets through."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            number = super().convert(value, param, ctx)
        except click.BadParameter:
            number = math.nan
        return self.fail(f"{value!r} is not {self._described()}", param, ctx) if math.isnan(number) else number

    def _described(self) -> str:
        kind = "a whole number" if isinstance(self, IntParamType) else "a number"
        least, most = getattr(self, "min", None), getattr(self, "max", None)
        if least is None:
            return kind
        return f"{kind} of at least {least:,}" if most is None else f"{kind} from {least:,} to {most:,.12g}"


class Whole(_Number, IntParamType):
    """Any whole number."""


class Real(_Number, FloatParamType):
    """Any number."""


class WholeRange(_Number, click.IntRange):
    """A whole number of at least ``min``, and perhaps of at most ``max``."""


class RealRange(_Number, click.FloatRange):
    """A number of at least ``min``, and perhaps of at most ``max``."""
