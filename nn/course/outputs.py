"""Pictures and tables about outputs and losses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd_core import Value, gradient, logsumexp, mean, softmax
from nn import losses
from nn.course.pictures import BLUE, GREEN, ORANGE
from nn.model import MLP
from nn.plot.figure import Plot, blank, new_figure


def half_square(z: Any) -> Any:
    """Half the squared error of a sigmoid whose target is 1."""
    return losses.half_squared_error(z.sigmoid(), 1)


def likelihood(z: Any) -> Any:
    """Minus the logarithm of a sigmoid whose target is 1."""
    return losses.binary_cross_entropy_with_logits(z, 1)


def shares(zs: Sequence[float]) -> Any:
    """The softmax as numbers."""
    return np.array([p.data for p in softmax(list(zs))])


def at_output(
    output: str, loss: Any, target: Any, z: Sequence[float]
) -> tuple[list[float], list[float]]:
    """The slopes along the last sums z, and what is predicted, for an output and a loss."""
    model = MLP(1, [len(z)], output=output, init="zeros")
    for neuron, v in zip(model.layers[0].neurons, z):
        neuron.b.data = v
    loss(model([0.0]), target).backward()
    last = model.layers[-1]
    return [v.grad for v in last.pre_activations], [v.data for v in last.activations]


PAIRS: list[tuple[str, Any, Any, list[float]]] = [  # output, loss, target, last sums
    ("linear", losses.half_squared_error, [3.0, -1.0, 0.0], [2.0, -1.5, 0.25]),
    ("sigmoid", losses.binary_cross_entropy, [1], [-6.0]),
    ("softmax", losses.nll, [0, 1, 0], [6.0, -1.0, 1.0]),
    ("sigmoid", losses.half_squared_error, [1], [-6.0]),
    ("softmax", losses.half_squared_error, [0, 1, 0], [6.0, -1.0, 1.0]),
    ("relu", losses.half_squared_error, [1.0], [-6.0]),
]


def saturation() -> Plot:
    """Two losses of a sigmoid with the target 1, and their slopes."""
    figure = blank((9, 3.4))
    left, right = figure.subplots(1, 2)
    zs = np.linspace(-8, 8, 161)
    for loss, name, look in (
        (likelihood, "minus log probability", {"color": BLUE}),
        (half_square, "squared error", {"color": ORANGE, "ls": "--"}),
    ):
        points = [(loss(z), z) for z in map(Value, zs)]
        left.plot(zs, [value.data for value, _ in points], lw=2, label=name, **look)
        right.plot(zs, [gradient(value, z)[0].data for value, z in points], lw=2, **look)
    for axes, title, height in ((left, "loss, target 1", 1.2), (right, "slope, target 1", 0.15)):
        axes.set(title=title, xlabel="z")
        axes.axvspan(-8, 0, color="0.94")
        axes.text(-7.6, height, "wrong answer", color="0.4")
    right.set_ylim(-1.1, 0.3)
    left.legend(loc="upper right")
    return Plot(figure)


def likelihood_of(labels: Sequence[int]) -> Plot:
    """The mean loss of a constant prediction, and the probability of all labels."""
    ones = sum(labels)
    ps = np.linspace(0.02, 0.98, 97)
    figure, axes = new_figure("σ(z)", "", (5.6, 3.2))
    axes.plot(ps, [mean_loss(p, labels) for p in ps], color=BLUE, lw=2, label="mean loss")
    together = ps**ones * (1 - ps) ** (len(labels) - ones)
    axes.plot(ps, together * 50, "--", color=ORANGE, lw=2, label="probability of all, times 50")
    axes.axvline(ones / len(labels), color="0.6", lw=1)
    axes.set(title="Most likely is least loss")
    axes.legend()
    return Plot(figure)


def mean_loss(p: float, labels: Sequence[int]) -> float:
    """The mean loss where a model says p to everything."""
    z = Value(float(np.log(p / (1 - p))))
    return mean([losses.binary_cross_entropy_with_logits(z, y) for y in labels]).data


def soft_maximum() -> Plot:
    """Log-sum-exp of 0 and t, between the maximum and log 2 above it."""
    ts = np.linspace(-4, 4, 161)
    figure, axes = new_figure("t", "", (5.6, 3.2))
    axes.plot(
        ts, [logsumexp([0.0, t]).data for t in ts], color=BLUE, lw=2, label="log(exp 0 + exp t)"
    )
    axes.plot(ts, np.maximum(0, ts), "--", color=ORANGE, lw=2, label="max(0, t)")
    axes.plot(ts, np.maximum(0, ts) + np.log(2), ":", color="0.5", label="max(0, t) + log 2")
    axes.set(title="A soft maximum")
    axes.legend()
    return Plot(figure)


def bars(p: Any, y: Any, slopes: Any) -> Plot:
    """Prediction, target and gradient of each class."""
    figure = blank((9, 2.6))
    shown = {"prediction p": p, "target y": y, "gradient": slopes}
    for axes, (title, heights), colour in zip(
        figure.subplots(1, 3, sharey=True), shown.items(), (BLUE, GREEN, ORANGE)
    ):
        axes.bar_label(axes.bar(range(len(heights)), heights, color=colour), fmt="%.2f", padding=2)
        axes.axhline(0, color="0.5", lw=1)
        axes.set(title=title, xlabel="class", ylim=(-1, 1.35), xticks=range(len(heights)))
    return Plot(figure)
