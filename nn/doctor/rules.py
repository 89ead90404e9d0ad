"""The causes that the doctor knows, one rule each.

A rule's docstring says what is found and ends with trainings that have nothing of the kind and
with some that have: these are what the rule is tested by, and what its change is tried on.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from autograd_core.engine import SIGMOID, TANH
from nn.doctor.exam import ANY, LARGE, PROBABILITIES, STEEPEST, Exam, largest
from nn.doctor.findings import Change, Finding, Place, first, listed
from nn.losses import Loss
from nn.readings import LayerReadings

# --- The rules: a finding hides those of later stages, for they may follow from it -------------

FLAT = 0.01  # a unit is flat where its slope is below this share of the steepest
SMALL = 0.01  # numbers of a column are expected to differ by more than this,
UNEQUAL = 100.0  # and no column to vary this much more than another
HUGE = 1000.0  # weights come to this by steps that are too long
VANISHING = 1e-3  # the gradient of layer 1 is below this share of the last layer's
EXPLODING = 1e3  # a layer's gradient is longer than this
RISE = 1.1  # a loss that grew by this factor rose, whatever the noise

NUMBERS, RECIPE, RATE, LAYER, GRADIENT, RESULT = range(6)


@dataclass(frozen=True, slots=True)
class Rule:
    """A cause to look for; `always` also where the model fits."""

    kind: str
    stage: int
    always: bool
    find: Callable[[Exam], Iterator[Finding]]


RULES: list[Rule] = []


def rule(stage: int, *, always: bool = False) -> Callable[..., Rule]:
    """Enter a function into the list of rules; its name is the kind of its findings."""

    def enter(find: Callable[[Exam], Iterator[Finding]]) -> Rule:
        RULES.append(Rule(find.__name__.replace("_", " "), stage, always, find))
        return RULES[-1]

    return enter


@rule(NUMBERS)
def not_a_finite_number(exam: Exam) -> Iterator[Finding]:
    """A number that overflows or is not defined.

    ok: sizes=[4, 1], activation="relu"
    found: loss="mse", lr=2.0, epochs=200
    found: loss="binary_cross_entropy", output="sigmoid", sizes=[1], biases=-800.0, lr=20.0
    found: loss="mse", inputs=1e200, activation="relu"
    found: inputs=200.0, activation="relu", lr=20.0
    found: loss="mse", data="parabola", targets=1e200
    found: loss="binary_cross_entropy", output="linear"
    found: loss="nll", output="linear", data="blobs", sizes=[8, 3]
    """
    if not exam.failure:
        return
    setup = (inputs_not_scaled, output_and_loss_unmatched, targets_not_scaled)
    causes = [*[finding for rule in setup for finding in rule.find(exam)], *log_of_zero(exam)]
    change = causes[0].change if causes else Change(lr=0.1)
    why = f"for {causes[0].message}" if causes else "in a new model"
    yield Finding(exam.failure, change, why)


def log_of_zero(exam: Exam) -> Iterator[Finding]:
    """A probability that is rounded to 0."""
    loss = exam.data.loss
    if isinstance(loss, Loss) and loss.name in PROBABILITIES and exam.largest_weight <= HUGE:
        change = Change(loss=PROBABILITIES[loss.name][1], output="linear")
        yield Finding("a loss of scores takes the log of no 0", change)


@rule(RECIPE, always=True)
def output_and_loss_unmatched(exam: Exam) -> Iterator[Finding]:
    """An output that cannot give what the loss takes: scores, probabilities or the targets.

    ok: data="blobs", sizes=[8, 3], loss="cross_entropy"
    ok: loss="binary_cross_entropy", output="sigmoid"
    found: data="blobs", sizes=[8, 3], loss="cross_entropy", output="softmax"
    found: data="circles", sizes=[8, 2], loss="nll", output="sigmoid"
    found: output="sigmoid"
    found: loss="hinge", output="sigmoid"
    found: loss="mse", output="sigmoid", data="parabola", targets=2.0, lr=0.05
    """
    loss, activation = exam.data.loss, exam.layers[-1].activation
    if not isinstance(loss, Loss):
        return
    if loss.name in PROBABILITIES:
        needed, scores = PROBABILITIES[loss.name]
        if activation not in (needed, ""):
            message = f"{loss.name} takes probabilities of a {needed} output; this one is"
            change = Change(loss=scores, output="linear")
            why = "which takes scores of any size"
            yield Finding(f"{message} {activation}", change, why, is_fault=True)
        return
    given, asked = exam.reach, exam.asked
    if not given[0] <= asked[0] <= asked[1] <= given[1]:
        message = f"asks for outputs {between(asked)}; those of a {activation} are {between(given)}"
        if (activation, loss.name) in PROBABILITIES.values():
            message = f"takes the {activation} itself, which this output has taken already"
        message = f"{loss.name} {message}"
        why = "which gives numbers of any size"
        yield Finding(message, Change(output="linear"), why, is_fault=True)


def between(ends: tuple[float, float]) -> str:
    """An interval in words."""
    low, high = ends
    if ends == ANY:
        return "of any size"
    return f"of {low:g} and more" if high == math.inf else f"from {low:g} to {high:g}"


@rule(RECIPE)
def inputs_not_scaled(exam: Exam) -> Iterator[Finding]:
    """Inputs that are large, that hardly differ, or of which one varies far more than another.

    ok: activation="relu"
    found: activation="relu", inputs=200.0
    found: activation="tanh", inputs=200.0, epochs=300
    found: activation="tanh", inputs=[1.0, 0.003]
    """
    for message in unscaled("inputs", exam.data.X):
        yield Finding(message, Change(standardise="inputs"))


@rule(RECIPE)
def targets_not_scaled(exam: Exam) -> Iterator[Finding]:
    """Numbers as targets that are large, hardly differ, or vary unequally.

    ok: data="parabola", loss="mse", lr=0.1
    found: data="parabola", loss="mse", lr=0.1, targets=900.0
    """
    for message in unscaled("targets", exam.data.targets) if exam.takes_numbers else ():
        yield Finding(message, Change(standardise="targets"))


def unscaled(what: str, rows: Sequence[Sequence[float]]) -> Iterator[str]:
    """What is wrong with the scale of a table, if anything."""
    spans = [max(column) - min(column) for column in zip(*rows)]
    varied = [span for span in spans if span] or [1.0]
    wide, narrow = max(varied), min(varied)
    if largest(rows) > LARGE:
        yield f"the largest of the {what} is {largest(rows):.3g} in size"
    elif wide < SMALL:
        yield f"the {what} differ by {wide:.3g} at most"
    elif wide > UNEQUAL * narrow:
        columns = f"column {spans.index(wide)} varies by {wide:.3g}, column {spans.index(narrow)}"
        yield f"of the {what}, {columns} by {narrow:.3g} only"


@rule(RECIPE, always=True)
def units_all_alike(exam: Exam) -> Iterator[Finding]:
    """Layers of units that have the same weights and the same gradient, and so stay alike.

    ok: sizes=[3, 1], init="xavier"
    found: sizes=[3, 1], init="zeros"
    found: sizes=[3, 1], activation="sigmoid", init="zeros"
    """
    found = [layer for layer in exam.layers if are_alike(layer)]
    if not found:
        return
    zero = not any(number for layer in found for unit in layer.parameters for number in unit)
    names = listed([layer.number for layer in found])
    yield Finding(
        f"the units of layer{'s' * (len(found) > 1)} {names} have the same weights"
        f"{' (all 0)' * zero} and the same gradient, so they stay alike and do the work of one",
        Change(init=exam.init),
        "random weights, all different",
        Place(found[0].number, tuple(range(found[0].size))),
    )


def are_alike(layer: LayerReadings) -> bool:
    """Whether all units of a layer, two or more, have the same weights and slopes."""
    one, *others = [[*p, *slopes] for p, slopes in zip(layer.parameters, layer.slopes)]
    return bool(others) and all(
        math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12)
        for other in others
        for a, b in zip(one, other)
    )


@rule(RECIPE)
def cut_gradient(exam: Exam) -> Iterator[Finding]:
    """An activation that leaves the graph: by Python's numbers, or because it is constant.

    ok: activation="tanh", epochs=30
    found: activation="tanh of data", epochs=30
    """
    for layer in exam.layers:
        if layer.activation == "constant":
            yield Finding(
                f"the activation of layer {layer.number} does not depend on Values, so no gradient "
                "gets through (a function of `math`, or of `.data`, is cut off from the graph)",
                exam.activate(layer),
                "or another of Value's own methods",
                Place(layer.number),
            )


@rule(RATE)
def learning_rate_too_high(exam: Exam) -> Iterator[Finding]:
    """A loss that ends above its start or jumps up again and again, or weights that ran away.

    ok: sizes=[8, 8, 1], lr=0.5
    found: sizes=[8, 8, 1], lr=20.0
    found: sizes=[8, 1], activation="relu", lr=1000.0
    """
    losses, weight = exam.losses, exam.largest_weight
    late = losses[len(losses) // 2 :]
    ups = sum([after > RISE * before > 0 for before, after in pairwise(late)])
    if weight > HUGE:
        message = f"weights reach {weight:.3g}: steps that are too long drive them there"
    elif len(losses) > 1 and losses[-1] > RISE * losses[0] > 0:
        message = f"the loss rose from {losses[0]:.3g} to {losses[-1]:.3g} in {len(losses)} epochs"
    elif len(late) >= 5 and ups >= len(late) / 5:
        message = f"in the last {len(late)} epochs the loss rose by more than 10% {ups} times"
    else:
        return
    yield Finding(message, Change(lr=0.1), "in a new model")


@rule(LAYER)
def dead_layer(exam: Exam) -> Iterator[Finding]:
    """A relu layer of which no unit is awake on any example.

    ok: data="xor", sizes=[4, 1], activation="tanh", loss="mse", lr=0.1
    found: data="xor", sizes=[2, 1], activation="relu", loss="mse", epochs=500, seed=5
    found: data="parabola", loss="mse", output="relu", biases=-1.0, lr=0.1
    """
    for layer in exam.layers:
        units = asleep(layer)
        if len(units) == layer.size:
            message, place = sleepers(layer, units, exam), Place(layer.number, units)
            yield Finding(message, exam.activate(layer), "whose slope is never 0", place)
            return


@rule(LAYER)
def saturated_units(exam: Exam) -> Iterator[Finding]:
    """A tanh or sigmoid layer of which half of the units or more are flat on nearly all examples.

    ok: activation="sigmoid"
    found: activation="sigmoid", weights=300.0, epochs=300
    found: activation="tanh", weights=100.0, epochs=300
    """
    for layer in exam.layers:
        units = flat(layer)
        if 2 * len(units) >= layer.size and not exam.makes_up(layer):
            size = max([abs(z) for i in units for z in layer.pre_activations[i]])
            yield Finding(
                f"{counted(units, layer)} of layer {layer.number} {are(units)} flat (slope below "
                f"1% of the steepest of {layer.activation}) on more than 90% of the examples, with "
                f"pre-activations as large as {size:.3g}: {names_of(units)}",
                Change(init=exam.init),
                f"smaller initial weights: the largest is {exam.largest_weight:.3g} now",
                Place(layer.number, units),
            )
            return


@rule(LAYER)
def linear_net(exam: Exam) -> Iterator[Finding]:
    """No activation in between, where the best linear fit does not do.

    ok: data="circles", activation="tanh"
    ok: data="line", sizes=[1], loss="mse", lr=0.1
    found: data="circles", activation="linear"
    found: data="circles", activation="linear", sizes=[8, 8, 1]
    found: data="xor", activation="linear", loss="mse", lr=0.1
    found: data="circles", sizes=[1]
    found: data="parabola", sizes=[1], loss="mse", lr=0.1
    """
    *hidden, out = exam.layers
    if any(layer.activation != "linear" for layer in hidden) or not exam.straight:
        return
    change = Change(activation="tanh") if hidden else Change(sizes=[8, out.size], activation="tanh")
    who = (
        "all hidden layers are linear, so the whole net is"
        if hidden
        else "the model is linear, as it has no hidden layer"
    )
    yield Finding(
        f"{who}, and the best linear fit (by least squares) {exam.straight}",
        change,
        "which bends the answer",
    )


@rule(GRADIENT)
def vanishing_gradient(exam: Exam) -> Iterator[Finding]:
    """A gradient that gets lost on its way back through three layers or more.

    ok: sizes=[8, 8, 8, 8, 8, 8, 8, 8, 1], activation="relu", init="he", lr=0.1
    found: sizes=[8, 8, 8, 8, 8, 8, 8, 8, 1], activation="sigmoid", lr=0.1
    found: sizes=[8, 8, 8, 8, 1], activation="relu", weights=0.05, lr=0.1
    found: sizes=[8, 8, 8, 1], activation="tanh", init="normal", lr=0.1
    """
    depth = len(exam.layers)
    begin, end = exam.layers[0].gradient_norm(), exam.layers[-1].gradient_norm()
    if depth < 3 or begin >= VANISHING * end:
        return
    change = Change(init=exam.init)
    if exam.layers[0].activation == "sigmoid":  # whose slope is 1/4 at most, whatever the weights
        change = Change(activation="leaky_relu", init="he")
    yield Finding(
        f"the gradient's norm falls from {end:.2g} in layer {depth} to {begin:.2g} in layer 1, "
        f"{begin / end:.0e} of it, so the first layers hardly learn",
        change,
        "which keeps the gradient's size",
        Place(1),
    )


@rule(GRADIENT)
def exploding_gradient(exam: Exam) -> Iterator[Finding]:
    """A gradient that would take any step too far.

    ok: sizes=[8, 8, 1], activation="relu", init="he"
    found: sizes=[8, 8, 1], activation="relu", weights=50.0, epochs=0, seed=1
    """
    norms = [layer.gradient_norm() for layer in exam.layers]
    longest, weight = max(norms), exam.largest_weight
    if longest > EXPLODING and weight > LARGE:
        yield Finding(
            f"the gradient's norm is {longest:.3g} in layer {norms.index(longest) + 1}, so that a "
            f"step at learning rate 0.1 has length {0.1 * longest:.3g}",
            Change(init=exam.init),
            f"smaller weights: they reach {weight:.3g}",
            Place(norms.index(longest) + 1),
        )


@rule(RESULT, always=True)
def dead_units(exam: Exam) -> Iterator[Finding]:
    """Relu units that are awake on no example, beside others that are.

    ok: data="xor", sizes=[2, 1], activation="tanh", loss="mse", epochs=500
    found: data="xor", sizes=[2, 1], activation="relu", loss="mse", epochs=500
    """
    for layer in exam.layers:
        units = asleep(layer)
        if 0 < len(units) < layer.size:
            message, place = sleepers(layer, units, exam), Place(layer.number, units)
            yield Finding(message, exam.activate(layer), "whose slope is never 0", place)


@rule(RESULT)
def learning_rate_too_low(exam: Exam) -> Iterator[Finding]:
    """A loss that hardly moved since the first epoch, though the gradient is not 0.

    ok: lr=0.5
    found: lr=0.00001
    """
    losses = exam.losses
    if exam.is_flat:
        yield Finding(
            f"the loss fell by less than 1% in {len(losses)} epochs, from {losses[0]:.4g} to "
            f"{min(losses):.4g}",
            Change(lr=10.0),
        )


@rule(RESULT)
def training_not_finished(exam: Exam) -> Iterator[Finding]:
    """A gradient that still moves the weights.

    ok: epochs=500
    found: epochs=1
    """
    knows = exam.fitted is not None
    if knows and not exam.rests and not exam.is_flat:
        message = f"training does not rest yet, at a gradient of norm {exam.gradient_norm:.2g}"
        yield Finding(message, Change(epochs=10))


@rule(RESULT)
def stuck(exam: Exam) -> Iterator[Finding]:
    """Examples whose gradients cancel before all is right, with no unit dead.

    ok: data="xor", sizes=[4, 1], activation="tanh", loss="mse", lr=0.3, epochs=600
    found: data="xor", sizes=[2, 1], activation="relu", loss="mse", lr=0.3, epochs=600, seed=2
    found: data="xor", sizes=[2, 1], activation="leaky_relu", loss="mse", epochs=500
    found: data="circles", sizes=[1, 1], activation="tanh", lr=2.0, epochs=300
    """
    if exam.fitted is None or not exam.rests or any(map(asleep, exam.layers)):
        return
    *hidden, out = exam.sizes
    message = f"training rests here, at a gradient of norm {exam.gradient_norm:.1g}"
    if exam.layers[0].activation in {"relu", "leaky_relu"}:
        yield Finding(message, Change(activation="tanh"), "whose slope is never 0")
    else:
        sizes = [*[2 * size for size in hidden or [4]], out]
        yield Finding(message, Change(sizes=sizes), "as of more units, more start in useful places")


# --- Units, and how they are named ------------------------------------------------------------


def asleep(layer: LayerReadings) -> tuple[int, ...]:
    """The units of a relu layer that are 0 on each example."""
    if layer.activation != "relu":
        return ()
    return tuple([i for i, numbers in enumerate(layer.activations) if not any(numbers)])


def flat(layer: LayerReadings) -> tuple[int, ...]:
    """The units of a sigmoid or tanh layer that are flat on more than 90% of the examples."""
    return tuple([i for i in range(layer.size) if flat_share(layer, i) > 0.9])


def flat_share(layer: LayerReadings, unit: int) -> float:
    """The share of the examples on which a sigmoid or tanh unit is flat."""
    if layer.activation not in STEEPEST:
        return 0.0
    slope: Any = {op.name: op for op in (TANH, SIGMOID)}[layer.activation].partials
    least = FLAT * STEEPEST[layer.activation]
    pairs = list(zip(layer.activations[unit], layer.pre_activations[unit]))
    return sum([bool(slope(a, z)[0] < least) for a, z in pairs]) / len(pairs)


def sleepers(layer: LayerReadings, units: Sequence[int], exam: Exam) -> str:
    """Which units sleep, how deep, and what follows."""
    top = max([z for i in units for z in layer.pre_activations[i]])
    return (
        f"{counted(units, layer)} of layer {layer.number} {are(units)} zero on each of the "
        f"{exam.data.n} examples (pre-activations reach {top:.3g} at most), so no gradient gets "
        f"through: {names_of(units)}"
    )


def counted(units: Sequence[int], layer: LayerReadings) -> str:
    """How many of a layer's units."""
    if layer.size == 1:
        return "the only unit"
    return f"{'all ' if len(units) == layer.size else f'{len(units)} of '}{layer.size} units"


def are(units: Sequence[int]) -> str:
    """The verb."""
    return "is" if len(units) == 1 else "are"


def names_of(units: Sequence[int]) -> str:
    """The indices, the first ten of them."""
    return f"unit{'s' * (len(units) > 1)} {first(10, units)}"
