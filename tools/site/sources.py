"""What a link leads to that is no page of the site: a file of source code, or a folder of them.

Each gets a page that shows it; what is no text, or a notebook, is there to be loaded down.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

from docutils import nodes
from pygments.lexers import get_lexer_for_filename
from pygments.util import ClassNotFound
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util.osutil import relative_uri

from tools.site.places import PLAY, ROOT

PACKAGES = (ROOT / "autograd_core", ROOT / "nn")  # shown as a whole
LINE = "line"  # the anchor of line 7 is line-7
LARGEST = 100_000  # bytes that are shown
ALONE = {"toctree": lambda **_: ""}  # a menu on each of these pages takes longer than all the rest
PAGE = ROOT / "docs" / "page" / "index.html"  # whose place is taken by what is built of it


def is_shown(path: Path) -> bool:
    """Whether there is a page for it: a folder, or text that somebody would read."""
    if path.is_dir():
        return True
    return path.suffix != ".ipynb" and path.stat().st_size < LARGEST and is_text(path)


def is_text(path: Path) -> bool:
    """Whether a file has letters alone."""
    try:
        path.read_text("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def name_of(path: Path) -> str:
    """The name of the page of a file or a folder.

    >>> name_of(ROOT / "nn" / "optim.py")
    'source/nn/optim.py'
    """
    return f"source/{path.relative_to(ROOT).as_posix()}"


def uri(path: Path) -> str:
    """Where the site has it."""
    if path == PAGE:
        return f"{PLAY}/{path.name}"
    return name_of(path) + ".html" * is_shown(path)


def inside(folder: Path) -> list[Path]:
    """What a folder holds that is kept: folders, then files."""
    there = [path for path in folder.iterdir() if not path.name.startswith((".", "__pycache__"))]
    return sorted(there, key=lambda path: (path.is_file(), path.name))


def with_all_inside(path: Path) -> Iterator[Path]:
    """A file; or a folder, and all that it holds."""
    yield path
    if path.is_dir():
        for item in inside(path):
            yield from with_all_inside(item)


class Sources:
    """The files and folders that links lead to."""

    def __init__(self) -> None:
        self.linked = set(PACKAGES)

    def lead(self, app: Sphinx, doctree: nodes.document) -> None:
        """Links to a file or a folder lead to where the site has it."""
        here = app.env.doc2path(app.env.docname).parent
        start = app.builder.get_target_uri(app.env.docname)
        for link in [*doctree.findall(leads_to_no_page)]:
            path = Path(here, link["reftarget"]).resolve()
            if path.exists() and path.is_relative_to(ROOT):
                self.linked.add(path)
                target = relative_uri(start, uri(path))
                link.replace_self(nodes.reference("", "", *link.children, refuri=target))

    def pages(self, app: Sphinx) -> Iterator[tuple[str, dict[str, Any], str]]:
        """A page for each, and for all that the folders hold; the rest is copied."""
        every = {item for path in self.linked for item in with_all_inside(path)}
        for path in sorted(every - {PAGE}):
            name = name_of(path)
            if is_shown(path):
                yield name, {**ALONE, **page(app, path)}, "page.html"
            else:
                copy = Path(app.outdir, name)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, copy)


def leads_to_no_page(node: nodes.Node) -> bool:
    """Whether a link of Markdown leads to a file that is no page, or to what is no file."""
    if not isinstance(node, addnodes.download_reference | addnodes.pending_xref):
        return False
    return node.get("reftype") == "myst" and not node.get("refdomain")


def page(app: Sphinx, path: Path) -> dict[str, str]:
    """The title of a page, and what is on it."""
    title = escape(path.relative_to(ROOT).as_posix())
    shown = listing(path) if path.is_dir() else code(app, path)
    return {"title": title, "body": f"<h1>{title}</h1>{shown}"}


def listing(folder: Path) -> str:
    """What a folder holds."""
    items = "".join(
        f'<li><a href="{escape(relative_uri(uri(folder), uri(path)))}">{escape(path.name)}</a></li>'
        for path in inside(folder)
    )
    return f'<ul class="folder">{items}</ul>'


def code(app: Sphinx, path: Path) -> str:
    """A file in colours, an anchor at each line."""
    try:
        language = get_lexer_for_filename(path.name).aliases[0]
    except ClassNotFound:
        language = "text"
    text = path.read_text("utf-8")
    highlighter = app.builder.highlighter
    return str(highlighter.highlight_block(text, language, force=True, lineanchors=LINE))


def setup(app: Sphinx) -> None:
    """Lead links there, before Sphinx collects what is loaded down; and make the pages."""
    sources = Sources()
    app.connect("doctree-read", sources.lead, priority=400)
    app.connect("html-collect-pages", sources.pages)
