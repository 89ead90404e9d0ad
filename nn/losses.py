"""What a prediction costs: each is `loss(prediction, target)` for one example, on Values.

A prediction is a Value or a list of them, one for each output. The squared errors take any number
for each output as target, hinge the label -1 (or 0) or 1, the binary cross entropies label 0 or 1 or
a share between them, nll and cross_entropy the class 0 to n - 1, or a list with the share of each
class. A target may be Values: the loss is the same number, and refuses the same labels, in a
program that is recorded for any target; a squared error is infinite or NaN there where a target is.
Training minimises the mean over the examples.

>>> from autograd_core import Value
>>> cross_entropy([Value(1.0), Value(3.0)], 1)
Value(data=0.1269280110429727, grad=0.0)
>>> hinge(Value(0.3), 2)
Traceback (most recent call last):
nn.losses.TargetError: hinge: a label must be -1, 0 or 1, got 2
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

from autograd_core import Op, Value, dot, logsumexp, total
from autograd_core.engine import NUMBER, STEP, TOTAL, Operand, as_value
from autograd_core.functions import equals
from nn.given import Row, plain, real

Formula: TypeAlias = "Callable[[Sequence[Value], Sequence[Operand]], Value]"


class TargetError(ValueError):
    """A target that a loss has no use for: a label of no class, a number that is not finite."""


@dataclass(frozen=True, slots=True)
class Loss(Row):
    """A loss for one example: a way to write targets as numbers, then a formula on Values.

    `threshold` tells the classes apart where there is one output: label 1 is above it. `outputs`
    are activations of the last layer that it suits, the best first, `scores` is the same loss
    of scores where this one is of probabilities, and `hard` the same formula where the targets are
    0 or 1, and no shares. `shown` is what a list of losses shows, its name by default. `LOSSES` has
    the losses that have a name: one that is entered there is known wherever a loss is named.
    """

    name: str
    formula: Formula
    targets: Callable[[list[Operand], int], list[Operand]]
    threshold: float
    outputs: tuple[str, ...] = ("linear",)
    scores: str = ""
    hard: Formula | None = None
    shown: str = ""

    def __call__(self, prediction: Operand | Sequence[Operand], target: Any) -> Value:
        """The loss of one prediction."""
        if isinstance(prediction, (Value, *NUMBER)):
            prediction = [prediction]
        outputs = [as_value(z) for z in prediction]
        encoded = self.encode(target, len(outputs))
        return self.formula_for([encoded])(outputs, encoded)

    def formula_for(self, targets: Iterable[Sequence[Operand]]) -> Formula:
        """The formula for targets that are encoded: the short one where all are 0 or 1."""
        if self.hard and all(type(t) is float and t in (0.0, 1.0) for row in targets for t in row):
            return self.hard
        return self.formula

    def smoothed(self, target: Sequence[Operand], smoothing: float) -> list[Operand]:
        """An encoded target less a share, which all classes have alike: Szegedy et al., 2016.

        >>> cross_entropy.smoothed([0.0, 1.0], 0.5)
        [0.25, 0.75]
        """
        if self.targets not in (chance, distribution):
            raise ValueError(f"label_smoothing: {self.name} takes labels, and no share of a label")
        classes = max(2, len(target))
        return [(1 - smoothing) * t + smoothing / classes for t in target]

    def encode(self, target: Any, n_outputs: int) -> list[Operand]:
        """The target as the formula takes it; TargetError for one that it has no use for.

        Numbers become numbers. Values become Values by ops that check them when they are computed.
        """
        given = plain("the target", target)
        try:
            many = hasattr(given, "__len__") and not isinstance(given, str)
            items = list(given) if many else [given]
            return self.targets([as_operand(item) for item in items], n_outputs)
        except (TypeError, ValueError) as error:
            raise TargetError(f"{self.name}: {error}") from None

    @property
    def of_classes(self) -> bool:
        """Whether it takes an output for each class."""
        return self.targets is distribution

    @property
    def takes_numbers(self) -> bool:
        """Whether it compares with any number, and not with labels alone."""
        try:
            self.encode(2.5, 1)
        except ValueError:
            return False
        return True

    def outputs_for(self, k: int, data: str) -> int:
        """How many outputs tell k classes apart, or give numbers, where k is 0; ValueError if none.

        >>> cross_entropy.outputs_for(3, "blobs"), mse.outputs_for(0, "hills")
        (3, 1)
        """
        if not (k or self.takes_numbers):
            raise ValueError(f"{self.name} takes labels, and {data} has numbers")
        if k > 2 and not (self.of_classes or self.takes_numbers):
            raise ValueError(f"{self.name} tells 2 classes apart, and {data} has {k}")
        return max(2, k) if self.of_classes else 1

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
    low, high = float(first), float(last)
    return Op(
        "label",
        lambda y: known_label(y, first, last),
        lambda z, y: (1.0,),
        lambda np, y: y + 0.0 / (np.maximum(y, low) <= np.minimum(np.floor(y), high)),
    )


def known_label(y: float, first: int, last: int) -> float:
    """The label itself, or TargetError."""
    if first <= y <= last and y == math.floor(y):
        return y
    known = {(0, 1): "0 or 1", (-1, 1): "-1, 0 or 1"}.get(
        (first, last), f"one of {first} to {last}"
    )
    raise TargetError(f"a label must be {known}, got {y:g}")


def known_chance(y: float) -> float:
    """The share itself, or TargetError."""
    if 0 <= y <= 1:
        return y
    raise TargetError(f"a label must be 0 or 1, or a share between them, got {y:g}")


def is_share(t: Any, whole: Any) -> Any:
    """Whether a number is one of those that add up to 1, as they add up to `whole`."""
    return (t >= 0.0) * (abs(whole - 1.0) < 1e-5)


def known_share(t: float, whole: float) -> float:
    """The share of the whole, or TargetError."""
    if is_share(t, whole):
        return t / whole
    raise TargetError(
        "a target that is a list must be shares that add up to 1, "
        f"got {t:g} in one that adds up to {whole:g}"
    )


CHANCE = Op(
    "chance",
    known_chance,
    lambda z, y: (1.0,),
    lambda np, y: y + 0.0 / ((y >= 0) * (y <= 1)),
)
SHARE = Op(
    "share",
    known_share,
    lambda z, t, whole: (1 / whole, -z / whole),
    lambda np, t, whole: t / (whole * is_share(t, whole)),
)


def as_operand(target: Any) -> Operand:
    """A number of a target as a float, or the Value that it is."""
    if isinstance(target, Value):
        if type(target) is Value:  # and none that a program is recorded of: it has no number yet
            finite(target.data)
        return target
    target = plain("a target", target)
    if not isinstance(target, NUMBER):
        raise TypeError(f"a target must be a number, got {type(target).__name__}: {target!r}")
    return finite(real(target))


def finite(number: float) -> float:
    """The number itself, or a ValueError."""
    if not math.isfinite(number):
        raise ValueError(f"a target must be finite, got {number}")
    return number


def as_many(target: list[Operand], n_outputs: int) -> list[Operand]:
    """One number for each output."""
    if len(target) != n_outputs:
        raise ValueError(f"expected {n_outputs} targets, one for each output, got {len(target)}")
    return target


def chance(target: list[Operand], n_outputs: int) -> list[Operand]:
    """Label 0 or 1, or a share between them, for one output."""
    return [CHANCE(y) for y in as_many(target, n_outputs)]


def sign(target: list[Operand], n_outputs: int) -> list[Operand]:
    """A label as -1.0 or 1.0, for one output; 0 stands for -1."""
    return [2 * STEP(label(-1, 1)(y)) - 1 for y in as_many(target, n_outputs)]


def distribution(target: list[Operand], n_outputs: int) -> list[Operand]:
    """A label 0 to n - 1, or the share of each class, as the share of each class."""
    if n_outputs < 2:
        raise ValueError("expected an output for each class, got one output")
    if len(target) == 1:
        y = label(0, n_outputs - 1)(target[0])
        return [equals(y, float(k)) for k in range(n_outputs)]
    whole = TOTAL(*as_many(target, n_outputs))
    return [SHARE(t, whole) for t in target]


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


def surprise(p: Operand, t: Operand) -> Value:
    """-t · log p, which is 0 where the share t is, whatever p."""
    return -t * as_value(p + equals(t, 0.0)).log()


def given_to_label(p: Value, y: Operand) -> Value:
    """The probability of label y (0 or 1), where p is that of 1."""
    return y * p + (1 - y) * (1 - p)


# fmt: off
squared_error = Loss("squared_error", squares, as_many, 0.5, ("linear", "tanh", "sigmoid"))
half_squared_error = Loss("half_squared_error", lambda z, t: 0.5 * squares(z, t), as_many, 0.5, ("linear", "tanh", "sigmoid"))
mse = Loss("mse", lambda z, t: squares(z, t) / len(z) if len(z) > 1 else squares(z, t), as_many, 0.5, ("linear", "tanh", "sigmoid"), shown="mean squared")
hinge = Loss("hinge", lambda z, t: (1 - t[0] * z[0]).relu(), sign, 0.0, ("linear", "tanh"))
binary_cross_entropy = Loss("binary_cross_entropy", lambda p, t: surprise(p[0], t[0]) + surprise(1 - p[0], 1 - t[0]), chance, 0.5, ("sigmoid",), "binary_cross_entropy_with_logits", lambda p, t: -given_to_label(p[0], t[0]).log(), "BCE")
binary_cross_entropy_with_logits = Loss("binary_cross_entropy_with_logits", lambda z, t: t[0] * (-z[0]).softplus() + (1 - t[0]) * z[0].softplus(), chance, 0.0, hard=lambda z, t: ((1 - 2 * t[0]) * z[0]).softplus(), shown="BCE (logits)")
nll = Loss("nll", lambda p, t: total([surprise(q, s) for q, s in zip(p, t, strict=True)]), distribution, 0.5, ("softmax",), "cross_entropy", lambda p, t: -chosen(p, t).log())
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


def suited_to(k: int) -> Loss:
    """What is minimised where nothing is said of it: with k classes, or numbers, where k is 0."""
    if not k:
        return mse
    return binary_cross_entropy_with_logits if k <= 2 else cross_entropy


__all__ = ["LOSSES", "Loss", "TargetError", "suited_to"]
__all__ += list(LOSSES)
