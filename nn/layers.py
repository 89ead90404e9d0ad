"""Neurons, layers and multi-layer perceptrons, built of Values and nothing else.

There is no backward pass here: it falls out of the graph that the forward pass builds.

>>> model = MLP(2, [3, 1], activation="tanh", seed=0)
>>> y = model([0.5, -1.0])
>>> y.backward()
>>> model.layers[0].neurons[0].w[0]
Value(data=0.595593117291618, grad=0.01994215257156061, label='W1[0,0]')
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

from autograd_core import Value, dot, softmax
from autograd_core.engine import Operand, as_value
from nn.given import Seed, as_rng, look_up, plain, whole_number
from nn.init import INITS, Init
from nn.labels import bias, weight
from nn.module import Module

Activation: TypeAlias = Callable[[Value], Value]


def linear(z: Value) -> Value:
    """The activation that changes nothing."""
    return z


ACTIVATIONS: dict[str, Activation] = {
    "linear": linear,
    "relu": Value.relu,
    "leaky_relu": Value.leaky_relu,
    "tanh": Value.tanh,
    "sigmoid": Value.sigmoid,
    "softplus": Value.softplus,
}


class Neuron(Module):
    """activation(w · x + b): weights `w`, one for each input, and a bias `b`.

    The sum is one `dot` node; with `expand=True` it is visible products and sums, for
    pictures. `activation` is a name or a function of a Value, `init` a name or a function
    `(rng, n_in, n_out) -> float`. `seed=None` draws one from Python's global `random`.
    """

    def __init__(
        self,
        n_in: int,
        activation: str | Activation = "relu",
        *,
        init: str | Init = "xavier",
        seed: Seed = None,
        expand: bool = False,
    ) -> None:
        n_in = whole_number("n_in", n_in)
        rng, sample = as_rng(seed), initialiser(init)
        self.activate = activation_of(activation)
        self.expand = expand
        self.w = [Value(sample(rng, n_in, 1), f"w[{j}]") for j in range(n_in)]
        self.b = Value(0.0, "b")

    def pre_activation(self, x: Sequence[Operand]) -> Value:
        """w · x + b."""
        if self.expand:
            first, *products = [w * v for w, v in zip(self.w, x, strict=True)]
            return sum(products, start=first) + self.b
        return dot(self.w, x, self.b)

    def __call__(self, x: Iterable[Operand]) -> Value:
        """The neuron's output for one example."""
        return self.activate(self.pre_activation(inputs(x, len(self.w), "a neuron")))

    def parameters(self) -> list[Value]:
        """The weights, then the bias."""
        return [*self.w, self.b]

    def __repr__(self) -> str:
        return f"Neuron({len(self.w)})"


class Layer(Module):
    """`n_out` neurons side by side, all fed the same `n_in` inputs.

    `activation` may also be "softmax", which takes the layer as a whole. After a call,
    `pre_activations` and `activations` hold that call's Values; after a backward, their
    gradients too. `name` goes into the labels: W1[0,2] is the weight of layer 1 from input 2 to
    neuron 0.
    """

    def __init__(
        self,
        n_in: int,
        n_out: int,
        activation: str | Activation = "relu",
        *,
        init: str | Init = "xavier",
        seed: Seed = None,
        expand: bool = False,
        name: str = "",
    ) -> None:
        n_out = whole_number("n_out", n_out)
        rng, sample = as_rng(seed), initialiser(init)
        self.is_softmax = activation == "softmax"
        self.activate = activation_of("linear" if self.is_softmax else activation)
        self.neurons = [
            Neuron(
                n_in,
                "linear",
                init=lambda rng, n_in, _: sample(rng, n_in, n_out),
                seed=rng,
                expand=expand,
            )
            for _ in range(n_out)
        ]
        for i, neuron in enumerate(self.neurons):
            neuron.activate = self.activate
            neuron.b.label = bias(name, i)
            for j, w in enumerate(neuron.w):
                w.label = weight(name, i, j)
        self.pre_activations: list[Value] = []
        self.activations: list[Value] = []

    def __call__(self, x: Iterable[Operand]) -> list[Value]:
        """The outputs of all neurons for one example."""
        xs = inputs(x, len(self.neurons[0].w), "this layer")
        zs = [neuron.pre_activation(xs) for neuron in self.neurons]
        self.pre_activations = zs
        self.activations = softmax(zs) if self.is_softmax else [self.activate(z) for z in zs]
        return self.activations

    def parameters(self) -> list[Value]:
        """Neuron by neuron, the weights, then the bias."""
        return [p for neuron in self.neurons for p in neuron.parameters()]

    def __getstate__(self) -> dict[str, Any]:
        """What copies and pickles are made of: everything but the Values of the latest call."""
        return {**vars(self), "pre_activations": [], "activations": []}

    def __repr__(self) -> str:
        return f"Layer({len(self.neurons[0].w)}, {len(self.neurons)})"


class MLP(Module):
    """A multi-layer perceptron: `n_in` inputs, then a layer for each of `sizes`.

    Hidden layers use `activation`, or each its own of a list, the last layer `output`; one number
    as `sizes` is a single layer. Calling the model with the inputs of one example gives a Value
    where the last layer has one neuron, and a list of Values otherwise.

    >>> MLP(2, [16, 16, 1])
    MLP(2, [16, 16, 1], activation='relu', output='linear')
    """

    def __init__(
        self,
        n_in: int,
        sizes: int | Sequence[int],
        *,
        activation: str | Activation | Sequence[str | Activation] = "relu",
        output: str | Activation = "linear",
        init: str | Init = "xavier",
        seed: Seed = None,
        expand: bool = False,
    ) -> None:
        widths = list(sizes) if isinstance(sizes, Iterable) else [sizes]
        if not widths:
            raise ValueError("an MLP needs at least one layer, got sizes=[]")
        self.n_in = whole_number("n_in", n_in)
        self.sizes = [whole_number("n_out", width) for width in widths]
        hidden = hidden_activations(activation, len(self.sizes) - 1)
        one = isinstance(activation, str) or callable(activation)
        self.activation = activation if one else hidden
        self.output, self.expand = output, expand
        rng = as_rng(seed)
        self.layers = [
            Layer(before, size, function, init=init, seed=rng, expand=expand, name=str(k))
            for k, (before, size, function) in enumerate(
                zip([n_in, *self.sizes], self.sizes, [*hidden, output], strict=False), 1
            )
        ]

    def outputs(self, x: Iterable[Operand]) -> list[Value]:
        """The last layer's activations for one example, as a list whatever its size."""
        values = [as_value(v) for v in inputs(x, self.n_in, "the model")]
        for layer in self.layers:
            values = layer(values)
        return values

    def __call__(self, x: Iterable[Operand]) -> Any:
        """The output for one example: a Value from one neuron, else a list of Values."""
        outputs = self.outputs(x)
        return outputs[0] if len(outputs) == 1 else outputs

    def parameters(self) -> list[Value]:
        """Layer by layer, neuron by neuron, the weights, then the bias."""
        return [p for layer in self.layers for p in layer.parameters()]

    def __repr__(self) -> str:
        return (
            f"MLP({self.n_in}, {self.sizes}, "
            f"activation={self.activation!r}, output={self.output!r})"
        )


def inputs(x: Iterable[Operand], expected: int, who: str) -> list[Operand]:
    """The inputs as a list of the expected length."""
    if not isinstance(x, Iterable):
        raise TypeError(f"{who} expects a list of {expected} inputs, got {x!r}")
    xs = list(plain("the inputs", x))
    if len(xs) != expected:
        plural = "input" if expected == 1 else "inputs"
        raise ValueError(f"{who} expects {expected} {plural}, got {len(xs)}")
    return xs


def activation_of(name: str | Activation) -> Activation:
    """The activation of that name, or one's own: a function from a Value to a Value."""
    if not callable(name):
        return look_up("activation", name, ACTIVATIONS)
    try:
        result = name(Value(0.5))
    except (ArithmeticError, ValueError):
        return name  # which is not defined there, but may be elsewhere
    if not isinstance(result, Value):
        raise TypeError(
            f"an activation takes a Value to a Value, with operators and methods such as "
            f"z.tanh(); {named(name)} returns a {type(result).__name__}, which has no slope"
        )
    return name


def initialiser(name: str | Init) -> Init:
    """The initialiser of that name, or one's own."""
    return name if callable(name) else look_up("init", name, INITS)


def named(function: Callable[..., Any]) -> str:
    """What a function is called."""
    return getattr(function, "__name__", repr(function))


def hidden_activations(
    activation: str | Activation | Sequence[str | Activation], n_hidden: int
) -> list[str | Activation]:
    """An activation for each hidden layer: one for all, or as many as there are."""
    if isinstance(activation, str) or callable(activation):
        activation_of(activation)  # which is known also where there is no hidden layer
        return [activation] * n_hidden
    if not isinstance(activation, Sequence) or len(activation) != n_hidden:
        raise ValueError(
            f"activation: expected one for all hidden layers, or a list of {n_hidden}, one for "
            f"each of them, got {activation!r}"
        )
    return list(activation)
