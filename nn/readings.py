"""What the layers of a model do on data: activations, slopes and the norms of gradients."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from operator import mul
from typing import Any

from autograd_core import RecordingError, Value, compile, gradient, topological
from autograd_core.engine import as_value
from nn.model.layers import Layer
from nn.model.mlp import MLP
from nn.model.module import Module, leaves, unchanged
from nn.train.examples import AnyLoss, Examples, Model
from nn.train.history import History


@dataclass(frozen=True, slots=True)
class LayerReadings:
    """What a layer is and did, as lists with a list for each unit and in it its numbers.

    `number` counts the layers from 1. A unit's `parameters` are its weights and its bias; all
    else has a number for each example, or none where one of them is not finite. `slopes` are
    those of an example's loss along the pre-activations.
    """

    number: int
    activation: str
    parameters: list[list[float]]
    inputs: list[list[float]]
    pre_activations: list[list[float]]
    activations: list[list[float]]
    slopes: list[list[float]]

    @property
    def size(self) -> int:
        """How many units the layer has."""
        return len(self.parameters)

    def gradient_norm(self) -> float:
        """The length of the gradient by the layer's parameters, in the mean over the examples.

        The gradient by a weight is its unit's slope times its input, that by a bias the slope.
        """
        norms = [
            math.hypot(*slopes) * math.hypot(1.0, *inputs)
            for slopes, inputs in zip(zip(*self.slopes), zip(*self.inputs))
        ]
        return sum(norms) / len(norms)

    def mean_gradient(self) -> list[float]:
        """The gradient of the mean loss by the layer's parameters."""
        n = len(self.slopes[0])
        ones = [1.0] * n
        return [
            sum(map(mul, slopes, inputs)) / n
            for slopes in self.slopes
            for inputs in [*self.inputs, ones]
        ]


def read(model: MLP, data: Examples) -> list[LayerReadings]:
    """What every layer is, and does on the data if all the numbers are finite."""
    k = len(model.layers)
    inputs, *columns = numbers(model, data) or [[] for _ in range(1 + 3 * k)]
    pre_activations, activations, slopes = columns[:k], columns[k : 2 * k], columns[2 * k :]
    return [
        LayerReadings(number, activation_of(layer), weights(layer), *parts)
        for number, layer, *parts in zip(
            range(1, 1 + k),
            model.layers,
            [inputs, *activations[:-1]],
            pre_activations,
            activations,
            slopes,
            strict=True,
        )
    ]


def weights(layer: Layer) -> list[list[float]]:
    """Of each unit the weights, then the bias."""
    return [[p.data for p in neuron.parameters()] for neuron in layer.neurons]


def activation_of(layer: Layer) -> str:
    """What a layer's activation does, found by trying it, for it may be any function.

    "linear", "softmax" or the name of an op; "constant" where the result does not depend on the
    pre-activation, and "" where it is more than one op, or not the same one on both sides of 0.
    """
    if layer.is_softmax:
        return "softmax"
    left, right = [tried(layer.activate, Value(number)) for number in (-0.5, 0.5)]
    return left if left == right else ""


def tried(activate: Callable[[Value], Any], z: Value) -> str:
    """What an activation does to one number."""
    try:
        a = activate(z)
    except (ArithmeticError, ValueError):
        return ""
    if a is z:
        return "linear"
    if not isinstance(a, Value) or not any(v is z for v in topological(a)):
        return "constant"
    return a.op.name if a.op and len(a.parents) == 1 and a.parents[0] is z else ""


def numbers(model: MLP, data: Examples) -> list[list[list[float]]] | None:
    """The inputs, then of every layer what `example` computes, unless one is not finite."""
    try:
        losses, *rows = run(lambda x, target: example(model, data, x, target), data)
    except (ArithmeticError, ValueError):
        return None
    columns = [[list(column) for column in zip(*table)] for table in [data.X, *rows]]
    every = [losses, *[column for table in columns for column in table]]
    return columns if all(math.isfinite(x) for column in every for x in column) else None


def example(model: MLP, data: Examples, x: Sequence[Any], target: Any) -> list[list[Value]]:
    """The loss of one example, then of each layer the pre-activations, activations and slopes."""
    loss = data.loss_of(model(x), target)
    zs = [layer.pre_activations for layer in model.layers]
    slopes = iter(gradient(loss, *[z for row in zs for z in row]))
    return [
        [loss],
        *zs,
        *[[as_value(a) for a in layer.activations] for layer in model.layers],
        *[[next(slopes) for _ in row] for row in zs],
    ]


def run(f: Callable[[Any, Any], list[list[Value]]], data: Examples) -> list[Any]:
    """The numbers of f(x, target): tables with a row for each example, and the losses first.

    By a compiled program; by f itself where Python decides by a number in it, or without NumPy.
    """
    try:
        program = compile(lambda x, target: tuple(f(x, target)), batched=True)
        tables = [table.tolist() for table in program(data.X, data.targets)]
    except (RecordingError, ImportError):
        examples = [f(x, target) for x, target in zip(data.X, data.targets, strict=True)]
        tables = [[[v.data for v in row] for row in rows] for rows in zip(*examples)]
    return [[loss for (loss,) in tables[0]], *tables[1:]]


# --- During training -------------------------------------------------------------------------


class GradientNorms:
    """A callback for `fit` that keeps the norm of each layer's gradient after every epoch.

    `norms` has a row for each epoch, with the norm of the mean loss's gradient by the parameters
    of each layer, or, for another model than an MLP, of each of its parts; `names` says which.
    `plot.gradient_norms` draws them.
    """

    def __init__(self, model: Model, X: Iterable[Any], y: Iterable[Any], loss: AnyLoss) -> None:
        self.model, self.data = model, Examples.of(model, X, y, loss)
        named = parts(model)
        self.names = list(named)
        self.parts = list(named.values())
        self.slope = MeanSlope(model, self.data)
        self.norms: list[list[float]] = []

    def __call__(self, history: History) -> None:
        """Add the norms of now."""
        _, slopes = self.slope([p.data for p in self.slope.parameters])
        known = dict(zip(self.slope.parameters, slopes.tolist(), strict=True))
        self.norms.append([math.hypot(*[known.get(p, 0.0) for p in part]) for part in self.parts])


def parts(model: Model) -> dict[str, list[Value]]:
    """The parameters of a model by its layers, or by what it is made of."""
    if isinstance(model, MLP):
        return {f"layer {k}": layer.parameters() for k, layer in enumerate(model.layers, 1)}
    if not isinstance(model, Module):
        return {"all parameters": model.parameters()}
    return {name: list(leaves(part)) for name, part in model.parts().items()}


class MeanSlope:
    """The mean loss over examples and its gradient, at any numbers of the parameters."""

    def __init__(self, model: Model, data: Examples) -> None:
        self.n, self.stacks = data.n, data.stacks
        self.parameters = list(dict.fromkeys(model.parameters()))
        with unchanged(model):
            self.programs = [
                stack.record(lambda x, t: data.loss_of(model(x), t), wrt=self.parameters)
                for stack in self.stacks
            ]

    def __call__(self, numbers: Sequence[float]) -> tuple[float, Any]:
        """The mean loss, and the gradient by the parameters."""
        import numpy as np

        theta = np.array(numbers, dtype=float)
        found = [
            program.value_and_gradient(stack.X, stack.targets, at=theta)
            for program, stack in zip(self.programs, self.stacks, strict=True)
        ]
        shares = [len(stack.places) / self.n for stack in self.stacks]
        loss = sum([share * loss for share, (loss, _) in zip(shares, found, strict=True)])
        return loss, sum([share * slope for share, (_, slope) in zip(shares, found, strict=True)])
