"""What the labels of parameters mean: the library that gives them says it here.

Nets are drawn by their neurons, which are found in a graph by the labels of their parameters. A
library of neural nets registers how it labels when it is imported.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


class Parameter(NamedTuple):
    """What a label tells: the layer's name, the neuron's place in it, which input is weighed.

    A bias weighs no input: None.
    """

    layer: str
    neuron: int
    input: int | None


class Scheme(NamedTuple):
    """How a library labels parameters, and what it calls the arrays of a layer.

    `parameter` reads a label, None for what is no parameter's; `weights`, `sums` and
    `activations` name the arrays of the layer of a name. `known_by` has labels as an example.
    """

    known_by: str
    parameter: Callable[[str], Parameter | None]
    weights: Callable[[str], str]
    sums: Callable[[str], str]
    activations: Callable[[str], str]


registered: list[Scheme] = []  # the latest counts


def register(scheme: Scheme) -> Scheme:
    """Read labels by this scheme from now on."""
    registered.append(scheme)
    return scheme


def scheme() -> Scheme:
    """The scheme registered last; ValueError where there is none."""
    if not registered:
        raise ValueError(
            "nobody has said how the parameters of a neuron are labelled: import nn, or tell it "
            "by autograd_core.labels.register(Scheme(...))"
        )
    return registered[-1]
