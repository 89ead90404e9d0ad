"""A picture lays itself out with Graphviz, shows itself in a notebook and saves as an image."""

from __future__ import annotations

import os
import re
from functools import cached_property

from autograd_core.files import write_whole
from autograd_core.pictures.dot import as_dot
from autograd_core.pictures.drawing import Drawing
from autograd_core.pictures.renderers import FORMATS, GraphvizMissingError, render
from autograd_core.pictures.text import as_text

SIZE = re.compile(r'<svg width="([\d.]+)pt" height="([\d.]+)pt"')
PAGE = 640  # points: what a notebook has room for beside its margins
LEGIBLE = 0.6  # of a picture's own size


class Picture:
    """A drawing that shows itself in a notebook, prints as text, saves as an image."""

    def __init__(self, drawing: Drawing) -> None:
        self.drawing = drawing

    @cached_property
    def source(self) -> str:
        """The picture in Graphviz's language, DOT."""
        return as_dot(self.drawing)

    def __str__(self) -> str:
        return as_text(self.drawing)

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
