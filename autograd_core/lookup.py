"""What is chosen by a number that may be an argument of a program: a row, the item of a label.

Recorded, it is a sum over everything, each times whether the index is its own; the compiler finds
the lookups in such sums again.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from threading import get_ident
from typing import Any

from autograd_core.engine import NUMBER, RECORDERS, Op, Operand, Value, number
from autograd_core.functions import dot, equals


def index(xs: Sequence[Any], i: Operand) -> Any:
    """xs[i], for an i from 0 that may be an argument of a program.

    xs is a list of numbers and Values, or of lists of them, all of one shape. ValueError for an i
    that is not whole, or out of range. The gradient reaches what is chosen, and i has none.

    >>> rows = [[Value(1.0), Value(2.0)], [Value(3.0), Value(4.0)]]
    >>> [x.data for x in index(rows, Value(1))]
    [3.0, 4.0]
    """
    if not isinstance(i, (Value, *NUMBER)):
        raise TypeError(f"an index is a number, got {type(i).__name__}: {i!r}")
    if not len(xs):
        raise ValueError("there is no item to choose in an empty list")
    known = index_below(len(xs))(i)
    if not (isinstance(known, Value) and get_ident() in RECORDERS):
        item = xs[int(number(known))]
        return Value(float(item)) if isinstance(known, Value) and isinstance(item, NUMBER) else item
    return chosen([equals(known, float(k)) for k in range(len(xs))], xs)


def chosen(one_hot: list[Value], xs: Sequence[Any]) -> Any:
    """What a one-hot list points at: a sum over all of xs, which numbers or lists may be."""
    if not hasattr(xs[0], "__len__"):
        return dot(one_hot, xs)
    if len({len(x) for x in xs}) > 1:
        raise ValueError("index needs lists of one length, for any of them may be chosen")
    found = [chosen(one_hot, column) for column in zip(*xs)]
    if not hasattr(xs[0], "shape"):
        return found
    import numpy as np

    from autograd_core.arrays import ValueArray

    return np.array(found, dtype=object).view(ValueArray)


@lru_cache
def index_below(n: int) -> Op:
    """A whole number from 0 to n - 1, which refuses any other."""

    def value(i: float) -> float:
        if 0 <= i < n and i == int(i):
            return float(i)
        raise ValueError(f"an index must be a whole number from 0 to {n - 1}, got {i:g}")

    # On arrays 0 / 0 for any other: the program then runs this op on floats, where it raises.
    return Op(
        "index",
        value,
        lambda z, i: (0.0,),
        lambda np, i: i + 0.0 / ((i >= 0) * (i < n) * (i <= np.floor(i))),
    )
