"""`python -m nn playground`: the playground as a page of its own, on this machine alone."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

from nn.playground.lessons import LESSONS, lesson_of
from nn.playground.state import State

NEEDED = "tornado>=6.4"


def launch(arguments: Sequence[str]) -> int:
    """Serve the page until Ctrl+C; the exit code is 1 if it could not be."""
    options = parser().parse_args(arguments)
    if find_spec("tornado") is None:
        print(
            f'error: the playground\'s page needs tornado: pip install "{NEEDED}"', file=sys.stderr
        )
        return 1
    try:
        lesson = lesson_of(options.lesson) if options.lesson else None
        state = State.of(lesson.state if lesson else options.state)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    from nn.playground.protocol import Desk
    from nn.playground.session import Session
    from nn.playground.web import serve

    def desk_of(send: Any) -> Desk:
        desk = Desk(Session(state), send)
        desk.take(desk.session, lesson)
        return desk

    try:
        asyncio.run(serve(desk_of, options.port, browser=not options.no_browser))
    except KeyboardInterrupt:
        print()
    return 0


def port(written: str) -> int:
    """A port's number."""
    number = int(written)
    if not 0 <= number < 2**16:
        raise argparse.ArgumentTypeError(f"a port is 0 to 65535, got {number}")
    return number


def parser() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(
        prog="python -m nn playground",
        description="Open the playground as a page of its own, served on 127.0.0.1 alone.",
    )
    p.add_argument("--state", default="{}", help="a run as JSON, as the page's Code shows it")
    p.add_argument("--lesson", metavar="NAME", help=f"one of {', '.join(LESSONS)}")
    p.add_argument(
        "--port", type=port, default=8888, help="or another that is free (default: 8888)"
    )
    p.add_argument("--no-browser", action="store_true", help="print the address, open nothing")
    return p
