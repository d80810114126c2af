"""Reads settings from YAML, whoever wrote it, and each with the place where it stands.

Scalars are those of YAML 1.2: ``no`` is a string and ``1e-3`` a number. Aliases and duplicate keys are refused, tags do
nothing, size and depth are bounded.
"""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import yaml

from charrnn.errors import SettingsError

MAX_CHARACTERS = 100_000
MAX_DEPTH = 8
MAX_DIGITS = 30

_INT = re.compile(r"[-+]?[0-9]+|0x[0-9a-fA-F]+|0o[0-7]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}


class Entry(NamedTuple):
    """One setting: its dotted key, its value, and in ``origin`` where it was given, for messages."""

    key: str
    value: Any
    origin: str


def read_settings(text: str, name: str) -> list[Entry]:
    """The settings of a document, with dotted keys. ``name`` is what messages call the document."""
    if len(text) > MAX_CHARACTERS:
        raise SettingsError(f"{name} is too long", f"settings may have {MAX_CHARACTERS:,} characters")
    root = _compose(text, name)
    if root is None or (isinstance(root, yaml.ScalarNode) and root.value == ""):
        return []
    if not isinstance(root, yaml.MappingNode):
        raise SettingsError(f"{name} holds no settings", "write sections such as 'training:' with settings under them")
    return list(_entries(root, "", name, set()))


def read_value(text: str, name: str) -> Any:
    """One value, such as the right side of ``training.batch=50``. ``name`` is what messages call it."""
    root = _compose(text, name)
    return None if root is None else _value(root, name, name)


class _Loader(yaml.SafeLoader):
    """Refuses aliases and deep nesting while it reads, before anything is built of them."""

    depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        mark = event.start_mark
        if isinstance(event, yaml.AliasEvent):
            raise yaml.MarkedYAMLError(problem="aliases are not allowed", problem_mark=mark)
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise yaml.MarkedYAMLError(problem=f"nested deeper than {MAX_DEPTH} levels", problem_mark=mark)
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


def _compose(text: str, name: str) -> yaml.Node | None:
    try:
        return yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        problem = " ".join(filter(None, (error.context, error.problem)))
        raise SettingsError(f"{name}{line} is not valid YAML: {problem}") from None
    except (yaml.YAMLError, ValueError, OverflowError) as error:  # the last two for escapes such as \U00110000
        reason = " ".join(str(error).split())
        raise SettingsError(f"{name} is not valid YAML: {reason}") from None


def _entries(mapping: yaml.MappingNode, prefix: str, name: str, seen: set[str]) -> Iterator[Entry]:
    for key_node, node in mapping.value:
        key, origin = f"{prefix}{_value(key_node, name, 'a key')}", _origin(key_node, name)
        if key in seen:
            raise SettingsError(f"{key} is set twice ({origin})", "keep one")
        seen.add(key)
        if isinstance(node, yaml.MappingNode):
            yield from _entries(node, f"{key}.", name, seen)
        else:
            yield Entry(key, _value(node, name, key), origin)


def _value(node: yaml.Node, name: str, key: str) -> Any:
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, name, key) for item in node.value]
    if not isinstance(node, yaml.ScalarNode):
        raise SettingsError(f"{key} holds a mapping where a value belongs ({_origin(node, name)})")
    if node.style is not None:  # quoted
        return node.value
    if node.value in _WORDS:
        return _WORDS[node.value]
    if _INT.fullmatch(node.value):
        if len(node.value) > MAX_DIGITS:
            digits = len(node.value)
            raise SettingsError(f"{key} is a number of {digits} digits ({_origin(node, name)})", "write a smaller one")
        base = {"0x": 16, "0o": 8}.get(node.value[:2], 10)
        return int(node.value, base)
    return float(node.value) if _FLOAT.fullmatch(node.value) else node.value


def _origin(node: yaml.Node, name: str) -> str:
    return f"{name}, line {node.start_mark.line + 1}"
