"""The causes that the doctor knows, one rule each.

A rule's docstring says what is found and ends with trainings that have nothing of the kind and
with some that have: these are what the rule is tested by, and what its change is tried on. What a
rule finds explains what it names, and what that explains in turn: these are then not looked for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from nn.doctor.exam import ANY, LARGE, Exam
from nn.doctor.findings import Change, Finding, Place, first, listed
from nn.readings import LayerReadings, largest

FLAT = 0.01  # a unit is flat where its slope is below this share of the steepest
SMALL = 0.01  # numbers of a column are expected to differ by more than this,
UNEQUAL = 100.0  # and no column to vary this much more than another
HUGE = 1000.0  # weights come to this by steps that are too long
VANISHING = 1e-3  # the gradient of layer 1 is below this share of the last layer's
EXPLODING = 1e3  # a layer's gradient is longer than this
RISE = 1.1  # a loss that grew by this factor rose, whatever the noise
SLACK = 1e-3  # an output that comes this near to what is asked for can give it


@dataclass(frozen=True, slots=True)
class Rule:
    """A cause to look for, and the kinds that it explains; `always` also where the model fits."""

    kind: str
    explains: tuple[str, ...]
    always: bool
    find: Callable[[Exam], Iterator[Finding]]


RULES: dict[str, Rule] = {}  # by kind, the causes of others before them


def rule(*, explains: Sequence[str] = (), always: bool = False) -> Callable[..., Rule]:
    """Enter a function into the rules; its name is the kind of its findings."""

    def enter(find: Callable[[Exam], Iterator[Finding]]) -> Rule:
        kind = find.__name__.replace("_", " ")
        RULES[kind] = Rule(kind, tuple(explains), always, find)
        return RULES[kind]

    return enter


def explained(kind: str) -> set[str]:
    """All that a finding of this kind explains.

    >>> sorted(explained("vanishing gradient"))
    ['dead units', 'learning rate too low', 'stuck', 'training not finished']
    """
    direct = RULES[kind].explains
    return set(direct).union(*map(explained, direct))


SETUP = ["output and loss unmatched", "inputs not scaled", "targets not scaled"]
SETUP += ["units all alike", "cut gradient"]
LAYERS = ("dead layer", "saturated units", "linear net")
GRADIENTS = ("vanishing gradient", "exploding gradient")
RESULTS = ("dead units", "learning rate too low", "training not finished", "stuck")


@rule(explains=SETUP)
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
    causes = [(finding.message, finding.change) for rule in setup for finding in rule.find(exam)]
    if exam.loss and exam.loss.scores and exam.readings.largest_parameter <= HUGE:
        scores = Change(loss=exam.loss.scores, output="linear")
        causes.append(("a loss of scores takes the log of no 0", scores))
    why, change = causes[0] if causes else ("", Change(lr=0.1))
    yield Finding(exam.failure, change, f"for {why}" if why else "in a new model")


@rule(explains=["learning rate too high"], always=True)
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
    loss, output = exam.loss, exam.output
    if loss and loss.scores and output.op not in (loss.outputs[0], ""):
        message = f"takes probabilities of a {loss.outputs[0]} output; this one is {output.op}"
        change, why = Change(loss=loss.scores, output="linear"), "which takes scores of any size"
        yield Finding(f"{loss.name} {message}", change, why, is_fault=True)
    if not loss or loss.scores:
        return
    given, asked = (output.low, output.high), exam.asked
    if not given[0] - SLACK <= asked[0] <= asked[1] <= given[1] + SLACK:
        message = f"asks for outputs {between(asked)}; those of a {output.op} are {between(given)}"
        if output.op == exam.scored:
            message = f"takes the {output.op} itself, which this output has taken already"
        change, why = Change(output="linear"), "which gives numbers of any size"
        yield Finding(f"{loss.name} {message}", change, why, is_fault=True)


def between(ends: tuple[float, float]) -> str:
    """An interval in words."""
    low, high = ends
    if ends == ANY:
        return "of any size"
    return f"of {low:g} and more" if high == math.inf else f"from {low:g} to {high:g}"


@rule(explains=["learning rate too high"])
def inputs_not_scaled(exam: Exam) -> Iterator[Finding]:
    """Inputs that are large, that hardly differ, or of which one varies far more than another.

    ok: activation="relu"
    found: activation="relu", inputs=200.0
    found: activation="tanh", inputs=200.0, epochs=300
    found: activation="tanh", inputs=[1.0, 0.003]
    """
    for message in unscaled("inputs", exam.inputs):
        yield Finding(message, Change(standardise="inputs"))


@rule(explains=["learning rate too high"])
def targets_not_scaled(exam: Exam) -> Iterator[Finding]:
    """Numbers as targets that are large, hardly differ, or vary unequally.

    ok: data="parabola", loss="mse", lr=0.1
    found: data="parabola", loss="mse", lr=0.1, targets=900.0
    found: data="parabola", loss="mse", lr=0.1, targets=900.0, output="relu"
    """
    bounded = (exam.output.low, exam.output.high) != ANY  # and scaled, they are of both signs
    change = Change(standardise="targets", output="linear" if bounded else None)
    for message in unscaled("targets", exam.data.targets) if exam.takes_numbers else ():
        yield Finding(message, change)


def unscaled(what: str, rows: Sequence[Sequence[float]]) -> Iterator[str]:
    """What is wrong with the scale of a table, if anything."""
    spans = [max(column) - min(column) for column in zip(*rows)]
    varied = [span for span in spans if span] or [1.0]
    wide, narrow = max(varied), min(varied)
    most = largest([number for row in rows for number in row])
    if most > LARGE:
        yield f"the largest of the {what} is {most:.3g} in size"
    elif wide < SMALL:
        yield f"the {what} differ by {wide:.3g} at most"
    elif wide > UNEQUAL * narrow:
        columns = f"column {spans.index(wide)} varies by {wide:.3g}, column {spans.index(narrow)}"
        yield f"of the {what}, {columns} by {narrow:.3g} only"


@rule(explains=["learning rate too high"], always=True)
def units_all_alike(exam: Exam) -> Iterator[Finding]:
    """Layers of units that have the same weights and the same gradient, and so stay alike.

    ok: sizes=[3, 1], init="xavier"
    found: sizes=[3, 1], init="zeros"
    found: sizes=[3, 1], activation="sigmoid", init="zeros"
    """
    found = [layer for layer in exam.layers if are_alike(layer)]
    for layer in found[:1]:
        names = f"layer{'s' * (len(found) > 1)} {listed([layer.name for layer in found])}"
        zero = " (all 0)" * (not any(map(any, layer.parameters)))
        yield Finding(
            f"the units of {names} have the same weights{zero} and the same gradient, so they stay "
            "alike and do the work of one",
            Change(init=exam.init),
            "random weights, all different",
            Place(layer.number, tuple(range(layer.size))),
        )


def are_alike(layer: LayerReadings) -> bool:
    """Whether all units of a layer, two or more, have the same weights and slopes."""
    one, *others = [[*p, *slopes] for p, slopes in zip(layer.parameters, layer.slopes)]
    return bool(others) and all(
        math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12)
        for other in others
        for a, b in zip(one, other)
    )


@rule(explains=["learning rate too high"])
def cut_gradient(exam: Exam) -> Iterator[Finding]:
    """An activation that leaves the graph: by Python's numbers, or because it is constant.

    ok: activation="tanh", epochs=30
    found: activation="tanh of data", epochs=30
    """
    for layer in exam.layers:
        if layer.shape.op == "constant":
            yield Finding(
                f"the activation of layer {layer.name} does not depend on Values, so no gradient "
                "gets through (a function of `math`, or of `.data`, is cut off from the graph)",
                exam.activate(layer),
                "or another of Value's own methods",
                Place(layer.number),
            )


@rule(explains=LAYERS)
def learning_rate_too_high(exam: Exam) -> Iterator[Finding]:
    """A loss that ends above its start or jumps up again and again, or weights that ran away.

    ok: sizes=[8, 8, 1], lr=0.5
    found: sizes=[8, 8, 1], lr=20.0
    found: sizes=[8, 1], activation="relu", lr=1000.0
    """
    losses, weight = exam.losses, exam.readings.largest_parameter
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


@rule(explains=GRADIENTS)
def dead_layer(exam: Exam) -> Iterator[Finding]:
    """A relu layer of which no unit is awake on any example.

    ok: data="xor", sizes=[4, 1], activation="tanh", loss="mse", lr=0.1
    found: data="xor", sizes=[2, 1], activation="relu", loss="mse", epochs=500, seed=5
    found: data="parabola", loss="mse", output="relu", biases=-1.0, lr=0.1
    """
    for layer in exam.layers:
        units = asleep(layer)
        if len(units) == layer.size:
            yield sleepers(layer, units, exam)
            return


@rule(explains=GRADIENTS)
def saturated_units(exam: Exam) -> Iterator[Finding]:
    """A tanh or sigmoid layer of which half of the units or more are flat on nearly all examples.

    ok: activation="sigmoid"
    found: activation="sigmoid", weights=300.0, epochs=300
    found: activation="tanh", weights=100.0, epochs=300
    """
    by_logarithm = exam.readings.output if exam.loss and exam.loss.scores else None
    for layer in exam.layers:
        units = flat(layer)
        if 2 * len(units) >= layer.size and layer is not by_logarithm:  # which makes up for it
            size = max([abs(z) for i in units for z in layer.pre_activations[i]])
            yield Finding(
                f"{counted(units, layer)} flat (slope below 1% of the steepest) on more than 90% "
                f"of the examples, with pre-activations as large as {size:.3g}: {names_of(units)}",
                Change(init=exam.init),
                f"smaller initial weights: they reach {exam.readings.largest_parameter:.3g} now",
                Place(layer.number, units),
            )
            return


@rule(explains=GRADIENTS)
def linear_net(exam: Exam) -> Iterator[Finding]:
    """A stack of layers without an activation in between, where the best linear fit does not do.

    ok: data="circles", activation="tanh"
    ok: data="line", sizes=[1], loss="mse", lr=0.1
    found: data="circles", activation="linear"
    found: data="circles", activation="linear", sizes=[8, 8, 1]
    found: data="xor", activation="linear", loss="mse", lr=0.1
    found: data="circles", sizes=[1]
    found: data="parabola", sizes=[1], loss="mse", lr=0.1
    """
    bent = any(layer.shape.op != "linear" for layer in exam.hidden)
    if bent or not exam.is_stack or not exam.straight:
        return
    change, who = Change(activation="tanh"), "all hidden layers are linear, so the whole net is"
    if not exam.hidden:
        change = Change(sizes=[8, exam.layers[-1].size], activation="tanh")
        who = "the model is linear, as it has no hidden layer"
    yield Finding(
        f"{who}, and the best linear fit (by least squares) {exam.straight}",
        change,
        "which bends the answer",
    )


@rule(explains=RESULTS)
def vanishing_gradient(exam: Exam) -> Iterator[Finding]:
    """A gradient that gets lost on its way back through three layers or more.

    ok: sizes=[8, 8, 8, 8, 8, 8, 8, 8, 1], activation="relu", init="he", lr=0.1
    found: sizes=[8, 8, 8, 8, 8, 8, 8, 8, 1], activation="sigmoid", lr=0.1
    found: sizes=[8, 8, 8, 8, 1], activation="relu", weights=0.05, lr=0.1
    found: sizes=[8, 8, 8, 1], activation="tanh", init="normal", lr=0.1
    """
    if len(exam.layers) < 3:
        return
    first, last = exam.layers[0], exam.layers[-1]
    begin, end = first.gradient_norm(), last.gradient_norm()
    if begin >= VANISHING * end:
        return
    change = Change(init=exam.init)
    if first.shape.steepest < 0.5:  # whatever the weights
        change = Change(activation="leaky_relu", init="he")
    yield Finding(
        f"the gradient's norm falls from {end:.2g} in layer {last.name} to {begin:.2g} in layer "
        f"{first.name}, {begin / end:.0e} of it, so the first layers hardly learn",
        change,
        "which keeps the gradient's size",
        Place(1),
    )


@rule(explains=RESULTS)
def exploding_gradient(exam: Exam) -> Iterator[Finding]:
    """A gradient that would take any step too far.

    ok: sizes=[8, 8, 1], activation="relu", init="he"
    found: sizes=[8, 8, 1], activation="relu", weights=50.0, epochs=0, seed=1
    """
    weight = exam.readings.largest_parameter
    for layer in sorted(exam.layers, key=lambda layer: -layer.gradient_norm())[:1]:
        longest = layer.gradient_norm()
        if longest > EXPLODING and weight > LARGE:
            yield Finding(
                f"the gradient's norm is {longest:.3g} in layer {layer.name}, so that a step at "
                f"learning rate 0.1 has length {0.1 * longest:.3g}",
                Change(init=exam.init),
                f"smaller weights: they reach {weight:.3g}",
                Place(layer.number),
            )


@rule(always=True)
def dead_units(exam: Exam) -> Iterator[Finding]:
    """Relu units that are awake on no example, beside others that are.

    ok: data="xor", sizes=[2, 1], activation="tanh", loss="mse", epochs=500
    found: data="xor", sizes=[2, 1], activation="relu", loss="mse", epochs=500
    """
    for layer in exam.layers:
        units = asleep(layer)
        if 0 < len(units) < layer.size:
            yield sleepers(layer, units, exam)


@rule()
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


@rule()
def training_not_finished(exam: Exam) -> Iterator[Finding]:
    """A gradient that still moves the weights.

    ok: epochs=500
    found: epochs=1
    """
    knows = exam.fitted is not None
    if knows and not exam.rests and not exam.is_flat:
        message = (
            f"training does not rest yet, at a gradient of norm {exam.readings.gradient_norm:.2g}"
        )
        yield Finding(message, Change(epochs=10))


@rule()
def stuck(exam: Exam) -> Iterator[Finding]:
    """Examples whose gradients cancel before all is right, with no unit dead.

    ok: data="xor", sizes=[4, 1], activation="tanh", loss="mse", lr=0.3, epochs=600
    found: data="xor", sizes=[2, 1], activation="relu", loss="mse", lr=0.3, epochs=600, seed=2
    found: data="xor", sizes=[2, 1], activation="leaky_relu", loss="mse", epochs=500
    found: data="circles", sizes=[1, 1], activation="tanh", lr=2.0, epochs=300
    """
    if exam.fitted is None or not exam.rests or any(map(asleep, exam.layers)):
        return
    message = f"training rests here, at a gradient of norm {exam.readings.gradient_norm:.1g}"
    if exam.layers and exam.layers[0].shape.has_kink:
        yield Finding(message, Change(activation="tanh"), "whose slope is never 0")
    else:
        yield Finding(message, Change(width=2.0), "as of more units, more start in useful places")


# --- Units, and how they are named ------------------------------------------------------------


def asleep(layer: LayerReadings) -> tuple[int, ...]:
    """The units that are 0 on each example, and flat, of an activation that is so on one side."""
    if layer.shape.is_bounded:
        return ()
    pairs = zip(layer.activations, layer.bends)
    return tuple([i for i, (numbers, bends) in enumerate(pairs) if not any([*numbers, *bends])])


def flat(layer: LayerReadings) -> tuple[int, ...]:
    """The units that are flat on more than 90% of the examples, of an activation with two ends."""
    if not layer.shape.is_bounded:
        return ()
    least, most = FLAT * layer.shape.steepest, 0.9 * len(layer.examples)
    counts = [sum([abs(bend) < least for bend in bends]) for bends in layer.bends]
    return tuple([i for i, count in enumerate(counts) if count > most])


def sleepers(layer: LayerReadings, units: tuple[int, ...], exam: Exam) -> Finding:
    """Which units sleep, how deep, and what follows."""
    top = max([z for i in units for z in layer.pre_activations[i]])
    message = (
        f"{counted(units, layer)} zero on each of the {exam.data.n} examples (pre-activations "
        f"reach {top:.3g} at most), so no gradient gets through: {names_of(units)}"
    )
    place = Place(layer.number, units)
    return Finding(message, exam.activate(layer), "whose slope is never 0", place)


def counted(units: Sequence[int], layer: LayerReadings) -> str:
    """How many of a layer's units, with the verb."""
    share = "all " if len(units) == layer.size else f"{len(units)} of "
    said = "the only unit" if layer.size == 1 else f"{share}{layer.size} units"
    return f"{said} of layer {layer.name} {'is' if len(units) == 1 else 'are'}"


def names_of(units: Sequence[int]) -> str:
    """The indices, the first ten of them."""
    return f"unit{'s' * (len(units) > 1)} {first(10, units)}"
