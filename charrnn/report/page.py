"""Pages of HTML, made from the templates in ``pages/``, which all extend ``base.html``.

A page needs nothing else and may load nothing, is light or dark as its reader's system is, and fits a telephone. What
it shows was written by a network, or by the person who named a file, and may be hostile. So in every value that a
template shows, control characters and changes of reading direction are made visible, and nothing becomes markup. Values
for scripts go through ``tojson``, and a content security policy lets a page's own scripts run, by their hashes, and
nothing be loaded.
"""

import base64
import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from charrnn.report.escaping import escaped

PAGES = Path(__file__).parent / "pages"
PIECES = 100
"""How many pieces of a page are put together before they are passed on."""


def page_script(name: str) -> str:
    """A script of ``pages/``."""
    return (PAGES / name).read_text("utf-8")


def make_page(template: str, *, title: str, scripts: Sequence[str] = (), **values: Any) -> Iterator[str]:
    """A page, part by part: iterables among the ``values`` are read only when the page gets to them.

    ``scripts`` run at the end of the page, in this order.
    """
    environment = Environment(
        loader=FileSystemLoader(PAGES, "utf-8"),
        autoescape=True,
        finalize=_harmless,
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    hashes = [Markup(_hash(script)) for script in scripts]
    parts = environment.get_template(template).stream(title=title, scripts=scripts, hashes=hashes, **values)
    parts.enable_buffering(PIECES)
    return parts


def _harmless(value: Any) -> Any:
    """A value before it is escaped as HTML; markup of ours stays as it is."""
    return escaped(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _hash(script: str) -> str:
    """A script as a content security policy names it."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
