"""Run a recording without matrices as it is: one scalar after the other, on Python floats."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np

from autograd_core.compile.record import Recording
from autograd_core.complaints import no_slope
from autograd_core.engine import Op, Value


class ScalarMachine:
    """The numbers of a recording's nodes, and of their gradients; it runs one example at a time."""

    n = None

    def __init__(self, tape: Recording, parameters: Sequence[int], roots: Sequence[int]) -> None:
        self.tape, self.root_nodes, self.parameter_nodes = tape, roots, parameters
        self.numbers = [tape.constants.get(i, 0.0) for i in range(len(tape.ops))]
        self.gradients = [0.0] * len(tape.ops)
        self.parameters = np.zeros(len(parameters))
        self.inputs = np.zeros(len(tape.inputs))
        self.steps = self.needed_steps()
        self.roots: list[Any] = []

    def needed_steps(self) -> list[tuple[int, Op, tuple[int, ...]]]:
        """The ops that the roots need, in order: node, op, operands."""
        needed = set(self.root_nodes)
        steps = []
        for i in reversed(range(len(self.tape.ops))):
            op, parents = self.tape.ops[i], self.tape.parents[i]
            if i in needed and op is not None:
                needed.update(parents)
                steps.append((i, op, parents))
        return steps[::-1]

    @property
    def gradient(self) -> Any:
        """The gradient with respect to the parameters."""
        return np.array([self.gradients[i] for i in self.parameter_nodes], dtype=float)

    @property
    def input_gradient(self) -> Any:
        """The gradient with respect to the inputs."""
        return np.array([self.gradients[i] for i in self.tape.inputs], dtype=float)

    def forward(self) -> None:
        """Compute every node."""
        numbers = self.numbers
        for nodes, given in (
            (self.parameter_nodes, self.parameters),
            (self.tape.inputs, self.inputs),
        ):
            for i, number in zip(nodes, given.tolist(), strict=True):
                numbers[i] = number
        for i, op, parents in self.steps:
            try:
                numbers[i] = op.value(*[numbers[p] for p in parents])
            except (ArithmeticError, ValueError, TypeError):
                self.complain(op, parents)
        self.roots = [np.array(numbers[i]) for i in self.root_nodes]

    def backward(self) -> None:
        """Compute every node, then the gradient with respect to the parameters."""
        self.go_back(self.parameter_nodes)

    def backward_to_inputs(self) -> None:
        """Compute every node, then the gradient with respect to the inputs."""
        self.go_back(self.tape.inputs)

    def go_back(self, wanted: Sequence[int]) -> None:
        """Compute every node, then go back over them by the chain rule, as `Value.backward`."""
        self.forward()
        numbers, gradients = self.numbers, [0.0] * len(self.numbers)
        gradients[self.root_nodes[0]] = 1.0
        for i, op, parents in reversed(self.steps):
            gradient = gradients[i]
            try:
                partials = op.partials(numbers[i], *[numbers[p] for p in parents])
            except (ArithmeticError, ValueError):  # which matters if the slope is wanted
                partials = (math.nan,) * len(parents)
            except TypeError:
                self.complain(op, parents)
            if len(partials) != len(parents):
                self.complain(op, parents)
            for parent, partial in zip(parents, partials):
                gradients[parent] += partial * gradient
        self.gradients = gradients
        if any(math.isnan(gradients[i]) for i in wanted):
            self.check_slopes()

    def check_slopes(self) -> None:
        """Raise what `Value.backward` does where an op has no slope."""
        for _, op, parents in self.steps:
            if undefined := no_slope([op.record(self.values(parents))]):
                raise undefined

    def values(self, nodes: Sequence[int]) -> list[Value]:
        """The numbers of nodes as Values, labels and all."""
        return [Value(self.numbers[i], self.tape.values[i].label) for i in nodes]

    def complain(self, op: Op, parents: Sequence[int]) -> NoReturn:
        """Raise what the op raises on Values with these numbers, labels and all."""
        op.record(self.values(parents))
        raise AssertionError(f"{op.name} raised on numbers, but not on Values with these numbers")
