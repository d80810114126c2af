"""The documents: what is made from the code is what the code says, and every link leads somewhere."""

import re
import runpy
from pathlib import Path
from xml.etree import ElementTree

import pytest

import charrnn
from charrnn import load_checkpoint
from charrnn.report.network_page import network_page
from charrnn.resources import shipped_network

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted(
    path for path in [*ROOT.glob("*.md"), *ROOT.glob("*/*.md")] if not path.relative_to(ROOT).parts[0].startswith(".")
)
FENCED = re.compile(r"^```.*?^```$", re.S | re.M)
LINK = re.compile(r"\[[^]]*\]\(([^)\s]+)\)")
MADE = {"commands.md": "make_commands.py", "api.md": "make_api.py"}


def anchors(text: str) -> set[str]:
    """The anchors that a page of Markdown gets for its headings."""
    headings = re.findall(r"^#+ (.*)$", FENCED.sub("", text), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken_links(page: Path, text: str) -> list[str]:
    """The relative links of a page that lead to no file, or to no heading in it."""
    found = []
    for link in LINK.findall(FENCED.sub("", text)):
        if "://" in link:
            continue
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        if not target.exists() or (anchor and anchor not in anchors(target.read_text("utf-8"))):
            found.append(link)
    return found


@pytest.mark.parametrize("name", MADE)
def test_the_references_are_those_of_the_code(name: str) -> None:
    reference = runpy.run_path(str(ROOT / "docs" / MADE[name]))["reference"]
    assert (ROOT / "docs" / name).read_text("utf-8") == reference(), f"python3 docs/{MADE[name]}"


def test_the_library_reference_describes_every_name() -> None:
    sections = re.split(r"^## ", (ROOT / "docs" / "api.md").read_text("utf-8"), flags=re.M)[1:]
    described = {section.partition("\n")[0]: section.partition("```\n")[2].strip() for section in sections}
    assert set(described) == {name for name in charrnn.__all__ if not name.startswith("_")}
    assert all(described.values())


@pytest.mark.parametrize("page", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    assert broken_links(page, page.read_text("utf-8")) == []


@pytest.mark.parametrize("page", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_files_that_are_named_are_there(page: Path) -> None:
    text, folder = page.read_text("utf-8"), page.parent.name
    named = re.findall(r"`(?:python3 )?((?:charrnn|docs|benchmarks|tests|configs|data)/[\w./-]+)", text)
    named += [f"tests/{name}" for name in re.findall(r"`([\w/]+\.py)`", text) if folder == "tests"]
    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("path", sorted(ROOT.glob("docs/pictures/*.svg")), ids=lambda path: path.name)
def test_a_picture_can_be_read_on_a_dark_page(path: Path) -> None:
    assert ElementTree.parse(path).getroot().get("role")
    assert "prefers-color-scheme: dark" in path.read_text("utf-8")


def test_a_broken_link_is_noticed() -> None:
    text = "[a](README.md) [b](none.md) [c](README.md#ten-things-to-do) [d](README.md#eleven)\n```\n[e](code.md)\n```\n"
    assert broken_links(ROOT / "page.md", text) == ["none.md", "README.md#eleven"]


def test_the_page_of_the_network_that_travels_holds_it() -> None:
    """Where this fails, make docs/network.html anew as docs/see.md says."""
    shipped = load_checkpoint(shipped_network())
    page = "".join(network_page([shipped], shipped, "", "", [], small=True))
    for part in ("class=network>(.*?)</script>", "id=worker>(.*?)</script>", "<script>(.*?)</script>"):
        found = re.findall(part, page, re.S)
        assert found
        assert re.findall(part, (ROOT / "docs/network.html").read_text("utf-8"), re.S) == found
