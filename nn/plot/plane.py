"""The plane of two inputs, coloured by what a model says there, with the data on top."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from autograd_core import Value, compile
from autograd_core.engine import NUMBER
from nn.given import listed, plain, whole_number
from nn.model.mlp import MLP
from nn.model.shape import shape_of
from nn.readings import layers_of
from nn.train.examples import Model, check_model, count_outputs, labels_of, row

COLOURS = (
    *("#3b6fb6", "#d9822b", "#4a9c5d", "#8e5ea2", "#c8353c"),
    *("#7f7f7f", "#e58cc0", "#6b4423", "#b8bb2c", "#35b6c4"),
)
MARKERS = "os^Dvp"
DOTS: dict[str, Any] = {"edgecolors": "white", "linewidths": 0.7, "s": 36, "zorder": 3}


@dataclass(frozen=True)
class Plane:
    """The points of a picture, with their labels, or, where they have none, with numbers.

    `threshold` is where a single output tells the classes apart.
    """

    X: list[list[float]]
    labels: list[int] | None
    numbers: list[float]
    n_outputs: int
    threshold: float

    @classmethod
    def of(
        cls,
        model: Model,
        X: Iterable[Sequence[float]],
        y: Iterable[Any],
        threshold: float | None,
    ) -> Plane:
        """The data for a picture of a model, or a ValueError that says what is wrong with them."""
        check_model(model)
        points = [row(x, i) for i, x in enumerate(listed("X", X))]
        targets = [plain(f"y[{i}]", target) for i, target in enumerate(listed("y", y))]
        if len(points) != len(targets) or not points:
            raise ValueError(f"there are {len(points)} points and {len(targets)} targets")
        inputs = model.n_in if isinstance(model, MLP) else len(points[0])
        if inputs != 2:
            raise ValueError(f"a decision boundary needs a model of 2 inputs, this has {inputs}")
        for i, x in enumerate(points):
            if len(x) != 2:
                raise ValueError(f"X[{i}] has {len(x)} inputs, the model expects 2")
        n = count_outputs(model, points[0])
        labels = labels_of([class_of(target, n) for target in targets], classes(n))
        if labels is None and n > 1:
            raise ValueError(f"of {n} outputs each is a class: targets are labels 0 to {n - 1}")
        if threshold is None:
            threshold = middle(model, points[0])
        numbers = [] if labels else [number_of(target, i) for i, target in enumerate(targets)]
        return cls(points, labels, numbers, n, threshold)

    def colour(
        self,
        axes: Any,
        f: Callable[[Sequence[Value]], list[Value]],
        around: Sequence[Sequence[float]],
        steps: int,
    ) -> None:
        """Colour the plane around some points by what the outputs of f say there."""
        steps = whole_number("steps", steps, at_least=2)
        x1, x2 = [grid([x[i] for x in around], steps) for i in (0, 1)]
        outputs = compile(f, batched=True)([[a, b] for b in x2 for a in x1])
        if not all(map(math.isfinite, outputs.ravel().tolist())):
            raise ValueError("the model's outputs are not finite everywhere around the data")
        outputs = outputs.reshape(steps, steps, -1)
        if self.labels is None:
            colour_numbers(axes, x1, x2, outputs[..., 0], self.scale())
        elif self.n_outputs == 1:
            colour_two(axes, x1, x2, outputs[..., 0] - self.threshold)
        else:
            colour_many(axes, x1, x2, outputs)

    def scatter(self, axes: Any, at: Sequence[Sequence[float]]) -> None:
        """The points, at these places, each with the colour of its class or of its number."""
        if self.labels is not None:
            scatter_classes(axes, at, self.labels, max(self.n_outputs, 2))
            return
        colours = {"c": self.numbers, "cmap": "viridis", "norm": self.scale()}
        axes.scatter(*zip(*at), **colours, **DOTS)

    def legend(self, axes: Any) -> None:
        """What the colours of the points on these axes mean."""
        if self.labels is None:
            bar = axes.figure.colorbar(axes.collections[-1], ax=axes, extend="both", format="%.3g")
            bar.set_label("output, and in the points the target")
            return
        known = len(set(self.labels))
        handles = axes.collections[-known:]
        columns = {"ncols": min(known, 5), "columnspacing": 1.2, "handletextpad": 0.2}
        axes.figure.legend(loc="outside lower center", handles=handles, **columns)

    def scale(self) -> Any:
        """The colour scale of numbers: from the smallest target to the largest."""
        from matplotlib.colors import Normalize

        low, high = min(self.numbers), max(self.numbers)
        return Normalize(low, high) if low < high else Normalize(low - 1, high + 1)


def middle(model: Model, x: Sequence[float]) -> float:
    """Half way between the ends of the outputs: 0 where they have none."""
    _, last = layers_of(model, x)
    shape = shape_of(last.activate) if last and not last.is_softmax else None
    return (shape.low + shape.high) / 2 if shape and shape.is_bounded else 0.0


def classes(n_outputs: int) -> range:
    """The labels that a model of so many outputs knows; one output knows -1 as class 0."""
    return range(n_outputs) if n_outputs > 1 else range(-1, 2)


def class_of(target: Any, n_outputs: int) -> Any:
    """A one-hot list as its label; else the target itself."""
    one_hot = isinstance(target, (list, tuple)) and len(target) == n_outputs > 1
    return target.index(max(target)) if one_hot else target


def number_of(target: Any, i: int) -> float:
    """The target of point i as a float, alone or in a list."""
    if isinstance(target, (list, tuple)) and len(target) == 1:
        (target,) = target
    if not isinstance(target, NUMBER) or not math.isfinite(target):
        raise ValueError(f"y[{i}] must be a label or a finite number, got {target!r}")
    return float(target)


def colour_numbers(
    axes: Any, x1: Sequence[float], x2: Sequence[float], outputs: Any, scale: Any
) -> None:
    """Areas of one output between lines of equal output."""
    levels = [scale.vmin + (scale.vmax - scale.vmin) * i / 20 for i in range(21)]
    options = {"levels": levels, "norm": scale, "extend": "both"}
    axes.contourf(x1, x2, outputs, cmap="viridis", **options)
    axes.contour(x1, x2, outputs, levels=levels, colors="white", linewidths=0.4, alpha=0.6)


def colour_two(axes: Any, x1: Sequence[float], x2: Sequence[float], scores: Any) -> None:
    """From the colour of class 0 through white to that of class 1, and a line between them."""
    from matplotlib.colors import LinearSegmentedColormap

    low, high = [pale(colour, 0.6) for colour in COLOURS[:2]]
    colours = LinearSegmentedColormap.from_list("classes", [low, (1.0, 1.0, 1.0), high])
    extent = abs(scores).max() or 1.0
    axes.pcolormesh(x1, x2, scores, cmap=colours, vmin=-extent, vmax=extent, shading="gouraud")
    if scores.min() < 0 < scores.max():
        axes.contour(x1, x2, scores, levels=[0.0], colors="black", linewidths=1.5)


def colour_many(axes: Any, x1: Sequence[float], x2: Sequence[float], outputs: Any) -> None:
    """An area for each class, where its output is the largest."""
    import numpy as np
    from matplotlib.colors import ListedColormap

    n = outputs.shape[-1]
    colours = [pale(colour, 0.35) for colour in class_colours(n)]
    said = outputs.argmax(axis=-1)
    # Square cells first, then smooth edges, which leave a gap where three areas meet.
    axes.pcolormesh(x1, x2, said, cmap=ListedColormap(colours), vmin=-0.5, vmax=n - 0.5)
    for k in sorted(set(said.ravel().tolist())):
        ahead = outputs[..., k] - np.delete(outputs, k, axis=-1).max(axis=-1)
        ahead = np.where(said == k, ahead, np.minimum(ahead, -1e-300))  # a tie is the first class's
        levels = [0.0, 2 * max(1.0, ahead.max())]
        axes.contourf(x1, x2, ahead, levels=levels, colors=[colours[k]])


def scatter_classes(
    axes: Any, X: Sequence[Sequence[float]], labels: Sequence[int], n_classes: int
) -> None:
    """The points, each class with a colour and a marker of its own."""
    colours = class_colours(n_classes)
    for label in sorted(set(labels)):
        points = [x for x, of in zip(X, labels, strict=True) if of == label]
        axes.scatter(
            *zip(*points),
            color=colours[label],
            marker=MARKERS[label % len(MARKERS)],
            label=f"class {label}",
            **DOTS,
        )


def pale(colour: Any, share: float) -> tuple[float, float, float]:
    """A colour on white: paler than the points that are drawn on it."""
    from matplotlib.colors import to_rgb

    red, green, blue = [1 - share * (1 - part) for part in to_rgb(colour)]
    return red, green, blue


def class_colours(n: int) -> list[Any]:
    """A colour for each class; beyond the named ones, hues around the circle, light and dark."""
    from matplotlib.colors import hsv_to_rgb

    if n <= len(COLOURS):
        return list(COLOURS[:n])
    return [tuple(hsv_to_rgb((k / n, 0.75, (0.9, 0.55)[k % 2]))) for k in range(n)]


def grid(values: Sequence[float], steps: int) -> list[float]:
    """Evenly spaced numbers over the range of the values and a margin on either side."""
    low, high = min(values), max(values)
    margin = 0.15 * (high - low) or 1.0
    width = high - low + 2 * margin
    return [low - margin + width * i / (steps - 1) for i in range(steps)]
