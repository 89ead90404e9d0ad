"""What a run of `fit` can be told: validation, order, weights, smoothing, clipping, dropout."""

import gc
import math
import random
import weakref

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograd_core import Value, mean
from nn import (
    MLP,
    SGD,
    BestWeights,
    Dropout,
    EarlyStopping,
    History,
    Module,
    datasets,
    evaluate,
    fit,
    losses,
    plot,
    predict,
)
from nn.losses import LOSSES
from nn.optim import OPTIMIZERS
from nn.train.stacks import PROGRAMS
from tests.models import LENGTHS, clipped_to_a_thousandth
from tests.rows import over

X, Y = datasets.moons(16)
OTHER = datasets.moons(9, seed=5)
both_ways = pytest.mark.parametrize("compile", [True, False], ids=["compiled", "eager"])


def net(**options):
    return MLP(2, [3, 1], **{"activation": "tanh", "seed": 0, **options})


def train(model, X=X, y=Y, **options):
    given = {"loss": "binary_cross_entropy_with_logits", "optimizer": SGD(0.3), "epochs": 4}
    return fit(model, X, y, **{**given, **options}, progress=False)


def numbers(model):
    return [p.data for p in model.parameters()]


def close(expected):
    return pytest.approx(expected, rel=1e-12, abs=1e-13)


# --- Compiled is eager, whatever a run is told ---------------------------------------------------

names = st.sampled_from
runs = st.fixed_dictionaries(
    {
        "loss": names([*LOSSES]),
        "optimizer": names([*OPTIMIZERS]),
        "batch_size": names([None, 1, 5, 16]),
        "seed": st.integers(0, 99),
        "shuffle": st.booleans(),
        "l1": names([0.0, 0.01]),
        "l2": names([0.0, 0.01]),
        "clip_norm": names([None, 0.05, 100.0]),
        "label_smoothing": names([0.0, 0.1]),
        "sample_weight": st.none() | st.lists(st.floats(0.1, 3), min_size=16, max_size=16),
        "dropout": names([0.0, 0.4]),
    }
)


def outcome(options, *, compile):
    """What a run says at its end: its numbers and curves, or why it was refused."""
    rate, options = options.pop("dropout"), dict(options)
    loss = LOSSES[options["loss"]]
    size = 2 if loss.of_classes else 1
    model = MLP(2, [3, size], activation="tanh", output=loss.outputs[-1], dropout=rate, seed=1)
    optimizer = OPTIMIZERS[options.pop("optimizer")](0.05)
    if size > 1 or not loss.takes_numbers:
        options["validation"] = OTHER
    try:
        history = train(model, **options, optimizer=optimizer, epochs=2, compile=compile)
    except ValueError as error:
        return str(error)
    return [*numbers(model), *history.loss, *history.validation_loss, *history.accuracy]


@given(runs)
def test_whatever_a_run_is_told_compiled_is_eager(options):
    compiled, eager = [outcome(dict(options), compile=way) for way in (True, False)]
    assert compiled == (eager if isinstance(eager, str) else close(eager))


@both_ways
def test_l1_adds_its_rate_by_the_sign_to_the_gradient_of_every_weight(compile):
    plain, lasso = net(), net()
    plain.layers[0].neurons[0].w[0].data = lasso.layers[0].neurons[0].w[0].data = 0.0
    before = numbers(plain)
    for model, rate in ((plain, 0.0), (lasso, 0.25)):
        train(model, l1=rate, optimizer=SGD(1.0), epochs=1, compile=compile)
    signs = [0.0 if p.label.startswith("b") else (w > 0) - (w < 0)
             for p, w in zip(plain.parameters(), before, strict=True)]  # fmt: skip
    moved = [a - b for a, b in zip(numbers(plain), numbers(lasso), strict=True)]
    assert moved == close([0.25 * sign for sign in signs])
    assert 0.0 in signs[:-1]


# --- Validation ------------------------------------------------------------------------------


@both_ways
def test_validation_is_measured_after_each_epoch_and_changes_nothing(compile):
    model, alone, seen = net(), net(), []

    def watch(history):
        seen.append(evaluate(model, *OTHER, loss="binary_cross_entropy_with_logits"))

    options = {"compile": compile, "batch_size": 5}
    history = train(model, validation=OTHER, callbacks=[watch], **options)
    train(alone, **options)
    assert numbers(model) == numbers(alone)
    assert history.validation_loss == close([loss for loss, _ in seen])
    assert history.validation_accuracy == [share for _, share in seen]


@both_ways
def test_validation_needs_no_labels_and_may_be_of_other_lengths(compile):
    class Sum(Module):
        def __init__(self):
            self.w = Value(0.1)

        def __call__(self, xs):
            return sum([self.w * x for x in xs])

    other = [[1.0, 2.0, 3.0], [1.0]], [6.0, 0.5]
    data = [[1.0], [2.0]], [1.0, 2.0]
    history = train(Sum(), *data, validation=other, loss="mse", compile=compile, epochs=2)
    assert history.validation_accuracy == []
    assert len(history.validation_loss) == 2


@both_ways
def test_validation_takes_soft_labels_where_training_has_hard_ones(compile):
    soft = [y * 0.8 + 0.1 for y in OTHER[1]]
    model = net()
    history = train(model, validation=(OTHER[0], soft), epochs=1, compile=compile)
    expected = evaluate(model, OTHER[0], soft, loss="binary_cross_entropy_with_logits")[0]
    assert history.validation_loss == close([expected])


@pytest.mark.parametrize("wrong", [5, ([[1.0]],), ([[1.0, 2.0]], [7]), ([], []), (X, Y[:-1])])
def test_wrong_data_for_validation_are_named(wrong):
    with pytest.raises(ValueError, match=r"^validation: "):
        train(net(), validation=wrong)


def test_the_bar_and_the_picture_show_validation(capsys):
    history = fit(
        net(), X, Y, loss="hinge", optimizer="sgd", epochs=2, validation=OTHER, progress=True
    )
    shown = capsys.readouterr().err
    assert f"validation {history.validation_loss[-1]:.4f}" in shown
    figure = plot.loss(history).figure
    drawn = [line.get_ydata().tolist() for axes in figure.axes for line in axes.lines]
    assert drawn == [
        history.loss,
        history.validation_loss,
        history.accuracy,
        history.validation_accuracy,
    ]


# --- What is minimised -----------------------------------------------------------------------


@both_ways
def test_whole_weights_are_examples_that_are_there_so_often(compile):
    weights = [i % 3 for i in range(16)]
    weighted, repeated = net(), net()
    history = train(weighted, sample_weight=weights, compile=compile)
    often = [i for i, w in enumerate(weights) for _ in range(w)]
    expected = train(repeated, [X[i] for i in often], [Y[i] for i in often], compile=compile)
    assert numbers(weighted) == close(numbers(repeated))
    assert history.loss == close(expected.loss)


def test_only_the_ratios_of_weights_count():
    models = [net(), net(), net()]
    for model, factor in zip(models, (1, 1024, 2.0**1021)):  # of the last, the sum is infinite
        train(model, sample_weight=[factor * (1 + i % 4) for i in range(16)], batch_size=5)
    for model in models[1:]:
        assert numbers(model) == close(numbers(models[0]))


@pytest.mark.parametrize(
    ("weights", "why"),
    [
        ([1.0] * 15, "16 examples and 15 weights"),
        ([1.0] * 15 + [-1], r"sample_weight\[15\] must be .* got -1"),
        ([math.nan] * 16, r"sample_weight\[0\]"),
        ([0.0] * 16, "add up to 0"),
    ],
)
def test_weights_that_weigh_nothing_are_refused(weights, why):
    with pytest.raises(ValueError, match=why):
        train(net(), sample_weight=weights)


@both_ways
@pytest.mark.parametrize("loss", ["cross_entropy", "nll"])
def test_smoothed_labels_are_the_shares_that_pytorch_makes_of_them(loss, compile):
    data, output = datasets.blobs(12), "softmax" if loss == "nll" else "linear"
    soft = [[0.9 * (k == y) + 0.1 / 3 for k in range(3)] for y in data[1]]
    models = [MLP(2, [3], output=output, seed=0) for _ in range(2)]
    smoothed = train(models[0], *data, loss=loss, label_smoothing=0.1, compile=compile)
    given = train(models[1], data[0], soft, loss=loss, compile=compile)
    assert numbers(models[0]) == close(numbers(models[1]))
    assert smoothed.loss == close(given.loss)
    assert smoothed.accuracy
    assert given.accuracy == []


@pytest.mark.parametrize("loss", ["hinge", "mse", lambda z, t: (z - t) ** 2])
def test_losses_without_shares_refuse_smoothing(loss):
    with pytest.raises(ValueError, match=r"^label_smoothing: "):
        train(net(), loss=loss, label_smoothing=0.1)
    with pytest.raises(ValueError, match="label_smoothing must be at least 0 and below 1, got 1"):
        train(net(), label_smoothing=1)


@both_ways
def test_a_long_gradient_is_shortened_to_the_norm(compile):
    model, by_hand = net(), net()
    train(model, clip_norm=0.01, epochs=1, compile=compile)
    before = numbers(by_hand)
    loss = losses.binary_cross_entropy_with_logits
    mean([loss(by_hand(x), y) for x, y in zip(X, Y, strict=True)]).backward()
    norm = math.hypot(*[p.grad for p in by_hand.parameters()])
    assert norm > 0.01
    gradients = [0.01 / norm * p.grad for p in by_hand.parameters()]
    expected = [p - 0.3 * g for p, g in zip(before, gradients)]
    assert numbers(model) == close(expected)
    assert [p.grad for p in model.parameters()] == close(gradients)


@both_ways
def test_a_short_gradient_stays_as_it_is_to_the_bit(compile):
    models = [net(), net()]
    for model, most in zip(models, (None, 1e9)):
        train(model, clip_norm=most, compile=compile)
    assert numbers(models[0]) == numbers(models[1])


@over("size", LENGTHS)
@pytest.mark.parametrize("how", [{"compile": False}, {}, {"executor": "numpy"}], ids=str)
def test_a_gradient_is_clipped_whatever_its_squares_are(how, size):
    assert clipped_to_a_thousandth(size, **how) == close([-(2**0.5)] * 2)


@pytest.mark.parametrize("wrong", [0, -1.0, math.nan, math.inf, "1", True, [1.0, 2.0]])
def test_a_norm_that_is_none_is_refused(wrong):
    with pytest.raises(ValueError, match="clip_norm must be above 0 and finite, got"):
        train(net(), clip_norm=wrong)


@over("name", ["l1", "l2"])
@over("wrong", [-1.0, math.nan, math.inf, "a"])
def test_a_penalty_that_is_none_is_refused(name, wrong):
    with pytest.raises(ValueError, match=f"{name} must be a number of at least 0, got"):
        train(net(), **{name: wrong})


# --- The order -------------------------------------------------------------------------------


@both_ways
def test_without_shuffling_batches_come_in_order(compile):
    class Line(Module):
        def __init__(self):
            self.w = Value(0.0)

        def __call__(self, x):
            return self.w * x

    model = Line()
    rates = iter([1.0, 10.0, 100.0])
    options = {"loss": lambda z, t: -z, "optimizer": SGD(lambda step: next(rates))}
    data = [0.001, 0.002, 0.003], [0.0] * 3
    train(model, *data, batch_size=1, shuffle=False, epochs=1, compile=compile, **options)
    assert model.w.data == close(0.001 + 0.02 + 0.3)


# --- Callbacks -------------------------------------------------------------------------------


def record(falls):
    """A history as callbacks see it, epoch by epoch, on the data for validation."""
    history = History()
    for loss in falls:
        history.add(0.0, None, (loss, None))
        yield history


@given(st.lists(st.integers(0, 9), min_size=1, max_size=30), st.integers(1, 5))
def test_early_stopping_waits_for_so_many_epochs_without_a_fall(falls, patience):
    answers = list(map(EarlyStopping(patience), record(falls)))
    best = [min(falls[: i + 1]) for i in range(len(falls))]
    firsts = [falls.index(b) for b in best]
    assert answers == [i - first >= patience for i, first in enumerate(firsts)]


def test_without_validation_the_loss_of_the_training_is_watched():
    with pytest.raises(ValueError, match="least must be a number of at least 0, got '1'"):
        EarlyStopping(3, least="1")
    history = train(net(), optimizer=SGD(1e-300), epochs=50, callbacks=[EarlyStopping(3)])
    assert history.epochs == 4


def test_an_early_stopping_serves_again():
    stopping = EarlyStopping(3)
    for _ in range(2):
        history = train(net(), optimizer=SGD(1e-300), epochs=50, callbacks=[stopping])
        assert history.epochs == 4


@both_ways
def test_the_best_weights_come_back_at_the_end(compile):
    model, seen = net(), []
    callbacks = [lambda history: seen.append(numbers(model)), BestWeights(model)]
    options = {"optimizer": SGD(8.0), "batch_size": 3, "epochs": 12}
    history = train(model, validation=OTHER, callbacks=callbacks, compile=compile, **options)
    best = history.validation_loss.index(min(history.validation_loss))
    assert best < 11
    assert numbers(model) == seen[best]


def test_best_weights_without_validation_are_refused():
    model = net()
    with pytest.raises(ValueError, match="BestWeights needs data for validation"):
        train(model, callbacks=[BestWeights(model)])


# --- Dropout ---------------------------------------------------------------------------------


@both_ways
def test_dropout_leaves_out_its_share_and_keeps_the_mean(compile):
    """With a rate of lr = 1 and slope -1, a bias sees the mean of what was let through."""

    class Through(Module):
        def __init__(self):
            self.w, self.drop = [Value(0.0) for _ in range(4)], Dropout(0.25)

        def __call__(self, x):
            kept = self.drop([Value(1.0)] * 4)
            return sum([w * k for w, k in zip(self.w, kept)])

    model = Through()
    options = {"loss": lambda z, t: -z, "optimizer": SGD(1.0), "epochs": 5, "batch_size": 50}
    train(model, [0.0] * 200, [0.0] * 200, compile=compile, **options)
    passed = [w.data / 20 for w in model.w]  # in the mean of 1,000 draws
    assert len(set(passed)) == 4
    assert passed == pytest.approx([1.0] * 4, abs=0.1)
    assert {round(0.75 * share * 1000, 6) % 1 for share in passed} == {0.0}


def test_draws_are_new_in_every_epoch_and_the_same_by_the_seed():
    def run(seed, epochs):
        model = net(dropout=0.5)
        history = train(model, epochs=epochs, seed=seed, optimizer=SGD(1e-300))
        return history.loss

    assert len(set(run(0, 8))) > 4  # the parameters stay: only the draws differ
    assert run(0, 8) == run(0, 8)
    assert run(0, 8) != run(1, 8)


def test_out_of_training_nothing_is_left_out():
    dropped, whole = net(dropout=0.9), net()
    assert predict(dropped, X) == predict(whole, X)
    history = train(dropped, optimizer=SGD(1e-300), validation=(X, Y), epochs=1)
    expected = evaluate(whole, X, Y, loss="binary_cross_entropy_with_logits")
    assert history.validation_loss == close([expected[0]])


@pytest.mark.parametrize("rate", [-0.1, 1.0, math.nan, True, "0.5"])
def test_a_rate_that_leaves_nothing_is_refused(rate):
    with pytest.raises(ValueError, match="must be at least 0 and below 1, got"):
        Dropout(rate)


def test_sequences_of_several_lengths_draw_as_many_as_they_need():
    class Steps(Module):
        def __init__(self):
            self.w, self.drop = Value(0.5), Dropout(0.5)

        def __call__(self, xs):
            return sum([self.w * self.drop([x])[0] for x in xs])

    rng = random.Random(0)
    data = [[rng.random() for _ in range(1 + i % 3)] for i in range(9)], [0.0] * 9
    models = [Steps(), Steps()]
    for model, way in zip(models, (True, False)):
        train(model, *data, loss="mse", batch_size=4, compile=way)
    assert models[0].w.data == close(models[1].w.data)


def test_arrays_are_weights_too():
    models = [net(), net()]
    for model, weights in zip(models, ([1, 2] * 8, np.array([1, 2] * 8))):
        train(model, sample_weight=weights)
    assert numbers(models[0]) == numbers(models[1])


@both_ways
def test_a_loss_that_is_not_defined_on_validation_is_infinite(compile):
    model, other = MLP(1, [1], init="zeros"), ([[1.0]], [-9.0])
    options = {"loss": lambda z, t: (z + t).log(), "epochs": 2, "compile": compile}
    history = train(model, [[1.0]], [1.0], validation=other, **options)
    assert history.validation_loss == [math.inf] * 2
    assert plot.loss(history).render("png")


# --- Use -------------------------------------------------------------------------------------


@pytest.mark.parametrize("proba", [False, True])
def test_what_is_kept_of_a_model_follows_its_changes(proba):
    model = net()
    before = predict(model, X, proba=proba)
    for change in (
        lambda: setattr(model.parameters()[0], "data", 0.25),
        lambda: setattr(model.layers[0], "activate", Value.relu),
        lambda: model.layers[0].neurons[0].w.__setitem__(0, Value(0.5)),
    ):
        change()
        found = predict(model, X, proba=proba)
        said = [model(x) for x in X]
        assert found == close([(z.sigmoid() if proba else z).data for z in said])
        assert found != before
        before = found
        loss = "binary_cross_entropy_with_logits"
        expected = mean([LOSSES[loss](z, y) for z, y in zip(said, Y)]).data
        assert evaluate(model, X, Y, loss=loss)[0] == close(expected)


def test_a_model_that_nobody_holds_is_free_with_what_was_kept_of_it():
    model = net()
    predict(model, X)
    evaluate(model, X, Y, loss="hinge")
    gone = weakref.ref(model)
    del model
    gc.collect()
    assert gone() is None


def test_losses_of_ones_own_do_not_pile_up():
    model = net()
    for k in range(9):
        evaluate(model, X, Y, loss=lambda z, t, k=k: (z - t) ** 2 * k)
    assert len(PROGRAMS[model]) <= 4


def test_probabilities_are_those_of_the_classes():
    scores, shares = MLP(2, [3], seed=0), MLP(2, [3], seed=0, output="softmax")
    expected = predict(shares, X)
    assert [sum(row) for row in expected] == close([1.0] * 16)
    for model in (scores, shares):
        for found, row in zip(predict(model, X, proba=True), expected, strict=True):
            assert found == close(row)
    one = net(output="sigmoid")
    assert predict(one, X, proba=True) == predict(one, X) == close(predict(net(), X, proba=True))


def test_what_says_no_probabilities_is_refused():
    class Other(Module):
        def __call__(self, x):
            return Value(0.5)

    for model in (net(output="tanh"), Other()):
        with pytest.raises(ValueError, match=f"proba: .* not how this {type(model).__name__} does"):
            predict(model, X, proba=True)
