"""Neurons and layers of them, built of Values and nothing else."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple, TypeAlias

from autograd_core import Value, dot, softmax
from autograd_core.engine import Operand
from nn.given import Seed, as_rng, look_up, plain, whole_number
from nn.model.init import INITS, Init
from nn.model.labels import bias, weight
from nn.model.module import Module

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
        self.n_in, self.activation, self.expand = n_in, activation, expand
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
        self.n_in, self.n_out = n_in, whole_number("n_out", n_out)
        self.activation, self.expand, self.name = activation, expand, name
        rng, sample = as_rng(seed), initialiser(init)
        self.is_softmax = activation == "softmax"
        alone = "linear" if self.is_softmax else activation
        self.activate = activation_of(activation, {**ACTIVATIONS, "softmax": linear})

        def start(rng: random.Random, n_in: int, _: int) -> float:
            return sample(rng, n_in, self.n_out)

        self.neurons = [
            Neuron(n_in, alone, init=start, seed=rng, expand=expand) for _ in range(self.n_out)
        ]
        for i, neuron in enumerate(self.neurons):
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
        watched = WATCHED.get()
        if watched is not None:
            watched.append(LayerCall(self, xs, zs, self.activations))
        return self.activations

    def parameters(self) -> list[Value]:
        """Neuron by neuron, the weights, then the bias."""
        # An activation that is constant would leave leaves in `activations`, too.
        return [p for neuron in self.neurons for p in neuron.parameters()]

    def parts(self) -> Mapping[str, Any]:
        """The weights as a matrix W with a row for each neuron, and the biases b."""
        return {
            "W": [neuron.w for neuron in self.neurons],
            "b": [neuron.b for neuron in self.neurons],
        }

    def __getstate__(self) -> dict[str, Any]:
        """What copies and pickles are made of: everything but the Values of the latest call."""
        return {**vars(self), "pre_activations": [], "activations": []}

    def __repr__(self) -> str:
        return f"Layer({len(self.neurons[0].w)}, {len(self.neurons)})"


class LayerCall(NamedTuple):
    """What one call of a layer took in and computed."""

    layer: Layer
    inputs: list[Operand]
    pre_activations: list[Value]
    activations: list[Value]


WATCHED: ContextVar[list[LayerCall] | None] = ContextVar("WATCHED", default=None)


@contextmanager
def calls() -> Iterator[list[LayerCall]]:
    """The calls of layers while the block runs, one after the other.

    >>> shared = Layer(1, 1, "tanh", seed=0)
    >>> with calls() as made:
    ...     _ = shared(shared([0.5]))
    >>> [call.layer is shared for call in made]
    [True, True]
    """
    made: list[LayerCall] = []
    token = WATCHED.set(made)
    try:
        yield made
    finally:
        WATCHED.reset(token)


def inputs(x: Iterable[Operand], expected: int, who: str) -> list[Operand]:
    """The inputs as a list of the expected length."""
    if not isinstance(x, Iterable):
        raise TypeError(f"{who} expects a list of {expected} inputs, got {x!r}")
    xs = list(plain("the inputs", x))
    if len(xs) != expected:
        plural = "input" if expected == 1 else "inputs"
        raise ValueError(f"{who} expects {expected} {plural}, got {len(xs)}")
    return xs


def activation_of(name: str | Activation, known: dict[str, Activation] = ACTIVATIONS) -> Activation:
    """The activation of that name, or one's own: a function from a Value to a Value."""
    if not callable(name):
        return look_up("activation", name, known)
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
