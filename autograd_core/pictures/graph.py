"""A graph of Values as a drawing: a box for each Value, an oval for each op.

Every edge from an operand to an op carries the local derivative: the slope of the op's result
along that operand. A gradient is the sum, over all paths, of the products of these numbers.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from autograd_core.engine import Op, Value
from autograd_core.formulas import Formula, applied
from autograd_core.names import called, short
from autograd_core.paths import Flows, reached
from autograd_core.pictures.drawing import Box, BoxRow, Drawing, Edge, Oval, Tone, look, tone_of

MOST_TERMS = 12  # of a sum in a tooltip


def refuse_large(order: Sequence[Value], max_nodes: int) -> None:
    """Refuse what would take minutes to lay out and could not be read."""
    if len(order) > max_nodes:
        raise ValueError(
            f"the graph has {len(order):,} nodes, too many for a picture of at most {max_nodes:,}. "
            'Draw a net by its layers: draw(..., collapse="layer"); or draw the loss of one '
            "example, of a smaller net, or a Value nearer to the inputs; "
            f"or ask for it all: draw(..., max_nodes={len(order)})"
        )


class GraphView:
    """Values with what a picture tells of them; where operands are not among them, one is given.

    `with_grad` are those that a backward has reached, where the order is not of a whole graph.
    """

    def __init__(
        self,
        order: Sequence[Value],
        held: Mapping[Value, str],
        with_grad: Collection[Value] | None = None,
    ) -> None:
        self.order, self.held, self.names = order, held, called(order, held)
        self.with_grad = reached(order) if with_grad is None else with_grad
        self.place = {v: i for i, v in enumerate(order)}
        self.computed = {v: v.op for v in order if v.op and self.place.keys() >= set(v.parents)}
        self.is_whole = all(v in self.computed for v in order if v.parents)
        self.uses: dict[Value, list[tuple[float, float]]] = {v: [] for v in order}
        self.stale = stale(order, self.computed)
        for user in [v for v in self.computed if v in self.with_grad]:
            for parent, slope in zip(user.parents, user.partials):
                self.uses[parent].append((user.grad, slope))

    def formula(self, v: Value) -> str:
        """How a Value was computed, in terms of its operands' names."""
        if v not in self.computed:
            return self.names[v]
        operands = [Formula(self.names[parent]) for parent in v.parents]
        return f"{self.names[v]} = {applied(self.computed[v].name, operands).text}"

    def equation(self, v: Value) -> str:
        """The same with what came out."""
        return f"{self.formula(v)} = {short(v.data)}"

    def grad(self, v: Value) -> str:
        """The gradient, or a dash before any backward has reached the Value."""
        return f"grad {short(v.grad) if v in self.with_grad else '–'}"

    def arithmetic(self, v: Value) -> str:
        """What a gradient is the sum of, as far as the Values of the picture tell."""
        if v not in self.with_grad:
            return "no backward has reached it"
        others = "carried over" if self.is_whole and not v.parents else "from elsewhere"
        return arithmetic(v.grad, self.uses[v], "" if v is self.order[-1] else others)

    def cells(self, v: Value) -> tuple[str, ...]:
        """The line of a Value in the text: how it was computed, data, grad, slopes."""
        slopes = [
            f"∂{self.names[parent]} {short(slope)}"
            for parent, slope in zip(v.parents if v in self.computed else (), v.partials)
        ]
        return self.formula(v), f"data {self.data(v)}", self.grad(v), "  ".join(slopes)

    def rows(self, v: Value) -> list[BoxRow]:
        """Name and data of a Value, and below them its grad."""
        tone = tone_of(v.grad) if v in self.with_grad else "plain"
        name = self.names[v] if v.parents else v.label or self.held.get(v, "")
        data = BoxRow(self.data(v), name, "kink" if v in self.stale else "plain")
        return [data, BoxRow(self.grad(v), tone=tone)]

    def data(self, v: Value) -> str:
        """The data, and what it would be now where that of the operands has been set since."""
        now = f" (now {short(self.stale[v])})" if v in self.stale else ""
        return f"{short(v.data)}{now}"

    def box(self, v: Value, rows: Sequence[BoxRow] = (), about: str = "") -> Box:
        """The box of a Value, with what its gradient is the sum of; the root's frame is heavy."""
        return Box(
            f"v{self.place[v]}",
            tuple(rows or self.rows(v)),
            about or self.arithmetic(v),
            border=2 if v is self.order[-1] else 1,
            is_given=v not in self.computed,
        )


def stale(order: Sequence[Value], computed: Mapping[Value, Op]) -> dict[Value, float]:
    """What the data of Values would be now, of those whose data differs from that."""
    now: dict[Value, float] = {}
    for v in order:
        now[v] = v.data
        if v in computed:
            try:
                now[v] = float(computed[v].value(*[now[parent] for parent in v.parents]))
            except (ArithmeticError, ValueError):
                now[v] = math.nan
    return {v: x for v, x in now.items() if not agree(x, v.data)}


def agree(x: float, y: float) -> bool:
    """Whether two numbers are the same but for rounding."""
    return math.isclose(x, y, rel_tol=1e-9, abs_tol=1e-12) or (math.isnan(x) and math.isnan(y))


def arithmetic(grad: float, terms: Sequence[tuple[float, float]], others: str) -> str:
    """What a gradient is the sum of: for each use, the user's gradient times the local derivative.

    `others` is what to call the part that no use accounts for, "" where it needs no mention.

    >>> arithmetic(2.0, [(0.5, 2.0), (-1.0, 3.0)], "carried over")
    'grad = 0.5 · 2 + -1 · 3 + 4 carried over = 2'
    """
    shown = [f"{short(g)} · {short(slope)}" for g, slope in terms]
    if len(shown) > MOST_TERMS:
        shown[MOST_TERMS:] = [f"{len(shown) - MOST_TERMS} more terms"]
    products = [g * slope for g, slope in terms]
    if grad == 0 != sum(products) and others == "carried over":
        return "grad = 0, set back since the last backward"
    rest = grad - sum(products)
    if others and abs(rest) > 1e-9 * (abs(grad) + sum(map(abs, products))):
        shown.append(f"{short(rest)} {others}")
    return f"grad = {' + '.join(shown)} = {short(grad)}" if shown else f"grad = {short(grad)}"


# --- The drawing ------------------------------------------------------------------------------


def graph_drawing(graph: GraphView, flows: Flows | None = None) -> Drawing:
    """The graph with data and gradients; where there are flows, with their paths highlighted."""
    boxes = {v: graph.box(v) for v in graph.order}
    if flows:
        boxes[flows.wrt] = replace(boxes[flows.wrt], border=2)
        boxes = {v: box if v in flows.through else faint(box) for v, box in boxes.items()}
    return wired(graph, boxes, [graph.cells(v) for v in graph.order], flows)


def faint(box: Box) -> Box:
    """The box as it is where no path comes."""
    rows = tuple([replace(row, tone="faint") for row in box.rows])
    return replace(box, rows=rows, tone="faint", is_given=False)


def wired(
    graph: GraphView,
    boxes: Mapping[Value, Box],
    lines: Sequence[Sequence[str]] = (),
    flows: Flows | None = None,
) -> Drawing:
    """The boxes of all Values with the ops between them."""
    shapes: list[Box | Oval] = []
    edges: list[Edge] = []
    for v in graph.order:
        shapes.append(boxes[v])
        if v in graph.computed:
            tone: Tone = "faint" if flows and v not in flows.through else "plain"
            op = Oval(f"op{graph.place[v]}", graph.computed[v].name, graph.equation(v), tone)
            shapes.append(op)
            edges += op_edges(graph, v, op, boxes, flows)
    return Drawing(lines, shapes, edges)


def op_edges(
    graph: GraphView, v: Value, op: Oval, boxes: Mapping[Value, Box], flows: Flows | None
) -> Iterator[Edge]:
    """From an op to its result, and to it from each operand."""
    id = f"e{graph.place[v]}"
    result = look(flows.through.get(v), flows.largest) if flows else {}
    yield Edge(op.id, boxes[v].id, op.about, id, **result)
    for k, (parent, slope) in enumerate(zip(v.parents, v.partials)):
        about = f"local derivative ∂{graph.names[v]}/∂{graph.names[parent]} = {slope!r}"
        if flows:
            about += part_of(flows, v, k, graph.names)
        shown = look(flows.over.get((v, k)), flows.largest) if flows else {}
        yield Edge(boxes[parent].id, op.id, about, f"{id}_{k}", short(slope), **shown)


def part_of(flows: Flows, v: Value, k: int, names: Mapping[Value, str]) -> str:
    """What to say of the part of a highlighted gradient that runs over an edge."""
    if (v, k) not in flows.over:
        return ""
    slope = f"∂{names[flows.root]}/∂{names[flows.wrt]} = {short(flows.total)}"
    return f"; {flows.over[v, k]:+.4g} of {slope} runs over this edge"
