"""The rules of the derivative table, recorded on symbols.

An op's partials are written with operators, so they can be recorded like any function: what comes
out is how the slopes are computed from the output z and the operands, step by step.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias
from weakref import WeakValueDictionary

from autograd_core.compile.record import recording
from autograd_core.engine import TOTAL, Op

Expression: TypeAlias = "float | str | Applied"


@dataclass(frozen=True, eq=False, slots=True, weakref_slot=True)
class Applied:
    """An op on expressions. Equal ones are one object, however often a rule uses them."""

    op: Op | str
    parts: tuple[Expression, ...]


KNOWN: WeakValueDictionary[Any, Applied] = WeakValueDictionary()


def applied(op: Op | str, *parts: Expression) -> Applied:
    """The one expression for an op on these."""
    return KNOWN.setdefault((op, parts), Applied(op, parts))


@lru_cache(maxsize=1024)
def rule(op: Op, n: int) -> tuple[Expression, ...]:
    """The slopes of an op along n operands.

    An expression is a number, "z", an operand "x0", "x1", ..., or an op applied to expressions.
    """
    with recording() as tape:
        z, *xs = [tape.input(name) for name in ("z", *[f"x{i}" for i in range(n)])]
        slopes = [tape.node(slope) for slope in op.partials(z, *xs)]
    if len(slopes) != n:
        raise TypeError(f"{op.name}: {len(slopes)} partials for {n} operands")
    found: list[Expression] = []
    for node, (applied_op, parents) in enumerate(zip(tape.ops, tape.parents, strict=True)):
        if node in tape.constants:
            found.append(tape.constants[node])
        elif applied_op is None:
            found.append(f"x{node - 1}" if node else "z")
        else:
            found.append(applied(applied_op, *[found[p] for p in parents]))
    return tuple([found[slope] for slope in slopes])


@lru_cache(maxsize=1024)
def rule_for_rows(op: Op, n: int) -> Expression | None:
    """The one slope that, with all n operands as the rows of an array, is the slope along each.

    None where there is none: where the slopes differ by more than the operand they are along.
    """
    if n < 3:
        return None
    known: Lifted = {}
    slopes = [on_rows(slope, i, n, known) for i, slope in enumerate(rule(op, n))]
    return slopes[0] if all(slope == slopes[0] for slope in slopes) and slopes[0] != OTHER else None


ROWS, SUM, OTHER = "rows", "sum", "other"
Lifted: TypeAlias = "dict[tuple[Expression, int], Expression]"


def on_rows(slope: Expression, i: int, n: int, known: Lifted) -> Expression:
    """A slope with the rows in place of operand i, and a sum over rows for a total over all."""
    if isinstance(slope, str) and slope != "z":
        return ROWS if slope == f"x{i}" else OTHER
    if not isinstance(slope, Applied):
        return slope
    if (slope, i) not in known:
        known[slope, i] = applied_on_rows(slope, i, n, known)
    return known[slope, i]


def applied_on_rows(slope: Applied, i: int, n: int, known: Lifted) -> Expression:
    """The same for an op on expressions."""
    if slope.op is TOTAL and len(slope.parts) == n:
        summed = [on_rows(part, j, n, known) for j, part in enumerate(slope.parts)]
        if OTHER not in summed and len(set(summed)) == 1:
            return applied(SUM, summed[0])
    lifted = [on_rows(part, i, n, known) for part in slope.parts]
    return OTHER if OTHER in lifted else applied(slope.op, *lifted)
