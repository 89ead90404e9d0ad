"""Executors: each a name and a class that runs a program, given the leaves' numbers.

To add one is to add a file, and a row here. One that plans its own memory reads the arrays as they
are, one that does not takes what `memory.plan` makes of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import NamedTuple, Protocol, TypeAlias
from warnings import warn

from autograd_core.compiler.executors.cells import is_scalar
from autograd_core.compiler.ir import Array, Floats
from autograd_core.extras import needing


class Row(NamedTuple):
    """Where an executor's class is, imported when it is used; and the package that it needs."""

    module: str
    title: str
    package: str = ""


EXECUTORS = {
    "native": Row("autograd_core.compiler.executors.native", "NativeExecutor", package="llvmlite"),
    "numpy": Row("autograd_core.compiler.executors.numpy", "NumPyExecutor"),
    "python": Row("autograd_core.compiler.executors.python", "PythonExecutor"),
    "jax": Row("autograd_core.compiler.executors.jax", "JaxExecutor", package="jax"),
}


class Outcome(NamedTuple):
    """The results' numbers, theirs who ran until the next run; whether some may be undefined.

    `suspicious` is set where a number on the way may have overflowed or have no definition: who
    asked for the run looks then whether that is an error. `finite` is set where it is known that
    all numbers of the last result are finite, and `mean` where that of the first one is known.
    """

    results: list[Floats]
    suspicious: bool
    finite: bool = False
    mean: Floats | None = None


class Entry(NamedTuple):
    """The way into an executor that looks at nothing: `function(pointer)` is the first result.

    Before it, the leaves' numbers are copied into `targets`; after it, the last result is in
    `slopes`. NaN says that some number is not finite, or not defined. What the pointer leads to
    lives as long as `owner`, even where the executor has forgotten it.
    """

    targets: list[Floats]
    function: Callable[[int], float]
    pointer: int
    slopes: Floats
    owner: object


class Executor(Protocol):
    """Runs the arrays that some results need, for any number of examples.

    It may raise what Python raises for numbers without a definition (ArithmeticError, ValueError)
    instead of saying that the outcome is suspicious. It may have a method `take`: see `training`;
    and `entry(shapes, n)`, for leaves of the shapes that `run` has had for n examples.
    """

    def run(self, leaves: Mapping[str, Sequence[Floats]], n: int | None) -> Outcome:
        """Compute the results for n examples; None where there is no axis of examples.

        A leaf's numbers are given by its name, as arrays in whose order they follow each other:
        of the shape (k,), or (n, k) with a row for each example where the leaf is batched; with
        the same k in every run. A result has its array's shape, the examples last.
        """


Maker: TypeAlias = Callable[[Sequence[Array], Sequence[Array]], Executor]
Wanted: TypeAlias = "str | Maker"  # a name, or what makes executors and has a `name` (OnJax)


def executor_class(wanted: Wanted) -> Maker:
    """What makes an executor of the arrays that some results need, in order, and of the results."""
    if callable(wanted):
        return wanted
    if not isinstance(wanted, str):
        known = ", ".join(map(repr, EXECUTORS))
        raise TypeError(f"executor is one of {known}, or what makes one, got {wanted!r}")
    if wanted not in EXECUTORS:
        raise ValueError(f"there is no executor {wanted!r}: known are {', '.join(EXECUTORS)}")
    row = EXECUTORS[wanted]
    with needing(row.package, f"the executor {wanted!r}"):
        found: Maker = getattr(import_module(row.module), row.title)
    return found


class UntraceableError(TypeError):
    """An executor has no way to compute what a program asks for; `numpy` has one for everything."""


def made(
    wanted: Wanted | None, order: Sequence[Array], results: Sequence[Array]
) -> tuple[str, Executor]:
    """An executor that was asked for, or by the rule, and its name: `numpy` where that cannot."""
    wanted = choose(order) if wanted is None else wanted
    name = wanted if isinstance(wanted, str) else str(getattr(wanted, "name", wanted))
    try:
        return name, executor_class(wanted)(order, results)
    except UntraceableError as error:
        warn(f"numpy runs what {name} cannot: {error}", stacklevel=2)
        return "numpy", executor_class("numpy")(order, results)


def choose(order: Sequence[Array]) -> str:
    """The executor for a program: Python for one of single numbers (`is_scalar`), else NumPy."""
    return "python" if is_scalar(order) else "numpy"


def choose_for_training(parameters: int, examples: int, steps: int) -> str | None:
    """What runs a training, of so many examples a step: machine code if that is worth making.

    It takes about 0.15 s to make. So it is chosen where it is installed and NumPy would take longer
    than 0.3 s: 60 us a step, and 0.2 ns for each parameter and example. Else the program decides.
    """
    seconds = steps * (60e-6 + 0.2e-9 * parameters * examples)
    return "native" if seconds > 0.3 and find_spec(EXECUTORS["native"].package) else None
