"""A graph of Values as a picture (SVG, PNG, PDF, DOT) or as text.

Every edge from an operand to an op carries the local derivative: the slope of the op's result
along that operand. A gradient is the sum, over all paths, of the products of these numbers.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, overload

from autograd_core.check import GradientCheck, Slope
from autograd_core.engine import Value, topological
from autograd_core.picture import (
    FAINT,
    GREY,
    INK,
    PALE,
    PALE_WRONG,
    WRONG,
    Picture,
    coloured,
    escaped,
    new_dot,
    share,
    short,
    sign_colours,
    table,
    tooltip,
)
from autograd_core.renderers import GraphvizMissingError

if TYPE_CHECKING:
    from autograd_core.collapse import NetPicture

__all__ = [
    "INFIX",
    "GraphvizMissingError",
    "Node",
    "Paths",
    "Picture",
    "draw",
    "paths",
    "short",
    "snapshot",
]

INFIX = {"+", "-", "*", "/", "**"}
OP_STYLE = {"style": "filled", "fillcolor": "#eeeeee", "margin": "0.05,0.03"}
MOST_TERMS = 12  # of a sum in a tooltip


@overload
def draw(
    root: Value | GradientCheck,
    *,
    highlight: Value | None = None,
    collapse: None = None,
    names: Mapping[str, object] | None = None,
    max_nodes: int = 400,
) -> Picture: ...
@overload
def draw(
    root: Value,
    *,
    highlight: None = None,
    collapse: str,
    names: Mapping[str, object] | None = None,
    max_nodes: int = 400,
) -> NetPicture: ...
def draw(
    root: Value | GradientCheck,
    *,
    highlight: Value | None = None,
    collapse: str | None = None,
    names: Mapping[str, object] | None = None,
    max_nodes: int = 400,
) -> Picture:
    """The graph that `root` was computed by, as a picture.

    Nodes show label, data and grad, "–" for a grad that no backward has reached; hovering one
    in the SVG shows what its grad is the sum of. `highlight=wrt` colours every path from `wrt`:
    an edge is as wide as the share of d(root)/d(wrt) that runs over it, blue where that is
    positive, orange and dashed where it is negative. `names=locals()` calls Values without a
    label by the variables that hold them. `collapse="layer"` or `"neuron"` draws a net of any
    size by its layers or neurons. What `check_gradient` returns can be drawn, too.

    In the SVG, value i of `topological(root)` has the id `v{i}`, its op `op{i}`, and the edge
    from its operand k `e{i}_{k}`. Raises ValueError for a graph of more than `max_nodes` Values
    that is not collapsed.

    >>> a, b = Value(2.0, "a"), Value(3.0, "b")
    >>> c = a * b + a
    >>> c.backward()
    >>> print(draw(c))
    a            data 2  grad 4
    b            data 3  grad 2
    v2 = a * b   data 6  grad 1  ∂a 3  ∂b 2
    v3 = v2 + a  data 8  grad 1  ∂v2 1  ∂a 1
    """
    variables = held_in(names or {})
    if isinstance(root, GradientCheck):
        return draw_check(root, variables, max_nodes)
    order = topological(root)
    if collapse is not None:
        from autograd_core.collapse import NetPicture

        if highlight is not None:
            raise ValueError("paths are highlighted in a picture that is not collapsed")
        return NetPicture(order, collapse, variables)
    check_size(order, max_nodes)
    nodes = snapshot(order, variables)
    if highlight is None:
        return Picture(text(nodes), lambda: dot_source(nodes))
    if highlight not in order:
        raise ValueError(f"there is no path to highlight: {highlight!r} is not in this graph")
    found = paths(nodes, order.index(highlight))
    return Picture(text(nodes), lambda: dot_source(nodes, found))


def check_size(order: Sequence[Value], max_nodes: int) -> None:
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


def reached(order: Sequence[Value]) -> set[Value]:
    """The Values of a graph that a backward has come to: by their grads, and from there on down.

    A grad of 0 tells nothing by itself: it may be that of a dead relu, or be set back.
    """
    found = {v for v in order if v.grad != 0}
    for v in reversed(order):
        if v in found:
            found.update(v.parents)
    return found


def snapshot(
    order: Sequence[Value],
    variables: Mapping[Value, str] | None = None,
    with_grad: Collection[Value] | None = None,
) -> list[Node]:
    """A Node for each Value; one whose operands are not in the order is a leaf of the picture.

    `with_grad` are those that a backward has reached, where the order is not of a whole graph.
    """
    with_grad = reached(order) if with_grad is None else with_grad
    place = {v: i for i, v in enumerate(order)}
    nodes = []
    for i, v in enumerate(order):
        inside = v.op is not None and all(parent in place for parent in v.parents)
        label = v.label or (variables or {}).get(v, "")
        node = Node(
            name=label or (f"v{i}" if v.parents else short(v.data)),
            label=label,
            data=v.data,
            grad=v.grad if v in with_grad else None,
            op=v.op.name if inside and v.op else "",
            operands=tuple([place[parent] for parent in v.parents]) if inside else (),
            partials=tuple(v.partials) if inside else (),
            arithmetic="",
        )
        nodes.append(node)
    cut = any(v.parents and not node.op for v, node in zip(order, nodes))
    uses: list[list[tuple[float, float]]] = [[] for _ in nodes]
    for node in nodes:
        for operand, slope in zip(node.operands, node.partials):
            if node.grad is not None:
                uses[operand].append((node.grad, slope))
    extra = ["carried over" if not (v.parents or cut) else "from elsewhere" for v in order]
    extra[-1] = ""
    return [
        replace(node, arithmetic=arithmetic(node.grad, terms, what))
        for node, terms, what in zip(nodes, uses, extra)
    ]


def held_in(variables: Mapping[str, object]) -> dict[Value, str]:
    """The name of the first variable that holds a Value, by itself or in a list or tuple."""
    found: dict[Value, str] = {}
    for name, held in variables.items():
        if name.startswith("_"):
            continue
        if isinstance(held, Value):
            found.setdefault(held, name)
        elif isinstance(held, (list, tuple)):
            for i, v in enumerate(held):
                if isinstance(v, Value):
                    found.setdefault(v, f"{name}[{i}]")
    return found


def arithmetic(grad: float | None, terms: Sequence[tuple[float, float]], extra: str) -> str:
    """What a gradient is the sum of: for each use, the user's gradient times the local derivative.

    `extra` is what to call the part that no use accounts for, "" where it needs no mention.

    >>> arithmetic(2.0, [(0.5, 2.0), (-1.0, 3.0)], "carried over")
    'grad = 0.5 · 2 + -1 · 3 + 4 carried over = 2'
    """
    if grad is None:
        return "no backward has reached it"
    shown = [f"{short(g)} · {short(slope)}" for g, slope in terms]
    if len(shown) > MOST_TERMS:
        shown[MOST_TERMS:] = [f"{len(shown) - MOST_TERMS} more terms"]
    products = [g * slope for g, slope in terms]
    if grad == 0 != sum(products) and extra == "carried over":
        return "grad = 0, set back since the last backward"
    rest = grad - sum(products)
    if extra and abs(rest) > 1e-9 * (abs(grad) + sum(map(abs, products))):
        shown.append(f"{short(rest)} {extra}")
    return f"grad = {' + '.join(shown)} = {short(grad)}" if shown else f"grad = {short(grad)}"


@dataclass(frozen=True, slots=True)
class Paths:
    """All paths from one Node to the last: where they pass, and how much of the sum runs where.

    `flows` has, for operand k of Node i, the sum of the products of all paths over that edge;
    it has no entry for an edge that no path takes. `through` has the same for each Node.
    """

    start: int
    through: dict[int, float]
    flows: dict[tuple[int, int], float]

    @property
    def total(self) -> float:
        """The sum over all paths: the derivative of the last Node along the first."""
        return self.through[self.start]


def paths(nodes: Sequence[Node], start: int) -> Paths:
    """The paths from a Node to the last one, by dynamic programming: no path is listed."""
    reach = {start: 1.0}  # the sum over all paths from the start to here
    for i, node in enumerate(nodes):
        terms = [reach[p] * s for p, s in zip(node.operands, node.partials) if p in reach]
        if terms:
            reach[i] = sum(terms)
    onward = [0.0] * len(nodes)  # the sum over all paths from here to the root
    onward[-1] = 1.0
    for i in reversed(range(len(nodes))):
        for operand, slope in zip(nodes[i].operands, nodes[i].partials):
            onward[operand] += slope * onward[i]
    flows = {
        (i, k): reach[p] * slope * onward[i]
        for i, node in enumerate(nodes)
        for k, (p, slope) in enumerate(zip(node.operands, node.partials))
        if p in reach
    }
    return Paths(start, {i: reached * onward[i] for i, reached in reach.items()}, flows)


# --- As text ----------------------------------------------------------------------------------


def expression(node: Node, nodes: Sequence[Node]) -> str:
    """How a Value was computed, in terms of its parents' names."""
    parents = [nodes[operand].name for operand in node.operands]
    if not node.op:
        return node.name
    if node.op in INFIX:
        return f"{node.name} = {f' {node.op} '.join(parents)}"
    if node.op.startswith("**"):
        return f"{node.name} = {parents[0]} {node.op}"
    return f"{node.name} = {node.op}({', '.join(parents)})"


def text(nodes: Sequence[Node]) -> str:
    """The graph as a table: how each Value was computed, its data, its grad, its partials."""
    return in_columns(
        [
            (
                expression(node, nodes),
                f"data {short(node.data)}",
                f"grad {node.shown_grad}",
                "  ".join(
                    [f"∂{nodes[p].name} {short(s)}" for p, s in zip(node.operands, node.partials)]
                ),
            )
            for node in nodes
        ]
    )


def in_columns(rows: Sequence[Sequence[str]]) -> str:
    """Rows of cells as lines of one width a column."""
    widths = [max(map(len, column)) for column in zip(*rows)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)) for row in rows]
    return "\n".join(line.rstrip() for line in lines)


# --- As DOT -----------------------------------------------------------------------------------


def dot_source(nodes: Sequence[Node], found: Paths | None = None) -> str:
    """The graph in Graphviz's language: a table for each Value, an ellipse for each op."""
    dot = new_dot()
    for i, node in enumerate(nodes):
        faded = found is not None and i not in found.through
        border = 2 if i == len(nodes) - 1 or (found and i == found.start) else 1
        add_value(dot, i, node, value_rows(node, faded=faded), border=border, faded=faded)
        add_op(dot, i, nodes, found=found)
    return str(dot.source)


def value_rows(node: Node, *, faded: bool = False) -> Iterator[tuple[str, str]]:
    """Label and data of a Value, and below them its grad in the colours of its sign."""
    label = f"<b>{escaped(node.label)}</b>  " if node.label.strip() else ""
    ink, behind = sign_colours(node.grad or 0.0)
    yield coloured(label + short(node.data), GREY if faded else INK), ""
    grad = coloured(f"grad {node.shown_grad}", GREY if faded else ink)
    yield grad, "" if faded else behind


def add_value(
    dot: Any,
    i: int,
    node: Node,
    rows: Iterable[tuple[str, str]],
    *,
    border: int = 1,
    colour: str = GREY,
    faded: bool = False,
) -> None:
    """The box of a Value; leaves are grey."""
    fill = "white" if node.op or faded else PALE
    box = table(rows, border=border, colour=FAINT if faded else colour, fill=fill)
    dot.node(f"v{i}", box, shape="plain", id=f"v{i}", tooltip=tooltip(node.arithmetic))


def add_op(
    dot: Any,
    i: int,
    nodes: Sequence[Node],
    *,
    found: Paths | None = None,
    boxes: Mapping[int, str] | None = None,
) -> None:
    """The op of a Value, if there is one, with its edges; `boxes` has other ids of operands."""
    node = nodes[i]
    if not node.op:
        return
    largest = max([0.0, *map(abs, found.flows.values())]) if found else 0.0
    look, out = {}, {}
    if found and i not in found.through:
        look = {"color": FAINT, "fontcolor": GREY, "fillcolor": "white"}
    if found:
        out = edge_look(found.through.get(i), largest)
    how = tooltip(f"{expression(node, nodes)} = {short(node.data)}")
    name = escaped(node.op, "\\n")
    style = {"width": "0.4", "height": "0.35", "color": GREY, **OP_STYLE, **look}
    dot.node(f"op{i}", name, id=f"op{i}", tooltip=how, **style)
    dot.edge(f"op{i}", f"v{i}", id=f"e{i}", tooltip=how, **out)
    for k, (operand, slope) in enumerate(zip(node.operands, node.partials)):
        about = f"local derivative ∂{node.name}/∂{nodes[operand].name} = {slope!r}"
        look = {}
        if found:
            flow = found.flows.get((i, k))
            look = edge_look(flow, largest)
            if flow is not None:
                about += (
                    f"; {flow:+.4g} of ∂{nodes[-1].name}/∂{nodes[found.start].name} = "
                    f"{short(found.total)} runs over this edge"
                )
        dot.edge(
            (boxes or {}).get(operand, f"v{operand}"),
            f"op{i}",
            label=f" \n {short(slope)} ",  # the empty line keeps the edge above at a distance
            id=f"e{i}_{k}",
            tooltip=tooltip(about),
            labeltooltip=tooltip(about),
            **look,
        )


def edge_look(flow: float | None, largest: float, thinnest: float = 1.0) -> dict[str, str]:
    """Width by |flow| and colour by its sign; grey for an edge that no path takes."""
    if flow is None:
        return {"color": FAINT, "fontcolor": GREY}
    look = {
        "color": sign_colours(flow)[0],
        "penwidth": f"{thinnest + 3 * share(flow, largest):.2f}",
    }
    return {**look, "style": "dashed"} if flow < 0 else look


# --- A gradient check -----------------------------------------------------------------------


def draw_check(
    check: GradientCheck, variables: Mapping[Value, str], max_nodes: int = 400
) -> Picture:
    """The graph that was checked: on its inputs the slopes computed and measured."""
    if check.root is None:
        raise ValueError("this check has no graph to draw: take what check_gradient returns")
    order = topological(check.root)
    order = [*[leaf for leaf in check.inputs if leaf not in order], *order]
    check_size(order, max_nodes)
    slopes = dict(zip(check.inputs, check.slopes))
    called = {leaf: slope.name for leaf, slope in slopes.items()}
    nodes = snapshot(order, {**called, **variables})
    checked = {i: slopes[v] for i, v in enumerate(order) if v in slopes}
    return Picture(str(check), lambda: check_source(nodes, checked))


def check_source(nodes: Sequence[Node], checked: Mapping[int, Slope]) -> str:
    """The graph in Graphviz's language, with the slopes instead of the gradients."""
    dot = new_dot()
    for i, node in enumerate(nodes):
        rows, border = list(value_rows(node))[:1], 2 if i == len(nodes) - 1 else 1
        slope = checked.get(i)
        if slope is None:
            add_value(dot, i, replace(node, arithmetic=f"data {node.data!r}"), rows, border=border)
        else:
            rows += slope_rows(slope)
            colour = GREY if slope.ok else WRONG
            about = replace(node, arithmetic=str(slope))
            add_value(dot, i, about, rows, border=1 if slope.ok else 3, colour=colour)
        add_op(dot, i, nodes)
    return str(dot.source)


def slope_rows(slope: Slope) -> Iterator[tuple[str, str]]:
    """The slope that backward gave, and what was measured; what is wrong is red."""
    behind = "" if slope.ok else PALE_WRONG
    ink = INK if slope.ok else WRONG
    if slope.kink:
        sides = f"left {short(slope.left)}, right {short(slope.right)}"
        yield coloured(f"<b>kink</b>  {sides}", ink), behind or "#fff2b3"
        yield coloured(f"backward used {short(slope.computed)}", ink), behind
    else:
        yield coloured(f"backward {short(slope.computed)}", ink), behind
        yield coloured(f"measured {short(slope.measured)}", ink), behind
        yield coloured(f"relative error {slope.error:.1g}", ink), behind
    if not slope.ok:
        yield coloured("<b>WRONG</b>", WRONG), behind
