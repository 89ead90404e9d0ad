"""Build the page without install: `python -m tools.page [out/page] [--pyodide FOLDER]`.

The folder it writes is served by any server of files. Python comes with it: Pyodide's core and
viz.js, of npm and pinned. NumPy and matplotlib for it are not on npm: the page loads them from
Pyodide's network, or it has them all from FOLDER, which is a distribution of Pyodide, unpacked.
"""

from __future__ import annotations

import argparse
import hashlib
import html
import json
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from string import Template
from typing import Any

from nn.playground.browser.library import BROWSER, NETWORK, OURS, PYODIDE, ROOT, zipped
from nn.playground.page import FOLDER as PLAYGROUND
from tools.npm import MissingError, package
from tools.page_cells import first_steps, student_edition

SOURCES = ROOT / "docs" / "page"
NOTEBOOKS = ROOT / "notebooks"
VIZ = "@viz-js/viz@3.31.0"
LOCK = "pyodide-lock.json"
CORE = ("pyodide.mjs", "pyodide.asm.*", "python_stdlib.zip", LOCK)
WITH_US = ("graphviz", "tqdm")  # pure Python, which pip would bring
WANTED = ("numpy", "matplotlib")


def build(folder: Path, distribution: Path | None = None, site: str = "") -> None:
    """Write the whole page into a folder, which is made; MissingError for what cannot be had.

    `distribution` is Pyodide's, unpacked: then the page asks no other address. `site` is the
    address of the documentation, if the page is to link to it.
    """
    pyodide, viz = distribution or package(f"pyodide@{PYODIDE}"), package(VIZ)
    loaded = [*core(pyodide), *(wheels(pyodide) if distribution else [])]
    copy([SOURCES / "page.css", *SOURCES.glob("*.js")], folder)
    copy([*PLAYGROUND.glob("*.js"), PLAYGROUND / "page.css"], folder / "playground")
    copy(BROWSER.glob("*.js"), folder / "python")
    copy(loaded, folder / "pyodide")
    copy([viz / "dist" / "viz.js"], folder / "viz")
    library = zipped([*OURS, *map(installed, WITH_US)])
    (folder / "python" / "library.zip").write_bytes(library)
    config = {
        "archive": "python/library.zip",
        "home": "pyodide/",
        "packages": "pyodide/" if distribution else NETWORK,
        "viz": "viz/viz.js",
        "notebooks": list(notebooks(folder / "notebooks")),
    }
    page = Template((SOURCES / "index.html").read_text("utf-8"))
    data = json.dumps(config, ensure_ascii=False).replace("<", "\\u003c")
    text = page.substitute(config=data, site=html.escape(site))
    (folder / "index.html").write_text(text, "utf-8")
    (folder / "LICENSES.txt").write_text(licences(), "utf-8")


def copy(files: Iterable[Path], folder: Path) -> None:
    """Copy files into a folder, which is made; those that lie there already stay."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in files:
        if path.resolve() != (folder / path.name).resolve():
            shutil.copyfile(path, folder / path.name)


def installed(name: str) -> Path:
    """The folder of an installed package."""
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise MissingError(f"the page carries the package {name}: pip install {name}")
    return Path(spec.origin).parent


def core(folder: Path) -> Iterator[Path]:
    """Python and its library, and the list of the wheels."""
    for pattern in CORE:
        found = list(folder.glob(pattern))
        if not found:
            raise MissingError(f"{folder / pattern} is not there: is it Pyodide's distribution?")
        yield from found


def wheels(folder: Path, names: Iterable[str] = WANTED) -> Iterator[Path]:
    """The wheels of what the page may load, each as Pyodide's list of them has it."""
    known = packages(folder)
    for name in needed(names, known):
        about = known[name]
        path = folder / about["file_name"]
        if not path.is_file():
            raise MissingError(f"{path} is not there: is {folder} Pyodide's distribution?")
        if hashlib.sha256(path.read_bytes()).hexdigest() != about["sha256"]:
            raise MissingError(f"{path} is not the file that Pyodide's list of files names")
        yield path


def packages(folder: Path) -> dict[str, Any]:
    """What Pyodide's list says of each package."""
    known: dict[str, Any] = json.loads((folder / LOCK).read_text("utf-8"))["packages"]
    return known


def needed(names: Iterable[str], known: dict[str, Any]) -> set[str]:
    """Packages with those that they need, and so on."""
    found, waiting = set[str](), list(names)
    while waiting:
        name = waiting.pop().replace("_", "-")
        if name not in found:
            found.add(name)
            waiting += known[name]["depends"]
    return found


def notebooks(folder: Path) -> Iterator[dict[str, Any]]:
    """Write the notebooks, first steps first; what the list of contents says of each."""
    copy((NOTEBOOKS / "images").glob("*"), folder / "images")
    for about, cells in [first_steps(), *student_edition()]:
        (folder / f"{about['name']}.json").write_text(json.dumps({"cells": cells}), "utf-8")
        yield about


def licences() -> str:
    """Whose work the folder holds, and under which terms."""
    return "\n".join(
        [
            "autograd-core: MIT, below.",
            "pyodide/: Pyodide (MPL-2.0) with CPython (PSF-2.0) and packages: https://pyodide.org",
            f"viz/: {VIZ} of npm: MIT, with Graphviz (EPL-2.0) and Expat (MIT), https://viz-js.com",
            "python/library.zip: besides ours, graphviz (MIT) and tqdm (MPL-2.0 and MIT).",
            "",
            (ROOT / "LICENSE").read_text("utf-8"),
        ]
    )


def main(arguments: Sequence[str]) -> int:
    """Build the page."""
    return built("page", build, arguments, __doc__)


def built(
    name: str,
    build: Callable[[Path, Path | None], None],
    arguments: Sequence[str],
    about: str | None,
) -> int:
    """Build something of Pyodide, and say how large it is; 1 where something is missing."""
    p = argparse.ArgumentParser(prog=f"python -m tools.{name}", description=about)
    p.add_argument("folder", nargs="?", type=Path, default=ROOT / "out" / name)
    p.add_argument("--pyodide", type=Path, metavar="FOLDER", help="its distribution, unpacked")
    options = p.parse_args(arguments)
    try:
        build(options.folder.absolute(), options.pyodide)
    except MissingError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    size = sum([path.stat().st_size for path in options.folder.rglob("*") if path.is_file()])
    print(f"{options.folder}: {size / 1e6:.1f} MB")
    print(f"python -m http.server --directory {options.folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
