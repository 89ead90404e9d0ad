"""Pictures: described as plain data, then written as DOT or text; `draw` is the way in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import overload

from autograd_core.check import GradientCheck
from autograd_core.engine import Value, topological
from autograd_core.names import held_in
from autograd_core.paths import flows
from autograd_core.pictures.checked import check_drawing
from autograd_core.pictures.graph import GraphView, graph_drawing, refuse_large
from autograd_core.pictures.net import NetPicture
from autograd_core.pictures.neurons import Net
from autograd_core.pictures.picture import Picture


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
    an edge is as wide as the share of d(root)/d(wrt) that runs over it, orange where that is
    positive, blue and dashed where it is negative. `names=locals()` calls Values without a label
    by the variables that hold them. Data that no longer follows from that of the operands, because
    it has been set since, is yellow beside what it would be now. `collapse="layer"` or `"neuron"`
    draws a net of any size by its layers or neurons. What `check_gradient` returns can be drawn,
    too. Raises ValueError for a graph of more than `max_nodes` Values that is not collapsed.

    >>> a, b = Value(2.0, "a"), Value(3.0, "b")
    >>> c = a * b + a
    >>> c.backward()
    >>> print(draw(c))
    a            data 2  grad 4
    b            data 3  grad 2
    v2 = a * b   data 6  grad 1  ∂a 3  ∂b 2
    v3 = v2 + a  data 8  grad 1  ∂v2 1  ∂a 1
    """
    held = held_in(names)
    if isinstance(root, GradientCheck):
        return Picture(check_drawing(root, held, max_nodes))
    if collapse is None:
        return whole_graph(root, highlight, held, max_nodes)
    if highlight is not None:
        raise ValueError("paths are highlighted in a picture that is not collapsed")
    return NetPicture(Net(topological(root)), collapse, held)


def whole_graph(
    root: Value, highlight: Value | None, held: Mapping[Value, str], max_nodes: int
) -> Picture:
    """A box for each Value, and the paths from one of them where it is to be highlighted.

    In the SVG, value i of `topological(root)` has the id `v{i}`, its op `op{i}`, and the edge
    from its operand k `e{i}_{k}`; that edge's label ends in `_label`, what follows it in `_head`.
    """
    order = topological(root)
    refuse_large(order, max_nodes)
    if not isinstance(highlight, Value | None):
        raise TypeError(
            f"highlight: expected a Value, got {type(highlight).__name__}: {highlight!r}"
        )
    if highlight is not None and highlight not in order:
        raise ValueError(f"there is no path to highlight: {highlight!r} is not in this graph")
    found = None if highlight is None else flows(order, highlight)
    return Picture(graph_drawing(GraphView(order, held), found))
