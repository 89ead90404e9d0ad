"""Columns brought to one scale for training, and the trained model given back to raw numbers.

Gradient descent is slow where one input runs from 0 to 1 and another to 1,000. So each column is
trained on less its mean and over its standard deviation; afterwards both go into the weights.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from nn.model.mlp import MLP


@dataclass(frozen=True, slots=True)
class ColumnScale:
    """What is subtracted from the numbers of a column, and what they are divided by."""

    mean: float = 0.0
    deviation: float = 1.0

    @classmethod
    def of(cls, name: str, numbers: Sequence[float]) -> ColumnScale:
        """Mean and standard deviation; only the mean of numbers that are all the same.

        Raises ValueError for numbers that cannot be told apart on such a scale.
        """
        if min(numbers) == max(numbers):
            return cls(numbers[0])
        n = len(numbers)
        mean = math.fsum([x / n for x in numbers])
        # By halves: the difference of two numbers may be too large for one.
        deviation = 2 * math.hypot(*[(x / 2 - mean / 2) / math.sqrt(n) for x in numbers])
        if not deviation or not math.isfinite(1 / deviation) or not math.isfinite(mean / deviation):
            raise ValueError(
                f"column {name}: numbers from {min(numbers):g} to {max(numbers):g} cannot be "
                "brought to one scale"
            )
        return cls(mean, deviation)

    def __call__(self, x: float) -> float:
        """A number of the column on the common scale."""
        return (x / 2 - self.mean / 2) / (self.deviation / 2)


def for_raw_numbers(model: MLP, inputs: Sequence[ColumnScale], output: ColumnScale) -> MLP:
    """The model that does on raw numbers what this one does on scaled ones."""
    raw = MLP(**model.arguments(), init="zeros")
    for p, trained in zip(raw.parameters(), model.parameters(), strict=True):
        p.data = trained.data
    for neuron in raw.layers[0].neurons:
        for w, scale in zip(neuron.w, inputs, strict=True):
            w.data /= scale.deviation
            neuron.b.data -= w.data * scale.mean
    for neuron in raw.layers[-1].neurons:
        for p in neuron.parameters():
            p.data *= output.deviation
        neuron.b.data += output.mean
    return raw
