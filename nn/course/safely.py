"""Run a student's function: errors in words, with their line; endless loops stopped."""

from __future__ import annotations

import linecache
import sys
import traceback
from collections.abc import Callable
from types import FrameType
from typing import Any

MOST_STEPS = 2_000_000


class Mishap(Exception):
    """The student's function raised, or did not end; the message says so to the student."""


class Empty(Mishap):
    """The student has not written it yet."""


class EndlessLoop(BaseException):
    """Past the number of steps that any right answer needs."""


def safely(call: Callable[..., Any], *args: Any, limited: bool = True) -> Any:
    """call(*args), or a Mishap; where it is not limited, it may take as long as it takes."""
    before = sys.gettrace()
    if limited:
        sys.settrace(counter())
    try:
        return call(*args)
    except EndlessLoop:
        raise Mishap("It does not come to an end. Which loop never runs out of work?") from None
    except RecursionError:
        raise Mishap("It calls itself without end. Where does it stop, and who checks?") from None
    except Mishap:
        raise
    except Exception as error:  # noqa: BLE001 (whatever a student's code raises)
        raise Mishap(in_words(error)) from None
    finally:
        sys.settrace(before)


def counter() -> Callable[..., Any]:
    """A trace function that raises after too many steps."""
    steps = 0

    def trace(frame: FrameType, event: str, arg: Any) -> Any:
        nonlocal steps
        frame.f_trace_opcodes = True  # `while True: pass` on one line has no line events
        steps += 1
        if steps > MOST_STEPS:
            raise EndlessLoop
        return trace

    return trace


def run(function: Callable[..., Any], *args: Any, limited: bool = True) -> Any:
    """A student's function on these arguments; Empty if it gives nothing back yet."""
    result = safely(function, *args, limited=limited)
    if result is None or result is ...:
        name = getattr(function, "__name__", "the function")
        raise Empty(f"`{name}` gives back nothing so far. Write it, and end with a `return`.")
    return result


def in_words(error: Exception) -> str:
    """The error, and the last line of the student's own that led to it."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if "ipykernel" in f.filename or f.filename.startswith("<")]
    text = f"Python stopped with `{type(error).__name__}: {error}`"
    if own:
        last = own[-1]
        line = last.line or linecache.getline(last.filename, last.lineno or 0).strip()
        text += f" in your line {last.lineno}: `{line}`" if line else ""
    return text + "."
