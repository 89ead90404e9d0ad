"""A drawing as text: its cells in columns."""

from __future__ import annotations

from autograd_core.pictures.drawing import Drawing


def as_text(drawing: Drawing) -> str:
    """The title, if there is one, then the lines, each column of cells as wide as its widest."""
    widths = [max(map(len, column)) for column in zip(*drawing.lines)]
    lines = [
        "  ".join([cell.ljust(width) for cell, width in zip(line, widths)]).rstrip()
        for line in drawing.lines
    ]
    return "\n".join([*filter(None, [drawing.title]), *lines])
