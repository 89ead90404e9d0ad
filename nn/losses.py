"""What a prediction costs: each is `loss(prediction, target)` for one example, on Values.

A prediction is a Value or a list of them; a target is a number, a list of numbers, or a class
label. Training minimises the mean over the examples.

>>> from autograd_core import Value
>>> cross_entropy([Value(1.0), Value(3.0)], 1)
Value(data=0.1269280110429727, grad=0.0)
>>> hinge(Value(0.3), 2)
Traceback (most recent call last):
ValueError: hinge: a label must be -1, 0 or 1, got 2
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from autograd_core import Value, dot, logsumexp, total
from autograd_core.engine import Operand


@dataclass(frozen=True, slots=True)
class Loss:
    """A loss for one example: a way to write targets as numbers, then a formula on Values.

    `threshold` tells the classes apart where there is one output: label 1 is above it.
    """

    name: str
    formula: Callable[[Sequence[Value], Sequence[Operand]], Value]
    targets: Callable[[list[float], int], list[float]]
    threshold: float

    def __reduce__(self) -> str:
        return self.name  # pickled as what this module knows by that name

    def __call__(self, prediction: Value | Sequence[Value], target: Any) -> Value:
        """The loss of one prediction."""
        outputs = [prediction] if isinstance(prediction, Value) else list(prediction)
        return self.formula(outputs, self.encode(target, len(outputs)))

    def encode(self, target: Any, n_outputs: int) -> Sequence[Operand]:
        """The target as the numbers of the formula; ValueError for one it has no use for."""
        try:
            numbers: list[Any] = list(target) if hasattr(target, "__len__") else [target]
            if any(isinstance(number, Value) for number in numbers):
                return numbers  # Values stand for numbers that are encoded already
            if not all(map(math.isfinite, numbers)):
                raise ValueError(f"a target must be finite, got {target}")
            return self.targets(numbers, n_outputs)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{self.name}: {error}") from None

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


def as_many(target: list[float], n_outputs: int) -> list[float]:
    """One number for each output."""
    if len(target) != n_outputs:
        raise ValueError(f"expected {n_outputs} targets, one for each output, got {len(target)}")
    return target


def bit(target: list[float], n_outputs: int) -> list[float]:
    """A label as 0.0 or 1.0, for one output."""
    (label,) = as_many(target, n_outputs)
    if label not in (0, 1):
        raise ValueError(f"a label must be 0 or 1, got {label}")
    return [float(label)]


def sign(target: list[float], n_outputs: int) -> list[float]:
    """A label as -1.0 or 1.0, for one output; 0 stands for -1."""
    (label,) = as_many(target, n_outputs)
    if label not in (-1, 0, 1):
        raise ValueError(f"a label must be -1, 0 or 1, got {label}")
    return [1.0 if label == 1 else -1.0]


def one_hot(target: list[float], n_outputs: int) -> list[float]:
    """A label 0 to n - 1, or a one-hot list, as a one-hot list."""
    if n_outputs < 2:
        raise ValueError("expected an output for each class, got one output")
    if len(target) == 1:
        if target[0] not in range(n_outputs):
            raise ValueError(f"a label must be one of 0 to {n_outputs - 1}, got {target[0]}")
        return [float(k == target[0]) for k in range(n_outputs)]
    if sorted(as_many(target, n_outputs)) != [0.0] * (n_outputs - 1) + [1.0]:
        raise ValueError(f"a target that is a list must be one-hot, got {target}")
    return target


# --- Formulas --------------------------------------------------------------------------------


def squares(outputs: Sequence[Value], target: Sequence[Operand]) -> Value:
    """The sum of (output - target)² over the outputs."""
    terms = [(output - t) ** 2 for output, t in zip(outputs, target, strict=True)]
    return terms[0] if len(terms) == 1 else total(terms)


def chosen(outputs: Sequence[Value], target: Sequence[Operand]) -> Value:
    """The output that a one-hot target points at; a dot product where the target is Values."""
    if any(isinstance(t, Value) for t in target):
        return dot(target, outputs)
    return outputs[target.index(1.0)]


def given_to_label(p: Value, y: Operand) -> Value:
    """The probability of label y (0 or 1), where p is that of 1."""
    return y * p + (1 - y) * (1 - p)


# fmt: off
squared_error = Loss("squared_error", squares, as_many, 0.5)
half_squared_error = Loss("half_squared_error", lambda z, t: 0.5 * squares(z, t), as_many, 0.5)
mse = Loss("mse", lambda z, t: squares(z, t) / len(z) if len(z) > 1 else squares(z, t), as_many, 0.5)
hinge = Loss("hinge", lambda z, t: (1 - t[0] * z[0]).relu(), sign, 0.0)
binary_cross_entropy = Loss("binary_cross_entropy", lambda p, t: -given_to_label(p[0], t[0]).log(), bit, 0.5)
binary_cross_entropy_with_logits = Loss("binary_cross_entropy_with_logits", lambda z, t: ((1 - 2 * t[0]) * z[0]).softplus(), bit, 0.0)
nll = Loss("nll", lambda p, t: -chosen(p, t).log(), one_hot, 0.5)
cross_entropy = Loss("cross_entropy", lambda z, t: logsumexp(z) - chosen(z, t), one_hot, 0.0)
# fmt: on

LOSSES = {
    loss.name: loss
    for loss in (
        squared_error,
        half_squared_error,
        mse,
        hinge,
        binary_cross_entropy,
        binary_cross_entropy_with_logits,
        nll,
        cross_entropy,
    )
}
