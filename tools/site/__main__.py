"""`python -m tools.site [folder]`: build the site into out/site, and follow its links."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from sphinx.cmd.build import build_main

from tools.site.links import broken
from tools.site.places import ROOT


def build(site: Path) -> list[str]:
    """Build the site anew; what is wrong with it, where Sphinx has not said so itself."""
    shutil.rmtree(site, ignore_errors=True)
    with TemporaryDirectory() as doctrees:
        options = ["-q", "-W", "--keep-going", "-d", doctrees, "-c", str(ROOT / "docs")]
        if build_main([*options, str(ROOT), str(site)]):
            return ["Sphinx has said what is wrong"]
    return broken(site)


def main(folder: str = "out/site") -> int:
    """Build it, and say where it is."""
    site = Path(folder).resolve()
    faults = build(site)
    print(*faults or [f"The site is {site / 'index.html'}"], sep="\n")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
