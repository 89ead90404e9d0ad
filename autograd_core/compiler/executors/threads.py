"""One thread for products over which several would wait for each other longer than they compute.

Measured on two cores, a step of a net of 64 inputs and 32 units on 1,797 examples takes 0.8 ms with
one thread, 0.7 with two, and with two a median of 50 while other programs are at work, where one
still takes 2. So several are left to products that last for milliseconds by themselves.
"""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from threading import Lock
from typing import Any

FEW, MANY = 100_000, 20_000_000  # multiplications between which one thread is quicker
LOCK = Lock()


def threads_for(multiplications: int) -> AbstractContextManager[None]:
    """What a program is run in whose largest product has so many multiplications."""
    alone = FEW < multiplications < MANY and libraries()
    return OneThread() if alone else nullcontext()


class OneThread(AbstractContextManager[None]):
    """Meanwhile, BLAS computes in one thread, of all that ask for it until the last has left."""

    inside = 0
    before: list[int]

    def __enter__(self) -> None:
        with LOCK:
            if not OneThread.inside:
                OneThread.before = [library.get_num_threads() for library in libraries()]
                for library in libraries():
                    library.set_num_threads(1)
            OneThread.inside += 1

    def __exit__(self, *error: object) -> None:
        with LOCK:
            OneThread.inside -= 1
            if not OneThread.inside:
                for library, n in zip(libraries(), OneThread.before):
                    library.set_num_threads(n)


@cache
def libraries() -> list[Any]:
    """The libraries of linear algebra in this process that have threads."""
    if sys.platform in {"emscripten", "wasi"}:  # which have no threads
        return []
    from threadpoolctl import ThreadpoolController

    return [
        library
        for library in ThreadpoolController().lib_controllers
        if library.user_api == "blas" and library.get_num_threads() > 1
    ]
