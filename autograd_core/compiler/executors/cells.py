"""Cells: arrays taken apart again, into single numbers and how each is computed from others.

Gather and Scatter leave nothing behind: they say which cell is meant, and which are added. What
reads nothing, or a product of it, takes no part in a sum: it is no 0 that infinity turns into NaN.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from autograd_core.compiler.ir import (
    NAMES,
    Array,
    Compute,
    Constant,
    Gather,
    Leaf,
    Scatter,
    aligned,
)
from autograd_core.engine import ADD, DIV, MUL, NEG, SUB, Op

Grid: TypeAlias = "NDArray[np.object_]"  # of cells, in an array's shape without the examples

PLUS, TIMES, UNARY, POWER, ATOM = range(5)  # how tightly an expression holds together

OVER_EXAMPLES = ("each +", "each max")


@dataclass(eq=False, slots=True)
class Cell:
    """A number, or one for each example: `how(*operands)`, or what `text` says.

    `how` is an op; "+" or "max" of all operands; "each +" or "each max", that of one operand over
    all examples; or "row", for numbers that are put aside together. `stage` counts the loops over
    the examples that it has to wait for.
    """

    how: Op | str | None
    operands: tuple[Cell, ...] = ()
    batched: bool = False
    stage: int = 0
    text: str = ""
    level: int = ATOM

    @property
    def place(self) -> tuple[int, bool]:
        """Where it is computed: in which stage, and whether in the loop that ends it."""
        if self.how in OVER_EXAMPLES:
            return self.stage - 1, True
        return self.stage, self.batched


NOTHING = Cell(None, text="0.0")
COUNT = Cell(None, text="n")


class Cells:
    """The cells of arrays; `made` has all that are computed, each after its operands."""

    def __init__(self, order: Sequence[Array], letter: Callable[[str], str]) -> None:
        self.made: list[Cell] = []
        self.known: dict[Any, Cell] = {}
        self.letter = letter
        self.of: dict[Array, Grid] = {}
        for x in order:
            self.of[x] = MAKE[type(x)](self, x)

    # --- Arrays

    def leaf(self, x: Leaf) -> Grid:
        """A variable for each number."""
        letter = self.letter(x.name)
        return grid(x.cells, [Cell(None, (), x.batched, 0, f"{letter}{i}") for i in range(x.size)])

    def constant(self, x: Constant) -> Grid:
        """The numbers themselves, multiplied or divided by the number of examples."""
        return grid(x.cells, [self.number(c, x.power) for c in x.numbers.ravel().tolist()])

    def compute(self, x: Compute) -> Grid:
        """op(*operands), folded over the other letters first and then over the examples."""
        kept = x.letters.replace("b", "")
        named = "".join([letters for _, letters in x.operands])
        every = kept + "".join([c for c in dict.fromkeys(named) if c not in kept + "b"])
        grids = [aligned(self.of[y], letters.replace("b", ""), every) for y, letters in x.operands]
        xs = np.broadcast_arrays(*grids)
        rows = zip(*[operand.reshape(x.size, -1).tolist() for operand in xs])
        cells = [self.folded(x.fold, [self.op(x.op, *some) for some in zip(*row)]) for row in rows]
        if "b" in named and "b" not in x.letters:
            cells = [self.over_examples(x.fold, cell) for cell in cells]
        return grid(x.cells, cells)

    def gather(self, x: Gather) -> Grid:
        """The cells that are meant."""
        flat: list[Cell] = [cell for y in x.sources for cell in self.of[y].ravel().tolist()]
        flat.append(NOTHING)
        return grid(x.index.shape, [flat[i] for i in x.index.ravel().tolist()])

    def scatter(self, x: Scatter) -> Grid:
        """The sum of what reaches each cell."""
        found: list[list[Cell]] = [[] for _ in range(x.size)]
        for (y, letters), index in x.pieces:
            piece = aligned(self.of[y], letters.replace("b", ""), NAMES[: index.ndim])
            for i, cell in zip(index.flat, np.broadcast_to(piece, index.shape).flat):
                if i >= 0:
                    found[i].append(cell)
        return grid(x.cells, [self.folded("+", some) for some in found])

    # --- Cells

    def new(self, how: Op | str, *operands: Cell) -> Cell:
        """how(*operands), the same cell for the same."""
        key = (how, *operands)
        if key not in self.known:
            over = how in OVER_EXAMPLES
            batched = not over and any(x.batched for x in operands)
            stage = max([x.stage for x in operands]) + over
            self.known[key] = cell = Cell(how, operands, batched, stage)
            self.made.append(cell)
        return self.known[key]

    def number(self, number: float, power: int = 0) -> Cell:
        """number * n**power."""
        if power:
            rest = self.number(number, power - 1 if power > 0 else power + 1)
            return self.new(MUL if power > 0 else DIV, rest, COUNT)
        sign = math.copysign(1.0, number)
        key = (number if number == number else "nan", sign)  # noqa: PLR0124  NaN is not itself
        if key not in self.known:
            level = UNARY if sign < 0 else ATOM
            self.known[key] = Cell(None, text=repr(number), level=level)
        return self.known[key]

    def op(self, op: Op | None, *operands: Cell) -> Cell:
        """The op of operands, or the one operand; plus nothing, and times 1, change nothing."""
        x, y = (*operands, NOTHING)[:2]
        if op is None:
            return x
        if op is ADD:
            return self.folded("+", operands)
        if op is SUB and y is NOTHING:
            return x
        if op is NEG or (op is SUB and x is NOTHING):
            operand = x if op is NEG else y
            return operand if operand is NOTHING else self.new(NEG, operand)
        if op is MUL:
            return self.product(x, y)
        return self.new(op, *operands)

    def product(self, x: Cell, y: Cell) -> Cell:
        """x * y."""
        if x is NOTHING or y is NOTHING:
            return NOTHING
        for factor, other in ((x, y), (y, x)):
            if factor.text == "1.0":
                return other
            if factor.text == "-1.0":
                return self.new(NEG, other)
        return self.new(MUL, x, y)

    def row(self, text: str, cells: Sequence[Cell]) -> Cell:
        """Numbers that are put aside together, a row for each example."""
        stage = max([x.stage for x in cells], default=0)
        self.made.append(Cell("row", tuple(cells), True, stage, text))
        return self.made[-1]

    def folded(self, how: str, cells: Iterable[Cell]) -> Cell:
        """The sum, or the maximum."""
        some = [x for x in cells if how != "+" or x is not NOTHING]
        if len(some) < 2:
            return some[0] if some else NOTHING
        return self.new(how, *some)

    def over_examples(self, how: str, x: Cell) -> Cell:
        """The sum or the maximum over the examples."""
        if not x.batched:  # which one and all have
            return x if how == "max" else self.product(x, COUNT)
        return self.new(f"each {how}", x)


MAKE: dict[type[Array], Callable[[Cells, Any], Grid]] = {
    Leaf: Cells.leaf,
    Constant: Cells.constant,
    Compute: Cells.compute,
    Gather: Cells.gather,
    Scatter: Cells.scatter,
}


def grid(shape: Sequence[int], cells: Sequence[Cell]) -> Grid:
    """Cells in a shape."""
    array = np.empty(len(cells), object)
    array[:] = cells
    return array.reshape(shape)
