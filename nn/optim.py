"""How gradients change parameters: a row for each optimiser, with its formula and its numbers.

A formula is written once, in `update`, with operators that floats, arrays, tracers and symbols
all understand: one parameter at a time, or all of them as one array.

>>> SGD(0.5, momentum=0.5).update(1.0, 4.0, (2.0,), 0.5, 1)
(-1.5, (5.0,))
>>> list(OPTIMIZERS)
['adam', 'sgd', 'momentum', 'nesterov', 'rmsprop', 'adamw']
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, NamedTuple, TypeAlias

from autograd_core import Value
from autograd_core.engine import as_value
from nn.given import plain, real, shown

Rate: TypeAlias = "float | Callable[[int], float]"  # or a function of the steps made before
State: TypeAlias = "tuple[Any, ...]"


class Number(NamedTuple):
    """A number in a formula: its default, its bounds, and what it does.

    It is at least `low`, or above it where it is `open`, and below `high`.
    """

    name: str
    default: float
    low: float
    high: float
    open: bool
    what: str

    def check(self, x: Any) -> float:
        """The number as a float; ValueError for one that is out of bounds."""
        found = math.nan if isinstance(x, bool) else real(x)
        if found < self.high and (found > self.low if self.open else found >= self.low):
            return found
        raise ValueError(f"{self.name} must be {self.bounds}, got {shown(x)}")

    @property
    def bounds(self) -> str:
        """The bounds in words."""
        least = f"above {self.low:g}" if self.open else f"at least {self.low:g}"
        return least if self.high == math.inf else f"{least} and below {self.high:g}"


def number(
    default: float, what: str, *, low: float = 0.0, high: float = math.inf, open: bool = False
) -> Any:
    """A field of an optimiser that is a `Number`."""
    return field(default=default, metadata={"low": low, "high": high, "open": open, "what": what})


@dataclass(eq=False)
class Optimizer:
    """Changes parameters step by step; `lr` may be changed between steps.

    `lr` is a number, or a function that gives the rate of a step from the number of steps that
    went before it (`nn.schedules`). `state` holds for each parameter how many steps it has made,
    then what `update` carries from one step to the next.

    One of your own says in a subclass what `update` does, and in `carries` what it carries along,
    which begins at 0. Entered in `OPTIMIZERS` under its `name`, it is known wherever one is named.
    """

    lr: Rate = 0.01

    name: ClassVar[str] = ""
    shown: ClassVar[str] = ""  # to readers
    formula: ClassVar[str] = ""  # as textbooks print it: g is the gradient, t counts from 1
    start: ClassVar[float] = 0.05  # a rate that nets of a few neurons learn by
    carries: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        if not callable(self.lr) and not (is_rate(self.lr) and self.lr > 0):
            raise ValueError(f"the learning rate must be a positive number, got {shown(self.lr)}")
        for known in self.numbers():
            setattr(self, known.name, known.check(getattr(self, known.name)))
        self.state: dict[Value, State] = {}

    @classmethod
    def numbers(cls) -> list[Number]:
        """The numbers in its formula, but for the rate."""
        own = [f for f in fields(cls) if f.metadata]
        return [Number(f.name, getattr(cls, f.name), **f.metadata) for f in own]

    @property
    def constants(self) -> tuple[Any, ...]:
        """All that `update` reads beside its arguments."""
        known = {name: x for name, x in vars(self).items() if name not in ("lr", "state")}
        return type(self), *known.items()

    def update(self, p: Any, g: Any, state: State, lr: Any, steps: Any) -> tuple[Any, State]:
        """The new parameter and its new state, from a parameter, its gradient and its state.

        `steps` is the number of this step, counted from 1 for each parameter. Each of them may be
        an array, or stand for one: they meet in arithmetic only, with each other and with the
        optimiser's numbers.
        """
        raise NotImplementedError

    def step(self, parameters: Sequence[Value]) -> None:
        """Move every parameter against its gradient, once."""
        own = list(dict.fromkeys(parameters))  # one that several neurons share moves once
        moved = [self.moved(as_value(p).data, p.grad, self.state_of(p)) for p in own]
        for p, (number, state) in zip(own, moved, strict=True):
            p.data, self.state[p] = number, state

    def moved(self, p: Any, g: Any, state: State) -> tuple[Any, State]:
        """The new parameter; and the steps that it has made by then, with the rest of its state."""
        made, *carried = state
        p, after = self.update(p, g, tuple(carried), self.rate(made), made + 1)
        return p, (made + 1, *after)

    def state_of(self, p: Value) -> State:
        """The steps that a parameter has made, and the rest of its state."""
        return self.state.get(p, (0, *[0.0] * len(self.carries)))

    def rate(self, made: Any) -> Any:
        """The learning rate after so many steps; of an array of them, an array of rates."""
        if callable(self.lr) and hasattr(made, "shape"):
            return made * 0.0 + [self.rate(int(n)) for n in made]
        rate = self.lr(made) if callable(self.lr) else self.lr
        if not is_rate(rate):
            raise ValueError(f"the learning rate of step {made + 1} is {rate!r}")
        return rate


def is_rate(x: Any) -> bool:
    """Whether it is a finite number of at least 0."""
    return not isinstance(x, bool) and 0 <= real(plain("the learning rate", x)) < math.inf


@dataclass(eq=False)
class SGD(Optimizer):
    """Stochastic gradient descent, with momentum as PyTorch has it.

    `weight_decay` adds weight_decay · p to the gradient of every parameter, of biases too: the
    slope of a penalty weight_decay / 2 · p². (The `l2` of `fit` leaves the biases of neurons out.)
    """

    lr: Rate = 0.01
    momentum: float = number(0.0, "how much of the last velocity v is kept", high=1.0)
    weight_decay: float = number(0.0, "how strongly parameters are drawn to 0, by the gradient")

    name, shown = "sgd", "SGD"
    formula = "g ← g + weight_decay · p, v ← momentum · v + g, p ← p - lr · v"
    start = 0.5
    carries = ("v",)

    def update(self, p: Any, g: Any, state: State, lr: Any, steps: Any) -> tuple[Any, State]:
        """The new parameter and the new velocity."""
        (v,) = state
        v = self.momentum * v + (g + self.weight_decay * p)
        return p - lr * v, (v,)


@dataclass(eq=False)
class Momentum(SGD):
    """SGD with momentum from the start: Polyak, 1964."""

    momentum: float = number(0.9, "how much of the last velocity v is kept", high=1.0)

    name, shown = "momentum", "SGD, momentum"
    start = 0.05


@dataclass(eq=False)
class Nesterov(Momentum):
    """Momentum that looks a step ahead: Nesterov, 1983, as PyTorch's SGD(nesterov=True) has it."""

    name, shown = "nesterov", "SGD, Nesterov"
    formula = "g ← g + weight_decay · p, v ← momentum · v + g, p ← p - lr · (g + momentum · v)"

    def update(self, p: Any, g: Any, state: State, lr: Any, steps: Any) -> tuple[Any, State]:
        """The new parameter and the new velocity."""
        (v,) = state
        g = g + self.weight_decay * p
        v = self.momentum * v + g
        return p - lr * (g + self.momentum * v), (v,)


@dataclass(eq=False)
class RMSProp(Optimizer):
    """Steps over a running mean of the gradient's size: Tieleman and Hinton, 2012."""

    lr: Rate = 0.01
    alpha: float = number(0.99, "how much of the last mean of squares v is kept", high=1.0)
    eps: float = number(1e-8, "is added to what is divided by", open=True)

    name, shown = "rmsprop", "RMSProp"
    formula = "v ← alpha · v + (1 - alpha) · g², p ← p - lr · g / (√v + eps)"
    start = 0.01
    carries = ("v",)

    def update(self, p: Any, g: Any, state: State, lr: Any, steps: Any) -> tuple[Any, State]:
        """The new parameter and the new mean of squares."""
        (v,) = state
        v = self.alpha * v + (1 - self.alpha) * g * g
        return p - lr * g / (v**0.5 + self.eps), (v,)


@dataclass(eq=False)
class Adam(Optimizer):
    """Steps of a size that adapts to each parameter: Kingma and Ba, 2015.

    m and v are running means of g and g², made unbiased; p ← p - lr · m / (√v + eps).
    """

    lr: Rate = 0.001
    beta1: float = number(0.9, "how much of the last mean m is kept", high=1.0)
    beta2: float = number(0.999, "how much of the last mean of squares v is kept", high=1.0)
    eps: float = number(1e-8, "is added to what is divided by", open=True)

    name, shown = "adam", "Adam"
    formula = (
        "m ← beta1 · m + (1 - beta1) · g, v ← beta2 · v + (1 - beta2) · g², "
        "p ← p - lr · m / (1 - beta1ᵗ) / (√(v / (1 - beta2ᵗ)) + eps)"
    )
    carries = ("m", "v")

    def update(self, p: Any, g: Any, state: State, lr: Any, steps: Any) -> tuple[Any, State]:
        """The new parameter and the new running means."""
        m, v = state
        m = self.beta1 * m + (1 - self.beta1) * g
        v = self.beta2 * v + (1 - self.beta2) * g * g
        unbiased_m = m / (1 - self.beta1**steps)
        unbiased_v = v / (1 - self.beta2**steps)
        return p - lr * unbiased_m / (unbiased_v**0.5 + self.eps), (m, v)


@dataclass(eq=False)
class AdamW(Adam):
    """Adam whose weight decay is not divided by √v: Loshchilov and Hutter, 2019.

    Every parameter, biases too, first shrinks by the share lr · weight_decay.
    """

    weight_decay: float = number(0.01, "how strongly parameters are drawn to 0, by themselves")

    name, shown = "adamw", "AdamW"
    formula = f"p ← p - lr · weight_decay · p, {Adam.formula}"

    def update(self, p: Any, g: Any, state: State, lr: Any, steps: Any) -> tuple[Any, State]:
        """The new parameter and the new running means."""
        return super().update(p - lr * self.weight_decay * p, g, state, lr, steps)


OPTIMIZERS: dict[str, type[Optimizer]] = {
    row.name: row for row in (Adam, SGD, Momentum, Nesterov, RMSProp, AdamW)
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


__all__ = ["OPTIMIZERS", "Number", "Optimizer", "gradient_descent", "number"]
__all__ += [row.__name__ for row in OPTIMIZERS.values()]
