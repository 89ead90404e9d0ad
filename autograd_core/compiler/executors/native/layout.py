"""Where the code finds its numbers: one row of doubles, and one of whole numbers.

First come the cells that all examples share, constants among them; then a row for each cell that
every example has. A row holds a tile: so many examples are taken through the program at a time,
and what is between is still in the cache when it is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from autograd_core.compiler.ir import Array, Cells, Constant, Floats
from autograd_core.compiler.memory import Home, Memory, cells_at, row_major

LANES = 8  # examples are taken eight at a time: in one, two or four registers
TILE = 64  # examples
ROW = TILE + LANES  # so that rows do not all fall into the same lines of the cache


class Place(NamedTuple):
    """The first cell of an array, and the steps between cells along each axis."""

    start: int
    strides: tuple[int, ...]
    batched: bool


class Layout:
    """Places for arrays; `numbers` is what is in the memory before the first run."""

    def __init__(self, order: Sequence[Array], memory: Memory) -> None:
        self.size, self.rows = 0, 0
        self.place: dict[Array, Place] = {}
        self.raw: dict[Constant, Place] = {}  # those that depend on the number of examples
        self.tables: list[int] = []
        bases = [self.room(buffer.size, batched=buffer.batched) for buffer in memory.buffers]
        for x in order:
            if x in memory.home:
                home = memory.home[x]
                batched = memory.buffers[home.buffer].batched
                self.place[x] = Place(bases[home.buffer] + home.start, home.strides, batched)
            else:
                self.place[x] = self.new(x)
        self.raw = {x: self.new(x) for x in order if isinstance(x, Constant) and x.power}
        self.first_row = -(-self.size // LANES) * LANES
        self.numbers = np.zeros(self.first_row + self.rows * ROW)
        for x in order:
            if isinstance(x, Constant):
                self.numbers[cells_of(self.raw.get(x, self.place[x]), x.cells)] = x.numbers

    def room(self, size: int, *, batched: bool) -> int:
        """Place for so many cells: the first."""
        first = self.rows if batched else self.size
        if batched:
            self.rows += size
        else:
            self.size += size
        return first

    def new(self, x: Array) -> Place:
        """A place of its own."""
        return Place(self.room(x.size, batched=x.batched), row_major(x.cells), x.batched)

    def cells(self, *arrays: Array) -> Cells:
        """The cells of arrays laid end to end, and -1 last for what is in none of them."""
        found = [cells_of(self.place[x], x.cells).ravel() for x in arrays]
        return np.concatenate([*found, [-1]])

    def view(self, x: Array, memory: Floats) -> Floats:
        """An array that all examples share, where it lies."""
        place = self.place[x]
        steps = [8 * stride for stride in place.strides]
        return np.ndarray(x.cells, float, memory, 8 * place.start, steps)

    def table(self, numbers: Cells) -> int:
        """Put whole numbers into the table: where they begin."""
        first = len(self.tables)
        self.tables += numbers.ravel().tolist()
        return first


def cells_of(place: Place, cells: Sequence[int]) -> Cells:
    """The cells of a place."""
    return cells_at(Home(0, place.start, place.strides), cells)
