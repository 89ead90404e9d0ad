"""One step of training, in two ways with the same numbers: on a graph, or on arrays."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from autograd_core import Value, topological
from autograd_core import compile as compile_program
from autograd_core.engine import collector_paused
from nn.examples import Examples
from nn.layers import MLP
from nn.optim import Optimizer


class DivergedError(FloatingPointError):
    """Training met a number that is not finite; the message names where it arose."""


class EagerTrainer:
    """As the textbook has it: build the graph of a batch, go back over it, step."""

    def __init__(self, model: MLP, data: Examples, optimizer: Optimizer) -> None:
        self.model, self.data, self.optimizer = model, data, optimizer
        self.parameters = model.parameters()

    def step(self, batch: Sequence[int]) -> tuple[float, int]:
        """One step; the batch's mean loss, and how many labels were hit."""
        with collector_paused():
            try:
                outputs, loss = self.data.forward(self.model, batch)
            except (ArithmeticError, ValueError):
                self.data.find_failure(self.model, batch)
                raise
            self.model.zero_grad()
            loss.backward()
            check_finite(loss, self.parameters)
            self.move()
            numbers = [[output.data for output in row] for row in outputs]
            return loss.data, self.data.hits(numbers, batch)

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

    def __init__(self, model: MLP, data: Examples, optimizer: Optimizer) -> None:
        import numpy as np

        self.np = np
        self.model, self.data, self.optimizer = model, data, optimizer
        self.X, self.targets = np.array(data.X), as_array(data.targets)
        self.labels = None if data.labels is None else np.array(data.labels)
        self.parameters = list(dict.fromkeys(model.parameters()))  # neurons may share one
        self.program = compile_program(self.loss_and_outputs, batched=True, wrt=self.parameters)
        self.program.prepare(self.X, self.targets)
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
        self.program.check_unchanged()

    def loss_and_outputs(self, x: Sequence[Value], target: Any) -> tuple[Value, list[Value]]:
        """What is compiled: the loss of one example, and its outputs for the accuracy."""
        outputs = self.model.outputs(x)
        target = target if isinstance(target, Value) else list(target)
        return self.data.loss_of(outputs, target), outputs

    def step(self, batch: Sequence[int]) -> tuple[float, int]:
        """One step; the batch's mean loss, and how many labels were hit."""
        whole = len(batch) == self.data.n  # in order then, and not copied
        X, targets = (self.X, self.targets) if whole else (self.X[batch], self.targets[batch])
        try:
            (loss, outputs), gradient = self.program.value_and_gradient(X, targets, at=self.theta)
        except (ArithmeticError, ValueError):
            self.close()
            self.data.find_failure(self.model, batch)
            raise
        if not (math.isfinite(loss) and self.np.isfinite(gradient).all()):
            self.find_nonfinite(batch)
        self.move(gradient)
        return loss, self.hits(outputs, batch)

    def move(self, gradient: Any) -> None:
        """Let the optimiser step, whole or not at all."""
        with self.np.errstate(all="ignore"):
            updated, *state = self.optimizer.moved(self.theta, gradient, *self.state)
        if not self.np.isfinite(updated).all():
            check_step(self.parameters, self.theta.tolist(), updated.tolist())
        # Ctrl-C comes after calls, and there is none from here to the end.
        self.theta, self.gradient, self.state = updated, gradient, state

    def hits(self, outputs: Any, batch: Sequence[int]) -> int:
        """How often the outputs speak for an example's label."""
        if self.labels is None:
            return 0
        one = outputs.shape[1] == 1
        said = outputs[:, 0] > self.data.threshold if one else outputs.argmax(1)
        return int((said == self.labels[batch]).sum())

    def find_nonfinite(self, batch: Sequence[int]) -> None:
        """Raise for a number that is not finite, found in the graph of the batch."""
        self.close()
        _, loss = self.data.forward(self.model, batch)
        self.model.zero_grad()
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


def as_array(targets: Sequence[Any]) -> Any:
    """Targets as an array; ValueError for those that are no numbers, or not as many each."""
    import numpy as np

    try:
        return np.array(targets, dtype=float)
    except (TypeError, ValueError):
        raise ValueError(
            "compiled training needs targets that are numbers, or lists of as many numbers each; "
            "with others, use fit(..., compile=False)"
        ) from None


def check_finite(loss: Value, parameters: Sequence[Value]) -> None:
    """Raise DivergedError for a loss or a gradient that is not finite."""
    if not math.isfinite(loss.data):
        raise DivergedError(f"the loss is {loss.data}; {first_nonfinite(loss)}")
    for p in parameters:
        if not math.isfinite(p.grad):
            raise DivergedError(f"the gradient of {p.label} is {p.grad}")


def check_step(
    parameters: Sequence[Value], before: Sequence[float], after: Sequence[float]
) -> None:
    """Raise DivergedError for a step to a number that is not finite."""
    for p, old, number in zip(parameters, before, after, strict=True):
        if not math.isfinite(number):
            raise DivergedError(
                f"the step takes {p.label} from {old:g} to {number}; "
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
