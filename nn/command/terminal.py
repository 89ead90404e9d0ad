"""What the command line says, and to whom: a terminal, a file, a reader that may go away."""

from __future__ import annotations

import io
import sys
from typing import Any


class Pipe(io.FileIO):
    """An output whose reader may go away, as behind `| head -1`: the rest then goes nowhere."""

    def write(self, data: Any, /) -> int:
        """How many bytes are done with."""
        try:
            return super().write(data)
        except BrokenPipeError:
            return len(data)


def prepare() -> None:
    """Show as an escape what the encoding of the output lacks; where nobody reads it, go on."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
            if isinstance(getattr(stream.buffer, "raw", stream.buffer), io.FileIO):
                setattr(sys, name, by_lines(stream))


def by_lines(stream: io.TextIOWrapper) -> io.TextIOWrapper:
    """The same output as a `Pipe`, into which each line goes at once."""
    pipe = io.BufferedWriter(Pipe(stream.fileno(), "w", closefd=False))
    return io.TextIOWrapper(pipe, stream.encoding, stream.errors, line_buffering=True)


def told(error: BaseException) -> str:
    """What an error says; a file that cannot be had by its name, without the system's number."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error)
