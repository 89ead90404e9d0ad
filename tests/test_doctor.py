"""Failures made on purpose, each with a seed, and what the doctor says about them."""

import math
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograd_core import Value, total
from nn import ACTIVATIONS, MLP, SGD, Adam, DivergedError, History, datasets, evaluate, fit, losses
from nn.__main__ import main
from nn.doctor import diagnose
from nn.readings import GradientNorms

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
    assert set(kinds(diagnosis)) == {"dead relu"}


def test_numbers_as_targets_are_fitted_where_their_variance_is_explained():
    X = [[x / 4] for x in range(-8, 9)]
    y = [2.5 * x + 0.25 for (x,) in X]
    model = MLP(1, [1], seed=0)
    train(model, (X, y), losses.mse, SGD(0.1), 200)
    assert (
        str(diagnose(model, X, y, losses.mse)) == "ok: 100% of the targets' variance is explained"
    )
    finding = only(diagnose(MLP(1, [4, 1], activation="tanh", seed=2), X, y, losses.mse))
    assert re.search(r"predictions explain \d+% of the targets' variance", finding.message)


def test_of_a_loss_of_ones_own_it_says_only_what_it_knows():
    def distance(prediction, target):
        return abs(prediction - target)

    diagnosis = diagnose(MLP(2, [3, 1], activation="tanh", seed=0), *XOR, distance)
    assert (diagnosis.fitted, diagnosis.findings, diagnosis.ok) == (None, (), True)
    dead = with_biases(MLP(2, [3, 1], seed=0), -9.0)
    assert only(diagnose(dead, *XOR, distance)).kind == "dead relu"


# --- Dead relu -------------------------------------------------------------------------------


def test_a_layer_of_dead_units_is_the_only_finding():
    model = with_biases(MLP(2, [4, 1], seed=0), -50.0)
    finding = only(diagnose(model, *MOONS, LOGITS))
    assert (finding.kind, finding.where) == ("dead relu", (1, (0, 1, 2, 3)))
    assert "all 4 units of layer 1 are zero on each of the 100 examples" in finding.message
    assert "leaky_relu" in finding.suggestion


def test_dead_units_are_listed_by_layer_and_index():
    model = with_biases(MLP(2, [4, 4, 1], init=lambda rng, *_: abs(rng.gauss(0, 1)), seed=0), 5.0)
    model.layers[0].neurons[2].b.data = -50.0
    model.layers[1].neurons[0].b.data = model.layers[1].neurons[3].b.data = -99.0
    places = [f.where for f in diagnose(model, *MOONS, LOGITS).findings if f.kind == "dead relu"]
    assert sorted(places) == [(1, (2,)), (2, (0, 3))]


@pytest.mark.parametrize("activation", ["leaky_relu", "tanh", "sigmoid", "softplus", "linear"])
def test_no_other_unit_is_dead(activation):
    model = with_biases(MLP(2, [4, 1], activation=activation, seed=0), -50.0)
    assert "dead relu" not in kinds(diagnose(model, *MOONS, LOGITS))


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10**6), st.floats(-6, 1))
def test_dead_units_are_those_that_no_example_wakes(seed, bias):
    model = with_biases(MLP(2, [5, 1], seed=seed), bias)
    rows = []
    for x in MOONS[0]:
        model(x)
        rows.append([a.data for a in model.layers[0].activations])
    expected = tuple(i for i, column in enumerate(zip(*rows, strict=True)) if not any(column))
    found = [f.where for f in diagnose(model, *MOONS, LOGITS).findings if f.kind == "dead relu"]
    assert found == ([(1, expected)] if expected else [])


# --- The relu net 2-2-1 on XOR ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("seed", "loss", "expected"),
    [
        (0, 1 / 6, ["dead relu", "did not converge"]),
        (1, 1 / 8, ["did not converge"]),
        (5, 1 / 4, ["dead relu"]),
        (8, 1 / 4, ["constant predictions"]),
    ],
)
def test_what_stops_xor(seed, loss, expected):
    model, end = trained_on_xor(seed)
    assert end == pytest.approx(loss)
    assert kinds(diagnose(model, *XOR, losses.mse)) == expected


def test_the_wrong_corner_is_named():
    model, _ = trained_on_xor(0)
    dead, missed = diagnose(model, *XOR, losses.mse).findings
    assert dead.where == (1, (0,))
    assert missed.message == "3 of 4 XOR corners: wrong at [1, 0]"
    assert "MLP(2, [4, 1])" in missed.suggestion


def test_the_constant_is_named():
    model, _ = trained_on_xor(8)
    assert "the same (constant 0.5)" in only(diagnose(model, *XOR, losses.mse)).message


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
    finding = only(diagnose(model, X, y, losses.cross_entropy))
    assert finding.message == "4 of 8 examples: wrong at [0], [2], [4] and 1 more"
    assert "a hidden layer, MLP(1, [8, 2])" in finding.suggestion


def test_of_many_wrong_examples_the_classes_are_counted():
    X, y = MOONS
    model = MLP(2, [1], init="zeros")
    model.layers[0].neurons[0].w[0].data = 1.0
    right = [(x[0] > 0) == label for x, label in zip(X, y, strict=True)]
    missed = [sum(not ok for ok, label in zip(right, y, strict=True) if label == k) for k in (0, 1)]
    message = only(diagnose(model, X, y, LOGITS)).message
    assert message.startswith(f"{sum(right)} of 100 examples: wrong on ")
    for label, count in enumerate(missed):
        assert (f"{count} of 50 of class {label}" in message) == (count > 0)


def test_training_that_still_moves_should_go_on():
    finding = only(diagnose(MLP(2, [8, 1], activation="tanh", seed=1), *MOONS, LOGITS))
    assert finding.suggestion.startswith("more epochs: ")


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
    assert finding.kind == "saturated sigmoid"
    layer, units = finding.where
    assert layer == 1
    for i in units:
        outputs = [(model(x), model.layers[0].activations[i].data)[1] for x in MOONS[0]]
        assert sum(a * (1 - a) < 0.01 / 4 for a in outputs) > 90
    assert "smaller initial weights" in finding.suggestion


def test_inputs_that_are_too_large_are_named_as_the_cause_of_saturation():
    X = [[100 * v for v in x] for x in MOONS[0]]
    model = MLP(2, [4, 1], activation="tanh", seed=0)
    finding = only(diagnose(model, X, MOONS[1], LOGITS))
    assert (finding.kind, finding.where) == ("saturated tanh", (1, (0, 1, 2, 3)))
    assert "inputs scaled" in finding.suggestion


@pytest.mark.parametrize("epochs", [0, 200])
def test_the_gradient_vanishes_in_a_sigmoid_net_of_many_layers(epochs):
    model = MLP(2, [8] * 8 + [1], activation="sigmoid", seed=0)
    train(model, MOONS, LOGITS, SGD(0.5), epochs)
    finding = only(diagnose(model, *MOONS, LOGITS))
    assert (finding.kind, finding.where.layer) == ("vanishing gradient", 1)
    assert "in layer 9" in finding.message
    assert "relu" in finding.suggestion


def test_the_suggested_change_keeps_the_gradient():
    model = MLP(2, [8] * 8 + [1], activation="relu", init="he", seed=0)
    assert not {"vanishing gradient", "exploding gradient"} & set(
        kinds(diagnose(model, *MOONS, LOGITS))
    )


def test_the_gradient_explodes_with_weights_that_are_too_large():
    model = MLP(2, [8, 8, 1], init=lambda rng, n_in, n_out: rng.gauss(0, 50), seed=0)
    finding = next(f for f in diagnose(model, *MOONS, LOGITS).findings if "explod" in f.kind)
    assert "weights reach" in finding.suggestion


def test_the_gradient_of_unscaled_targets_explodes():
    X = [[x / 10] for x in range(-20, 20)]
    finding = only(diagnose(MLP(1, [8, 1], seed=0), X, [900 * x * x for (x,) in X], losses.mse))
    assert finding.kind == "exploding gradient"
    assert "targets scaled" in finding.suggestion


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
    assert "new model" in finding.suggestion


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
    assert finding.kind == "plateau from the start"
    assert "10 times" in finding.suggestion


def test_a_loss_that_falls_is_no_finding():
    history = History(loss=[1 / (1 + i) for i in range(30)])
    model = MLP(2, [3, 1], activation="tanh", seed=0)
    assert kinds(diagnose(model, *MOONS, LOGITS, history=history)) == ["did not converge"]


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
    assert "<li><b>dead relu</b>" in ok
    assert "&quot;leaky_relu&quot;" in ok


@pytest.mark.slow
def test_the_command_prints_the_findings_of_a_training_that_did_not_fit(tmp_path, capsys):
    arguments = ["--data", "xor", "--hidden", "2", "--loss", "mse", "--epochs", "500"]
    arguments += ["--optimizer", "sgd", "--lr", "0.1"]
    for seed, finding in ((5, "dead relu: all 2 units of layer 1"), (4, None)):
        assert main([*arguments, "--seed", str(seed), "--out", str(tmp_path)]) == 0
        printed = capsys.readouterr().out
        assert ("not fitted: only" in printed) == bool(finding)
        assert (finding or "all 4 examples are classified right") in printed
        assert ("try: " in printed) == bool(finding)


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
