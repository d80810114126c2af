"""Writes the reference of the library, docs/api.md, from signatures and docstrings: ``python3 docs/make_api.py``"""

import ast
import inspect
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel

import charrnn

HEAD = """\
# The library

Every name that `charrnn` exports, made from the code by `python3 docs/make_api.py`. How they work together is shown in
[library.md](library.md). Losses are in nats per character.

"""
WIDTH = 120
Documented = tuple[str, str]
"""Something as it stands in the code, and what is said of it."""


def reference() -> str:
    """The whole reference."""
    names = sorted(name for name in charrnn.__all__ if not name.startswith("_"))
    contents = "\n".join(f"- [{name}](#{name.lower()}): {_summary(getattr(charrnn, name))}" for name in names)
    sections = (f"\n## {name}\n{_described(name, getattr(charrnn, name))}" for name in names)
    return HEAD + contents + "\n" + "".join(sections)


def _described(name: str, thing: Any) -> str:
    node = _definition(thing, name)
    if isinstance(node, ast.FunctionDef):
        return (_code(_signature(node)) + _prose(inspect.getdoc(thing))).rstrip("\n") + "\n"
    parts = [_code(_class_signature(node)), _prose(inspect.getdoc(thing))]
    initialiser = _method(node, "__init__")
    if initialiser and (said := ast.get_docstring(initialiser)):
        parts.append(_prose(said))
    if issubclass(thing, BaseModel):
        return "".join([*parts, "Each setting with its default, which recipes may change:\n\n", *_settings(thing)])
    if fields := [*_attributes(node), *_properties(node)]:
        parts.append("".join(f"- `{code}`{': ' if said else ''}{_line(said)}\n" for code, said in fields) + "\n")
    for method in _methods(node):
        parts.append(f"### {name}.{method.name}\n{_code(_signature(method, name))}{_prose(ast.get_docstring(method))}")
    return "".join(parts).rstrip("\n") + "\n"


def _definition(thing: Any, name: str) -> ast.ClassDef | ast.FunctionDef:
    """A class or function as it stands in its file; a class with what those of the house that it is made of add."""
    source = inspect.getsourcefile(thing)
    assert source
    for node in ast.parse(Path(source).read_text("utf-8")).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name == thing.__name__:
            own = {getattr(child, "name", "") for child in node.body}
            bases = [base for base in getattr(thing, "__bases__", ()) if base.__module__.startswith("charrnn.")]
            for base in bases:
                node.body += [child for child in _definition(base, name).body if getattr(child, "name", "") not in own]
            return node
    raise LookupError(f"{name} is not defined at the top of {source}")


def _signature(node: ast.FunctionDef, owner: str = "") -> str:
    decorators = {ast.unparse(each) for each in node.decorator_list}
    name = f"{owner}.{node.name}" if "classmethod" in decorators else node.name
    returns = f" -> {ast.unparse(node.returns)}".replace("'", "") if node.returns else ""
    return _call(name, list(_arguments(node.args)), returns)


def _class_signature(node: ast.ClassDef) -> str:
    if initialiser := _method(node, "__init__"):
        return _call(node.name, list(_arguments(initialiser.args)), "")
    fields = [ast.unparse(field) for field in _fields(node)] if _is_dataclass(node) else []
    return _call(node.name, fields, "") if fields else node.name


def _call(name: str, arguments: list[str], returns: str) -> str:
    """On one line where it fits, else a line for each argument."""
    line = f"{name}({', '.join(arguments)}){returns}"
    if len(line) <= WIDTH:
        return line
    return f"{name}(\n" + "".join(f"    {argument},\n" for argument in arguments) + f"){returns}"


def _arguments(arguments: ast.arguments) -> Iterator[str]:
    """The arguments but for ``self`` and ``cls``, as they stand in the definition."""
    plain = [*arguments.posonlyargs, *arguments.args]
    defaults = [None] * (len(plain) - len(arguments.defaults)) + list(arguments.defaults)
    yield from (_argument(*pair) for pair in zip(plain, defaults, strict=True) if pair[0].arg not in ("self", "cls"))
    if arguments.vararg:
        yield f"*{ast.unparse(arguments.vararg)}"
    elif arguments.kwonlyargs:
        yield "*"
    yield from (_argument(*pair) for pair in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True))
    if arguments.kwarg:
        yield f"**{ast.unparse(arguments.kwarg)}"


def _argument(argument: ast.arg, default: ast.expr | None) -> str:
    return ast.unparse(argument) + (f" = {ast.unparse(default)}" if default else "")


def _fields(node: ast.ClassDef) -> Iterator[ast.AnnAssign]:
    for child in node.body:
        if isinstance(child, ast.AnnAssign) and not ast.unparse(child.target).startswith("_"):
            yield child


def _attributes(node: ast.ClassDef) -> Iterator[Documented]:
    """The fields of a dataclass, and what ``__init__`` sets and says something of."""
    yield from _said(node.body, fields=True)
    if initialiser := _method(node, "__init__"):
        yield from _said(initialiser.body, fields=False)


def _said(body: list[ast.stmt], fields: bool) -> Iterator[Documented]:
    for child, after in zip(body, [*body[1:], None], strict=True):
        said = ast.get_docstring(ast.Module([after], [])) if isinstance(after, ast.Expr) else None
        if fields and isinstance(child, ast.AnnAssign) and not ast.unparse(child.target).startswith("_"):
            yield f"{ast.unparse(child.target)}: {ast.unparse(child.annotation)}", said or ""
        elif not fields and said and isinstance(child, ast.Assign | ast.AnnAssign):
            target = child.target if isinstance(child, ast.AnnAssign) else child.targets[0]
            yield ast.unparse(target).removeprefix("self."), said


def _properties(node: ast.ClassDef) -> Iterator[Documented]:
    for child in node.body:
        if isinstance(child, ast.FunctionDef) and _is_property(child) and not child.name.startswith("_"):
            returns = f": {ast.unparse(child.returns)}" if child.returns else ""
            yield f"{child.name}{returns}", ast.get_docstring(child) or ""


def _methods(node: ast.ClassDef) -> Iterator[ast.FunctionDef]:
    for child in node.body:
        if isinstance(child, ast.FunctionDef) and not _is_property(child) and not child.name.startswith("_"):
            yield child


def _method(node: ast.ClassDef, name: str) -> ast.FunctionDef | None:
    return next((child for child in node.body if isinstance(child, ast.FunctionDef) and child.name == name), None)


def _is_property(node: ast.FunctionDef) -> bool:
    return bool({"property", "cached_property"} & {ast.unparse(each) for each in node.decorator_list})


def _is_dataclass(node: ast.ClassDef) -> bool:
    return any("dataclass" in ast.unparse(each) for each in node.decorator_list)


def _settings(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Each setting: its dotted key, its default, its meaning."""
    for name, field in model.model_fields.items():
        inner = field.annotation
        if inspect.isclass(inner) and issubclass(inner, BaseModel):
            yield from _settings(inner, f"{prefix}{name}.")
        else:
            yield f"- `{prefix}{name}`, `{json.dumps(field.default)}`: {_line(field.description or '')}\n"


def _summary(thing: Any) -> str:
    first = _line((inspect.getdoc(thing) or "").partition("\n\n")[0])
    return first.partition(". ")[0].rstrip(".:")


def _code(signature: str) -> str:
    return f"```python\n{signature}\n```\n"


def _prose(docstring: str | None) -> str:
    return f"{_markdown(docstring)}\n\n" if docstring else ""


def _line(docstring: str) -> str:
    return " ".join(_markdown(docstring).split())


def _markdown(docstring: str) -> str:
    return docstring.replace("``", "`").replace("<", "\\<")


if __name__ == "__main__":
    Path(__file__).with_name("api.md").write_text(reference(), "utf-8")
