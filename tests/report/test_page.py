"""Pages of HTML: they are made part by part, and nothing that they show can harm them."""

import base64
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from charrnn.report.page import PAGES, PIECES, make_page

HOSTILE = "<b>&\"'\x1b\u202e"


def surprisal(texts: object, title: str = "t") -> Iterator[str]:
    return make_page("surprisal.html", title=title, figures=[HOSTILE], texts=texts)


def test_whatever_is_shown_is_harmless() -> None:
    page = "".join(surprisal([(HOSTILE, HOSTILE, {"text": HOSTILE})], title=HOSTILE))
    assert page.count("&lt;b&gt;&amp;&#34;&#39;\\x1b\\u202e") == 6
    assert "<b>" not in page
    assert not {"\x1b", "\u202e"} & set(page)


def test_a_long_text_is_read_while_its_page_is_passed_on() -> None:
    read = []

    def texts() -> Iterator[tuple[str, str, str]]:
        for k in range(10 * PIECES):
            read.append(k)
            yield "name", "", "text"

    parts = surprisal(texts())
    next(parts)
    next(parts)
    assert 0 < len(read) < 2 * PIECES
    assert "".join(parts).rstrip().endswith("</html>")
    assert len(read) == 10 * PIECES


def test_the_library_that_draws_charts_is_that_of_its_release() -> None:
    told = re.findall(r"^([0-9a-f]{64})  (\S+)$", (PAGES / "uplot/README.md").read_text("utf-8"), re.M)
    assert [name for _, name in told] == ["uPlot.iife.min.js", "uPlot.min.css"]
    for digest, name in told:
        assert hashlib.sha256((PAGES / "uplot" / name).read_bytes()).hexdigest() == digest


@pytest.mark.parametrize("script", sorted(PAGES.rglob("*.js")), ids=lambda path: path.name)
def test_no_script_makes_markup_of_text(script: Path) -> None:
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment|eval\(",
        script.read_text("utf-8"),
    )


def test_only_the_scripts_of_a_page_may_run() -> None:
    script = "console.log('<')"
    values = dict.fromkeys(("shown", "low", "high"), "") | {"named": []}
    page = "".join(make_page("neurons.html", title="t", scripts=[script], data="</script>", **values))
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy[1] == f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    assert f"<script>{script}</script>" in page
    assert page.count("</script>") == 2
    assert "script-src" not in "".join(surprisal([]))


def test_no_script_makes_markup_of_a_text() -> None:
    scripts = [path.read_text("utf-8") for path in PAGES.glob("*.js") if not path.name.startswith("uPlot")]
    assert len(scripts) > 5
    for script in scripts:
        assert not re.search("innerHTML|outerHTML|insertAdjacentHTML|document.write", script)
