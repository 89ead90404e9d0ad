"""Native: a program as machine code, by LLVM; docs/native.md goes along with one neuron.

    schedule     what is computed in one nest of loops        -> parts, of steps
    layout       where the code finds its numbers             -> places
    nests        a nest's loops, by tiles that fit registers
    points       the middle of the loops, and what is known there
    straight     programs of single numbers, which have no loops
    writer       all of a program                             -> a module
    training     the loop over the steps of a training        -> another
    machine      a module, for a processor                    -> machine code, kept by `cache`

They write by way of `symbols`, numbers with the operators of NumPy's arrays, which write down what
is done with them, in `regions`, the lines and loops of LLVM's language. So an op's own form on
arrays is code as soon as it is called, with `namespace` in NumPy's place; `elementary` has exp, log,
tanh, sin and their kin for all lanes at once. `exceptions` asks the processor what went wrong,
`calls` has what a call takes, `epochs` tells the loop of a training what to do, and `wasm` writes a
file for browsers, which `program.mjs` loads.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from autograd_core.compiler.executors import Entry, Outcome
from autograd_core.compiler.executors.native import epochs, exceptions
from autograd_core.compiler.executors.native.calls import FINITE, Call, has_mean
from autograd_core.compiler.executors.native.layout import LANES
from autograd_core.compiler.executors.native.machine import Machine, Processor, compiled, host
from autograd_core.compiler.executors.native.nests import mean_of
from autograd_core.compiler.executors.native.regions import Module, Region
from autograd_core.compiler.executors.native.straight import Straight, is_straight
from autograd_core.compiler.executors.native.symbols import INTEGER, POINTER, Symbol, select
from autograd_core.compiler.executors.native.writer import (
    EXAMPLES,
    MEAN,
    MORE,
    PARTS,
    Writer,
    argument,
)
from autograd_core.compiler.ir import Array, Floats, Leaf, needed
from autograd_core.compiler.memory import plan
from autograd_core.compiler.training import Steps, Taken

MANY = 2**20  # numbers
SIZES = 64  # of batches that are kept prepared
SHORT = 1000.0  # nanoseconds: so long, no other thread is let run


class NativeExecutor:
    """Machine code, and its memory: of what wrote it, no more than it takes to call it is kept."""

    def __init__(
        self,
        order: Sequence[Array],
        results: Sequence[Array],
        processor: Processor | None = None,
    ) -> None:
        order = needed(order, results)
        self.results, self.processor = list(results), processor or host()
        writer = written(order, results, self.processor.module())
        self.machine = Machine(compiled(str(writer.module), self.processor))
        self.function = self.machine.function("run", ctypes.c_void_p)
        self.has_value = "value" in writer.module.functions
        self.memory = at_vectors(writer.numbers)
        self.tables = np.array([*writer.tables, 0], np.int64)
        self.leaves = [x for x in order if isinstance(x, Leaf) and x.size]
        self.outputs, self.rows = list(writer.outputs), dict(writer.rows)
        shared = [x for x in (*self.leaves, *results) if not x.batched]
        self.views = {x: writer.view(x, self.memory) for x in shared}
        self.places = epochs.places_of(order)
        self.calls: dict[int | None, Call] = {}
        self.courses: dict[Any, epochs.Course] = {}
        self.loops: dict[Any, epochs.Loop | None] = {}

    def run(self, leaves: Mapping[str, Sequence[Floats]], n: int | None) -> Outcome:
        """Compute the results for n examples."""
        return (self.calls.get(n) or self.prepare(leaves, n)).run(leaves)

    def prepare(self, leaves: Mapping[str, Sequence[Floats]], n: int | None) -> Call:
        """What a number of examples takes; the oldest of many are forgotten."""
        call = Call(self, leaves, n)
        if call.numbers > MANY:
            self.calls.clear()  # what takes much room is kept alone
        elif len(self.calls) >= SIZES:
            del self.calls[next(iter(self.calls))]
        self.calls[n] = call
        return call

    def entry(self, shapes: Mapping[str, Sequence[tuple[int, ...]]], n: int | None) -> Entry | None:
        """The way in that looks at nothing, if all that is given is copied."""
        call = self.calls.get(n)  # which another thread may have had forgotten
        targets = call.targets(shapes) if call else None
        if call is None or targets is None or not self.has_value:
            return None
        is_short = self.places * (n or 1) * epochs.PER_PLACE < SHORT
        make = self.machine.short_function if is_short else self.machine.function
        function = make("value", ctypes.c_void_p, result=ctypes.c_double)
        return Entry(targets, function, call.pointer, call.fine.results[-1], call)

    def shared(self, name: str) -> Floats:
        """A leaf that all examples share, where it lies."""
        (leaf,) = [x for x in self.leaves if x.name == name]
        return self.views[leaf]

    # --- What the code is told

    def rooms(self, count: int) -> dict[Array, Floats]:
        """Room for the results that have a number for each example."""
        return {x: np.empty((*x.cells, count)) for x in self.outputs}

    def arguments(self, count: int, outputs: Iterable[Floats]) -> list[int]:
        """The row of arguments, as far as it goes without inputs and their order."""
        memory, tables = self.memory.ctypes.data, self.tables.ctypes.data
        return [memory, tables, count, 0, 0, 0, *[x.ctypes.data for x in outputs]]

    def describe(
        self, arguments: list[int], part: Floats | None, x: Array, start: int, width: int
    ) -> None:
        """Tell the code of a part of the inputs, if there is anything in it."""
        if width:
            at = 0 if part is None else part.ctypes.data
            arguments += [at, width, self.rows[x] + start]
            arguments[PARTS] += 1

    # --- Training

    def take(self, leaves: Mapping[str, Sequence[Floats]], steps: Steps) -> Taken:
        """Many steps at once, as far as all numbers are finite."""
        return epochs.take(self, leaves, steps)


def written(order: Sequence[Array], results: Sequence[Array], module: Module) -> Writer | Straight:
    """Write a program into a module: its function `run` says what was noticed on the way."""
    writer: Writer | Straight
    if is_straight(order):
        writer = Straight(module, order, results)
    else:
        writer = Writer(module, order, results, plan(order, results))
    last = results[-1]
    view = None if last.batched else writer.view(last, np.zeros(writer.numbers.size))
    is_row = view is not None and view.flags.c_contiguous

    def run(region: Region, arguments: Symbol) -> Symbol:
        exceptions.clear(region)
        region.do(f"call void @all({arguments.typed})")
        noticed = exceptions.seen(region)
        if has_mean(results):
            first, n = (
                argument(region, arguments, MORE, POINTER),
                argument(region, arguments, EXAMPLES, INTEGER),
            )
            region.store(mean_of(region, first, n), region.at(arguments, MEAN))
        if not is_row:
            return noticed
        memory = region.load(arguments, POINTER)
        finite = exceptions.all_finite(region, region.at(memory, writer.start(last)), last.size)
        return noticed | (finite.converted("zext", INTEGER) * FINITE)

    def value(region: Region, arguments: Symbol) -> Symbol:
        noticed = Symbol(region, region.let(f"call i64 @run({arguments.typed})"), INTEGER)
        place = region.at(arguments, MEAN)
        if not results[0].batched:
            place = region.at(region.load(arguments, POINTER), writer.start(results[0]))
        number = region.load(place)
        return select((noticed == FINITE) & (number * 0.0 == 0.0), number, number.like(math.nan))

    given = [("arguments", POINTER, 1)]
    module.function("all", given, writer.run, exported=True)
    module.function("run", given, run, exported=True)
    if is_row and not results[0].cells:
        module.function("value", given, value, exported=True)
    return writer


def at_vectors(numbers: Floats) -> Floats:
    """A copy that begins where vectors do."""
    room = np.zeros(numbers.size + LANES)
    first = -room.ctypes.data // 8 % LANES
    room[first : first + numbers.size] = numbers
    return room[first : first + numbers.size]
