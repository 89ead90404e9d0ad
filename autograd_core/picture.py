"""A picture lays itself out with Graphviz, shows itself in a notebook and saves as an image."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Any

from autograd_core.files import write_whole
from autograd_core.renderers import FORMATS, GraphvizMissingError, render

# Blue and orange are told apart by every eye; in black and white there is a minus sign as well.
INK, GREY, FAINT = "#222222", "#777777", "#c4c4c4"
POSITIVE, NEGATIVE, WRONG = "#0060a8", "#b84a00", "#c00000"
PALE_POSITIVE, PALE_NEGATIVE, PALE_WRONG, PALE = "#dcebf8", "#fde6d2", "#ffd9d9", "#f1f1f1"

SIZE = re.compile(r'<svg width="([\d.]+)pt" height="([\d.]+)pt"')
PAGE = 640  # points: what a notebook has room for beside its margins
LEGIBLE = 0.6  # of a picture's own size


class Picture:
    """A drawn graph: shows itself in a notebook, prints as text, saves as an image."""

    def __init__(self, text: str, write: Callable[[], str]) -> None:
        self._text, self._write = text, write

    @cached_property
    def source(self) -> str:
        """The picture in Graphviz's language, DOT."""
        return self._write()

    def __str__(self) -> str:
        return self._text

    __repr__ = __str__

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        """The picture for a notebook; where there is no Graphviz, the text and what is missing."""
        try:
            image = SIZE.sub(fit_to_page, self.render("svg").decode(), count=1)
        except GraphvizMissingError as missing:
            return {"text/plain": f"{self}\n\n({missing})"}
        return {"image/svg+xml": image, "text/plain": str(self)}

    def render(self, format: str) -> bytes:
        """The image as bytes of a format: svg, png or pdf.

        By the first Graphviz that can: `dot`, graphviz-pure (no pdf), pygraphviz. Raises
        GraphvizMissingError where none can.
        """
        return render(self.source, format)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the picture; the ending of the path names the format: .svg, .png or .pdf."""
        from pathlib import Path

        format = Path(path).suffix.lstrip(".").lower()
        if format not in FORMATS:
            known = ", ".join(f".{name}" for name in FORMATS)
            raise ValueError(f"cannot save a picture as {str(path)!r}: the ending must be {known}")
        try:
            write_whole(path, self.render(format))
        except GraphvizMissingError as error:
            raise GraphvizMissingError(f"cannot save {str(path)!r}: {error}") from None
        except OSError as error:
            why = f"cannot save a picture as {format}: {error.strerror or error}"
            raise OSError(error.errno, why, os.fspath(path)) from error


def fit_to_page(size: re.Match[str]) -> str:
    """An SVG's size, shrunk to the width of a notebook's page as far as its text stays legible."""
    width, height = map(float, size.groups())
    scale = min(1.0, max(LEGIBLE, PAGE / width))
    return f'<svg width="{width * scale:.0f}pt" height="{height * scale:.0f}pt"'


def new_dot(**attributes: str) -> Any:
    """An empty drawing, from left to right."""
    import graphviz

    graph = {"rankdir": "LR", "bgcolor": "white", "nodesep": "0.2", "ranksep": "0.35"}
    return graphviz.Digraph(
        graph_attr={**graph, **attributes},
        node_attr={"fontname": "Courier", "fontsize": "12"},
        edge_attr={"fontname": "Courier", "fontsize": "11", "arrowsize": "0.6", "color": GREY},
    )


def short(x: float) -> str:
    """Four digits are what a picture has room for."""
    return f"{x + 0.0:.4g}"  # no -0


def escaped(text: str, newline: str = "<br/>") -> str:
    """Any text for Graphviz to show as it is: it reads entities, and backslashes as escapes."""
    import html

    lines = "".join([c if c.isprintable() or c == "\n" else "\ufffd" for c in text]).split("\n")
    shown = [html.escape(line).replace("\\", 2 * "\\") or " " for line in lines]
    return newline.join(shown)  # a line without a space in it can crash Graphviz


def tooltip(text: str) -> str:
    """A text on one line for a tooltip; Graphviz reads its escapes twice."""
    return escaped(text, " ").replace("\\", 2 * "\\")


def table(
    rows: Iterable[tuple[str, str]],
    *,
    border: int = 1,
    colour: str = GREY,
    fill: str = "white",
    width: int = 0,
) -> str:
    """A box of rows, each a text in Graphviz's HTML and the colour behind it, or "".

    It is as wide as its rows, and at least `width` points.
    """
    cells = "".join(
        [
            f'<tr><td width="{width}" bgcolor="{behind or fill}">{content}</td></tr>'
            for content, behind in rows
        ]
    )
    return (
        f'<<table border="{border}" cellborder="0" cellspacing="0" cellpadding="2" '
        f'color="{colour}" bgcolor="{fill}">{cells}</table>>'
    )


def coloured(text: str, colour: str) -> str:
    """A text in a colour."""
    return f'<font color="{colour}">{text}</font>'


def sign_colours(x: float) -> tuple[str, str]:
    """Ink and background for a number: blue above 0, orange below."""
    if x > 0:
        return POSITIVE, PALE_POSITIVE
    return (NEGATIVE, PALE_NEGATIVE) if x < 0 else (INK, "")


def share(x: float, largest: float) -> float:
    """|x| as a share of the largest, 0 where that is not defined."""
    return abs(x) / largest if 0 < abs(x) <= largest < float("inf") else 0.0
