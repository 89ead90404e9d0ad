"""The rules of the derivative table, recorded on symbols.

An op's partials are written with operators, so they can be recorded like any function: what comes
out is how the slopes are computed from the output z and the operands, step by step.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, TypeAlias

from autograd_core.compile.record import Recording, recording
from autograd_core.engine import TOTAL, Op

Expression: TypeAlias = "float | str | tuple[Any, ...]"


@lru_cache(maxsize=1024)
def rule(op: Op, n: int) -> tuple[Expression, ...]:
    """The slopes of an op along n operands, written out.

    An expression is a number, "z", an operand "x0", "x1", ..., or an op followed by expressions.
    """
    with recording() as tape:
        z, *xs = [tape.input(name) for name in ("z", *[f"x{i}" for i in range(n)])]
        slopes = [tape.node(slope) for slope in op.partials(z, *xs)]
    if len(slopes) != n:
        raise TypeError(f"{op.name}: {len(slopes)} partials for {n} operands")
    return tuple([expression(tape, slope) for slope in slopes])


def expression(tape: Recording, node: int) -> Expression:
    """A node of a recorded rule, written out."""
    if node in tape.constants:
        return tape.constants[node]
    op = tape.ops[node]
    if op is None:
        return f"x{node - 1}" if node else "z"
    return (op, *[expression(tape, p) for p in tape.parents[node]])


@lru_cache(maxsize=1024)
def rule_for_rows(op: Op, n: int) -> Expression | None:
    """The one slope that, with all n operands as the rows of an array, is the slope along each.

    None where there is none: where the slopes differ by more than the operand they are along.
    """
    if n < 3:
        return None
    slopes = [on_rows(slope, i, n) for i, slope in enumerate(rule(op, n))]
    return slopes[0] if all(slope == slopes[0] for slope in slopes) and slopes[0] != OTHER else None


ROWS, SUM, OTHER = "rows", "sum", "other"


def on_rows(slope: Expression, i: int, n: int) -> Expression:
    """A slope with the rows in place of operand i, and a sum over rows for a total over all."""
    if isinstance(slope, str) and slope != "z":
        return ROWS if slope == f"x{i}" else OTHER
    if not isinstance(slope, tuple):
        return slope
    op, *parts = slope
    if op is TOTAL and len(parts) == n:
        summed = [on_rows(part, j, n) for j, part in enumerate(parts)]
        if OTHER not in summed and len(set(summed)) == 1:
            return (SUM, summed[0])
    lifted = [on_rows(part, i, n) for part in parts]
    return OTHER if OTHER in lifted else (op, *lifted)
