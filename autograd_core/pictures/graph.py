"""A graph of Values as a drawing: a box for each Value, an oval for each op.

Every edge from an operand to an op carries the local derivative: the slope of the op's result
along that operand. A gradient is the sum, over all paths, of the products of these numbers.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from autograd_core.engine import Value
from autograd_core.formulas import Formula, applied
from autograd_core.names import names_of, short
from autograd_core.paths import Flows, reached
from autograd_core.pictures.drawing import Box, Drawing, Edge, Oval, Row, look, tone_of

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


# --- What a picture knows -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Node:
    """One Value as it was when the picture was asked for; `operands` are places of other Nodes."""

    name: str
    label: str
    data: float
    grad: float | None
    op: str
    operands: tuple[int, ...]
    partials: tuple[float, ...]
    arithmetic: str

    @property
    def shown_grad(self) -> str:
        """The gradient, or a dash before any backward has reached the Value."""
        return "–" if self.grad is None else short(self.grad)


def snapshot(
    order: Sequence[Value], held: Mapping[Value, str], with_grad: Collection[Value] | None = None
) -> list[Node]:
    """A Node for each Value; one whose operands are not in the order is a leaf of the picture.

    `with_grad` are those that a backward has reached, where the order is not of a whole graph.
    """
    with_grad = reached(order) if with_grad is None else with_grad
    place, names = {v: i for i, v in enumerate(order)}, names_of(order, held)
    inside = {v for v in order if v.parents and place.keys() >= set(v.parents)}
    arithmetic = arithmetic_of(order, inside, with_grad)
    return [
        Node(
            name=names[v],
            label=v.label or held.get(v, ""),
            data=v.data,
            grad=v.grad if v in with_grad else None,
            op=v.op.name if v in inside and v.op else "",
            operands=tuple([place[parent] for parent in v.parents]) if v in inside else (),
            partials=tuple(v.partials) if v in inside else (),
            arithmetic=arithmetic[v],
        )
        for v in order
    ]


def arithmetic_of(
    order: Sequence[Value], inside: Collection[Value], with_grad: Collection[Value]
) -> dict[Value, str]:
    """What each gradient is the sum of, as far as the Values inside the picture tell."""
    uses: dict[Value, list[tuple[float, float]]] = {v: [] for v in order}
    for user in [v for v in order if v in inside and v in with_grad]:
        for parent, slope in zip(user.parents, user.partials):
            uses[parent].append((user.grad, slope))
    is_whole = all(v in inside for v in order if v.parents)
    others = {v: "carried over" if is_whole and not v.parents else "from elsewhere" for v in order}
    others[order[-1]] = ""
    return {
        v: arithmetic(v.grad, uses[v], others[v])
        if v in with_grad
        else "no backward has reached it"
        for v in order
    }


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


def formula(node: Node, nodes: Sequence[Node]) -> str:
    """How a Value was computed, in terms of its operands' names."""
    if not node.op:
        return node.name
    operands = [Formula(nodes[operand].name) for operand in node.operands]
    return f"{node.name} = {applied(node.op, operands).text}"


# --- The drawing ------------------------------------------------------------------------------


def graph_drawing(nodes: Sequence[Node], flows: Flows | None = None) -> Drawing:
    """The graph with data and gradients; where there are flows, with their paths highlighted."""
    ends = {len(nodes) - 1, *([flows.start] if flows else [])}
    boxes = []
    for i, node in enumerate(nodes):
        faint = flows is not None and i not in flows.through
        border = 2 if i in ends else 1
        boxes.append(value_box(i, node, value_rows(node), border=border, faint=faint))
    return wired(nodes, boxes, [cells(node, nodes) for node in nodes], flows)


def cells(node: Node, nodes: Sequence[Node]) -> tuple[str, ...]:
    """The line of a Value in the text: how it was computed, data, grad, slopes."""
    slopes = [f"∂{nodes[p].name} {short(slope)}" for p, slope in zip(node.operands, node.partials)]
    data, grad = f"data {short(node.data)}", f"grad {node.shown_grad}"
    return formula(node, nodes), data, grad, "  ".join(slopes)


def value_rows(node: Node) -> tuple[Row, Row]:
    """Label and data of a Value, and below them its grad."""
    grad = Row(f"grad {node.shown_grad}", tone=tone_of(node.grad or 0.0))
    return Row(short(node.data), node.label), grad


def value_box(
    i: int, node: Node, rows: Sequence[Row], *, about: str = "", faint: bool = False, **look: Any
) -> Box:
    """The box of a Value, with what its gradient is the sum of; one that no path meets is faint."""
    if faint:
        rows, look = [Row(row.text, row.name, "faint") for row in rows], {**look, "tone": "faint"}
    is_given = not node.op and not faint
    return Box(f"v{i}", tuple(rows), about or node.arithmetic, is_given=is_given, **look)


def wired(
    nodes: Sequence[Node],
    boxes: Sequence[Box],
    lines: Sequence[Sequence[str]] = (),
    flows: Flows | None = None,
) -> Drawing:
    """The boxes of all Nodes with the ops between them."""
    shapes: list[Box | Oval] = []
    edges: list[Edge] = []
    for i, (node, box) in enumerate(zip(nodes, boxes)):
        shapes.append(box)
        if node.op:
            faint = flows is not None and i not in flows.through
            about = f"{formula(node, nodes)} = {short(node.data)}"
            shapes.append(Oval(f"op{i}", node.op, about, "faint" if faint else "plain"))
            edges += op_edges(i, nodes, boxes, flows)
    return Drawing(lines, shapes, edges)


def op_edges(
    i: int, nodes: Sequence[Node], boxes: Sequence[Box], flows: Flows | None
) -> Iterator[Edge]:
    """From an op to its result, and to it from each operand."""
    node = nodes[i]
    about = f"{formula(node, nodes)} = {short(node.data)}"
    result = look(flows.through.get(i), flows.largest) if flows else {}
    yield Edge(f"op{i}", boxes[i].id, about, id=f"e{i}", **result)
    for k, (operand, slope) in enumerate(zip(node.operands, node.partials)):
        about = f"local derivative ∂{node.name}/∂{nodes[operand].name} = {slope!r}"
        share: dict[str, Any] = {}
        if flows:
            flow = flows.over.get((i, k))
            share, about = look(flow, flows.largest), about + share_of(flow, flows, nodes)
        yield Edge(boxes[operand].id, f"op{i}", about, id=f"e{i}_{k}", label=short(slope), **share)


def share_of(flow: float | None, flows: Flows, nodes: Sequence[Node]) -> str:
    """What to say of an edge over which a part of the highlighted gradient runs."""
    if flow is None:
        return ""
    slope = f"∂{nodes[-1].name}/∂{nodes[flows.start].name} = {short(flows.total)}"
    return f"; {flow:+.4g} of {slope} runs over this edge"
