"""Memory, planned last: where every array's cells are.

In go arrays in order, and which of them are results; out come buffers, and a home in one for each.

An array lies in a buffer, by strides: a cell is a row with a number for each example where the
buffer is batched. Axes lie in the order of an array's letters, the examples last. `factor` gives a
product the order (block, row, column, example), the rows being those of the more constant factor,
the weights: so columns and examples lie together, and the next product reads them as one axis. A
gradient lies as its array does. What is gathered for a product that sums over the examples and more
axes has those beside the examples, so that they are one axis there, too (`beside_examples`).

What one Gather reads lies together, in the order in which it is read; one that is regular there is
a view, and others are copied. What a Scatter adds up is computed in place where it can be, and what
is computed cell by cell takes the place of an operand that nothing else reads.
"""

from __future__ import annotations

import math
from bisect import bisect, insort
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import NamedTuple, TypeAlias

import numpy as np

from autograd_core.compiler.ir import (
    NAMES,
    Array,
    Cells,
    Compute,
    Constant,
    Floats,
    Gather,
    Leaf,
    Operand,
    Scatter,
)
from autograd_core.engine import MUL


class Home(NamedTuple):
    """Cells of a buffer: the first, and the steps between cells along each axis."""

    buffer: int
    start: int
    strides: tuple[int, ...]


class Buffer(NamedTuple):
    """So many cells, each a number, or a number for each example."""

    size: int
    batched: bool


@dataclass(slots=True)
class Memory:
    """Where arrays are; a constant has a home only where it is read together with other arrays."""

    home: dict[Array, Home] = field(default_factory=dict)
    buffers: list[Buffer] = field(default_factory=list)
    copied: set[Gather] = field(default_factory=set)  # those that are no views
    in_place: dict[Scatter, list[bool]] = field(default_factory=dict)  # of each piece

    def give(self, *together: Array) -> None:
        """A new buffer for arrays, one after the other."""
        start = 0
        for x in together:
            self.home[x] = Home(len(self.buffers), start, row_major(x.cells))
            start += x.size
        self.buffers.append(Buffer(start, together[0].batched))

    def cells(self, *arrays: Array) -> Cells:
        """The cells of arrays laid end to end, and -1 last for what is in none of them."""
        return np.concatenate([*[cells_at(self.home[x], x.cells).ravel() for x in arrays], [-1]])


Reads: TypeAlias = "Callable[[Array], Iterable[Array]]"  # what an array is computed from


def plan(
    order: Sequence[Array],
    results: Sequence[Array],
    reads: Reads = lambda x: x.reads(),
    lying: Mapping[Gather, Sequence[int]] = {},
) -> Memory:
    """A home for every array: results first, then what is in place in them, and views last.

    `lying` are the orders of axes in which some Gathers are to lie, though they be copied for it.
    """
    memory = Memory()
    uses = Counter([*[y for x in order for y in reads(x)], *results])
    for together in read_together(order):
        memory.give(*together)
    for x in reversed(order):
        if x not in memory.home and not isinstance(x, (Gather, Constant)):
            memory.give(x)
        if isinstance(x, Scatter):
            memory.in_place[x] = place_pieces(memory, x, uses)
        elif isinstance(x, Compute) and (y := overwritten(memory, x, uses)):
            memory.home[y] = memory.home[x]
    for x in order:
        if isinstance(x, Gather) and x not in memory.home:
            place_view(memory, x, lying.get(x))
    return memory


def beside_examples(order: Sequence[Array]) -> dict[Gather, tuple[int, ...]]:
    """Gathers that a product sums over the examples and more axes, and the order that suits it."""
    found: dict[Gather, tuple[int, ...]] = {}
    for x in order:
        if not isinstance(x, Compute) or x.op is not MUL or x.batched:
            continue
        for (y, letters), (_, others) in (x.operands, x.operands[::-1]):
            summed = [c for c in others if c in letters and c not in x.axes]
            if isinstance(y, Gather) and summed[-1:] == ["b"] and len(summed) > 1:
                kept = [c for c in letters if c in x.axes]
                axes = [letters.index(c) for c in kept + summed[:-1]]
                found.setdefault(y, tuple(axes))
    return found


def shared(
    memory: Memory, order: Sequence[Array], results: Sequence[Array], reads: Reads
) -> tuple[list[int], list[Buffer]]:
    """For each buffer the space that it takes, and the spaces: as few as it takes.

    Buffers share one where the numbers of each are not needed any more when the next one's come.
    """
    first, last = lives(memory, order, results, reads)
    space, spaces = [0] * len(memory.buffers), list[Buffer]()
    taken = list[tuple[int, int]]()  # a heap: until which step, and the space
    free: dict[bool, list[tuple[int, int]]] = {True: [], False: []}  # sizes in order, and spaces
    for i in sorted(range(len(space)), key=lambda i: first[i]):
        while taken and taken[0][0] < first[i]:
            k = heappop(taken)[1]
            insort(free[spaces[k].batched], (spaces[k].size, k))
        size, batched = memory.buffers[i]
        if free[batched]:
            k = pop_nearest(free[batched], size)
            spaces[k] = Buffer(max(size, spaces[k].size), batched)
        else:
            k = len(spaces)
            spaces.append(Buffer(size, batched))
        space[i] = k
        heappush(taken, (last[i], k))
    return space, spaces


def pop_nearest(sizes: list[tuple[int, int]], size: int) -> int:
    """The space whose size is nearest, out of those in order of size."""
    at = bisect(sizes, (size, 0))
    if at == len(sizes) or (at and size - sizes[at - 1][0] < sizes[at][0] - size):
        at -= 1
    return sizes.pop(at)[1]


def lives(
    memory: Memory, order: Sequence[Array], results: Sequence[Array], reads: Reads
) -> tuple[dict[int, int], dict[int, int]]:
    """The first and the last step at which each buffer's numbers are there.

    Leaves are there before the first step, constants always, results until the end.
    """
    first, last = dict[int, int](), dict[int, int]()
    for step, x in enumerate(order):
        for y in (x, *reads(x)):
            if y in memory.home:
                buffer = memory.home[y].buffer
                early = isinstance(y, (Leaf, Constant))
                first[buffer] = min(first.get(buffer, step), -1 if early else step)
                last[buffer] = max(last.get(buffer, step), step)
    for x in [*results, *[x for x in order if isinstance(x, Constant)]]:
        if x in memory.home:
            last[memory.home[x].buffer] = len(order)
    return first, last


def read_together(order: Sequence[Array]) -> list[list[Array]]:
    """Arrays that some Gather reads side by side, directly or by way of others."""
    group: dict[Array, list[Array]] = {}
    for x in order:
        if isinstance(x, Gather) and len(x.sources) > 1:
            first = group.setdefault(x.sources[0], [x.sources[0]])
            for y in x.sources[1:]:
                other = group.setdefault(y, [y])
                if other is not first:
                    first += other
                    group.update(dict.fromkeys(other, first))
    return list({id(together): together for together in group.values()}.values())


def is_free(memory: Memory, x: Array) -> bool:
    """Whether an array is computed, and may be so anywhere."""
    return isinstance(x, (Compute, Scatter)) and x not in memory.home


def overwritten(memory: Memory, x: Compute, uses: Counter[Array]) -> Array | None:
    """An operand that is not needed any more, in whose place x can be computed, cell by cell."""
    if x.op is None or any(c not in x.axes for _, letters in x.operands for c in letters):
        return None
    for y, letters in x.operands:
        if letters == x.axes and uses[y] == 1 and is_free(memory, y):
            return y
    return None


def place_pieces(memory: Memory, x: Scatter, uses: Counter[Array]) -> list[bool]:
    """Which pieces are computed where they belong: those that come first to their cells."""
    own, taken, result = memory.cells(x), np.zeros(x.size + 1, bool), []
    for operand, index in x.pieces:
        y, cells = operand[0], index.ravel()
        distinct = cells.min(initial=0) >= 0 and np.unique(cells).size == cells.size
        fits = uses[y] == 1 and is_free(memory, y) and y.batched == x.batched
        fits = fits and distinct and not taken[cells].any()
        spot = spot_of(operand, own[index], memory.home[x].buffer) if fits else None
        if spot is not None:
            memory.home[y] = spot
            taken[cells] = True
        result.append(spot is not None)
    return result


def spot_of(operand: Operand, cells: Cells, buffer: int) -> Home | None:
    """The home of an array whose numbers belong to these cells; None where it repeats in them."""
    letters = operand[1].replace("b", "")
    if len(letters) < cells.ndim:
        return None
    return regular(buffer, cells.transpose([NAMES.index(c) for c in letters]))


def place_view(memory: Memory, x: Gather, axes: Sequence[int] | None) -> None:
    """A view of what is gathered, or a home of its own: where that is irregular, or lies wrong."""
    buffer = memory.home[x.sources[0]].buffer  # that of all sources, which lie together
    view = regular(buffer, memory.cells(*x.sources)[x.index])
    if view is not None and (axes is None or is_in_order(view, x.cells, axes)):
        memory.home[x] = view
        return
    memory.copied.add(x)
    memory.give(x)
    if axes is not None:
        home, steps = memory.home[x], row_major([x.cells[axis] for axis in axes])
        strides = [step for _, step in sorted(zip(axes, steps))]
        memory.home[x] = home._replace(strides=tuple(strides))


# --- Strides ---------------------------------------------------------------------------------


def row_major(shape: Sequence[int]) -> tuple[int, ...]:
    """The strides of an array whose cells follow each other."""
    return tuple([math.prod(shape[axis + 1 :]) for axis in range(len(shape))])


def is_in_order(home: Home, shape: Sequence[int], axes: Sequence[int]) -> bool:
    """Whether the steps along these axes follow each other from the largest down to 1."""
    return tuple([home.strides[axis] for axis in axes]) == row_major([shape[a] for a in axes])


def cells_at(home: Home, shape: Sequence[int]) -> Cells:
    """The cells of a home."""
    cells = np.array(home.start)
    for stride, length in zip(home.strides, shape):
        cells = cells[..., None] + stride * np.arange(length)
    return cells


def regular(buffer: int, cells: Cells) -> Home | None:
    """The home that has these cells; None where they are irregular."""
    if not cells.size:
        return Home(buffer, 0, (0,) * cells.ndim)
    first = int(cells.flat[0])
    steps = [cells.take(1, axis).flat[0] if n > 1 else first for axis, n in enumerate(cells.shape)]
    home = Home(buffer, first, tuple([int(step) - first for step in steps]))
    if first < 0 or min(home.strides, default=0) < 0:
        return None
    return home if np.array_equal(cells_at(home, cells.shape), cells) else None


def view_of(buffer: Floats, home: Home, shape: tuple[int, ...]) -> Floats:
    """The cells of a home, as an array."""
    (step, *rest), start = buffer.strides, home.start * buffer.strides[0]
    return np.ndarray(shape, float, buffer, start, (*[s * step for s in home.strides], *rest))
