"""The rules of the derivative table, recorded on symbols.

An op's partials are written with operators, so they can be recorded like any function: what comes
out is how the slopes are computed from the output z and the operands, step by step.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from autograd_core.compile.record import Recording, recording
from autograd_core.engine import Op


@dataclass(frozen=True, slots=True)
class Rule:
    """An op's partials, recorded on symbols: z is node 0, the operands 1, 2, ...; then the rest.

    `slopes` are nodes.
    """

    tape: Recording
    slopes: tuple[int, ...]


@lru_cache(maxsize=1024)
def rule(op: Op, n: int) -> Rule:
    """The rule of an op on n operands."""
    with recording() as tape:
        z, *xs = [tape.input(name) for name in ("z", *[f"x{i}" for i in range(n)])]
        slopes = tuple([tape.node(slope) for slope in op.partials(z, *xs)])
    if len(slopes) != n:
        raise TypeError(f"{op.name}: {len(slopes)} partials for {n} operands")
    return Rule(tape, slopes)


@lru_cache(maxsize=1024)
def pointwise_rule(op: Op, n: int) -> Rule | None:
    """The rule for one of many operands, where it is the same for all and needs no other."""
    if n < 3:
        return None
    whole, single = rule(op, n), rule(op, 1)
    expected = expression(single, single.slopes[0], 1)
    if all(expression(whole, slope, i) == expected for i, slope in enumerate(whole.slopes, 1)):
        return single
    return None


def expression(rule: Rule, node: int, operand: int) -> Any:
    """A slope written out, with one operand called x."""
    tape = rule.tape
    if node in tape.constants:
        return tape.constants[node]
    if node == operand:
        return "x"
    if tape.ops[node] is None:
        return node  # z, or another operand
    return (tape.ops[node], *[expression(rule, p, operand) for p in tape.parents[node]])


