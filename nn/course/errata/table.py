"""What is printed wrong in the documents, what it must be, and the numbers that decide it.

Each row is computed three times: by the engine, by the formula as it must be, and as printed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from autograd_core import Value
from nn import MLP

Shown: TypeAlias = Any  # a number, some numbers, a shape in words


@dataclass(frozen=True)
class Erratum:
    """A place in a document; what is printed there and what must be; what each comes to."""

    place: str
    printed: str
    right: str
    by_engine: Shown
    by_right: Shown
    by_printed: Shown

    @property
    def is_decided(self) -> bool:
        """Whether the engine agrees with the right formula, and not with the printed one."""
        return agree(self.by_engine, self.by_right) and not agree(self.by_engine, self.by_printed)


def agree(x: Shown, z: Shown) -> bool:
    """Whether two results are the same but for rounding."""
    if isinstance(x, str) or isinstance(z, str) or np.shape(x) != np.shape(z):
        return bool(isinstance(x, str) and x == z)
    return bool(np.allclose(x, z, rtol=1e-9, atol=1e-12))


class Errata(list[Erratum]):
    """Rows that show themselves as a table."""

    def _repr_markdown_(self) -> str:
        lines = ["| | printed | must be | engine | right | printed |", "|:--" * 6 + "|"]
        for e in self:
            numbers = [in_words(x) for x in (e.by_engine, e.by_right, e.by_printed)]
            texts = [unbroken(text) for text in (e.place, e.printed, e.right)]
            lines.append("| " + " | ".join([*texts, *numbers]) + " |")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"<{len(self)} errata>"


def unbroken(text: str) -> str:
    """Formulas in braces: these are not broken into lines where a column is narrow."""
    return re.sub(r"\$([^$]+)\$", r"${\1}$", text)


def in_words(x: Shown) -> str:
    """A result in a cell of the table."""
    if isinstance(x, (str, int)):
        return str(x)
    if np.ndim(x):
        return "(" + ", ".join(["∞" if np.isinf(v) else f"{round(v, 4) + 0.0:g}" for v in x]) + ")"
    return "∞" if np.isinf(x) else f"{x + 0.0:.4f}"


# --- Nets with weights of our choice ----------------------------------------------------------


def net(*weights: Any, **options: Any) -> MLP:
    """A net with these weights, W[i, j] leading to unit i from unit j, and biases of 0."""
    model = MLP(np.shape(weights[0])[1], [len(W) for W in weights], init="zeros", **options)
    for layer, W in zip(model.layers, weights):
        for neuron, row in zip(layer.neurons, W):
            for w, number in zip(neuron.w, row):
                w.data = float(number)
    return model


def slopes(model: MLP) -> list[Any]:
    """The gradients of the weights, as matrices."""
    return [np.array([[w.grad for w in n.w] for n in layer.neurons]) for layer in model.layers]


def off(x: Any, z: Any) -> float:
    """The largest difference of two lots of numbers; rounding, below 1e-12, counts as 0."""
    largest = float(np.max(np.abs(np.subtract(x, z))))
    return largest if largest > 1e-12 else 0.0


def data(values: Sequence[Value]) -> Any:
    """Their numbers."""
    return np.array([v.data for v in values])


def grads(values: Sequence[Value]) -> Any:
    """Their gradients."""
    return np.array([v.grad for v in values])


def logistic(z: Any) -> Any:
    """σ(z) of numbers or an array."""
    return 1 / (1 + np.exp(-z))


def shape(x: Any) -> str:
    """A shape in words: 2 × 3."""
    return " × ".join(map(str, np.shape(x))) or "1"


def product(f: Callable[[Any, Any], Any], x: Any, z: Any) -> str:
    """The shape of a product, or that there is none."""
    try:
        return shape(f(x, z))
    except ValueError:
        return f"none: {shape(x)} and {shape(z)}"


def at(*shape: int) -> Any:
    """An array of ones."""
    return np.ones(shape)
