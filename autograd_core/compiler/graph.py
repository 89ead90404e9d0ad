"""The graph between recording and arrays: scalars, and sums of products in place of + * and dot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from autograd_core.engine import Op


@dataclass(slots=True)
class Sum:
    """left * right + ... + term + ..., by the nodes' numbers."""

    left: tuple[int, ...] = ()
    right: tuple[int, ...] = ()
    terms: tuple[int, ...] = ()


@dataclass(slots=True)
class Graph:
    """Nodes 0, 1, 2, ..., each after its operands: a leaf (no op), a Sum, or an op on `parents`.

    `rank[i]` says how constant node i is: 0 a leaf, 1 a constant, 2 computed, and 4 more where it
    differs from example to example, if there are any (`has_examples`). The others are Values from
    outside that no gradient is asked for; -1 among the parameters is one that no result needs.
    `origin` has the recorded nodes of both, and `labels` the labels of all that have one.
    """

    ops: list[Op | Sum | None] = field(default_factory=list)
    parents: list[tuple[int, ...]] = field(default_factory=list)
    rank: list[int] = field(default_factory=list)
    constants: dict[int, float] = field(default_factory=dict)
    parameters: list[int] = field(default_factory=list)
    others: list[int] = field(default_factory=list)
    inputs: list[int] = field(default_factory=list)
    roots: list[int] = field(default_factory=list)
    origin: dict[int, int] = field(default_factory=dict)
    labels: dict[int, str] = field(default_factory=dict)
    has_examples: bool = False

    def add(self, op: Op | Sum | None, parents: tuple[int, ...], *, batched: bool) -> int:
        """Append a node; its number."""
        self.ops.append(op)
        self.parents.append(parents)
        self.rank.append(4 * batched + 2 * (op is not None))
        return len(self.ops) - 1

    def batched(self, i: int) -> bool:
        """Whether node i differs from example to example."""
        return self.rank[i] >= 4

    def sum(self, i: int) -> Sum:
        """Node i, which is a sum."""
        found = self.ops[i]
        assert isinstance(found, Sum)
        return found

    def operands(self, i: int) -> Sequence[int]:
        """The nodes that node i is computed from; of products, first all left factors."""
        op = self.ops[i]
        return (*op.left, *op.right, *op.terms) if isinstance(op, Sum) else self.parents[i]
