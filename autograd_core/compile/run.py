"""Run a laid-out program with NumPy: every instruction becomes a call on views made once.

The buffers and all views into them are made for a number of examples; running is calling the
prepared calls in turn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import Any, TypeAlias

import numpy as np
from numpy.lib.stride_tricks import as_strided

from autograd_core.compile.arguments import Floats
from autograd_core.compile.backward import (
    Array,
    Contract,
    Instruction,
    Map,
    Reduce,
    Scatter,
    backward,
    forward,
)
from autograd_core.compile.layout import Apply, Cells, Numbers, Program, Scratch
from autograd_core.complaints import no_slope
from autograd_core.engine import RELU, STEP, Op, Value, power

Call: TypeAlias = Callable[[], Any]


ZERO = np.zeros(())  # NumPy is quicker with it than with 0.0

# Forms that take fewer NumPy calls than the array form does.
FEWER_CALLS: dict[Op, Callable[..., Any]] = {
    RELU: lambda x, out: np.maximum(x, ZERO, out=out),
    STEP: lambda x, out: np.greater(x, ZERO, out=out),
    power(2.0): lambda x, out: np.multiply(x, x, out=out),
}


class Machine:
    """The buffers of a program for `n` examples (None where it is not batched), and its calls."""

    def __init__(self, program: Program, n: int | None, label: Callable[[int], str]) -> None:
        self.program, self.n, self.label = program, n, label
        self.examples = () if n is None else (n,)
        self.buffers: dict[tuple[bool, bool], Floats] = {}
        for grad in (False, True):
            self.buffers[False, grad] = np.zeros(program.fixed)
            self.buffers[True, grad] = np.zeros((program.batched, *self.examples))
        if program.constants is not None:
            cells, array = program.constants
            self.view(cells)[...] = array
        self.scratch: dict[Array, Floats] = {}
        self.parameters = self.buffers[False, False][: program.n_parameters]
        self.gradient = self.buffers[False, True][: program.n_parameters]
        start = 0 if n is not None else program.n_parameters
        self.inputs = self.buffers[n is not None, False][start : start + program.n_inputs]
        self.input_gradient = self.buffers[n is not None, True][start : start + program.n_inputs]
        self.steps_forward = self.prepare(forward(program.steps))
        self.roots = [self.array(root) for root in program.roots]

    @cached_property
    def steps_backward(self) -> list[Call]:
        """The calls forward, and those to the gradient with respect to the parameters."""
        return [*self.steps_forward, *self.prepare(backward(self.program))]

    @cached_property
    def steps_backward_to_inputs(self) -> list[Call]:
        """The calls forward, and those to the gradient with respect to the inputs."""
        return [*self.steps_forward, *self.prepare(backward(self.program, inputs=True))]

    def forward(self) -> None:
        """Compute the roots."""
        self.run(self.steps_forward)

    def backward(self) -> None:
        """Compute the roots and leave the first one's gradient in `gradient`."""
        self.run(self.steps_backward)

    def backward_to_inputs(self) -> None:
        """Compute the roots and leave the first one's gradient in `input_gradient`."""
        self.run(self.steps_backward_to_inputs)

    def run(self, calls: Sequence[Call]) -> None:
        """Make the calls; after an overflow or an undefined number, look whether it is an error."""
        complaints: list[str] = []
        with np.errstate(all="call", under="ignore", call=lambda kind, _: complaints.append(kind)):
            for call in calls:
                call()
        if complaints:
            self.diagnose()

    def diagnose(self) -> None:
        """Raise what the scalar ops raise on the same numbers, if any does."""
        for step in self.program.steps:
            if isinstance(step, Apply):
                self.diagnose_step(step)

    def diagnose_step(self, step: Apply) -> None:
        """Compute the scalars again whose result is not finite."""
        z = self.array(step.out)
        xs = [self.broadcast(x, batched=step.out.batched) for x in step.operands]
        xs = [np.broadcast_to(x, z.shape) for x in (xs[0] if step.stacked else xs)]
        for place in np.argwhere(~np.isfinite(z)).tolist():
            cell = tuple(place)
            member = step.nodes[
                int(np.ravel_multi_index(cell[: len(step.out.shape)], step.out.shape))
            ]
            parents = self.program.graph.parents[member]
            values = [Value(x[cell], self.label(p)) for x, p in zip(xs, parents, strict=True)]
            try:
                step.op.record(values)
            except (ArithmeticError, ValueError, TypeError) as error:
                where = f" (example {cell[-1]})" if self.n is not None and step.out.batched else ""
                raise type(error)(f"{error}{where}") from error.__cause__

    def prepare(self, instructions: Sequence[Instruction]) -> list[Call]:
        """A call for every instruction, after one for every gather that it is the first to need."""
        calls: list[Call] = []
        for instruction in instructions:
            for array in operands(instruction):
                if isinstance(array, Cells) and array.strides is None and array not in self.scratch:
                    calls += [self.gather(array)]
            calls += [self.call(instruction)]
        return calls

    # --- Views

    def view(self, cells: Cells) -> Floats:
        """The numbers of regular cells, without a copy."""
        buffer = self.buffers[cells.batched, cells.grad]
        examples, own = (self.examples, buffer.strides[1:]) if cells.batched else ((), ())
        assert cells.strides is not None
        return as_strided(
            buffer[cells.base :],
            (*cells.shape, *examples),
            (*[stride * buffer.strides[0] for stride in cells.strides], *own),
        )

    def gather(self, cells: Cells) -> Call:
        """A call that copies irregular cells together."""
        buffer = self.buffers[cells.batched, cells.grad]
        out = self.scratch[cells] = np.empty((*cells.shape, *buffer.shape[1:]))
        return partial(np.take, buffer, cells.index, 0, out, "clip")

    def array(self, array: Array) -> Floats:
        """The NumPy array that an instruction reads or writes."""
        if isinstance(array, Numbers):
            if not array.batched or self.n is None:
                return array.array
            shared = array.array[..., None] / self.n
            return np.ascontiguousarray(np.broadcast_to(shared, (*array.shape, self.n)))
        if array in self.scratch:
            return self.scratch[array]
        if isinstance(array, Scratch):
            examples = self.examples if array.batched else ()
            return self.scratch.setdefault(array, np.empty((*array.shape, *examples)))
        return self.view(array)

    def broadcast(self, array: Array, *, batched: bool) -> Floats:
        """The array, with an axis for the examples where what it meets has one."""
        found = self.array(array)
        if batched and not array.batched and found.ndim:
            return found[..., None]
        return found

    # --- Calls

    def call(self, instruction: Instruction) -> Call:
        """The call that carries out one instruction."""
        if isinstance(instruction, Scatter):
            return self.scatter(instruction)
        out = self.array(instruction.out)
        if instruction.add:
            more = np.empty(out.shape)
            call = self.assign(instruction, more)
            return lambda: (call(), np.add(out, more, out))
        return self.assign(instruction, out)

    def assign(self, instruction: Map | Contract | Reduce, out: Floats) -> Call:
        """The call that writes an instruction's result to an array."""
        batched = instruction.out.batched
        if isinstance(instruction, Map):
            xs = [self.broadcast(x, batched=batched) for x in instruction.operands]
            if instruction.stacked:
                return self.apply_to_rows(instruction, xs[0], out)
            return apply(instruction.op, *without_ones(xs, out))
        if isinstance(instruction, Contract):
            arrays = (instruction.left, instruction.right, instruction.out)
            letters = [
                letter + "b" * (array.batched and self.n is not None)
                for letter, array in zip(instruction.letters, arrays, strict=True)
            ]
            return contract(letters, self.array(arrays[0]), self.array(arrays[1]), out)
        source = self.broadcast(instruction.source, batched=batched)
        axes = instruction.axes
        if instruction.source.batched and not batched and self.n is not None:
            axes = (*axes, source.ndim - 1)
        if not axes:
            return partial(np.copyto, out, source)
        return add_up(source, axes, out)

    def apply_to_rows(self, instruction: Map, rows: Floats, out: Floats) -> Call:
        """The call out = op(*rows)."""
        if instruction.kept:
            weights, whole = map(self.array, instruction.kept)
            return partial(log_of_sum_of_rows, rows, out, weights, whole)
        function = instruction.op.on(np)
        return lambda: np.copyto(out, function(*rows))

    def scatter(self, instruction: Scatter) -> Call:
        """The call that adds up what belongs to each cell."""
        source, target = self.array(instruction.source), instruction.out
        buffer = self.buffers[target.batched, True]
        summed = instruction.source.batched and not target.batched and self.n is not None
        cells, inverse = np.unique(target.cells, return_inverse=True)
        order = np.argsort(inverse.ravel(), kind="stable")
        starts = np.searchsorted(inverse.ravel()[order], np.arange(len(cells)))
        rest = buffer.shape[1:]

        def run() -> None:
            array = source.sum(-1) if summed else source
            array = np.broadcast_to(array, (*target.shape, *rest)).reshape(-1, *rest)
            added = np.add.reduceat(array[order], starts, axis=0)
            if instruction.add:
                buffer[cells] += added
            else:
                buffer[cells] = added

        return run


def operands(instruction: Instruction) -> Sequence[Array]:
    """What an instruction reads."""
    if isinstance(instruction, Map):
        return instruction.operands
    if isinstance(instruction, Contract):
        return instruction.left, instruction.right
    return (instruction.source,)


def log_of_sum_of_rows(rows: Floats, out: Floats, weights: Floats, whole: Floats) -> None:
    """The array form of logsumexp; weights = exp(rows - top) and their sums, whole, are kept."""
    top = np.maximum.reduce(rows)
    np.subtract(rows, top, out=weights)
    np.exp(weights, out=weights)
    np.add.reduce(weights, axis=0, out=whole)
    np.log(whole, out=out)
    np.add(out, top, out=out)


def add_up(source: Floats, summed: tuple[int, ...], out: Floats) -> Call:
    """The call out = source summed over axes; over the last of two it is a product with ones."""
    longer = [axis for axis, size in enumerate(source.shape) if size != 1]
    if len(longer) == 2 and longer[0] not in summed and longer[1] in summed:
        ones = np.ones(source.shape[longer[1]])
        return partial(np.matmul, source.squeeze(), ones, out=out.squeeze())
    return partial(np.add.reduce, source, summed, None, out)


def without_ones(xs: Sequence[Floats], out: Floats) -> tuple[list[Floats], Floats]:
    """The arrays without the axes along which `out` has length 1: NumPy is quicker so."""
    ones = [axis for axis in range(-out.ndim, 0) if out.shape[axis] == 1]  # counted from the end
    return [x.squeeze(tuple([a for a in ones if a >= -x.ndim])) for x in xs], out.squeeze()


def apply(op: Op, xs: Sequence[Floats], out: Floats) -> Call:
    """The call out = op(*xs)."""
    if op in FEWER_CALLS:
        return partial(FEWER_CALLS[op], *xs, out)
    if isinstance(op.array, str):
        return partial(getattr(np, op.array), *xs, out=out)
    function = op.on(np)
    return lambda: np.copyto(out, function(*xs))


def contract(letters: Sequence[str], left: Floats, right: Floats, out: Floats) -> Call:
    """The call that sums products over the letters that `out` lacks: a matmul where it can be.

    Letters name the axes of left, right and out, as for numpy.einsum.
    """
    x, y, z = [
        squeeze(name, array) for name, array in zip(letters, (left, right, out), strict=True)
    ]
    shared = [c for c in z[0] if c in x[0] and c in y[0]]
    summed = [c for c in x[0] if c in y[0] and c not in z[0]]
    rows = [c for c in x[0] if c in z[0] and c not in y[0]]
    columns = [c for c in y[0] if c in z[0] and c not in x[0]]
    alone = [c for c in x[0] + y[0] if c not in shared + summed + rows + columns]
    if not summed and not alone:
        return partial(np.multiply, axes(x, z[0]), axes(y, z[0]), out=z[1])
    if (
        len(summed) == 1
        and len(rows) <= 1
        and len(columns) <= 1
        and not alone
        and (rows or columns)
    ):
        k, r, c = summed[0], (rows or ["R"])[0], (columns or ["C"])[0]
        front = "".join(shared)
        return partial(
            np.matmul, axes(x, front + r + k), axes(y, front + k + c), out=axes(z, front + r + c)
        )
    if not z[0] and len(summed) == 1 and not alone:
        return partial(np.matmul, x[1], y[1], out=z[1])
    if len(summed) == 1 and not (rows or columns or alone):
        return multiply_and_add(axes(x, summed[0] + z[0]), axes(y, summed[0] + z[0]), z[1])
    return partial(np.einsum, f"{x[0]},{y[0]}->{z[0]}", x[1], y[1], out=z[1])


def multiply_and_add(x: Floats, y: Floats, out: Floats) -> Call:
    """The call out = x * y, which have one shape, summed over the first axis."""
    products = np.empty(x.shape)

    def run() -> None:
        np.multiply(x, y, out=products)
        np.add.reduce(products, axis=0, out=out)

    return run


def squeeze(letters: str, array: Floats) -> tuple[str, Floats]:
    """The axes that are longer than 1, and the array without the others."""
    kept = [i for i, size in enumerate(array.shape) if size != 1]
    return "".join([letters[i] for i in kept]), array.squeeze()


def axes(named: tuple[str, Floats], wanted: str) -> Floats:
    """The array with its axes in the wanted order, and an axis of length 1 for every other."""
    letters, array = named
    order = [letters.index(c) for c in wanted if c in letters]
    index = [slice(None) if c in letters else None for c in wanted]
    return array.transpose(order)[(*index, ...)]  # with the dots, a view even of a single number
