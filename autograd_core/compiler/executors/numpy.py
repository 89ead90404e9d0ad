"""NumPy: an array is a call on views that are made once, or none where it is a view itself."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from autograd_core.compiler.executors import Outcome
from autograd_core.compiler.executors.biases import Part, with_biases
from autograd_core.compiler.executors.chosen import call_of, choices
from autograd_core.compiler.executors.contract import Call, Named, contract, sum_of
from autograd_core.compiler.executors.deposit import deposit
from autograd_core.compiler.executors.threads import threads_for
from autograd_core.compiler.index import owned, stops_of
from autograd_core.compiler.ir import (
    NAMES,
    Array,
    Compute,
    Constant,
    Floats,
    Gather,
    Leaf,
    Operand,
    Scatter,
    aligned,
    needed,
)
from autograd_core.compiler.memory import beside_examples, plan, regular, shared, view_of
from autograd_core.engine import MUL, RELU, STEP, Op, power

# A place for numbers; the name of the leaf, which part of it, and what of it (None: all).
Load: TypeAlias = "tuple[Floats, str, int, slice | tuple[slice, slice] | None]"

ZERO = np.zeros(())  # NumPy is quicker with it than with 0.0
SIZES = 64  # of batches that are kept prepared
FAR = 512  # numbers: what is so far apart, or a multiple, has the same eight places in a cache
KEYWORD_ONLY = (np.maximum, np.minimum)  # which take no more than two arrays by place

# Forms that take fewer NumPy calls than the array form does.
FEWER_CALLS: dict[Op, Callable[..., Call]] = {
    RELU: lambda x, out: partial(np.maximum, x, ZERO, out=out),
    STEP: lambda x, out: partial(np.greater, x, ZERO, out),
    power(2.0): lambda x, out: partial(np.multiply, x, x, out),
}


class NumPyExecutor:
    """Memory is planned once; views and calls are made for each number of examples."""

    def __init__(self, order: Sequence[Array], results: Sequence[Array]) -> None:
        order, results = with_biases(order, results)
        self.chosen, self.results = choices(order), results
        self.order = needed(order, results, self.reads)
        self.memory = plan(self.order, results, self.reads, beside_examples(self.order))
        self.space, self.spaces = shared(self.memory, self.order, results, self.reads)
        self.flat = [np.zeros(0 if y.batched else y.size) for y in self.spaces]  # made larger
        self.prepared: dict[int | None, Calls] = {}
        self.latest: Calls | None = None

    def reads(self, x: Array) -> Iterable[Array]:
        """What an array is computed from; a lookup needs no one-hot array."""
        way = self.chosen.get(x)
        return (way.source, way.other) if way else x.reads()

    def run(self, leaves: Mapping[str, Sequence[Floats]], n: int | None) -> Outcome:
        """Compute the results for n examples."""
        calls = self.prepared.pop(n, None) or self.prepare(leaves, n)
        self.prepared[n] = calls  # the last of all
        if calls is not self.latest:  # for others may have used the memory
            self.latest = None  # until all are there: Ctrl-C may come between
            for call in calls.constants:
                call()
            self.latest = calls
        for slot, name, i, some in calls.loads:
            part = leaves[name][i].T
            slot[...] = part if some is None else part[some]
        complaints: list[str] = []
        said = np.errstate(all="call", under="ignore", call=lambda kind, _: complaints.append(kind))
        with calls.threads, said:
            for call in calls.calls:
                call()
            finite = math.isfinite(calls.last.dot(calls.last))  # or too large to say so
        return Outcome(calls.results, bool(complaints), finite)

    def prepare(self, leaves: Mapping[str, Sequence[Floats]], n: int | None) -> Calls:
        """The calls for a new number of examples, in place of those that are longest unused."""
        if len(self.prepared) == SIZES:
            del self.prepared[next(iter(self.prepared))]
        return Calls(self, leaves, n)

    def buffer(self, i: int, n: int | None) -> Floats:
        """A buffer for n examples: the front of its space, which is made larger if need be."""
        size, batched = self.memory.buffers[i]
        k, rest = self.space[i], (n,) if batched and n is not None else ()
        wanted = self.spaces[k].size * math.prod(rest)
        if self.flat[k].size < wanted:
            self.flat[k] = np.zeros(max(wanted, 2 * self.flat[k].size))
        return self.flat[k][: size * math.prod(rest)].reshape(size, *rest)


class Calls:
    """The views and the calls for one number of examples."""

    def __init__(
        self, executor: NumPyExecutor, leaves: Mapping[str, Sequence[Floats]], n: int | None
    ) -> None:
        self.n, self.executor = n, executor
        self.memory, self.chosen = executor.memory, executor.chosen
        self.buffers = [executor.buffer(i, n) for i in range(len(self.memory.buffers))]
        self.array: dict[Array, Floats] = {}
        self.constants: list[Call] = []
        self.calls: list[Call] = []
        for x in executor.order:
            self.array[x] = self.view(x)
            self.calls += MAKE[type(x)](self, x)
        self.results = [self.array[x] for x in executor.results]
        self.last = self.row(executor.results)
        self.threads = threads_for(max(map(self.multiplications, executor.order), default=0))
        self.loads = [
            load for x in executor.order if isinstance(x, Leaf) for load in self.load(x, leaves)
        ]

    def load(self, x: Leaf, leaves: Mapping[str, Sequence[Floats]]) -> Iterator[Load]:
        """How the cells of a leaf that are read come to their places."""
        read, at = self.is_read(x), -(x.start if isinstance(x, Part) else 0)
        for i, part in enumerate(leaves[x.name]):
            width = part.shape[-1]
            first, stop = max(at, 0), min(at + width, x.size)
            if read[first:stop].any():
                slot, rows = self.array[x][first:stop], slice(first - at, stop - at)
                if part.ndim == 2 and width % FAR == 0:
                    for k in range(0, len(part), 8):
                        yield slot[:, k : k + 8], x.name, i, (rows, slice(k, k + 8))
                else:
                    yield slot, x.name, i, None if stop - first == width else rows
            at += width

    def is_read(self, x: Leaf) -> NDArray[np.bool_]:
        """Of each cell of a leaf, whether the program reads it."""
        read = np.full(x.size, x in self.executor.results)
        for y in self.executor.order:
            if isinstance(y, Gather) and x in y.sources:
                for k, _, cells in owned(stops_of(y.sources), y.index):
                    if y.sources[k] is x:
                        read[cells] = True
            elif x in self.executor.reads(y):
                read[:] = True
        return read

    def view(self, x: Array) -> Floats:
        """The array where it is; a constant that is read alone is not in a buffer."""
        if x not in self.memory.home:
            return self.constant(x)
        home = self.memory.home[x]
        buffer = self.buffers[home.buffer]
        return view_of(buffer, home, (*x.cells, *buffer.shape[1:]))

    def constant(self, x: Array) -> Floats:
        """A constant's numbers, for this number of examples."""
        assert isinstance(x, Constant)
        return np.asarray(x.numbers * float(self.n or 1) ** x.power if x.power else x.numbers)

    def operand(self, operand: Operand, letters: str) -> Floats:
        """An operand with these axes; NumPy is quicker with a number than with axes of length 1."""
        array = self.array[operand[0]]
        return aligned(array, operand[1], letters) if operand[1] else array

    def row(self, results: Sequence[Array]) -> Floats:
        """The last result in a row, as a gradient lies; NaN, for unknown, where it does not so."""
        known = results and not results[-1].batched and self.array[results[-1]].flags.c_contiguous
        return self.array[results[-1]].reshape(-1) if known else np.array([math.nan])

    def multiplications(self, x: Array) -> int:
        """How many there are in a product; of other calls, the numbers that are read."""
        operands = x.operands if isinstance(x, Compute) and x not in self.chosen else ()
        pairs = [zip(letters, self.array[y].shape) for y, letters in operands]
        return math.prod(dict(chain(*pairs)).values())

    # --- What each kind of array takes

    def none(self, x: Leaf) -> list[Call]:
        """Nothing: it is loaded."""
        return []

    def keep(self, x: Constant) -> list[Call]:
        """Nothing, but for one that lies among other arrays and depends on the examples."""
        if x not in self.memory.home:
            return []
        call = partial(np.copyto, self.array[x], self.constant(x))
        if not x.power:
            self.constants.append(call)
        return [call] if x.power else []

    def compute(self, x: Compute) -> list[Call]:
        """One call, or a product's few."""
        out = self.array[x]
        if x in self.chosen:
            return [call_of(x, self.chosen[x], self.array)]
        if x.op is None:
            return fold(
                Named(self.array[x.operands[0][0]], x.operands[0][1]), Named(out, x.axes), x.fold
            )
        if x.op is MUL:
            every = {c for _, letters in x.operands for c in letters}
            if every != set(x.axes):
                left, right = [Named(self.array[y], letters) for y, letters in x.operands]
                return contract(left, right, Named(out, x.axes))
        return [apply(x.op, [self.operand(y, x.axes) for y in x.operands], out)]

    def gather(self, x: Gather) -> list[Call]:
        """Copy cells together, that are no view where they are."""
        if x not in self.memory.copied:
            return []
        out, index = self.array[x], self.memory.cells(*x.sources)[x.index]
        source = self.buffers[self.memory.home[x.sources[0]].buffer]  # in which all of them lie
        view = regular(0, index)
        if view is not None:
            return [partial(np.copyto, out, view_of(source, view, out.shape))]
        places = np.maximum(index, 0).astype(np.intp)
        axes = sorted(range(index.ndim), key=lambda axis: -out.strides[axis])  # as they lie
        whole = out.transpose(*axes, *range(index.ndim, out.ndim))
        calls: list[Call] = [partial(source.take, places.transpose(axes), 0, whole, "clip")]
        if index.min(initial=0) < 0:
            calls.append(partial(out.__setitem__, np.nonzero(index < 0), 0.0))
        return calls

    def scatter(self, x: Scatter) -> list[Call]:
        """Add the pieces that are not computed in place."""
        buffer, cells = self.buffers[self.memory.home[x].buffer], self.memory.cells(x)
        pieces = list(zip(x.pieces, self.memory.in_place[x]))
        written = np.zeros(x.size, bool)
        calls: list[Call] = []
        for (_, index), there in pieces:
            written[index.ravel() if there else []] = True
        for (operand, index), there in pieces:
            if not there:
                reached = np.unique(index[index >= 0])
                add = bool(written[reached].any())
                if add and not written[reached].all():
                    blank = cells[reached[~written[reached]]]
                    calls.append(partial(buffer.__setitem__, blank, 0.0))
                written[reached] = True
                source = self.operand(operand, NAMES[: index.ndim] + "b" * x.batched)
                calls.append(deposit(buffer, cells[index], source, add=add))
        if not written.all():
            calls.append(partial(buffer.__setitem__, cells[:-1][~written], 0.0))
        return calls


MAKE: dict[type[Array], Callable[[Calls, Any], list[Call]]] = {
    Leaf: Calls.none,
    Part: Calls.none,
    Constant: Calls.keep,
    Compute: Calls.compute,
    Gather: Calls.gather,
    Scatter: Calls.scatter,
}


def apply(op: Op, xs: Sequence[Floats], out: Floats) -> Call:
    """The call out = op(*xs)."""
    if op in FEWER_CALLS:
        return FEWER_CALLS[op](*xs, out)
    function = op.on(np)
    if isinstance(function, np.ufunc):
        positional = function not in KEYWORD_ONLY  # it is quicker so
        return partial(function, *xs, out) if positional else partial(function, *xs, out=out)
    return lambda: np.copyto(out, function(*xs))


def fold(x: Named, out: Named, how: str) -> list[Call]:
    """The call out = x, folded over the letters that out lacks."""
    lost = "".join([c for c in x.letters if c not in out.letters])
    if not lost:
        return [partial(np.copyto, out.array, aligned(*x, out.letters))]
    if how == "+":
        return sum_of(x, out)
    axes = tuple([i for i, c in enumerate(x.letters) if c in lost])
    kept = "".join([c for c in x.letters if c not in lost])
    return [partial(np.maximum.reduce, x.array, axes, None, aligned(*out, kept))]
