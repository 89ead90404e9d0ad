"""Object code kept on disk, so that a program is compiled once for a processor, not once a process.

`AUTOGRAD_CORE_CACHE` names another folder than the user's own for such files, or is empty to keep
none. A file is written whole under another name first, and begins with a fingerprint of the rest:
one that is broken, or half there, is as if there were none. What was read longest ago is deleted.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path

BYTES = 64 * 2**20  # in all
DIGEST = 32  # bytes of a fingerprint


def folder() -> Path | None:
    """Where the files are; None where none are kept."""
    chosen = os.environ.get("AUTOGRAD_CORE_CACHE")
    if chosen is not None:
        return Path(chosen) if chosen else None
    homes = {
        "win32": ("LOCALAPPDATA", "AppData/Local"),
        "darwin": ("XDG_CACHE_HOME", "Library/Caches"),
    }
    variable, usual = homes.get(sys.platform, ("XDG_CACHE_HOME", ".cache"))
    home = os.environ.get(variable)
    try:
        return (Path(home) if home else Path.home() / usual) / "autograd-core"
    except RuntimeError:  # this user has no home
        return None


def kept(make: Callable[[], bytes], *what: str) -> bytes:
    """What was kept for this, or what is made now, and kept if that is possible."""
    place = folder()
    if place is None:
        return make()
    name = fingerprint("\0".join(what).encode()).hex()
    path = place / f"{name}.o"
    with suppress(OSError):
        whole = path.read_bytes()
        if fingerprint(whole[DIGEST:]) == whole[:DIGEST]:
            with suppress(OSError):  # it may be another's, to be read alone
                os.utime(path)
            return whole[DIGEST:]
    made = make()
    with suppress(OSError):
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        write(path, fingerprint(made) + made)
        forget(place)
    return made


def fingerprint(content: bytes) -> bytes:
    """What only equal contents have in common."""
    return blake2b(content, digest_size=DIGEST).digest()


def write(path: Path, content: bytes) -> None:
    """A file that is there whole, or not at all."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.stem, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def forget(place: Path) -> None:
    """Delete the files that were read longest ago, as far as all take too much room.

    They are told by their names, for the folder may have others.
    """
    found = []
    for path in place.glob("[0-9a-f]" * 2 * DIGEST + "*"):
        with suppress(OSError):
            state = path.stat()
            found.append((state.st_mtime, state.st_size, path))
    room = BYTES
    for _, size, path in sorted(found, reverse=True):
        room -= size
        if room < 0:
            with suppress(OSError):
                path.unlink()
