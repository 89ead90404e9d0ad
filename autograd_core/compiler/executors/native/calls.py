"""Calls of the code: what is prepared for a number of examples, so that little is left to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from autograd_core.compiler.executors import Outcome
from autograd_core.compiler.executors.native.writer import MEAN, ORDER
from autograd_core.compiler.ir import Array, Floats, Leaf

if TYPE_CHECKING:
    from autograd_core.compiler.executors.native import NativeExecutor

COPIED = 4096  # numbers up to which it is quicker to copy an argument than to ask where it is
FINITE = 1 << 16  # beside the flags: that the last result is


class Load(NamedTuple):
    """Where a part of a leaf goes: it is copied, or the code is told at `place` where it lies."""

    name: str
    part: int
    target: Floats | None
    place: int


class Call:
    """Room for a number of examples; `fine` is what comes of a run in which nothing was noticed."""

    def __init__(
        self, executor: NativeExecutor, leaves: Mapping[str, Sequence[Floats]], n: int | None
    ) -> None:
        self.rooms, self.order = executor.rooms(n or 1), np.arange(n or 1)
        arguments = executor.arguments(n or 1, self.rooms.values())
        arguments[ORDER] = self.order.ctypes.data
        self.loads = [
            load for x in executor.leaves for load in loads(executor, x, leaves[x.name], arguments)
        ]
        self.row = np.array(arguments, np.int64)
        self.function, self.pointer = executor.function, self.row.ctypes.data
        results = [self.rooms[x] if x.batched else executor.views[x] for x in executor.results]
        mean = self.row[MEAN : MEAN + 1].view(float) if has_mean(executor.results) else None
        self.fine = Outcome(results, False, True, mean)

    @property
    def numbers(self) -> int:
        """How many it has room for in results of each example."""
        return sum([x.size for x in self.rooms.values()])

    def run(self, leaves: Mapping[str, Sequence[Floats]]) -> Outcome:
        """What comes of these numbers."""
        lying = []  # which the code reads where they are
        for name, i, target, place in self.loads:
            if target is not None:
                target[...] = leaves[name][i]
            else:
                lying.append(np.ascontiguousarray(leaves[name][i], float))
                self.row[place] = lying[-1].ctypes.data
        return self.outcome()

    def outcome(self) -> Outcome:
        """What comes of the numbers that are there."""
        noticed = self.function(self.pointer)
        if noticed == FINITE:
            return self.fine
        return self.fine._replace(suspicious=noticed & ~FINITE != 0, finite=noticed & FINITE != 0)

    def targets(self, shapes: Mapping[str, Sequence[tuple[int, ...]]]) -> list[Floats] | None:
        """Where arrays of these shapes are copied to, in order; None if the code is told of one."""
        known = {(load.name, load.part): load.target for load in self.loads}
        found = []
        for name, several in shapes.items():
            for i, shape in enumerate(several):
                target = known.get((name, i), np.empty(shape))  # which is not read, if it has none
                if target is None:
                    return None
                found.append(target.reshape(shape))
        return found


def loads(
    executor: NativeExecutor, x: Leaf, parts: Sequence[Floats], arguments: list[int]
) -> Iterator[Load]:
    """Where the parts of a leaf go, which the code is told of where they are rows of examples."""
    start = 0
    for i, part in enumerate(parts):
        width, place = part.shape[-1], len(arguments)
        if x.batched:
            target = np.empty(part.shape) if part.size <= COPIED else None
            executor.describe(arguments, target, x, start, width)
        else:
            target = executor.views[x][start : start + width]
        yield Load(x.name, i, target, place)
        start += width


def has_mean(results: Sequence[Array]) -> bool:
    """Whether the first result is a number for each example."""
    return results[0].batched and not results[0].cells
