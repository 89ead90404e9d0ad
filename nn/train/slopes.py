"""How the loss, the outputs and the gradient of a batch are had, in two ways to the same numbers.

`GraphSlopes` builds the graph of the batch and goes back over it, with lists of floats.
`ArraySlopes` runs compiled programs, with arrays. All else of training is the loop's.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any

from autograd_core import Program, Value, topological
from autograd_core.engine import collector_paused
from nn.model.module import outputs_of
from nn.optim import Optimizer
from nn.train.examples import Examples, Model
from nn.train.stacks import Stack, stacks


class DivergedError(FloatingPointError):
    """Training met a number that is not finite; the message names where it arose."""


class GraphSlopes:
    """As the textbook has it: build the graph of a batch, and go back over it."""

    def __init__(self, model: Model, data: Examples) -> None:
        self.model, self.parameters = model, list(dict.fromkeys(model.parameters()))
        self.show(data)

    def show(self, data: Examples) -> None:
        """Take other examples."""
        self.data = data

    def slope(self, theta: Any, batch: Sequence[int]) -> tuple[float, int, Any]:
        """The mean loss of a batch, the labels hit, and the gradient, for parameters theta."""
        with collector_paused():
            for p, number in zip(self.parameters, theta, strict=True):
                p.data = number
            said, loss = self.graph(batch)
            return loss.data, self.data.hits(said, batch), [p.grad for p in self.parameters]

    def graph(self, batch: Sequence[int]) -> tuple[list[Any], Value]:
        """What the model says to a batch, and the mean loss after backward."""
        said, loss = self.data.forward(self.model, batch)
        for p in self.parameters:
            p.grad = 0.0
        loss.backward()
        return said, loss

    def measure(self, data: Examples) -> tuple[float, float]:
        """The mean loss and the share of labels hit on any examples, with the model as it is."""
        with collector_paused():
            said, loss = data.forward(self.model, range(data.n))
            return loss.data, data.hits(said, range(data.n)) / data.n

    @property
    def takes_steps(self) -> bool:
        """Whether there is an executor that takes many steps at once, by `take`."""
        return False

    def take(self, theta: Any, **steps: Any) -> Any:
        """Many steps at once, as `autograd_core.compiler.training` describes them."""
        raise NotImplementedError

    def explain(self, batch: Sequence[int]) -> None:
        """Raise for what is not defined, or not finite, in the graph of a batch."""
        self.data.find_failure(self.model, batch)
        check_finite(self.graph(batch)[1], self.parameters)

    def check_unchanged(self) -> None:
        """Nothing to do: every step follows the model and the loss as they are."""

    # --- Numbers, one for each parameter ---

    def vector(self, numbers: Iterable[float]) -> Any:
        """Numbers to compute with."""
        return list(numbers)

    def numbers(self, vector: Any) -> list[float]:
        """The same as a list of floats."""
        return list(vector)

    def all_finite(self, vector: Any) -> bool:
        """Whether every number is."""
        return all(map(math.isfinite, vector))

    def plus(self, gradient: Any, factor: Any, theta: Any) -> Any:
        """The gradient, and theta times a factor for each."""
        return [g + f * t for g, f, t in zip(gradient, factor, theta, strict=True)]

    def moved(self, optimizer: Optimizer, theta: Any, gradient: Any, state: Any) -> tuple[Any, Any]:
        """The parameters after a step of the optimiser, and its state."""
        rows = zip(theta, gradient, state, strict=True)
        moved = [optimizer.moved(p, g, carried) for p, g, carried in rows]
        return [number for number, _ in moved], [carried for _, carried in moved]

    def state_of(self, optimizer: Optimizer) -> Any:
        """What the optimiser carries along."""
        return list(map(optimizer.state_of, self.parameters))

    def states(self, state: Any) -> Iterator[tuple[Value, tuple[Any, ...]]]:
        """The same for each parameter."""
        return zip(self.parameters, state, strict=True)


class ArraySlopes(GraphSlopes):
    """On arrays: model and loss are recorded once for each structure of examples."""

    def __init__(self, model: Model, data: Examples, executor: str | None = None) -> None:
        import numpy as np

        self.np, self.executor = np, executor
        self.programs: dict[Any, Program] = {}
        super().__init__(model, data)

    def show(self, data: Examples) -> None:
        """Take other examples; those of a structure that is known are not recorded again."""
        self.data = data
        vars(self).pop("takes_steps", None)
        self.stacks = self.stacked(data)
        self.labels = None if data.labels is None else self.np.array(data.labels)
        self.place = {
            i: (k, row) for k, stack in enumerate(self.stacks) for row, i in enumerate(stack.places)
        }

    def stacked(self, data: Examples) -> list[Stack]:
        """Examples as arrays, with programs for them."""
        made = stacks(data.X, data.targets)
        for stack in made:
            if stack.structure not in self.programs:
                options = {"wrt": self.parameters, "executor": self.executor}
                program = stack.record(self.loss_and_outputs, **options)
                self.programs[stack.structure] = program
        return made

    def loss_and_outputs(self, x: Any, target: Any) -> Any:
        """What is compiled: the loss of one example, and its outputs for the accuracy."""
        prediction = self.model(x)
        loss = self.data.loss_of(prediction, target)
        return loss if self.data.labels is None else (loss, outputs_of(prediction))

    def check_unchanged(self) -> None:
        """Raise RecordingError if model or loss would do something else by now."""
        for program in self.programs.values():
            program.check_unchanged()

    def slope(self, theta: Any, batch: Sequence[int]) -> tuple[float, int, Any]:
        """The mean loss of a batch, the labels hit, and the gradient, for parameters theta."""
        if len(self.stacks) == 1:
            whole = len(batch) == self.data.n  # in order then, and not copied
            return self.slope_of(self.stacks[0], theta, slice(None) if whole else batch, batch)
        mean, hits, mean_gradient = 0.0, 0, self.np.zeros(len(self.parameters))
        for k, stack in enumerate(self.stacks):
            if among := [i for i in batch if self.place[i][0] == k]:
                rows = [self.place[i][1] for i in among]
                loss, right, gradient = self.slope_of(stack, theta, rows, among)
                share = len(among) / len(batch)
                mean, hits = mean + share * loss, hits + right
                mean_gradient += share * gradient
        return mean, hits, mean_gradient

    @cached_property
    def takes_steps(self) -> bool:
        """Whether there is an executor that takes many steps at once, by `take`."""
        return len(self.stacks) == 1 and self.programs[self.stacks[0].structure].takes_steps

    def take(self, theta: Any, **steps: Any) -> Any:
        """Many steps at once, as `autograd_core.compiler.training` describes them."""
        from autograd_core.compiler.training import Steps

        (stack,) = self.stacks
        arrays = {name: self.np.array(steps[name]) for name in ("order", "sizes", "rates")}
        asked = Steps(**steps | arrays, labels=self.labels)
        program = self.programs[stack.structure]
        return program.take(stack.X, stack.targets, at=theta, steps=asked)

    def slope_of(
        self, stack: Stack, theta: Any, rows: Any, among: Sequence[int]
    ) -> tuple[float, int, Any]:
        """The same for examples of one stack."""
        program = self.programs[stack.structure]
        result, gradient = program.value_and_gradient(stack.X[rows], stack.targets[rows], at=theta)
        if self.labels is None:
            return result, 0, gradient
        loss, outputs = result
        return loss, self.hits(outputs, self.labels[among]), gradient

    def hits(self, outputs: Any, labels: Any) -> int:
        """How often the outputs speak for an example's label."""
        one = outputs.shape[1] == 1
        said = outputs[:, 0] > self.data.threshold if one else outputs.argmax(1)
        return int((said == labels).sum())

    def vector(self, numbers: Iterable[float]) -> Any:
        """Numbers to compute with."""
        return self.np.array(list(numbers), dtype=float)

    def numbers(self, vector: Any) -> list[float]:
        """The same as a list of floats."""
        found: list[float] = vector.tolist()
        return found

    def all_finite(self, vector: Any) -> bool:
        """Whether every number is."""
        return bool(self.np.isfinite(vector).all())

    def plus(self, gradient: Any, factor: Any, theta: Any) -> Any:
        """The gradient, and theta times a factor for each."""
        with self.np.errstate(over="ignore"):  # which the step to it tells
            return gradient + factor * theta

    def moved(self, optimizer: Optimizer, theta: Any, gradient: Any, state: Any) -> tuple[Any, Any]:
        """The parameters after a step of the optimiser, and its state."""
        with self.np.errstate(all="ignore"):
            return optimizer.moved(theta, gradient, state)

    def state_of(self, optimizer: Optimizer) -> Any:
        """What the optimiser carries along; the steps made as one number if they agree."""
        steps, *slots = map(self.np.array, zip(*super().state_of(optimizer), strict=True))
        agree = bool((steps == steps[0]).all())
        return int(steps[0]) if agree else steps, *slots

    def states(self, state: Any) -> Iterator[tuple[Value, tuple[Any, ...]]]:
        """The same for each parameter."""
        n = len(self.parameters)
        slots = [self.np.broadcast_to(slot, n).tolist() for slot in state]
        return zip(self.parameters, zip(*slots, strict=True), strict=True)

    def measure(self, data: Examples) -> tuple[float, float]:
        """The mean loss and the share of labels hit on any examples, with the model as it is."""
        mean, hits = 0.0, 0
        for stack in self.stacks if data is self.data else self.stacked(data):
            loss, outputs = self.programs[stack.structure](stack.X, stack.targets)
            mean += loss * len(stack.places) / data.n
            hits += data.right(outputs.tolist(), stack.places)
        return mean, hits / data.n


def check_finite(loss: Value, parameters: Sequence[Value]) -> None:
    """Raise DivergedError for a loss or a gradient that is not finite."""
    if not math.isfinite(loss.data):
        raise DivergedError(f"the loss is {loss.data}; {first_nonfinite(loss)}")
    for p in parameters:
        if not math.isfinite(p.grad):
            raise DivergedError(f"the gradient of {name_of(p)} is {p.grad}")


def name_of(p: Value) -> str:
    """A parameter's label, or what it is."""
    return p.label or "a parameter"


def first_nonfinite(root: Value) -> str:
    """Where in a graph the first number that is not finite arose."""
    first = next(v for v in topological(root) if not math.isfinite(v.data))
    if first.op is None:
        return f"the first such number is {first.label or 'an input'} = {first.data}"
    parents = first.parents
    if len(parents) > 6:
        parents = tuple(sorted(parents, key=lambda p: -abs(p.data))[:4])
    operands = ", ".join(f"{p.label} = {p.data:g}" if p.label else f"{p.data:g}" for p in parents)
    more = f", and {len(first.parents) - 4} smaller ones" if len(first.parents) > 6 else ""
    return f"the first such number is {first.op.name} of ({operands}{more})"
