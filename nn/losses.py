"""What a prediction costs: each is `loss(prediction, target)` for one example, on Values.

A prediction is a Value or a list of them, one for each output. The squared errors take any number
for each output as target, the binary cross entropies label 0 or 1, hinge -1 (or 0) or 1, nll and
cross_entropy the class 0 to n - 1, or a one-hot list, and cross_entropy shares that add up to 1,
too. A target may be Values: the loss is the same number, and refuses the same labels, in a program
that is recorded for any target. Training minimises the mean over the examples.

>>> from autograd_core import Value
>>> cross_entropy([Value(1.0), Value(3.0)], 1)
Value(data=0.1269280110429727, grad=0.0)
>>> hinge(Value(0.3), 2)
Traceback (most recent call last):
nn.losses.TargetError: hinge: a label must be -1, 0 or 1, got 2
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, reduce
from typing import Any

from autograd_core import Op, Value, dot, logsumexp, total
from autograd_core.engine import NUMBER, STEP, Operand, as_value
from nn.given import plain


class TargetError(ValueError):
    """A target that a loss has no use for: a label of no class, a number that is not finite."""


@dataclass(frozen=True, slots=True)
class Loss:
    """A loss for one example: a way to write targets as numbers, then a formula on Values.

    `threshold` tells the classes apart where there is one output: label 1 is above it. `outputs`
    are activations of the last layer that it suits, the best first, and `scores` is the same loss
    of scores where this one is of probabilities. `title` is what a list of losses shows, its name
    by default. `LOSSES` has the losses that have a name: one that is entered there is known
    wherever a loss is named.
    """

    name: str
    formula: Callable[[Sequence[Value], Sequence[Operand]], Value]
    targets: Callable[[list[Operand], int], list[Operand]]
    threshold: float
    outputs: tuple[str, ...] = ("linear",)
    scores: str = ""
    title: str = ""

    def __reduce__(self) -> str | tuple[Any, ...]:
        name: str = self.name
        if globals().get(name) is self:
            return name  # pickled as what this module knows by that name
        return type(self), tuple([getattr(self, name) for name in self.__slots__])

    def __call__(self, prediction: Operand | Sequence[Operand], target: Any) -> Value:
        """The loss of one prediction."""
        if isinstance(prediction, (Value, *NUMBER)):
            prediction = [prediction]
        outputs = [as_value(z) for z in prediction]
        return self.formula(outputs, self.encode(target, len(outputs)))

    def encode(self, target: Any, n_outputs: int) -> list[Operand]:
        """The target as the formula takes it; TargetError for one that it has no use for.

        Numbers become numbers. Values become Values by ops that check them when they are computed.
        """
        given = plain("the target", target)
        try:
            items = list(given) if hasattr(given, "__len__") else [given]
            return self.targets([as_operand(item) for item in items], n_outputs)
        except (TypeError, ValueError) as error:
            raise TargetError(f"{self.name}: {error}") from None

    @property
    def of_classes(self) -> bool:
        """Whether it takes an output for each class."""
        return self.targets in (one_hot, distribution)

    @property
    def takes_numbers(self) -> bool:
        """Whether it compares with any number, and not with labels alone."""
        try:
            self.encode(2.5, 1)
        except ValueError:
            return False
        return True

    @property
    def labels(self) -> tuple[int, ...]:
        """The labels of two classes; a loss that compares with a sign knows -1 as well."""
        return (-1, 0, 1) if self.targets is sign else (0, 1)

    def label(self, outputs: Sequence[float]) -> int:
        """The class that the outputs speak for."""
        if len(outputs) == 1:
            return int(outputs[0] > self.threshold)
        return max(range(len(outputs)), key=outputs.__getitem__)


# --- Targets as numbers ----------------------------------------------------------------------
# Written with ops, so that a target may be a number, a Value, or an input of a program. An op that
# refuses an operand divides 0 by 0 on arrays: the program then runs it on floats, where it raises.


@lru_cache
def label(first: int, last: int) -> Op:
    """A whole number from first to last."""
    return Op(
        "label",
        lambda y: known_label(y, first, last),
        lambda z, y: (1.0,),
        lambda np, y: y + 0.0 / ((y >= first) * (y <= last) * (y <= np.floor(y))),
    )


def known_label(y: float, first: int, last: int) -> float:
    """The label itself, or TargetError."""
    if first <= y <= last and y == math.floor(y):
        return y
    known = {(0, 1): "0 or 1", (-1, 1): "-1, 0 or 1"}.get(
        (first, last), f"one of {first} to {last}"
    )
    raise TargetError(f"a label must be {known}, got {y:g}")


def whole(name: str, known: Callable[[Any], Any], refusal: str) -> Op:
    """The op that adds up shares, each of them known, which must make 1."""

    def holds(*ts: Any) -> Any:
        return reduce(operator.mul, map(known, ts)) * (abs(sum(ts) - 1) < 1e-5)

    def value(*ts: float) -> float:
        if holds(*ts):
            return sum(ts)
        raise TargetError(f"{refusal}, got [{', '.join([f'{t:g}' for t in ts])}]")

    return Op(
        name, value, lambda z, *ts: (1.0,) * len(ts), lambda np, *ts: sum(ts) + 0.0 / holds(*ts)
    )


ONE_HOT = whole(
    "one_hot", lambda t: (t * t <= t) * (t * t >= t), "a target that is a list must be one-hot"
)
SHARES = whole(
    "shares",
    lambda t: t >= 0,
    "a target that is a list must be one-hot, or shares that add up to 1",
)
EQUALS = Op(
    "equals",
    lambda x, y: float(x == y),
    lambda z, x, y: (0.0, 0.0),
    lambda np, x, y: np.where((x >= y) * (x <= y), 1.0, 0.0),
)


def as_operand(target: Any) -> Operand:
    """A number of a target as a float, or the Value that it is."""
    if isinstance(target, Value):
        return target
    target = plain("a target", target)
    if not isinstance(target, NUMBER):
        raise TypeError(f"a target must be a number, got {type(target).__name__}: {target!r}")
    if not math.isfinite(target):
        raise ValueError(f"a target must be finite, got {target}")
    return float(target)


def as_many(target: list[Operand], n_outputs: int) -> list[Operand]:
    """One number for each output."""
    if len(target) != n_outputs:
        raise ValueError(f"expected {n_outputs} targets, one for each output, got {len(target)}")
    return target


def bit(target: list[Operand], n_outputs: int) -> list[Operand]:
    """A label as 0.0 or 1.0, for one output."""
    return [label(0, 1)(y) for y in as_many(target, n_outputs)]


def sign(target: list[Operand], n_outputs: int) -> list[Operand]:
    """A label as -1.0 or 1.0, for one output; 0 stands for -1."""
    return [2 * STEP(label(-1, 1)(y)) - 1 for y in as_many(target, n_outputs)]


def one_hot(target: list[Operand], n_outputs: int) -> list[Operand]:
    """A label 0 to n - 1, or a one-hot list, as a one-hot list."""
    return shares_of(target, n_outputs, ONE_HOT)


def distribution(target: list[Operand], n_outputs: int) -> list[Operand]:
    """A label 0 to n - 1, or the share of each class, as the share of each class."""
    return shares_of(target, n_outputs, SHARES)


def shares_of(target: list[Operand], n_outputs: int, sum_of: Op) -> list[Operand]:
    """The share of each class, from a label, or from shares that the op takes for such."""
    if n_outputs < 2:
        raise ValueError("expected an output for each class, got one output")
    if len(target) == 1:
        y = label(0, n_outputs - 1)(target[0])
        return [EQUALS(y, float(k)) for k in range(n_outputs)]
    made = sum_of(*as_many(target, n_outputs))
    return [t / made for t in target]


# --- Formulas --------------------------------------------------------------------------------


def squares(outputs: Sequence[Value], target: Sequence[Operand]) -> Value:
    """The sum of (output - target)² over the outputs."""
    terms = [(output - t) ** 2 for output, t in zip(outputs, target, strict=True)]
    return terms[0] if len(terms) == 1 else total(terms)


def chosen(outputs: Sequence[Value], target: Sequence[Operand]) -> Value:
    """The mean output by shares: one of the outputs where a one-hot target points at it."""
    if all(type(t) is float for t in target) and 1.0 in target:
        return outputs[target.index(1.0)]
    return dot(target, outputs)


def given_to_label(p: Value, y: Operand) -> Value:
    """The probability of label y (0 or 1), where p is that of 1."""
    return y * p + (1 - y) * (1 - p)


# fmt: off
squared_error = Loss("squared_error", squares, as_many, 0.5, ("linear", "tanh", "sigmoid"))
half_squared_error = Loss("half_squared_error", lambda z, t: 0.5 * squares(z, t), as_many, 0.5, ("linear", "tanh", "sigmoid"))
mse = Loss("mse", lambda z, t: squares(z, t) / len(z) if len(z) > 1 else squares(z, t), as_many, 0.5, ("linear", "tanh", "sigmoid"), title="mean squared")
hinge = Loss("hinge", lambda z, t: (1 - t[0] * z[0]).relu(), sign, 0.0, ("linear", "tanh"))
binary_cross_entropy = Loss("binary_cross_entropy", lambda p, t: -given_to_label(p[0], t[0]).log(), bit, 0.5, ("sigmoid",), "binary_cross_entropy_with_logits", "BCE")
binary_cross_entropy_with_logits = Loss("binary_cross_entropy_with_logits", lambda z, t: ((1 - 2 * t[0]) * z[0]).softplus(), bit, 0.0, title="BCE (logits)")
nll = Loss("nll", lambda p, t: -chosen(p, t).log(), one_hot, 0.5, ("softmax",), "cross_entropy")
cross_entropy = Loss("cross_entropy", lambda z, t: logsumexp(z) - chosen(z, t), distribution, 0.0)
# fmt: on

LOSSES = {
    loss.name: loss
    for loss in (
        binary_cross_entropy_with_logits,
        binary_cross_entropy,
        mse,
        hinge,
        cross_entropy,
        nll,
        squared_error,
        half_squared_error,
    )
}
