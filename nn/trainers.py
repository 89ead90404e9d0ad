"""One step of training, in two ways with the same numbers: on a graph, or on arrays."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from autograd_core import Value, topological
from autograd_core.engine import collector_paused
from nn.examples import Examples, Model
from nn.model.module import outputs_of
from nn.optim import Optimizer
from nn.stacks import Stack, stacks


class DivergedError(FloatingPointError):
    """Training met a number that is not finite; the message names where it arose."""


class EagerTrainer:
    """As the textbook has it: build the graph of a batch, go back over it, step."""

    def __init__(self, model: Model, data: Examples, optimizer: Optimizer) -> None:
        self.model, self.data, self.optimizer = model, data, optimizer
        self.parameters = model.parameters()

    def step(self, batch: Sequence[int]) -> tuple[float, int]:
        """One step; the batch's mean loss, and how many labels were hit."""
        with collector_paused():
            try:
                said, loss = self.data.forward(self.model, batch)
            except (ArithmeticError, ValueError):
                self.data.find_failure(self.model, batch)
                raise
            for p in self.parameters:
                p.grad = 0.0
            loss.backward()
            check_finite(loss, self.parameters)
            self.move()
            return loss.data, self.data.hits(said, batch)

    def move(self) -> None:
        """Let the optimiser step, whole or not at all."""
        optimizer, before = self.optimizer, [p.data for p in self.parameters]
        state = optimizer.state.copy()
        try:
            optimizer.step(self.parameters)
            check_step(self.parameters, before, [p.data for p in self.parameters])
        except BaseException:
            for p, number in zip(self.parameters, before, strict=True):
                p.data = number
            optimizer.state = state
            raise

    def open(self) -> None:
        """Nothing to do: the parameters are used where they are."""

    close = check_unchanged = open


class CompiledTrainer:
    """On arrays: meanwhile, parameters and the optimiser's state are flat arrays."""

    def __init__(self, model: Model, data: Examples, optimizer: Optimizer) -> None:
        import numpy as np

        self.np = np
        self.model, self.data, self.optimizer = model, data, optimizer
        self.stacks = stacks(data.X, data.targets)
        self.place = {
            i: (k, row) for k, s in enumerate(self.stacks) for row, i in enumerate(s.places)
        }
        self.labels = None if data.labels is None else np.array(data.labels)
        for stack in self.stacks:
            stack.record(self.loss_and_outputs)
        own = model.parameters()
        used = [p for p in self.stacks[0].program.parameters if p in set(own)]
        self.parameters = list(dict.fromkeys([*used, *own]))
        for stack in self.stacks:
            stack.follow(self.parameters)
        self.is_open = False
        self.open()

    def open(self) -> None:
        """Take the numbers from the parameters and the optimiser's state."""
        gradient = self.np.array([p.grad for p in self.parameters])
        theta = self.np.array([p.data for p in self.parameters])
        state = flat_state(self.optimizer, self.parameters)
        self.theta, self.gradient, self.state, self.is_open = theta, gradient, state, True

    def check_unchanged(self) -> None:
        """Raise RecordingError if model or loss would do something else by now."""
        for stack in self.stacks:
            stack.program.check_unchanged()

    def loss_and_outputs(self, x: Any, target: Any) -> Any:
        """What is compiled: the loss of one example, and its outputs for the accuracy."""
        prediction = self.model(x)
        loss = self.data.loss_of(prediction, target)
        return loss if self.labels is None else (loss, outputs_of(prediction))

    def step(self, batch: Sequence[int]) -> tuple[float, int]:
        """One step; the batch's mean loss, and how many labels were hit."""
        try:
            loss, hits, gradient = self.slope(batch)
        except (ArithmeticError, ValueError):
            self.close()
            self.data.find_failure(self.model, batch)
            raise
        if not (math.isfinite(loss) and self.np.isfinite(gradient).all()):
            self.find_nonfinite(batch)
        self.move(gradient)
        return loss, hits

    def slope(self, batch: Sequence[int]) -> tuple[float, int, Any]:
        """The mean loss over a batch, the labels hit, and the gradient."""
        if len(self.stacks) == 1:
            whole = len(batch) == self.data.n  # in order then, and not copied
            return self.slope_of(self.stacks[0], slice(None) if whole else batch, batch)
        mean, hits, mean_gradient = 0.0, 0, self.np.zeros(len(self.parameters))
        for k, stack in enumerate(self.stacks):
            among = [i for i in batch if self.place[i][0] == k]
            if among:
                rows = [self.place[i][1] for i in among]
                loss, right, gradient = self.slope_of(stack, rows, among)
                share = len(among) / len(batch)
                mean, hits = mean + share * loss, hits + right
                mean_gradient += share * gradient
        return mean, hits, mean_gradient

    def slope_of(self, stack: Stack, rows: Any, among: Sequence[int]) -> tuple[float, int, Any]:
        """The same for examples of one stack."""
        result, gradient = stack.value_and_gradient(self.theta, rows)
        if self.labels is None:
            return result, 0, gradient
        loss, outputs = result
        return loss, self.hits(outputs, among), gradient

    def move(self, gradient: Any) -> None:
        """Let the optimiser step, whole or not at all."""
        theta = self.theta
        with self.np.errstate(all="ignore"):
            updated, *state = self.optimizer.moved(theta, gradient, *self.state)
        if not self.np.isfinite(updated).all():
            check_step(self.parameters, theta.tolist(), updated.tolist())
        # Ctrl-C comes after calls, and there is none from here to the end.
        self.theta, self.gradient, self.state = updated, gradient, state

    def hits(self, outputs: Any, batch: Sequence[int]) -> int:
        """How often the outputs speak for an example's label."""
        assert self.labels is not None
        one = outputs.shape[1] == 1
        said = outputs[:, 0] > self.data.threshold if one else outputs.argmax(1)
        return int((said == self.labels[batch]).sum())

    def find_nonfinite(self, batch: Sequence[int]) -> None:
        """Raise for a number that is not finite, found in the graph of the batch."""
        self.close()
        _, loss = self.data.forward(self.model, batch)
        for p in self.parameters:
            p.grad = 0.0
        loss.backward()
        check_finite(loss, self.parameters)

    def close(self) -> None:
        """Put the numbers into the parameters and the optimiser's state, unless they are there."""
        if not self.is_open:
            return
        numbers = self.theta.tolist(), self.gradient.tolist()
        for p, data, grad in zip(self.parameters, *numbers, strict=True):
            p.data, p.grad = data, grad
        n = len(self.parameters)
        slots = [self.np.broadcast_to(slot, n).tolist() for slot in self.state]
        self.optimizer.state.update(zip(self.parameters, zip(*slots, strict=True)))
        self.is_open = False


def flat_state(optimizer: Optimizer, parameters: Sequence[Value]) -> list[Any]:
    """The state of all parameters as arrays; the steps they made as one number if they agree."""
    import numpy as np

    steps, *slots = [np.array(slot) for slot in zip(*map(optimizer.state_of, parameters))]
    agree = bool((steps == steps[0]).all())
    return [int(steps[0]) if agree else steps, *slots]


def check_finite(loss: Value, parameters: Sequence[Value]) -> None:
    """Raise DivergedError for a loss or a gradient that is not finite."""
    if not math.isfinite(loss.data):
        raise DivergedError(f"the loss is {loss.data}; {first_nonfinite(loss)}")
    for p in parameters:
        if not math.isfinite(p.grad):
            raise DivergedError(f"the gradient of {p.label or 'a parameter'} is {p.grad}")


def check_step(
    parameters: Sequence[Value], before: Sequence[float], after: Sequence[float]
) -> None:
    """Raise DivergedError for a step to a number that is not finite."""
    for p, old, number in zip(parameters, before, after, strict=True):
        if not math.isfinite(number):
            raise DivergedError(
                f"the step takes {p.label or 'a parameter'} from {old:g} to {number}; "
                "a smaller learning rate may help"
            )


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
