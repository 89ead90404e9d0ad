"""Pictures of training: each function returns a Plot, which a notebook shows by itself."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from autograd_core import Value, check_gradient, compile, gradient
from autograd_core.files import write_whole
from nn.given import as_rng
from nn.model.layers import ACTIVATIONS, Activation, Layer, activation_of
from nn.model.mlp import MLP, stack
from nn.model.module import modules, outputs_of, unchanged
from nn.plane import COLOURS, Plane, grid
from nn.readings import GradientNorms, MeanSlope, activations_on
from nn.train.examples import AnyLoss, Examples, Model, inputs_for
from nn.train.fit import History

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NOTE: dict[str, Any] = {
    "boxstyle": "round,pad=0.2",
    "facecolor": "white",
    "edgecolor": "none",
    "alpha": 0.8,
}
CALM: dict[str, Any] = {
    "color": "0.75",
    "linewidth": 0.8,
    "zorder": 0,
}  # lines that only guide the eye


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


def decision_boundary(
    model: Model,
    X: Iterable[Sequence[float]],
    y: Iterable[Any],
    *,
    threshold: float | None = None,
    steps: int = 80,
) -> Plot:
    """Where in the plane the model says which class, with the data on top.

    For one output the colour is the output itself, and the black line is where it crosses
    `threshold`: 0.5 by default where the model's output is a sigmoid, else 0. Where targets are
    numbers and no labels, the picture is the output as a surface, its colours those of the targets.
    """
    plane = Plane.of(model, X, y, threshold)
    figure, axes = new_figure("x₁", "x₂", (5.4, 5.0))
    with unchanged(model):
        plane.colour(axes, lambda x: outputs_of(model(x)), plane.X, steps)
    plane.scatter(axes, plane.X)
    plane.legend(axes)
    axes.set_title("Decision boundary" if plane.labels else "Predictions")
    return Plot(figure)


def loss(history: History) -> Plot:
    """The loss of each epoch, on a logarithmic scale, and below it the accuracy if there is one."""
    figure, axes = new_figure("epoch", "loss", (6.0, 4.0))
    epochs = range(1, history.epochs + 1)
    axes.plot(epochs, history.loss, color=COLOURS[0])
    axes.set_title("Training")
    if history.loss and min(history.loss) > 0:
        axes.set_yscale("log")
    if history.accuracy:
        right = axes.twinx()
        right.plot(epochs, history.accuracy, color=COLOURS[1])
        right.set_ylim(0, 1.03)
        right.set_ylabel("accuracy", color=COLOURS[1])
        axes.yaxis.label.set_color(COLOURS[0])
    return Plot(figure)


def hidden_space(
    model: MLP,
    X: Iterable[Sequence[float]],
    y: Iterable[Any],
    layer: int = 1,
    *,
    threshold: float | None = None,
    steps: int = 80,
) -> Plot:
    """The data as the model gets them, and as a hidden layer of two units hands them on.

    The grid of the left plane is bent by the layers up to `layer`, counted from 1; what follows
    them colours the right plane, as `decision_boundary` does. After the last hidden layer the
    line there is straight: it is the one that the output neuron draws.
    """
    from matplotlib.figure import Figure

    model = stack(model, "hidden_space")
    check_hidden(model, layer)
    first, rest = chain(model.layers[:layer]), chain(model.layers[layer:])
    plane = Plane.of(model, X, y, threshold)
    straight = mesh(plane.X)
    figure = Figure(figsize=(9.6, 5.0), layout="constrained")
    figure.suptitle(f"What layer {layer} does to the plane")
    before, after = figure.subplots(1, 2)
    with unchanged(model):
        moved = compile(first, batched=True)
        bent = [moved(line).tolist() for line in straight]
        plane.colour(before, chain(model.layers), plane.X, steps)
        plane.colour(after, rest, [point for line in bent for point in line], steps)
        places = moved(plane.X).tolist()
    draw_plane(before, plane, straight, plane.X, ("x₁", "x₂", "inputs"))
    draw_plane(after, plane, bent, places, ("a₁", "a₂", f"activations of layer {layer}"))
    plane.legend(after)
    return Plot(figure)


def check_hidden(model: MLP, layer: int) -> None:
    """Raise ValueError for a layer that is not hidden, or not of two units after two inputs."""
    if not 1 <= layer < len(model.layers):
        raise ValueError(f"layer {layer} is no hidden layer of {model}")
    units = model.sizes[layer - 1]
    if model.n_in != 2 or units != 2:
        raise ValueError(
            f"a picture of the hidden space needs 2 inputs and a layer of 2 units, this has "
            f"{model.n_in} inputs and {units} units in layer {layer}"
        )


def chain(layers: Sequence[Layer]) -> Callable[[Any], list[Value]]:
    """Layers one after the other, as a function."""

    def every(x: Any) -> list[Value]:
        for layer in layers:
            x = layer(x)
        return list(x)

    return every


def mesh(X: Sequence[Sequence[float]]) -> list[list[list[float]]]:
    """Lines of points across a plane and up, around some points of it."""
    x1, x2 = [grid([x[i] for x in X], 31) for i in (0, 1)]
    return [[[a, b] for b in x2] for a in x1[::2]] + [[[a, b] for a in x1] for b in x2[::2]]


def draw_plane(
    axes: Any, plane: Plane, lines: Any, points: Sequence[Any], names: tuple[str, str, str]
) -> None:
    """Lines and points, with the names of both axes and of the plane."""
    for line in lines:
        axes.plot(*zip(*line), color="0.35", linewidth=0.5, alpha=0.5)
    plane.scatter(axes, points)
    axes.locator_params(nbins=6)
    axes.set(xlabel=names[0], ylabel=names[1], title=names[2])


def loss_surface(
    model: Model,
    X: Iterable[Any],
    y: Iterable[Any],
    loss: AnyLoss,
    *,
    along: tuple[Value, Value] | None = None,
    span: float = 1.0,
    steps: int = 41,
    seed: int = 0,
) -> Plot:
    """The loss around a model's parameters, up to `span` away in two directions.

    By default these are random, and as long, neuron by neuron, as the neuron's own weights: Li et
    al., "Visualizing the loss landscape of neural nets", 2018. `along` names two parameters
    instead. No parameter is changed.
    """
    import numpy as np

    data = Examples.of(model, X, y, loss)
    mean_loss = MeanSlope(model, data)
    here = np.array([p.data for p in mean_loss.parameters])
    first, second = [
        np.array([direction.get(p, 0.0) for p in mean_loss.parameters])
        for direction in (directions(model, seed) if along is None else axes_of(model, along))
    ]
    marks = [span * (2 * i / (steps - 1) - 1) for i in range(steps)]

    def at(s: float, t: float) -> float:
        point = (here + s * first + t * second).tolist()
        try:
            return float(mean_loss(point)[0])
        except (ArithmeticError, ValueError):
            return math.nan  # not defined there

    losses = [[at(s, t) for s in marks] for t in marks]
    across, up = [p.label for p in along] if along else ["first direction", "second direction"]
    s0, t0 = [p.data for p in along] if along else [0.0, 0.0]
    figure, axes = new_figure(across, up, (6.2, 5.0))
    draw_surface(axes, [s0 + s for s in marks], [t0 + t for t in marks], losses)
    axes.plot([s0], [t0], "o", color="white", markeredgecolor="black", markersize=9)
    axes.annotate("here", (s0, t0), (8, 8), textcoords="offset points", color="black", bbox=NOTE)
    axes.set_title("Loss surface")
    return Plot(figure)


def directions(model: Model, seed: int) -> list[dict[Value, float]]:
    """Two random directions; each neuron's part of them is as long as its parameters.

    A neuron is a Module without Modules in it; what else a model has is together one.
    """
    rng = as_rng(seed)
    result: list[dict[Value, float]] = [{}, {}]
    for direction in result:
        for parameters in neurons(model):
            raw = [rng.gauss(0.0, 1.0) for _ in parameters]
            scale = math.hypot(*[p.data for p in parameters]) / math.hypot(*raw)
            direction.update({p: scale * r for p, r in zip(parameters, raw, strict=True)})
    return result


def neurons(model: Model) -> list[list[Value]]:
    """The parameters of a model in groups, one for each Module that has no Modules in it."""
    innermost = [module for module in modules(model) if len(list(modules(module))) == 1]
    groups = [module.parameters() for module in innermost]
    rest = set(model.parameters()).difference(*groups)
    groups.append([p for p in model.parameters() if p in rest])
    return [group for group in groups if group]


def axes_of(model: Model, along: tuple[Value, Value]) -> list[dict[Value, float]]:
    """The directions in which one parameter grows."""
    known = set(model.parameters())
    if len(along) != 2 or not known.issuperset(along):
        raise ValueError("`along` takes two of the model's parameters")
    return [{p: 1.0} for p in along]


def draw_surface(
    axes: Any, x: Sequence[float], y: Sequence[float], losses: list[list[float]]
) -> None:
    """A surface as areas of colour between lines of equal height, on a scale that fits it."""
    from matplotlib.colors import LogNorm, Normalize

    known = sorted(number for row in losses for number in row if math.isfinite(number))
    if not known:
        raise ValueError("the loss is not finite anywhere around the model's parameters")
    low, high = known[0], known[-1]
    if low > 0 and high > 20 * low:
        low = max(low, high / 1e5)
        levels = [low * (high / low) ** (i / 20) for i in range(21)]
        norm: Any = LogNorm(low, high)
    else:
        high = high if high > low else low + 1.0
        levels = [low + (high - low) * i / 20 for i in range(21)]
        norm = Normalize(low, high)
    below = "min" if known[0] < low else "neither"
    areas = axes.contourf(x, y, losses, levels=levels, norm=norm, cmap="viridis", extend=below)
    axes.contour(x, y, losses, levels=levels, colors="white", linewidths=0.4, alpha=0.6)
    axes.figure.colorbar(areas, ax=axes, label="loss", format="%.2g")


def gradient_norms(recorder: GradientNorms) -> Plot:
    """The norm of each layer's gradient after every epoch, on a logarithmic scale.

    >>> from nn import MLP, SGD, datasets, fit, losses
    >>> X, y = datasets.moons(20)
    >>> model, cost = MLP(2, [4, 1], seed=0), losses.hinge
    >>> recorder = GradientNorms(model, X, y, cost)
    >>> options = {"loss": cost, "optimizer": SGD(0.1), "epochs": 5, "progress": False}
    >>> history = fit(model, X, y, **options, callbacks=[recorder])
    >>> gradient_norms(recorder)
    Plot('Gradient norms')
    """
    figure, axes = new_figure("epoch", "norm of the gradient", (6.0, 4.0))
    colours = shades(len(recorder.names))
    epochs = range(1, len(recorder.norms) + 1)
    for colour, name, norms in zip(colours, recorder.names, zip(*recorder.norms)):
        shown = [norm if 0 < norm < math.inf else math.nan for norm in norms]
        axes.plot(epochs, shown, color=colour, label=name)
        if any(map(math.isfinite, shown)):
            axes.set_yscale("log")
    if recorder.norms:
        figure.legend(loc="outside right center")
    axes.set_title("Gradient norms")
    return Plot(figure)


def activations(*names: str | Activation) -> Plot:
    """Activation functions and their derivatives; all that have a name, by default.

    Both are computed with Values. At a kink, the slope that backward uses is a filled dot, and
    that on the other side an open one.
    """
    from matplotlib.figure import Figure

    chosen = list(names or ACTIVATIONS)
    columns = min(3, len(chosen))
    rows = math.ceil(len(chosen) / columns)
    size = (max(4.4, 0.6 + 2.9 * columns), 0.9 + 2.5 * rows)
    figure = Figure(figsize=size, layout="constrained")
    figure.suptitle("Activation functions and their derivatives")
    for i, name in enumerate(chosen, 1):
        axes = figure.add_subplot(rows, columns, i)
        function = activation_of(name)
        axes.set_title(name if isinstance(name, str) else getattr(name, "__name__", "own"))
        axes.axhline(0, **CALM)
        axes.axvline(0, **CALM)
        draw_activation(axes, function)
        if i > len(chosen) - columns:
            axes.set_xlabel("z")
    handles, _ = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles=handles, loc="outside lower center", ncols=2)
    return Plot(figure)


def draw_activation(axes: Any, function: Activation) -> None:
    """One activation function, its derivative, and the derivative's two values at a kink."""
    zs = [Value(-4 + i / 25) for i in range(201)]
    outputs = [function(z) for z in zs]
    slopes = [gradient(a, z)[0].data for a, z in zip(outputs, zs, strict=True)]
    xs = [z.data for z in zs]
    axes.plot(xs, [a.data for a in outputs], color=COLOURS[0], lw=2, label="activation")
    derivative = {"color": COLOURS[1], "lw": 2, "ls": (0, (4, 1.5))}
    kinks = check_gradient(function, 0.0).kinks
    if not kinks:
        axes.plot(xs, slopes, **derivative, label="derivative")
        return
    (kink,) = kinks
    middle = xs.index(0.0)
    axes.plot([*xs[:middle], 0.0], [*slopes[:middle], kink.left], **derivative, label="derivative")
    axes.plot([0.0, *xs[middle + 1 :]], [kink.right, *slopes[middle + 1 :]], **derivative)
    dot = {"color": COLOURS[1], "marker": "o", "markersize": 6, "ls": "", "zorder": 3}
    axes.plot([0.0, 0.0], [kink.left, kink.right], **dot, markerfacecolor="white")
    axes.plot([0.0], [kink.computed], **dot)


def activation_histograms(model: Model, X: Iterable[Any]) -> Plot:
    """What comes out of the units of each layer on the data, a row a layer.

    Units that are zero on all of the data are counted above the row, where there are any. Of a
    model of one's own, it is the Layers in it, each at every call.
    """
    from matplotlib.figure import Figure

    examples = inputs_for(model, X)
    if not examples:
        raise ValueError("the data set is empty")
    outputs = activations_on(model, examples)
    if not outputs:
        raise TypeError(
            f"activation_histograms needs Layers, and a {type(model).__name__} has none"
        )
    figure = Figure(figsize=(6.0, 0.9 + 1.5 * len(outputs)), layout="constrained")
    figure.suptitle("Activations")
    for k, (name, rows) in enumerate(outputs.items(), 1):
        axes = figure.add_subplot(len(outputs), 1, k)
        numbers = [number for row in rows for number in row]
        share = [1 / len(numbers)] * len(numbers)
        axes.hist(numbers, bins=40, weights=share, color=COLOURS[0])
        axes.set_title(f"layer {name}: {units(rows)}", loc="left", fontsize="medium")
        axes.set_ylabel("share")
        axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlabel("activation")
    return Plot(figure)


def units(rows: Sequence[Sequence[float]]) -> str:
    """How many units a layer has, and how many of them are zero on every example."""
    columns = list(zip(*rows))
    idle = len([column for column in columns if not any(column)])
    plural = "s" * (len(columns) > 1)
    return f"{len(columns)} unit{plural}" + f", {idle} of them always 0" * (idle > 0)


def new_figure(x_label: str, y_label: str, size: tuple[float, float]) -> tuple[Figure, Any]:
    """A figure with one pair of axes, made without touching matplotlib's global state."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    axes = figure.add_subplot()
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    return figure, axes


def shades(n: int) -> list[Any]:
    """Colours from dark to light, one for each of n layers, apart for every eye."""
    from matplotlib import colormaps

    return [colormaps["viridis"](0.9 * k / max(1, n - 1)) for k in range(n)]
