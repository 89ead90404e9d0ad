"""The functions of the derivative table that need more than an operator or a library function.

Each is stable: no intermediate result overflows where the final one does not. Those named
`..._array` are the same functions on arrays, elementwise, given the array library `np`.
"""

from __future__ import annotations

import math
import operator
from functools import reduce
from typing import Any


def real_power(x: float, y: float) -> float:
    """x ** y, where Python would turn to complex numbers for (-8) ** (1/3)."""
    z = x**y
    if isinstance(z, complex):
        raise ValueError("a negative number has no real power with a fractional exponent")
    return float(z)


def xlogy(x: float, y: float) -> float:
    """x * log(y), and 0 where x is 0; NaN where there is no logarithm: ** has values there."""
    if x == 0:
        return 0.0
    return x * math.log(y) if y > 0 else math.nan


def xlogy_array(np: Any, x: Any, y: Any) -> Any:
    """The same on arrays, elementwise; log(-1) is what complains where there is no logarithm."""
    counts = abs(x) > 0
    return np.where(counts, x * np.log(np.where(counts, np.where(y > 0, y, -1.0), 1.0)), 0.0)


def sigmoid(x: float) -> float:
    """1 / (1 + exp(-x)), without overflow: the exponent is never positive."""
    e = math.exp(-abs(x))
    return (1.0 if x >= 0 else e) / (1.0 + e)


def softplus(x: float) -> float:
    """log(1 + exp(x)), without overflow: the exponent is never positive."""
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


def larger(x: float, y: float) -> float:
    """The larger of two, or NaN if either is: max() would drop a NaN in second place."""
    return x if x > y or x != x else y


def smaller(x: float, y: float) -> float:
    """The smaller of two, or NaN if either is."""
    return x if x < y or x != x else y


def inner(*operands: Any) -> Any:
    """x1 * y1 + ... + xn * yn, and + bias where the number of operands is odd."""
    n = len(operands) // 2
    products = sum(map(operator.mul, operands[:n], operands[n:]))
    return products + operands[-1] if len(operands) % 2 else products


def inner_partials(_: Any, *operands: Any) -> tuple[Any, ...]:
    """The slope along x is y, along y it is x, along the bias it is 1."""
    n = len(operands) // 2
    return (*operands[n : 2 * n], *operands[:n], *(1.0,) * (len(operands) % 2))


def log_of_sum(*xs: float) -> float:
    """log(exp(x1) + ... + exp(xn)), shifted by the largest so that no exponent is positive."""
    top = max(xs)
    return top + math.log(sum([math.exp(x - top) for x in xs]))


def log_of_sum_array(np: Any, *xs: Any) -> Any:
    """The same on arrays, elementwise."""
    top = reduce(np.maximum, xs)
    return top + np.log(sum([np.exp(x - top) for x in xs]))


def sigmoid_array(np: Any, x: Any) -> Any:
    """The sigmoid on arrays, elementwise."""
    e = np.exp(np.minimum(x, -x))
    return np.where(x >= 0, 1.0, e) / (1.0 + e)


def softplus_array(np: Any, x: Any) -> Any:
    """The softplus on arrays, elementwise."""
    return np.maximum(x, 0.0) + np.log1p(np.exp(np.minimum(x, -x)))
