"""Why does a model not fit its data? `diagnose` names the usual causes, with one change for each.

>>> from nn import MLP, datasets, losses
>>> model = MLP(2, [3, 1], seed=0)
>>> for neuron in model.layers[0].neurons:
...     neuron.b.data = -9.0
>>> diagnosis = diagnose(model, *datasets.xor(), losses.mse)
>>> diagnosis.title, diagnosis.findings[0].kind, diagnosis.findings[0].where.neurons
('not fitted: 2 of 4 XOR corners are right', 'dead relu', (0, 1, 2))
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

from autograd_core import Value, topological
from autograd_core.check import by_backward
from autograd_core.engine import RELU, SIGMOID, TANH, Op, collector_paused
from nn.datasets import xor
from nn.examples import AnyLoss, Examples
from nn.layers import MLP, Layer
from nn.losses import Loss, as_many, binary_cross_entropy, nll
from nn.readings import LayerReadings, name_units, read, unchanged
from nn.train import History
from nn.trainers import first_nonfinite

FITTED = 0.95  # a model is fitted from this share of labels right,
EXPLAINED = 0.5  # or, where targets are numbers, from this share of their variance explained
STEEPEST = {TANH: 1.0, SIGMOID: 0.25}
FLAT = 0.01  # a unit is saturated where its slope is below this share of the steepest,
SATURATED = 0.9  # and a finding where it is on more than this share of the examples
VANISHING = 1e-3  # the gradient of layer 1 is below this share of the last layer's
EXPLODING = 1e3  # a layer's gradient is longer than this
LARGE = 10.0  # inputs, targets and weights are expected below this
RISE = 1.1  # a loss that grew by this factor rose, whatever the noise
REST = 0.01  # the examples' gradients cancel: their mean is below this share of their size


class Place(NamedTuple):
    """A layer, counted from 1, and the indices of its neurons; none where it is not about units."""

    layer: int
    neurons: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """One cause: its `kind`, where it is, one sentence about it, and one change to try."""

    kind: str
    where: Place | None
    message: str
    suggestion: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.message}\n   try: {self.suggestion}"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """How well a model fits, in one sentence, and the findings, the most important first.

    `fitted` is None where a loss of one's own does not tell. A model that fits is ok, also with
    dead units: its findings are notes.
    """

    fitted: bool | None
    summary: str
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether the model fits, or nothing was found that would keep it from fitting."""
        return self.fitted or not self.findings

    @property
    def title(self) -> str:
        """The first line: ok or not fitted, and in numbers."""
        return f"{'ok' if self.ok else 'not fitted'}: {self.summary}"

    def __str__(self) -> str:
        return "\n".join(
            [self.title, *[f"{i}. {finding}" for i, finding in enumerate(self.findings, 1)]]
        )

    def _repr_html_(self) -> str:
        from html import escape

        items = [
            f"<li><b>{escape(f.kind)}</b>: {escape(f.message)}"
            f"<br>Try: <em>{escape(f.suggestion)}</em></li>"
            for f in self.findings
        ]
        return f"<p><b>{escape(self.title)}</b></p>" + (f"<ol>{''.join(items)}</ol>" * bool(items))


def diagnose(
    model: MLP,
    X: Iterable[Sequence[float]],
    y: Iterable[Any],
    loss: AnyLoss,
    *,
    history: History | None = None,
) -> Diagnosis:
    """Say why a model does not fit its data; the record of a training tells more.

    What follows from a finding is not reported beside it: a layer of dead units explains
    predictions that are all the same. Parameters, gradients and activations are left as they
    are. Raises ValueError for data that do not fit the model or the loss.
    """
    data = Examples.of(model, X, y, loss)
    with unchanged(model), collector_paused():
        readings = read(model, data)
        if readings is None:
            return Diagnosis(False, "a number is not finite", (nonfinite(model, data),))
    patient = Patient(model, data, readings)
    fitted, summary = patient.fit()
    findings = [*patient.alike(), *patient.dead()]
    if not fitted:
        findings = too_fast(history) or [*findings, *patient.causes(history)]
    return Diagnosis(fitted, summary, tuple(sorted(findings, key=patient.rank)))


# --- Numbers that are not finite --------------------------------------------------------------


def nonfinite(model: MLP, data: Examples) -> Finding:
    """The first number that is not finite, or not defined, example by example."""
    parameters = model.parameters()
    message = "the gradient overflows"
    for i, (x, target) in enumerate(zip(data.X, data.targets, strict=True)):
        try:
            outputs = model.outputs([Value(v, f"x{j}") for j, v in enumerate(x)])
            name_units(model)
            loss = data.loss_of(outputs, target)
            if not all(math.isfinite(v.data) for v in topological(loss)):
                message = f"at example {i} the loss is {loss.data:g}; {first_nonfinite(loss)}"
                break
            slopes = zip(parameters, by_backward(loss, parameters), strict=True)
            wrong = [f"{p.label} is {slope}" for p, slope in slopes if not math.isfinite(slope)]
            if wrong:
                message = f"at example {i} the gradient of {wrong[0]}"
                break
        except (ArithmeticError, ValueError) as error:
            message = f"at example {i}: {error}"
            break
    return Finding("not a finite number", None, message, cure(model, data))


def cure(model: MLP, data: Examples) -> str:
    """What to change where numbers grow too large."""
    weights = [abs(p.data) for p in model.parameters()]
    stable = {binary_cross_entropy: "binary_cross_entropy_with_logits", nll: "cross_entropy"}
    if not all(map(math.isfinite, weights)):
        return "a new model and a tenth of the learning rate: parameters here are not finite"
    if largest(data.X) > LARGE:
        return f"inputs scaled to about -1 to 1: the largest is {largest(data.X):.3g} in size"
    if data.loss in stable and max(weights) <= LARGE**3:
        return f'loss={stable[data.loss]} with output="linear", which takes the log of no 0'
    if max(weights) > LARGE:
        return f"a new model and a tenth of the learning rate: weights reach {max(weights):.3g}"
    if isinstance(data.loss, Loss) and largest(data.targets) > LARGE:
        return f"targets scaled to about -1 to 1: the largest is {largest(data.targets):.3g}"
    return "a tenth of the learning rate"


def largest(rows: Sequence[Sequence[float]]) -> float:
    """The largest number, whatever its sign."""
    return max([abs(number) for row in rows for number in row])


# --- The findings ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Patient:
    """A model, its data, and what its layers do on them."""

    model: MLP
    data: Examples
    readings: list[LayerReadings]

    @property
    def outputs(self) -> list[tuple[float, ...]]:
        """What the model says to each example."""
        return list(zip(*self.readings[-1].activations))

    @property
    def layers(self) -> list[tuple[int, Layer, LayerReadings]]:
        """The layers, counted from 1, with their readings."""
        return list(zip(range(1, 1 + len(self.readings)), self.model.layers, self.readings))

    @property
    def hidden_op(self) -> Op | None:
        """What makes the first layer's activations."""
        return self.readings[0].op

    def blocks(self, finding: Finding) -> bool:
        """Whether a whole layer is concerned, so that what else goes wrong may follow from it."""
        return self.rank(finding) == 0

    def rank(self, finding: Finding) -> int:
        """0 for what concerns a whole layer, 2 for less than half of its units, 1 between."""
        if finding.where is None:
            return 1
        n, size = len(finding.where.neurons), self.model.sizes[finding.where.layer - 1]
        return 0 if n in (0, size) else 2 if 2 * n < size else 1

    def fit(self) -> tuple[bool | None, str]:
        """Whether the model fits its data, and how well."""
        n = self.data.n
        if self.data.labels is not None:
            right = n - len(self.wrong())
            share = f" ({right / n:.1%})" if right < n and n > 4 else ""
            who = f"all {n}" if right == n else f"{right} of {n}"
            return right >= FITTED * n, f"{who} {self.noun()} are right{share}"
        explained = self.explained()
        if explained is None:
            return None, f"nothing found on {n} examples"
        return explained >= EXPLAINED, f"{explained:.0%} of the targets' variance is explained"

    def noun(self) -> str:
        """What the examples are called."""
        corners = list(zip(*xor()))
        assert self.data.labels is not None
        given = list(zip(self.data.X, self.data.labels))
        return "XOR corners" if sorted(given) == corners else "examples"

    def wrong(self) -> list[int]:
        """The examples whose label the model misses."""
        outputs = self.outputs
        return [i for i in range(self.data.n) if not self.data.hits([outputs[i]], [i])]

    def explained(self) -> float | None:
        """The share of the targets' variance that the predictions explain; None where unknown."""
        loss = self.data.loss
        if not isinstance(loss, Loss) or loss.targets is not as_many:
            return None
        missed = total = 0.0
        for said, asked in zip(self.readings[-1].activations, zip(*self.data.targets)):
            mean = sum(asked) / len(asked)
            missed += sum([(a - b) ** 2 for a, b in zip(said, asked)])
            total += sum([(b - mean) ** 2 for b in asked])
        return max(0.0, 1 - missed / total) if total else None

    def causes(self, history: History | None) -> list[Finding]:
        """Flat units; unless a whole layer is idle, the gradient; unless it is, the predictions."""
        findings = self.saturated()
        if not any(map(self.blocks, [*self.alike(), *self.dead(), *findings])):
            findings += [*self.vanishing(), *self.exploding()] or (
                too_slow(history, self) or self.unfitted()
            )
        return findings

    def alike(self) -> list[Finding]:
        """Layers whose units all have the same weights and the same gradient."""
        found = [(k, layer) for k, layer, seen in self.layers if are_alike(layer, seen)]
        if not found:
            return []
        zero = all(p.data == 0 for _, layer in found for p in layer.parameters())
        names = listed([k for k, _ in found])
        return [
            Finding(
                "units all alike",
                Place(found[0][0], tuple(range(len(found[0][1].neurons)))),
                f"the units of layer{'s' * (len(found) > 1)} {names} have the same weights"
                f"{' (all 0)' * zero} and the same gradient, so they stay alike and do the work "
                "of one",
                f'random initial weights: init="{self.init()}"',
            )
        ]

    def init(self) -> str:
        """The initialisation that suits the hidden layers."""
        return "he" if self.hidden_op is RELU else "xavier"

    def dead(self) -> list[Finding]:
        """Relu units that are zero on the whole data set; none after a layer that is all dead."""
        findings = []
        for k, layer, seen in self.layers:
            if seen.op is not RELU or are_alike(layer, seen):
                continue
            units = [i for i, numbers in enumerate(seen.activations) if not any(numbers)]
            if not units:
                continue
            top = max([z for i in units for z in seen.pre_activations[i]])
            findings += [
                Finding(
                    "dead relu",
                    Place(k, tuple(units)),
                    f"{count(units, layer)} of layer {k} {are(units)} zero on each of the "
                    f"{self.data.n} examples (pre-activations reach {top:.3g} at most), so no "
                    f"gradient gets through: {names_of(units)}",
                    'activation="leaky_relu", which has a slope below 0 too',
                )
            ]
            if len(units) == len(layer.neurons):
                break
        return findings

    def saturated(self) -> list[Finding]:
        """Sigmoid and tanh units that are flat on nearly all of the data."""
        findings = []
        for k, layer, seen in self.layers:
            if seen.op not in STEEPEST or self.is_output_of_log(k):
                continue
            shares = [flat_share(seen, i) for i in range(len(layer.neurons))]
            units = [i for i, share in enumerate(shares) if share > SATURATED]
            if not units:
                continue
            share = sum([shares[i] for i in units]) / len(units)
            size = max([abs(z) for i in units for z in seen.pre_activations[i]])
            findings += [
                Finding(
                    f"saturated {seen.op.name}",
                    Place(k, tuple(units)),
                    f"{count(units, layer)} of layer {k} {are(units)} flat (slope below 1% of the "
                    f"steepest) on {share:.0%} of the examples, with pre-activations as large as "
                    f"{size:.3g}: {names_of(units)}",
                    self.smaller(),
                )
            ]
            if len(units) == len(layer.neurons):
                break
        return findings

    def is_output_of_log(self, k: int) -> bool:
        """Whether layer k feeds a loss whose logarithm makes up for the flat slope."""
        return k == len(self.readings) and self.data.loss is binary_cross_entropy

    def smaller(self) -> str:
        """What makes pre-activations smaller."""
        if largest(self.data.X) > LARGE:
            return f"inputs scaled to about -1 to 1: the largest is {largest(self.data.X):.3g}"
        weights = max([abs(p.data) for p in self.model.parameters()])
        return f'smaller initial weights: init="xavier" (the largest is {weights:.3g} now)'

    def vanishing(self) -> list[Finding]:
        """A gradient that gets lost on its way back through three layers or more."""
        depth = len(self.readings)
        first, last = self.readings[0].gradient_norm(), self.readings[-1].gradient_norm()
        if depth < 3 or first >= VANISHING * last:
            return []
        change = f'initial weights that keep the gradient\'s size: init="{self.init()}"'
        if self.hidden_op in STEEPEST:
            change = 'activation="relu" with init="he"'
        return [
            Finding(
                "vanishing gradient",
                Place(1),
                f"the gradient's norm falls from {last:.2g} in layer {depth} to {first:.2g} in "
                f"layer 1, {first / last:.0e} of it, so the first layers hardly learn",
                change,
            )
        ]

    def exploding(self) -> list[Finding]:
        """A gradient that would take any step too far."""
        norms = [seen.gradient_norm() for seen in self.readings]
        if max(norms) <= EXPLODING:
            return []
        k = norms.index(max(norms)) + 1
        return [
            Finding(
                "exploding gradient",
                Place(k),
                f"the gradient's norm is {max(norms):.3g} in layer {k}, so that a step at learning "
                f"rate 0.1 has length {0.1 * max(norms):.3g}",
                cure(self.model, self.data),
            )
        ]

    def unfitted(self) -> list[Finding]:
        """What the predictions miss, in terms of the data."""
        explained = self.explained()
        if self.data.labels is None and explained is None:
            return []
        if self.is_constant():
            said = listed([f"{number:.3g}" for number in self.outputs[0]])
            return [
                Finding(
                    "constant predictions",
                    None,
                    f"all predictions are the same (constant {said}): the model sees no "
                    "difference between inputs",
                    self.next_step(),
                )
            ]
        missed = (
            self.misses()
            if self.data.labels is not None
            else f"the predictions explain {explained:.0%} of the targets' variance"
        )
        return [Finding("did not converge", None, missed, self.next_step())]

    def is_constant(self) -> bool:
        """Whether no output moves by 1% of what its targets do."""
        targets = zip(*self.data.targets)
        pairs = zip(self.readings[-1].activations, targets)
        return all(max(a) - min(a) <= 0.01 * (max(b) - min(b)) for a, b in pairs)

    def misses(self) -> str:
        """The wrong examples by name where they are few, else how many of each class."""
        labels = self.data.labels
        assert labels is not None
        wrong, n = self.wrong(), self.data.n
        right = f"{n - len(wrong)} of {n} {self.noun()}"
        if n <= 20:
            points = [f"[{', '.join([f'{v:g}' for v in self.data.X[i]])}]" for i in wrong]
            more = [f"{len(points) - 3} more"] * (len(points) > 3)
            return f"{right}: wrong at {listed([*points[:3], *more])}"
        missed = [labels[i] for i in wrong]
        worst = sorted(set(missed), key=lambda label: -missed.count(label) / labels.count(label))
        classes = [
            f"{missed.count(label)} of {labels.count(label)} of class {label}"
            for label in worst[:3]
        ]
        more = [f"some of {len(worst) - 3} more classes"] * (len(worst) > 3)
        return f"{right}: wrong on {listed([*classes, *more])}"

    def rests(self) -> bool:
        """Whether the examples' gradients cancel, so that training stays where it is."""
        typical = math.hypot(*[seen.gradient_norm() for seen in self.readings])
        return self.gradient_norm() < REST * typical

    def gradient_norm(self) -> float:
        """The length of the mean loss's gradient."""
        return math.hypot(*[slope for seen in self.readings for slope in seen.mean_gradient()])

    def next_step(self) -> str:
        """More units where training rests, else more training."""
        *hidden, out = self.model.sizes
        if not hidden:
            return f"a hidden layer, MLP({self.model.n_in}, [8, {out}]): without one it is linear"
        norm = self.gradient_norm()
        if not self.rests():
            return f"more epochs: training does not rest yet, at a gradient of norm {norm:.2g}"
        sizes = [*[2 * size for size in hidden], out]
        return (
            f"more units, MLP({self.model.n_in}, {sizes}): training rests here, at a gradient of "
            f"norm {norm:.1g}"
        )


def are_alike(layer: Layer, seen: LayerReadings) -> bool:
    """Whether all units of a layer, two or more, have the same weights and slopes."""
    first, *others = [
        [*[p.data for p in neuron.parameters()], *slopes]
        for neuron, slopes in zip(layer.neurons, seen.slopes, strict=True)
    ]
    same = [
        math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12)
        for other in others
        for a, b in zip(first, other)
    ]
    return bool(same) and all(same)


def flat_share(seen: LayerReadings, unit: int) -> float:
    """The share of the examples on which a sigmoid or tanh unit is flat."""
    assert seen.op
    least = FLAT * STEEPEST[seen.op]
    pairs = zip(seen.activations[unit], seen.pre_activations[unit])
    flat = [bool(seen.op.partials(a, z)[0] < least) for a, z in pairs]
    return sum(flat) / len(flat)


def too_fast(history: History | None) -> list[Finding]:
    """A loss that ends above where it began, or jumps up again and again."""
    losses = history.loss if history else []
    if len(losses) < 2:
        return []
    late = losses[len(losses) // 2 :]
    ups = sum([after > RISE * before > 0 for before, after in pairwise(late)])
    if losses[-1] > RISE * losses[0] > 0:
        message = f"the loss rose from {losses[0]:.3g} to {losses[-1]:.3g} in {len(losses)} epochs"
    elif len(late) >= 5 and ups >= len(late) / 5:
        message = f"in the last {len(late)} epochs the loss rose by more than 10% {ups} times"
    else:
        return []
    return [
        Finding(
            "learning rate too high", None, message, "a new model, a tenth of the learning rate"
        )
    ]


def too_slow(history: History | None, patient: Patient) -> list[Finding]:
    """A loss that has hardly moved since the first epoch, though the gradient is not 0."""
    losses = history.loss if history else []
    if len(losses) < 10 or min(losses) < 0.99 * losses[0] or patient.rests():
        return []
    return [
        Finding(
            "plateau from the start",
            None,
            f"the loss fell by less than 1% in {len(losses)} epochs, from {losses[0]:.4g} to "
            f"{min(losses):.4g}",
            "a learning rate 10 times as high",
        )
    ]


def count(units: Sequence[int], layer: Layer) -> str:
    """How many of a layer's units."""
    size = len(layer.neurons)
    return f"{'all ' if len(units) == size else f'{len(units)} of '}{size} units"


def are(units: Sequence[int]) -> str:
    """The verb."""
    return "is" if len(units) == 1 else "are"


def names_of(units: Sequence[int]) -> str:
    """The indices, the first ten of them."""
    more = [f"{len(units) - 10} more"] * (len(units) > 10)
    return f"unit{'s' * (len(units) > 1)} {listed([*units[:10], *more])}"


def listed(items: Sequence[Any]) -> str:
    """A, b and c."""
    *most, last = map(str, items)
    return f"{', '.join(most)} and {last}" if most else last
