"""What units do: activation functions, and activations on data."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from autograd_core import Value, check_gradient, gradient
from nn.given import shown
from nn.model.layers import ACTIVATIONS, Activation, activation_of
from nn.model.mlp import MLP
from nn.plot.figure import Plot, blank
from nn.plot.plane import COLOURS
from nn.readings import activations_on
from nn.train.examples import Model, inputs_for

CALM: dict[str, Any] = {
    "color": "0.75",
    "linewidth": 0.8,
    "zorder": 0,
}  # lines that only guide the eye


def activations(*names: str | Activation) -> Plot:
    """Activation functions and their derivatives; all that have a name, by default.

    Both are computed with Values. At a kink, the slope that backward uses is a filled dot, and
    that on the other side an open one.
    """
    chosen = list(names or ACTIVATIONS)
    columns = min(3, len(chosen))
    rows = math.ceil(len(chosen) / columns)
    size = (max(4.4, 0.6 + 2.9 * columns), 0.9 + 2.5 * rows)
    figure = blank(size)
    figure.suptitle("Activation functions and their derivatives")
    for i, name in enumerate(chosen, 1):
        axes = figure.add_subplot(rows, columns, i)
        if isinstance(name, MLP):
            said = "of a model, activation_histograms(model, X) shows what its units say"
            raise TypeError(f"expected activation functions, got {shown(name)}: {said}")
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
    examples = inputs_for(model, X)
    if not examples:
        raise ValueError("the data set is empty")
    outputs = activations_on(model, examples)
    if not outputs:
        raise TypeError(
            f"activation_histograms needs Layers, and a {type(model).__name__} has none"
        )
    figure = blank((6.0, 0.9 + 1.5 * len(outputs)))
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
