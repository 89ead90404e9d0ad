"""Native: a program as machine code, by LLVM.

    schedule     what is computed in one nest of loops       -> parts, of steps
    layout       where the code finds its numbers            -> places
    nests        a nest's loops, by tiles that fit registers -> text
    text         LLVM's language: regions, and symbols with the operators of NumPy's arrays
    namespace    NumPy's functions on symbols, so that every op's own form on arrays is traced
    elementary   exp, log, tanh, sin and their kin, in all lanes at once
    writer       all of a program                            -> a module
    machine      a module                                    -> machine code
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from autograd_core.compiler.executors import Outcome
from autograd_core.compiler.executors.native import exceptions
from autograd_core.compiler.executors.native.layout import LANES
from autograd_core.compiler.executors.native.machine import Machine, compiled
from autograd_core.compiler.executors.native.straight import Straight, is_straight
from autograd_core.compiler.executors.native.text import POINTER, Module, Region, Symbol
from autograd_core.compiler.executors.native.writer import Writer
from autograd_core.compiler.ir import Array, Floats, Leaf, needed
from autograd_core.compiler.memory import plan

COPIED = 4096  # numbers up to which it is quicker to copy an argument than to ask where it is
SIZES = 64  # of batches that are kept prepared


class Call(NamedTuple):
    """What is prepared for a number of examples: where to put what is given, and what comes out.

    A target of None is large: the code is told where what is given lies, at this place of the row
    of arguments.
    """

    names: list[str]
    targets: list[tuple[Floats | None, int]]
    arguments: Any
    pointer: int
    results: list[Floats]
    order: Any  # of the examples, which is only kept alive


class NativeExecutor:
    """Machine code, and its memory; `text` is what LLVM has made it from."""

    def __init__(self, order: Sequence[Array], results: Sequence[Array]) -> None:
        order = needed(order, results)
        self.results = results
        self.writer = written(order, results)
        self.text = str(self.writer.module)
        self.machine = Machine(compiled(self.text))
        self.function = self.machine.function("run", ctypes.c_void_p)
        self.memory = at_vectors(self.writer.numbers)
        self.tables = np.array([*self.writer.tables, 0], np.int64)
        self.leaves = [x for x in order if isinstance(x, Leaf) and x.size]
        self.calls: dict[int | None, Call] = {}

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
        flags = self.function(call.pointer)
        return Outcome(call.results, bool(flags))

    def prepare(self, leaves: Mapping[str, Sequence[Floats]], n: int | None) -> Call:
        """What a number of examples takes; the oldest of many are forgotten."""
        count = n or 1
        order = np.arange(count)
        outputs = {x: np.empty((*x.cells, count)) for x in self.writer.outputs}
        given = [self.memory.ctypes.data, self.tables.ctypes.data, count, order.ctypes.data, 0]
        given += [x.ctypes.data for x in outputs.values()]
        targets: list[tuple[Floats | None, int]] = []
        for x in self.leaves:
            start = 0
            for part in leaves[x.name]:
                width = part.shape[-1]
                if not x.batched:
                    targets.append((self.writer.view(x, self.memory)[start : start + width], 0))
                else:
                    staged = np.empty((count, width)) if count * width <= COPIED else None
                    targets.append((staged, len(given)))
                    row = self.writer.row(x) + start
                    if width:
                        given += [0 if staged is None else staged.ctypes.data, width, width, row]
                        given[4] += 1
                start += width
        arguments = np.array(given, np.int64)
        results = [outputs[x] if x.batched else self.writer.view(x, self.memory) for x in self.results]
        names = [x.name for x in self.leaves]
        if len(self.calls) >= SIZES:
            del self.calls[next(iter(self.calls))]
        self.calls[n] = Call(names, targets, arguments, arguments.ctypes.data, results, order)
        return self.calls[n]


def written(order: Sequence[Array], results: Sequence[Array]) -> Writer | Straight:
    """The module of a program, with a function `run` that says what was noticed on the way."""
    module = Module()
    straight = is_straight(order)
    writer = (
        Straight(module, order, results)
        if straight
        else Writer(module, order, results, plan(order, results))
    )

    def run(region: Region, arguments: Symbol) -> Symbol:
        exceptions.clear(region)
        region.do(f"call void @all({arguments.typed})")
        return exceptions.seen(region)

    given = [("arguments", POINTER, 1)]
    module.function("all", given, writer.run)
    module.function("run", given, run, exported=True)
    return writer


def at_vectors(numbers: Floats) -> Floats:
    """A copy that begins where vectors do."""
    room = np.zeros(numbers.size + LANES)
    first = -room.ctypes.data // 8 % LANES
    room[first : first + numbers.size] = numbers
    return room[first : first + numbers.size]
