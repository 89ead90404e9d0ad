"""A gradient by its paths: sums over all of them, each the product of the slopes along it.

No path is listed here; `explain` lists the largest, `steps` takes the backward pass apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from autograd_core.engine import Value


def slopes(order: Sequence[Value]) -> dict[Value, float]:
    """d(root)/d(v) for every Value v, by the steps of backward; no `grad` is touched."""
    slope = dict.fromkeys(order, 0.0)
    slope[order[-1]] = 1.0
    for v in reversed(order):
        for parent, partial in zip(v.parents, v.partials):
            slope[parent] += partial * slope[v]
    return slope


def slopes_along(wrt: Value, order: Sequence[Value]) -> dict[Value, float]:
    """d(v)/d(wrt) for every Value v that depends on `wrt`, and for itself."""
    slope = {wrt: 1.0}
    for v in order:
        terms = [slope[p] * partial for p, partial in zip(v.parents, v.partials) if p in slope]
        if terms:
            slope[v] = sum(terms)
    return slope


@dataclass(frozen=True)
class Flows:
    """How much of d(root)/d(wrt) runs where.

    `through` has the sum of the products of all paths through a Value, `over` that of those over
    the edge from its operand k; there is no entry where no path passes.
    """

    root: Value
    wrt: Value
    through: dict[Value, float]
    over: dict[tuple[Value, int], float]

    @property
    def total(self) -> float:
        """The sum over all paths: d(root)/d(wrt)."""
        return self.through[self.wrt]

    @cached_property
    def largest(self) -> float:
        """The largest |flow| over an edge."""
        return max([0.0, *map(abs, self.over.values())])


def flows(order: Sequence[Value], wrt: Value) -> Flows:
    """What runs where of d(root)/d(wrt), for a `wrt` in the order."""
    before, after = slopes_along(wrt, order), slopes(order)
    return Flows(
        root=order[-1],
        wrt=wrt,
        through={v: before[v] * after[v] for v in order if v in before},
        over={
            (v, k): before[parent] * partial * after[v]
            for v in order
            for k, (parent, partial) in enumerate(zip(v.parents, v.partials))
            if parent in before
        },
    )


def reached(order: Sequence[Value]) -> set[Value]:
    """The Values of a graph that a backward has come to: by their grads, and from there on down.

    A grad of 0 tells nothing by itself: it may be that of a dead relu, or be set back.
    """
    found = {v for v in order if v.grad != 0}
    for v in reversed(order):
        if v in found:
            found.update(v.parents)
    return found
