"""The kinds of values that settings take, each checked and brought into one form."""

import re
from collections.abc import Collection
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from charrnn.errors import did_you_mean


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _numbers(value: Any) -> Any:
    if isinstance(value, str):
        if not re.fullmatch(r"\d+(, ?\d+)*", value):
            raise ValueError("it should be whole numbers with commas between, such as 100,300")
        return [int(number) for number in value.split(",")]
    return [value] if isinstance(value, int | float) else value


def _path(path: str) -> str:
    if not path or "\0" in path:
        raise ValueError("it should be a path")
    return path


def _codec(name: str) -> str:
    try:
        "".encode(name)
    except LookupError:
        raise ValueError("it should be a text encoding that Python knows, such as utf-8 or latin-1") from None
    return name


Whole = Annotated[int, BeforeValidator(_whole)]
"""A whole number; 1e4 will do."""
Count = Annotated[Whole, Field(ge=1, le=10**12)]
Counts = Annotated[list[Count], BeforeValidator(_numbers)]
"""Written as [100, 300], as 100,300 or, for one alone, as 100."""
Size = Annotated[Whole, Field(ge=1, le=100_000)]
"""The length of one axis of an array; beyond the bound nothing fits in memory."""
Share = Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
FilePath = Annotated[str, AfterValidator(_path)]
FilePaths = Annotated[list[FilePath], BeforeValidator(_listed)]
"""A list, or one path alone."""
Codec = Annotated[str, AfterValidator(_codec)]


class NameIn:
    """Marks a string setting as the name of an entry of a registry: ``Annotated[str, NameIn(CELLS)]``."""

    def __init__(self, registry: Collection[str]) -> None:
        self.registry = registry

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def _check(self, name: str) -> str:
        if name not in self.registry:
            raise ValueError(f"it should be one of {', '.join(self.registry)}{did_you_mean(name, self.registry)}")
        return name
