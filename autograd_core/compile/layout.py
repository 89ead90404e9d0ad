"""Group, factor, lay out: from a graph of scalars to a list of steps on arrays.

Nodes that are alike, the same op at the same depth, become one step. A group of sums of products
is factored: where its left operands and its right operands are combined each with each, it is a
matrix product. Results are laid out so that the next step reads them as a strided view.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from autograd_core.compile.canonical import Graph, Sum
from autograd_core.compile.rules import rule_for_rows
from autograd_core.engine import LOGSUMEXP, Op

Indices: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True, eq=False, slots=True)
class Cells:
    """Where an array's numbers are: cells of a buffer, by strides or by an index.

    There are two buffers, of numbers that are the same for all examples (`batched` False) and of
    numbers that differ, each cell then a row with a number for each example; and as many
    buffers again for their gradients (`grad`).
    """

    shape: tuple[int, ...]
    batched: bool
    base: int
    strides: tuple[int, ...] | None
    index: Indices | None
    grad: bool = False

    @property
    def cells(self) -> Indices:
        """The number of every cell, in the array's shape."""
        if self.index is not None:
            return self.index
        cells = np.full(self.shape, self.base)
        for axis, stride in enumerate(self.strides or ()):
            steps = stride * np.arange(self.shape[axis])
            cells += steps.reshape([-1 if a == axis else 1 for a in range(len(self.shape))])
        return cells

    @property
    def gradient(self) -> Cells:
        """The same cells of the gradients' buffer."""
        return replace(self, grad=True)


@dataclass(frozen=True, eq=False, slots=True)
class Numbers:
    """An array of constants; where `batched`, each is shared out evenly among the examples."""

    array: NDArray[np.float64]
    batched: bool = False

    @property
    def shape(self) -> tuple[int, ...]:
        """The array's shape."""
        return self.array.shape


Source: TypeAlias = Cells | Numbers


@dataclass(frozen=True, eq=False, slots=True)
class Scratch:
    """An array that is not laid out in a buffer."""

    shape: tuple[int, ...]
    batched: bool


@dataclass(frozen=True, eq=False, slots=True)
class Apply:
    """out = op(*operands), elementwise; `nodes` are the graph's nodes in the order of out.

    Where `stacked`, all operands are one array, whose first axis tells them apart. A logsumexp has
    `kept` the shifted exponentials of its operands and their sums, whose ratios are its slopes.
    """

    op: Op
    operands: tuple[Source, ...]
    out: Cells
    nodes: Sequence[int]
    stacked: bool = False
    kept: tuple[Scratch, ...] = ()


@dataclass(frozen=True, eq=False, slots=True)
class Product:
    """out[n,c,r] = sum over k of left[n,r,k] * right[n,c,k], plus every term[n,c,r]."""

    left: Source
    right: Source
    terms: tuple[Source, ...]
    out: Cells
    nodes: Sequence[int]


@dataclass(frozen=True, eq=False, slots=True)
class Total:
    """out[m] = sum over t of terms[m,t], plus, where there is one, base[m]."""

    terms: Source
    base: Source | None
    out: Cells
    nodes: Sequence[int]


Step: TypeAlias = Apply | Product | Total


@dataclass(slots=True)
class Program:
    """Steps that compute the roots from the parameters (first in the fixed buffer) and inputs.

    `fixed` and `batched` are the sizes of the two buffers. Fixed inputs come after the
    parameters, then constants that share an operand with other numbers.
    """

    steps: list[Step]
    roots: list[Source]
    n_parameters: int
    n_inputs: int
    constants: tuple[Cells, NDArray[np.float64]] | None
    fixed: int
    batched: int
    graph: Graph
    address: Indices


@dataclass(slots=True)
class Layout:
    """Which cell each node's number is in, while cells are being given out."""

    graph: Graph
    address: Indices
    const: NDArray[np.bool_]  # which nodes are constants, and
    number: NDArray[np.float64]  # what they are
    size: dict[bool, int] = field(default_factory=lambda: {False: 0, True: 0})

    def place(self, nodes: Sequence[int], *, batched: bool) -> int:
        """Give the nodes the next cells, in order; the first of them."""
        base = self.size[batched]
        self.address[np.asarray(nodes, int)] = base + np.arange(len(nodes))
        self.size[batched] += len(nodes)
        return base

    def read(self, nodes: Indices, *, batched: bool) -> Source:
        """Where the nodes' numbers are, as an array of the nodes' shape."""
        if self.const[nodes].all():
            return Numbers(self.number[nodes])
        return cells_at(self.address[nodes], batched=batched)


def lay_out(graph: Graph, alike: Sequence[list[int]]) -> Program:
    """The steps that compute a graph, one or more for each group of nodes that are alike."""
    n, constants = len(graph.ops), list(graph.constants)
    layout = Layout(graph, np.full(n, -1), np.zeros(n, bool), np.zeros(n))
    layout.const[constants] = True
    layout.number[constants] = list(graph.constants.values())
    layout.place(graph.parameters, batched=False)
    for batched in (False, True):
        layout.place([i for i in graph.inputs if graph.batched[i] is batched], batched=batched)
    base = layout.place(constants, batched=False)
    steps = [step for nodes in alike for step in lower(layout, nodes)]
    return Program(
        steps,
        [layout.read(np.array([root]), batched=graph.batched[root]) for root in graph.roots],
        len(graph.parameters),
        len(graph.inputs),
        (cells_at(base + np.arange(len(constants)), batched=False), layout.number[constants])
        if constants
        else None,
        layout.size[False],
        layout.size[True],
        graph,
        layout.address,
    )


# --- Group -----------------------------------------------------------------------------------


def groups(graph: Graph) -> list[list[int]]:
    """Nodes that are alike, in an order in which they can be computed."""
    depth = [0] * len(graph.ops)
    found: defaultdict[tuple[Any, ...], list[int]] = defaultdict(list)
    kinds = [(batched, i in graph.constants) for i, batched in enumerate(graph.batched)]
    for i, op in enumerate(graph.ops):
        if op is None:
            continue
        alike: tuple[Any, ...] = (op, *[kinds[p] for p in graph.parents[i]])
        if isinstance(op, Sum):
            sides = frozenset([(kinds[x], kinds[y]) for x, y in op.products])
            terms = [kinds[t] for t in op.terms]
            added = tuple(terms) if op.products else tuple(sorted(Counter(terms).items()))
            alike = (len(op.products), sides, added)
        depth[i] = 1 + max([depth[p] for p in graph.operands(i)], default=0)
        found[depth[i], graph.batched[i], *alike].append(i)
    # Within a depth the small groups come first: backward, large results are written first then,
    # and small ones are added to them.
    return [found[key] for key in sorted(found, key=lambda key: (key[0], len(found[key])))]


def lower(layout: Layout, nodes: list[int]) -> list[Step]:
    """The steps that compute one group."""
    graph = layout.graph
    batched = graph.batched[nodes[0]]
    op = graph.ops[nodes[0]]
    if isinstance(op, Op):
        return [lower_op(layout, op, nodes, batched=batched)]
    if graph.sum(nodes[0]).products:
        return lower_products(layout, nodes, batched=batched)
    return [lower_total(layout, nodes, batched=batched)]


def lower_op(layout: Layout, op: Op, nodes: list[int], *, batched: bool) -> Apply:
    """One elementwise step for nodes with the same op, in the order of their first operand."""
    graph = layout.graph
    members = np.array(nodes)
    operands = np.array([graph.parents[i] for i in nodes])  # (members, operands)
    moving = ~layout.const[operands].all(axis=0)
    if moving.any():
        order = np.argsort(layout.address[operands[:, moving.argmax()]], kind="stable")
        members, operands = members[order], operands[order]
    cells = layout.place(members.tolist(), batched=batched) + np.arange(len(nodes))
    kinds = {(graph.batched[i], i in graph.constants) for i in graph.parents[nodes[0]]}
    if len(kinds) == 1 and rule_for_rows(op, operands.shape[1]) is not None:
        rows = layout.read(operands.T, batched=graph.batched[operands[0, 0]])
        out = cells_at(cells, batched=batched)
        kept = [Scratch(rows.shape, batched), Scratch(out.shape, batched)] * (op is LOGSUMEXP)
        return Apply(op, (rows,), out, members.tolist(), stacked=True, kept=tuple(kept))
    grid = common_grid([layout.address[column] for column in operands.T[moving]], len(nodes))
    sources = [
        layout.read(column.reshape(grid), batched=graph.batched[column[0]]) for column in operands.T
    ]
    out = cells_at(cells.reshape(grid), batched=batched)
    return Apply(op, tuple(sources), out, members.tolist())


def lower_total(layout: Layout, nodes: list[int], *, batched: bool) -> Total:
    """One reduction for sums of as many terms; a term that all examples share is added last."""
    graph = layout.graph
    rows, bases = [], []
    for i in nodes:
        terms = graph.sum(i).terms
        rows.append([t for t in terms if graph.batched[t] is batched])
        bases += [t for t in terms if graph.batched[t] is not batched]
    out = cells_at(layout.place(nodes, batched=batched) + np.arange(len(nodes)), batched=batched)
    base = layout.read(np.array(bases), batched=False) if bases else None
    return Total(layout.read(np.array(rows), batched=batched), base, out, nodes)


# --- Factor ----------------------------------------------------------------------------------


def lower_products(layout: Layout, nodes: list[int], *, batched: bool) -> list[Step]:
    """Matrix products, one for all blocks of one shape, for sums of as many products."""
    graph = layout.graph
    lefts: dict[tuple[int, ...], int] = {}
    rights: dict[tuple[int, ...], int] = {}
    pairs = []
    for i in nodes:
        left, right = zip(*graph.sum(i).products)
        pairs.append((lefts.setdefault(left, len(lefts)), rights.setdefault(right, len(rights))))
    left_table, right_table = np.array(list(lefts)), np.array(list(rights))
    order = np.argsort(layout.address[left_table[0]], kind="stable")  # terms may be in any order
    left_table, right_table = left_table[:, order], right_table[:, order]
    shapes: defaultdict[tuple[int, int], list[Block]] = defaultdict(list)
    for block in blocks(pairs, len(lefts)):
        shapes[len(block.rows), len(block.columns)].append(block)
    left_first = len(pairs) > 1 and pairs[0][0] == pairs[1][0]
    return [
        product_step(
            layout, nodes, stack, left_table, right_table, left_first=left_first, batched=batched
        )
        for stack in shapes.values()
    ]


@dataclass(slots=True)
class Block:
    """Rows and columns that are combined, each with each; the member for each combination."""

    rows: list[int]
    columns: list[int]
    members: dict[tuple[int, int], int]


def blocks(pairs: Sequence[tuple[int, int]], n_rows: int) -> list[Block]:
    """Split pairs (row, column) into blocks that are full, or at least half full."""
    single = [Block([row], [column], {(row, column): m}) for m, (row, column) in enumerate(pairs)]
    if len(set(pairs)) < len(pairs):  # some pair is there twice
        return single
    leader = components(pairs, n_rows)
    found: defaultdict[int, dict[tuple[int, int], int]] = defaultdict(dict)
    for m, (row, column) in enumerate(pairs):
        found[leader[row]][row, column] = m
    result = []
    for members in found.values():
        rows = list(dict.fromkeys(row for row, _ in members))
        columns = list(dict.fromkeys(column for _, column in members))
        if 2 * len(members) >= len(rows) * len(columns):
            result.append(Block(rows, columns, members))
        else:
            result += [single[m] for m in members.values()]
    return result


def components(pairs: Sequence[tuple[int, int]], n_rows: int) -> list[int]:
    """For each row, the first of the rows that are linked to it by columns they share."""
    leader = list(range(n_rows))

    def find(row: int) -> int:
        while leader[row] != row:
            leader[row] = row = leader[leader[row]]
        return row

    row_of: dict[int, int] = {}
    for row, column in pairs:
        a, b = find(row), find(row_of.setdefault(column, row))
        leader[max(a, b)] = min(a, b)
    return [find(row) for row in range(n_rows)]


def product_step(
    layout: Layout,
    nodes: list[int],
    stack: list[Block],
    left_table: Indices,
    right_table: Indices,
    *,
    left_first: bool,
    batched: bool,
) -> Product:
    """One step for blocks of one shape; its results in the order in which they were recorded."""
    graph = layout.graph
    for block in stack:
        block.rows.sort(key=lambda row: layout.address[left_table[row, 0]])
        block.columns.sort(key=lambda column: layout.address[right_table[column, 0]])
    rows = np.array([block.rows for block in stack])  # (n, r)
    columns = np.array([block.columns for block in stack])  # (n, c)
    member = np.array(
        [
            [
                [block.members.get((row, column), -1) for row in block.rows]
                for column in block.columns
            ]
            for block in stack
        ]
    )  # (n, c, r)
    size = member.size
    base = layout.size[batched]
    layout.size[batched] += size
    if left_first:  # columns vary fastest
        cells = base + np.arange(size).reshape(len(stack), rows.shape[1], -1).swapaxes(1, 2)
    else:
        cells = base + np.arange(size).reshape(len(stack), -1, rows.shape[1])
    present = member >= 0
    ids = np.array(nodes)
    layout.address[ids[member[present]]] = cells[present]
    member[~present] = member[present].min()  # cells that nothing reads
    terms = [
        layout.read(np.array(column)[member], batched=graph.batched[column[0]])
        for column in zip(*[graph.sum(i).terms for i in nodes])
    ]
    left, right = left_table[rows], right_table[columns]
    return Product(
        layout.read(left, batched=graph.batched[left.flat[0]]),
        layout.read(right, batched=graph.batched[right.flat[0]]),
        tuple(terms),
        cells_at(cells, batched=batched),
        ids[member].ravel().tolist(),
    )


# --- Lay out ---------------------------------------------------------------------------------


def cells_at(cells: Indices, *, batched: bool) -> Cells:
    """Cells by strides where the pattern allows it, else by an index."""
    base = int(cells.flat[0])
    strides = []
    for axis, length in enumerate(cells.shape):
        second = [1 if a == axis else 0 for a in range(cells.ndim)]
        strides.append(int(cells[tuple(second)]) - base if length > 1 else 0)
    regular = Cells(cells.shape, batched, base, tuple(strides), None)
    if min(strides, default=0) >= 0 and np.array_equal(regular.cells, cells):
        return regular
    return Cells(cells.shape, batched, base, None, cells)


def common_grid(columns: Sequence[Indices], n: int) -> tuple[int, ...]:
    """The shape in which every column is regular: (n,), or rows of equal length."""
    lengths = {run_length(column) for column in columns} - {n}
    if len(lengths) == 1 and n % (length := lengths.pop()) == 0:
        return (n // length, length)
    return (n,)


def run_length(column: Indices) -> int:
    """How many cells go on at the first one's pace."""
    if len(column) < 3:
        return len(column)
    paces = np.diff(column)
    breaks = np.flatnonzero(paces != paces[0])
    return int(breaks[0]) + 1 if len(breaks) else len(column)
