"""Alone: what is computed in one memory is computed by one thread at a time."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from threading import RLock
from typing import Concatenate, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Occupied:
    """Whether a method of it runs that runs `alone`."""

    def __init__(self) -> None:
        self.lock, self.is_occupied = RLock(), False


S = TypeVar("S", bound=Occupied)


def alone(method: Callable[Concatenate[S, P], T]) -> Callable[Concatenate[S, P], T]:
    """The method, for which other threads wait; it is not called within another such one."""

    @wraps(method)
    def run(self: S, /, *args: P.args, **keywords: P.kwargs) -> T:
        with self.lock:
            if self.is_occupied:  # by this thread, as others wait
                raise RuntimeError(
                    "a program was called by one of its own ops while it ran: compile the function "
                    "once more for that op"
                )
            self.is_occupied = True
            try:
                return method(self, *args, **keywords)
            finally:
                self.is_occupied = False

    return run
