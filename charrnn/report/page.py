"""The frame of a page of HTML.

A page needs nothing else and may load nothing, is light or dark as its reader's system is, and fits a telephone.
"""

import html

from charrnn.report.escaping import escaped
from charrnn.resources import page_part, script_hash


def page_begin(title: str, style: str, script: str = "") -> str:
    """A page up to what it holds; ``style`` names its style sheet in ``charrnn/pages``, ``script`` is all that may
    run."""
    policy = "default-src 'none'; style-src 'unsafe-inline'" + (f"; script-src {script_hash(script)}" if script else "")
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        f"<title>{safe(title)}</title>\n<style>\n{page_part('page.css')}{page_part(style)}</style>\n</head>\n<body>\n"
        f"<h1>{safe(title)}</h1>\n"
    )


PAGE_END = "</body>\n</html>\n"


def safe(text: str) -> str:
    """A text that neither the page's markup nor the controls in it can harm."""
    return html.escape(escaped(text))
