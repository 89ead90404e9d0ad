"""The plane as a model divides it, and as its layers bend it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from autograd_core import Value, compile
from nn.model.layers import Layer
from nn.model.mlp import MLP, stack
from nn.model.module import outputs_of, unchanged
from nn.plot.figure import Plot, blank, new_figure
from nn.plot.plane import Plane, grid
from nn.train.examples import Model


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
    `threshold`: by default half way between the ends of the last layer's activation (0.5 for a
    sigmoid), and 0 where it has none. Where targets are numbers and no labels, the picture is the
    output as a surface, its colours those of the targets.
    """
    plane = Plane.of(model, X, y, threshold)
    figure, axes = new_figure("x₁", "x₂", (5.4, 5.0))
    with unchanged(model):
        plane.colour(axes, lambda x: outputs_of(model(x)), plane.X, steps)
    plane.scatter(axes, plane.X)
    plane.legend(axes)
    axes.set_title("Decision boundary" if plane.labels else "Predictions")
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
    model = stack(model, "hidden_space")
    check_hidden(model, layer)
    first, rest = chain(model.layers[:layer]), chain(model.layers[layer:])
    plane = Plane.of(model, X, y, threshold)
    straight = mesh(plane.X)
    figure = blank((9.6, 5.0))
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
