"""What the doctor's rules look at: data, what the layers do on them, and what follows."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from nn.datasets import xor
from nn.doctor.findings import Change, first, listed
from nn.losses import LOSSES, Loss
from nn.readings import LayerReadings
from nn.train.examples import Examples

FITTED = 0.95  # a model is fitted from this share of labels right,
EXPLAINED = 0.5  # or, where targets are numbers, from this share of their variance explained
TIE = 1e-3  # outputs closer than this to where the label changes do not decide
LARGE = 10.0  # inputs, targets and weights are expected below this
STEEPEST = {"tanh": 1.0, "sigmoid": 0.25}
REST = 0.01  # the examples' gradients cancel: their mean is below this share of their size

ANY = (-math.inf, math.inf)
REACH = {  # between which numbers an activation's values lie
    "sigmoid": (0.0, 1.0),
    "softmax": (0.0, 1.0),
    "tanh": (-1.0, 1.0),
    "relu": (0.0, math.inf),
    "softplus": (0.0, math.inf),
}
PROBABILITIES = {  # losses of probabilities: the output they need, and the same loss of scores
    loss.name: (loss.outputs[0], loss.scores) for loss in LOSSES.values() if loss.scores
}


@dataclass(frozen=True, slots=True)
class Exam:
    """The data, what the layers do on them, the losses so far, and the first failure, if any."""

    data: Examples
    layers: list[LayerReadings]
    losses: list[float]
    failure: str

    @property
    def sizes(self) -> list[int]:
        """How many units each layer has."""
        return [layer.size for layer in self.layers]

    @property
    def outputs(self) -> list[tuple[float, ...]]:
        """What the model says to each example."""
        return list(zip(*self.layers[-1].activations))

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
            return self.hits + self.misses
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
        assert isinstance(self.data.loss, Loss)
        *_, second, first = sorted(outputs) if len(outputs) > 1 else [self.data.threshold, *outputs]
        return None if abs(first - second) < TIE else self.data.loss.label(outputs)

    def right(self, outputs: Iterable[Sequence[float]]) -> int:
        """How many examples get their label; a tie is none."""
        assert self.data.labels is not None
        return sum([self.says(o) == label for o, label in zip(outputs, self.data.labels)])

    @property
    def hits(self) -> str:
        """How many examples get their label."""
        right, n = self.right(self.outputs), self.data.n
        share = f" ({right / n:.1%})" if right < n and n > 4 else ""
        return f"{f'all {n}' if right == n else f'{right} of {n}'} {self.noun} are right{share}"

    @property
    def misses(self) -> str:
        """The examples that are not right by name where they are few, else of which class."""
        labels, said = self.data.labels, list(map(self.says, self.outputs))
        assert labels is not None
        missed = [i for i, label in enumerate(labels) if said[i] != label]
        if not missed or self.fitted:
            return ""
        if len(labels) > 20:
            return f"; missed are {by_class([labels[i] for i in missed], labels)}"
        groups = {
            how: [point(self.data.X[i]) for i in missed if (said[i] is None) == tied]
            for how, tied in (("wrong", False), ("undecided", True))
        }
        return "".join(f"; {how} at {first(3, at)}" for how, at in groups.items() if at)

    @property
    def explained(self) -> float | None:
        """The share of the targets' variance that the predictions explain; None where unknown."""
        return self.explained_by(self.layers[-1].activations) if self.takes_numbers else None

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
        return isinstance(self.data.loss, Loss) and self.data.loss.takes_numbers

    @property
    def is_constant(self) -> bool:
        """Whether no output moves by 1% of what its targets do, over two examples or more."""
        if self.data.n == 1 or not isinstance(self.data.loss, Loss):
            return False
        pairs = zip(self.layers[-1].activations, zip(*self.data.targets))
        return all(max(a) - min(a) <= 0.01 * (max(b) - min(b)) for a, b in pairs)

    @property
    def gradient_norm(self) -> float:
        """The length of the mean loss's gradient."""
        return math.hypot(*[slope for layer in self.layers for slope in layer.mean_gradient()])

    @property
    def rests(self) -> bool:
        """Whether the examples' gradients cancel, so that training stays where it is."""
        typical = math.hypot(*[layer.gradient_norm() for layer in self.layers])
        return self.gradient_norm <= REST * typical

    @property
    def is_flat(self) -> bool:
        """Whether the loss hardly moved in ten epochs or more, though training does not rest."""
        losses = self.losses
        return len(losses) >= 10 and min(losses) >= 0.99 * losses[0] and not self.rests

    @property
    def reach(self) -> tuple[float, float]:
        """Between which numbers the outputs lie."""
        output = self.layers[-1]
        alone = output.activation == "softmax" and output.size == 1  # the share of one is all
        return (1.0, 1.0) if alone else REACH.get(output.activation, ANY)

    @property
    def asked(self) -> tuple[float, float]:
        """Between which numbers the loss wants the outputs."""
        assert isinstance(self.data.loss, Loss)
        if any(self.data.loss.name == scores for _, scores in PROBABILITIES.values()):
            return ANY
        numbers = [number for target in self.data.targets for number in target]
        return min(numbers), max(numbers)

    @property
    def straight(self) -> str:
        """What least squares reaches with the inputs alone, unless it fits, or cannot tell."""
        import numpy as np

        if not isinstance(self.data.loss, Loss):
            return ""
        X, T = np.array([[*x, 1.0] for x in self.data.X]), np.array(self.data.targets)
        Z = X @ np.linalg.lstsq(X, T)[0]
        if self.data.labels is None:
            share = self.explained_by(Z.T.tolist())
            return "" if share >= EXPLAINED else f"explains {share:.0%} of the targets' variance"
        if Z.shape[1] == 1:
            Z += self.data.loss.threshold - (T.min() + T.max()) / 2
        right = self.right(Z.tolist())
        n = self.data.n
        return "" if right >= FITTED * n else f"gets {right} of {n} {self.noun} right"

    def activate(self, layer: LayerReadings) -> Change:
        """An activation that never sleeps: "linear" for the output, "tanh" for other layers."""
        return Change(output="linear") if layer is self.layers[-1] else Change(activation="tanh")

    def makes_up(self, layer: LayerReadings) -> bool:
        """Whether the loss's logarithm makes up for a flat output."""
        loss = self.data.loss
        return layer is self.layers[-1] and isinstance(loss, Loss) and loss.name in PROBABILITIES

    @property
    def largest_weight(self) -> float:
        """The largest parameter, whatever its sign."""
        return largest([unit for layer in self.layers for unit in layer.parameters])

    @property
    def init(self) -> str:
        """The initialisation that suits the hidden layers."""
        return "he" if self.layers[0].activation == "relu" else "xavier"


def largest(rows: Sequence[Sequence[float]]) -> float:
    """The largest number, whatever its sign; NaN is larger than any."""
    numbers = [abs(number) for row in rows for number in row]
    return math.nan if any(map(math.isnan, numbers)) else max(numbers)


def point(x: Sequence[float]) -> str:
    """An example's inputs."""
    return f"[{', '.join([f'{v:g}' for v in x])}]"


def by_class(missed: Sequence[int], labels: Sequence[int]) -> str:
    """How many of each class are missed, the worst first."""
    worst = sorted(set(missed), key=lambda label: -missed.count(label) / labels.count(label))
    counts = [f"{missed.count(label)} of {labels.count(label)} of class {label}" for label in worst]
    return first(3, counts)
