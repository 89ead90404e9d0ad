"""What an activation does, found by trying it: it may be any function, not one of a list.

>>> shape_of(Value.tanh)
ActivationShape(op='tanh', low=-1.0, high=1.0, steepest=1.0, left=1.0, right=1.0)
>>> shape_of(Value.relu).is_bounded, shape_of(Value.relu).rectifies
(False, True)
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from autograd_core import Value, gradient, topological

FAR, NEAR = 1e6, 1e-9
STILL = 0.01  # a function that moves less than this over the last stretch has come to an end
PLACES = (-FAR, -FAR / 1000, *[i / 4 for i in range(-20, 21)], FAR / 1000, FAR)


@dataclass(frozen=True, slots=True)
class ActivationShape:
    """Between which numbers the values lie, the steepest slope, and the slopes beside 0.

    `op` is "linear", "softmax" or the name of the op that it is; "constant" where the result does
    not depend on the argument, and "" where it is more than one op, or not the same one on both
    sides of 0.
    """

    op: str
    low: float = -math.inf
    high: float = math.inf
    steepest: float = math.nan
    left: float = math.nan
    right: float = math.nan

    @property
    def is_bounded(self) -> bool:
        """Whether it has an end on either side, where it is flat."""
        return math.isfinite(self.low) and math.isfinite(self.high)

    @property
    def rectifies(self) -> bool:
        """Whether it lets half of the numbers through: flat on the left of 0 alone."""
        return self.left == 0 < self.right

    @property
    def has_kink(self) -> bool:
        """Whether its slope jumps at 0."""
        return abs(self.left - self.right) > 0.5 * self.steepest


SOFTMAX = ActivationShape("softmax", 0.0, 1.0)


def shape_of(activate: Callable[[Value], Any]) -> ActivationShape:
    """The shape of an activation, as far as it is defined."""
    left, right = [op_of(activate, Value(number)) for number in (-0.5, 0.5)]
    op = left if left == right else ""
    if op == "constant":
        return ActivationShape(op)
    try:
        numbers = [activate(Value(z)).data for z in PLACES]
        slopes = [slope_at(activate, z) for z in (-NEAR, NEAR, *[z for z in PLACES if z])]
    except (ArithmeticError, ValueError, AttributeError):
        return ActivationShape(op)
    return ActivationShape(op, *ends(numbers), max(map(abs, slopes)), *slopes[:2])


def op_of(activate: Callable[[Value], Any], z: Value) -> str:
    """What an activation does to one number."""
    try:
        a = activate(z)
    except (ArithmeticError, ValueError):
        return ""
    if a is z:
        return "linear"
    if not isinstance(a, Value) or not any(v is z for v in topological(a)):
        return "constant"
    return a.op.name if a.op and len(a.parents) == 1 and a.parents[0] is z else ""


def slope_at(activate: Callable[[Value], Any], number: float) -> float:
    """The slope at one number."""
    z = Value(number)
    (slope,) = gradient(activate(z), z)
    return slope.data


def ends(numbers: list[float]) -> tuple[float, float]:
    """Between which numbers the values lie: without end where they still move far away from 0."""
    low, high = min(numbers), max(numbers)
    for last, before in (numbers[:2], numbers[:-3:-1]):
        if last < before - STILL:
            low = -math.inf
        if last > before + STILL:
            high = math.inf
    return low, high
