"""A function compiled for arguments of one structure: every pass in turn, then run."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from autograd_core.compiler.alone import Occupied, alone
from autograd_core.compiler.arguments import (
    FLOAT,
    Parts,
    examples,
    of_numbers,
    read,
    shapes_of,
)
from autograd_core.compiler.direct import Direct
from autograd_core.compiler.executors import Executor, Outcome, Wanted, made
from autograd_core.compiler.factor import Factored
from autograd_core.compiler.gradient import differentiate
from autograd_core.compiler.graph import Graph
from autograd_core.compiler.ir import Array, Floats, Leaf, Operand, needed
from autograd_core.compiler.recorded import Recorded
from autograd_core.compiler.results import VALUE, is_finite
from autograd_core.compiler.training import Steps, Taken
from autograd_core.engine import MUL, Value, as_value, collector_paused


class Ready(NamedTuple):
    """The arrays that some results need, gradients among them, and the executor that runs them."""

    order: list[Array]
    along: dict[Array, Operand]
    name: str
    executor: Executor


class Compiled(Occupied):
    """A function as arrays, for arguments of one structure, and what runs them.

    `parameters` are the Values that its gradient is along.
    """

    def __init__(
        self,
        recorded: Recorded,
        *,
        wrt: Sequence[Value] | None = None,
        executor: Wanted | None = None,
    ) -> None:
        super().__init__()
        self.recorded, self.batched, self.wanted = recorded, recorded.batched, executor
        self.ready: dict[Leaf | None, Ready] = {}
        self.direction: Leaf | None = None  # that a second derivative was asked for
        self.executor = ""  # the name of what ran last
        with collector_paused():
            graph = recorded.graph(wrt)
            self.parameters, self.returned = recorded.parameters, recorded.returned
            self.lower(graph)

    def lower(self, graph: Graph) -> None:
        """From the graph to arrays."""
        factored = Factored(graph)
        self.emit, self.vector = factored.emit, factored.parameters
        self.inputs, self.others = factored.inputs, factored.others
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
        if not entry or self.recorded.others or self.returned.outline is not VALUE:
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
        return of_numbers(rows, self.recorded.kinds)

    @alone
    def hessian_vector(self, parts: Parts, direction: Floats, at: Floats | None) -> Floats:
        """The gradient of the slope in a direction, with respect to the parameters."""
        direction = self.checked("direction", direction)
        if self.direction is None:
            self.direction = self.emit.leaf("direction", self.vector.size, batched=False)
        leaves = {**self.given(parts, at), "direction": [direction]}
        return self.executed(self.direction, leaves, self.examples(parts)).results[-1].copy()

    @alone
    def apart(self, parts: Parts) -> list[Any]:
        """The results' arrays and the gradient along the inputs, with a row for each example.

        And, last, in which examples some number is not finite, or not defined: nothing is raised.
        The arrays are theirs who ask until the next run.
        """
        leaves, ready = self.given(parts, None), self.ready_for(self.inputs)
        self.executor = ready.name
        arrays, suspicious, *_ = ready.executor.run(leaves, examples(parts))
        rows = [np.moveaxis(array, -1, 0) for array in arrays]
        wrong = ~np.logical_and.reduce([np.isfinite(x).reshape(len(x), -1).all(1) for x in rows])
        if suspicious:
            wrong[self.recorded.replay(leaves).suspects(slopes=True)] = True
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
        return getattr(self.ready_for(self.vector).executor, "take", None)

    def given(self, parts: Parts, at: Floats | None) -> dict[str, list[Floats]]:
        """The numbers in the leaves."""
        leaves = {"parameters": [self.numbers(at)], "inputs": parts}
        if self.recorded.others:
            leaves["others"] = [numbers_of(list(self.recorded.others.values()))]
        return leaves

    def run(self, wrt: Leaf | None, parts: Parts, at: Floats | None) -> tuple[Any, Floats]:
        """What f returns; then the gradient along a leaf, theirs who ask until the next run."""
        leaves, n = self.given(parts, at), self.examples(parts)
        arrays, _, slopes_finite, mean = self.executed(wrt, leaves, n)
        value, finite = self.returned.read(arrays, n, mean)
        if not (finite and (wrt is None or slopes_finite or is_finite(arrays[-1]))):
            arrays = self.recorded.eagerly(leaves, None if wrt is None else wrt.name)
            value, _ = self.returned.read(arrays, n, None)
        return value, arrays[-1] if arrays else np.zeros(0)

    def examples(self, parts: Parts) -> int | None:
        """How many examples there are, if there is an axis of them."""
        return examples(parts) if self.batched else None

    def executed(self, wrt: Leaf | None, leaves: dict[str, list[Floats]], n: int | None) -> Outcome:
        """What comes of a run; or the error that eager raises, if it does."""
        ready = self.ready_for(wrt)
        self.executor = ready.name
        try:
            outcome = ready.executor.run(leaves, n)
        except (ArithmeticError, ValueError):
            self.recorded.replay(leaves).check(slopes=wrt is not None)
            raise
        if outcome.suspicious:
            self.recorded.replay(leaves).check(slopes=wrt is not None)
        return outcome

    def ready_for(self, wrt: Leaf | None) -> Ready:
        """What runs the results, and the gradient along a leaf if there is one; made once."""
        if wrt not in self.ready:
            with collector_paused():
                wanted, along = self.arrays_for(wrt)
                order = needed(self.emit.order, wanted)
                self.ready[wrt] = Ready(order, along, *made(self.wanted, order, wanted))
        return self.ready[wrt]

    def arrays_for(self, wrt: Leaf | None) -> tuple[list[Array], dict[Array, Operand]]:
        """What is to be computed, and all gradients that are.

        Along the leaf `direction` it is the gradient of the slope that way, and no results.
        """
        if wrt is None:
            return self.results, {}
        self.returned.check_differentiable()
        if wrt is self.direction:
            return [differentiate(self.emit, self.slope(wrt), self.vector).array], {}
        array, along = differentiate(self.emit, self.results[0], wrt)
        return [*self.results, array], along

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
        ready = self.ready_for(wrt)
        return ready.order, ready.along

    def leaves(self) -> dict[Array, list[str]]:
        """What the numbers in each leaf are called."""
        tape, others = self.recorded.tape, self.recorded.others.values()
        given = tape.labels
        return {
            self.vector: [p.label or "θ" for p in self.parameters],
            self.others: [p.label or "θ" for p in others],
            self.inputs: [given.get(i, "") for i in tape.inputs],
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


def numbers_of(values: Sequence[Value]) -> Floats:
    """The numbers in Values; TypeError names one that holds none."""
    try:
        return np.asarray(array("d", [value.data for value in values]))
    except TypeError:  # NumPy by itself makes NaN of None, and 3.0 of "3"
        return np.array([as_value(value).data for value in values])
