"""How the numbers of a net are labelled: made, and read again, here alone.

>>> weight("1", 0, 2), bias("1", 0), pre_activation("1", 0), activation("1", 0)
('W1[0,2]', 'b1[0]', 'z1[0]', 'a1[0]')
>>> parameter("W1[0,2]")
Parameter(layer='1', neuron=0, input=2)
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from autograd_core import Value
from autograd_core.labels import Parameter, Scheme, register

PARAMETER = re.compile(r"W(.*)\[(\d+),(\d+)\]|b(.*)\[(\d+)\]", re.DOTALL)


def weight(layer: str, neuron: int, of_input: int) -> str:
    """The label of the weight from an input to a neuron."""
    return f"W{layer}[{neuron},{of_input}]"


def bias(layer: str, neuron: int) -> str:
    """The label of a neuron's bias."""
    return f"b{layer}[{neuron}]"


def pre_activation(layer: str, neuron: int) -> str:
    """The label of a neuron's sum."""
    return f"z{layer}[{neuron}]"


def activation(layer: str, neuron: int) -> str:
    """The label of what a neuron says."""
    return f"a{layer}[{neuron}]"


def parameter(label: str) -> Parameter | None:
    """Which weight or bias a label is of, None if of none."""
    match = PARAMETER.fullmatch(label)
    if match is None:
        return None
    layer, neuron, of_input, bias_layer, bias_neuron = match.groups()
    if of_input is None:
        return Parameter(bias_layer, int(bias_neuron), None)
    return Parameter(layer, int(neuron), int(of_input))


register(
    Scheme(
        known_by=f"{weight('1', 0, 2)} and {bias('1', 0)}, which nn.MLP gives",
        parameter=parameter,
        weights="W{}".format,
        sums="z{}".format,
        activations="a{}".format,
    )
)


def name_units(layers: Sequence[Any]) -> None:
    """Label what layer 1 (say) computed last: unit 0 is z1[0] and, activated, a1[0]."""
    for k, layer in enumerate(layers, 1):
        for i, (z, a) in enumerate(zip(layer.pre_activations, layer.activations, strict=True)):
            for value, label in ((a, activation(f"{k}", i)), (z, pre_activation(f"{k}", i))):
                if isinstance(value, Value):  # and not what an activation made by `math`
                    value.label = label
