"""What a page gives its Python: our sources as a zip, and where Pyodide is."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

BROWSER = Path(__file__).parent
ROOT = BROWSER.parents[2]
OURS = (ROOT / "autograd_core", ROOT / "nn")
PYODIDE = "314.0.7"
NETWORK = f"https://cdn.jsdelivr.net/pyodide/v{PYODIDE}/full/"
KINDS = {".py", ".html", ".js", ".css", ".csv", ".json"}
EPOCH = (1980, 1, 1, 0, 0, 0)  # so that the same sources are the same zip


def zipped(folders: Iterable[Path], without: Iterable[str] = ()) -> bytes:
    """Packages as a zip, but for what lies in folders of some names."""
    file, apart = io.BytesIO(), {*without, "__pycache__"}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, path in sources(folders):
            if apart.isdisjoint(name.split("/")):
                entry = zipfile.ZipInfo(name, EPOCH)
                entry.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(entry, path.read_bytes())
    return file.getvalue()


def sources(folders: Iterable[Path]) -> Iterator[tuple[str, Path]]:
    """The files of packages, with their names in the zip."""
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.suffix in KINDS:
                yield path.relative_to(folder.parent).as_posix(), path
