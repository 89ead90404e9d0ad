"""Pictures of training: each function returns a Plot, which a notebook shows by itself."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autograd_core import compile
from autograd_core.files import write_whole
from nn.layers import MLP
from nn.train import History

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CLASS_COLOURS = ("#3b6fb6", "#d9822b", "#4a9c5d", "#8e5ea2", "#c0504d", "#7f7f7f")
MARKERS = "os^Dvp"


class Plot:
    """A matplotlib figure (`figure`) that shows itself in a notebook and saves as an image."""

    def __init__(self, figure: Figure) -> None:
        self.figure = figure

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the image; the ending of the path names the format: .png, .svg or .pdf."""
        write_whole(path, self.render(Path(path).suffix.lstrip(".")))

    def render(self, format: str) -> bytes:
        """The image as bytes."""
        image = io.BytesIO()
        self.figure.savefig(image, format=format, dpi=144)
        return image.getvalue()

    def _repr_png_(self) -> bytes:
        return self.render("png")


def decision_boundary(
    model: MLP,
    X: Sequence[Sequence[float]],
    y: Iterable[int],
    *,
    threshold: float | None = None,
    steps: int = 80,
) -> Plot:
    """Where in the plane the model says which class, with the data on top.

    For one output the colour is the output itself, and the black line is where it crosses
    `threshold`: 0.5 by default where the model's output is a sigmoid, else 0.
    """
    if model.n_in != 2:
        raise ValueError(f"a decision boundary needs a model of 2 inputs, this has {model.n_in}")
    figure, axes = new_figure("x₁", "x₂", (5.4, 5.0))
    x1, x2 = grid([x[0] for x in X], steps), grid([x[1] for x in X], steps)
    points = [[a, b] for b in x2 for a in x1]
    rows = compile(model.outputs, batched=True)(points).tolist()
    outputs = [rows[start : start + steps] for start in range(0, len(rows), steps)]
    if model.sizes[-1] == 1:
        middle = threshold if threshold is not None else 0.5 if model.output == "sigmoid" else 0.0
        scores = [[output[0] - middle for output in row] for row in outputs]
        extent = max(abs(score) for row in scores for score in row) or 1.0
        axes.pcolormesh(
            x1, x2, scores, cmap=two_colours(), vmin=-extent, vmax=extent, shading="gouraud"
        )
        if min(map(min, scores)) < 0 < max(map(max, scores)):
            axes.contour(x1, x2, scores, levels=[0.0], colors="black", linewidths=1.5)
    else:
        classes = [[output.index(max(output)) for output in row] for row in outputs]
        colours = CLASS_COLOURS[: model.sizes[-1]]
        axes.pcolormesh(
            x1, x2, classes, cmap=listed(colours), vmin=-0.5, vmax=len(colours) - 0.5, alpha=0.35
        )
    scatter(axes, X, [max(0, int(label)) for label in y])
    axes.set_title("Decision boundary")
    return Plot(figure)


def loss(history: History) -> Plot:
    """The loss of each epoch, on a logarithmic scale, and below it the accuracy if there is one."""
    figure, axes = new_figure("epoch", "loss", (6.0, 4.0))
    epochs = range(1, history.epochs + 1)
    axes.plot(epochs, history.loss, color=CLASS_COLOURS[0])
    axes.set_title("Training")
    if history.loss and min(history.loss) > 0:
        axes.set_yscale("log")
    if history.accuracy:
        right = axes.twinx()
        right.plot(epochs, history.accuracy, color=CLASS_COLOURS[1])
        right.set_ylim(0, 1.03)
        right.set_ylabel("accuracy", color=CLASS_COLOURS[1])
        axes.yaxis.label.set_color(CLASS_COLOURS[0])
    return Plot(figure)


def new_figure(x_label: str, y_label: str, size: tuple[float, float]) -> tuple[Figure, Any]:
    """A figure with one pair of axes, made without touching matplotlib's global state."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    axes = figure.add_subplot()
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    return figure, axes


def grid(values: Sequence[float], steps: int) -> list[float]:
    """Evenly spaced numbers over the range of the values and a margin on either side."""
    low, high = min(values), max(values)
    margin = 0.15 * (high - low) or 1.0
    width = high - low + 2 * margin
    return [low - margin + width * i / (steps - 1) for i in range(steps)]


def scatter(axes: Any, X: Sequence[Sequence[float]], y: Sequence[int]) -> None:
    """The points, each class with a colour and a marker of its own."""
    for label in sorted(set(y)):
        points = [x for x, of in zip(X, y, strict=True) if of == label]
        axes.scatter(
            [p[0] for p in points],
            [p[1] for p in points],
            c=CLASS_COLOURS[label % len(CLASS_COLOURS)],
            marker=MARKERS[label % len(MARKERS)],
            edgecolors="white",
            linewidths=0.7,
            s=36,
            label=f"class {label}",
        )
    axes.figure.legend(loc="outside lower center", ncols=len(set(y)))


def two_colours() -> Any:
    """The colour map from class 0 through white to class 1."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list(
        "classes", [CLASS_COLOURS[0], "white", CLASS_COLOURS[1]]
    )


def listed(colours: Sequence[str]) -> Any:
    """The colour map of just these colours."""
    from matplotlib.colors import ListedColormap

    return ListedColormap(list(colours))
