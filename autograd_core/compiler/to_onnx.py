"""A compiled program as an ONNX graph, whatever the model is.

Every array is a node or a few, with the examples as first axis. What does not depend on the inputs
is computed here, and goes into the file as numbers. An op's form on arrays, also that of an op of
one's own, is called with symbols that write nodes (`onnx_nodes`).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from onnx import checker, helper, numpy_helper

from autograd_core.compiler.compiled import Compiled
from autograd_core.compiler.executors import executor_class
from autograd_core.compiler.ir import (
    NAMES,
    Array,
    Cells,
    Compute,
    Gather,
    Leaf,
    Scatter,
    aligned,
    needed,
)
from autograd_core.compiler.names import stem
from autograd_core.compiler.onnx_nodes import Graph, Symbol
from autograd_core.engine import MUL, RELU, SIGMOID, Op
from autograd_core.files import write_whole

OPSET, IR = 17, 8  # of ONNX in 2022, which all that reads it knows
DIRECT = {RELU: "Relu", SIGMOID: "Sigmoid"}  # which readers look for by name


def write(
    compiled: Compiled, shape: Sequence[int], path: str | os.PathLike[str], dtype: str
) -> None:
    """Write a program of one argument, of a shape for each example, that gives one array.

    Inputs are "x" and outputs "y", with a row for each example. Raises ValueError for an op that
    ONNX has no operators for, naming it, and for outputs that do not depend on the inputs.
    """
    writer, (result,) = Writer(compiled, dtype), compiled.results
    if result not in writer.varies:
        raise ValueError("the outputs do not depend on the inputs: there is no graph to write")
    graph = writer.written(shape, result)
    ends = ("x", shape), ("y", result.cells)
    given, said = [
        helper.make_tensor_value_info(name, graph.kind, ["n", *cells]) for name, cells in ends
    ]
    tensors = [numpy_helper.from_array(x, name) for name, x in graph.numbers.items()]
    made = helper.make_graph(graph.nodes, "autograd_core", [given], [said], tensors)
    version = helper.make_opsetid("", OPSET)
    content = helper.make_model(made, opset_imports=[version], ir_version=IR)
    checker.check_model(content, full_check=True)
    write_whole(path, content.SerializeToString())


class Writer:
    """The arrays of a program as nodes: `varies` are those that depend on the inputs."""

    def __init__(self, compiled: Compiled, dtype: str) -> None:
        self.compiled, self.graph = compiled, Graph(dtype)
        self.order = needed(compiled.emit.order, compiled.results)
        self.varies: set[Array] = {compiled.inputs}
        for x in self.order:
            if self.varies.intersection(x.reads()):
                self.varies.add(x)
        self.names: dict[Array, str] = {}
        self.fixed: dict[Array, Any] = self.computed_here()

    def computed_here(self) -> dict[Array, Any]:
        """The numbers of arrays that are the same for all inputs, as far as others read them."""
        read = {y for x in self.order if x in self.varies for y in x.reads()}
        wanted = [x for x in self.order if x in read - self.varies]
        if not wanted:
            return {}
        leaves = {name: x for name, x in self.compiled.given([], None).items() if name != "inputs"}
        found = executor_class("numpy")(needed(self.order, wanted), wanted).run(leaves, 1).results
        return {x: z[..., 0] if x.batched else z.copy() for x, z in zip(wanted, found)}

    def written(self, shape: Sequence[int], result: Array) -> Graph:
        """All nodes, from "x" to "y"."""
        for x in self.order:
            if x in self.varies:
                self.names[x] = self.array(x, shape)
        self.graph.node("Identity", self.names[result], name="y")
        return self.graph

    def array(self, x: Any, shape: Sequence[int]) -> str:
        """The name of an array, whose nodes are written."""
        if isinstance(x, Leaf):
            return self.reshaped("x", shape, x.cells)
        if isinstance(x, Gather):
            return self.gathered(x.sources, x.index)
        return self.scattered(x) if isinstance(x, Scatter) else self.computed(x)

    def name(self, x: Array) -> str:
        """What an array is called: parameters as by their labels, W1."""
        return (
            self.names[x] if x in self.varies else self.graph.number(self.fixed[x], self.label(x))
        )

    def label(self, x: Array) -> str:
        """What numbers are called."""
        labels = self.compiled.leaves()
        if not isinstance(x, Gather) or x.index.min(initial=0) < 0:
            return "numbers"
        every = [label for y in x.sources for label in labels.get(y, [""] * y.size)]
        called = {stem(every[i]) for i in x.index.ravel().tolist()} - {""}
        return called.pop() if len(called) == 1 else "numbers"

    def reshaped(self, name: str, before: Sequence[int], cells: Sequence[int]) -> str:
        """Rows of a shape in another one."""
        if tuple(before) == tuple(cells):
            return name
        return self.graph.node("Reshape", name, self.graph.whole([-1, *cells]))

    # --- Compute

    def computed(self, x: Compute) -> str:
        """op(*operands), folded over the letters that the result lacks."""
        xs, axes = [self.name(y) for y, _ in x.operands], self.letters(x, x.axes)
        named = [self.letters(y, letters) for y, letters in x.operands]
        here = "".join([c for c in axes if any(c in letters for letters in named)])
        folded = "".join([c for c in dict.fromkeys("".join(named)) if c not in axes])
        if x.op is MUL and folded:
            z = self.product(xs, named, here)
        elif x.op:
            z = self.applied(x.op, [self.placed(y, own, here) for y, own in zip(xs, named)])
        else:
            z = self.reduced(x.fold, self.placed(xs[0], named[0], here + folded), len(here), folded)
        if here == axes:
            return z
        sizes = self.graph.whole([1] * x.batched + [*x.cells])
        return self.graph.node("Expand", self.placed(z, here, axes), sizes)

    def letters(self, x: Array, letters: str) -> str:
        """The letters of an array's axes in the order here: that of the examples first."""
        return "b" * (x in self.varies) + letters.replace("b", "")

    def placed(self, name: str, letters: str, wanted: str) -> str:
        """An array with its axes in an order, and of length 1 where it lacks one.

        Those that it lacks before its first are left out: ONNX adds them.
        """
        order = [letters.index(c) for c in wanted if c in letters]
        if order != sorted(order):
            name = self.graph.node("Transpose", name, perm=order)
        present = [i for i, c in enumerate(wanted) if c in letters]
        first = present[0] if present else len(wanted)
        lacks = [i - first for i in range(first, len(wanted)) if i not in present]
        return self.graph.node("Unsqueeze", name, self.graph.whole(lacks)) if lacks else name

    def product(self, xs: Sequence[str], named: Sequence[str], axes: str) -> str:
        """A product that is summed over some letters: of matrices where it is one."""
        inner = set(named[0]) & set(named[1])
        if (
            list(map(len, [*named, axes])) == [2, 2, 2]
            and len(inner) == 1
            and not inner & set(axes)
        ):
            pairs = sorted(zip(named, xs), key=lambda pair: axes[0] not in pair[0])
            (left, x), (right, y) = pairs
            turned = left[0] in inner, right[1] in inner
            return self.graph.node("Gemm", x, y, transA=int(turned[0]), transB=int(turned[1]))
        return self.graph.node("Einsum", *xs, equation=f"{','.join(named)}->{axes}")

    def applied(self, op: Op, xs: Sequence[str]) -> str:
        """An op, elementwise."""
        if op in DIRECT:
            return self.graph.node(DIRECT[op], *xs)
        try:
            z = op.on(np)(*[Symbol(self.graph, x) for x in xs])
            return z.number(z)  # type: ignore[no-any-return]
        except Exception as error:
            raise ValueError(f"the op {op.name} has no counterpart in ONNX: {error}") from error

    def reduced(self, fold: str, name: str, kept: int, folded: str) -> str:
        """The sum or the maximum over the last axes."""
        axes = list(range(kept, kept + len(folded)))
        if not axes:
            return name
        if fold == "+":
            return self.graph.node("ReduceSum", name, self.graph.whole(axes), keepdims=0)
        return self.graph.node("ReduceMax", name, axes=axes, keepdims=0)

    # --- Gather, Scatter

    def gathered(self, sources: Sequence[Array], index: Cells) -> str:
        """Cells of arrays laid end to end; -1 reads 0. What is the same for all is numbers."""
        own = [y for y in sources if y in self.varies]
        fixed = [self.fixed[y].ravel() for y in sources if y not in self.varies]
        varies = np.repeat([y in self.varies for y in sources], [y.size for y in sources])
        home = np.where(varies, varies.cumsum(), (~varies).cumsum()) - 1
        mine = (index >= 0) & varies[index]
        z = self.cells(own, np.where(mine, home[index], 0))
        if mine.all():
            return z
        others = np.concatenate([*fixed, [0.0]])[np.where(mine | (index < 0), -1, home[index])]
        return self.graph.node("Where", self.graph.number(mine), z, self.graph.number(others))

    def cells(self, sources: Sequence[Array], index: Cells) -> str:
        """Cells of arrays that vary, in the shape of an index."""
        if len(sources) == 1 and np.array_equal(index.ravel(), np.arange(sources[0].size)):
            return self.reshaped(self.names[sources[0]], sources[0].cells, index.shape)
        rows = [self.reshaped(self.names[y], y.cells, [y.size]) for y in sources]
        row = self.graph.node("Concat", *rows, axis=1) if len(rows) > 1 else rows[0]
        return self.graph.node("Gather", row, self.graph.number(index.astype(np.int64)), axis=1)

    def scattered(self, x: Scatter) -> str:
        """The sum of pieces: the first that comes to each cell, and the second, and so on."""
        sources = list(dict.fromkeys(x.reads()))
        starts = dict(zip(sources, np.cumsum([0, *[y.size for y in sources]]).tolist()))
        cells, targets = [], []
        for (y, letters), index in x.pieces:
            places = starts[y] + np.arange(y.size).reshape(y.cells)
            named = NAMES[: index.ndim]
            whole = np.broadcast_to(aligned(places, letters.replace("b", ""), named), index.shape)
            cells.append(whole[index >= 0])
            targets.append(index[index >= 0])
        rounds = in_rounds(np.concatenate(cells), np.concatenate(targets), x.size)
        found = [self.gathered(sources, index.reshape(x.cells)) for index in rounds]
        return found[0] if len(found) == 1 else self.graph.node("Sum", *found)


def in_rounds(cells: Cells, targets: Cells, size: int) -> list[Cells]:
    """For each target a cell that comes to it, or -1; as often as several come to one."""
    rounds = []
    while len(cells):
        _, first = np.unique(targets, return_index=True)
        index = np.full(size, -1)
        index[targets[first]] = cells[first]
        rounds.append(index)
        cells, targets = np.delete(cells, first), np.delete(targets, first)
    return rounds or [np.full(size, -1)]
