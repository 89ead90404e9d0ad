"""Canonical form: the same graph, with sums of scaled products in place of trees of + - * and /.

A tree of additions, subtractions and multiplications whose inner nodes are used once becomes one
node, however it was written: `dot`, `sum(w * x for ...)`, or a loop of `s = s - w * x / 64`. Signs
and constant factors are scales, of a term or of a whole sum.

In goes a recording, out comes a graph. Of `(w * x + u * y + b).tanh()` it is two nodes, whatever
their order was: Sum(left=(w, u), right=(x, y), terms=(b,)), and the tanh of it.

In a batched program, what all examples share is summed apart; so is, of many products, what is
known from the start, which leaves to a recurrence only what recurs.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence

from autograd_core.compiler.graph import Graph
from autograd_core.compiler.linear import MINUS, ONE, Linear, Scale, Term, multiplied, usable
from autograd_core.compiler.merge import Merged, count_uses, merge, varying
from autograd_core.compiler.record import Recording
from autograd_core.compiler.sums import Nodes
from autograd_core.engine import ADD, DIV, DOT, MUL, NEG, SUB, TOTAL, Op
from autograd_core.functions import equals

LINEAR = frozenset((ADD, SUB, NEG, TOTAL, DOT, MUL, DIV))


def canonical(
    tape: Recording, roots: Sequence[int], *, batched: bool, wrt: Sequence[int] | None = None
) -> Graph:
    """The canonical form of what the roots of a recording need.

    `wrt` are the nodes of the parameters (-1: not recorded); by default all Values from outside,
    in the order in which sums of products read them, so that weights lie side by side.
    """
    form = Canonical(tape, roots, batched=batched)
    graph = form.nodes
    graph.origin = outside = {form.place[i]: i for i in tape.parameters if i in form.place}
    if wrt is None:
        used = dict.fromkeys([x for i in range(len(graph.ops)) for x in graph.operands(i)])
        graph.parameters = [x for x in dict.fromkeys([*used, *graph.roots]) if x in outside]
    else:
        graph.parameters = [form.place.get(i, -1) for i in wrt]
        known = set(graph.parameters)
        graph.others = [x for x in outside if x not in known]
    return graph


class Canonical:
    """Where every node of the recording is in the graph, or what it is part of."""

    def __init__(self, tape: Recording, roots: Sequence[int], *, batched: bool) -> None:
        self.merged = found = merge(tape)
        self.nodes = graph = Nodes(has_examples=batched)
        self.place: dict[int, int] = {}
        self.pending: dict[int, Linear] = {}
        self.varies = varying(found, tape.inputs if batched else [])
        self.unit_factors = unit_factors(found)
        roots = [found.same[root] for root in roots]
        graph.inputs = [graph.add(None, (), batched=batched) for _ in tape.inputs]
        self.place.update(zip(tape.inputs, graph.inputs))
        self.collect(*count_uses(found, roots))
        graph.roots = list(map(self.node, roots))
        labelled = [(found.same[i], v.label) for i, v in enumerate(tape.values) if v.label]
        graph.labels = {self.place[i]: label for i, label in labelled if i in self.place}

    # --- Collect

    def collect(self, uses: Sequence[int], user: Sequence[int]) -> None:
        """Place every node that is used, or make it part of what uses it."""
        same, place, varies = self.merged.same, self.place, self.varies
        ops, constants = self.merged.ops, self.merged.constants
        for i, (op, parents) in enumerate(zip(ops, self.merged.parents)):
            if not uses[i] or same[i] != i or i in place or i in constants:
                continue
            linear = self.linear(i, op, parents) if op in LINEAR else None
            if linear is None:
                place[i] = self.nodes.add(op, tuple(map(self.node, parents)), batched=varies[i])
                continue
            self.pending[i] = linear
            absorbed = uses[i] == 1 and ops[user[i]] in LINEAR
            absorbed &= op is not DOT or ops[parents[0]] is not equals  # a lookup
            if not absorbed or (varies[i] != varies[user[i]] and not linear.is_multiple):
                self.node(i)

    def linear(self, i: int, op: Op | None, parents: tuple[int, ...]) -> Linear | None:
        """Node i as a sum of terms; None for what is none, such as x / y."""
        if op is NEG:
            return self.scaled(parents[0], MINUS)
        if op is MUL or op is DIV:
            x, y = parents
            if i in self.unit_factors:
                return Linear([self.product(x, y)])
            if op is MUL and x in self.merged.constants:
                x, y = y, x
            number = self.merged.constants.get(y)
            if number is not None and usable(number):
                return self.scaled(x, Scale(1.0, number) if op is DIV else Scale(number, 1.0))
            return Linear([self.product(x, y)]) if op is MUL and number is None else None
        n = len(parents) // 2 if op is DOT else 0
        signs = (ONE, MINUS) if op is SUB else (ONE,) * (len(parents) - 2 * n)
        added = self.sum_of(list(zip(signs, parents[2 * n :])))
        constants = self.merged.constants
        for x, y in zip(parents[:n], parents[n : 2 * n]):
            if x in constants and y in constants:
                self.shift(added, constants[x] * constants[y])
            else:
                added.terms.append(self.product(x, y))
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
            part = pending.pop(i, None)
            if part and part.scale is sign is ONE and not part.constant:  # as most are
                whole.terms += part.terms
            elif part:
                self.absorb(whole, sign, i, part)
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
            node = self.nodes.sum_of(part.terms, part.constant, batched=self.varies[i])
            whole.terms.append((part.scale if sign is ONE else part.scale.negative, node, -1))

    def shift(self, whole: Linear, number: float) -> None:
        """Add a number to a sum; as a term, where all its numbers together would overflow."""
        if math.isinf(whole.constant + number) and math.isfinite(number):
            whole.terms.append((ONE, self.nodes.number(number), -1))
        else:
            whole.constant += number

    def product(self, x: int, y: int) -> Term:
        """Node x * node y, the more constant one first, with exact scales in front."""
        rank, scale = self.nodes.rank, ONE
        left, right = self.place.get(x), self.place.get(y)
        if left is None or right is None:  # which is not so for most of them
            (c, left), (d, right) = self.factor(x), self.factor(y)
            scale = multiplied(c, d) or ONE  # two exact ones are never too extreme
        return (scale, left, right) if rank[left] <= rank[right] else (scale, right, left)

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

    def node(self, i: int) -> int:
        """The graph's node that computes the recorded node i."""
        found = self.place.get(i)
        if found is None:
            if i in self.merged.constants:
                found = self.nodes.number(self.merged.constants[i])
            else:
                part = self.pending.pop(i)
                found = self.nodes.sum_of(part.terms, part.constant, batched=self.varies[i])
                found = self.nodes.times(part.scale, found)
            self.place[i] = found
        return found


def unit_factors(merged: Merged) -> set[int]:
    """Products with 1 or -1 that are factors, not signs: others like them have other numbers.

    So a label in `1 - y * score` does not split what computes the scores into two.
    """
    found: defaultdict[Op | None, defaultdict[float, list[int]]]
    found = defaultdict(lambda: defaultdict(list))
    constants = merged.constants
    for i, (op, parents) in enumerate(zip(merged.ops, merged.parents)):
        if op is MUL:
            x, y = parents if parents[1] in constants else reversed(parents)
            if y in constants:
                found[merged.ops[x]][constants[y]].append(i)
    kept = [by_number for by_number in found.values() if len(by_number) > 1 and 1.0 in by_number]
    return {i for by_number in kept for number in (1.0, -1.0) for i in by_number.get(number, [])}
