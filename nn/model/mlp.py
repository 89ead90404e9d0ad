"""Multi-layer perceptrons, built of layers and nothing else.

There is no backward pass here: it falls out of the graph that the forward pass builds.

>>> model = MLP(2, [3, 1], activation="tanh", seed=0)
>>> y = model([0.5, -1.0])
>>> y.backward()
>>> model.layers[0].neurons[0].w[0]
Value(data=0.595593117291618, grad=0.01994215257156061, label='W1[0,0]')
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from autograd_core import Value
from autograd_core.engine import Operand, as_value
from nn.given import Seed, as_rng, share, whole_number
from nn.model.dropout import Dropout
from nn.model.init import Init
from nn.model.layers import Activation, Layer, activation_of, inputs
from nn.model.module import Module


class MLP(Module):
    """A multi-layer perceptron: `n_in` inputs, then a layer for each of `sizes`.

    Hidden layers use `activation`, or each its own of a list, the last layer `output`; one number
    as `sizes` is a single layer. In training, what a hidden layer says is left out with probability
    `dropout` (see `Dropout`). Calling the model with the inputs of one example gives a Value
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
        dropout: float = 0.0,
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
        self.dropout, self.drop = share("dropout", dropout), Dropout(dropout)
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
        for layer in self.layers[:-1]:
            values = self.drop(layer(values)) if self.dropout else layer(values)
        return self.layers[-1](values)

    def __call__(self, x: Iterable[Operand]) -> Any:
        """The output for one example: a Value from one neuron, else a list of Values."""
        outputs = self.outputs(x)
        return outputs[0] if len(outputs) == 1 else outputs

    def __repr__(self) -> str:
        return (
            f"MLP({self.n_in}, {self.sizes}, "
            f"activation={self.activation!r}, output={self.output!r}"
            + (f", dropout={self.dropout:g})" if self.dropout else ")")
        )


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


def stack(model: Any, reader: str) -> MLP:
    """The model, if it is a plain stack of layers; a TypeError that names who reads it so."""
    if isinstance(model, MLP):
        return model
    raise TypeError(f"{reader} reads layer by layer: it needs an MLP, got a {type(model).__name__}")
