"""Gradient: more arrays of the same kind, by a table of transposes.

In go a root and an array that it depends on; out comes the array of the slopes along that, made by
the same builder, so that the gradient of a gradient is one more call. What reaches an array is
handed on to what it is computed from: where g[a] reaches z[a] = W[ac] * x[c], W is reached by
g[a] * x[c], and x by W[ac] * g[a], summed over a.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias, TypeVar

import numpy as np

from autograd_core.compiler.build import Builder
from autograd_core.compiler.index import boxed, owned, stops_of
from autograd_core.compiler.ir import (
    EXAMPLES,
    NAMES,
    Array,
    Cells,
    Compute,
    Gather,
    Operand,
    Scatter,
)
from autograd_core.compiler.multiples import NOTHING, number_in
from autograd_core.compiler.record import recording
from autograd_core.engine import MUL, Op

T = TypeVar("T")
Flow: TypeAlias = "tuple[Operand, Cells | None]"  # with the cells it reaches; None for each its own


class Gradient(NamedTuple):
    """The gradient in the shape of what it is along; and along each array on the way."""

    array: Array
    along: dict[Array, Operand]


def differentiate(emit: Builder, root: Array, wrt: Array) -> Gradient:
    """d(root)/d(wrt); of the mean over the examples where there are any."""
    order, depending, along = list(emit.order), {wrt}, dict[Array, Operand]()
    for x in order:
        if not depending.isdisjoint(x.reads()):
            depending.add(x)
    flows: defaultdict[Array, list[Flow]] = defaultdict(list)
    flows[root].append((emit.constant(1.0, power=-int(root.batched)), None))
    for x in reversed(order):
        if x in flows and x in depending and x is not wrt:
            g = along[x] = added(emit, flows.pop(x), x)
            for y, flow in TRANSPOSES[type(x)](emit, x, g, depending):
                flows[y].append(flow)
    along[wrt] = added(emit, flows[wrt], wrt)
    return Gradient(emit.full(along[wrt], wrt.shape), along)


def added(emit: Builder, flows: Sequence[Flow], x: Array) -> Operand:
    """The sum of all that reaches an array."""
    whole = [g for g, index in flows if index is None]
    if len(whole) == len(flows):
        return emit.total(whole, x.axes) if whole else emit.constant(0.0)
    pieces = [(g, index) for g, index in flows if index is not None]
    if whole:
        pieces.append((emit.total(whole, x.axes), np.arange(x.size).reshape(x.cells)))
    elif len(pieces) == 1 and is_permutation(*pieces[0], x):
        (g, _), index = pieces[0]
        return emit.gather([g], np.argsort(index, axis=None).reshape(x.cells), x.axes.rstrip("b"))
    return emit.scatter(pieces, x.shape)


def is_permutation(g: Operand, index: Cells, x: Array) -> bool:
    """Whether each number of g belongs to one cell of x, and each cell has one."""
    if g[1] != NAMES[: index.ndim] + "b" * x.batched or index.size != x.size:
        return False
    return bool((np.sort(index, axis=None) == np.arange(x.size)).all())


# --- The transposes --------------------------------------------------------------------------
# Each yields what reaches an operand, for those that a gradient is wanted along.


def of_compute(
    emit: Builder, x: Compute, g: Operand, wanted: Container[Array]
) -> Iterator[tuple[Array, Flow]]:
    """slope * g, summed over the axes that the operand lacks."""
    if x.fold == "max":
        return  # it shifts a logsumexp, whose value does not depend on the shift
    lengths = x.lengths
    along = slopes(emit, x, "".join(lengths))
    for (y, letters), slope in zip(x.operands, along, strict=True):
        if y in wanted and number_in(slope) != NOTHING:
            flow, own = emit.compute(MUL, [slope, g], letters, lengths=lengths)
            yield y, ((flow, renamed(own, letters, y.axes) if own else ""), None)


def of_gather(
    emit: Builder, x: Gather, g: Operand, wanted: Container[Array]
) -> Iterator[tuple[Array, Flow]]:
    """To each source what belongs to its cells."""
    if len(x.sources) == 1 and x.index.min(initial=0) >= 0:
        yield x.sources[0], (g, x.index)
        return
    for k, places, cells in owned(stops_of(x.sources), x.index):
        if x.sources[k] in wanted:
            box, index = boxed(places, cells, x.index.shape)
            yield x.sources[k], (part(emit, g, box), index)


def part(emit: Builder, g: Operand, box: Sequence[Cells]) -> Operand:
    """Some places along each axis, of an operand."""
    x, letters = g
    own = letters.replace("b", "")
    if not own:
        return g
    places = np.ix_(*[box[NAMES.index(c)] for c in own])
    return emit.gather([x], np.ravel_multi_index(places, x.cells), own)


def of_scatter(
    emit: Builder, x: Scatter, g: Operand, wanted: Container[Array]
) -> Iterator[tuple[Array, Flow]]:
    """To each piece what reaches its cells."""
    for (y, letters), index in x.pieces:
        if y not in wanted:
            continue
        axes = NAMES[: index.ndim]
        flow = emit.gather([emit.full(g, x.shape)], index, axes) if g[1].strip("b") else g
        lengths = dict(zip(axes + "b" * x.batched, (*index.shape, EXAMPLES)))
        own = emit.compute(None, [flow], letters, lengths=lengths)
        yield y, ((own[0], renamed(own[1], letters, y.axes)), None)


TRANSPOSES: dict[type[Array], Callable[..., Iterator[tuple[Array, Flow]]]] = {
    Compute: of_compute,
    Gather: of_gather,
    Scatter: of_scatter,
}


def renamed(letters: str, old: str, new: str) -> str:
    """Letters of one naming in another."""
    return letters.translate(str.maketrans(old, new))


# --- The derivative table on arrays ----------------------------------------------------------


def slopes(emit: Builder, x: Compute, every: str) -> Sequence[Operand]:
    """The slopes along each operand, as the op's row has them; with at most these letters."""
    if x.op is None:
        return [emit.constant(1.0)]
    rule = rule_of(x.op, len(x.operands))
    return rule.read(
        [(x, x.axes), *x.operands], emit.constant, lambda op, xs: emit.compute(op, xs, every)
    )


class Rule(NamedTuple):
    """The partials of an op: nodes that follow z and the operands, and which ones are the slopes.

    A node is an op on earlier ones, or a number (no op).
    """

    nodes: list[tuple[Op | None, Any]]
    slopes: list[int]

    def read(
        self,
        given: Iterable[T],
        constant: Callable[[float], T],
        apply: Callable[[Op, list[T]], T],
    ) -> list[T]:
        """The slopes, of given z and operands."""
        found = list(given)
        for op, how in self.nodes:
            found.append(apply(op, [found[i] for i in how]) if op else constant(how))
        return [found[i] for i in self.slopes]


@lru_cache(maxsize=1024)
def rule_of(op: Op, n: int) -> Rule:
    """The partials of an op along n operands, recorded."""
    with recording() as tape:
        operands = [tape.input(name) for name in ("z", *[f"x{i}" for i in range(n)])]
        slopes = op.partials(*operands)
        if type(slopes) is not tuple or len(slopes) != n:
            raise TypeError(f"{op.name}: partials gave {slopes!r}, not a tuple of {n}")
        found = [tape.node(slope) for slope in slopes]
    after = range(len(operands), len(tape.ops))
    how = [tape.parents[i] if tape.ops[i] else tape.constants[i] for i in after]
    return Rule(list(zip(tape.ops[len(operands) :], how)), found)
