"""Ways on: layers one after the other as a PyTorch module and back, any model as an ONNX file.

What PyTorch or ONNX has no counterpart of is refused by its name. Weights stay float64 in PyTorch;
an ONNX file may have float32.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from autograd_core import Value, compile
from autograd_core.engine import RELU, SIGMOID, SOFTPLUS, TANH, Op, leaky, power
from autograd_core.extras import needing
from nn.given import look_up
from nn.model.layers import Layer, calls, named
from nn.model.mlp import MLP
from nn.model.module import named_modules, outputs_of, unchanged
from nn.train.examples import Model
from nn.train.stacks import in_lists

__all__ = ["from_torch", "to_onnx", "to_torch"]

LINEAR = power(1.0)  # the op that changes nothing


class Counterpart(NamedTuple):
    """An activation as a PyTorch module, with its numbers."""

    module: str
    numbers: Mapping[str, float]


# PyTorch's Softplus is x from a threshold on, where that is off by exp(-threshold).
COUNTERPARTS: dict[Op, Counterpart] = {
    RELU: Counterpart("ReLU", {}),
    TANH: Counterpart("Tanh", {}),
    SIGMOID: Counterpart("Sigmoid", {}),
    SOFTPLUS: Counterpart("Softplus", {"threshold": 40.0}),
}
SOFTMAX = Counterpart("Softmax", {"dim": -1})  # along the last axis


def counterpart(layer: Layer, name: str) -> Counterpart | None:
    """What a layer's activation is there, None for linear; ValueError where it is nothing."""
    if layer.is_softmax:
        return SOFTMAX
    op, slope = applied(layer, -1.0)
    if op is not applied(layer, 0.5)[0]:
        op = None  # another one on the other side
    if op is LINEAR:
        return None
    if op in COUNTERPARTS:
        return COUNTERPARTS[op]
    if op and op is leaky(-slope):
        return Counterpart("LeakyReLU", {"negative_slope": -slope})
    given = layer.activation if isinstance(layer.activation, str) else named(layer.activation)
    raise ValueError(
        f"{name}: the activation {op.name if op else given} has no counterpart in PyTorch; "
        f"known are linear, {', '.join([x.name for x in COUNTERPARTS])}, leaky_relu, softmax"
    )


def applied(layer: Layer, number: float) -> tuple[Op | None, float]:
    """The op that an activation is, None for any other function, and what it makes of a number."""
    z = Value(number)
    try:
        a = layer.activate(z)
    except (ArithmeticError, ValueError):
        return None, 0.0
    if a is z:
        return LINEAR, number
    return (a.op, a.data) if a.parents == (z,) else (None, 0.0)


# --- PyTorch ---------------------------------------------------------------------------------


@needing("torch", "to_torch")
def to_torch(model: Model) -> Any:
    """The model as a torch.nn.Sequential of Linear modules and activations, in float64.

    It takes an MLP, and any Module that hands its inputs through Layers, one after the other. It
    maps rows of inputs to rows of outputs, also where there is one output; Dropout is left out.
    Raises ValueError for an activation that PyTorch has no module for, and for anything else that
    happens to the numbers on their way.
    """
    import torch

    modules: list[Any] = []
    known: dict[Layer, Any] = {}  # one that is called again is one module
    for name, layer in layers_of(model):
        found = counterpart(layer, name)
        known[layer] = known.get(layer) or linear_of(layer)
        modules.append(known[layer])
        if found:
            modules.append(getattr(torch.nn, found.module)(**found.numbers))
    return torch.nn.Sequential(*modules)


def linear_of(layer: Layer) -> Any:
    """The weights and biases of a layer as a torch.nn.Linear."""
    import torch

    linear = torch.nn.Linear(layer.n_in, layer.n_out, dtype=torch.float64)
    with torch.no_grad():
        for parameter, numbers in zip((linear.weight, linear.bias), numbers_of(layer), strict=True):
            parameter.copy_(torch.tensor(numbers, dtype=torch.float64))
    return linear


def layers_of(model: Model) -> list[tuple[str, Layer]]:
    """The layers that numbers go through, each with its name; ValueError where that is not all.

    It is found by a call, whose Values are followed.
    """
    names = {part: name for name, part in named_modules(model) if isinstance(part, Layer)}
    kind = type(model).__name__
    if not names:
        raise ValueError(f"to_torch reads layer by layer, and this {kind} has no Layer")
    at: Any = [Value(0.5) for _ in range(next(iter(names)).n_in)]
    with unchanged(model), calls() as made:
        said = outputs_of(model(at))
    for call in made:
        check_same(call.inputs, at, f"what goes into {names[call.layer]}")
        at = call.activations
    check_same(said, at, f"what the {kind} gives")
    return [(names[call.layer], call.layer) for call in made]


def check_same(found: Sequence[Any], expected: Sequence[Any], what: str) -> None:
    """ValueError where Values are not those that the layer before gave."""
    if len(found) != len(expected) or any(x is not y for x, y in zip(found, expected)):
        raise ValueError(
            f"{what} is not what comes out of the layer before: to_torch takes layers that follow "
            "each other, and nothing between; to_onnx takes any model"
        )


def from_torch(module: Any) -> MLP:
    """The MLP that a torch.nn.Sequential of Linear modules and activations is.

    Raises ValueError for a module that an MLP has no counterpart of, naming it.
    """
    layers: list[list[Any]] = []
    for place, part in flat(module):
        kind = type(part).__name__
        if kind == "Linear":
            layers.append([part, "linear"])
        elif not layers or layers[-1][1] != "linear":
            raise ValueError(f"{place}: {part} has no Linear module before it")
        elif kind != "Identity":
            layers[-1][1] = activation_in_torch(part, place)
    if not layers:
        raise ValueError(f"there is no Linear module in this {type(module).__name__}")
    *hidden, output = [activation for _, activation in layers]
    sizes = [linear.out_features for linear, _ in layers]
    first = layers[0][0].in_features
    model = MLP(first, sizes, activation=hidden, output=output, init="zeros", seed=0)
    for number, (layer, (linear, _)) in enumerate(zip(model.layers, layers, strict=True), 1):
        if linear.in_features != layer.n_in:
            raise ValueError(
                f"layer {number} has {linear.in_features} inputs, and {layer.n_in} come from the "
                "one before"
            )
        fill(layer, linear)
    return model


def flat(module: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """The modules in a Sequential, those of Sequentials in it too, each with its name."""
    if type(module).__name__ != "Sequential":
        raise TypeError(f"expected a torch.nn.Sequential, got a {type(module).__name__}")
    for name, part in module.named_children():
        if type(part).__name__ == "Sequential":
            yield from flat(part, f"{place}{name}.")
        else:
            yield f"module {place}{name}", part


def activation_in_torch(part: Any, place: str) -> Any:
    """What an activation module is called here."""
    known = {found.module: op.name for op, found in COUNTERPARTS.items()}
    name = type(part).__name__
    if name == "LeakyReLU":
        slope = float(part.negative_slope)
        return "leaky_relu" if slope == 0.01 else lambda z: z.leaky_relu(slope)
    if name == "Softmax" and part.dim in {-1, 1}:
        return "softmax"
    if name not in known or (name == "Softplus" and part.beta != 1):
        raise ValueError(f"{place}: an MLP has no counterpart of {part}")
    return known[name]


def fill(layer: Layer, linear: Any) -> None:
    """Set a layer's parameters to those of a Linear module."""
    biases = [0.0] * layer.n_out if linear.bias is None else linear.bias.tolist()
    for neuron, weights, bias in zip(layer.neurons, linear.weight.tolist(), biases, strict=True):
        neuron.b.data = bias
        for w, weight in zip(neuron.w, weights, strict=True):
            w.data = weight


def numbers_of(layer: Layer) -> tuple[list[list[float]], list[float]]:
    """The weights, with a row for each neuron, and the biases."""
    weights = [[w.data for w in neuron.w] for neuron in layer.neurons]
    return weights, [neuron.b.data for neuron in layer.neurons]


# --- ONNX ------------------------------------------------------------------------------------


@needing("onnx", "to_onnx")
def to_onnx(
    model: Model,
    path: str | os.PathLike[str],
    *,
    example: Any = None,
    dtype: str = "float64",
) -> None:
    """Write any model to an ONNX file, from inputs "x" to outputs "y", with a row an example.

    An `example` of what it is called with, a number or nested lists, says how many inputs there
    are; an MLP says so itself. The file has what the model computes as it is compiled, ops of your
    own included; ValueError names an op that ONNX has no operators for. `dtype` "float32" is for
    runtimes and devices without float64; onnxruntime has arcsin, arccos and arctan for it alone.
    """
    import numpy as np

    look_up("dtype", dtype, {"float64": None, "float32": None})
    if example is None and not isinstance(model, MLP):
        kind = type(model).__name__
        raise TypeError(f"to_onnx needs an example of what a {kind} is called with: example=[...]")
    first: Any = [0.5] * model.n_in if isinstance(model, MLP) and example is None else example
    some = np.array([first], dtype=float)
    with unchanged(model):
        program = compile(lambda x: listed(model(in_lists(x))), batched=True)
        program.prepare(some)
    if program.current().returned.outline[0] != "numbers":
        raise ValueError(
            "a model in ONNX gives a Value, or lists of them that are all of one length"
        )
    from autograd_core.compiler.to_onnx import write

    write(program.current(), some.shape[1:], path, dtype)


def listed(said: Any) -> Any:
    """What a model gave, as a list also where it is one Value."""
    return list(said) if isinstance(said, (list, tuple)) else [said]
