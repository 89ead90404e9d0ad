"""Factor: from a graph of scalars to arrays.

In goes a graph; out come arrays, in the order of a builder, and for each node where its number is.
Each group of the schedule becomes one array, or a few. Sums of products are factored: where their
left and their right factors are combined each with each, they are a matrix product. So the sums of
w[i][k] * x[k] over k, one for each i, are z[a] = W[ac] * x[c].
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from autograd_core.compiler.blocks import Block, Sides, blocks, common_grid, filled, tables
from autograd_core.compiler.build import Builder
from autograd_core.compiler.graph import Graph, Sum
from autograd_core.compiler.ir import NAMES, Array, Cells, Leaf, Operand, aligned
from autograd_core.compiler.schedule import schedule
from autograd_core.engine import ADD, EXP, LOG, LOGSUMEXP, MUL, SUB, Op
from autograd_core.functions import equals


class Factored:
    """The arrays of a graph; `result` reads some of its nodes as one."""

    def __init__(self, graph: Graph) -> None:
        self.graph, self.emit = graph, Builder()
        self.places = Places(self.emit, graph)
        self.parameters = self.leaf("parameters", graph.parameters)
        self.others = self.leaf("others", graph.others)
        self.inputs = self.leaf("inputs", graph.inputs, batched=graph.has_examples)
        for nodes in schedule(graph):
            self.lower(nodes)

    def leaf(self, name: str, nodes: Sequence[int], *, batched: bool = False) -> Leaf:
        """The array of some leaves, in order."""
        leaf = self.emit.leaf(name, len(nodes), batched=batched)
        self.places.put(np.array(nodes, int), NAMES[0], (leaf, leaf.axes))
        return leaf

    def result(self, nodes: Cells) -> Array:
        """The array of some nodes, in their shape."""
        found = self.places.read(nodes, NAMES[: nodes.ndim])
        return self.emit.full(found, (*nodes.shape, *found[0].shape[len(found[0].cells) :]))

    def labels(self) -> dict[Array, dict[int, str]]:
        """What is computed and labelled, by array and cell."""
        found: defaultdict[Array, dict[int, str]] = defaultdict(dict)
        for node, label in self.graph.labels.items():
            if self.graph.ops[node] is not None and self.places.cell[node] >= 0:
                x, cell = self.places.at(node)
                found[x][cell] = label
        return dict(found)

    # --- Ops

    def lower(self, nodes: list[int]) -> None:
        """The arrays for one group."""
        op = self.graph.ops[nodes[0]]
        if len(nodes) == 1 and self.lower_one(nodes[0]):
            return
        if op is LOGSUMEXP:
            self.lower_logsumexps(nodes)
        elif op is equals and self.places.is_constant[self.graph.parents[nodes[0]][1]]:
            self.lower_one_hots(nodes)
        elif isinstance(op, Op):
            self.lower_op(op, nodes)
        elif self.graph.sum(nodes[0]).left:
            self.lower_products(nodes)
        else:
            self.lower_totals(nodes)

    def lower_one(self, node: int) -> bool:
        """An op or a product of single numbers, without looking for a grid; whether it is one."""
        op, operands = self.graph.ops[node], self.graph.parents[node]
        terms: Sequence[int] = ()
        if isinstance(op, Sum):
            if len(op.left) != 1:
                return False
            operands, terms, op = op.left + op.right, op.terms, MUL
        if op is None or op is LOGSUMEXP or op is equals:
            return False
        z = self.emit.compute(op, list(map(self.places.read_one, operands)), "b")
        for term in terms:
            z = self.emit.compute(ADD, [z, self.places.read_one(term)], "b")
        self.places.put_one(node, z[0])
        return True

    def lower_op(self, op: Op, nodes: list[int]) -> None:
        """In the order of the first operand, and in its shape where it is all of an array."""
        members = np.array(nodes)
        operands = np.array([self.graph.parents[i] for i in nodes])
        moving = ~self.places.is_constant[operands].all(axis=0)
        order = np.argsort(self.places.cell[operands[:, moving.argmax()]], kind="stable")
        members, operands = members[order], operands[order]
        columns = operands.T[moving]
        shape = self.places.shape_of(columns[0])
        shape = shape or common_grid(self.places.cell[columns], len(nodes))
        letters = NAMES[: len(shape)]
        xs = [self.places.read(column.reshape(shape), letters) for column in operands.T]
        self.places.put(members.reshape(shape), letters, self.emit.compute(op, xs, letters + "b"))

    def lower_one_hots(self, nodes: list[int]) -> None:
        """What is compared with the same numbers is a row of one array, whatever its place."""
        rows: defaultdict[int, dict[float, int]] = defaultdict(dict)
        for i in nodes:
            x, number = self.graph.parents[i]
            rows[x][float(self.places.number[number])] = i
        alike: defaultdict[tuple[float, ...], list[int]] = defaultdict(list)
        for x, row in rows.items():
            alike[tuple(sorted(row))].append(x)
        for numbers, xs in alike.items():
            operands = [self.places.read(np.array(xs), "m"), self.emit.constant(numbers, "k")]
            z = self.emit.compute(equals, operands, "mkb")
            self.places.put(np.array([[rows[x][n] for n in numbers] for x in xs]), "mk", z)

    def lower_logsumexps(self, nodes: list[int]) -> None:
        """Shorter ones are filled up with minus infinity, which adds nothing."""
        rows = [self.graph.parents[i] for i in nodes]
        for some, table in tables(rows, self.places.lowest):
            self.lower_logsumexp([nodes[m] for m in some], table)

    def lower_logsumexp(self, nodes: list[int], table: Cells) -> None:
        """log(sum(exp(x - top))) + top, which is at home with any finite xs."""
        emit, x = self.emit, self.places.read(table, "mk")
        lengths = dict(zip("mk", table.shape))
        top = emit.compute(None, [x], "mb", fold="max")
        weights = emit.compute(EXP, [emit.compute(SUB, [x, top], "mkb")], "mkb")
        whole = emit.compute(None, [weights], "mb", lengths=lengths)
        z = emit.compute(ADD, [emit.compute(LOG, [whole], "mb"), top], "mb")
        self.places.put(np.array(nodes), "m", z)

    # --- Sums

    def lower_totals(self, nodes: list[int]) -> None:
        """Sums of terms, each in the order in which they lie; shorter ones are filled up with 0."""
        rows = [self.graph.sum(i).terms for i in nodes]
        for some, table in tables(rows, -1):
            order = np.argsort(self.places.cell[table], axis=1, kind="stable")
            x = self.places.read(np.take_along_axis(table, order, axis=1), "mt")
            z = self.emit.compute(None, [x], "mb", lengths=dict(zip("mt", table.shape)))
            self.places.put(np.array([nodes[m] for m in some]), "m", z)

    def lower_products(self, nodes: list[int]) -> None:
        """Matrix products, one for all blocks of one shape, among sums of one length."""
        sums = map(self.graph.sum, nodes)
        sides = filled([(x.left, x.right) for x in sums])
        widths: defaultdict[int, list[int]] = defaultdict(list)
        for m, (left, _) in enumerate(sides):
            widths[len(left)].append(m)
        for some in widths.values():
            self.factor([nodes[m] for m in some], [sides[m] for m in some])

    def factor(self, nodes: list[int], sides: list[Sides]) -> None:
        """Matrix products for sums of as many products each."""
        lefts: dict[tuple[int, ...], int] = {}
        rights: dict[tuple[int, ...], int] = {}
        pairs = [
            (lefts.setdefault(x, len(lefts)), rights.setdefault(y, len(rights))) for x, y in sides
        ]
        left, right = np.array(list(lefts)), np.array(list(rights))
        guide = left[0] if (left >= 0).all() else right[0]  # the terms may be in any order
        order = np.argsort(self.places.cell[guide], kind="stable")
        left, right = left[:, order], right[:, order]
        row_at, column_at = self.places.cell[left].max(axis=1), self.places.cell[right[:, 0]]
        stacks: defaultdict[tuple[int, int], list[Block]] = defaultdict(list)
        for block in blocks(pairs, len(lefts)):
            block.rows.sort(key=row_at.__getitem__)
            block.columns.sort(key=column_at.__getitem__)
            stacks[len(block.rows), len(block.columns)].append(block)
        for stack in stacks.values():
            x, y = left[[block.rows for block in stack]], right[[block.columns for block in stack]]
            self.product(nodes, x, y, members(stack))

    def product(self, nodes: list[int], x: Cells, y: Cells, member: Cells) -> None:
        """z[n,r,c] = the sum over k of x[n,r,k] * y[n,c,k], plus every term[n,r,c]."""
        lengths = dict(zip("nrkc", (*x.shape, y.shape[1])))
        factors = [self.places.read(x, "nrk"), self.places.read(y, "nck")]
        z = self.emit.compute(MUL, factors, "nrcb", lengths=lengths)
        some = np.where(member < 0, member.max(), member)  # for cells that nothing reads
        for column in zip(*[self.graph.sum(i).terms for i in nodes]):
            z = self.emit.compute(ADD, [z, self.places.read(np.array(column)[some], "nrc")], "nrcb")
        self.places.put(np.array([*nodes, -1])[member], "nrc", z)


def members(stack: Sequence[Block]) -> Cells:
    """The member for each block, row and column; -1 where there is none."""
    return np.array(
        [[[b.members.get((r, c), -1) for c in b.columns] for r in b.rows] for b in stack]
    )


class Places:
    """Where every node's number is: a cell, as if all arrays were laid end to end."""

    def __init__(self, emit: Builder, graph: Graph) -> None:
        n = len(graph.ops) + 2  # two more: the node -1 reads 0, and the lowest minus infinity
        self.emit, self.lowest = emit, n - 2
        self.cell, self.owner = np.full(n, -1), np.full(n, -1, np.int32)  # the array that has it
        self.is_constant, self.number = np.zeros(n, bool), np.zeros(n)
        constants = list(graph.constants)
        self.is_constant[[*constants, self.lowest, -1]] = True
        self.number[constants] = list(graph.constants.values())
        self.number[self.lowest] = -np.inf
        self.single: dict[int, Operand] = {}  # nodes that were read, or put, as single numbers
        self.arrays: list[Array] = []
        self.starts = [0]  # the first cell of each, and the end
        self.laid: dict[Array, int] = {}  # which of them an array is
        if constants:  # for what reads them together with other numbers
            self.put(np.array(constants), "a", emit.constant(self.number[constants], "a"))

    def put(self, nodes: Cells, letters: str, found: Operand) -> None:
        """Note which cells are which nodes, of a grid (-1: no node)."""
        (x, names), there = found, nodes >= 0
        k = self.lay(x)
        cells = self.starts[k] + np.arange(x.size).reshape(x.cells)
        cells = np.broadcast_to(aligned(cells, names.replace("b", ""), letters), nodes.shape)
        self.cell[nodes[there]], self.owner[nodes[there]] = cells[there], k

    def put_one(self, node: int, x: Array) -> None:
        """Note where a node is, that is an array by itself."""
        self.owner[node] = k = self.lay(x)
        self.cell[node] = self.starts[k]
        self.single[node] = x, x.axes

    def lay(self, x: Array) -> int:
        """Lay an array at the end, if it is nowhere; which of all it is."""
        k = self.laid.setdefault(x, len(self.arrays))
        if k == len(self.arrays):
            self.arrays.append(x)
            self.starts.append(self.starts[k] + x.size)
        return k

    def read(self, nodes: Cells, letters: str) -> Operand:
        """The nodes' numbers, as an operand with these letters."""
        if self.is_constant[nodes].all():
            return self.emit.constant(self.number[nodes], letters)
        if self.cell[self.lowest] < 0 and (nodes == self.lowest).any():
            self.put(np.array(self.lowest), "", self.emit.constant(-np.inf))
        cells = self.cell[nodes]
        there = cells >= 0
        owners, which = np.unique(self.owner[nodes[there]], return_inverse=True)
        sources = [self.arrays[k] for k in owners.tolist()]
        starts = np.array([self.starts[k] for k in owners.tolist()], int)
        before = np.cumsum([0, *[x.size for x in sources]])[:-1] - starts
        index = np.full(nodes.shape, -1)
        index[there] = cells[there] + before[which]
        return self.emit.gather(sources, index, letters)

    def read_one(self, node: int) -> Operand:
        """One node's number, as an operand without letters but that of the examples."""
        found = self.single.get(node)
        if found is None:
            if self.is_constant[node]:
                found = self.emit.constant(self.number[node])
            else:
                x, cell = self.at(node)
                found = self.emit.gather([x], np.array(cell), "") if x.cells else (x, x.axes)
            self.single[node] = found
        return found

    def at(self, node: int) -> tuple[Array, int]:
        """The array that has a node, and the cell there."""
        k = self.owner[node]
        return self.arrays[k], int(self.cell[node]) - self.starts[k]

    def shape_of(self, nodes: Cells) -> tuple[int, ...] | None:
        """The shape of the array that has these nodes and no others, in this order."""
        k, cells = self.owner[nodes[0]], self.cell[nodes]
        x, start = self.arrays[k], self.starts[k]
        whole = len(cells) == x.size and (cells == start + np.arange(x.size)).all()
        return x.cells if whole else None
