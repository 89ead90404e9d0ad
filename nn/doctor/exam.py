"""What the doctor's rules look at: data, what the layers do on them, and what follows."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from nn.datasets import xor
from nn.doctor.findings import Change, first, listed
from nn.losses import LOSSES, Loss
from nn.model.shape import ActivationShape
from nn.readings import LayerReadings, Readings
from nn.train.examples import Examples, numbers_in

FITTED = 0.95  # a model is fitted from this share of labels right,
EXPLAINED = 0.5  # or, where targets are numbers, from this share of their variance explained
TIE = 1e-3  # outputs closer than this to where the label changes do not decide
LARGE = 10.0  # inputs, targets and weights are expected below this
REST = 0.01  # the examples' gradients cancel: their mean is below this share of their size

ANY = (-math.inf, math.inf)


@dataclass(frozen=True, slots=True)
class Exam:
    """The data, what the model does on them, the losses so far, and the first failure, if any.

    `loss` is None where it is a function of one's own. `is_stack` says that the model is layers
    one after the other, `looks_up` that inputs are indices, of an embedding.
    """

    data: Examples
    loss: Loss | None
    readings: Readings
    losses: list[float]
    failure: str
    is_stack: bool
    looks_up: bool

    @property
    def layers(self) -> list[LayerReadings]:
        """What the layers do."""
        return self.readings.layers

    @property
    def hidden(self) -> list[LayerReadings]:
        """The layers whose activations are not the outputs."""
        return [layer for layer in self.layers if layer is not self.readings.output]

    @property
    def outputs(self) -> list[list[float]]:
        """What the model says to each example."""
        return self.readings.outputs

    @property
    def inputs(self) -> list[list[float]]:
        """The numbers that each example is; of sequences that differ in length, each a row."""
        rows = [] if self.looks_up else list(map(numbers_in, self.data.X))
        if len(set(map(len, rows))) > 1:
            return [[number] for row in rows for number in row]
        return rows

    @property
    def fitted(self) -> bool | None:
        """Whether the model fits its data; None where the loss does not tell."""
        if self.failure:
            return False
        if self.data.labels is not None:
            return self.right(self.outputs) >= FITTED * self.data.n
        return None if self.explained is None else self.explained >= EXPLAINED

    @property
    def summary(self) -> str:
        """How well the model fits, in one sentence."""
        if self.failure:
            return "a number is not finite"
        if self.is_constant and not self.fitted:
            return f"the output is constant ({listed([f'{x:.3g}' for x in self.outputs[0]])})"
        if self.data.labels is not None:
            return self.hits
        if self.explained is None:
            return f"nothing found on {self.data.n} examples"
        return f"{self.explained:.0%} of the targets' variance is explained"

    @property
    def noun(self) -> str:
        """What the examples are called."""
        assert self.data.labels is not None
        given = list(zip(self.data.X, self.data.labels))
        return "XOR corners" if sorted(given) == list(zip(*xor())) else "examples"

    def says(self, outputs: Sequence[float]) -> int | None:
        """The label that outputs speak for; None where they are too close to a tie."""
        *_, second, first = sorted(outputs) if len(outputs) > 1 else [self.data.threshold, *outputs]
        return self.loss.label(outputs) if self.loss and abs(first - second) >= TIE else None

    def right(self, outputs: Iterable[Sequence[float]]) -> int:
        """How many examples get their label; a tie is none."""
        assert self.data.labels is not None
        return sum([self.says(o) == label for o, label in zip(outputs, self.data.labels)])

    @property
    def hits(self) -> str:
        """How many examples get their label; by name those few, or of which class, that do not."""
        labels, said, n = self.data.labels, list(map(self.says, self.outputs)), self.data.n
        assert labels is not None
        missed = [i for i, label in enumerate(labels) if said[i] != label]
        right = f"{n - len(missed)} of {n}" if missed else f"all {n}"
        share = f" ({1 - len(missed) / n:.1%})" if missed and n > 4 else ""
        told = f"{right} {self.noun} are right{share}"
        if self.fitted or not missed:
            return told
        if n > 20:
            return f"{told}; missed are {by_class([labels[i] for i in missed], labels)}"
        for how, tied in (("wrong", False), ("undecided", True)):
            at = [point(i, self.data.X[i]) for i in missed if (said[i] is None) == tied]
            told += f"; {how} at {first(3, at)}" if at else ""
        return told

    @property
    def explained(self) -> float | None:
        """The share of the targets' variance that the predictions explain; None where unknown."""
        return self.explained_by(list(zip(*self.outputs))) if self.takes_numbers else None

    def explained_by(self, predictions: Sequence[Sequence[float]]) -> float:
        """The share of the targets' variance that predictions, output by output, explain."""
        missed = varied = size = 0.0
        for said, asked in zip(predictions, zip(*self.data.targets)):
            mean = sum(asked) / len(asked)
            missed += sum([(a - b) * (a - b) for a, b in zip(said, asked)])
            varied += sum([(b - mean) * (b - mean) for b in asked])
            size += sum([b * b for b in asked])
        return max(0.0, 1 - missed / (varied or size or 1.0))  # equal targets count from 0

    @property
    def takes_numbers(self) -> bool:
        """Whether the loss compares outputs with numbers."""
        return self.loss is not None and self.loss.takes_numbers

    @property
    def is_constant(self) -> bool:
        """Whether no output moves by 1% of what its targets do, over two examples or more."""
        if self.data.n == 1 or not self.loss:
            return False
        pairs = zip(zip(*self.outputs), zip(*self.data.targets))
        return all(max(a) - min(a) <= 0.01 * (max(b) - min(b)) for a, b in pairs)

    @property
    def rests(self) -> bool:
        """Whether the examples' gradients cancel, so that training stays where it is."""
        return self.readings.gradient_norm <= REST * self.readings.typical_norm

    @property
    def is_flat(self) -> bool:
        """Whether the loss hardly moved in ten epochs or more, though training does not rest."""
        losses = self.losses
        return len(losses) >= 10 and min(losses) >= 0.99 * losses[0] and not self.rests

    @property
    def output(self) -> ActivationShape:
        """The shape of the activation that the outputs come from."""
        last = self.readings.output
        if last and last.shape.op == "softmax" and last.size == 1:
            return ActivationShape("softmax", 1.0, 1.0)  # the share of one is all
        return last.shape if last else ActivationShape("")

    @property
    def scored(self) -> str:
        """The activation that the loss has within it, as it takes scores; "" for another loss."""
        name = self.loss.name if self.loss else None
        return next((row.outputs[0] for row in LOSSES.values() if row.scores == name), "")

    @property
    def asked(self) -> tuple[float, float]:
        """Between which numbers the loss wants the outputs."""
        numbers = [number for target in self.data.targets for number in target]
        return ANY if self.scored else (min(numbers), max(numbers))

    @property
    def straight(self) -> str:
        """What least squares reaches with the inputs alone, unless it fits, or cannot tell."""
        import numpy as np

        if not (self.is_stack and self.loss):
            return ""
        X, T = np.array([[*x, 1.0] for x in self.data.X]), np.array(self.data.targets)
        Z = X @ np.linalg.lstsq(X, T)[0]
        if self.data.labels is None:
            share = self.explained_by(Z.T.tolist())
            return "" if share >= EXPLAINED else f"explains {share:.0%} of the targets' variance"
        if Z.shape[1] == 1:
            Z += self.loss.threshold - (T.min() + T.max()) / 2
        right, n = self.right(Z.tolist()), self.data.n
        return "" if right >= FITTED * n else f"gets {right} of {n} {self.noun} right"

    def activate(self, layer: LayerReadings) -> Change:
        """An activation that never sleeps: "linear" for the output, "tanh" for other layers."""
        last = layer is self.readings.output
        return Change(output="linear") if last else Change(activation="tanh")

    @property
    def init(self) -> str:
        """The initialisation that suits the hidden layers."""
        return "he" if self.layers[0].shape.rectifies else "xavier"


def point(i: int, x: Any) -> str:
    """An example's inputs, or which it is where these are many."""
    xs = numbers_in(x)
    return f"[{', '.join([f'{v:g}' for v in xs])}]" if xs is x and len(x) < 9 else f"example {i}"


def by_class(missed: Sequence[int], labels: Sequence[int]) -> str:
    """How many of each class are missed, the worst first."""
    worst = sorted(set(missed), key=lambda label: -missed.count(label) / labels.count(label))
    counts = [f"{missed.count(label)} of {labels.count(label)} of class {label}" for label in worst]
    return first(3, counts)
