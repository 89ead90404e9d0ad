"""How gradients change parameters.

An optimiser's formula is written once, in `update`, with operators that floats and arrays both
understand: one parameter at a time, or all of them as one array.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from autograd_core import Value


class Optimizer:
    """Changes parameters step by step; `lr` may be changed between steps.

    `state` holds for each parameter how many steps it has made, then what `update` carries from
    one step to the next. In `update`, `steps` is the number of the step that it makes, counted
    from 1 for each parameter; for parameters as one array that differ in it, it is an array too.
    """

    initial: tuple[float, ...] = ()

    def __init__(self, lr: float) -> None:
        if not (math.isfinite(lr) and lr > 0):
            raise ValueError(f"the learning rate must be a positive number, got {lr}")
        self.lr = lr
        self.steps: Any = 0
        self.state: dict[Value, tuple[Any, ...]] = {}

    def step(self, parameters: Sequence[Value]) -> None:
        """Move every parameter against its gradient, once."""
        own = list(dict.fromkeys(parameters))  # one that several neurons share moves once
        moved = [self.moved(p.data, p.grad, *self.state_of(p)) for p in own]
        for p, (number, *state) in zip(own, moved, strict=True):
            p.data, self.state[p] = number, tuple(state)

    def state_of(self, p: Value) -> tuple[Any, ...]:
        """The steps that a parameter has made, and the rest of its state."""
        return self.state.get(p, (0, *self.initial))

    def moved(self, p: Any, g: Any, steps: Any, *state: Any) -> tuple[Any, ...]:
        """The new parameter, the steps it has made by then, and the rest of its state."""
        self.steps = steps + 1
        number, *state_after = self.update(p, g, *state)
        return number, steps + 1, *state_after

    def update(self, p: Any, g: Any, *state: Any) -> tuple[Any, ...]:
        """The new parameter, then the new state, from a parameter, its gradient and its state."""
        raise NotImplementedError


class SGD(Optimizer):
    """Stochastic gradient descent: v ← momentum · v + g, then p ← p - lr · v."""

    initial = (0.0,)

    def __init__(self, lr: float = 0.01, momentum: float = 0.0) -> None:
        super().__init__(lr)
        self.momentum = share("momentum", momentum)

    def update(self, p: Any, g: Any, *state: Any) -> tuple[Any, ...]:
        """The new parameter and the new velocity."""
        (velocity,) = state
        velocity = self.momentum * velocity + g
        return p - self.lr * velocity, velocity


class Adam(Optimizer):
    """Steps of a size that adapts to each parameter: Kingma and Ba, 2015.

    m and v are running means of g and g², made unbiased; p ← p - lr · m / (√v + eps).
    """

    initial = (0.0, 0.0)

    def __init__(
        self, lr: float = 0.001, beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8
    ) -> None:
        super().__init__(lr)
        self.beta1, self.beta2, self.eps = share("beta1", beta1), share("beta2", beta2), eps
        if not eps > 0:
            raise ValueError(f"eps must be above 0, got {eps}")

    def update(self, p: Any, g: Any, *state: Any) -> tuple[Any, ...]:
        """The new parameter and the new running means."""
        m, v = state
        m = self.beta1 * m + (1 - self.beta1) * g
        v = self.beta2 * v + (1 - self.beta2) * g * g
        unbiased_m = m / (1 - self.beta1**self.steps)
        unbiased_v = v / (1 - self.beta2**self.steps)
        return p - self.lr * unbiased_m / (unbiased_v**0.5 + self.eps), m, v


OPTIMIZERS: dict[str, Callable[..., Optimizer]] = {
    "adam": Adam,
    "sgd": SGD,
    "momentum": partial(SGD, momentum=0.9),
}


def gradient_descent(
    loss: Callable[[], Value], parameters: Sequence[Value], *, lr: float, steps: int
) -> list[float]:
    """Gradient descent as textbooks print it; returns the loss before each step.

    repeat `steps` times:  p ← p - lr · ∂loss/∂p  for every parameter p

    >>> x = Value(5.0)
    >>> losses = gradient_descent(lambda: (x - 3) ** 2, [x], lr=0.25, steps=20)
    >>> round(x.data, 4)
    3.0
    """
    losses = []
    for _ in range(steps):
        for p in parameters:
            p.grad = 0.0
        value = loss()
        value.backward()
        for p in parameters:
            p.data -= lr * p.grad
        losses.append(value.data)
    return losses


def share(what: str, x: float) -> float:
    """A number from 0 up to, but not including, 1."""
    if not 0 <= x < 1:
        raise ValueError(f"{what} must be at least 0 and below 1, got {x}")
    return x
