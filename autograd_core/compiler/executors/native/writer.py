"""A program as a module: a function for each part of it, and one that runs them on all examples."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from autograd_core.compiler.executors.native.layout import LANES, ROW, TILE, Layout, cells_of
from autograd_core.compiler.executors.native.nests import in_lanes, write_nest
from autograd_core.compiler.executors.native.points import Frame
from autograd_core.compiler.executors.native.regions import Module, Region
from autograd_core.compiler.executors.native.schedule import (
    Fill,
    Move,
    Nest,
    Part,
    Share,
    Step,
    parts,
)
from autograd_core.compiler.executors.native.symbols import INTEGER, POINTER, Symbol, select
from autograd_core.compiler.ir import Array, Cells, Floats, Leaf
from autograd_core.compiler.memory import Memory

TOGETHER = 12  # steps in a function: LLVM takes longer than in proportion over long ones
# What the code is told of a run, as whole numbers in a row, and room for a mean; behind them the
# places of results that have a number for each example, and three numbers for each part of the
# inputs: where it is, its numbers an example, and its first row in the memory.
MEMORY, TABLES, EXAMPLES, ORDER, PARTS, MEAN, MORE = range(7)


class Writer:
    """Writes the module of a program."""

    def __init__(
        self, module: Module, order: Sequence[Array], results: Sequence[Array], memory: Memory
    ) -> None:
        self.module, self.layout = module, Layout(order, memory)
        self.inputs = [x for x in order if isinstance(x, Leaf) and x.batched and x.size]
        self.outputs = [x for x in results if x.batched]
        self.arrays = parts(order, results)
        self.parts = [Part(part, results, order, memory, self.layout).steps for part in self.arrays]
        self.zero_sums()
        for k, steps in enumerate(self.parts):
            for j in range(0, len(steps), TOGETHER):
                some = steps[j : j + TOGETHER]
                arguments = [(POINTER, "memory"), (POINTER, "tables"), (INTEGER, "here")]
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
    def shared(self) -> int:
        """How many of these all examples share; rows follow."""
        return self.layout.first_row

    @property
    def tables(self) -> list[int]:
        """The whole numbers that the code reads."""
        return self.layout.tables

    def view(self, x: Array, memory: Floats) -> Floats:
        """An array that all examples share, where it lies."""
        return self.layout.view(x, memory)

    def start(self, x: Array) -> int:
        """The first cell of an array that all examples share."""
        return self.layout.place[x].start

    @property
    def rows(self) -> dict[Array, int]:
        """The first row of each array of inputs."""
        return {x: self.layout.place[x].start for x in self.inputs}

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
        memory, tables = [argument(region, arguments, i, POINTER) for i in (MEMORY, TABLES)]
        n, one = argument(region, arguments, EXAMPLES, INTEGER), region.integer(1)
        for k, arrays in enumerate(self.arrays):
            if k % 2 == 0:
                self.run_part(k, region, memory, tables, one, one, n)
            elif arrays:
                region.each(0, n, TILE, partial(self.tile, k, arguments, memory, tables, n))

    def tile(
        self,
        k: int,
        arguments: Symbol,
        memory: Symbol,
        tables: Symbol,
        n: Symbol,
        region: Region,
        start: Symbol,
    ) -> None:
        """A part for the examples of a tile."""
        left = n - start
        here = select(left < TILE, left, left.like(TILE))
        padded = (here + (LANES - 1)) & -LANES
        rows = region.at(memory, self.layout.first_row)
        if self.inputs:
            order = region.at(argument(region, arguments, ORDER, POINTER), start, INTEGER)
            self.load(region, arguments, rows, here, order)
        self.run_part(k, region, memory, tables, here, padded, n)
        for i, x in enumerate(self.outputs):
            if x in self.arrays[k]:
                place = region.at(argument(region, arguments, MORE + i, POINTER), start)
                cell = cells_in(
                    self.layout, tables, cells_of(self.layout.place[x], x.cells).ravel()
                )
                put_out(region, x.size, cell, rows, place, here, n)

    def load(
        self, region: Region, arguments: Symbol, rows: Symbol, here: Symbol, order: Symbol
    ) -> None:
        """Put the examples' inputs into rows; the last example once more where there is none.

        That is in eight places, for which every row has room.
        """
        first = MORE + len(self.outputs)

        def part(inner: Region, i: Any) -> None:
            own = inner.at(arguments, i * 3 + first, INTEGER)
            source = argument(inner, own, 0, POINTER)
            width, row = [argument(inner, own, k, INTEGER) for k in (1, 2)]

            def number(inner: Region, c: Any) -> None:
                column, target = inner.at(source, c), inner.at(rows, (row + c) * ROW)

                def example(inner: Region, j: Any) -> None:
                    at = inner.load(inner.at(order, j, INTEGER), INTEGER) * width
                    inner.store(inner.load(inner.at(column, at)), inner.at(target, j))

                inner.each(0, here, 1, example)
                last = inner.load(inner.at(target, here - 1))
                inner.store(last.wide(LANES), inner.at(target, here))

            inner.each(0, width, 1, number)

        region.each(0, argument(region, arguments, PARTS, INTEGER), 1, part)


def put_out(
    region: Region,
    size: int,
    cell: Callable[[Region, Any], Symbol],
    rows: Symbol,
    place: Symbol,
    here: Symbol,
    n: Symbol,
) -> None:
    """Copy rows, each the i-th cell's, to where those of all examples are."""

    def row(inner: Region, i: Any) -> None:
        start, target = cell(inner, i) * ROW, n * i

        def number(inner: Region, j: Any) -> None:
            inner.store(inner.load(inner.at(rows, start + j)), inner.at(place, target + j))

        inner.each(0, here, 1, number)

    region.each(0, size, 1, row)


def argument(region: Region, arguments: Symbol, i: int, kind: str) -> Symbol:
    """A whole number from a row of them, or the pointer that it is."""
    return region.load(region.at(arguments, i, INTEGER), kind)


# --- Steps -----------------------------------------------------------------------------------


def write_move(frame: Frame, region: Region, move: Move) -> None:
    """A loop over cells, and over the examples where there are any."""
    real = move.source >= 0
    if not (real.all() or move.add):
        write_fill(frame, region, Fill(move.target[~real], move.batched))
    cells = move.source[real], move.target[real]
    length = length_of_runs(*cells)
    if not move.batched and length >= LANES // 2:
        write_runs(frame, region, *cells, length, add=move.add)
        return
    source, target = [cells_in(frame.layout, frame.tables, some) for some in cells]
    lanes = LANES if move.batched else 1

    def cell(inner: Region, i: Any) -> None:
        x = place_of(frame, source(inner, i), batched=move.from_batched)
        z = place_of(frame, target(inner, i), batched=move.batched)

        def numbers(inner: Region, j: Any) -> None:
            each = move.from_batched
            found = inner.load(inner.at(x, j if each else 0), lanes=lanes if each else 1)
            if move.add:
                found = inner.load(inner.at(z, j), lanes=lanes) + found
            inner.store(found.wide(lanes), inner.at(z, j))

        inner.each(0, frame.padded if move.batched else 1, lanes, numbers)

    region.each(0, int(real.sum()), 1, cell)


def write_runs(
    frame: Frame, region: Region, source: Cells, target: Cells, length: int, *, add: bool
) -> None:
    """Runs of cells that follow each other, copied or added in lanes."""
    starts = [cells_in(frame.layout, frame.tables, some[::length]) for some in (source, target)]

    def run(inner: Region, k: Any) -> None:
        x, z = [inner.at(frame.memory, start(inner, k)) for start in starts]

        def move(inner: Region, i: Any, lanes: int) -> None:
            found, place = inner.load(inner.at(x, i), lanes=lanes), inner.at(z, i)
            inner.store(inner.load(place, lanes=lanes) + found if add else found, place)

        in_lanes(inner, length, move)

    region.each(0, source.size // length, 1, run)


def length_of_runs(*cells: Cells) -> int:
    """The largest length in which runs of cells that follow each other can be cut up."""
    breaks = np.logical_or.reduce([np.diff(some) != 1 for some in cells])
    starts = np.concatenate([[0], np.flatnonzero(breaks) + 1, [cells[0].size]])
    return int(np.gcd.reduce(np.diff(starts)))


def place_of(frame: Frame, cell: Symbol, *, batched: bool) -> Symbol:
    """Where a cell is, or its row."""
    offset = cell * ROW + frame.layout.first_row if batched else cell
    return cell.region.at(frame.memory, offset)


def write_fill(frame: Frame, region: Region, fill: Fill) -> None:
    """Runs of cells, as vectors as far as they go."""
    unit = ROW if fill.batched else 1
    base = frame.layout.first_row if fill.batched else 0
    cells = np.unique(fill.cells)
    number = region.double(fill.number)
    for run in np.split(cells, np.flatnonzero(np.diff(cells) > 1) + 1):
        first = region.at(frame.memory, base + int(run[0]) * unit)

        def put(inner: Region, i: Any, lanes: int, first: Symbol = first) -> None:
            inner.store(number.wide(lanes), inner.at(first, i))

        in_lanes(region, run.size * unit, put)


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

    def cell(inner: Region, i: Any) -> None:
        z = inner.load(inner.at(frame.memory, source(inner, i))) * factor
        inner.store(z, inner.at(frame.memory, target(inner, i)))

    region.each(0, x.size, 1, cell)


def cells_in(layout: Layout, tables: Symbol, cells: Cells) -> Callable[[Region, Any], Symbol]:
    """The i-th of some cells: by a stride where they are regular, from a table where not."""
    first = int(cells[0]) if cells.size else 0
    step = int(cells[1]) - first if cells.size > 1 else 0
    if np.array_equal(cells, first + step * np.arange(cells.size)):
        return lambda region, i: region.integer(first) + i * step
    start = layout.table(cells)
    return lambda region, i: region.load(region.at(tables, i + start, INTEGER), INTEGER)


WRITE: dict[type, Callable[..., None]] = {
    Nest: write_nest,
    Move: write_move,
    Fill: write_fill,
    Share: write_share,
}
