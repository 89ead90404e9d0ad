"""The loss around a model's parameters."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from autograd_core import Value
from nn.given import as_rng, whole_number
from nn.model.module import modules
from nn.plot.figure import Plot, new_figure
from nn.readings import MeanSlope
from nn.train.examples import AnyLoss, Examples, Model

NOTE: dict[str, Any] = {
    "boxstyle": "round,pad=0.2",
    "facecolor": "white",
    "edgecolor": "none",
    "alpha": 0.8,
}


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

    data, steps = Examples.of(model, X, y, loss), whole_number("steps", steps, at_least=2)
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

    across, up = [p.label for p in along] if along else ["first direction", "second direction"]
    figure, axes = new_figure(across, up, (6.2, 5.0))
    losses = [[at(s, t) for s in marks] for t in marks]
    s0, t0 = [p.data for p in along] if along else [0.0, 0.0]
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
