"""A function compiled for arguments of one structure: every pass in turn, then run."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from autograd_core.compiler import results
from autograd_core.compiler.alone import Occupied, alone
from autograd_core.compiler.arguments import (
    FLOAT,
    Kind,
    Parts,
    examples,
    labels,
    of_numbers,
    of_values,
    read,
    shapes_of,
)
from autograd_core.compiler.canonical import canonical
from autograd_core.compiler.direct import Direct
from autograd_core.compiler.executors import Executor, Outcome, Wanted, made
from autograd_core.compiler.factor import Factored
from autograd_core.compiler.gradient import differentiate
from autograd_core.compiler.graph import Graph
from autograd_core.compiler.ir import Array, Floats, Leaf, Operand, needed
from autograd_core.compiler.kept import Kept
from autograd_core.compiler.record import Recording, record
from autograd_core.compiler.repeat import Repetition, repeat
from autograd_core.compiler.replay import Replay
from autograd_core.compiler.results import VALUE, is_finite
from autograd_core.compiler.training import Steps, Taken
from autograd_core.engine import MUL, Value, as_value, collector_paused
from autograd_core.structures import leaves, structure


class Ready(NamedTuple):
    """The arrays that some results need, gradients among them, and the executor that runs them."""

    order: list[Array]
    along: dict[Array, Operand]
    name: str
    executor: Executor


class Compiled(Occupied):
    """The arrays of a function; `parameters` are the Values that its gradient is along."""

    def __init__(
        self,
        f: Callable[..., Any],
        names: Sequence[str],
        keywords: Sequence[str],
        kinds: Sequence[Kind],
        *,
        batched: bool,
        wrt: Sequence[Value] | None = None,
        executor: Wanted | None = None,
    ) -> None:
        super().__init__()
        self.f, self.names, self.keywords = f, names, keywords
        self.batched, self.kinds, self.wanted = batched, kinds, executor
        self.ready: dict[Leaf | None, Ready] = {}
        self.direction: Leaf | None = None  # that a second derivative was asked for
        self.executor = ""  # the name of what ran last
        with collector_paused():
            self.lower(self.graph(wrt))

    def arguments(self, tape: Recording | Repetition) -> list[Any]:
        """The function's arguments, made of new inputs."""
        return of_values(map(tape.input, labels(self.kinds, self.names)), self.kinds)

    def call(self, *arguments: Any) -> Any:
        """The function, called with the last arguments by keyword."""
        n = len(arguments) - len(self.keywords)
        return self.f(*arguments[:n], **dict(zip(self.keywords, arguments[n:], strict=True)))

    def check_unchanged(self) -> None:
        """Record again; RecordingError where the function does something else than before."""
        with collector_paused():
            self.compare(self.tape.recording())

    def compare(self, tape: Recording) -> None:
        """The same, with the recording at hand."""
        again, result = repeat(self.call, self.arguments, tape)
        same = structure(result) == self.returned.form
        again.finish(leaves(result), self.roots, same=same)

    def graph(self, wrt: Sequence[Value] | None) -> Graph:
        """What is recorded of the function, in canonical form; all else of it is free then."""
        if wrt is not None:
            check_leaves(wrt)
        tape, result = record(self.call, self.arguments)
        self.roots = [tape.node(root) for root in leaves(result)]
        self.returned = results.Returned(result)
        self.compare(tape)
        along = None if wrt is None else [tape.known.get(p, -1) for p in wrt]
        graph = canonical(tape, self.roots, batched=self.batched, wrt=along)
        self.nodes = array("i", along or [graph.origin[i] for i in graph.parameters])
        self.parameters = [tape.parameters[i] for i in self.nodes] if wrt is None else list(wrt)
        self.others = {graph.origin[i]: tape.parameters[graph.origin[i]] for i in graph.others}
        self.tape = Kept(tape, self.nodes, self.parameters, partial(labels, self.kinds, self.names))
        tape.values.clear()  # which know the tape, as it knows them
        return graph

    def lower(self, graph: Graph) -> None:
        """From the graph to arrays."""
        factored = Factored(graph)
        self.emit, self.vector = factored.emit, factored.parameters
        self.inputs, self.constant_leaf = factored.inputs, factored.others
        self.steps, self.labels = factored.places.arrays, factored.labels()
        roots = np.array(graph.roots, int)
        self.results = [factored.result(roots[group]) for group in self.returned.groups]

    # --- Run

    @alone
    def value(self, parts: Parts, at: Floats | None = None) -> Any:
        """What f returns."""
        return self.run(None, parts, at)[0]

    @alone
    def value_and_gradient(self, parts: Parts, at: Floats | None) -> tuple[Any, Floats]:
        """What f returns, and the gradient with respect to the parameters."""
        value, slopes = self.run(self.vector, parts, at)
        return value, slopes.copy()

    def direct(self, args: Sequence[Any]) -> Direct | None:
        """The way for calls like one that has just been made; None where there is none."""
        entry = getattr(self.ready[self.vector].executor, "entry", None)
        if not entry or self.others or self.returned.outline is not VALUE:
            return None
        shapes = shapes_of(args)
        if shapes is None:
            return None
        theta, n = (len(self.parameters),), shapes[0][0] if self.batched else None
        found = entry({"parameters": [theta], "inputs": shapes}, n)
        return Direct(self, [theta, *shapes], found) if found else None

    @alone
    def gradient_wrt_inputs(self, parts: Parts) -> Any:
        """The gradient with respect to every argument, in its shape."""
        rows = self.run(self.inputs, parts, None)[1].T.copy()  # one for each example
        return of_numbers(rows, self.kinds)

    @alone
    def hessian_vector(self, parts: Parts, direction: Floats, at: Floats | None) -> Floats:
        """The gradient of the slope in a direction, with respect to the parameters."""
        direction = self.checked("direction", direction)
        if self.direction is None:
            self.direction = self.emit.leaf("direction", self.vector.size, batched=False)
        ready = self.ready.get(self.direction) or self.prepare(self.direction)
        self.executor, n = ready.name, examples(parts) if self.batched else None
        outcome = self.executed(ready, {**self.given(parts, at), "direction": [direction]}, n)
        return outcome.results[-1].copy()

    @alone
    def apart(self, parts: Parts) -> list[Any]:
        """The results' arrays and the gradient along the inputs, with a row for each example.

        And, last, in which examples some number is not finite, or not defined: nothing is raised.
        The arrays are theirs who ask until the next run.
        """
        ready = self.ready.get(self.inputs) or self.prepare(self.inputs)
        self.executor, leaves = ready.name, self.given(parts, None)
        arrays, suspicious, *_ = ready.executor.run(leaves, examples(parts))
        rows = [np.moveaxis(array, -1, 0) for array in arrays]
        wrong = ~np.logical_and.reduce([np.isfinite(x).reshape(len(x), -1).all(1) for x in rows])
        if suspicious:
            wrong[self.replay(leaves).suspects(slopes=True)] = True
        return [*rows, wrong]

    @alone
    def take(self, parts: Parts, at: Floats, steps: Steps) -> Taken:
        """Many steps of training at once: see `training`."""
        take = self.trainer()
        if take is None:
            raise RuntimeError(f"the executor {self.executor} takes no steps")
        return take(self.given(parts, at), steps)

    def trainer(self) -> Callable[[Mapping[str, Sequence[Floats]], Steps], Taken] | None:
        """What takes many steps at once: see `training`. None where the executor does not."""
        ready = self.ready.get(self.vector) or self.prepare(self.vector)
        return getattr(ready.executor, "take", None)

    def given(self, parts: Parts, at: Floats | None) -> dict[str, list[Floats]]:
        """The numbers in the leaves."""
        leaves = {"parameters": [self.numbers(at)], "inputs": parts}
        if self.others:
            leaves["others"] = [numbers_of(list(self.others.values()))]
        return leaves

    def run(self, wrt: Leaf | None, parts: Parts, at: Floats | None) -> tuple[Any, Floats]:
        """What f returns; then the gradient along a leaf, theirs who ask until the next run."""
        ready = self.ready.get(wrt) or self.prepare(wrt)
        self.executor, n = ready.name, examples(parts) if self.batched else None
        leaves = self.given(parts, at)
        outcome = self.executed(ready, leaves, n, slopes=wrt is not None)
        arrays, _, slopes_finite, mean = outcome
        value, finite = self.returned.read(arrays, n, mean)
        if not (finite and (wrt is None or slopes_finite or is_finite(arrays[-1]))):
            arrays = self.eagerly(wrt, leaves)
            value, _ = self.returned.read(arrays, n, None)
        return value, arrays[-1] if arrays else np.zeros(0)

    def executed(
        self, ready: Ready, leaves: dict[str, list[Floats]], n: int | None, *, slopes: bool = True
    ) -> Outcome:
        """What comes of a run; or the error that eager raises, if it does."""
        try:
            outcome = ready.executor.run(leaves, n)
        except (ArithmeticError, ValueError):
            self.replay(leaves).check(slopes=slopes)
            raise
        if outcome.suspicious:
            self.replay(leaves).check(slopes=slopes)
        return outcome

    @collector_paused()
    def prepare(self, wrt: Leaf | None) -> Ready:
        """The executor for the results, and for the gradient along a leaf if there is one.

        Along the leaf `direction` it is the gradient of the slope that way, and no results.
        """
        wanted, along = list(self.results), dict[Array, Operand]()
        if wrt is not None:
            self.returned.check_differentiable()
            twice = wrt is self.direction
            root = self.slope(wrt) if twice else self.results[0]
            found = differentiate(self.emit, root, self.vector if twice else wrt)
            wanted, along = [*([] if twice else wanted), found.array], found.along
        order = needed(self.emit.order, wanted)
        self.ready[wrt] = Ready(order, along, *made(self.wanted, order, wanted))
        return self.ready[wrt]

    def slope(self, direction: Leaf) -> Array:
        """The slope of the first result in a direction."""
        slopes = differentiate(self.emit, self.results[0], self.vector).array
        operands = [(slopes, slopes.axes), (direction, direction.axes)]
        return self.emit.full(self.emit.compute(MUL, operands, ""), ())

    def whole(self) -> tuple[list[Array], dict[Array, Operand]]:
        """All arrays, and the gradients among them: along the inputs if no other is asked for."""
        if not self.returned.is_differentiable:
            return needed(self.emit.order, self.results), {}
        wrt = self.vector if self.parameters else self.inputs
        ready = self.ready.get(wrt) or self.prepare(wrt)
        return ready.order, ready.along

    def leaves(self) -> dict[Array, list[str]]:
        """What the numbers in each leaf are called."""
        given = self.tape.labels
        return {
            self.vector: [p.label or "θ" for p in self.parameters],
            self.constant_leaf: [p.label or "θ" for p in self.others.values()],
            self.inputs: [given.get(i, "") for i in self.tape.inputs],
        }

    def numbers(self, at: Floats | None) -> Floats:
        """The parameters' numbers: those given, or their own."""
        if at is None:
            return numbers_of(self.parameters)
        return self.checked("at", at)

    def checked(self, name: str, numbers: Floats) -> Floats:
        """An array with a number for each parameter; what is none is named, as in an argument."""
        n = len(self.parameters)
        if type(numbers) is np.ndarray and numbers.dtype is FLOAT and numbers.shape == (n,):
            return numbers  # as most are
        (_, *shape), found = read(numbers, name, batched=False)
        if shape != [(n,)]:
            raise ValueError(f"{name} must be a list of {n} numbers, got {numbers!r}")
        return np.asarray(found[0], dtype=float)

    def replay(self, leaves: Mapping[str, Sequence[Floats]]) -> Replay:
        """The recording on the numbers of a run."""
        outside = dict(zip(self.nodes, leaves["parameters"][0].tolist()))
        for others in leaves.get("others", []):
            outside.update(zip(self.others, others.tolist()))
        inputs = [part if self.batched else part[None] for part in leaves["inputs"]]
        rows = np.concatenate(inputs, axis=1) if inputs else np.zeros((1, 0))
        return Replay(self.tape, self.roots, outside, rows, self.batched)

    def eagerly(self, wrt: Leaf | None, leaves: Mapping[str, Sequence[Floats]]) -> list[Floats]:
        """The arrays of a run as eager has them, where some number is not finite."""
        roots, outside, inputs = self.replay(leaves).numbers(slopes=wrt is not None)
        arrays = [
            roots[group] if self.batched else roots[group, 0] for group in self.returned.groups
        ]
        if wrt is self.inputs:
            arrays.append(inputs.T if self.batched else inputs[0])
        elif wrt is not None:
            arrays.append(np.array([outside[i] for i in self.nodes], dtype=float))
        return arrays


def check_leaves(values: Sequence[Value]) -> None:
    """TypeError or ValueError for what the gradient cannot be along, or is asked for twice."""
    for value in values:
        if not isinstance(value, Value):
            raise TypeError(f"wrt is a list of Values, got {type(value).__name__}: {value!r}")
        if value.parents:
            raise ValueError(f"wrt is of Values that nothing computed; {value!r} was computed")
    twice = [value for value, count in Counter(values).items() if count > 1]
    if twice:
        raise ValueError(f"wrt has {twice[0]!r} twice")


def numbers_of(values: Sequence[Value]) -> Floats:
    """The numbers in Values; TypeError names one that holds none."""
    try:
        return np.asarray(array("d", [value.data for value in values]))
    except TypeError:  # NumPy by itself makes NaN of None, and 3.0 of "3"
        return np.array([as_value(value).data for value in values])
