"""Write a file whole or not at all."""

from __future__ import annotations

import os
import threading
from contextlib import suppress


def write_whole(path: str | os.PathLike[str], content: bytes) -> None:
    """Write under a temporary name, then rename: whoever looks sees the old file or the new one.

    A link is followed. What is no file, such as a device or a pipe, is written to as it is.
    """
    from pathlib import Path

    path = Path(path)
    if path.exists() and not path.is_file():
        path.write_bytes(content)
        return
    path = path.resolve()
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.tmp")
    try:
        temporary.unlink(missing_ok=True)  # of a process that was killed and had the same number
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename:
            error.filename = str(path)  # of which whoever calls has heard
        raise
