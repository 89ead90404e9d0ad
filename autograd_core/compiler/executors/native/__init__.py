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

import numpy as np

from autograd_core.compiler.executors import Outcome
from autograd_core.compiler.executors.native.layout import LANES
from autograd_core.compiler.executors.native.machine import Machine, compiled
from autograd_core.compiler.executors.native.text import Module
from autograd_core.compiler.executors.native.writer import EXAMPLES, MEMORY, MORE, ORDER, PARTS, TABLES, Writer
from autograd_core.compiler.ir import Array, Floats, Leaf, needed
from autograd_core.compiler.memory import plan

COPIED = 4096  # numbers up to which it is quicker to copy an argument than to ask where it is


class NativeExecutor:
    """Machine code, its memory, and what it is told at each run."""

    def __init__(self, order: Sequence[Array], results: Sequence[Array]) -> None:
        order = needed(order, results)
        writer = Writer(Module(), order, results, plan(order, results))
        module = writer.finish()
        self.text = str(module)
        self.machine = Machine(compiled(self.text))
        self.function = self.machine.function("run", ctypes.c_void_p)
        layout = self.layout = writer.layout
        self.memory = aligned(layout.numbers)
        self.tables = np.array([*layout.tables, 0], np.int64)
        self.rows = {x.name: layout.place[x].start for x in writer.inputs}
        self.fixed = {
            x.name: layout.view(x, self.memory) for x in order if isinstance(x, Leaf) and not x.batched
        }
        self.results = list(results)
        self.outputs = writer.outputs
        self.shared = {x: layout.view(x, self.memory) for x in results if not x.batched}
        self.arguments = np.zeros(MORE, np.int64)
        self.order = np.zeros(0, np.int64)
        self.staged: list[Floats] = []

    def run(self, leaves: Mapping[str, Sequence[Floats]], n: int | None) -> Outcome:
        """Compute the results for n examples."""
        inputs: list[tuple[int, Floats]] = []
        for name, parts in leaves.items():
            if name in self.fixed:
                start = 0
                for part in parts:
                    self.fixed[name][start : start + part.size] = part
                    start += part.size
            elif name in self.rows:
                row = self.rows[name]
                for part in parts:
                    if part.shape[1]:
                        inputs.append((row, np.ascontiguousarray(part)))
                    row += part.shape[1]
        count = n or 1
        if len(self.order) < count:
            self.order = np.arange(2 * count)
        outputs = [np.empty((*x.cells, count)) for x in self.outputs]
        given = [self.memory.ctypes.data, self.tables.ctypes.data, count, self.order.ctypes.data, len(inputs)]
        given += [x.ctypes.data for x in outputs]
        for row, part in inputs:
            given += [part.ctypes.data, part.shape[1], part.shape[1], row]
        arguments = np.array(given, np.int64)
        flags = self.function(arguments.ctypes.data)
        found = iter(outputs)
        return Outcome([next(found) if x.batched else self.shared[x] for x in self.results], bool(flags))


def aligned(numbers: Floats) -> Floats:
    """A copy that begins where vectors do."""
    room = np.zeros(numbers.size + LANES)
    first = -room.ctypes.data // 8 % LANES
    room[first : first + numbers.size] = numbers
    return room[first : first + numbers.size]
