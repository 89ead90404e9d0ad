"""The functions of the derivative table that need more than an operator or a library function.

Each is stable: no intermediate result overflows where the final one does not. Those named
`..._array` are the same functions on arrays, elementwise, given the array library `np`.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable
from functools import reduce
from typing import Any


def real_power(x: float, y: float) -> float:
    """x ** y, where Python would turn to complex numbers for (-8) ** (1/3)."""
    z: float | complex = x**y
    if isinstance(z, complex):
        raise ValueError("a negative number has no real power with a fractional exponent")
    return z


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


def added(*xs: float) -> float:
    """x1 + ... + xn, rounded after each step, as programs do.

    From Python 3.12 on, `sum` carries along what rounding loses, unless it starts from no number.
    """
    return sum(xs, start=False)


def inner(*operands: Any) -> Any:
    """x1 * y1 + ... + xn * yn, and + bias where the number of operands is odd."""
    n = len(operands) // 2
    products = sum(map(operator.mul, operands[:n], operands[n:]), start=False)  # as in `added`
    return products + operands[-1] if len(operands) % 2 else products


def inner_partials(_: Any, *operands: Any) -> tuple[Any, ...]:
    """The slope along x is y, along y it is x, along the bias it is 1."""
    n = len(operands) // 2
    return (*operands[n : 2 * n], *operands[:n], *(1.0,) * (len(operands) % 2))


def log_of_sum(*xs: float) -> float:
    """log(exp(x1) + ... + exp(xn)), shifted by the largest so that no exponent is positive."""
    top = max(xs)
    return top + math.log(added(*[math.exp(x - top) for x in xs]))


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


def sign(x: float) -> float:
    """1, 0 or -1 as x is positive, zero or negative; NaN of NaN."""
    return float(x > 0) - float(x < 0) if x == x else x


def elu(x: float) -> float:
    """x where it is positive, else exp(x) - 1."""
    return x if x > 0 else math.expm1(x)


def elu_array(np: Any, x: Any) -> Any:
    """The same on arrays, elementwise."""
    return np.where(x > 0, x, np.expm1(np.minimum(x, 0.0)))


# --- The error function on arrays --------------------------------------------------------------

# By Chebyshev's points: erf(x) / x in x², to 8e-18 up to 1; and what erfc_array says, to 1e-17.
NEAR = (
    -7.795898827002142e-10,
    1.3720064546777686e-08,
    -1.6208483801871705e-07,
    1.6447424703317362e-06,
    -1.492473690741966e-05,
    0.00012055294904839707,
    -0.0008548325975389692,
    0.0052239776071164225,
    -0.02686617064323777,
    0.11283791670945006,
    -0.37612638903183543,
    1.1283791670955126,
)
FAR = (
    -2.7641202337346214e-10,
    9.297625263709617e-10,
    3.232397344508226e-09,
    -1.2338731403798421e-08,
    -2.0725802488182012e-08,
    1.0631817593818143e-07,
    7.77194324108692e-08,
    -8.210647933297336e-07,
    2.917342557308973e-07,
    5.70657829924074e-06,
    -1.1221135665965907e-05,
    -2.4397731143023292e-05,
    0.00015062142608651945,
    -0.0001992571524726518,
    -0.0007577732435942576,
    0.005031970069102256,
    -0.01619773406293477,
    0.037167515526338006,
    -0.06633036581186058,
    0.09373283499911264,
    -0.10103906603631811,
    0.06809705425466839,
    0.015379652102619974,
    -0.13962111684056228,
    1.2329951186255526,
)


def polynomial(coefficients: Iterable[float], x: Any) -> Any:
    """The polynomial with these coefficients, that of the highest power first."""
    return reduce(lambda y, c: y * x + c, coefficients, 0.0)


def erfc_array(np: Any, x: Any) -> Any:
    """1 - erf(x) on arrays, elementwise, to the last digits where it is nearly 0.

    Where a = |x|, exp(a²) erfc(a) (1 + 2a) is a polynomial in (a - 4) / (a + 4), to 1e-17, by its
    values at Chebyshev's points. In a = h + rest, h has few digits: h² is exact. A library that
    has a function of its own computes it.
    """
    if hasattr(np, "erfc"):
        return np.erfc(x)
    a = np.minimum(np.where(x >= 0, x, -x), 28.0)  # from where on it is 0
    h = np.round(16.0 * a) / 16.0
    tail = np.exp(-h * h) * np.exp((h - a) * (h + a)) * polynomial(FAR, (a - 4.0) / (a + 4.0))
    tail = tail / (1.0 + 2.0 * a)
    return np.where(x >= 0, tail, 2.0 - tail)


def erf_array(np: Any, x: Any) -> Any:
    """The error function on arrays, elementwise: near 0 it is x times a polynomial in x², too."""
    a = np.where(x >= 0, x, -x)
    far = 1.0 - erfc_array(np, a)
    return np.where(
        a < 1, x * polynomial(NEAR, np.minimum(a, 1.0) ** 2), np.where(x >= 0, far, -far)
    )
