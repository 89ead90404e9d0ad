"""Ways on: a stack of layers as a PyTorch module and back, and as an ONNX file.

What PyTorch or ONNX has no counterpart of is refused by its name. Weights stay float64 in PyTorch;
an ONNX file may have float32.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from autograd_core import Value
from autograd_core.engine import RELU, SIGMOID, SOFTPLUS, TANH, Op, leaky, power
from autograd_core.extras import needing
from autograd_core.files import write_whole
from nn.given import look_up
from nn.model.layers import Layer, named
from nn.model.mlp import MLP, stack

LINEAR = power(1.0)  # the op that changes nothing
OPSET, IR = 17, 8  # of ONNX in 2022, which all that reads it knows


class Counterpart(NamedTuple):
    """An activation elsewhere: a PyTorch module with its numbers, and ONNX's nodes from x to y."""

    module: str
    numbers: Mapping[str, float]
    nodes: str


# ONNX's LeakyRelu rounds its slope to float32, and runtimes have Softplus for float32 alone.
# PyTorch's Softplus is x from a threshold on, where that is off by exp(-threshold).
COUNTERPARTS: dict[Op, Counterpart] = {
    RELU: Counterpart("ReLU", {}, "y = Relu x"),
    TANH: Counterpart("Tanh", {}, "y = Tanh x"),
    SIGMOID: Counterpart("Sigmoid", {}, "y = Sigmoid x"),
    SOFTPLUS: Counterpart(
        "Softplus",
        {"threshold": 40.0},
        "a = Abs x, b = Neg a, c = Exp b, d = Add c 1.0, e = Log d, f = Relu x, y = Add e f",
    ),
}
SOFTMAX = Counterpart("Softmax", {"dim": -1}, "y = Softmax x")  # along the last axis


def counterpart(layer: Layer, number: int, where: str) -> Counterpart | None:
    """What a layer's activation is elsewhere, None for linear; ValueError where it is nothing."""
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
        nodes = f"a = Relu x, b = Neg x, c = Relu b, d = Mul c {-slope!r}, y = Sub a d"
        return Counterpart("LeakyReLU", {"negative_slope": -slope}, nodes)
    given = layer.activation if isinstance(layer.activation, str) else named(layer.activation)
    raise ValueError(
        f"layer {number}: the activation {op.name if op else given} has no counterpart in {where}; "
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
def to_torch(model: MLP) -> Any:
    """The model as a torch.nn.Sequential of Linear modules and activations, in float64.

    It maps rows of inputs to rows of outputs, also where there is one output. Raises ValueError
    for an activation that PyTorch has no module for.
    """
    import torch

    modules: list[Any] = []
    for number, layer in enumerate(stack(model, "to_torch").layers, 1):
        found = counterpart(layer, number, "PyTorch")
        linear = torch.nn.Linear(layer.n_in, layer.n_out, dtype=torch.float64)
        weights, biases = numbers_of(layer)
        with torch.no_grad():
            linear.weight.copy_(torch.tensor(weights, dtype=torch.float64))
            linear.bias.copy_(torch.tensor(biases, dtype=torch.float64))
        modules.append(linear)
        if found:
            modules.append(getattr(torch.nn, found.module)(**found.numbers))
    return torch.nn.Sequential(*modules)


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
            raise ValueError(f"{place}: an activation, {part}, has no Linear module before it")
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
    return [[w.data for w in neuron.w] for neuron in layer.neurons], [
        neuron.b.data for neuron in layer.neurons
    ]


# --- ONNX ------------------------------------------------------------------------------------


@needing("onnx", "to_onnx")
def to_onnx(model: MLP, path: str | os.PathLike[str], *, dtype: str = "float64") -> None:
    """Write the model to an ONNX file, from inputs "x" to outputs "y", with a row an example.

    `dtype` "float32" is for runtimes and devices without float64. Raises ValueError for an
    activation that ONNX has no operators for.
    """
    import numpy as np
    from onnx import TensorProto, checker, helper, numpy_helper

    kind = look_up("dtype", dtype, {"float64": TensorProto.DOUBLE, "float32": TensorProto.FLOAT})
    numbers, nodes, last = dict[str, list[Any]](), list[str](), "x"
    for number, layer in enumerate(stack(model, "to_onnx").layers, 1):
        found, name = counterpart(layer, number, "ONNX"), f"layer{number}."
        numbers[f"{name}weights"], numbers[f"{name}biases"] = numbers_of(layer)
        nodes.append(f"{name}x = Gemm {last} {name}weights {name}biases")
        lines = found.nodes.split(", ") if found else []
        nodes += [re.sub(r"\b(?=[a-z]\b)", name, line) for line in lines]
        last = nodes[-1].split()[0]
    nodes.append(f"y = Identity {last}")
    made = [node_of(line, numbers) for line in nodes]
    tensors = [
        numpy_helper.from_array(np.array(x, dtype=dtype), name) for name, x in numbers.items()
    ]
    ends = zip("xy", (model.n_in, model.sizes[-1]))
    given, said = [helper.make_tensor_value_info(name, kind, ["n", size]) for name, size in ends]
    graph = helper.make_graph(made, "MLP", [given], [said], tensors)
    version = helper.make_opsetid("", OPSET)
    content = helper.make_model(graph, opset_imports=[version], ir_version=IR)
    checker.check_model(content, full_check=True)
    write_whole(path, content.SerializeToString())


def node_of(line: str, numbers: dict[str, Any]) -> Any:
    """The node that a line describes; a number in it becomes one that the file holds."""
    from onnx import helper

    output, _, op, *operands = line.split()
    for operand in operands:
        if operand[0].isdigit():
            numbers[operand] = float(operand)
    more = {"transB": 1} if op == "Gemm" else {}
    return helper.make_node(op, operands, [output], **more)
