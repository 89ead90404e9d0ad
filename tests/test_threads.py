"""BLAS runs in one thread while a program of middle size computes, and as before afterwards."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier

import numpy as np
import pytest
from threadpoolctl import ThreadpoolController

from autograd_core import compile
from autograd_core.compiler.executors import threads
from nn import MLP


class Library:
    """BLAS, as threadpoolctl has it."""

    def __init__(self, n):
        self.n = n

    def get_num_threads(self):
        return self.n

    def set_num_threads(self, n):
        self.n = n


@pytest.fixture
def blas(monkeypatch):
    found = [Library(4), Library(2)]
    monkeypatch.setattr(threads, "libraries", lambda: found)
    return found


def counts(blas):
    return [library.n for library in blas]


@pytest.mark.parametrize(
    ("n", "inside"), [(1, [4, 2]), (100, [4, 2]), (1000, [1, 1]), (100_000, [4, 2])]
)
def test_a_program_of_middle_size_has_one_thread(blas, n, inside, monkeypatch):
    program = compile(MLP(20, [20, 1], activation="relu", seed=0), batched=True, executor="numpy")
    seen, maximum = [], np.maximum

    def noting(*args, **options):
        seen.append(counts(blas))
        return maximum(*args, **options)

    monkeypatch.setattr(np, "maximum", noting)  # which computes relu
    program(np.ones((n, 20)))
    assert seen[-1] == inside
    assert counts(blas) == [4, 2]


def test_the_last_to_leave_gives_the_threads_back(blas):
    entered = Barrier(8)

    def work(_):
        with suppress(ValueError), threads.OneThread():
            entered.wait()
            assert counts(blas) == [1, 1]
            entered.wait()
            raise ValueError

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert counts(blas) == [4, 2]


@pytest.fixture
def two_threads():
    """The libraries that NumPy computes with, told to have two threads on any number of cores."""
    found = [x for x in ThreadpoolController().lib_controllers if x.user_api == "blas"]
    if not found:
        pytest.skip("NumPy's BLAS is none whose threads can be told")
    before = [library.get_num_threads() for library in found]
    for library in found:
        library.set_num_threads(2)
    threads.libraries.cache_clear()
    yield found
    for library, n in zip(found, before, strict=True):
        library.set_num_threads(n)
    threads.libraries.cache_clear()


def test_the_library_that_numpy_computes_with_is_found(two_threads):
    with threads.OneThread():
        assert {library.get_num_threads() for library in two_threads} == {1}
    assert {library.get_num_threads() for library in two_threads} == {2}
