"""Programs of single numbers: every cell a line, and no loop."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce

import numpy as np

from autograd_core.compiler.executors.cells import COUNT, Cell, Scalars, is_scalar
from autograd_core.compiler.executors.native.namespace import Namespace, traced
from autograd_core.compiler.executors.native.regions import Module, Region
from autograd_core.compiler.executors.native.symbols import POINTER, Symbol
from autograd_core.compiler.ir import Array, Floats, Leaf
from autograd_core.compiler.memory import row_major
from autograd_core.engine import Op

MOST = 50_000  # cells; it takes about 50 us to write and compile one
TOGETHER = 400  # cells in a function: LLVM takes longer than in proportion over long ones


def is_straight(order: Sequence[Array]) -> bool:
    """Whether a program is written so: one of single numbers, up to a size."""
    return is_scalar(order) and sum([x.size for x in order]) <= MOST


class Straight:
    """Writes the functions of a program of single numbers.

    In the memory are the leaves, the results, and the cells that a later function reads.
    """

    def __init__(self, module: Module, order: Sequence[Array], results: Sequence[Array]) -> None:
        self.module, self.size = module, 0
        scalars = Scalars(order, lambda name: f"{name} ")
        self.place: dict[Array, int] = {}
        self.slot: dict[Cell, int] = {}
        for x in order:
            if isinstance(x, Leaf):
                self.place[x] = self.room(scalars.of[x])
        self.targets: list[tuple[int, Cell]] = []
        for x in results:
            if x not in self.place:
                self.place[x] = self.size
                self.targets += [(self.size + i, cell) for i, cell in enumerate(scalars.of[x])]
                self.size += x.size
        cells = read(scalars.made, [cell for _, cell in self.targets])
        self.blocks = [cells[i : i + TOGETHER] for i in range(0, len(cells), TOGETHER)]
        self.keep()
        for k in range(len(self.blocks)):
            self.module.function(f"block{k}", [("memory", POINTER, 1)], self.writer(k))

    def room(self, cells: Sequence[Cell]) -> int:
        """Places in the memory, one after the other: the first."""
        first = self.size
        self.slot.update({cell: first + i for i, cell in enumerate(cells)})
        self.size += len(cells)
        return first

    def keep(self) -> None:
        """Give those cells places that another function reads, and those that are results."""
        block = {cell: k for k, cells in enumerate(self.blocks) for cell in cells}
        far = [
            x for cell, k in block.items() for x in cell.operands if x in block and block[x] != k
        ]
        self.room(list(dict.fromkeys([*far, *[x for _, x in self.targets if x in block]])))

    def writer(self, k: int) -> Callable[[Region, Symbol], None]:
        """What writes one of the functions."""

        def write(region: Region, memory: Symbol) -> None:
            known: dict[Cell, Symbol] = {}

            def symbol(cell: Cell) -> Symbol:
                if cell not in known:
                    known[cell] = self.load(region, memory, cell)
                return known[cell]

            for cell in self.blocks[k]:
                known[cell] = computed(region, cell, list(map(symbol, cell.operands)))
                if cell in self.slot:
                    region.store(known[cell], region.at(memory, self.slot[cell]))

        return write

    def load(self, region: Region, memory: Symbol, cell: Cell) -> Symbol:
        """A cell from the memory, or a number."""
        if cell in self.slot:
            return region.load(region.at(memory, self.slot[cell]))
        return region.double(1.0 if cell is COUNT else float(cell.text))

    def run(self, region: Region, arguments: Symbol) -> None:
        """All functions in turn, and then the results to where they are read."""
        memory = region.load(arguments, POINTER)
        for k in range(len(self.blocks)):
            region.do(f"call void @block{k}({memory.typed})")
        for target, cell in self.targets:
            region.store(self.load(region, memory, cell), region.at(memory, target))

    # --- What the executor asks

    outputs: Sequence[Array] = ()
    tables: Sequence[int] = ()
    rows: Mapping[Array, int] = {}  # there are no examples

    @property
    def numbers(self) -> Floats:
        """The memory before the first run."""
        return np.zeros(self.size)

    @property
    def shared(self) -> int:
        """How many of these all examples share: there are none."""
        return self.size

    def start(self, x: Array) -> int:
        """The first cell of an array."""
        return self.place[x]

    def view(self, x: Array, memory: Floats) -> Floats:
        """An array where it lies."""
        strides = [8 * stride for stride in row_major(x.cells)]
        return np.ndarray(x.cells, float, memory, 8 * self.place[x], strides)


def computed(region: Region, cell: Cell, xs: list[Symbol]) -> Symbol:
    """What computes a cell."""
    if isinstance(cell.how, Op):
        return traced(cell.how, region, xs)
    if cell.how == "+":
        return reduce(lambda x, y: x + y, xs)
    return reduce(Namespace(region).maximum, xs)


def read(made: Sequence[Cell], wanted: Sequence[Cell]) -> list[Cell]:
    """The cells that some are computed from, and themselves, in order."""
    needed = set(wanted)
    for cell in reversed(made):
        if cell in needed:
            needed.update(cell.operands)
    return [cell for cell in made if cell in needed]
