"""A drawing in Graphviz's language, DOT."""

from __future__ import annotations

import html
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from autograd_core.pictures.drawing import Box, BoxRow, Drawing, Edge, Oval

# Blue and orange are told apart by every eye; in black and white there is a minus sign as well.
GREY, FAINT = "#777777", "#c4c4c4"
COLOURS = {  # of a tone: its ink, and what is behind it
    "plain": ("#222222", ""),
    "positive": ("#b84a00", "#fde6d2"),
    "negative": ("#0060a8", "#dcebf8"),
    "kink": ("#222222", "#fff2b3"),
    "wrong": ("#c00000", "#ffd9d9"),
    "faint": (GREY, ""),
}
FRAMES = {"plain": GREY, "faint": FAINT, "wrong": COLOURS["wrong"][0]}
PALE, WHITE = "#f1f1f1", "white"

FONT = {"fontname": "Courier", "fontsize": "12"}
GRAPH = {"rankdir": "LR", "bgcolor": WHITE, "nodesep": "0.2"}
EDGE = {"arrowsize": "0.6", "color": GREY}
OVAL = {"width": "0.4", "height": "0.35", "style": "filled", "margin": "0.05,0.03"}
LABEL = {"fontsize": "11", "shape": "plaintext", "width": "0", "height": "0", "margin": "0.05,0.02"}
INTO_LABEL = {"arrowhead": "none", "tailport": "e", "headport": "w"}
LINE = {"tailport": "out:c", "headport": "in:c", "arrowhead": "none"}
# Where lines end: cells of a table in the middle of its sides, for from a side itself they bend.
ENDS = '<td port="{}" rowspan="{}" width="1" cellpadding="0"></td>'


def as_dot(drawing: Drawing) -> str:
    """The drawing in DOT: ids as they are, colours for tones."""
    import graphviz

    graph = {**GRAPH, "ranksep": f"{drawing.gap}"}
    if drawing.title:
        graph |= {"label": escaped(drawing.title, "\\n"), "labelloc": "t", **FONT}
    dot = graphviz.Digraph(graph_attr=graph, node_attr=FONT, edge_attr=EDGE)
    for column in drawing.columns:
        add_column(dot, column)
    for shape in drawing.shapes:
        add_shape(dot, shape)
    for edge in drawing.edges:
        add_edge(dot, edge)
    return str(dot.source)


def add_column(dot: Any, column: Sequence[Box]) -> None:
    """Boxes below each other, in their order, and as wide as each other: no line crosses one."""
    longest = max([len(str(row)) for box in column for row in box.rows])
    with dot.subgraph(graph_attr={"rank": "same"}) as together:
        for box in column:
            add_shape(together, box, width=min(500, 8 * longest))
        for above, below in pairwise(column):
            together.edge(above.id, below.id, style="invis")


def add_shape(dot: Any, shape: Box | Oval, width: int = 0) -> None:
    """A box is a table, in a column `width` points wide; an oval is a node of the usual shape."""
    tip = tooltip(shape.about)
    if isinstance(shape, Box):
        dot.node(shape.id, table(shape, width), shape="plain", id=shape.id, tooltip=tip)
        return
    look = {"color": GREY, "fillcolor": "#eeeeee"}
    if shape.tone == "faint":
        look = {"color": FAINT, "fontcolor": GREY, "fillcolor": WHITE}
    dot.node(shape.id, escaped(shape.text, "\\n"), id=shape.id, tooltip=tip, **OVAL, **look)


def add_edge(dot: Any, edge: Edge) -> None:
    """An edge with its width and what is said about it."""
    look = {} if edge.is_arrow else dict(LINE)
    look |= {"id": edge.id} if edge.id else {}
    look |= {"tooltip": tooltip(edge.about)} if edge.about else {}
    look |= ink(edge)
    if edge.label:
        add_around_label(dot, edge, look)
    else:
        dot.edge(edge.source, edge.target, **look)


def add_around_label(dot: Any, edge: Edge, look: dict[str, str]) -> None:
    """An arrow that its label interrupts: a shape of its own, for these are what no line crosses.

    The label has the id of the arrow and `_label`, the part after it that and `_head`.
    """
    label, tip = f"{edge.id}_label", tooltip(edge.about)
    colour = {"fontcolor": GREY} if edge.tone == "faint" else {}
    dot.node(label, escaped(edge.label, " "), id=label, tooltip=tip, **LABEL, **colour)
    dot.edge(edge.source, label, **{**look, **INTO_LABEL})
    dot.edge(label, edge.target, **{**look, "id": f"{edge.id}_head", "tailport": "e"})


def ink(edge: Edge) -> dict[str, str]:
    """Colour, width and dashes of an edge; nothing where it is as all others."""
    if edge.tone == "faint":
        return {"color": FAINT}
    if edge.width is None:
        return {}
    dashes = {"style": "dashed"} if edge.tone == "negative" else {}
    return {"color": COLOURS[edge.tone][0], "penwidth": f"{edge.width:.2f}", **dashes}


def table(box: Box, width: int) -> str:
    """A box in Graphviz's HTML."""
    fill = PALE if box.is_given else WHITE
    cells = [
        f'<td width="{width}" bgcolor="{COLOURS[row.tone][1] or fill}">{content(row)}</td>'
        for row in box.rows
    ]
    if width:
        cells[0] = ENDS.format("in", len(cells)) + cells[0] + ENDS.format("out", len(cells))
    rows = "".join([f"<tr>{cell}</tr>" for cell in cells])
    return (
        f'<<table border="{box.border}" cellborder="0" cellspacing="0" cellpadding="2" '
        f'color="{FRAMES[box.tone]}" bgcolor="{fill}">{rows}</table>>'
    )


def content(row: BoxRow) -> str:
    """A row in Graphviz's HTML, in the colour of its tone."""
    name = f"<b>{escaped(row.name)}</b>" if row.name.strip() else ""
    text = "  ".join(filter(None, [name, escaped(row.text) if row.text else ""]))
    return f'<font color="{COLOURS[row.tone][0]}">{text}</font>'


def escaped(text: str, newline: str = "<br/>") -> str:
    """Any text for Graphviz to show as it is: it reads entities, and backslashes as escapes."""
    lines = "".join([c if c.isprintable() or c in "\n\xa0" else "\ufffd" for c in text]).split("\n")
    shown = [html.escape(line).replace("\\", 2 * "\\") or " " for line in lines]
    return newline.join(shown)  # a line without a space in it can crash Graphviz


def tooltip(text: str) -> str:
    """A text on one line for a tooltip; Graphviz reads its escapes twice."""
    return escaped(text, " ").replace("\\", 2 * "\\")
