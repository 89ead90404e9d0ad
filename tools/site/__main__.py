"""`python -m tools.site [folder]`: build the site into out/site, and follow its links.

The page without install is a part of it, for which its builder wants npm.
"""

from __future__ import annotations

import shutil
import sys
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory

from sphinx.cmd.build import build_main

from tools import page
from tools.npm import MissingError
from tools.site.links import broken
from tools.site.places import PLAY, ROOT

ABSENT = """<!doctype html>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>autograd-core</title>
<p>This page is not in this copy of the site: {error}.
<p>On a machine with Python, <code>python -m nn playground</code> opens the playground.
<p><a href="../index.html">Back</a>
"""


def build(site: Path) -> list[str]:
    """Build the site anew; what is wrong with it, where Sphinx has not said so itself."""
    shutil.rmtree(site, ignore_errors=True)
    with TemporaryDirectory() as doctrees:
        options = ["-q", "-W", "--keep-going", "-d", doctrees, "-c", str(ROOT / "docs")]
        if build_main([*options, str(ROOT), str(site)]):
            return ["Sphinx has said what is wrong"]
    play(site / PLAY)
    return broken(site)


def play(folder: Path) -> None:
    """The page without install; where its parts cannot be had, a page that says so."""
    try:
        page.build(folder, site="../index.html")
    except MissingError as error:
        folder.mkdir(exist_ok=True)
        (folder / "index.html").write_text(ABSENT.format(error=escape(str(error))), "utf-8")
        print(f"The page without install is not in the site: {error}")


def main(folder: str = "out/site") -> int:
    """Build it, and say where it is."""
    site = Path(folder).resolve()
    faults = build(site)
    print(*faults or [f"The site is {site / 'index.html'}"], sep="\n")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
