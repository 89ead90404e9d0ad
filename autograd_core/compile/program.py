"""`compile`: a function on Values as a program on arrays."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from autograd_core.compile.record import Recording, record
from autograd_core.engine import NUMBER, Value, collector_paused

if TYPE_CHECKING:
    from autograd_core.compile.canonical import Graph
    from autograd_core.compile.layout import Program as ArrayProgram
    from autograd_core.compile.run import Floats, Machine
    from autograd_core.compile.scalars import ScalarMachine


def compile(f: Callable[..., Any], *, batched: bool = False) -> Program:
    """A program that computes what `f` computes, on arrays.

    `f` takes numbers, lists or arrays of them, and returns a Value, or a tuple whose first item
    is the Value to differentiate; it may use any Values from outside, the parameters. It is
    recorded at the first call for arguments of a structure, and run from then on. Parameters may
    be changed between calls (use them as Values: `w.data` in f would be kept as it is now).

    With `batched=True`, `f` is written for one example, and every argument has a leading axis for
    the examples. A Value comes back as its mean over them, a list as an array with a row for each.

    >>> w = Value(3.0, "w")
    >>> program = compile(lambda x, y: (w * x - y) ** 2, batched=True)
    >>> program([1.0, 2.0], [1.0, 1.0])
    14.5
    >>> value, gradient = program.value_and_gradient([1.0, 2.0], [1.0, 1.0])
    >>> gradient
    array([12.])
    """
    return Program(f, batched=batched)


class Program:
    """A function on Values, compiled; see `compile`."""

    def __init__(self, f: Callable[..., Any], *, batched: bool) -> None:
        self.f, self.batched = f, batched
        self.compiled: dict[Any, Compiled] = {}
        self.latest: Compiled | None = None

    @property
    def parameters(self) -> list[Value]:
        """The Values from outside that the result depends on, in the order of the gradient."""
        return self.current().parameters

    def __call__(self, *args: Any) -> Any:
        """What f returns, as numbers and arrays."""
        return self.find(args).value(args)

    def value_and_gradient(
        self, *args: Any, at: Floats | None = None, accumulate: bool = False
    ) -> tuple[Any, Floats]:
        """What f returns, and the gradient with respect to all parameters, as one flat array.

        `at` gives the parameters' numbers in place of their own `data`; `accumulate` adds the
        gradient to every parameter's `grad`, as `backward` does.
        """
        compiled = self.find(args)
        value, gradient = compiled.value_and_gradient(args, at)
        if accumulate:
            for parameter, slope in zip(compiled.parameters, gradient.tolist(), strict=True):
                parameter.grad += slope
        return value, gradient

    def gradient_wrt_inputs(self, *args: Any) -> Any:
        """The gradient with respect to each argument, in its shape; one item for each argument."""
        return self.find(args).gradient_wrt_inputs(args)

    def prepare(self, *args: Any) -> None:
        """Record for arguments of this structure, without running: `parameters` are known then."""
        self.find(args)

    def find(self, args: Sequence[Any]) -> Compiled:
        """The program for arguments of this structure, recorded if it is new."""
        key = tuple([structure(x, batched=self.batched) for x in args])
        if key not in self.compiled:
            self.compiled[key] = Compiled(self.f, key, batched=self.batched)
        self.latest = self.compiled[key]
        return self.latest

    def current(self) -> Compiled:
        """The program that was called last; one without arguments is recorded if need be."""
        if self.latest is None and not self.batched and not argument_names(self.f):
            self.prepare()
        if self.latest is None:
            raise RuntimeError("a program is recorded at its first call: call it first")
        return self.latest

    def __str__(self) -> str:
        from autograd_core.compile.show import listing

        compiled = self.current()
        return listing(compiled.program, compiled.label, batched=self.batched)


class Compiled:
    """A function on Values, recorded and laid out for arguments of one structure."""

    def __init__(self, f: Callable[..., Any], kinds: Sequence[Any], *, batched: bool) -> None:
        names = labels(f, len(kinds))

        def arguments(tape: Recording) -> list[Any]:
            return [make(tape, kind, name) for kind, name in zip(kinds, names, strict=True)]

        self.batched, self.kinds = batched, kinds
        self.machines: dict[int | None, Machine | ScalarMachine] = {}
        with collector_paused():
            self.lower(f, arguments)

    def lower(self, f: Callable[..., Any], arguments: Callable[[Recording], list[Any]]) -> None:
        """Record, and bring to canonical form."""
        from autograd_core.compile.canonical import canonical

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
        flat = machine.input_gradient if machine.n is None else machine.input_gradient.T
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
                del self.machines[next(iter(self.machines))]
            machine = self.machines[n] = self.new_machine(n)
        machine.parameters[:] = self.numbers(at)
        start = 0
        for row in rows:
            stop = start + row.shape[-1]
            machine.inputs[start:stop] = row.T
            start = stop
        return machine

    def numbers(self, at: Floats | None) -> Any:
        """The parameters' numbers: those given, or their own."""
        if at is None:
            return [p.data for p in self.parameters]
        import numpy as np

        if np.shape(at) != (len(self.parameters),):
            raise ValueError(f"at must be a list of {len(self.parameters)} numbers, got {at!r}")
        return at

    def new_machine(self, n: int | None) -> Machine | ScalarMachine:
        """An array machine, or a scalar one where there is little to gather into arrays."""
        if n is None and not has_structure(self.graph):
            from autograd_core.compile.scalars import ScalarMachine

            return ScalarMachine(self.tape, self.parameter_nodes, self.roots)
        from autograd_core.compile.run import Machine

        return Machine(self.program, n, self.label)

    @cached_property
    def program(self) -> ArrayProgram:
        """The steps on arrays."""
        from autograd_core.compile.layout import lay_out

        return lay_out(self.graph)

    def results(self, machine: Machine | ScalarMachine) -> Any:
        """The roots, in the structure that f returned."""
        roots = iter(machine.roots)
        return unflatten(self.result, roots, batched=self.batched)

    def label(self, node: int) -> str:
        """The label of what a node of the graph computes."""
        origin = self.graph.origin[node]
        return self.tape.values[origin].label if origin < len(self.tape.values) else ""


def has_structure(graph: Graph) -> bool:
    """Whether steps on arrays would do enough at once to be worth their overhead."""
    from autograd_core.compile.layout import groups

    operands = sum([len(graph.operands(i)) for i in range(len(graph.ops))])
    return operands > 12 * len(groups(graph))


# --- Results ---------------------------------------------------------------------------------


def leaves(result: Any) -> list[Any]:
    """The Values in what a function returned."""
    if isinstance(result, (list, tuple)):
        return [leaf for item in result for leaf in leaves(item)]
    return [result]


def unflatten(result: Any, roots: Any, *, batched: bool) -> Any:
    """Numbers in place of the Values that a function returned; lists become arrays."""
    if isinstance(result, tuple):
        return tuple([unflatten(item, roots, batched=batched) for item in result])
    if isinstance(result, list):
        return rows_of(result, roots, batched=batched)
    root = next(roots)
    return float(root.sum() / root.size)


def rows_of(result: Any, roots: Any, *, batched: bool) -> Any:
    """A list of Values as an array; the examples, where there are any, along the first axis."""
    import numpy as np

    if isinstance(result, (list, tuple)):
        items = [rows_of(item, roots, batched=batched) for item in result]
        if not items:
            return np.zeros(0)
        return np.stack(np.broadcast_arrays(*items), axis=1 if batched else 0)
    root = next(roots)
    return root.reshape(-1).copy() if batched else float(root.reshape(())[()])


# --- Arguments -------------------------------------------------------------------------------


def structure(x: Any, *, batched: bool) -> Any:
    """What tells arguments apart that need a recording each: the shape, without the examples."""
    shape = getattr(x, "shape", ())
    if shape:
        if batched and not shape[0]:
            raise ValueError("a batched program needs at least one example")
        return ("array", tuple(shape[1:] if batched else shape))
    if batched:
        return structure_of_rows(x)
    if isinstance(x, (list, tuple)):
        return ("list", tuple([structure(item, batched=False) for item in x]))
    if isinstance(x, (*NUMBER, Value)) or hasattr(x, "__array_namespace__"):
        return ("number",)
    raise TypeError(f"a program takes numbers, lists and arrays, got {type(x).__name__}: {x!r}")


def structure_of_rows(x: Any) -> Any:
    """The structure that all examples share."""
    if not isinstance(x, (list, tuple)):
        raise TypeError(f"a batched program's arguments have a row for each example, got {x!r}")
    if not x:
        raise ValueError("a batched program needs at least one example")
    first = structure(x[0], batched=False)
    for i, row in enumerate(x):
        if structure(row, batched=False) != first:
            raise ValueError(f"example {i} has another structure than example 0")
    return first


def make(tape: Recording, kind: Any, label: str) -> Any:
    """An argument of a structure, made of new inputs."""
    if kind[0] == "number":
        return tape.input(label)
    if kind[0] == "list":
        return [make(tape, item, f"{label}[{i}]") for i, item in enumerate(kind[1])]
    import numpy as np

    array = np.empty(kind[1], dtype=object)
    for place in np.ndindex(*kind[1]):
        array[place] = tape.input(f"{label}[{','.join(map(str, place))}]" if place else label)
    return array if kind[1] else array[()]


def argument_names(f: Callable[..., Any]) -> list[str]:
    """What f calls its arguments, as far as it says."""
    try:
        parameters = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):
        return ["?"]
    return [p.name for p in parameters if p.kind is not p.KEYWORD_ONLY]


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
    import numpy as np

    if getattr(x, "shape", ()):
        array = np.asarray(x, dtype=float)
        return array.reshape(len(array), -1) if batched else array.reshape(-1)
    return np.array([flatten(row) for row in x] if batched else flatten(x), dtype=float)


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
    counts = [len(row) for row in rows]
    if len(set(counts)) > 1:
        raise ValueError(f"the arguments have different numbers of examples: {counts}")
    if not counts[0]:
        raise ValueError("a batched program needs at least one example")
    return counts[0]
