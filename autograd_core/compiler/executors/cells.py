"""Cells: arrays taken apart again, into single numbers and how each is computed from others.

Gather and Scatter leave nothing behind: they say which cell is meant, and which are added. What
reads nothing, or a product of it, takes no part in a sum: it is no 0 that infinity turns into NaN.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd_core.compiler.ir import (
    EXAMPLES,
    NAMES,
    Array,
    Compute,
    Constant,
    Gather,
    Leaf,
    Operand,
    Scatter,
    aligned,
)
from autograd_core.engine import ADD, DIV, MUL, NEG, SUB, Op
from autograd_core.formulas import Formula, number

UNNAMED = Formula("")
OVER_EXAMPLES = frozenset(("each +", "each max"))
FEW = 12  # places an array at which an op is done


@dataclass(eq=False, slots=True)
class Cell:
    """A number, or one for each example: `how(*operands)`, or what `formula` says.

    `how` is an op; "+" or "max" of all operands; "each +" or "each max", that of one operand over
    all examples; or "row", for numbers that are put aside together. `stage` counts the loops over
    the examples that it has to wait for, and `place` is where it is computed: in which stage, and
    whether in the loop that ends the stage. `uses` are those to come: 1 for one by a neighbour.
    """

    how: Op | str | None
    operands: tuple[Cell, ...] = ()
    batched: bool = False
    stage: int = 0
    place: tuple[int, bool] = (0, False)
    formula: Formula = UNNAMED
    uses: int = 0

    @property
    def text(self) -> str:
        """The formula's text."""
        return self.formula.text


NOTHING = Cell(None, formula=Formula("0.0"))
COUNT = Cell(None, formula=Formula("n"))
ONE = Cell(None, formula=number("1.0"))
MINUS = Cell(None, formula=number("-1.0"))


class Scalars:
    """The cells of arrays; `made` has all that are computed, each after its operands."""

    def __init__(self, order: Sequence[Array], letter: Callable[[str], str]) -> None:
        self.letter = letter
        self.looped = any(x.batched for x in order)
        self.made: list[Cell] = []
        self.known: dict[Any, Cell] = {x.text: x for x in (ONE, MINUS)}
        self.of: dict[Array, list[Cell]] = {}
        for x in order:
            self.of[x] = CELLS[type(x)](self, x)

    # --- Arrays

    def leaf(self, x: Leaf) -> list[Cell]:
        """A variable for each number."""
        names = [Formula(f"{self.letter(x.name)}{i}") for i in range(x.size)]
        return [Cell(None, (), x.batched, 0, (0, x.batched), name) for name in names]

    def constant(self, x: Constant) -> list[Cell]:
        """The numbers themselves, multiplied or divided by the number of examples."""
        return [self.number(some, x.power) for some in x.numbers.ravel().tolist()]

    def compute(self, x: Compute) -> list[Cell]:
        """op(*operands), folded over the other letters first and then over the examples."""
        if x.is_single:
            return [self.op(x.op, *[self.of[y][0] for y, _ in x.operands])]
        found = self.along(lengths_of(x), x)
        if self.looped and "b" not in x.axes and any("b" in names for _, names in x.operands):
            found = [self.over_examples(x.fold, cell) for cell in found]
        return found

    def along(self, lengths: Mapping[str, int], x: Compute) -> list[Cell]:
        """The same at all places along these axes, folded to those of the result."""
        columns = [self.repeated(operand, lengths) for operand in x.operands]
        found = [self.op(x.op, *operands) for operands in zip(*columns)]
        some = len(found) // max(x.size, 1)
        if some < 2:
            return found
        rows = [found[i : i + some] for i in range(0, len(found), some)]
        return [self.folded(x.fold, row) for row in rows]

    def repeated(self, operand: Operand, lengths: Mapping[str, int]) -> list[Cell]:
        """An operand's cells, for each place along these axes."""
        (x, letters), every = operand, "".join(lengths)
        if letters.replace("b", "") == every:
            return self.of[x]
        numbers = np.arange(x.size).reshape(x.cells)
        places = aligned(numbers, letters.replace("b", ""), every)
        places = np.broadcast_to(places, list(lengths.values()))
        return [self.of[x][i] for i in places.ravel().tolist()]

    def gather(self, x: Gather) -> list[Cell]:
        """The cells that are meant."""
        flat = [*[cell for y in x.sources for cell in self.of[y]], NOTHING]
        return [flat[i] for i in x.index.ravel().tolist()]

    def scatter(self, x: Scatter) -> list[Cell]:
        """The sum of what reaches each cell."""
        found: list[list[Cell]] = [[] for _ in range(x.size)]
        for operand, index in x.pieces:
            cells = self.repeated(operand, dict(zip(NAMES, index.shape)))
            for i, cell in zip(index.ravel().tolist(), cells):
                if i >= 0:
                    found[i].append(cell)
        return [self.folded("+", some) for some in found]

    # --- Cells

    def new(self, how: Op | str, *operands: Cell) -> Cell:
        """how(*operands), the same cell for the same."""
        key = (how, operands)
        found = self.known.get(key)
        if found is None:
            found = self.known[key] = self.placed(key) if self.looped else Cell(how, operands)
            self.made.append(found)
        return found

    def placed(self, key: tuple[Op | str, tuple[Cell, ...]]) -> Cell:
        """A new cell of a program that has a loop over the examples."""
        how, operands = key
        over = how in OVER_EXAMPLES
        batched = not over and True in [x.batched for x in operands]
        stage = max([x.stage for x in operands])
        return Cell(how, operands, batched, stage + over, (stage, over or batched))

    def number(self, x: float, power: int = 0) -> Cell:
        """x * n**power."""
        if power:
            rest = self.number(x, power - 1 if power > 0 else power + 1)
            return self.new(MUL if power > 0 else DIV, rest, COUNT)
        return self.known.setdefault(repr(x), Cell(None, formula=number(repr(x))))

    def row(self, name: str, cells: Sequence[Cell]) -> Cell:
        """Numbers that are put aside together, a row for each example."""
        stage = max([x.stage for x in cells], default=0)
        self.made.append(Cell("row", tuple(cells), True, stage, (stage, True), Formula(name)))
        return self.made[-1]

    def op(self, op: Op | None, *operands: Cell) -> Cell:
        """The op of operands, or the one operand; plus nothing, and times 1, change nothing."""
        if op is None:
            return operands[0]
        if op is ADD:
            return self.folded("+", operands)
        if op is MUL:
            return self.product(*operands)
        if op is SUB or op is NEG:
            if operands[-1] is NOTHING:
                return operands[0]
            if operands[0] is NOTHING:
                return self.new(NEG, operands[1])
        return self.new(op, *operands)

    def product(self, x: Cell, y: Cell) -> Cell:
        """x * y."""
        if x is NOTHING or y is NOTHING:
            return NOTHING
        if x is ONE or y is ONE:
            return y if x is ONE else x
        if x is MINUS or y is MINUS:
            return self.new(NEG, y if x is MINUS else x)
        return self.new(MUL, x, y)

    def folded(self, how: str, cells: Sequence[Cell]) -> Cell:
        """The sum, or the maximum."""
        if NOTHING in cells and how == "+":
            cells = [x for x in cells if x is not NOTHING]
        if len(cells) < 2:
            return cells[0] if cells else NOTHING
        return self.new(how, *cells)

    def over_examples(self, how: str, x: Cell) -> Cell:
        """The sum or the maximum over the examples."""
        if not x.batched:  # all have the same
            return x if how == "max" else self.product(x, COUNT)
        return self.new(f"each {how}", x)


CELLS: dict[type[Array], Callable[[Scalars, Any], list[Cell]]] = {
    Leaf: Scalars.leaf,
    Constant: Scalars.constant,
    Compute: Scalars.compute,
    Gather: Scalars.gather,
    Scatter: Scalars.scatter,
}


def is_scalar(arrays: Sequence[Array]) -> bool:
    """Whether a program is of single numbers rather than of arrays, and so quicker in Python.

    That is: it has no axis of examples, and on average its ops are done at less than 12 places an
    array. In Python a place takes about 30 ns a run, and 15 us to write at first; an array takes
    NumPy 0.7 us and up, and 50 us to prepare. So long programs run 10 to 30 times faster in Python
    at 1 to 3 places an array, 5 times at 7, 1.5 to 3 times at 11; at 24 both are even. From 12 on,
    what it takes to write is won back only after hundreds of runs. How long a program is does not
    matter: all of this grows in step with it, up to 100,000 places at least.
    """
    computed = [x for x in arrays if isinstance(x, Compute)]
    several = [x for x in computed if not x.is_single]
    if any(x.batched for x in arrays if x.shape):
        return False
    places = [math.prod(lengths_of(x).values()) for x in several]
    return sum(places) + len(computed) - len(several) < FEW * len(computed)


def lengths_of(x: Compute) -> dict[str, int]:
    """The axes along which an op is done, without the examples: first those of the result."""
    return {c: n for c, n in x.lengths.items() if n is not EXAMPLES}
