"""What the built pages lead to: each link of theirs must lead to what is there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from html import unescape
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tools.site.places import PLAY

LINK = re.compile(r"<[^>]*?\s(?:href|src)=\"([^\"]*)\"")
LOADED = re.compile(r"<(?:script|img|iframe|source|link)\b[^>]*?\s(?:href|src)=\"([^\"]*)\"")
ANCHOR = re.compile(r"<[^>]*?\s(?:id|name)=\"([^\"]+)\"")


def broken(site: Path) -> list[str]:
    """The links of the site's pages that lead nowhere, and what is loaded from elsewhere."""
    return [f"{page.relative_to(site)}: {link}" for page in pages(site) for link in wrong(page)]


def pages(site: Path) -> Iterator[Path]:
    """The pages, but for the page without install, which has tests of its own."""
    return (page for page in sorted(site.rglob("*.html")) if page.parent != site / PLAY)


def wrong(page: Path) -> Iterator[str]:
    """The links of one page that lead nowhere."""
    text = page.read_text("utf-8")
    yield from (found for found in LOADED.findall(text) if urlsplit(found).netloc)
    for link in sorted({unescape(found) for found in LINK.findall(text)}):
        parts = urlsplit(link)
        if not parts.scheme and not leads(page, unquote(parts.path), unquote(parts.fragment)):
            yield link


def leads(page: Path, path: str, anchor: str) -> bool:
    """Whether there is such a file, and in it such an anchor."""
    target = (page.parent / path).resolve() if path else page
    if not target.is_file():
        return False
    return not anchor or target.suffix != ".html" or anchor in anchors(target)


@cache
def anchors(page: Path) -> frozenset[str]:
    """What the links to a page may name; its top has no name."""
    found = ANCHOR.findall(page.read_text("utf-8"))
    return frozenset({unescape(name) for name in found} | {"top"})
