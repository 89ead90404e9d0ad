"""Canonical form: the same graph, with sums of products in place of trees of + and *.

A tree of additions and multiplications whose inner nodes are used once becomes one node, however
it was written: `dot`, `sum(w * x for ...)` or a loop. The 0 that sum() starts from disappears.
In a batched program, what does not depend on the example is summed apart, once for all examples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from autograd_core.compile.record import Recording
from autograd_core.engine import ADD, DOT, MUL, TOTAL, Op

Product = tuple[int, int]


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


def canonical(tape: Recording, roots: Sequence[int], *, batched: bool) -> Graph:
    """The canonical form of what the roots of a recording need."""
    needed, uses = count_uses(tape, roots)
    varies = depends_on_inputs(tape) if batched else [False] * len(tape.ops)
    absorbed = find_absorbed(tape, needed, uses, varies, roots)
    graph = Graph()
    place: dict[int, int] = {}  # recorded node -> node of the graph
    pending: dict[int, Sum] = {}  # absorbed node -> its products and terms, not placed
    inputs = set(tape.inputs)
    for i in [*tape.inputs, *range(len(tape.ops))]:
        if i in place or not (needed[i] or i in inputs):
            continue
        op, parents = tape.ops[i], tape.parents[i]
        if op is None:
            place[i] = graph.add(None, (), i, batched=varies[i])
            if i in inputs:
                graph.inputs.append(place[i])
            elif i in tape.constants:
                graph.constants[place[i]] = tape.constants[i]
        elif op is MUL and absorbed[i]:
            pending[i] = Sum([(place[parents[0]], place[parents[1]])])
        elif op in (ADD, TOTAL, DOT):
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


def in_order_of_use(graph: Graph, parameters: set[int]) -> list[int]:
    """The parameters as the sums of products read them, so that weights lie side by side."""
    order: dict[int, None] = {}
    for i in range(len(graph.ops)):
        order.update(dict.fromkeys(filter(parameters.__contains__, graph.operands(i))))
    order.update(dict.fromkeys(filter(parameters.__contains__, graph.roots)))
    return list(order)


def count_uses(tape: Recording, roots: Sequence[int]) -> tuple[list[bool], list[int]]:
    """Which nodes the roots need, and how often each is used by those that are."""
    needed, uses = [False] * len(tape.ops), [0] * len(tape.ops)
    for root in roots:
        needed[root] = True
    for i in reversed(range(len(tape.ops))):
        if needed[i]:
            for parent in tape.parents[i]:
                needed[parent] = True
                uses[parent] += 1
    return needed, uses


def depends_on_inputs(tape: Recording) -> list[bool]:
    """Which nodes depend on an input."""
    varies = [False] * len(tape.ops)
    for i in tape.inputs:
        varies[i] = True
    for i, parents in enumerate(tape.parents):
        if parents:
            varies[i] = any(map(varies.__getitem__, parents))
    return varies


def find_absorbed(
    tape: Recording,
    needed: Sequence[bool],
    uses: Sequence[int],
    varies: Sequence[bool],
    roots: Sequence[int],
) -> list[bool]:
    """Which products and sums are used once, as a term of a sum that they can be part of."""
    absorbed = [False] * len(tape.ops)
    for i, op in enumerate(tape.ops):
        if needed[i] and op in (ADD, TOTAL, DOT):
            for term in added_terms(op, tape.parents[i]):
                if uses[term] == 1 and varies[term] == varies[i]:
                    absorbed[term] = tape.ops[term] in (ADD, TOTAL, DOT, MUL)
    for root in roots:
        absorbed[root] = False
    return absorbed


def added_terms(op: Op | None, parents: tuple[int, ...]) -> tuple[int, ...]:
    """The operands that are added as they are: all of a sum's, the bias of a dot product."""
    return parents[len(parents) // 2 * 2 :] if op is DOT else parents


def collect(
    op: Op, parents: tuple[int, ...], place: dict[int, int], pending: dict[int, Sum]
) -> Sum:
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


def rank(graph: Graph, i: int) -> tuple[bool, int]:
    """How constant a node is: the same for all examples first, then leaves, then the computed."""
    if graph.ops[i] is not None:
        kind = 3
    elif i in graph.constants:
        kind = 1
    else:
        kind = 2 if graph.batched[i] else 0
    return graph.batched[i], kind
