"""Canonical form: the same graph, with sums of products in place of trees of + and *.

A tree of additions and multiplications whose inner nodes are used once becomes one node, however
it was written: `dot`, `sum(w * x for ...)` or a loop. The 0 that sum() starts from disappears.
Equal expressions are merged, and constants fold.
In a batched program, what does not depend on the example is summed apart, once for all examples.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from autograd_core.compile.record import Recording
from autograd_core.engine import ADD, DOT, MUL, SUB, TOTAL, Op

Product = tuple[int, int]
SUMS = (ADD, TOTAL, DOT)


@dataclass(slots=True)
class Sum:
    """left * right + ... + term + ..., by the nodes' numbers."""

    products: list[Product] = field(default_factory=list)
    terms: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Graph:
    """Nodes 0, 1, 2, ..., each after its operands.

    A node is a leaf (`ops` None), a `Sum`, or an op on `parents`. `batched[i]` says whether node i
    differs from example to example; `origin[i]` is the recorded node it computes.
    """

    ops: list[Op | Sum | None] = field(default_factory=list)
    parents: list[tuple[int, ...]] = field(default_factory=list)
    batched: list[bool] = field(default_factory=list)
    origin: list[int] = field(default_factory=list)
    parameters: list[int] = field(default_factory=list)
    constants: dict[int, float] = field(default_factory=dict)
    inputs: list[int] = field(default_factory=list)
    roots: list[int] = field(default_factory=list)

    def add(
        self, op: Op | Sum | None, parents: tuple[int, ...], origin: int, *, batched: bool
    ) -> int:
        """Append a node; its number."""
        self.ops.append(op)
        self.parents.append(parents)
        self.batched.append(batched)
        self.origin.append(origin)
        return len(self.ops) - 1

    def sum(self, i: int) -> Sum:
        """Node i, which is a sum."""
        found = self.ops[i]
        assert isinstance(found, Sum)
        return found

    def operands(self, i: int) -> Sequence[int]:
        """The nodes that node i is computed from; of products, first all left factors."""
        op = self.ops[i]
        if not isinstance(op, Sum):
            return self.parents[i]
        left_and_right = [x for side in zip(*op.products) for x in side]
        return [*left_and_right, *op.terms]


@dataclass(slots=True)
class Merged:
    """A recording in which equal expressions are one node, and ops on constants are constants.

    `same[i]` is the node that stands for the recorded node i.
    """

    ops: list[Op | None]
    parents: list[tuple[int, ...]]
    constants: dict[int, float] = field(default_factory=dict)
    same: list[int] = field(default_factory=list)


def merge(tape: Recording) -> Merged:
    """Merge equal expressions, the same op on the same operands, and fold constants."""
    merged = Merged(list(tape.ops), list(tape.parents))
    known: dict[Any, int] = {}

    def constant(number: float, node: int) -> int:
        node = known.setdefault(struct.pack("d", number), node)
        merged.constants[node] = number
        return node

    for i, op in enumerate(tape.ops):
        parents = tuple([merged.same[p] for p in tape.parents[i]])
        if i in tape.constants:
            merged.same.append(constant(tape.constants[i], i))
        elif op is None:
            merged.same.append(i)
        elif all(map(merged.constants.__contains__, parents)):
            merged.ops[i], merged.parents[i] = None, ()
            merged.same.append(constant(op.record([merged.constants[p] for p in parents]).data, i))
        else:
            key = (op, parents)
            if op is SUB and parents[1] in merged.constants:  # x - 2 is the sum of x and -2
                merged.ops.append(None)
                merged.parents.append(())
                last = constant(-merged.constants[parents[1]], len(merged.ops) - 1)
                key = (ADD, (parents[0], last))
            merged.ops[i], merged.parents[i] = key
            merged.same.append(known.setdefault(key, i))
    return merged


def canonical(tape: Recording, recorded_roots: Sequence[int], *, batched: bool) -> Graph:
    """The canonical form of what the roots of a recording need."""
    merged = merge(tape)
    roots = [merged.same[root] for root in recorded_roots]
    needed, uses = count_uses(merged, roots)
    varies = depends_on(merged, tape.inputs if batched else [])
    absorbed = find_absorbed(merged, needed, uses, varies, roots)
    graph = Graph()
    place = Places(graph, merged)
    pending: dict[int, Sum] = {}  # absorbed node -> its products and terms, not placed
    for i in tape.inputs:
        place[i] = graph.add(None, (), i, batched=batched)
    graph.inputs = [place[i] for i in tape.inputs]
    for i in range(len(tape.ops)):
        op, parents = merged.ops[i], merged.parents[i]
        if not needed[i] or i in place or i in merged.constants:
            continue
        if op is MUL and absorbed[i]:
            pending[i] = Sum([(place[parents[0]], place[parents[1]])])
        elif op in SUMS:
            added = collect(op, parents, place, pending)
            if absorbed[i]:
                pending[i] = added
            else:
                place[i] = place_sum(graph, added, i, batched=varies[i])
        else:
            place[i] = graph.add(op, tuple([place[p] for p in parents]), i, batched=varies[i])
    graph.roots = [place[i] for i in roots]
    graph.parameters = in_order_of_use(graph, {place[i] for i in tape.parameters if i in place})
    return graph


class Places(dict[int, int]):
    """Merged node -> node of the graph; constants are placed when they are first asked for."""

    def __init__(self, graph: Graph, merged: Merged) -> None:
        self.graph, self.merged = graph, merged

    def __missing__(self, i: int) -> int:
        self[i] = self.graph.add(None, (), i, batched=False)
        self.graph.constants[self[i]] = self.merged.constants[i]
        return self[i]


def in_order_of_use(graph: Graph, parameters: set[int]) -> list[int]:
    """The parameters as the sums of products read them, so that weights lie side by side."""
    order: dict[int, None] = {}
    for i in range(len(graph.ops)):
        order.update(dict.fromkeys(filter(parameters.__contains__, graph.operands(i))))
    order.update(dict.fromkeys(filter(parameters.__contains__, graph.roots)))
    return list(order)


def count_uses(merged: Merged, roots: Sequence[int]) -> tuple[list[bool], list[int]]:
    """Which nodes the roots need, and how often each is used by those that are."""
    needed, uses = [False] * len(merged.ops), [0] * len(merged.ops)
    for root in roots:
        needed[root] = True
    for i in reversed(range(len(merged.same))):
        if needed[i]:
            for parent in merged.parents[i]:
                needed[parent] = True
                uses[parent] += 1
    return needed, uses


def depends_on(merged: Merged, inputs: Sequence[int]) -> list[bool]:
    """Which nodes depend on one of these."""
    varies = [False] * len(merged.ops)
    for i in inputs:
        varies[i] = True
    for i in range(len(merged.same)):
        if merged.parents[i]:
            varies[i] = any(map(varies.__getitem__, merged.parents[i]))
    return varies


def find_absorbed(
    merged: Merged,
    needed: Sequence[bool],
    uses: Sequence[int],
    varies: Sequence[bool],
    roots: Sequence[int],
) -> list[bool]:
    """Which products and sums are used once, as a term of a sum that they can be part of."""
    absorbed = [False] * len(merged.ops)
    for i, op in enumerate(merged.ops):
        if needed[i] and op in SUMS:
            for term in added_terms(op, merged.parents[i]):
                if uses[term] == 1 and varies[term] == varies[i]:
                    absorbed[term] = merged.ops[term] in (*SUMS, MUL)
    for root in roots:
        absorbed[root] = False
    return absorbed


def added_terms(op: Op | None, parents: tuple[int, ...]) -> tuple[int, ...]:
    """The operands that are added as they are: all of a sum's, the bias of a dot product."""
    return parents[len(parents) // 2 * 2 :] if op is DOT else parents


def collect(op: Op | None, parents: tuple[int, ...], place: Places, pending: dict[int, Sum]) -> Sum:
    """The products and terms of a sum, those of the sums it absorbs among them."""
    n = len(parents) // 2 if op is DOT else 0
    parts = [pending.pop(term, term) for term in added_terms(op, parents)]
    absorbed = [part for part in parts if isinstance(part, Sum)]
    # The longest part is extended in place: a sum of n terms, added one by one, takes n steps.
    whole = max(absorbed, key=lambda part: len(part.products) + len(part.terms), default=Sum())
    for part in parts:
        if isinstance(part, int):
            whole.terms.append(place[part])
        elif part is not whole:
            whole.products += part.products
            whole.terms += part.terms
    whole.products += [(place[x], place[y]) for x, y in zip(parents[:n], parents[n : 2 * n])]
    return whole


def place_sum(graph: Graph, added: Sum, origin: int, *, batched: bool) -> int:
    """Append a sum, in as few nodes as it takes; its number."""
    products = [in_order(graph, product) for product in added.products]
    terms, constant = [], 0.0
    for term in added.terms:
        if term in graph.constants:
            constant += graph.constants[term]
        else:
            terms.append(term)
    if constant or not (products or terms):
        terms.append(graph.add(None, (), origin, batched=False))
        graph.constants[terms[-1]] = constant
    if batched:
        products, terms = apart(graph, products, terms, origin, by=graph.batched)
        if len({graph.batched[left] for left, _ in products}) > 1:
            varying = [product for product in products if graph.batched[product[0]]]
            products = [product for product in products if not graph.batched[product[0]]]
            terms.append(simplest(graph, varying, [], origin, batched=True))
    return simplest(graph, products, terms, origin, batched=batched)


def apart(
    graph: Graph, products: list[Product], terms: list[int], origin: int, by: Sequence[bool]
) -> tuple[list[Product], list[int]]:
    """Sum what is the same for all examples apart, as one term."""
    fixed_products = [product for product in products if not by[product[1]]]
    fixed_terms = [term for term in terms if not by[term]]
    if not fixed_products and len(fixed_terms) < 2:
        return products, terms
    fixed = simplest(graph, fixed_products, fixed_terms, origin, batched=False)
    return (
        [product for product in products if by[product[1]]],
        [*[term for term in terms if by[term]], fixed],
    )


def simplest(
    graph: Graph, products: list[Product], terms: list[int], origin: int, *, batched: bool
) -> int:
    """Append products and terms as one node: a Sum, or what a Sum of so few is."""
    if not products and len(terms) == 1:
        return terms[0]
    if not products and len(terms) == 2:
        return graph.add(ADD, (terms[0], terms[1]), origin, batched=batched)
    if len(products) == 1 and not terms:
        return graph.add(MUL, products[0], origin, batched=batched)
    if products and len(terms) > 2:  # one reduction in place of many additions
        terms = [graph.add(Sum([], terms), (), origin, batched=batched)]
    return graph.add(Sum(products, terms), (), origin, batched=batched)


def in_order(graph: Graph, product: Product) -> Product:
    """A product with its more constant factor first: parameter, constant, input, computed."""
    return min(product, product[::-1], key=lambda pair: rank(graph, pair[0]))


def rank(graph: Graph, i: int) -> tuple[bool, bool, bool]:
    """How constant a node is: the same for all examples first, then leaves, parameters first."""
    return graph.batched[i], graph.ops[i] is not None, i in graph.constants
