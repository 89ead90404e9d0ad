"""Schedule: what is computed in one nest of loops, and what for all examples before which sum.

A program is parts in turn. In the even ones is what all examples share; in the odd ones what each
has, and sums over the examples, which later parts read. Where a later part reads what an earlier
one computed for each example, it computes it again: an example is forgotten with its tile.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

import numpy as np

from autograd_core.compiler.executors.native.layout import Layout
from autograd_core.compiler.ir import (
    NAMES,
    Array,
    Cells,
    Compute,
    Constant,
    Gather,
    Operand,
    Scatter,
    aligned,
    needed,
)
from autograd_core.compiler.memory import Memory


@dataclass(eq=False, slots=True)
class Nest:
    """Arrays computed at the same points: the first may be a sum, all others are elementwise."""

    computes: list[Compute]
    stored: list[Compute] = field(default_factory=list)  # those that are read elsewhere

    @property
    def first(self) -> Compute:
        """What all others follow."""
        return self.computes[0]


class Move(NamedTuple):
    """Numbers from cells to cells, or added to what is there; from -1 comes 0."""

    source: Cells
    target: Cells
    add: bool
    from_batched: bool
    batched: bool


class Fill(NamedTuple):
    """Cells set to a number."""

    cells: Cells
    batched: bool
    number: float = 0.0


class Share(NamedTuple):
    """A constant times a power of the number of examples."""

    constant: Constant


Step: TypeAlias = "Nest | Move | Fill | Share"


def over_examples(x: Array) -> bool:
    """Whether this is a sum or a maximum over the examples."""
    return not x.batched and any(y.batched for y in x.reads())


def parts(order: Sequence[Array], results: Sequence[Array]) -> list[list[Array]]:
    """The arrays of each part: shared by all examples, of each example, shared, and so on."""
    stage: dict[Array, int] = {}
    for x in order:
        stage[x] = max([stage[y] for y in x.reads()], default=0) + over_examples(x)
    found: list[list[Array]] = []
    for k in range(max(stage.values(), default=0) + 1):
        found.append([x for x in order if stage[x] == k and not x.batched and not over_examples(x)])
        wanted = [x for x in order if stage[x] == k + 1 and over_examples(x)]
        wanted += [x for x in results if stage[x] == k and x.batched]
        asked = set(wanted)
        found.append([x for x in needed(order, wanted) if x.batched or x in asked])
    return found


class Part:
    """Steps for some arrays, in turn; what is elementwise joins the first nest that it can."""

    def __init__(
        self,
        arrays: Sequence[Array],
        results: Sequence[Array],
        order: Sequence[Array],
        memory: Memory,
        layout: Layout,
    ) -> None:
        self.memory, self.layout = memory, layout
        self.steps: list[Step] = []
        self.step_of: dict[Array, int] = {}  # the last that has to do with an array
        for x in arrays:
            self.place(x)
        self.keep(order, results)

    def place(self, x: Array) -> None:
        """Put an array into a step of its own, or into one that there is."""
        if isinstance(x, Compute):
            self.compute(x)
            return
        new: Iterator[Step] = iter(())
        if isinstance(x, Constant) and x.power:
            new = iter([Share(x)])
        elif isinstance(x, Gather) and x in self.memory.copied:
            new = self.gather(x)
        elif isinstance(x, Scatter):
            new = self.scatter(x)
        before = len(self.steps)
        self.steps += new
        found = [self.step_of[y] for y in x.reads() if y in self.step_of]
        self.step_of[x] = (
            len(self.steps) - 1 if len(self.steps) > before else max(found, default=-1)
        )

    def compute(self, x: Compute) -> None:
        """Join the first nest of the same points in which all operands are known."""
        earliest = max([self.known_from(x, operand) for operand in x.operands], default=0)
        if not folds(x):
            for k in range(earliest, len(self.steps)):
                step = self.steps[k]
                if isinstance(step, Nest) and joins(x, step):
                    step.computes.append(x)
                    self.step_of[x] = k
                    return
        self.step_of[x] = len(self.steps)
        self.steps.append(Nest([x]))

    def known_from(self, x: Compute, operand: Operand) -> int:
        """The first step in which an operand can be read at the points of an array."""
        y, letters = operand
        k = self.step_of.get(y, -1)
        step = self.steps[k] if k >= 0 else None
        same_point = isinstance(step, Nest) and y in step.computes and letters == x.axes
        return k if same_point else k + 1

    def keep(self, order: Sequence[Array], results: Sequence[Array]) -> None:
        """Note which arrays are read elsewhere than at the point where they are computed."""
        readers: dict[Array, list[Array]] = {}
        for x in order:
            for y in x.reads():
                readers.setdefault(y, []).append(x)
        for step in self.steps:
            if isinstance(step, Nest):
                inside = set(step.computes)
                step.stored = [
                    x
                    for x in step.computes
                    if x in results or not all(at_point(x, y, inside) for y in readers.get(x, []))
                ]

    # --- Cells

    def gather(self, x: Gather) -> Iterator[Step]:
        """Irregular cells, copied together."""
        source = self.layout.cells(*x.sources)[x.index].ravel()
        yield Move(source, self.layout.cells(x)[:-1], False, x.batched, x.batched)

    def scatter(self, x: Scatter) -> Iterator[Step]:
        """What is not computed in place, added where it belongs."""
        own, written = self.layout.cells(x), np.zeros(x.size + 1, bool)
        for (_, index), there in zip(x.pieces, self.memory.in_place[x]):
            written[index[index >= 0] if there else []] = True
        if not written[:-1].all():
            yield Fill(own[:-1][~written[:-1]], x.batched)
        for ((y, letters), index), there in zip(x.pieces, self.memory.in_place[x]):
            if not there:
                axes = NAMES[: index.ndim]
                places = aligned(
                    self.layout.cells(y)[:-1].reshape(y.cells), letters.replace("b", ""), axes
                )
                source = np.broadcast_to(places, index.shape)[index >= 0]
                yield Move(source, own[index[index >= 0]], True, y.batched, x.batched)


def folds(x: Compute) -> bool:
    """Whether some letters of the operands are folded."""
    return not {c for _, letters in x.operands for c in letters} <= set(x.axes)


def joins(x: Compute, nest: Nest) -> bool:
    """Whether an elementwise array is computed at the points of a nest."""
    first = nest.first
    return x.cells == first.cells and x.batched == first.batched and not over_examples(first)


def at_point(x: Compute, reader: Array, inside: set[Compute]) -> bool:
    """Whether a reader finds a number where it was computed, and so not in the memory."""
    if reader not in inside or not isinstance(reader, Compute):
        return False
    return {letters for y, letters in reader.operands if y is x} == {reader.axes}
