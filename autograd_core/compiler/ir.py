"""The one intermediate form: a program is arrays, each defined by how it is computed.

    array    = Leaf(name)                            parameters, inputs
             | Constant(numbers, power)              numbers * n**power, for n examples
             | Compute(op, operands, fold)           op, elementwise; letters of the operands that
                                                     the result lacks are folded (+, or the maximum)
             | Gather(sources, index)                cells of arrays laid end to end
             | Scatter(pieces)                       pieces added to cells of zeros: its transpose
    operand  = (array, letters)                      an array, and a letter for each of its axes

Compute is elementwise application, sum and matrix product in one: `z[ac] = x[ad] * y[dc]` sums over
d, which z lacks, and `z[ac] = x[ac] + y[a]` repeats y along c, which y lacks. Only a product of two
and an array as it is (op None) are folded. The letters of a result are a, c, d, ... by position. An
axis is told by its letter, never by its length, and one of length 1 has no letter at all.

The examples are an ordinary last axis of a length that is not known yet, and `b` is its letter
everywhere. What holds for one example holds for a thousand: only executors know how many there are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from autograd_core.engine import Op

Floats: TypeAlias = NDArray[np.float64]
Cells: TypeAlias = NDArray[np.integer[Any]]
Operand: TypeAlias = "tuple[Array, str]"

EXAMPLES = None  # the length of an axis of examples, in a shape
NAMES = "acdefghijklmnopqrstuvwxyz"  # letters for axes by their position; b is that of the examples


@dataclass(eq=False, slots=True)
class Array:
    """What is computed as a whole: numbers in a shape, whose last axis may be the examples'.

    It is never changed; that is not enforced, for a program may have very many.
    """

    shape: tuple[int | None, ...]

    @property
    def batched(self) -> bool:
        """Whether there is a number for each example."""
        return self.shape[-1:] == (EXAMPLES,)

    @property
    def cells(self) -> tuple[int, ...]:
        """The shape without the examples."""
        return self.shape[:-1] if self.batched else self.shape  # type: ignore[return-value]

    @property
    def size(self) -> int:
        """How many cells there are, for one example."""
        return math.prod(self.cells)

    @property
    def axes(self) -> str:
        """Letters for the axes, by position."""
        return axes_of(self.shape)

    def reads(self) -> Iterable[Array]:
        """The arrays it is computed from."""
        return ()


@cache  # there are few, and it is asked for again and again
def axes_of(shape: tuple[int | None, ...]) -> str:
    """Letters for the axes of a shape."""
    return NAMES[: len(shape) - 1] + "b" if shape[-1:] == (EXAMPLES,) else NAMES[: len(shape)]


@dataclass(eq=False, slots=True)
class Leaf(Array):
    """Numbers that are given at each run."""

    name: str


@dataclass(eq=False, slots=True)
class Constant(Array):
    """Numbers known beforehand, times n**power: with the power -1, each example's share of them."""

    numbers: Floats
    power: int = 0


@dataclass(eq=False, slots=True)
class Compute(Array):
    """op(*operands), or the one operand itself, folded to its own axes."""

    op: Op | None
    operands: tuple[Operand, ...]
    fold: str = "+"

    def reads(self) -> Iterable[Array]:  # noqa: D102
        return [x for x, _ in self.operands]

    @property
    def is_single(self) -> bool:
        """Whether it is one number of single numbers, without any axis: there may be very many."""
        if self.shape:
            return False
        for _, letters in self.operands:  # noqa: SIM110  a generator takes three times as long
            if letters:
                return False
        return True

    @property
    def lengths(self) -> dict[str, int | None]:
        """The axes along which it is computed: its own, then those that are folded."""
        if self.is_single:
            return {}
        named = ((self, self.axes), *self.operands)
        return {c: n for x, letters in named for c, n in zip(letters, x.shape)}


@dataclass(eq=False, slots=True)
class Gather(Array):
    """Cells of the sources, which are numbered as if they were laid end to end; -1 reads 0."""

    sources: tuple[Array, ...]
    index: Cells

    def reads(self) -> Iterable[Array]:  # noqa: D102
        return self.sources


@dataclass(eq=False, slots=True)
class Scatter(Array):
    """The sum of pieces: the numbers of an operand, each at a cell (-1: at none)."""

    pieces: tuple[tuple[Operand, Cells], ...]

    def reads(self) -> Iterable[Array]:  # noqa: D102
        return [x for (x, _), _ in self.pieces]


def needed(
    order: Sequence[Array],
    results: Iterable[Array],
    reads: Callable[[Any], Iterable[Array]] = lambda x: x.reads(),
) -> list[Array]:
    """The arrays that the results depend on, in an order in which they can be computed."""
    wanted = set(results)
    for x in reversed(order):
        if x in wanted:
            wanted.update(reads(x))
    return [x for x in order if x in wanted]


def aligned(array: Any, letters: str, wanted: str) -> Any:
    """A NumPy array with its axes in the wanted order, of length 1 where it lacks one."""
    order = [letters.index(c) for c in wanted if c in letters]
    return array.transpose(order)[(*[slice(None) if c in letters else None for c in wanted], ...)]
