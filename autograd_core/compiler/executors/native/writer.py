"""A program as a module: a function for each part of it, and one that runs them on all examples."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from autograd_core.compiler.executors.native.layout import LANES, ROW, TILE, Layout, cells_of
from autograd_core.compiler.executors.native.nests import Frame, write_nest
from autograd_core.compiler.executors.native.schedule import (
    Fill,
    Move,
    Nest,
    Share,
    Step,
    schedule,
)
from autograd_core.compiler.executors.native.text import (
    INTEGER,
    POINTER,
    Module,
    Region,
    Symbol,
    deepest,
    select,
)
from autograd_core.compiler.ir import Array, Cells, Floats, Leaf
from autograd_core.compiler.memory import Memory

TOGETHER = 12  # steps in a function: LLVM takes longer than in proportion over long ones
# What the code is told of a run, as whole numbers in a row; behind them the places of results
# that have a number for each example, and three numbers for each part of the inputs: where it is,
# its numbers an example, and its first row in the memory.
MEMORY, TABLES, EXAMPLES, ORDER, PARTS, MORE = range(6)


class Writer:
    """Writes the module of a program."""

    def __init__(
        self, module: Module, order: Sequence[Array], results: Sequence[Array], memory: Memory
    ) -> None:
        self.module, self.layout = module, Layout(order, memory)
        self.inputs = [x for x in order if isinstance(x, Leaf) and x.batched and x.size]
        self.outputs = [x for x in results if x.batched]
        self.parts = schedule(order, results, memory, self.layout)
        self.zero_sums()
        for k, steps in enumerate(self.parts):
            for j in range(0, len(steps), TOGETHER):
                some = steps[j : j + TOGETHER]
                arguments = [(POINTER, "memory"), (POINTER, "tables"), (INTEGER, "count")]
                arguments += [(INTEGER, "padded"), (INTEGER, "examples")]
                module.function(
                    f"part{k}.{j}",
                    [(name, kind, 1) for kind, name in arguments],
                    partial(self.write_steps, some),
                )

    def zero_sums(self) -> None:
        """Sums over the examples begin at 0, in the part before."""
        for before, part in zip(self.parts[::2], self.parts[1::2]):
            sums = [
                x
                for step in part
                if isinstance(step, Nest) and not step.first.batched
                for x in step.computes
            ]
            for fold, number in (("+", 0.0), ("max", -np.inf)):
                cells = [self.layout.cells(x)[:-1] for x in sums if x.fold == fold]
                if cells:
                    before.append(Fill(np.concatenate(cells), False, number))

    # --- What the executor asks

    @property
    def numbers(self) -> Floats:
        """The memory before the first run."""
        return self.layout.numbers

    @property
    def tables(self) -> list[int]:
        """The whole numbers that the code reads."""
        return self.layout.tables

    def view(self, x: Array, memory: Floats) -> Floats:
        """An array that all examples share, where it lies."""
        return self.layout.view(x, memory)

    def row(self, x: Array) -> int:
        """The first row of an array that each example has."""
        return self.layout.place[x].start

    # --- The parts

    def write_steps(self, steps: Sequence[Step], region: Region, *arguments: Symbol) -> None:
        """Steps in turn."""
        frame = Frame(self.layout, *arguments)
        for step in steps:
            WRITE[type(step)](frame, region, step)

    def run_part(self, k: int, region: Region, *arguments: Symbol) -> None:
        """Call a part's functions."""
        given = ", ".join([x.typed for x in arguments])
        for j in range(0, len(self.parts[k]), TOGETHER):
            region.do(f"call void @part{k}.{j}({given})")

    # --- All examples

    def run(self, region: Region, arguments: Symbol) -> None:
        """All parts: those for each example tile by tile."""
        memory = argument(region, arguments, MEMORY, POINTER)
        tables, n = argument(region, arguments, TABLES, POINTER), argument(region, arguments, EXAMPLES, INTEGER)
        order = argument(region, arguments, ORDER, POINTER)
        one = region.integer(1)
        for k, steps in enumerate(self.parts):
            if k % 2 == 0:
                self.run_part(k, region, memory, tables, one, one, n)
            elif steps or (self.outputs and k == 1):
                region.loop(
                    0, n, TILE, partial(self.tile, k, arguments, memory, tables, n, order)
                )

    def tile(
        self, k: int, arguments: Symbol, memory: Symbol, tables: Symbol, n: Symbol, order: Symbol,
        region: Region, start: Symbol, _: object,
    ) -> list[Symbol]:
        """A part for the examples of a tile."""
        left = n - start
        count = select(left < TILE, left, left.like(TILE))
        padded = (count + (LANES - 1)) & -LANES
        rows = region.at(memory, self.layout.first_row)
        if self.inputs:
            self.load(region, arguments, rows, count, padded, region.at(order, start, INTEGER))
        self.run_part(k, region, memory, tables, count, padded, n)
        for i, x in enumerate(self.outputs):
            if x in self.ready(k):
                pointer = argument(region, arguments, MORE + i, POINTER)
                self.put_out(region, x, rows, region.at(pointer, start), count, n, tables)
        return []

    def ready(self, k: int) -> Sequence[Array]:
        """The results that a part has for each example."""
        computed = {x for step in self.parts[k] if isinstance(step, Nest) for x in step.computes}
        return self.outputs

    def load(
        self, region: Region, arguments: Symbol, rows: Symbol, count: Symbol, padded: Symbol,
        order: Symbol,
    ) -> None:
        """Put the examples' inputs into rows; the last example once more where there is none."""
        first = MORE + len(self.outputs)

        def part(inner: Region, i: Symbol | int, _: object) -> list[Symbol]:
            own = inner.at(arguments, i * 3 + first, INTEGER)
            source = argument(inner, own, 0, POINTER)
            width, row = [argument(inner, own, k, INTEGER) for k in (1, 2)]

            def example(inner: Region, j: Symbol | int, _: object) -> list[Symbol]:
                last = count - 1
                place = select(j < last, j, last)
                at = inner.load(inner.at(order, place, INTEGER), INTEGER) * width
                inner.loop(0, width, 1, lambda innermost, c, _: innermost.store(
                    innermost.load(innermost.at(source, at + c)),
                    innermost.at(rows, (row + c) * ROW + j),
                ) or None)
                return []

            inner.loop(0, padded, 1, example)
            return []

        region.loop(0, argument(region, arguments, PARTS, INTEGER), 1, part)

    def put_out(
        self, region: Region, x: Array, rows: Symbol, pointer: Symbol, count: Symbol, n: Symbol,
        tables: Symbol,
    ) -> None:
        """Copy a result's rows to where all examples' are."""
        cell = cells_in(self.layout, tables, cells_of(self.layout.place[x], x.cells).ravel())

        def row(inner: Region, i: Symbol | int, _: object) -> list[Symbol]:
            start, target = cell(inner, i) * ROW, n * i
            inner.loop(0, count, 1, lambda innermost, j, _: innermost.store(
                innermost.load(innermost.at(rows, start + j)), innermost.at(pointer, target + j)
            ) or None)
            return []

        region.loop(0, x.size, 1, row)


def argument(region: Region, arguments: Symbol, i: int, kind: str) -> Symbol:
    """A whole number from a row of them, or the pointer that it is."""
    return region.load(region.at(arguments, i, INTEGER), kind)


# --- Steps -----------------------------------------------------------------------------------


def write_move(frame: Frame, region: Region, move: Move) -> None:
    """A loop over cells, and over the examples where there are any."""
    zero, real = move.source < 0, move.source >= 0
    if zero.any() and not move.add:
        write_fill(frame, region, Fill(move.target[zero], move.batched))
    source = cells_in(frame.layout, frame.tables, move.source[real])
    target = cells_in(frame.layout, frame.tables, move.target[real])

    def cell(inner: Region, i: Symbol | int, _: object) -> list[Symbol]:
        x, z = source(inner, i), target(inner, i)

        def numbers(inner: Region, j: Symbol | int, _: object) -> list[Symbol]:
            lanes = LANES if move.batched else 1
            found = number_at(frame, inner, x, j, move.from_batched)
            place = pointer_to(frame, inner, z, j, move.batched)
            if move.add:
                found = inner.load(place, lanes=lanes) + found
            inner.store(found.wide(lanes), place)
            return []

        if move.batched:
            inner.loop(0, frame.padded, LANES, numbers)
        else:
            numbers(inner, 0, None)
        return []

    region.loop(0, int(real.sum()), 1, cell)


def number_at(frame: Frame, region: Region, cell: Symbol, j: Symbol | int, batched: bool) -> Symbol:
    """The number in a cell, or those of some examples."""
    place = pointer_to(frame, region, cell, j, batched)
    return region.load(place, lanes=LANES if batched else 1)


def pointer_to(
    frame: Frame, region: Region, cell: Symbol, j: Symbol | int, batched: bool
) -> Symbol:
    """Where a cell is, or an example in its row."""
    offset = cell * ROW + frame.layout.first_row + j if batched else cell
    return region.at(frame.memory, offset)


def write_fill(frame: Frame, region: Region, fill: Fill) -> None:
    """Runs of cells, as vectors as far as they go."""
    unit = ROW if fill.batched else 1
    base = frame.layout.first_row if fill.batched else 0
    cells = np.unique(fill.cells)
    number = region.double(fill.number)
    for run in np.split(cells, np.flatnonzero(np.diff(cells) > 1) + 1):
        start, size = base + int(run[0]) * unit, run.size * unit
        whole = size // LANES * LANES
        for begin, end, lanes in ((0, whole, LANES), (whole, size, 1)):
            region.loop(begin, end, lanes, lambda inner, i, _, lanes=lanes, start=start: inner.store(
                number.wide(lanes), inner.at(frame.memory, i + start)
            ) or None)


def write_share(frame: Frame, region: Region, share: Share) -> None:
    """A constant's numbers, divided by the number of examples or multiplied by it."""
    x = share.constant
    raw, place = frame.layout.raw[x], frame.layout.place[x]
    n = frame.examples.converted("sitofp", "double")
    factor = region.double(1.0)
    for _ in range(abs(x.power)):
        factor = factor * n if x.power > 0 else factor / n
    source = cells_in(frame.layout, frame.tables, cells_of(raw, x.cells).ravel())
    target = cells_in(frame.layout, frame.tables, cells_of(place, x.cells).ravel())

    def cell(inner: Region, i: Symbol | int, _: object) -> list[Symbol]:
        z = inner.load(inner.at(frame.memory, source(inner, i))) * factor
        inner.store(z, inner.at(frame.memory, target(inner, i)))
        return []

    region.loop(0, x.size, 1, cell)


def cells_in(layout: Layout, tables: Symbol, cells: Cells) -> Callable[[Region, Symbol | int], Symbol]:
    """The i-th of some cells: by a stride where they are regular, from a table where not."""
    first = int(cells[0]) if cells.size else 0
    step = int(cells[1]) - first if cells.size > 1 else 0
    if np.array_equal(cells, first + step * np.arange(cells.size)):
        return lambda region, i: region.integer(first) + i * step if isinstance(i, int) else i * step + first
    start = layout.table(cells)
    return lambda region, i: region.load(region.at(tables, i + start, INTEGER), INTEGER)


WRITE: dict[type, Callable[..., None]] = {
    Nest: write_nest,
    Move: write_move,
    Fill: write_fill,
    Share: write_share,
}
