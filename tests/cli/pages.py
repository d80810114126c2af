"""Pages of HTML and pictures: a text that would harm them, what is on one, and a browser to open it in."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
needs_a_browser = pytest.mark.skipif(BROWSER is None, reason="needs Chromium")

HOSTILE = "the cat <script>alert(1)</script> & \x1b[31mred \u202eback.\n"


class Page(HTMLParser):
    """The tags, addresses and text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.tags.append(tag)
        assert not {"src", "href"} & dict(attrs).keys()
        if tag not in {"meta", "input"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "pre" in self.open:
            self.text += data


@contextmanager
def visited(browser: Any, path: Path, *, scheme: str = "light", width: int = 1100) -> Iterator[Any]:
    """A page of ours in a browser. When it is left, it has logged nothing, asked for nothing but its own worker, and is
    no wider than its window."""
    context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 800})
    page = context.new_page()
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path.resolve().as_uri())
    yield page
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert not said, said
    assert [url for url in asked if not url.startswith("blob:")] == [path.resolve().as_uri()]
    context.close()


def until(page: Any, condition: str) -> None:
    """Waits until an expression of JavaScript holds. (Playwright's own way needs what a content security policy
    forbids.)"""
    for _ in range(600):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"it never came: {condition}")


class Svg:
    """The role, title, texts, fonts and colours of a picture in SVG."""

    def __init__(self, path: str | Path) -> None:
        picture = ElementTree.parse(path).getroot()
        self.role = picture.get("role")
        assert picture[0].tag.endswith("}title")
        self.title = picture[0].text
        self.texts = [element.text for element in picture.iter() if element.tag.endswith("}text")]
        styles = [element.get("style", "") for element in picture.iter()]
        self.fonts = [style for style in styles if "font" in style]
        self.colours = {colour for style in styles for colour in re.findall("#[0-9a-f]{6}", style)}
