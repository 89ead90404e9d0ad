"""What the layers of a model do on data: activations, slopes and the norms of gradients."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import mul
from typing import Any
from weakref import WeakKeyDictionary

from autograd_core import Value, gradient, total
from autograd_core.engine import as_value
from nn.losses import Loss
from nn.model.layers import Layer, LayerCall, calls
from nn.model.mlp import MLP
from nn.model.module import Module, leaves, named_modules, outputs_of, unchanged
from nn.model.shape import SOFTMAX, ActivationShape, shape_of
from nn.train.examples import AnyLoss, Examples, Model, cost
from nn.train.history import History
from nn.train.stacks import each, kept, reference, weakly


@dataclass(frozen=True, slots=True)
class LayerReadings:
    """What a layer is and did, as lists with a list for each unit and in it its numbers.

    `number` counts the layers from 1, in the order in which they are called first. A unit's
    `parameters` are its weights and its bias; all else has a number for each call, or none where
    one of them is not finite: `examples` says of each call for which example it was. `bends` are
    the slopes of the activation, `slopes` those of an example's loss along the pre-activations.
    """

    name: str
    number: int
    shape: ActivationShape
    parameters: list[list[float]]
    examples: list[int]
    inputs: list[list[float]]
    pre_activations: list[list[float]]
    activations: list[list[float]]
    bends: list[list[float]]
    slopes: list[list[float]]

    @property
    def size(self) -> int:
        """How many units the layer has."""
        return len(self.parameters)

    def gradient_norm(self) -> float:
        """The length of the gradient by the layer's parameters, in the mean over the examples.

        The gradient by a weight is its unit's slope times its input, that by a bias the slope.
        """
        made: dict[int, list[tuple[Any, Any]]] = {}
        for i, slopes, inputs in zip(self.examples, zip(*self.slopes), zip(*self.inputs)):
            made.setdefault(i, []).append((slopes, (1.0, *inputs)))
        return sum(map(norm_of_sum, made.values())) / max(1, len(made))

    def mean_gradient(self, n: int) -> list[float]:
        """The gradient of the mean loss over n examples by the layer's parameters."""
        ones = [1.0] * len(self.examples)
        return [
            sum(map(mul, slopes, inputs)) / n
            for slopes in self.slopes
            for inputs in [*self.inputs, ones]
        ]


def norm_of_sum(products: Sequence[tuple[Sequence[float], Sequence[float]]]) -> float:
    """The length of a sum of outer products; of one, that of its left times that of its right."""
    if len(products) == 1:
        return math.hypot(*products[0][0]) * math.hypot(*products[0][1])
    square = sum([inner(s, t) * inner(x, y) for s, x in products for t, y in products])
    return math.sqrt(max(0.0, square))


def inner(xs: Sequence[float], ys: Sequence[float]) -> float:
    """The sum of products."""
    return math.fsum(map(mul, xs, ys))


@dataclass(frozen=True, slots=True)
class Readings:
    """A model's parameters, what it says to each example, and what each of its layers does.

    `others` are the slopes, example by example, along the parameters that no layer has. `output`
    is the layer whose activations the model gives as they are, if there is one.
    """

    parameters: list[float]
    outputs: list[list[float]]
    layers: list[LayerReadings]
    output: LayerReadings | None
    others: list[list[float]]
    is_finite: bool

    @property
    def largest_parameter(self) -> float:
        """The largest parameter, whatever its sign."""
        return largest(self.parameters)

    @property
    def gradient_norm(self) -> float:
        """The length of the mean loss's gradient."""
        n = len(self.outputs)
        others = [sum(slopes) / n for slopes in zip(*self.others)]
        return math.hypot(*others, *[v for layer in self.layers for v in layer.mean_gradient(n)])

    @property
    def typical_norm(self) -> float:
        """The length of one example's gradient, in the mean layer by layer."""
        others = sum([math.hypot(*slopes) for slopes in self.others]) / len(self.others)
        return math.hypot(others, *[layer.gradient_norm() for layer in self.layers])


def largest(numbers: Iterable[float]) -> float:
    """The largest number, whatever its sign; NaN is larger than any."""
    sizes = list(map(abs, numbers))
    return math.nan if any(map(math.isnan, sizes)) else max(sizes, default=0.0)


def read(model: Model, data: Examples) -> Readings:
    """What a model and its layers are, and do on the data if all the numbers are finite.

    What is compiled for it is kept with the model, and serves again while that is unchanged.
    """
    layers, last = layers_of(model, data.X[0])
    own = {p for layer in layers.values() for p in layer.parameters()}
    parameters = list(dict.fromkeys(model.parameters()))
    others = [p for p in parameters if p not in own]
    example = example_of(model, data, layers, others)
    use = "readings", reference(data.formula), *map(reference, layers.values()), *others
    try:
        found = each(example, data.X, data.targets, kept(model, use))
    except (ArithmeticError, ValueError):
        found = []
    if not is_finite(found):
        found = []
    made = {
        layer: layer_readings(name, k, layer, [rows[k - 1] for _, _, rows in found])
        for k, (name, layer) in enumerate(layers.items(), 1)
    }
    called = [row for row in made.values() if row.examples or not found]
    outputs = [said for (_, *said), _, _ in found]
    slopes = [slopes for _, slopes, _ in found]
    output = made[last] if last else None
    return Readings([p.data for p in parameters], outputs, called, output, slopes, bool(found))


def example_of(
    model: Model, data: Examples, layers: Mapping[str, Layer], others: Sequence[Value]
) -> Callable[[Any, Any], list[Any]]:
    """What is read of an example: loss and outputs, slopes of other parameters, and each layer's.

    It keeps neither model nor layers nor loss alive.
    """
    of_model, formula, named = weakly(model), weakly(data.formula), isinstance(data.loss, Loss)
    places = WeakKeyDictionary({layer: k for k, layer in enumerate(layers.values())})

    def example(x: Any, target: Any) -> list[Any]:
        with calls() as every:
            prediction = of_model(x)
        loss = cost(formula, prediction, target, named=named)
        made = [call for call in every if call.layer in places]
        zs = [z for call in made for z in call.pre_activations]
        slopes = iter(gradient(loss, *zs, *others))
        rows: list[list[Any]] = [[] for _ in places]
        for call in made:
            found = [*of_call(call), [next(slopes) for _ in call.activations]]
            rows[places[call.layer]].append(found)
        return [[loss, *outputs_of(prediction)], list(slopes), rows]

    return example


def of_call(call: LayerCall) -> list[list[Value]]:
    """The inputs, pre-activations, activations and slopes of activations of a call."""
    zs, activations = call.pre_activations, [as_value(a) for a in call.activations]
    bends = [] if call.layer.is_softmax else gradient(total(activations), *zs)
    return [[as_value(x) for x in call.inputs], zs, activations, list(bends)]


def is_finite(x: list[Any]) -> bool:
    """Whether all the numbers in nested lists are."""
    innermost = bool(x) and isinstance(x[0], float)
    return all(map(math.isfinite if innermost else is_finite, x))


def layer_readings(
    name: str, number: int, layer: Layer, made: Sequence[Sequence[Any]]
) -> LayerReadings:
    """Of a layer, from its calls for each example."""
    examples = [i for i, rows in enumerate(made) for _ in rows]
    tables = zip(*[row for rows in made for row in rows]) if examples else [[]] * 5
    columns = [[list(column) for column in zip(*table)] for table in tables]
    shape = SOFTMAX if layer.is_softmax else shape_of(layer.activate)
    weights = [[p.data for p in neuron.parameters()] for neuron in layer.neurons]
    return LayerReadings(name, number, shape, weights, examples, *columns)


def layers_of(model: Model, x: Any) -> tuple[dict[str, Layer], Layer | None]:
    """The layers by name, in the order in which they are called first, and that of the outputs.

    The layers of an MLP are called by their number, those of other models by where they are kept.
    """
    with unchanged(model), calls() as made:
        try:
            said = model(x)
        except (ArithmeticError, ValueError):
            said = None
        last = made[-1] if made and is_given(made[-1].activations, said) else None
    kept = {part: path for path, part in named_modules(model) if isinstance(part, Layer)}
    every = list(dict.fromkeys([*[call.layer for call in made], *kept]))
    if isinstance(model, MLP):
        return {str(k): layer for k, layer in enumerate(every, 1)}, model.layers[-1]
    names = {kept.get(layer, str(k)): layer for k, layer in enumerate(every, 1)}
    return names, last.layer if last else None


def activations_on(model: Model, X: Sequence[Any]) -> dict[str, list[list[float]]]:
    """What each layer, by its name, says to the examples: a row for each call."""
    layers, _ = layers_of(model, X[0])

    def every(x: Any, _: Any) -> list[list[list[Value]]]:
        with calls() as made:
            model(x)
        return [
            [list(map(as_value, call.activations)) for call in made if call.layer is layer]
            for layer in layers.values()
        ]

    with unchanged(model):
        found = each(every, X, [0.0] * len(X))
    tables = [[row for rows in made for row in rows] for made in zip(*found)]
    return {name: rows for name, rows in zip(layers, tables) if rows}


def is_given(activations: Sequence[Any], prediction: Any) -> bool:
    """Whether a prediction is these activations and nothing else."""
    given = prediction if isinstance(prediction, list) else [prediction]
    return len(given) == len(activations) and all(a is b for a, b in zip(given, activations))


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
