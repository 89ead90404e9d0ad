"""Packages of npm, pinned, fetched once into a cache beside no repository."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory


class MissingError(RuntimeError):
    """Something the page is built of cannot be had; the message names it."""


def cache() -> Path:
    """Where what was fetched is kept."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "autograd-core"


def package(name: str) -> Path:
    """The folder of a package such as pyodide@314.0.7; npm checks what it fetches."""
    folder = cache() / name.replace("/", "-")
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder.parent) as work:
            unpack(fetched(name, Path(work)), Path(work))
            (Path(work) / "package").rename(folder)
    return folder


def fetched(name: str, work: Path) -> Path:
    """The archive of a package."""
    npm = shutil.which("npm")
    if npm is None:
        raise MissingError(f"{name} comes by npm, which is not here: install Node.js")
    command = [npm, "pack", "--silent", "--pack-destination", str(work), name]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    found = list(work.glob("*.tgz"))
    if done.returncode or not found:
        said = " ".join(done.stderr.split()) or "it did not say why"
        raise MissingError(f"npm could not fetch {name}: {said}")
    return found[0]


def unpack(archive: Path, folder: Path) -> None:
    """Unpack it; nothing may come to lie elsewhere."""
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
