"""Build the course as a JupyterLite: `python -m tools.lite [out/lite] [--pyodide FOLDER]`.

The folder it writes is served by any server of files: JupyterLab with the students' notebooks,
whose kernel is Pyodide with our packages in it. Its core comes of npm, NumPy and matplotlib of
Pyodide's network; or all of it from FOLDER, which is a distribution of Pyodide, unpacked.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from email.parser import HeaderParser
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zipfile import ZipFile

from nn.playground.browser.library import NETWORK, PYODIDE, ROOT
from tools.npm import MissingError, package
from tools.page import LOCK, VIZ, built, copy, core, needed, wheels

STUDENTS = ROOT / "notebooks" / "student"
OURS = "autograd-core"
WITH_US = ("matplotlib", "anywidget")  # of our extras, what the course has
OF_THE_LAB = {"jupyterlab-widgets", "widgetsnbextension"}  # JavaScript, which JupyterLab has
OF_THE_KERNEL = ("ipython", "jedi", "micropip")
BROWSER = {"sys_platform": "emscripten", "platform_system": "Emscripten", "extra": ""}
PURE = ("--implementation=py", "--abi=none", "--platform=any", "--only-binary=:all:")
ENTRY = """\
import { instance } from "./viz.js";
import * as pyodide from "./pyodide.mjs";

export const version = pyodide.version;

// Pyodide with viz.js at hand, by which autograd_core draws.
export async function loadPyodide(options) {
  const made = await instance();
  self.viz = (source) => made.renderString(source, { format: "svg" });
  return pyodide.loadPyodide(options);
}
"""
KERNEL = {
    "pyodideUrl": "./pyodide/python.mjs",
    "loadPyodideOptions": {"packages": [OURS]},
    "disablePyPIFallback": True,
}
SETTINGS = {
    "jupyter-lite-schema-version": 0,
    "jupyter-config-data": {
        "appName": OURS,
        "litePluginSettings": {"@jupyterlite/pyodide-kernel-extension:kernel": KERNEL},
    },
}


def build(folder: Path, distribution: Path | None = None) -> None:
    """Write it all into a folder, which is made; MissingError for what cannot be had."""
    import_module("jupyterlite_core")  # which is better missed now than in the end
    home, viz = distribution or package(f"pyodide@{PYODIDE}"), package(VIZ) / "dist" / "viz.js"
    lock = json.loads((home / LOCK).read_text("utf-8"))
    known = lock["packages"]
    if not distribution:
        for about in known.values():
            about["file_name"] = NETWORK + about["file_name"]
    with TemporaryDirectory() as work:
        ours = list(brought(known, Path(work) / "wheels"))
        files = [*core(home), viz, *ours]
        if distribution:
            theirs = needed([OURS, *OF_THE_KERNEL], known) - {path.parent.name for path in ours}
            files += wheels(home, theirs)
        laboratory(Path(work), folder)
        copy(files, folder / "pyodide")
    (folder / "pyodide" / LOCK).write_text(json.dumps(lock), "utf-8")
    (folder / "pyodide" / "python.mjs").write_text(ENTRY, "utf-8")


def brought(known: dict[str, Any], folder: Path) -> Iterator[Path]:
    """Our wheel, and those of what it needs that Pyodide lacks, which its list has then."""
    known.pop(OURS, None)  # of the day when this list was made
    waiting = [OURS]
    while waiting:
        name = waiting.pop()
        if name not in known and name not in OF_THE_LAB:
            wheel = fetched(name, folder / name)
            known[name] = entry(name, wheel)
            waiting += known[name]["depends"]
            yield wheel


def fetched(name: str, folder: Path) -> Path:
    """A wheel that is the same on every machine: ours as it is here, or the newest of PyPI."""
    what = (
        ["wheel", "-w", folder, ROOT] if name == OURS else ["download", *PURE, "-d", folder, name]
    )
    run([sys.executable, "-m", "pip", "-q", *what[:1], "--no-deps", *what[1:]], f"pip: {name}")
    (wheel,) = folder.glob("*.whl")
    return wheel


def entry(name: str, wheel: Path) -> dict[str, Any]:
    """What Pyodide's list says of a wheel."""
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    with ZipFile(wheel) as archive:
        (path,) = [x for x in archive.namelist() if x.endswith(".dist-info/METADATA")]
        about = HeaderParser().parsestr(archive.read(path).decode())
    every = [Requirement(text) for text in about.get_all("Requires-Dist", [])]
    there = [x.name for x in every if x.marker is None or x.marker.evaluate(BROWSER)]
    return {
        "name": name,
        "version": about["Version"],
        "file_name": wheel.name,
        "sha256": hashlib.sha256(wheel.read_bytes()).hexdigest(),
        "depends": [
            canonicalize_name(x)
            for x in (*there, *(WITH_US if name == OURS else ()))
            if canonicalize_name(x) not in OF_THE_LAB
        ],
        "imports": [],
        "install_dir": "site",
        "package_type": "package",
        "unvendored_tests": False,
    }


def laboratory(work: Path, folder: Path) -> None:
    """JupyterLite with the notebooks, its kernel told where Pyodide is."""
    (work / "jupyter-lite.json").write_text(json.dumps(SETTINGS), "utf-8")
    (work / "notebooks").mkdir()
    for path in STUDENTS.glob("*.ipynb"):
        notebook = json.loads(path.read_text("utf-8"))
        notebook["metadata"]["kernelspec"]["name"] = "python"  # or it would be asked for
        (work / "notebooks" / path.name).write_text(json.dumps(notebook), "utf-8")
    options = ["--lite-dir", work, "--contents", work / "notebooks", "--output-dir", folder]
    tidy = ["--apps", "lab", "--no-sourcemaps", "--no-unused-shared-packages"]
    command = [sys.executable, "-m", "jupyterlite_core", "build", *options, *tidy]
    run(command, "JupyterLite", cwd=work)  # where it keeps a file of what it has done


def run(command: Sequence[Any], what: str, cwd: Path = ROOT) -> None:
    """Run a program in a folder; MissingError with what it said, where it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd)  # noqa: S603
    if done.returncode:
        raise MissingError(f"{what}: {(done.stderr or done.stdout).strip()[-500:]}")


def main(arguments: Sequence[str]) -> int:
    """Build the laboratory."""
    return built("lite", build, arguments, __doc__)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
