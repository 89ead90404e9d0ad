"""Where a page is found in the site: the folders of its readers, not those of the repository."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.project import Project

ROOT = Path(__file__).parents[2]
PLAY = "play"  # the page without install
PLACES = {
    "README": "tour",
    "docs/index": "index",
    "notebooks/README": "course/index",
    "tests/README": "project/promises",
}
FOLDERS = {"docs/api/": "api/", "docs/": "guide/", "notebooks/": "course/"}


def place(name: str) -> str | None:
    """The name in the site of a page, by its path without the ending; a name in the site stays.

    >>> place("README"), place("docs/training"), place("CHANGELOG"), place("course/notation")
    ('tour', 'guide/training', 'project/changelog', 'course/notation')

    What lies in a folder of these folders is no page.
    """
    if name in PLACES:
        return PLACES[name]
    for folder, shown in FOLDERS.items():
        if name.startswith(folder):
            rest = name.removeprefix(folder)
            return None if "/" in rest else shown + rest.lower()
    return f"project/{name.lower()}" if name.isupper() else name


def anchor(heading: str) -> str:
    """The anchor of a heading in a link, as JupyterLab makes them."""
    return heading.replace(" ", "-")


class Pages(Project):  # type: ignore[misc]  # Sphinx need not be there, and is Any then
    """The pages of the site, by their places."""

    def path2doc(self, filename: str | PathLike[str]) -> str | None:
        """The place of the page that a file is."""
        name = super().path2doc(filename)
        return None if name is None else place(name)


def setup(app: Sphinx) -> None:
    """Let Sphinx find pages at their places."""
    app.connect("builder-inited", rename)


def rename(app: Sphinx) -> None:
    """Sphinx makes the project by itself, and asks nobody of which class."""
    app.project.__class__ = Pages
