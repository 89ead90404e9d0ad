"""What the engine says of operands that have no value, or no slope."""

from __future__ import annotations

import math
from collections.abc import Container, Iterable, Sequence
from numbers import Real
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autograd_core.engine import Op, Value


def shown(values: Iterable[Value]) -> str:
    """Their numbers, by their labels."""
    numbers = [f"{v.label} = {v.data!r}" if v.label else repr(v.data) for v in values]
    return f"({', '.join(numbers)})"


def without_slopes(
    op: Op, parents: Sequence[Value], error: Exception
) -> tuple[float, tuple[float, ...]]:
    """The value, and NaN for slopes that failed; where the value fails too, raise on what."""
    try:
        z = float(op.value(*[parent.data for parent in parents]))
    except (ArithmeticError, ValueError, TypeError):
        message = f"cannot compute {op.name} of {shown(parents)}: {in_words(error)}"
        raise type(error)(message) from error
    if isinstance(error, TypeError):
        raise TypeError(f"{op.name} has no slope at {shown(parents)}: {error}") from error
    return z, (math.nan,) * len(parents)


def in_words(error: Exception) -> str:
    """What Python says of an error; ** has a number and a sentence of C where others have words."""
    too_large = isinstance(error, OverflowError) and len(error.args) > 1
    return "the result is too large for a float" if too_large else str(error)


def no_slope(order: Iterable[Value], along: Container[Value] | None = None) -> ValueError | None:
    """What to raise where an op has no slope along an operand, or along one of those given.

    A slope that is NaN is none, but where a NaN went into it.
    """
    for v in order:
        if v.op and not any(math.isnan(x.data) for x in (v, *v.parents)):
            for i, (parent, partial) in enumerate(zip(v.parents, v.partials), 1):
                if math.isnan(partial) and (along is None or parent in along):
                    which = f" along operand {i}" if len(v.parents) > 1 else ""
                    return ValueError(f"{v.op.name} has no slope{which} at {shown(v.parents)}")
    return None


def constant(x: Any) -> float:
    """The number, for what is fixed in an op: a Value there would get no gradient."""
    if not isinstance(x, Real):
        raise TypeError(f"a slope is a number, fixed in the op, got {type(x).__name__}: {x!r}")
    return float(x)
