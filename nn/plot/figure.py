"""A figure that shows itself, and what figures have in common."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from autograd_core.extras import needing
from autograd_core.files import write_whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FAR = 4.0  # numbers of which one is so many times another are shown on a logarithmic scale


class Plot:
    """A matplotlib figure (`figure`) that shows itself in a notebook and saves as an image."""

    def __init__(self, figure: Figure) -> None:
        self.figure = figure

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the image; the ending of the path names the format: .png, .svg or .pdf."""
        from pathlib import Path

        write_whole(path, self.render(Path(path).suffix.lstrip(".")))

    def render(self, format: str) -> bytes:
        """The image as bytes."""
        import io

        image = io.BytesIO()
        self.figure.savefig(image, format=format, dpi=144)
        return image.getvalue()

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        """The image, and how many pixels of the page it takes: its dots are finer."""
        width, height = self.figure.get_size_inches() * 96
        return self.render("png"), {"width": round(width), "height": round(height)}

    def __repr__(self) -> str:
        return f"Plot({self.figure.get_suptitle() or self.figure.axes[0].get_title()!r})"


@needing("matplotlib", "a plot")
def blank(size: tuple[float, float]) -> Figure:
    """An empty figure of so many inches, made without touching matplotlib's global state."""
    from matplotlib.figure import Figure

    return Figure(figsize=size, layout="constrained")


def new_figure(x_label: str, y_label: str, size: tuple[float, float]) -> tuple[Figure, Any]:
    """A figure with one pair of axes."""
    figure = blank(size)
    axes = figure.add_subplot()
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    return figure, axes


def scale_curves(axes: Any, numbers: Sequence[float]) -> None:
    """Epochs are whole; numbers above 0 of different sizes are shown by their logarithms."""
    from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

    axes.xaxis.set_major_locator(MaxNLocator("auto", integer=True, steps=[1, 2, 5, 10]))
    known = [number for number in numbers if math.isfinite(number)]
    if not known or min(known) <= 0 or max(known) < FAR * min(known):
        return
    axes.set_yscale("log")
    steps = (1, 2, 5) if max(known) < 1000 * min(known) else (1,)
    axes.yaxis.set_major_locator(LogLocator(subs=steps))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_locator(NullLocator())


def shades(n: int) -> list[Any]:
    """Colours from dark to light, one for each of n layers, apart for every eye."""
    from matplotlib import colormaps

    return [colormaps["viridis"](0.9 * k / max(1, n - 1)) for k in range(n)]
