"""Executors: each a name and a class that runs a program, given the leaves' numbers.

`native` and `jax` would be a file and a row here. One that plans its own memory reads the arrays as
they are; one that does not takes what `memory.plan` makes of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from autograd_core.compiler.ir import Array, Floats


class Outcome(NamedTuple):
    """The results' numbers, theirs who ran until the next run; whether some may be undefined.

    `suspicious` is set where a number on the way may have overflowed or have no definition: who
    asked for the run looks then whether that is an error.
    """

    results: list[Floats]
    suspicious: bool


class Executor(Protocol):
    """Runs the arrays that some results need.

    It is made from all arrays in order and the results that are wanted, and may raise what Python
    raises for numbers without a definition (ArithmeticError, ValueError), instead of saying that
    the outcome is suspicious.
    """

    def __init__(self, order: Sequence[Array], results: Sequence[Array]) -> None:
        """Prepare for any number of examples."""

    def run(self, leaves: Mapping[str, Sequence[Floats]], n: int | None) -> Outcome:
        """Compute the results for n examples; None where there is no axis of examples.

        A leaf's numbers are given by its name, as arrays in whose order they follow each other:
        of the shape (k,), or (n, k) with a row for each example where the leaf is batched. A
        result has its array's shape, the examples last.
        """
