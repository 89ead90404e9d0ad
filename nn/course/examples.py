"""Small nets with given weights, whose numbers the chain rule is shown on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd_core import Op, Value, jacobian, paths, topological
from nn.model import MLP, Layer
from nn.model.labels import name_units

Rows = Sequence[Sequence[float]]


class Example(MLP):
    """A net of sigmoids with given weights ("to, from") and biases of 0, run on one input."""

    def __init__(self, x: Sequence[float], weights: Sequence[Rows], output: str) -> None:
        super().__init__(
            len(x), [len(rows) for rows in weights], activation="sigmoid", output=output
        )
        for layer, rows in zip(self.layers, weights):
            for neuron, row in zip(layer.neurons, rows):
                for w, number in zip(neuron.w, row):
                    w.data = number
        self.inputs = [Value(number, f"x[{i}]") for i, number in enumerate(x)]
        self.prediction = self.outputs(self.inputs)
        name_units(self.layers)


def three_two_two_one() -> tuple[Example, list[Value], Value]:
    """A net with 3 inputs, two layers of 2 neurons and one output; its inputs and what it says."""
    first, second = [[0.1, 0.3, -0.5], [-0.2, 0.4, 0.5]], [[0.7, 0.9], [-0.8, 1.0]]
    net = Example([1.0, 2.0, -1.0], [first, second, [[1.1, -1.2]]], "linear")
    return net, net.inputs, net.prediction[0]


def half(h: Any, y: Any) -> Any:
    """Half the square of the difference."""
    return 0.5 * (h - y) ** 2


HALF_SQUARE = Op("½(ŷ - y)²", half, lambda z, h, y: (h - y, y - h), lambda np, h, y: half(h, y))


def two_outputs() -> tuple[Example, Value, list[Value]]:
    """A 2-2-2 net, its loss for the targets 1 and 0, and the loss of each output."""
    net = Example([0.5, -1.0], [[[0.1, 0.3], [0.2, 0.4]], [[0.5, 0.7], [-0.6, 0.8]]], "sigmoid")
    parts = [HALF_SQUARE(h, y) for h, y in zip(net.prediction, (1.0, 0.0))]
    loss = parts[0] + parts[1]
    for v, label in zip([*parts, loss], ("L0", "L1", "L")):
        v.label = label
    return net, loss, parts


def thin_chain() -> tuple[Example, Value]:
    """One neuron in each of three layers, and the squared error to the target 2."""
    net = Example([1.5], [[[0.8]], [[-1.2]], [[0.5]]], "linear")
    miss = net.prediction[0] - 2.0
    loss = miss**2
    miss.label, loss.label = "miss", "L"
    return net, loss


def slopes(root: Value, along: Sequence[Value]) -> list[float]:
    """How fast the root changes with each of these; no `grad` changes."""
    found = paths.slopes(topological(root))
    return [found.get(v, 0.0) for v in along]


def numbers(layer: Layer) -> Any:
    """The weights of a layer as a matrix: to, from."""
    return np.array([[w.data for w in neuron.w] for neuron in layer.neurons])


def jacobian_numbers(of: Sequence[Value], along: Sequence[Value]) -> Any:
    """The table of all slopes: a row for each of the first, a column for each of the second."""
    return np.array([[v.data for v in row] for row in jacobian(of, along)])


def output_when(net: Example, nudge: float) -> float:
    """What the net says if the first neuron of layer 1 said so much more."""
    first, *others = [v.data for v in net.layers[0].activations]
    values: Any = [Value(first + nudge), *map(Value, others)]
    for layer in net.layers[1:]:
        values = [neuron(values) for neuron in layer.neurons]
    result: float = values[0].data
    return result


def eight_formulas(net: Example, loss: Value) -> list[tuple[str, str, float, float]]:
    """For each weight of the 2-2-2 net its name, a formula, its number, and backward's."""
    hidden, (first, second) = [v.data for v in net.layers[0].activations], net.layers
    outputs = zip([v.data for v in net.prediction], (1.0, 0.0))
    d = [(h - y) * h * (1 - h) for h, y in outputs]
    rows: list[tuple[Value, str, float]] = []
    for j, neuron in enumerate(second.neurons):
        for i, w in enumerate(neuron.w):
            rows.append((w, f"δ{j} a1[{i}]", d[j] * hidden[i]))
    for j, neuron in enumerate(first.neurons):
        back = sum(d[k] * second.neurons[k].w[j].data for k in (0, 1)) * hidden[j] * (1 - hidden[j])
        for i, w in enumerate(neuron.w):
            formula = f"(δ0 W2[0,{j}] + δ1 W2[1,{j}]) a1[{j}] (1 - a1[{j}]) x[{i}]"
            rows.append((w, formula, back * net.inputs[i].data))
    found = slopes(loss, [w for w, _, _ in rows])
    return [(w.label, formula, value, g) for (w, formula, value), g in zip(rows, found)]


def loss_after(rate: float) -> float:
    """The loss of the 2-2-2 net after one step of gradient descent with this rate."""
    net, loss, _ = two_outputs()
    for w, slope in zip(net.parameters(), slopes(loss, net.parameters())):
        if w.label.startswith("W"):
            w.data -= rate * slope
    return float(sum(half(p.data, y) for p, y in zip(net.outputs(net.inputs), (1.0, 0.0))))


def one_step_plot() -> Any:
    """The loss after one step, by its rate, and what the slope promises."""
    from nn.plot.figure import Plot, new_figure

    net, loss, _ = two_outputs()
    weights = [w for w in net.parameters() if w.label.startswith("W")]
    square = sum(g * g for g in slopes(loss, weights))
    figure, axes = new_figure("rate η", "L", (6, 3.2))
    rates = [0.3 * i for i in range(201)]
    axes.plot(rates, [loss_after(rate) for rate in rates], label="L after one step")
    near = rates[:60]
    axes.plot(
        near, [loss.data - rate * square for rate in near], "--", label="what the slope promises"
    )
    axes.set_title("One step")
    axes.legend()
    return Plot(figure)
