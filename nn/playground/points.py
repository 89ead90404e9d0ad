"""The points of the plane: all examples as arrays, and the square around them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd_core import Program
from autograd_core.compiler.ir import Floats
from nn.train.examples import Examples, classes_said

SHARE = 0.575  # of the widest range, from the middle to the edge of the square


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Examples as arrays, with the program that has their mean loss and outputs."""

    program: Program
    X: Floats
    targets: Floats
    labels: Any
    threshold: float

    @classmethod
    def of(cls, slopes: Any, examples: Examples | None) -> Table | None:
        """The examples, by the programs that training has; None for none."""
        if examples is None:
            return None
        (stack,) = examples.stacks
        labels = None if examples.labels is None else np.array(examples.labels)
        program = slopes.program(examples, stack, {})
        return cls(program, stack.X, stack.targets, labels, examples.threshold)

    def measured(self, theta: Floats) -> tuple[float | None, float | None, Floats | None]:
        """Mean loss, accuracy and gradient for parameters theta; None is what is not defined."""
        try:
            result, gradient = self.program.value_and_gradient(self.X, self.targets, at=theta)
        except (ArithmeticError, ValueError):
            return None, None, None
        if self.labels is None:
            return finite(result), None, gradient
        loss, outputs = result
        right = classes_said(outputs, self.threshold) == self.labels
        return finite(loss), float(right.mean()), gradient

    def loss(self, theta: Floats) -> float:
        """The mean loss for parameters theta; NaN where it is not defined."""
        loss, _, _ = self.measured(theta)
        return math.nan if loss is None else loss


def bounds_of(X: Sequence[Sequence[float]]) -> tuple[float, float, float, float]:
    """A square around the points with a margin: its x from, to, and its y from, to."""
    if not X:
        return -1.5, 1.5, -1.5, 1.5
    ranges = [(min(axis), max(axis)) for axis in zip(*X, strict=True)]
    half = SHARE * max([high - low for low, high in ranges]) or 1.5
    (x, y) = [(low + high) / 2 for low, high in ranges]
    return x - half, x + half, y - half, y + half


def grid(bounds: Sequence[float], side: int) -> Floats:
    """Points of the plane, row by row from the top."""
    low_x, high_x, low_y, high_y = bounds
    half_x, half_y = (high_x - low_x) / (2 * side), (high_y - low_y) / (2 * side)
    x = np.linspace(low_x + half_x, high_x - half_x, side)
    y = np.linspace(high_y - half_y, low_y + half_y, side)
    return np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)


def finite(x: float) -> float | None:
    """The number, or None for one that JSON cannot write."""
    return x if math.isfinite(x) else None
