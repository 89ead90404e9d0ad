"""The arrays of a program, computed one by one as the grammar says; and passes run alone."""

import numpy as np

from autograd_core.compiler.canonical import canonical
from autograd_core.compiler.factor import Factored
from autograd_core.compiler.graph import Sum
from autograd_core.compiler.ir import NAMES, Compute, Constant, Gather, Leaf, aligned
from autograd_core.compiler.record import record


def recorded(f, n=0):
    """f recorded on n numbers: the recording, and the nodes of what it returned."""
    tape, result = record(f, lambda tape: [tape.input(f"x{i}") for i in range(n)])
    results = result if isinstance(result, (list, tuple)) else [result]
    return tape, [tape.node(root) for root in results]


def graph_of(f, n=0, *, batched=False):
    tape, roots = recorded(f, n)
    return canonical(tape, roots, batched=batched)


def ops_of(graph):
    """What the nodes are computed by; (products, terms) for a sum."""
    return [
        (len(op.left), len(op.terms)) if isinstance(op, Sum) else op
        for op in graph.ops
        if op is not None
    ]


def factored(f, n=0, *, batched=False):
    """The arrays of a function of n numbers, and that of its first result."""
    graph = graph_of(f, n, batched=batched)
    arrays = Factored(graph)
    return arrays, arrays.result(np.array(graph.roots[0]))


def products_of(order):
    """(blocks, rows, columns, terms added up) of the products of matrices, without the examples."""
    found = []
    for x in order:
        if isinstance(x, Compute) and len(x.operands) == 2:
            (_, left), (_, right) = x.operands
            length = {c: n or 1 for y, letters in x.operands for c, n in zip(letters, y.shape)}
            blocks, rows, columns, summed = 1, 1, 1, 1
            for c, n in length.items():
                if c not in x.axes:
                    summed *= n
                elif c in left and c in right:
                    blocks *= n
                elif c in left:
                    rows *= n
                else:
                    columns *= n
            if set(length) != set(x.axes):
                found.append((blocks, rows, columns, summed))
    return found


def by_definition(order, leaves, n):
    """Every array's numbers, for n examples, computed as the grammar says and no other way."""
    found = {}
    for x in order:
        rest = (n,) if x.batched else ()
        if isinstance(x, Leaf):
            found[x] = leaves[x.name]
        elif isinstance(x, Constant):
            found[x] = x.numbers * float(n or 1) ** x.power
        elif isinstance(x, Compute):
            every = "".join(dict.fromkeys(x.axes + "".join([names for _, names in x.operands])))
            xs = np.broadcast_arrays(*[aligned(found[y], names, every) for y, names in x.operands])
            z = x.op.on(np)(*xs) if x.op else xs[0]
            lost = tuple(range(len(x.axes), len(every)))
            z = z.sum(lost) if x.fold == "+" else z.max(lost)
            found[x] = np.broadcast_to(z, (*x.cells, *rest))
        elif isinstance(x, Gather):
            laid = [found[y].reshape(y.size, *rest) for y in x.sources]
            found[x] = np.concatenate([*laid, np.zeros((1, *rest))])[x.index]
        else:
            z = np.zeros((x.size, *rest))
            for (y, names), index in x.pieces:
                axes = NAMES[: index.ndim] + "b" * x.batched
                piece = np.broadcast_to(aligned(found[y], names, axes), (*index.shape, *rest))
                np.add.at(z, index[index >= 0], piece[index >= 0])
            found[x] = z.reshape((*x.cells, *rest))
    return found
