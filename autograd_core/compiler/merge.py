"""Merge: a recording in which equal expressions are one node, and ops on constants constants.

In goes a recording; out come its nodes, each with the one that stands for it. Of
`exp(x) * w + exp(x)` both exp are the first, and nothing needs the second any more.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from autograd_core.compiler.record import Recording
from autograd_core.engine import Op, power

IDENTITY = power(1.0)


@dataclass(slots=True)
class Merged:
    """The recording's nodes; `same[i]` is the one that stands for node i."""

    ops: list[Op | None]
    parents: list[tuple[int, ...]]
    constants: dict[int, float] = field(default_factory=dict)
    same: list[int] = field(default_factory=list)


def merge(tape: Recording) -> Merged:
    """Merge equal expressions, the same op on the same operands, and fold constants."""
    merged = Merged(list(tape.ops), list(tape.parents))
    constants, same = merged.constants, merged.same
    known: dict[Any, int] = {}
    for i, op in enumerate(tape.ops):
        number, parents = tape.constants.get(i), tape.parents[i]
        if op is not None:
            now = tuple(map(same.__getitem__, parents))
            if now != parents:  # else one of them is enough to keep
                merged.parents[i] = parents = now
            if all(map(constants.__contains__, parents)):
                number = op.record([constants[p] for p in parents]).data
        if number is not None:
            merged.ops[i], merged.parents[i] = None, ()
            same.append(known.setdefault(struct.pack("d", number), i))  # 0.0 and -0.0 apart
            constants[same[i]] = number
        elif op is IDENTITY:
            same.append(parents[0])
        else:
            same.append(known.setdefault((op, parents), i) if op else i)
    return merged


def count_uses(merged: Merged, roots: Sequence[int]) -> tuple[list[int], list[int]]:
    """For every node how often those use it that the roots need, and the last that does.

    A root is used once more, by what is not recorded; what is not needed is never used.
    """
    uses, user = [0] * len(merged.ops), [-1] * len(merged.ops)
    for root in roots:
        uses[root] += 2
    for i in reversed(range(len(merged.same))):
        if uses[i]:
            for parent in merged.parents[i]:
                uses[parent] += 1
                user[parent] = i
    return uses, user


def varying(merged: Merged, inputs: Sequence[int]) -> list[bool]:
    """Which nodes depend on one of these."""
    varies = [False] * len(merged.ops)
    for i in inputs:
        varies[i] = True
    for i, parents in enumerate(merged.parents if inputs else ()):
        if parents:
            varies[i] = True in [varies[p] for p in parents]
    return varies
