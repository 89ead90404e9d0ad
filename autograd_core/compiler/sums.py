"""Sums: nodes of the graph for a sum of scaled products, as few as it takes.

A scale that all terms share stands in front of the sum, unless it is less than 1: then the sum
might overflow where its terms did not, and each term is scaled by its own.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from autograd_core.compiler.graph import Graph, Sum
from autograd_core.compiler.linear import MINUS, ONE, Scale, Term
from autograd_core.engine import ADD, DIV, MUL, NEG, SUB, Op

FEW = 3  # terms are added one by one to products; from so many on they are a sum of their own


@dataclass(slots=True)
class Nodes(Graph):
    """A graph under construction; `known` has the nodes of numbers and ops that there are."""

    known: dict[Any, int] = field(default_factory=dict)

    def number(self, number: float) -> int:
        """The node of a constant."""
        key = number, math.copysign(1.0, number)
        if key not in self.known:
            self.known[key] = i = self.add(None, (), batched=False)
            self.rank[i] = 1
            self.constants[i] = number
        return self.known[key]

    def new(self, op: Op, *parents: int) -> int:
        """A node for an op, the same one for the same; of numbers, the number."""
        if all(x in self.constants for x in parents):
            return self.number(op.value(*[self.constants[x] for x in parents]))
        key = (op, parents)
        if key not in self.known:
            batched = any(map(self.batched, parents))
            self.known[key] = self.add(op, parents, batched=batched)
        return self.known[key]

    def added(self, left: Iterable[int], right: Iterable[int], terms: Iterable[int]) -> int:
        """A node for a Sum, of products whose right factors are the less constant ones."""
        made = Sum(tuple(left), tuple(right), tuple(terms))
        ranks = map(self.rank.__getitem__, (*made.right, *made.terms))
        return self.add(made, (), batched=self.has_examples and max(ranks) >= 4)

    def times(self, scale: Scale, x: int) -> int:
        """scale * node x."""
        if scale.factor == -1.0:
            x = self.new(NEG, x)
        elif scale.factor != 1.0:
            x = self.new(MUL, self.number(scale.factor), x)
        return x if scale.divisor == 1.0 else self.new(DIV, x, self.number(scale.divisor))

    def sum_of(self, terms: list[Term], constant: float, *, batched: bool) -> int:
        """A node for a sum, in as few nodes as it takes."""
        if len(terms) == 1 and not constant and terms[0][2] >= 0:
            scale, x, y = terms[0]
            return self.times(scale, self.new(MUL, x, y))
        if batched:
            terms, constant = self.apart(terms, constant)
        singles = [t for t in terms if t[2] < 0]
        groups = self.groups([t for t in terms if t[2] >= 0] if singles else terms)
        for group in groups:
            last = group is groups[-1]
            taken = [t for t in singles if t[0] == ONE and (last or self.is_early(t[1]))]
            taken = taken if len(taken) < FEW else []
            scale, node, took = self.products(group, [x for _, x, _ in taken])
            singles = [t for t in singles if not took or t not in taken] + [(scale, node, -1)]
        return self.shifted(singles, constant)

    def apart(self, terms: list[Term], constant: float) -> tuple[list[Term], float]:
        """The same sum, with what all examples share summed as one term."""
        rank = self.rank
        fixed = [t for t in terms if rank[t[1]] < 4 and (t[2] < 0 or rank[t[2]] < 4)]
        if len(fixed) < 2 and not (fixed and (constant or fixed[0][2] >= 0)):
            return terms, constant
        rest = [t for t in terms if rank[t[1]] >= 4 or (t[2] >= 0 and rank[t[2]] >= 4)]
        return [*rest, (ONE, self.sum_of(fixed, constant, batched=False), -1)], 0.0

    def is_early(self, i: int) -> bool:
        """Whether a node is known from the start, or the same for all examples."""
        return self.rank[i] < 4 or not self.rank[i] & 2

    def groups(self, products: list[Term]) -> list[list[Term]]:
        """Products of one kind each, those first whose right factors are known from the start."""
        if len(products) < 2:
            return [products] * len(products)
        rank, many = self.rank, 2 * (len(products) > FEW)
        kinds = [8 * (rank[y] & many) + (rank[x] & 4) + (rank[y] & 4) // 2 for _, x, y in products]
        found = sorted(set(kinds))
        if len(found) == 1:
            return [products]
        return [[term for term, own in zip(products, kinds) if own == kind] for kind in found]

    def products(self, group: list[Term], terms: list[int]) -> tuple[Scale, int, bool]:
        """scale * a node for a sum of products; whether it has the terms too."""
        scale = group[0][0]
        if len(group) == 1 and not (scale == ONE and terms):
            return scale, self.new(MUL, *group[0][1:]), False
        scales, left, right = zip(*group)
        own = scale.shrinks and len(group) > 1
        if own or scales.count(scale) < len(group):
            left, scale = tuple(map(self.times, scales, left)), ONE
        return scale, self.added(left, right, terms if scale == ONE else ()), scale == ONE

    def shifted(self, terms: list[Term], constant: float) -> int:
        """A node for a sum of scaled nodes, and a number."""
        if not terms:
            return self.number(constant)
        if not constant:
            return self.singles(terms)
        if all(c.factor < 0 for c, _, _ in terms):
            negated = [(c.negative, x, y) for c, x, y in terms]
            return self.new(SUB, self.number(constant), self.singles(negated))
        op, number = (ADD, constant) if constant > 0 else (SUB, -constant)
        return self.new(op, self.singles(terms), self.number(number))

    def singles(self, terms: list[Term]) -> int:
        """A node for a sum of scaled nodes, those that all examples share apart."""
        if len(terms) == 1:
            return self.times(*terms[0][:2])
        if len(terms) == 2:
            return self.pair(*terms)
        varying = [t for t in terms if self.batched(t[1])]
        if not 0 < len(varying) < len(terms):
            return self.many(terms)
        fixed = [t for t in terms if not self.batched(t[1])]
        return self.new(ADD, self.singles(varying), self.singles(fixed))

    def many(self, terms: list[Term]) -> int:
        """A node for a sum of many scaled nodes; with scales of all sorts, a product with them."""
        scales = {c for c, _, _ in terms}
        if len(scales) > 1:
            numbers = [self.number(c.factor / c.divisor) for c, _, _ in terms]
            return self.added(numbers, [x for _, x, _ in terms], ())
        scale = scales.pop()
        if scale.shrinks:
            return self.added((), (), [self.times(scale, x) for _, x, _ in terms])
        return self.times(scale, self.added((), (), [x for _, x, _ in terms]))

    def pair(self, first: Term, second: Term) -> int:
        """A node for two scaled nodes: a sum, or a difference."""
        (c, x, _), (d, y, _) = first, second
        if c.factor < 0 < d.factor:
            return self.pair(second, first)
        if c.factor < 0:
            return self.times(MINUS, self.pair((c.negative, x, -1), (d.negative, y, -1)))
        if d.factor < 0:
            return self.new(SUB, self.times(c, x), self.times(d.negative, y))
        return self.new(ADD, self.times(c, x), self.times(d, y))
