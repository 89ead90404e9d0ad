"""Canonical form: the same graph, with sums of scaled products in place of trees of + - * and /.

A tree of additions, subtractions and multiplications whose inner nodes are used once becomes one
node, however it was written: `dot`, `sum(w * x for ...)`, or a loop of `s = s - w * x / 64`. Signs
and constant factors are scales, of a term or of a whole sum. Where all terms share one it stands in
front, unless it is less than 1: then the sum might overflow where its terms did not.

In a batched program, what all examples share is summed apart; so is, of many products, what is
known from the start, which leaves to a recurrence only what recurs.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

from autograd_core.compiler.graph import Graph, Sum
from autograd_core.compiler.merge import count_uses, merge, varying
from autograd_core.compiler.record import Recording
from autograd_core.engine import ADD, DIV, DOT, MUL, NEG, SUB, TOTAL, Op

LINEAR = (ADD, SUB, NEG, TOTAL, DOT, MUL, DIV)
FEW = 3  # terms are added one by one to products; from so many on they are a sum of their own


class Scale(NamedTuple):
    """A constant factor, and a divisor apart: x / 3 is not quite x * (1 / 3)."""

    factor: float
    divisor: float

    @property
    def negative(self) -> Scale:
        """The same with the other sign."""
        return Scale(-self.factor, self.divisor)

    @property
    def sign(self) -> int:
        """Whether it is 1 or -1, which are exact; 0 for others."""
        return int(self.factor) if self.divisor == 1 and abs(self.factor) == 1 else 0

    @property
    def is_exact(self) -> bool:
        """Whether it is a power of two, of moderate size: nothing is rounded, nothing is lost."""
        size = abs(self.factor / self.divisor)
        return math.frexp(size)[0] == 0.5 and 2.0**-64 < size < 2.0**64

    @property
    def shrinks(self) -> bool:
        """Whether it is less than 1."""
        return abs(self.factor) < abs(self.divisor)


ONE, MINUS = Scale(1.0, 1.0), Scale(-1.0, 1.0)
Term: TypeAlias = "tuple[Scale, int, int]"  # scale * left * right; -1 where there is no right


class Linear:
    """scale * (term + ... + constant), of a node that is used once, by what it may be part of."""

    __slots__ = ("constant", "scale", "terms")

    def __init__(self, terms: list[Term], constant: float = 0.0, scale: Scale = ONE) -> None:
        self.terms, self.constant, self.scale = terms, constant, scale

    def scaled(self, scale: Scale) -> Linear | None:
        """The same, scaled once more; None where the two scales together were too extreme."""
        both = merged(self.scale, scale)
        return both and Linear(self.terms, self.constant, both)

    def term(self) -> Term | None:
        """It as one term, where it is one."""
        if len(self.terms) != 1 or self.constant:
            return None
        scale, x, y = self.terms[0]
        both = merged(scale, self.scale)
        return both and (both, x, y)

    @property
    def is_multiple(self) -> bool:
        """Whether it is a node times a constant factor."""
        return len(self.terms) == 1 and not self.constant and self.terms[0][2] < 0


def merged(c: Scale, d: Scale) -> Scale | None:
    """Both scales as one; None where that would overflow, or vanish."""
    if c is ONE or d is ONE:
        return c if d is ONE else d
    found = Scale(c.factor * d.factor, c.divisor * d.divisor)
    return found if usable(found.factor) and usable(found.divisor) else None


def usable(number: float) -> bool:
    """Whether it can be a scale: finite, and neither 0 nor so small that digits are lost."""
    return 2.0**-1022 <= abs(number) < math.inf


def canonical(
    tape: Recording, roots: Sequence[int], *, batched: bool, wrt: Sequence[int] | None = None
) -> Graph:
    """The canonical form of what the roots of a recording need.

    `wrt` are the nodes of the parameters (-1: not recorded); by default all Values from outside,
    in the order in which sums of products read them, so that weights lie side by side.
    """
    form = Canonical(tape, roots, batched=batched)
    graph = form.graph
    graph.origin = outside = {form.place[i]: i for i in tape.parameters if i in form.place}
    if wrt is None:
        used = dict.fromkeys([x for i in range(len(graph.ops)) for x in graph.operands(i)])
        graph.parameters = [x for x in dict.fromkeys([*used, *graph.roots]) if x in outside]
    else:
        graph.parameters = [form.place.get(i, -1) for i in wrt]
        graph.others = [x for x in outside if x not in set(graph.parameters)]
    return graph


class Canonical:
    """Where every node of the recording is in the graph, or what it is part of."""

    def __init__(self, tape: Recording, roots: Sequence[int], *, batched: bool) -> None:
        self.merged = found = merge(tape)
        self.graph = graph = Graph(has_examples=batched)
        self.place: dict[int, int] = {}
        self.pending: dict[int, Linear] = {}
        self.known: dict[Any, int] = {}
        self.varies = varies = varying(found, tape.inputs if batched else [])
        roots = [found.same[root] for root in roots]
        uses, user = count_uses(found, roots)
        graph.inputs = [graph.add(None, (), batched=batched) for _ in tape.inputs]
        self.place.update(zip(tape.inputs, graph.inputs))
        for i in range(len(tape.ops)):
            op = found.ops[i]
            if not uses[i] or found.same[i] != i or i in self.place or i in found.constants:
                continue
            linear = self.linear(op, found.parents[i]) if op in LINEAR else None
            if linear is None:
                operands = tuple(map(self.node, found.parents[i]))
                self.place[i] = graph.add(op, operands, batched=varies[i])
                continue
            self.pending[i] = linear
            absorbed = uses[i] == 1 and found.ops[user[i]] in LINEAR
            if not absorbed or (varies[i] != varies[user[i]] and not linear.is_multiple):
                self.node(i)
        graph.roots = list(map(self.node, roots))
        labelled = [(i, v.label) for i, v in enumerate(tape.values)]
        labelled = [(found.same[i], label) for i, label in labelled if label]
        graph.labels = {self.place[i]: label for i, label in labelled if i in self.place}

    # --- Collect

    def linear(self, op: Op | None, parents: tuple[int, ...]) -> Linear | None:
        """The node as a sum of terms; None for what is none, such as x / y."""
        if op is NEG:
            return self.scaled(parents[0], MINUS)
        if op is MUL or op is DIV:
            x, y = parents
            if op is MUL and x in self.merged.constants:
                x, y = y, x
            number = self.merged.constants.get(y)
            if number is not None and usable(number):
                return self.scaled(x, Scale(1.0, number) if op is DIV else Scale(number, 1.0))
            return Linear([self.product(x, y)]) if op is MUL and number is None else None
        n = len(parents) // 2 if op is DOT else 0
        signs = (ONE, MINUS) if op is SUB else (ONE,) * (len(parents) - 2 * n)
        added = self.sum_of(list(zip(signs, parents[2 * n :])))
        added.terms += [self.product(x, y) for x, y in zip(parents[:n], parents[n : 2 * n])]
        return added

    def scaled(self, i: int, scale: Scale) -> Linear:
        """scale * node i."""
        linear = self.pending[i].scaled(scale) if i in self.pending else None
        if linear is None:
            return Linear([(ONE, self.node(i), -1)], scale=scale)
        del self.pending[i]
        return linear

    def sum_of(self, parts: Sequence[tuple[Scale, int]]) -> Linear:
        """The sum of nodes, each with its sign, that absorbs the sums it can."""
        constants, pending = self.merged.constants, self.pending
        longest, size = -1, 0  # extended in place, so that a sum of n terms takes n steps
        for sign, i in parts:
            part = pending.get(i)
            if part and part.scale is sign is ONE and len(part.terms) > size:
                longest, size = i, len(part.terms)
        whole = pending.pop(longest, None) or Linear([])
        for sign, i in parts:
            if i in pending:
                self.absorb(whole, sign, i, pending.pop(i))
            elif i in constants:
                self.shift(whole, sign.factor * constants[i])
            elif i != longest:
                whole.terms.append((sign, self.node(i), -1))
        return whole

    def absorb(self, whole: Linear, sign: Scale, i: int, part: Linear) -> None:
        """Add a signed sum to another one: term by term, but for one that is scaled as a whole."""
        term = part.term()
        if term is not None:
            whole.terms.append((term[0] if sign is ONE else term[0].negative, *term[1:]))
        elif part.scale.sign:
            terms, sign = part.terms, sign if part.scale.sign > 0 else sign.negative
            whole.terms += terms if sign == ONE else [(c.negative, x, y) for c, x, y in terms]
            self.shift(whole, sign.factor * part.constant)
        else:
            node = self.sum(part.terms, part.constant, self.varies[i])
            whole.terms.append((part.scale if sign is ONE else part.scale.negative, node, -1))

    def shift(self, whole: Linear, number: float) -> None:
        """Add a number to a sum; as a term, where all its numbers together would overflow."""
        if math.isinf(whole.constant + number) and math.isfinite(number):
            whole.terms.append((ONE, self.number(number), -1))
        else:
            whole.constant += number

    def product(self, x: int, y: int) -> Term:
        """Node x * node y, the more constant one first, with exact scales in front."""
        (c, x), (d, y) = self.factor(x), self.factor(y)
        scale = merged(c, d)
        assert scale is not None  # for exact ones are moderate
        rank = self.graph.rank
        return (scale, x, y) if rank[x] <= rank[y] else (scale, y, x)

    def factor(self, i: int) -> tuple[Scale, int]:
        """A factor of a product: a node, and what may stand in front."""
        placed = self.place.get(i)
        if placed is not None:
            return ONE, placed
        term = self.pending[i].term() if i in self.pending else None
        if term and term[2] < 0 and term[0].is_exact:
            del self.pending[i]
            return term[:2]
        return ONE, self.node(i)

    # --- Place

    def node(self, i: int) -> int:
        """The graph's node that computes the recorded node i."""
        found = self.place.get(i)
        if found is None:
            if i in self.merged.constants:
                found = self.number(self.merged.constants[i])
            else:
                part = self.pending.pop(i)
                found = self.sum(part.terms, part.constant, self.varies[i])
                found = self.times(part.scale, found)
            self.place[i] = found
        return found

    def number(self, number: float) -> int:
        """The node of a constant."""
        key = number, math.copysign(1.0, number)
        if key not in self.known:
            self.known[key] = i = self.graph.add(None, (), batched=False)
            self.graph.rank[i] = 1
            self.graph.constants[i] = number
        return self.known[key]

    def new(self, op: Op, *parents: int) -> int:
        """A node for an op, the same one for the same."""
        key = (op, parents)
        if key not in self.known:
            batched = any(map(self.graph.batched, parents))
            self.known[key] = self.graph.add(op, parents, batched=batched)
        return self.known[key]

    def added(self, products: list[tuple[int, int]], terms: list[int]) -> int:
        """A node for a Sum."""
        operands = [*[x for pair in products for x in pair], *terms]
        batched = max([self.graph.rank[x] for x in operands]) >= 4
        return self.graph.add(Sum(products, terms), (), batched=batched)

    def times(self, scale: Scale, x: int) -> int:
        """scale * node x."""
        if scale.factor == -1.0:
            x = self.new(NEG, x)
        elif scale.factor != 1.0:
            x = self.new(MUL, self.number(scale.factor), x)
        return x if scale.divisor == 1.0 else self.new(DIV, x, self.number(scale.divisor))

    def sum(self, terms: list[Term], constant: float, batched: bool) -> int:
        """A node for a sum, in as few nodes as it takes."""
        if len(terms) == 1 and not constant and terms[0][2] >= 0:
            scale, x, y = terms[0]
            return self.times(scale, self.new(MUL, x, y))
        if batched:
            terms, constant = self.apart(terms, constant)
        singles = [t for t in terms if t[2] < 0]
        groups = self.groups([t for t in terms if t[2] >= 0])
        for group in groups:
            last = group is groups[-1]
            taken = [t for t in singles if t[0] == ONE and (last or self.is_early(t[1]))]
            if len(taken) >= FEW:
                taken = []
            scale, node, took = self.products(group, [x for _, x, _ in taken])
            singles = [t for t in singles if not took or t not in taken] + [(scale, node, -1)]
        return self.singles(singles, constant)

    def apart(self, terms: list[Term], constant: float) -> tuple[list[Term], float]:
        """The same sum, with what all examples share summed as one term."""
        rank = self.graph.rank
        fixed = [t for t in terms if rank[t[1]] < 4 and (t[2] < 0 or rank[t[2]] < 4)]
        if len(fixed) < 2 and not (fixed and (constant or fixed[0][2] >= 0)):
            return terms, constant
        rest = [t for t in terms if rank[t[1]] >= 4 or (t[2] >= 0 and rank[t[2]] >= 4)]
        return [*rest, (ONE, self.sum(fixed, constant, batched=False), -1)], 0.0

    def is_early(self, i: int) -> bool:
        """Whether a node is known from the start, or the same for all examples."""
        return self.graph.rank[i] < 4 or not self.graph.rank[i] & 2

    def groups(self, products: list[Term]) -> list[list[Term]]:
        """Products of one kind each, those first whose right factors are known from the start."""
        if len(products) < 2:
            return [products] * len(products)
        rank, many = self.graph.rank, 2 * (len(products) > FEW)
        found: defaultdict[int, list[Term]] = defaultdict(list)
        for term in products:
            left, right = rank[term[1]], rank[term[2]]
            found[8 * (right & many) + (left & 4) + (right & 4) // 2].append(term)
        return [found[kind] for kind in sorted(found)]

    def products(self, group: list[Term], terms: list[int]) -> tuple[Scale, int, bool]:
        """scale * a node for a sum of products; whether it has the terms too."""
        scale = group[0][0]
        if len(group) == 1 and not (scale == ONE and terms):
            return scale, self.new(MUL, *group[0][1:]), False
        if any([c is not scale and c != scale for c, _, _ in group]) or (
            scale.shrinks and len(group) > 1
        ):
            pairs, scale = [(self.times(c, x), y) for c, x, y in group], ONE
        else:
            pairs = [(x, y) for _, x, y in group]
        return scale, self.added(pairs, terms if scale == ONE else []), scale == ONE

    def singles(self, terms: list[Term], constant: float) -> int:
        """A node for a sum of scaled nodes and a number."""
        if not terms:
            return self.number(constant)
        if constant:
            if all(c.factor < 0 for c, _, _ in terms):
                negated = [(c.negative, x, y) for c, x, y in terms]
                return self.new(SUB, self.number(constant), self.singles(negated, 0.0))
            op, number = (ADD, constant) if constant > 0 else (SUB, -constant)
            return self.new(op, self.singles(terms, 0.0), self.number(number))
        if len(terms) == 1:
            return self.times(*terms[0][:2])
        if len(terms) == 2:
            return self.pair(*terms)
        varying = [t for t in terms if self.graph.batched(t[1])]
        if 0 < len(varying) < len(terms):
            fixed = [t for t in terms if not self.graph.batched(t[1])]
            return self.new(ADD, self.singles(varying, 0.0), self.singles(fixed, 0.0))
        scales = {c for c, _, _ in terms}
        if len(scales) > 1:
            numbers = [self.number(c.factor / c.divisor) for c, _, _ in terms]
            return self.added([(c, x) for c, (_, x, _) in zip(numbers, terms)], [])
        (scale,) = scales
        if scale.shrinks:
            return self.added([], [self.times(scale, x) for _, x, _ in terms])
        return self.times(scale, self.added([], [x for _, x, _ in terms]))

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
