"""A recorded function on arrays: arguments in, results out, in the structure that f gives them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from autograd_core.compile.canonical import Graph, canonical
from autograd_core.compile.layout import Program, groups, lay_out
from autograd_core.compile.program import argument_names
from autograd_core.compile.record import Recording, record
from autograd_core.compile.run import Floats, Machine
from autograd_core.compile.scalars import ScalarMachine
from autograd_core.engine import Value, collector_paused


class Compiled:
    """A function on Values, recorded and laid out for arguments of one structure."""

    def __init__(self, f: Callable[..., Any], kinds: Sequence[Any], *, batched: bool) -> None:
        names = labels(f, len(kinds))

        def arguments(tape: Recording) -> list[Any]:
            return [make(tape, kind, name) for kind, name in zip(kinds, names, strict=True)]

        self.batched, self.kinds = batched, kinds
        self.machines: dict[int | None, Machine | ScalarMachine] = {}
        self.parts: dict[int | None, list[Floats]] = {}  # of a machine's inputs, by argument
        with collector_paused():
            self.lower(f, arguments)

    def lower(self, f: Callable[..., Any], arguments: Callable[[Recording], list[Any]]) -> None:
        """Record, and bring to canonical form."""
        self.tape, self.result = record(f, arguments)
        self.roots = [self.tape.node(root) for root in leaves(self.result)]
        self.graph = canonical(self.tape, self.roots, batched=self.batched)
        self.parameter_nodes = [self.graph.origin[i] for i in self.graph.parameters]
        self.parameters = [self.tape.parameters[i] for i in self.parameter_nodes]

    def value(self, args: Sequence[Any]) -> Any:
        """What f returns."""
        machine = self.load(args, None)
        machine.forward()
        return self.results(machine)

    def value_and_gradient(self, args: Sequence[Any], at: Floats | None) -> tuple[Any, Floats]:
        """What f returns, and the gradient with respect to the parameters."""
        self.check_differentiable()
        machine = self.load(args, at)
        machine.backward()
        return self.results(machine), machine.gradient.copy()

    def gradient_wrt_inputs(self, args: Sequence[Any]) -> Any:
        """The gradient with respect to every argument, in its shape."""
        self.check_differentiable()
        machine = self.load(args, None)
        machine.backward_to_inputs()
        flat = machine.input_gradient.T  # a row for each example
        result, start = [], 0
        for kind in self.kinds:
            stop = start + count(kind)
            part = flat[..., start:stop].copy()
            result.append(shaped(part, kind))
            start = stop
        return tuple(result)

    def check_differentiable(self) -> None:
        """The first result must be one Value."""
        first = self.result[0] if isinstance(self.result, tuple) and self.result else self.result
        if isinstance(first, (list, tuple)):
            raise TypeError(
                "a gradient needs a function that returns one Value, or a tuple that starts with "
                "it; this one returns a list"
            )

    def load(self, args: Sequence[Any], at: Floats | None) -> Machine | ScalarMachine:
        """The machine for this number of examples, with parameters and inputs in place."""
        rows = [matrix(x, kind, batched=self.batched) for x, kind in zip(args, self.kinds)]
        n = examples(rows) if self.batched else None
        machine = self.machines.get(n)
        if machine is None:
            if len(self.machines) >= 4:  # the data set, a batch, its remainder, and one to spare
                oldest = next(iter(self.machines))
                del self.machines[oldest], self.parts[oldest]
            machine = self.machines[n] = self.new_machine(n)
            ends = np.cumsum([count(kind) for kind in self.kinds])
            self.parts[n] = np.split(machine.inputs, ends[:-1])
        machine.parameters[:] = self.numbers(at)
        for part, row in zip(self.parts[n], rows):
            part[...] = row.T
        return machine

    def numbers(self, at: Floats | None) -> Any:
        """The parameters' numbers: those given, or their own."""
        if at is None:
            return [p.data for p in self.parameters]
        at = np.asarray(at, dtype=float)
        if at.shape != (len(self.parameters),):
            raise ValueError(f"at must be a list of {len(self.parameters)} numbers, got {at!r}")
        return at

    def new_machine(self, n: int | None) -> Machine | ScalarMachine:
        """An array machine, or a scalar one where there is little to gather into arrays."""
        if n is None and not has_structure(self.graph, self.alike):
            return ScalarMachine(self.tape, self.parameter_nodes, self.roots)
        return Machine(self.program, n, self.label)

    @cached_property
    def alike(self) -> list[list[int]]:
        """The groups of nodes that are alike."""
        return groups(self.graph)

    @cached_property
    def program(self) -> Program:
        """The steps on arrays."""
        return lay_out(self.graph, self.alike)

    def results(self, machine: Machine | ScalarMachine) -> Any:
        """The roots, in the structure that f returned."""
        if isinstance(self.result, Value):
            return mean_of(machine.roots[0])
        roots = iter(machine.roots)
        return unflatten(self.result, roots, machine.n)

    def label(self, node: int) -> str:
        """The label of what a node of the graph computes."""
        origin = self.graph.origin[node]
        return self.tape.values[origin].label if origin < len(self.tape.values) else ""


def has_structure(graph: Graph, alike: Sequence[list[int]]) -> bool:
    """Whether steps on arrays would do enough at once to be worth their overhead."""
    operands = sum([len(graph.operands(i)) for i in range(len(graph.ops))])
    return operands > 12 * len(alike)


# --- Results ---------------------------------------------------------------------------------


def leaves(result: Any) -> list[Any]:
    """The Values in what a function returned."""
    if isinstance(result, (list, tuple)):
        return [leaf for item in result for leaf in leaves(item)]
    return [result]


def unflatten(result: Any, roots: Iterator[Floats], n: int | None) -> Any:
    """Numbers in place of the Values that a function returned; lists become arrays."""
    if isinstance(result, tuple):
        return tuple([unflatten(item, roots, n) for item in result])
    if isinstance(result, list):
        return rows_of(result, roots, n)
    return mean_of(next(roots))


def mean_of(root: Floats) -> float:
    """The mean over the examples, or the number itself."""
    return float(root.sum()) / root.size


def rows_of(result: Any, roots: Iterator[Floats], n: int | None) -> Any:
    """A list of Values as an array; the examples, where there are any, along the first axis."""
    if isinstance(result, (list, tuple)):
        items = [rows_of(item, roots, n) for item in result]
        return np.stack(items, axis=0 if n is None else 1) if items else np.zeros(0)
    root = next(roots).reshape(-1)
    return root[0] if n is None else np.broadcast_to(root, (n,))


# --- Arguments ------------------------------------------------------------------------------


def make(tape: Recording, kind: Any, label: str) -> Any:
    """An argument of a structure, made of new inputs."""
    if kind[0] == "number":
        return tape.input(label)
    if kind[0] == "list":
        return [make(tape, item, f"{label}[{i}]") for i, item in enumerate(kind[1])]
    array = np.empty(kind[1], dtype=object)
    for place in np.ndindex(*kind[1]):
        array[place] = tape.input(f"{label}[{','.join(map(str, place))}]" if place else label)
    return array[()]  # the input itself where there are no axes


def labels(f: Callable[..., Any], n: int) -> list[str]:
    """A label for each of n arguments."""
    named = [name for name in argument_names(f) if name.isidentifier()][:n]
    return [*named, *[f"x{i + 1}" for i in range(len(named), n)]]


def count(kind: Any) -> int:
    """How many numbers an argument of a structure holds."""
    if kind[0] == "number":
        return 1
    return sum(map(count, kind[1])) if kind[0] == "list" else math.prod(kind[1])


def shaped(part: Floats, kind: Any) -> Any:
    """The numbers for an argument, in its shape where that is a number or an array."""
    lead = part.shape[:-1]
    if kind[0] == "number":
        return part[..., 0] if lead else float(part[0])
    return part.reshape(*lead, *kind[1]) if kind[0] == "array" else part


def matrix(x: Any, kind: Any, *, batched: bool) -> Floats:
    """The numbers of an argument, in order; where batched, a row of them for each example."""
    if getattr(x, "shape", ()):
        array = np.asarray(x)
        if array.dtype == object:
            array = np.array([float(number) for number in array.flat]).reshape(array.shape)
        return array.reshape(len(array), -1) if batched else array.reshape(-1)
    return np.array([flatten(row) for row in x] if batched else flatten(x))


def flatten(x: Any) -> list[float]:
    """The numbers of an argument, in order."""
    if isinstance(x, (list, tuple)):
        return [number for item in x for number in flatten(item)]
    if getattr(x, "shape", ()):
        return [float(number) for number in x.ravel()]
    return [float(x)]


def examples(rows: Sequence[Floats]) -> int:
    """How many examples the arguments have."""
    if not rows:
        raise ValueError("a batched program needs an argument, to know the number of examples")
    n = len(rows[0])
    for row in rows:
        if len(row) != n:
            counts = list(map(len, rows))
            raise ValueError(f"the arguments have different numbers of examples: {counts}")
    return n
