"""Alone: what is computed in one memory is computed by one thread at a time."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import wraps
from threading import RLock
from typing import Concatenate, ParamSpec, TypeVar
from weakref import WeakSet

P = ParamSpec("P")
T = TypeVar("T")


class Occupied:
    """Whether a method of it runs that runs `alone`."""

    def __init__(self) -> None:
        self.free()
        EVERY.add(self)

    def free(self) -> None:
        """As nobody uses it."""
        self.lock, self.is_occupied = RLock(), False


EVERY: WeakSet[Occupied] = WeakSet()


def free_all() -> None:
    """In a process that was forked: threads that used some are in the other process."""
    for x in list(EVERY):
        x.free()


if hasattr(os, "register_at_fork"):  # which systems without fork lack
    os.register_at_fork(after_in_child=free_all)


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
