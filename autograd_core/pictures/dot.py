"""A drawing in Graphviz's language, DOT."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from autograd_core.pictures.drawing import Box, Drawing, Edge, Oval, Row

# Blue and orange are told apart by every eye; in black and white there is a minus sign as well.
GREY, FAINT = "#777777", "#c4c4c4"
COLOURS = {  # of a tone: its ink, and what is behind it
    "plain": ("#222222", ""),
    "positive": ("#0060a8", "#dcebf8"),
    "negative": ("#b84a00", "#fde6d2"),
    "kink": ("#222222", "#fff2b3"),
    "wrong": ("#c00000", "#ffd9d9"),
    "faint": (GREY, ""),
}
FRAMES = {"plain": GREY, "faint": FAINT, "wrong": COLOURS["wrong"][0]}
PALE, WHITE = "#f1f1f1", "white"

FONT = {"fontname": "Courier", "fontsize": "12"}
GRAPH = {"rankdir": "LR", "bgcolor": WHITE, "nodesep": "0.2"}
EDGE = {"fontname": "Courier", "fontsize": "11", "arrowsize": "0.6", "color": GREY}
OVAL = {"width": "0.4", "height": "0.35", "style": "filled", "margin": "0.05,0.03"}
LINE = {"tailport": "e", "headport": "w", "arrowhead": "none"}


def as_dot(drawing: Drawing) -> str:
    """The drawing in DOT: ids as they are, colours for tones."""
    graph = {**GRAPH, "ranksep": f"{drawing.gap}"}
    if drawing.is_straight:
        graph["splines"] = "line"
    if drawing.title:
        graph |= {"label": escaped(drawing.title, "\\n"), "labelloc": "t", **FONT}
    lines = [f"graph{attributes(graph)}", f"node{attributes(FONT)}", f"edge{attributes(EDGE)}"]
    for column in drawing.columns:
        lines += ["{", *column_lines(column), "}"]
    lines += [shape_line(shape) for shape in drawing.shapes]
    lines += [edge_line(edge) for edge in drawing.edges]
    return "\n".join(["digraph {", *[f"\t{line}" for line in lines], "}\n"])


def column_lines(column: Sequence[Box]) -> Iterator[str]:
    """Boxes below each other, in their order, and as wide as each other: no line crosses one."""
    longest = max([len(str(row)) for box in column for row in box.rows])
    yield f"graph{attributes({'rank': 'same'})}"
    yield from [shape_line(box, width=min(500, 8 * longest)) for box in column]
    yield from [edge(above.id, below.id, style="invis") for above, below in pairwise(column)]


def shape_line(shape: Box | Oval, width: int = 0) -> str:
    """A box is a table at least `width` points wide, an oval a node of the usual shape."""
    tip = tooltip(shape.about)
    if isinstance(shape, Box):
        label = table(shape, width)
        return node(shape.id, label=label, shape="plain", id=shape.id, tooltip=tip)
    look = {"color": GREY, "fillcolor": "#eeeeee"}
    if shape.tone == "faint":
        look = {"color": FAINT, "fontcolor": GREY, "fillcolor": WHITE}
    label = escaped(shape.text, "\\n")
    return node(shape.id, label=label, id=shape.id, tooltip=tip, **OVAL, **look)


def edge_line(line: Edge) -> str:
    """An edge with its label, its width and what is said about it."""
    tip, look = tooltip(line.about), {} if line.is_arrow else dict(LINE)
    if line.tone == "faint":
        look |= {"color": FAINT, "fontcolor": GREY}
    elif line.width is not None:
        look |= {"color": COLOURS[line.tone][0], "penwidth": f"{line.width:.2f}"}
        look |= {"style": "dashed"} if line.tone == "negative" else {}
    if line.label:  # the empty line keeps the edge above at a distance
        look |= {"label": f" \n {escaped(line.label, ' ')} ", "labeltooltip": tip}
    return edge(line.source, line.target, id=line.id, tooltip=tip, **look)


def table(box: Box, width: int) -> str:
    """A box in Graphviz's HTML."""
    fill = PALE if box.is_given else WHITE
    cells = [
        f'<tr><td width="{width}" bgcolor="{COLOURS[row.tone][1] or fill}">{content(row)}</td></tr>'
        for row in box.rows
    ]
    return (
        f'<<table border="{box.border}" cellborder="0" cellspacing="0" cellpadding="2" '
        f'color="{FRAMES[box.tone]}" bgcolor="{fill}">{"".join(cells)}</table>>'
    )


def content(row: Row) -> str:
    """A row in Graphviz's HTML, in the colour of its tone."""
    name = f"<b>{escaped(row.name)}</b>" if row.name.strip() else ""
    text = "  ".join(filter(None, [name, escaped(row.text) if row.text else ""]))
    return f'<font color="{COLOURS[row.tone][0]}">{text}</font>'


# --- The language -----------------------------------------------------------------------------


def node(name: str, **given: str) -> str:
    """A node with its attributes."""
    return f"{word(name)}{attributes(given)}"


def edge(source: str, target: str, **given: str) -> str:
    """An edge with its attributes."""
    return f"{word(source)} -> {word(target)}{attributes(given)}"


def attributes(given: dict[str, str]) -> str:
    """Attributes in brackets, without those that are empty; a label of tags is HTML."""
    shown = [
        f"{key}={value}" if value.startswith("<<") else f'{key}="{value}"'
        for key, value in given.items()
        if value
    ]
    return f" [{' '.join(shown)}]"


def word(name: str) -> str:
    """A name, in quotes where it is not one word."""
    return name if re.fullmatch("[A-Za-z][A-Za-z0-9_]*", name) else f'"{name}"'


def escaped(text: str, newline: str = "<br/>") -> str:
    """Any text for Graphviz to show as it is: it reads entities, and backslashes as escapes."""
    lines = "".join([c if c.isprintable() or c in "\n\xa0" else "\ufffd" for c in text]).split("\n")
    shown = [html.escape(line).replace("\\", 2 * "\\") or " " for line in lines]
    return newline.join(shown)  # a line without a space in it can crash Graphviz


def tooltip(text: str) -> str:
    """A text on one line for a tooltip; Graphviz reads its escapes twice."""
    return escaped(text, " ").replace("\\", 2 * "\\")
