"""Trainings to look at: by learning rate, by epoch, by size; digits that are misread."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from autograd_core import Value, compile
from nn import datasets, losses
from nn.course.pictures import BLUE, ORANGE
from nn.course.xor import with_numbers
from nn.model import MLP
from nn.model.module import outputs_of
from nn.optim import SGD, Adam
from nn.plot.figure import Plot, blank, new_figure
from nn.plot.plane import COLOURS, Plane
from nn.train.fit import fit
from nn.train.history import History

LOSS = losses.binary_cross_entropy_with_logits
QUIET: dict[str, Any] = {"loss": LOSS, "progress": False}


def net(seed: int = 0) -> MLP:
    """The net of one hidden layer that learns the moons."""
    return MLP(2, [8, 1], activation="tanh", seed=seed)


def apart(a: MLP, b: MLP) -> float:
    """The largest difference of a parameter."""
    return max(abs(p.data - q.data) for p, q in zip(a.parameters(), b.parameters()))


def blocks(model: MLP) -> list[tuple[str, list[Value]]]:
    """The weights and the biases of each layer, the last layer first."""
    found = []
    for k, layer in reversed(list(enumerate(model.layers, 1))):
        found.append((f"W{k}", [w for neuron in layer.neurons for w in neuron.w]))
        found.append((f"b{k}", [neuron.b for neuron in layer.neurons]))
    return found


# --- How fast ---------------------------------------------------------------------------------


def at_rate(rate: float, steps: int = 100) -> tuple[History, Plot]:
    """A training on the moons: its record, and a picture of the losses and of the border."""
    X, y = datasets.moons(n=60, noise=0.1)
    model = net()
    history = fit(model, X, y, optimizer=SGD(rate), epochs=steps, **QUIET)
    left, right, plot = two_panels()
    left.plot(range(1, steps + 1), history.loss, color=BLUE)
    left.set(xlabel="step", ylabel="loss", yscale="log", ylim=(3e-3, 60))
    left.set_title(f"rate {rate:g}: loss {history.loss[-1]:.3f} after {steps} steps", fontsize=11)
    border(right, model, X, y)
    return history, plot


def two_panels() -> tuple[Any, Any, Plot]:
    """A wide axes for curves, a square one for the plane, and their plot."""
    figure = blank((8.4, 3.4))
    left, right = figure.subplots(1, 2, width_ratios=(5, 4))
    return left, right, Plot(figure)


def border(axes: Any, model: MLP, X: Any, y: Any, seen: int | None = None) -> None:
    """What the model says over the plane, and the points; those after `seen` are held out."""
    plane = Plane.of(model, X, y, None)
    plane.colour(axes, lambda x: outputs_of(model(x)), plane.X, 60)
    for label in (0, 1):
        rows = [i for i, t in enumerate(y) if t == label]
        for is_held_out in (False, True):
            mine = [i for i in rows if (seen is not None and i >= seen) == is_held_out]
            look = {"facecolors": "none", "edgecolors": COLOURS[label], "linewidths": 1.3}
            solid = {"color": COLOURS[label], "edgecolors": "white", "linewidths": 0.6}
            at = [X[i] for i in mine] or [(np.nan, np.nan)]
            axes.scatter(*zip(*at), s=26, marker="os"[label], **(look if is_held_out else solid))
    axes.set(xticks=[], yticks=[])


# --- By heart ---------------------------------------------------------------------------------


class Snapshots:
    """A callback of `fit` that keeps the parameters after some epochs."""

    def __init__(self, model: MLP, epochs: Collection[int]) -> None:
        self.model, self.epochs = model, epochs
        self.kept: dict[int, list[float]] = {}

    def __call__(self, history: History) -> None:
        """Called by `fit` after each epoch."""
        if history.epochs in self.epochs:
            self.kept[history.epochs] = [p.data for p in self.model.parameters()]


def by_epoch(history: History, kept: Snapshots, data: Sequence[Any]) -> dict[int, Plot]:
    """The two losses and the border after some epochs; held-out points are hollow."""
    X, y, X_out, y_out = data
    plots, epochs = {}, range(1, history.epochs + 1)
    now = [p.data for p in kept.model.parameters()]
    for epoch, numbers in kept.kept.items():
        left, right, plots[epoch] = two_panels()
        left.plot(epochs, history.loss, color=BLUE, label="training")
        left.plot(epochs, history.validation_loss, "--", color=ORANGE, label="held out")
        left.axvline(epoch, color="0.6", lw=1)
        left.set(xlabel="epoch", ylabel="loss", title=f"after epoch {epoch}", xlim=(0, None))
        left.legend()
        border(right, with_numbers(kept.model, numbers), X + X_out, y + y_out, seen=len(X))
    with_numbers(kept.model, now)
    return plots


# --- Which size -------------------------------------------------------------------------------


def spirals() -> tuple[Any, Any, Any, Any]:
    """Two spirals, a third of the points held out."""
    return datasets.split(*datasets.spirals(n=300, noise=0.05, seed=1), share=1 / 3)


def held_out_error(sizes: Sequence[int], activation: str = "relu", seed: int = 0) -> float:
    """The share of held-out points of the spirals that a net has wrong after 200 epochs."""
    X, y, X_out, y_out = spirals()
    init = "he" if "relu" in activation else "xavier"
    model = MLP(2, [*sizes, 1], activation=activation, init=init, seed=seed)
    fit(model, X, y, optimizer=Adam(0.03), epochs=200, **QUIET)
    said = compile(model.outputs, batched=True)(X_out)[:, 0] > 0
    return float(np.mean(said != np.array(y_out)))


def errors_by_size(errors: Any, widths: Sequence[int], depths: Sequence[int]) -> Plot:
    """A table of errors, the darker the larger."""
    figure, axes = new_figure("units in each hidden layer", "hidden layers", (6, 2.6))
    axes.imshow(errors, cmap="Oranges", vmin=0, vmax=0.7, aspect="auto")
    for (i, j), error in np.ndenumerate(errors):
        axes.text(j, i, f"{error:.0%}", ha="center", va="center")
    axes.set_xticks(range(len(widths)), widths)
    axes.set_yticks(range(len(depths)), depths)
    axes.set_title("Held-out error on two spirals")
    return Plot(figure)


def errors_by_kind(errors: dict[str, list[float]]) -> Plot:
    """A row of dots for each kind of unit, a dot for each seed."""
    figure, axes = new_figure("held-out error, a dot for each seed", "", (6, 2.6))
    for row, numbers in enumerate(errors.values()):
        axes.plot(numbers, [row] * len(numbers), "o", color=BLUE, alpha=0.6, markersize=9)
    axes.set_yticks(range(len(errors)), errors)
    axes.set(ylim=(len(errors) - 0.5, -0.5), xlim=(-0.02, 0.62), title="Two layers of 16 units")
    return Plot(figure)


# --- Digits, and trouble ----------------------------------------------------------------------


def misread(X: Any, y: Any, scores: Any, most: int = 8) -> Plot:
    """Digits that a model has wrong, with what they are and what it said."""
    said = np.argmax(scores, axis=1)
    wrong = np.flatnonzero(said != np.array(y))[:most]
    figure = blank((1.2 * most, 1.6))
    for axes, i in zip(figure.subplots(1, most), wrong):
        axes.imshow(np.reshape(X[i], (8, 8)), cmap="gray_r")
        axes.set_title(f"a {y[i]}, read {said[i]}", fontsize=9)
        axes.axis("off")
    return Plot(figure)


REMEDIES: dict[str, dict[str, Any]] = {  # what is changed of the deep net below
    "none": {},
    "ten times the rate": {"rate": 1.0},
    "ten times the epochs": {"epochs": 1500},
    "four times the units": {"width": 64},
    "leaky relu": {"activation": "leaky_relu", "init": "he"},
}


def deep_net(activation: str = "sigmoid", init: str = "xavier", width: int = 16) -> MLP:
    """A net of eight hidden layers."""
    return MLP(2, [width] * 8 + [1], activation=activation, init=init, seed=0)


def with_remedy(name: str) -> History:
    """The training of the deep net on the moons, with one thing changed."""
    change = REMEDIES[name]
    model = deep_net(**{k: v for k, v in change.items() if k not in {"rate", "epochs"}})
    rate, epochs = change.get("rate", 0.1), change.get("epochs", 150)
    return fit(
        model, *datasets.moons(n=100, noise=0.1), optimizer=SGD(rate), epochs=epochs, **QUIET
    )
