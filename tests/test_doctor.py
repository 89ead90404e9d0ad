"""Failures made on purpose, each with a seed, and what the doctor says about them."""

import gc
import json
import math
import re
import warnings
import weakref
from collections import Counter
from dataclasses import dataclass, fields, replace
from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autograd_core import Value, total
from nn import (
    ACTIVATIONS,
    MLP,
    SGD,
    Adam,
    DivergedError,
    History,
    Layer,
    Module,
    datasets,
    evaluate,
    fit,
    losses,
)
from nn.__main__ import main
from nn.doctor import RULES, Change, diagnose
from nn.doctor.rules import asleep, explained
from nn.readings import GradientNorms, read
from nn.train.examples import Examples
from nn.train.stacks import PROGRAMS
from tests.report.doctor import OPTIMIZERS, Nets, shares
from tests.trials import CASES, Training, of_kind, trainings

XOR, MOONS = datasets.xor(), datasets.moons()
LOGITS = losses.binary_cross_entropy_with_logits


def train(model, data, loss, optimizer, epochs, **options):
    return fit(
        model, *data, loss=loss, optimizer=optimizer, epochs=epochs, **options, progress=False
    )


def kinds(diagnosis):
    return [finding.kind for finding in diagnosis.findings]


def only(diagnosis):
    """The one finding, after checks that hold of every report that is not ok."""
    (finding,) = diagnosis.findings
    assert not diagnosis.ok
    assert str(diagnosis).startswith("not fitted: ")
    assert finding.message in str(diagnosis)
    assert finding.suggestion in str(diagnosis)
    return finding


@cache
def trained_on_xor(seed):
    """The smallest relu net that can solve XOR, and the loss it ends at."""
    model = MLP(2, [2, 1], seed=seed)
    train(model, XOR, losses.mse, SGD(0.1), 3000)
    return model, evaluate(model, *XOR, loss=losses.mse)[0]


def with_biases(model, bias):
    """The model, its first layer's biases all set."""
    for neuron in model.layers[0].neurons:
        neuron.b.data = bias
    return model


# --- The rules, and what they prescribe -------------------------------------------------------


def named(cases):
    """For each case, named by its rule and its data; beyond a rule's first in the long layer."""
    marked, seen = [], set()
    for rule, training in cases:
        marks = [pytest.mark.slow] if rule.kind in seen else []
        marked.append(
            pytest.param(
                rule, training, marks=marks, id=f"{rule.kind}-{training.data}-{len(marked)}"
            )
        )
        seen.add(rule.kind)
    return pytest.mark.parametrize(("rule", "training"), marked)


def test_every_rule_has_a_training_that_is_ok_and_one_on_which_its_change_is_tried():
    for rule in RULES.values():
        assert trainings(rule, "ok")
        assert trainings(rule, "found")


def test_a_rule_explains_rules_that_stand_below_it():
    order = list(RULES)
    for kind in order:
        assert explained(kind) <= set(order[order.index(kind) + 1 :])


@pytest.mark.parametrize(("rule", "training"), CASES["ok"], ids=lambda part: str(part)[:20])
def test_a_rule_finds_nothing_in_a_training_that_is_ok(rule, training):
    assert of_kind(rule, training) == []


@named(CASES["found"])
def test_what_is_found_is_mended_by_the_change(rule, training):
    finding = of_kind(rule, training)[0]
    assert finding.message
    assert str(finding.change) in finding.suggestion
    assert training.with_change(finding.change).outcome() > training.outcome()


@pytest.mark.slow
@named(CASES["found"])
def test_the_change_mends_it_from_most_starts(rule, training):
    starts = [replace(training, seed=training.seed + k) for k in range(12)]
    tried = [(start, findings[0]) for start in starts if (findings := of_kind(rule, start))]
    better = [
        start.with_change(finding.change).outcome() > start.outcome() for start, finding in tried
    ]
    assert len(tried) >= 3
    assert 3 * sum(better) >= 2 * len(tried)


def follow(training, most=4):
    """The trainings that come of the first advice, again and again, until the net fits."""
    path = [training]
    while len(path) < most and not (diagnosis := path[-1].diagnose()).ok:
        path.append(path[-1].with_change(diagnosis.findings[0].change))
    return path


@pytest.mark.parametrize(
    ("wrong", "steps"),
    [
        pytest.param({"lr": lr, "inputs": inputs, "activation": activation}, steps, marks=marks)
        for lr, inputs, activation, steps, marks in [
            (20.0, 200.0, "relu", 2, ()),
            (2.0, 200.0, "relu", 1, pytest.mark.slow),
            (20.0, 200.0, "tanh", 1, pytest.mark.slow),
            (100.0, 1.0, "relu", 2, pytest.mark.slow),
            (100.0, 1.0, "tanh", 1, pytest.mark.slow),
        ]
    ],
)
def test_following_the_advice_leads_to_a_net_that_fits(wrong, steps):
    for seed in range(2):
        path = follow(Training(epochs=200, seed=seed, **wrong))
        assert len(path) <= 1 + steps
        assert path[-1].diagnose().ok


def test_a_change_is_said_in_the_words_of_its_parts():
    parts = {"sizes": [4, 1], "activation": "tanh", "output": "linear", "init": "he"}
    parts |= {"standardise": "inputs", "loss": "mse", "lr": 0.1, "epochs": 10, "width": 2.0}
    assert set(parts) == {field.name for field in fields(Change)}
    for name, part in parts.items():
        words = str(Change(**{name: part}))
        assert (words == f"{name}={json.dumps(part)}") == (
            name not in {"standardise", "lr", "epochs", "width"}
        )
    assert str(Change(lr=10.0)) == "10 times the learning rate"


@pytest.mark.parametrize("name", ["lr", "init"])
def test_a_finding_hides_what_it_explains_alone(name):
    """Where the recipe is wrong in two ways both are said, and nothing that may follow."""
    wrong = {"lr": {"inputs": 200.0, "lr": 20.0}, "init": {"inputs": 200.0, "init": "zeros"}}[name]
    found = kinds(Training(activation="tanh", epochs=5, **wrong).diagnose())
    assert found == ["inputs not scaled", "units all alike"][: 1 + (name == "init")]


# --- Healthy ---------------------------------------------------------------------------------


def test_a_net_that_fits_is_ok_and_says_so():
    model = MLP(2, [8, 1], activation="tanh", seed=0)
    history = train(model, MOONS, LOGITS, Adam(0.1), 150)
    diagnosis = diagnose(model, *MOONS, LOGITS, history=history)
    assert evaluate(model, *MOONS, loss=LOGITS)[1] == 1.0
    assert (diagnosis.ok, diagnosis.fitted, diagnosis.findings) == (True, True, ())
    assert str(diagnosis) == "ok: all 100 examples are right"


def test_dead_units_of_a_net_that_fits_are_notes():
    model = MLP(2, [16, 16, 1], seed=0)
    train(model, MOONS, LOGITS, Adam(0.05), 100)
    diagnosis = diagnose(model, *MOONS, LOGITS)
    assert diagnosis.ok
    assert set(kinds(diagnosis)) == {"dead units"}


def test_numbers_as_targets_are_fitted_where_their_variance_is_explained():
    X = [[x / 4] for x in range(-8, 9)]
    y = [2.5 * x + 0.25 for (x,) in X]
    model = MLP(1, [1], seed=0)
    train(model, (X, y), losses.mse, SGD(0.1), 200)
    assert (
        str(diagnose(model, X, y, losses.mse)) == "ok: 100% of the targets' variance is explained"
    )
    untrained = diagnose(MLP(1, [4, 1], activation="tanh", seed=2), X, y, losses.mse)
    assert re.match(r"not fitted: \d+% of the targets' variance is explained$", untrained.title)


def test_targets_that_are_all_the_same_are_fitted_where_they_are_met():
    model = MLP(2, [1], init="zeros")
    assert diagnose(model, [[1.0, 2.0]] * 3, [0.0] * 3, losses.mse).ok
    assert not diagnose(model, [[1.0, 2.0]], [7.0], losses.mse).ok


def test_of_a_loss_of_ones_own_it_says_only_what_it_knows():
    def distance(prediction, target):
        return abs(prediction - target)

    diagnosis = diagnose(MLP(2, [3, 1], activation="tanh", seed=0), *XOR, distance)
    assert (diagnosis.fitted, diagnosis.findings, diagnosis.ok) == (None, (), True)
    dead = with_biases(MLP(2, [3, 1], seed=0), -9.0)
    assert only(diagnose(dead, *XOR, distance)).kind == "dead layer"


# --- Dead units -------------------------------------------------------------------------------


def test_a_layer_of_dead_units_is_the_only_finding():
    model = with_biases(MLP(2, [4, 1], seed=0), -50.0)
    finding = only(diagnose(model, *MOONS, LOGITS))
    assert (finding.kind, finding.where) == ("dead layer", (1, (0, 1, 2, 3)))
    assert "all 4 units of layer 1 are zero on each of the 100 examples" in finding.message


def test_dead_units_are_listed_by_layer_and_index():
    model = with_biases(MLP(2, [4, 4, 1], init=lambda rng, *_: abs(rng.gauss(0, 1)), seed=0), 5.0)
    model.layers[0].neurons[2].b.data = -50.0
    model.layers[1].neurons[0].b.data = model.layers[1].neurons[3].b.data = -99.0
    layers = read(model, Examples.of(model, *MOONS, LOGITS)).layers
    assert [asleep(layer) for layer in layers] == [(2,), (0, 3), ()]


@pytest.mark.parametrize("activation", ["leaky_relu", "tanh", "sigmoid", "softplus", "linear"])
def test_no_other_unit_is_dead(activation):
    model = with_biases(MLP(2, [4, 1], activation=activation, seed=0), -50.0)
    assert not {"dead layer", "dead units"} & set(kinds(diagnose(model, *MOONS, LOGITS)))


@given(st.integers(0, 10**6), st.floats(-6, 1))
def test_dead_units_are_those_that_no_example_wakes(seed, bias):
    model = with_biases(MLP(2, [5, 1], seed=seed), bias)
    rows = []
    for x in MOONS[0]:
        model(x)
        rows.append([a.data for a in model.layers[0].activations])
    expected = tuple(i for i, column in enumerate(zip(*rows, strict=True)) if not any(column))
    assert asleep(read(model, Examples.of(model, *MOONS, LOGITS)).layers[0]) == expected


# --- The relu net 2-2-1 on XOR ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("seed", "loss", "expected"),
    [
        (0, 1 / 6, "dead units"),
        (1, 1 / 8, "stuck"),
        (5, 1 / 4, "dead layer"),
        (8, 1 / 4, "stuck"),
    ],
)
def test_what_stops_xor(seed, loss, expected):
    model, end = trained_on_xor(seed)
    assert end == pytest.approx(loss)
    finding = only(diagnose(model, *XOR, losses.mse))
    assert (finding.kind, finding.change) == (expected, Change(activation="tanh"))


def test_the_corners_that_are_wrong_and_those_that_are_undecided_are_named():
    titles = [diagnose(trained_on_xor(seed)[0], *XOR, losses.mse).title for seed in (0, 1, 8)]
    assert titles == [
        "not fitted: 3 of 4 XOR corners are right; wrong at [1, 0]",
        "not fitted: 2 of 4 XOR corners are right; undecided at [0, 0] and [0, 1]",
        "not fitted: the output is constant (0.5)",
    ]


@given(st.integers(2, 4), st.floats(-5, 5))
def test_a_tie_is_no_hit(n, number):
    def said(n_out, loss, y):
        model = MLP(2, [n_out], init="zeros")
        for neuron in model.layers[0].neurons:
            neuron.b.data = loss.threshold if n_out == 1 else number
        return diagnose(model, [*XOR[0], [2.0, 2.0]], y, loss)

    for loss in (losses.mse, losses.hinge, LOGITS):
        assert said(1, loss, [0, 1, 1, 0, 0]).title.startswith("not fitted: the output is constant")
    assert not said(n, losses.cross_entropy, [0] * 5).fitted


@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "tanh", "sigmoid"])
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_nets_that_are_measured_side_by_side_train_as_by_fit(activation, optimizer):
    nets = Nets((3, 4), activation, 3, "he", optimizer, steps=60)
    for seed, loss in zip(nets.seeds, nets.losses(), strict=True):
        model = MLP(2, [3, 1], activation=activation, init="he", seed=seed)
        train(model, XOR, losses.mse, OPTIMIZERS[optimizer](0.1), 60)
        assert evaluate(model, *XOR, loss=losses.mse)[0] == pytest.approx(loss, rel=1e-9)


def test_where_no_net_is_stuck_no_remedy_is_tried():
    assert not shares("tanh", 3, [0], ["xavier"])[0]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("activation", "prescribed"),
    [
        ("relu", "tanh"),
        ("leaky_relu", "tanh"),
        ("tanh", "twice the units"),
        ("sigmoid", "twice the units"),
    ],
)
def test_what_is_prescribed_on_xor_mends_most(activation, prescribed):
    counts, by_end = shares(activation, 2, range(150), ["xavier", "he"])
    mended = sum(by_end.values(), Counter())
    assert mended[prescribed] == max(mended.values())
    assert mended[prescribed] >= 0.75 * counts.total() > 0


def test_xor_that_is_solved_is_ok():
    model, loss = trained_on_xor(4)
    assert loss < 1e-9
    assert str(diagnose(model, *XOR, losses.mse)) == "ok: all 4 XOR corners are right"


# --- Predictions -----------------------------------------------------------------------------


def test_at_most_three_wrong_examples_are_named():
    X, y = [[float(x)] for x in range(8)], [1, 0] * 4
    model = MLP(1, [2], init="zeros")
    model.layers[0].neurons[0].w[0].data = 0.1
    model.layers[0].neurons[0].b.data = 1.0  # always class 0, never by the same margin
    title = diagnose(model, X, y, losses.cross_entropy).title
    assert title.endswith("4 of 8 examples are right (50.0%); wrong at [0], [2], [4] and 1 more")


def test_of_many_wrong_examples_the_classes_are_counted():
    X, y = MOONS
    model = MLP(2, [1], init="zeros")
    model.layers[0].neurons[0].w[0].data = 1.0
    right = [(x[0] > 0) == label for x, label in zip(X, y, strict=True)]
    missed = [sum(not ok for ok, label in zip(right, y, strict=True) if label == k) for k in (0, 1)]
    title = diagnose(model, X, y, LOGITS).title
    assert f"{sum(right)} of 100 examples are right" in title
    for label, count in enumerate(missed):
        assert (f"{count} of 50 of class {label}" in title) == (count > 0)


def test_training_that_still_moves_should_go_on():
    finding = only(diagnose(MLP(2, [8, 1], activation="tanh", seed=1), *MOONS, LOGITS))
    assert finding.change == Change(epochs=10)


# --- Symmetry, saturation, gradients ---------------------------------------------------------


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid"])
@pytest.mark.parametrize("epochs", [0, 30])
def test_units_that_started_at_zero_are_all_alike(activation, epochs):
    model = MLP(2, [3, 1], activation=activation, init="zeros")
    train(model, MOONS, LOGITS, SGD(0.5), epochs)
    finding = only(diagnose(model, *MOONS, LOGITS))
    assert (finding.kind, finding.where) == ("units all alike", (1, (0, 1, 2)))
    assert "init=" in finding.suggestion


def test_units_of_equal_weights_stay_alike_through_training():
    model = MLP(2, [4, 4, 1], activation="tanh", init=lambda rng, n_in, n_out: 0.5)
    train(model, MOONS, LOGITS, SGD(0.5), 50)
    finding = only(diagnose(model, *MOONS, LOGITS))
    assert "layers 1 and 2 have the same weights and the same gradient" in finding.message


def test_units_of_equal_weights_that_are_used_unequally_are_not_alike():
    model = MLP(2, [2, 1], activation="tanh", init=lambda rng, n_in, n_out: 0.5)
    model.layers[1].neurons[0].w[0].data = -1.0
    assert "units all alike" not in kinds(diagnose(model, *MOONS, LOGITS))


def thirty(rng, n_in, n_out):
    """A weight of size 30."""
    return rng.choice([-30.0, 30.0])


def test_a_sigmoid_net_with_weights_of_size_30_is_saturated():
    model = with_biases(MLP(2, [4, 1], activation="sigmoid", init=thirty, seed=0), 30.0)
    finding = diagnose(model, *MOONS, LOGITS).findings[0]
    assert finding.kind == "saturated units"
    layer, units = finding.where
    assert layer == 1
    for i in units:
        outputs = [(model(x), model.layers[0].activations[i].data)[1] for x in MOONS[0]]
        assert sum(a * (1 - a) < 0.01 / 4 for a in outputs) > 90
    assert finding.change == Change(init="xavier")


def test_inputs_that_are_too_large_are_named_as_the_cause_of_saturation():
    X = [[100 * v for v in x] for x in MOONS[0]]
    model = MLP(2, [4, 1], activation="tanh", seed=0)
    assert only(diagnose(model, X, MOONS[1], LOGITS)).change == Change(standardise="inputs")


@pytest.mark.parametrize("epochs", [0, 200])
def test_the_gradient_vanishes_in_a_sigmoid_net_of_many_layers(epochs):
    model = MLP(2, [8] * 8 + [1], activation="sigmoid", seed=0)
    train(model, MOONS, LOGITS, SGD(0.5), epochs)
    finding = only(diagnose(model, *MOONS, LOGITS))
    assert (finding.kind, finding.where.layer) == ("vanishing gradient", 1)
    assert "in layer 9" in finding.message


def test_the_suggested_change_keeps_the_gradient():
    model = MLP(2, [8] * 8 + [1], activation="leaky_relu", init="he", seed=0)
    assert not {"vanishing gradient", "exploding gradient"} & set(
        kinds(diagnose(model, *MOONS, LOGITS))
    )


# --- Numbers that are not finite -------------------------------------------------------------


def test_an_absurd_learning_rate_ends_in_a_number_that_is_not_finite():
    model = MLP(2, [4, 1], seed=0)
    with pytest.raises(DivergedError):
        train(model, MOONS, losses.mse, SGD(1e100), 5)
    finding = only(diagnose(model, *MOONS, losses.mse))
    assert finding.kind == "not a finite number"
    assert re.search(r"cannot compute \*\*2 of \(.*e\+\d+\)", finding.message)
    assert "learning rate" in finding.suggestion


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_the_first_number_that_is_not_finite_is_named_by_its_label(number):
    model = MLP(2, [3, 3, 1], activation="tanh", seed=0)
    model.layers[1].neurons[1].w[2].data = number
    finding = only(diagnose(model, *MOONS, LOGITS))
    assert f"the first such number is W2[1,2] = {number}" in finding.message
    assert finding.change == Change(lr=0.1)


def test_an_overflow_is_named_with_its_op_and_operands():
    model = MLP(2, [1, 1], activation="linear", init="zeros")
    for p in (model.layers[0].neurons[0].w[0], model.layers[1].neurons[0].w[0]):
        p.data = 1e200
    message = only(diagnose(model, [[1.0, 0.0]], [1], losses.hinge)).message
    assert "example 0" in message
    assert "dot of (W2[0,0] = 1e+200, z1[0] = 1e+200, b2[0] = 0)" in message


def test_a_logarithm_of_zero_is_named_with_the_unit_and_a_loss_that_takes_none():
    model = with_biases(MLP(1, [1], output="sigmoid", init="zeros"), -800.0)
    finding = only(diagnose(model, [[0.0], [1.0]], [1, 0], losses.binary_cross_entropy))
    assert "cannot compute log of" in finding.message
    assert "binary_cross_entropy_with_logits" in finding.suggestion


# --- The record of a training ----------------------------------------------------------------


def test_a_loss_that_rose_is_a_learning_rate_too_high():
    model = MLP(2, [8, 8, 1], activation="tanh", seed=0)
    history = train(model, MOONS, LOGITS, SGD(20.0), 100)
    finding = only(diagnose(model, *MOONS, LOGITS, history=history))
    assert finding.kind == "learning rate too high"
    assert f"from {history.loss[0]:.3g} to {history.loss[-1]:.3g}" in finding.message


def test_a_loss_that_jumps_up_again_and_again_is_a_learning_rate_too_high():
    history = History(loss=[1.0, *[0.6, 0.9] * 10, 0.6])
    model = MLP(2, [3, 1], activation="tanh", seed=0)
    assert only(diagnose(model, *MOONS, LOGITS, history=history)).kind == "learning rate too high"


def test_a_loss_that_does_not_move_is_a_learning_rate_too_low():
    model = MLP(2, [8, 1], activation="tanh", seed=0)
    history = train(model, MOONS, LOGITS, SGD(1e-5), 50)
    finding = only(diagnose(model, *MOONS, LOGITS, history=history))
    assert finding.kind == "learning rate too low"
    assert finding.change == Change(lr=10.0)


def test_a_loss_that_falls_is_no_finding():
    history = History(loss=[1 / (1 + i) for i in range(30)])
    model = MLP(2, [3, 1], activation="tanh", seed=0)
    assert kinds(diagnose(model, *MOONS, LOGITS, history=history)) == ["training not finished"]


# --- The report ------------------------------------------------------------------------------


@pytest.mark.parametrize("prepare", [lambda m: m, lambda m: with_biases(m, math.nan)])
def test_nothing_is_changed(prepare):
    model = prepare(MLP(2, [3, 1], seed=0))
    model([1.0, 2.0]).backward()
    before = [(p.data, p.grad, p.label) for p in model.parameters()]
    values = [(layer.pre_activations, layer.activations) for layer in model.layers]
    diagnose(model, *XOR, losses.mse)
    assert str([(p.data, p.grad, p.label) for p in model.parameters()]) == str(before)
    for layer, (zs, activations) in zip(model.layers, values, strict=True):
        assert layer.pre_activations is zs
        assert layer.activations is activations


def test_what_cannot_be_compiled_is_read_all_the_same():
    def branching(z):
        return z if z > 0 else 0.1 * z

    def clamped(prediction, target):
        return (prediction - target) ** 2 if prediction < 5 else prediction

    model = MLP(2, [3, 1], activation=branching, seed=0)
    same = MLP(2, [3, 1], activation=lambda z: z.leaky_relu(0.1), seed=0)
    assert str(diagnose(model, *XOR, losses.mse)) == str(diagnose(same, *XOR, losses.mse))
    assert diagnose(model, *XOR, clamped).ok


def test_data_that_do_not_fit_are_an_error():
    with pytest.raises(ValueError, match="the model expects 3"):
        diagnose(MLP(3, [1]), *XOR, losses.mse)


def test_the_report_in_a_notebook_is_escaped_html():
    page = diagnose(
        MLP(2, [4, 1], seed=0), [[1e3, 1.0], [0.0, 1.0]], [0, 1], losses.mse
    )._repr_html_()
    assert page.startswith("<p><b>")
    ok = diagnose(with_biases(MLP(2, [2, 1], seed=0), -9.0), *XOR, losses.mse)._repr_html_()
    assert "<li><b>dead layer</b>" in ok
    assert "&quot;tanh&quot;" in ok


@pytest.mark.slow
def test_the_command_prints_the_findings_of_a_training_that_did_not_fit(tmp_path, capsys):
    arguments = ["--data", "xor", "--hidden", "2", "--loss", "mse", "--epochs", "500"]
    arguments += ["--optimizer", "sgd", "--lr", "0.1"]
    for seed, finding in ((5, "dead layer: all 2 units of layer 1"), (4, None)):
        assert main([*arguments, "--seed", str(seed), "--out", str(tmp_path)]) == 0
        printed = capsys.readouterr().out
        assert ("not fitted: only" in printed) == bool(finding)
        assert (finding or "all 4 examples are classified right") in printed
        assert ("try: " in printed) == bool(finding)


# --- Whatever it is given --------------------------------------------------------------------

FUNCTIONS = {
    **ACTIVATIONS,
    "constant": lambda z: Value(0.5),
    "branch": lambda z: z if z > 0 else 0.1 * z,
    "bump": lambda z: (-(z * z)).exp(),
    "steep": lambda z: (9 * z).tanh() + z,
    "not everywhere": lambda z: z.log(),
    "rescaled": lambda z: 1.7 * z.tanh(),
}
OWN_LOSSES = [
    lambda prediction, target: total(
        [abs(p - 1) for p in (prediction if isinstance(prediction, list) else [prediction])]
    ),
    lambda prediction, target: Value(1.0),
]
NUMBERS = st.one_of(
    st.floats(-3, 3), st.floats(-1e300, 1e300), st.sampled_from([0.0, 1.0, 1e-300, 1e200])
)


@st.composite
def cases(draw):
    """A model, its data and a loss, of all kinds, and maybe the record of a training."""
    n_in, n_out, n = draw(st.integers(1, 3)), draw(st.integers(1, 3)), draw(st.integers(1, 6))
    activation = draw(st.sampled_from(list(FUNCTIONS)))
    model = MLP(
        n_in,
        [*draw(st.lists(st.integers(1, 3), max_size=3)), n_out],
        activation=FUNCTIONS[activation],
        output=draw(st.sampled_from([*ACTIVATIONS, "softmax"])),
        init=draw(st.sampled_from(["zeros", "normal", "uniform", "xavier", "he"])),
        seed=draw(st.integers(0, 9)),
        expand=draw(st.booleans()),
    )
    wild = st.one_of(NUMBERS, st.sampled_from([math.nan, math.inf, -math.inf]))
    for p in draw(st.lists(st.sampled_from(model.parameters()), max_size=3)):
        p.data = draw(wild)
    X = draw(st.lists(st.lists(NUMBERS, min_size=n_in, max_size=n_in), min_size=n, max_size=n))
    loss = draw(st.sampled_from([*losses.LOSSES.values(), *OWN_LOSSES]))
    if isinstance(loss, losses.Loss) and loss.targets is losses.as_many:
        target = st.lists(NUMBERS, min_size=n_out, max_size=n_out)
        target = draw(st.sampled_from([target, st.integers(0, 1)])) if n_out == 1 else target
    else:
        target = st.integers(0, max(1, n_out - 1))
    y = draw(st.lists(target, min_size=n, max_size=n))
    record = draw(st.none() | st.lists(wild, max_size=15).map(lambda loss: History(loss=loss)))
    return model, X, y, loss, record


@pytest.mark.slow
@settings(max_examples=1800, suppress_health_check=list(HealthCheck))
@given(cases())
def test_whatever_it_is_given_it_answers_in_words(case):
    model, X, y, loss, record = case
    try:
        Examples.of(model, X, y, loss)
    except ValueError:
        with pytest.raises(ValueError, match=r"."):
            diagnose(model, X, y, loss)
        return
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        diagnosis = diagnose(model, X, y, loss, history=record)
    assert diagnosis.ok in {True, False}
    assert str(diagnosis).count("try: ") == len(diagnosis.findings)
    assert diagnosis._repr_html_()
    for finding in diagnosis.findings:
        assert finding.kind in RULES
        assert finding.suggestion


@pytest.mark.parametrize("activation", sorted(FUNCTIONS))
def test_an_activation_of_ones_own_is_examined(activation):
    model = MLP(2, [3, 1], activation=FUNCTIONS[activation], seed=0)
    assert diagnose(model, *XOR, losses.mse).title.startswith("not fitted")


@pytest.mark.parametrize(
    ("n_out", "y", "loss"),
    [
        (1, [1.0], losses.mse),
        (1, [1], LOGITS),
        (3, [2], losses.cross_entropy),
        (2, [[1.0, -2.0]], losses.mse),
    ],
)
@pytest.mark.parametrize("n", [1, 3])
def test_one_example_or_one_class_is_examined(n_out, y, loss, n):
    model = MLP(2, [3, n_out], activation="tanh", seed=0)
    X = [[0.1 * i, 1.0] for i in range(n)]
    diagnosis = diagnose(model, X, y * n, loss)
    assert diagnosis.fitted in {True, False}
    train(model, (X, y * n), loss, SGD(0.1), 300)
    assert diagnose(model, X, y * n, loss).ok


def test_parameters_that_are_no_numbers_are_one_finding():
    model = with_biases(MLP(2, [3, 1], seed=0), math.nan)
    assert kinds(diagnose(model, *XOR, losses.mse)) == ["not a finite number"]


# --- What is compiled for it -------------------------------------------------------------------


def changed_number(model):
    model.layers[0].neurons[0].w[0].data = 0.25


def changed_activation(model):
    model.layers[0].activate = Value.sin


def swapped_layers(model):
    model.layers[0], model.layers[1] = model.layers[1], model.layers[0]


def new_layer(model):
    model.layers[1] = MLP(2, [2], seed=8).layers[0]


def another_loss(model):
    pass


@pytest.mark.parametrize(
    "change", [changed_number, changed_activation, swapped_layers, new_layer, another_loss]
)
def test_a_second_look_sees_every_change_and_compiles_only_for_some(change):
    model, loss = MLP(2, [2, 2, 1], seed=3), losses.mse
    read(model, Examples.of(model, *XOR, loss))
    ((before, _),) = (program for kept in PROGRAMS[model].values() for program in kept.values())
    change(model)
    loss = losses.squared_error if change is another_loss else loss
    found = read(model, Examples.of(model, *XOR, loss))
    programs = [program for kept in PROGRAMS[model].values() for program, _ in kept.values()]
    assert (programs == [before]) is (change is changed_number)
    PROGRAMS.pop(model)
    assert found == read(model, Examples.of(model, *XOR, loss))


LOOKS = {
    "diagnose": lambda model, loss: diagnose(model, *XOR, loss),
    "evaluate": lambda model, loss: evaluate(model, *XOR, loss=loss),
}


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_what_is_kept_keeps_no_model_though_the_loss_may_refer_to_it(look):
    def looked_at():
        model = MLP(2, [2, 1], seed=3)
        look(model, losses.mse)
        look(model, lambda z, t: (z - t) ** 2 + total([p * p for p in model.parameters()]))
        return weakref.ref(model)

    gone = looked_at()
    gc.collect()
    assert gone() is None


def test_a_loss_may_be_an_object_that_is_no_key():
    @dataclass
    class Scaled:
        factor: float

        def __call__(self, z, t):
            return (z - t) ** 2 * self.factor

    model, loss = MLP(2, [2, 1], seed=3), Scaled(1.0)
    once, told = evaluate(model, *XOR, loss=loss)[0], str(diagnose(model, *XOR, loss))
    loss.factor = 2.0
    assert evaluate(model, *XOR, loss=loss)[0] == 2 * once
    assert str(diagnose(model, *XOR, loss)) == told
    history = train(model, XOR, loss=loss, optimizer=SGD(0.1), epochs=1)
    assert history.loss[0] == pytest.approx(2 * once)


def test_a_parameter_that_is_trained_no_longer_has_no_slope():
    class Freezing(Module):
        def __init__(self):
            self.layer, self.factor, self.is_frozen = Layer(2, 1, "tanh", seed=1), Value(2.0), False

        def parameters(self):
            return [*self.layer.parameters(), *([] if self.is_frozen else [self.factor])]

        def __call__(self, x):
            return self.layer(x)[0] * self.factor

    model = Freezing()
    for frozen in (False, True, False):
        model.is_frozen = frozen
        found = read(model, Examples.of(model, *XOR, losses.mse))
        assert {len(slopes) for slopes in found.others} == {0 if frozen else 1}


# --- Gradient norms --------------------------------------------------------------------------


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_gradient_norms_are_those_of_backward(activation):
    model = MLP(2, [3, 2, 1], activation=activation, seed=1)
    recorder = GradientNorms(model, *XOR, LOGITS)
    recorder(History())
    total(LOGITS(model(x), label) for x, label in zip(*XOR, strict=True)).backward()
    expected = [math.hypot(*[p.grad / 4 for p in layer.parameters()]) for layer in model.layers]
    assert recorder.norms == [pytest.approx(expected)]


@pytest.mark.parametrize("compile", [True, False])
def test_gradient_norms_are_kept_for_every_epoch_and_change_no_training(compile):
    watched, alone = [MLP(2, [3, 1], seed=0) for _ in range(2)]
    recorder = GradientNorms(watched, *XOR, losses.mse)
    options = {"loss": losses.mse, "optimizer": SGD(0.1), "epochs": 4}
    train(watched, XOR, **options, compile=compile, callbacks=[recorder])
    train(alone, XOR, **{**options, "optimizer": SGD(0.1)}, compile=compile)
    assert len(recorder.norms) == 4
    assert [p.data for p in watched.parameters()] == [p.data for p in alone.parameters()]


def test_a_loss_with_values_of_its_own_keeps_their_gradients():
    weight = Value(2.0, "weight")
    weight.grad = 7.0
    model = MLP(2, [2, 1], seed=0)

    def weighted(prediction, target):
        return weight * (prediction - target) ** 2

    recorder = GradientNorms(model, *XOR, weighted)
    recorder(History())
    diagnose(model, *XOR, weighted)
    model.layers[0].neurons[0].b.data = math.nan
    diagnose(model, *XOR, weighted)
    assert len(recorder.norms[0]) == 2
    assert weight.grad == 7.0
