"""Functions to call by name, as those of NumPy are: on numbers, on Values, on arrays.

A row of the derivative table is a function already; here each has the name that NumPy, or else
PyTorch, knows it by. The second table has the rows that fewer programs need; then come functions
of several Values, such as a dot product.

>>> from autograd_core import Value
>>> x = Value(0.5)
>>> y = erf(x) + arctan2(x, 2.0)
>>> y.backward()
>>> print(f"{y:.6f}, slope {x.grad:.6f}; {erf(0.5):.6f}")
0.765479, slope 1.349371; 0.520500
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import reduce

from autograd_core import engine, numerics
from autograd_core.engine import (
    BASIC,
    EXP,
    HYPOT,
    RELU,
    SIGMOID,
    SQRT,
    STEP,
    Op,
    Operand,
    Value,
    as_value,
    shares,
    total,
)

exp, log, sqrt = engine.EXP, engine.LOG, engine.SQRT
expm1, log1p, log2, log10 = engine.EXPM1, engine.LOG1P, engine.LOG2, engine.LOG10
sin, cos, tan = engine.SIN, engine.COS, engine.TAN
sinh, cosh, tanh = engine.SINH, engine.COSH, engine.TANH
arcsin, arccos, arctan, arctan2 = engine.ARCSIN, engine.ARCCOS, engine.ARCTAN, engine.ARCTAN2
hypot, mod, floor, ceil = engine.HYPOT, engine.MOD, engine.FLOOR, engine.CEIL
sigmoid, softplus, step, relu = engine.SIGMOID, engine.SOFTPLUS, engine.STEP, engine.RELU

# --- The second derivative table ---------------------------------------------------------------

ROOT_2, ROOT_PI = math.sqrt(2), math.sqrt(math.pi)

# fmt: off
exp2 = Op("exp2", math.exp2,        lambda z, x: (z * math.log(2),),                   "exp2")
cbrt = Op("cbrt", math.cbrt,        lambda z, x: (z / x / 3,),                         "cbrt",    (0.5, 2.0))
arcsinh = Op("arcsinh", math.asinh, lambda z, x: (1 / HYPOT(1.0, x),),                 "arcsinh")
arccosh = Op("arccosh", math.acosh, lambda z, x: (1 / SQRT(x - 1) / SQRT(x + 1),),     "arccosh", (1.5, 3.0))
arctanh = Op("arctanh", math.atanh, lambda z, x: (1 / ((1 - x) * (1 + x)),),           "arctanh", (-0.9, 0.9))
erf  = Op("erf",  math.erf,         lambda z, x: (2 / ROOT_PI * EXP(-x * x),),         numerics.erf_array)
erfc = Op("erfc", math.erfc,        lambda z, x: (-2 / ROOT_PI * EXP(-x * x),),        numerics.erfc_array)
gelu = Op("gelu", lambda x: 0.5 * x * math.erfc(-x / ROOT_2),
          lambda z, x: (0.5 * erfc(-x / ROOT_2) + x * EXP(-0.5 * x * x) / (ROOT_2 * ROOT_PI),),
          lambda np, x: 0.5 * x * numerics.erfc_array(np, -x / ROOT_2))
silu = Op("silu", lambda x: x * numerics.sigmoid(x),
          lambda z, x: (SIGMOID(x) * (1 + x * SIGMOID(-x)),),
          lambda np, x: x * numerics.sigmoid_array(np, x))
elu  = Op("elu",  numerics.elu,     lambda z, x: (EXP(-RELU(-x)),),                    numerics.elu_array)
sign = Op("sign", numerics.sign,    lambda z, x: (0.0,),                               "sign")
where = Op("where", lambda c, x, y: x if c > 0 else y,  # what to take where c is above 0, and else
           lambda z, c, x, y: (0.0, STEP(c), 1 - STEP(c)),
           lambda np, c, x, y: np.where(c > 0, x, y))
equals = Op("equals", lambda x, y: float(x == y),  # of a label and 0, 1, ...: a one-hot list
            lambda z, x, y: (0.0, 0.0),
            lambda np, x, y: np.where((x >= y) * (x <= y), 1.0, 0.0))
# fmt: on

OPS = (
    *BASIC,
    exp2,
    cbrt,
    arcsinh,
    arccosh,
    arctanh,
    erf,
    erfc,
    gelu,
    silu,
    elu,
    sign,
    where,
    equals,
)


# --- Functions of several Values ----------------------------------------------------------------


def mean(xs: Iterable[Operand]) -> Value:
    """(x1 + ... + xn) / n."""
    xs = list(xs)
    if not xs:
        raise ValueError("the mean of no values is not defined")
    return total(xs) / len(xs)


def dot(xs: Iterable[Operand], ys: Iterable[Operand], bias: Operand | None = None) -> Value:
    """x1 * y1 + ... + xn * yn (+ bias), as one node.

    >>> dot([1.0, 2.0], [3.0, 4.0], bias=0.5).data
    11.5
    """
    xs, ys = list(xs), list(ys)
    if len(xs) != len(ys):
        raise ValueError(f"dot needs two lists of one length, got {len(xs)} and {len(ys)}")
    return engine.DOT.record([*xs, *ys] if bias is None else [*xs, *ys, bias])


def logsumexp(xs: Iterable[Operand]) -> Value:
    """log(exp(x1) + ... + exp(xn)), as one node, at home with any finite xs.

    >>> logsumexp([1000.0, 1000.0]).data == 1000 + math.log(2)
    True
    """
    xs = list(xs)
    if not xs:
        raise ValueError("logsumexp of no values is not defined")
    return engine.LOGSUMEXP.record(xs)


def softmax(xs: Iterable[Operand]) -> list[Value]:
    """The n shares exp(x) / (exp(x1) + ... + exp(xn)), which add up to 1."""
    xs = list(xs)
    return list(shares(logsumexp(xs), xs))


def maximum(x: Operand, *others: Operand) -> Value:
    """The largest operand; where two tie, the earlier one has slope 1 and the later one 0."""
    return reduce(lambda best, y: engine.MAXIMUM.record((best, y)), others, as_value(x))


def minimum(x: Operand, *others: Operand) -> Value:
    """The smallest operand; where two tie, the earlier one has slope 1 and the later one 0."""
    return reduce(lambda best, y: engine.MINIMUM.record((best, y)), others, as_value(x))


# --- The same under the names of Python's math --------------------------------------------------

asin, acos, atan, atan2 = arcsin, arccos, arctan, arctan2
asinh, acosh, atanh = arcsinh, arccosh, arctanh
