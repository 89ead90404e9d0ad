"""What happened in training: curves over epochs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from nn.given import shown
from nn.plot.figure import Plot, new_figure, scale_curves, shades
from nn.plot.plane import COLOURS
from nn.readings import GradientNorms
from nn.train.history import History


def loss(history: History) -> Plot:
    """The loss of each epoch, by its logarithm where it falls far, and the accuracy, if any.

    Dashed are those on the data for validation.
    """
    if not isinstance(history, History):
        raise TypeError(f"expected the record that fit returns, got {shown(history)}")
    figure, axes = new_figure("epoch", "loss", (6.0, 4.0))
    axes.set_title("Training")
    draw_curves(axes, history.loss, history.validation_loss, COLOURS[0])
    scale_curves(axes, [*history.loss, *history.validation_loss])
    if history.accuracy:
        right = axes.twinx()
        draw_curves(right, history.accuracy, history.validation_accuracy, COLOURS[1])
        right.set_ylim(0, 1.03)
        right.set_ylabel("accuracy", color=COLOURS[1])
        axes.yaxis.label.set_color(COLOURS[0])
    if history.validation_loss:
        told = {"labels": ["training", "validation"], "ncols": 2}
        figure.legend(handles=axes.lines, loc="outside lower center", **told)
    return Plot(figure)


def draw_curves(axes: Any, own: Sequence[float], other: Sequence[float], colour: str) -> None:
    """A number after every epoch; dashed, that on the data for validation."""
    axes.plot(range(1, len(own) + 1), own, color=colour)
    if other:
        axes.plot(range(1, len(other) + 1), other, color=colour, linestyle="--")


def gradient_norms(recorder: GradientNorms) -> Plot:
    """The norm of each layer's gradient after every epoch, by its logarithm where norms differ far.

    >>> from nn import MLP, SGD, datasets, fit, losses
    >>> X, y = datasets.moons(20)
    >>> model, cost = MLP(2, [4, 1], seed=0), losses.hinge
    >>> recorder = GradientNorms(model, X, y, cost)
    >>> options = {"loss": cost, "optimizer": SGD(0.1), "epochs": 5, "progress": False}
    >>> history = fit(model, X, y, **options, callbacks=[recorder])
    >>> gradient_norms(recorder)
    Plot('Gradient norms')
    """
    if not isinstance(recorder, GradientNorms):
        raise TypeError(f"expected GradientNorms that fit has called, got {shown(recorder)}")
    figure, axes = new_figure("epoch", "norm of the gradient", (6.0, 4.0))
    colours = shades(len(recorder.names))
    epochs = range(1, len(recorder.norms) + 1)
    for colour, name, norms in zip(colours, recorder.names, zip(*recorder.norms)):
        numbers = [norm if 0 < norm < math.inf else math.nan for norm in norms]
        axes.plot(epochs, numbers, color=colour, label=name)
    scale_curves(axes, [norm for norms in recorder.norms for norm in norms if norm > 0])
    if recorder.norms:  # listed as they lie at the start, the largest above
        rows = sorted(zip(recorder.norms[0], axes.lines), key=lambda row: row[0], reverse=True)
        figure.legend(handles=[line for _, line in rows], loc="outside right center")
    axes.set_title("Gradient norms")
    return Plot(figure)
