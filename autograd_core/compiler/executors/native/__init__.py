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
`epochs` tells the loop of a training what to do, and `wasm` writes a file for browsers, which
`program.mjs` loads.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from autograd_core.compiler.executors import Outcome
from autograd_core.compiler.executors.native import epochs, exceptions
from autograd_core.compiler.executors.native.layout import LANES
from autograd_core.compiler.executors.native.machine import Machine, Processor, compiled, host
from autograd_core.compiler.executors.native.nests import mean_of
from autograd_core.compiler.executors.native.regions import Module, Region
from autograd_core.compiler.executors.native.straight import Straight, is_straight
from autograd_core.compiler.executors.native.symbols import INTEGER, POINTER, Symbol
from autograd_core.compiler.executors.native.writer import (
    EXAMPLES,
    MEAN,
    MORE,
    ORDER,
    PARTS,
    Writer,
    argument,
)
from autograd_core.compiler.ir import Array, Floats, Leaf, needed
from autograd_core.compiler.memory import plan
from autograd_core.compiler.training import Steps, Taken

COPIED = 4096  # numbers up to which it is quicker to copy an argument than to ask where it is
FINITE = 1 << 16  # beside the flags: that the last result is
MANY = 2**20  # numbers
SIZES = 64  # of batches that are kept prepared


class Call(NamedTuple):
    """What is prepared for a number of examples: where to put what is given, and what comes out.

    A target that is None is large: the code is told where what is given lies, at this place of
    the row of arguments. `fine` is what comes of a run in which nothing was noticed.
    """

    names: list[str]
    targets: list[tuple[Floats | None, int]]
    arguments: Any
    pointer: int
    fine: Outcome
    order: Any  # of the examples, which is only kept alive


class NativeExecutor:
    """Machine code, and its memory; `text` is what LLVM has made it from."""

    def __init__(
        self,
        order: Sequence[Array],
        results: Sequence[Array],
        processor: Processor | None = None,
    ) -> None:
        order = needed(order, results)
        self.results, self.processor = list(results), processor or host()
        self.writer = written(order, results, self.processor.module())
        self.text = str(self.writer.module)
        self.machine = Machine(compiled(self.text, self.processor))
        self.function = self.machine.function("run", ctypes.c_void_p)
        self.memory = at_vectors(self.writer.numbers)
        self.tables = np.array([*self.writer.tables, 0], np.int64)
        self.leaves = [x for x in order if isinstance(x, Leaf) and x.size]
        self.places = epochs.places_of(order)
        self.calls: dict[int | None, Call] = {}
        self.courses: dict[Any, epochs.Course] = {}
        self.loops: dict[Any, Any] = {}

    def run(self, leaves: Mapping[str, Sequence[Floats]], n: int | None) -> Outcome:
        """Compute the results for n examples."""
        call = self.calls.get(n) or self.prepare(leaves, n)
        given = [part for name in call.names for part in leaves[name]]
        lying = []
        for (target, place), part in zip(call.targets, given):
            if target is not None:
                target[...] = part
            else:
                lying.append(np.ascontiguousarray(part, float))
                call.arguments[place] = lying[-1].ctypes.data
        noticed = self.function(call.pointer)
        if noticed == FINITE:
            return call.fine
        return call.fine._replace(suspicious=noticed & ~FINITE != 0, finite=noticed & FINITE != 0)

    def prepare(self, leaves: Mapping[str, Sequence[Floats]], n: int | None) -> Call:
        """What a number of examples takes; the oldest of many are forgotten."""
        count = n or 1
        order, outputs = np.arange(count), self.outputs(count)
        arguments = self.arguments(count, outputs.values())
        arguments[ORDER] = order.ctypes.data
        targets: list[tuple[Floats | None, int]] = []
        for x in self.leaves:
            start = 0
            for part in leaves[x.name]:
                width = part.shape[-1]
                if x.batched:
                    staged = np.empty((count, width)) if count * width <= COPIED else None
                    targets.append((staged, len(arguments)))
                    self.describe(arguments, staged, x, start, width)
                else:
                    targets.append((self.writer.view(x, self.memory)[start : start + width], 0))
                start += width
        row = np.array(arguments, np.int64)
        results = [
            outputs[x] if x.batched else self.writer.view(x, self.memory) for x in self.results
        ]
        if sum([x.size for x in outputs.values()]) > MANY:
            self.calls.clear()  # what takes much room is kept alone
        elif len(self.calls) >= SIZES:
            del self.calls[next(iter(self.calls))]
        mean = row[MEAN : MEAN + 1].view(float) if has_mean(self.results) else None
        names, fine = [x.name for x in self.leaves], Outcome(results, False, True, mean)
        self.calls[n] = Call(names, targets, row, row.ctypes.data, fine, order)
        return self.calls[n]

    def shared(self, name: str) -> Floats:
        """A leaf that all examples share, where it lies."""
        (leaf,) = [x for x in self.leaves if x.name == name]
        return self.writer.view(leaf, self.memory)

    # --- What the code is told

    def outputs(self, count: int) -> dict[Array, Floats]:
        """Room for the results that have a number for each example."""
        return {x: np.empty((*x.cells, count)) for x in self.writer.outputs}

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
            arguments += [at, width, self.writer.rows[x] + start]
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
        if view is None or not view.flags.c_contiguous:
            return noticed
        memory = region.load(arguments, POINTER)
        finite = exceptions.all_finite(region, region.at(memory, writer.start(last)), last.size)
        return noticed | (finite.converted("zext", INTEGER) * FINITE)

    given = [("arguments", POINTER, 1)]
    module.function("all", given, writer.run, exported=True)
    module.function("run", given, run, exported=True)
    return writer


def has_mean(results: Sequence[Array]) -> bool:
    """Whether the first result is a number for each example."""
    return results[0].batched and not results[0].cells


def at_vectors(numbers: Floats) -> Floats:
    """A copy that begins where vectors do."""
    room = np.zeros(numbers.size + LANES)
    first = -room.ctypes.data // 8 % LANES
    room[first : first + numbers.size] = numbers
    return room[first : first + numbers.size]
