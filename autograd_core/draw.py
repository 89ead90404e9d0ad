"""A graph of Values as a picture (SVG, PNG, PDF, DOT) or as text.

Every edge from an operand to an op carries the local derivative: the slope of the op's result
along that operand. A gradient is the sum, over all paths, of the products of these numbers.
"""

from __future__ import annotations

import html
import os
import shutil
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from autograd_core.engine import UNREACHED, Value, topological
from autograd_core.files import write_whole

INFIX = {"+", "-", "*", "/", "**"}
FORMATS = ("svg", "png", "pdf")
NO_GRAPHVIZ = """drawing needs Graphviz, and there is none here. Either of these brings it:
    pip install "autograd-core[render]"      (any system, no administrator needed)
    apt-get install graphviz                 (Debian, Ubuntu; brew install graphviz on a Mac)
Without it, print(draw(...)) shows the graph as text and draw(...).source is its DOT."""


class GraphvizMissingError(RuntimeError):
    """No Graphviz to lay out a picture with; the message names the commands that bring it."""


def draw(root: Value, *, max_nodes: int = 400) -> Picture:
    """The graph that `root` was computed by, as a picture.

    Nodes show label, data and grad, "–" for a grad that no backward has reached. Raises
    ValueError for a graph of more than `max_nodes` Values.

    >>> a, b = Value(2.0, "a"), Value(3.0, "b")
    >>> c = a * b + a
    >>> c.backward()
    >>> print(draw(c))
    a            data 2  grad 4
    b            data 3  grad 2
    v2 = a * b   data 6  grad 1  ∂a 3  ∂b 2
    v3 = v2 + a  data 8  grad 1  ∂v2 1  ∂a 1
    """
    order = topological(root)
    if len(order) > max_nodes:
        raise ValueError(
            f"the graph has {len(order):,} nodes, too many for a picture of at most {max_nodes:,}. "
            "Draw the loss of one example, of a smaller net, or a Value nearer to the inputs; "
            f"or ask for it all: draw(..., max_nodes={len(order)})"
        )
    return Picture(order)


class Picture:
    """A drawn graph: shows itself in a notebook, prints as text, saves as an image."""

    def __init__(self, order: Sequence[Value]) -> None:
        self.source: str = dot_source(order)
        self._text = text(order)

    def __str__(self) -> str:
        return self._text

    __repr__ = __str__

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        """The picture for a notebook; where there is no Graphviz, the text and what is missing."""
        try:
            return {"image/svg+xml": self.render("svg").decode(), "text/plain": str(self)}
        except GraphvizMissingError as missing:
            return {"text/plain": f"{self}\n\n({missing})"}

    def render(self, format: str) -> bytes:
        """The image as bytes of a format: svg, png or pdf."""
        if shutil.which("dot"):
            import graphviz

            image: bytes = graphviz.Source(self.source).pipe(format=format)
            return image
        if not can_render():
            raise GraphvizMissingError(NO_GRAPHVIZ)
        import pygraphviz

        graph = pygraphviz.AGraph(string=self.source)
        graph.layout("dot")
        drawn: bytes = graph.draw(format=format)
        return drawn

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the picture; the ending of the path names the format: .svg, .png or .pdf."""
        format = Path(path).suffix.lstrip(".").lower()
        if format not in FORMATS:
            known = ", ".join(f".{name}" for name in FORMATS)
            raise ValueError(f"cannot save a picture as {str(path)!r}: the ending must be {known}")
        write_whole(path, self.render(format))


def can_render() -> bool:
    """Whether there is a Graphviz: the `dot` program, or pygraphviz, which carries its own."""
    return shutil.which("dot") is not None or find_spec("pygraphviz") is not None


def short(x: float) -> str:
    """Four digits are what a picture has room for."""
    return f"{x:.4g}"


def shown_grad(v: Value) -> str:
    """The gradient, or a dash before any backward has reached the Value."""
    return "–" if v.grad is UNREACHED else short(v.grad)


def names(order: Sequence[Value]) -> dict[Value, str]:
    """What to call each Value: its label, the number for a constant, else v and its place."""
    return {v: v.label or (f"v{i}" if v.parents else short(v.data)) for i, v in enumerate(order)}


def expression(v: Value, name: dict[Value, str]) -> str:
    """How a Value was computed, in terms of its parents' names."""
    parents = [name[parent] for parent in v.parents]
    if v.op is None:
        return name[v]
    if v.op.name in INFIX:
        return f"{name[v]} = {f' {v.op.name} '.join(parents)}"
    if v.op.name.startswith("**"):
        return f"{name[v]} = {parents[0]} {v.op.name}"
    return f"{name[v]} = {v.op.name}({', '.join(parents)})"


def text(order: Sequence[Value]) -> str:
    """The graph as a table: how each Value was computed, its data, its grad, its partials."""
    name = names(order)
    rows = [
        (
            expression(v, name),
            f"data {short(v.data)}",
            f"grad {shown_grad(v)}",
            "  ".join([f"∂{name[p]} {short(slope)}" for p, slope in zip(v.parents, v.partials)]),
        )
        for v in order
    ]
    widths = [max(map(len, column)) for column in zip(*rows)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)) for row in rows]
    return "\n".join(line.rstrip() for line in lines)


def dot_source(order: Sequence[Value]) -> str:
    """The graph in Graphviz's language: a table for each Value, a circle for each op."""
    import graphviz

    dot = graphviz.Digraph(
        graph_attr={"rankdir": "LR", "bgcolor": "white", "nodesep": "0.2", "ranksep": "0.35"},
        node_attr={"fontname": "Courier", "fontsize": "12"},
        edge_attr={"fontname": "Courier", "fontsize": "11", "arrowsize": "0.6"},
    )
    name = names(order)
    place = {v: i for i, v in enumerate(order)}
    for i, v in enumerate(order):
        dot.node(f"v{i}", node_label(v, is_root=v is order[-1]), shape="plain")
        if v.op is None:
            continue
        dot.node(f"op{i}", graphviz.escape(v.op.name), width="0.4", height="0.35", **OP_STYLE)
        dot.edge(f"op{i}", f"v{i}", color=GREY)
        for parent, slope in zip(v.parents, v.partials):
            tooltip = f"local derivative ∂{name[v]}/∂{name[parent]} = {slope!r}"
            tooltip = escaped(tooltip, 4 * "\\").replace("<br/>", " ")  # Graphviz reads it twice
            dot.edge(
                f"v{place[parent]}",
                f"op{i}",
                label=f" {short(slope)} ",
                color=GREY,
                fontcolor=RUST,
                tooltip=tooltip,
                labeltooltip=tooltip,
            )
    return str(dot.source)


BLUE, RUST, GREY = "#dcebfa", "#a63c17", "#777777"
OP_STYLE = {"style": "filled", "fillcolor": "#eeeeee", "color": GREY, "margin": "0.05,0.03"}


def escaped(text: str, backslash: str = 2 * "\\") -> str:
    """Any text for Graphviz to show as it is: it reads entities, and backslashes as escapes."""
    shown = "".join([c if c.isprintable() or c == "\n" else "\ufffd" for c in text])
    return html.escape(shown).replace("\\", backslash).replace("\n", "<br/>")


def node_label(v: Value, *, is_root: bool) -> str:
    """One Value as an HTML-like table: its grad below its data. Leaves are blue, the root bold."""
    label = f"<b>{escaped(v.label)}</b>  " if v.label.strip() else ""
    colour = "white" if v.parents else BLUE
    return (
        f'<<table border="{2 if is_root else 1}" cellborder="0" cellspacing="0" cellpadding="2" '
        f'color="{GREY}" bgcolor="{colour}"><tr><td>{label}{short(v.data)}</td></tr>'
        f'<tr><td><font color="{RUST}">grad {shown_grad(v)}</font></td></tr></table>>'
    )
