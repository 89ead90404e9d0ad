"""Multiples: numbers in front of arrays, times a power of the number of examples."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TypeAlias

from autograd_core.compiler.ir import EXAMPLES, Compute, Constant, Operand
from autograd_core.compiler.linear import usable
from autograd_core.engine import MUL

Number: TypeAlias = "tuple[float, int]"  # times n ** the second

NOTHING: Number = (0.0, 0)
ONE: Number = (1.0, 0)


def number_in(operand: Operand) -> Number | None:
    """The number that an operand is; None for what is an array or not known."""
    x = operand[0]
    return (float(x.numbers), x.power) if isinstance(x, Constant) and not x.shape else None


def unscaled(operand: Operand, number: Number) -> tuple[Operand, Number]:
    """operand * number, where the operand is a multiple itself: of what, and by what."""
    x, names = operand
    own = number_in(x.operands[-1]) if isinstance(x, Compute) and x.op is MUL else None
    if own is None or not usable(own[0] * number[0]):
        return operand, number
    assert isinstance(x, Compute)
    inner, letters = x.operands[0]
    rename = dict(zip(x.axes, names))
    return (inner, "".join([rename[c] for c in letters])), times(own, number)


def times(x: Number, y: Number) -> Number:
    """Their product."""
    return x[0] * y[0], x[1] + y[1]


def repeats(lengths: Mapping[str, int | None], held: str) -> Number:
    """How many numbers there are for each one of what has only these letters."""
    gone = [n for c, n in lengths.items() if c not in held]
    if not gone:
        return ONE
    return math.prod([n for n in gone if n is not EXAMPLES]), gone.count(EXAMPLES)
