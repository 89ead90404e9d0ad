"""What the command line says, and to whom: a terminal, a file, a reader that may go away."""

from __future__ import annotations

import io
import os
import sys


def prepare() -> None:
    """Show as an escape what the encoding of the output lacks."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def say(*lines: object) -> None:
    """Print lines; where nobody reads them any more, as behind `| head -1`, the run goes on."""
    try:
        print(*lines, sep="\n", flush=True)
    except BrokenPipeError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def told(error: BaseException) -> str:
    """What an error says; a file that cannot be had by its name, without the system's number."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error)
