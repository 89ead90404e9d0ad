"""A gradient check as a drawing: the graph, and on its inputs the slopes computed and measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from autograd_core.check import GradientCheck, Slope
from autograd_core.engine import Value, topological
from autograd_core.names import short
from autograd_core.pictures.drawing import Box, BoxRow, Drawing, Tone
from autograd_core.pictures.graph import GraphView, refuse_large, wired


def check_drawing(check: GradientCheck, held: Mapping[Value, str], max_nodes: int) -> Drawing:
    """The graph that was checked, with the slopes instead of the gradients."""
    if check.root is None:
        raise ValueError("this check has no graph to draw: take what check_gradient returns")
    order = topological(check.root)
    order = [*[leaf for leaf in check.inputs if leaf not in order], *order]
    refuse_large(order, max_nodes)
    slopes = dict(zip(check.inputs, check.slopes))
    graph = GraphView(order, {**{leaf: slope.name for leaf, slope in slopes.items()}, **held})
    boxes = {v: checked_box(graph, v, slopes.get(v)) for v in order}
    return wired(graph, boxes, [[line] for line in str(check).split("\n")])


def checked_box(graph: GraphView, v: Value, slope: Slope | None) -> Box:
    """The box of a Value, an input's with its slope; where that is wrong, in a heavy red frame."""
    data, _ = graph.rows(v)
    if slope is None:
        return graph.box(v, [data], about=f"data {v.data!r}")
    box = graph.box(v, [data, *slope_rows(slope)], about=str(slope))
    return box if slope.ok else replace(box, border=3, tone="wrong")


def slope_rows(slope: Slope) -> Iterator[BoxRow]:
    """The slope that backward gave, and what was measured; what is wrong is red."""
    tone: Tone = "plain" if slope.ok else "wrong"
    if slope.kink:
        sides = f"left {short(slope.left)}, right {short(slope.right)}"
        yield BoxRow(sides, "kink", "kink" if slope.ok else "wrong")
        yield BoxRow(f"backward used {short(slope.computed)}", tone=tone)
    else:
        yield BoxRow(f"backward {short(slope.computed)}", tone=tone)
        yield BoxRow(f"measured {short(slope.measured)}", tone=tone)
        yield BoxRow(f"relative error {slope.error:.1g}", tone=tone)
    if not slope.ok:
        yield BoxRow("", "WRONG", "wrong")
