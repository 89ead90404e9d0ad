import gc
import math
import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograd_core import Op, Value, compile, mean
from nn import (
    ACTIVATIONS,
    MLP,
    SGD,
    Adam,
    DivergedError,
    EarlyStopping,
    History,
    Module,
    datasets,
    diagnose,
    evaluate,
    fit,
    save,
)
from nn.losses import (
    LOSSES,
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cross_entropy,
    hinge,
    mse,
    nll,
)
from nn.optim import OPTIMIZERS
from tests.rows import over

MOONS = datasets.moons(20)
XOR = datasets.xor()
LINE = [[0.0], [1.0], [2.0], [3.0]], [1.0, 3.0, 5.0, 7.0]  # y = 2x + 1


both_ways = pytest.mark.parametrize("compile", [True, False], ids=["compiled", "eager"])


def net(**options):
    return MLP(2, [3, 1], **{"activation": "tanh", "seed": 0, **options})


def train(model, data=MOONS, **options):
    """A short quiet training."""
    defaults = {"loss": hinge, "optimizer": SGD(0.1), "epochs": 3, "progress": False}
    return fit(model, *data, **{**defaults, **options})


def bits(model):
    return [p.data.hex() for p in model.parameters()]


def plain_product(z, t):
    return z * t


# --- What training does ----------------------------------------------------------------------


@both_ways
def test_a_full_batch_step_follows_the_gradient_of_the_mean_loss(compile):
    model, by_hand = net(), net()
    train(model, epochs=1, optimizer=SGD(0.5), compile=compile)
    X, y = MOONS
    mean([hinge(by_hand(x), label) for x, label in zip(X, y, strict=True)]).backward()
    expected = [p.data - 0.5 * p.grad for p in by_hand.parameters()]
    assert [p.data for p in model.parameters()] == pytest.approx(expected, rel=1e-12, abs=1e-14)


def test_a_line_is_learnt():
    model = MLP(1, [1], seed=0)
    history = train(model, LINE, loss=mse, optimizer=SGD(0.1), epochs=400)
    assert [p.data for p in model.parameters()] == pytest.approx([2, 1], abs=1e-4)
    assert history.loss[-1] < 1e-8
    assert model([10.0]).data == pytest.approx(21, abs=1e-3)


def test_xor_is_learnt():
    model = MLP(2, [4, 1], activation="tanh", seed=0)
    loss = binary_cross_entropy_with_logits
    history = train(model, XOR, loss=loss, optimizer=Adam(0.1), epochs=60)
    assert history.accuracy[-1] == 1.0
    assert [int(model(x).data > 0) for x in XOR[0]] == XOR[1]


def test_xor_from_a_bad_seed_is_reported_as_it_is():
    model = MLP(2, [2, 1], seed=0)
    loss = binary_cross_entropy_with_logits
    history = train(model, XOR, loss=loss, optimizer=Adam(0.1), epochs=100)
    right = [int(model(x).data > 0) == label for x, label in zip(*XOR, strict=True)]
    assert history.accuracy[-1] == sum(right) / 4 == 0.75
    assert evaluate(model, *XOR, loss=loss)[1] == 0.75


def test_weights_that_start_at_zero_do_not_learn():
    model = MLP(2, [4, 1], init="zeros")
    history = train(model, XOR, loss=binary_cross_entropy_with_logits, epochs=20)
    assert history.accuracy[-1] == 0.5
    assert history.loss[-1] == pytest.approx(math.log(2))


@both_ways
def test_the_history_has_an_entry_an_epoch_taken_before_its_step(compile):
    model = net()
    before = evaluate(model, *MOONS, loss=hinge)
    history = train(model, epochs=4, compile=compile)
    assert history.epochs == len(history.loss) == len(history.accuracy) == 4
    assert (history.loss[0], history.accuracy[0]) == pytest.approx(before)
    assert all(type(number) is float for number in history.loss + history.accuracy)


@pytest.mark.parametrize(
    ("loss", "output", "size", "data"),
    [
        (hinge, "linear", 1, MOONS),
        (mse, "linear", 1, MOONS),
        (binary_cross_entropy, "sigmoid", 1, MOONS),
        (binary_cross_entropy_with_logits, "linear", 1, MOONS),
        (cross_entropy, "linear", 2, MOONS),
        (cross_entropy, "linear", 3, datasets.blobs(15)),
        (nll, "softmax", 3, datasets.blobs(15)),
    ],
    ids=lambda x: getattr(x, "name", ""),
)
@both_ways
def test_every_loss_trains_and_counts_right_answers(loss, output, size, data, compile):
    model = MLP(2, [4, size], activation="tanh", output=output, seed=1)
    start = evaluate(model, *data, loss=loss)
    history = train(model, data, loss=loss, optimizer=Adam(0.05), epochs=40, compile=compile)
    assert (history.loss[0], history.accuracy[0]) == pytest.approx(start)
    assert history.loss[-1] < history.loss[0]
    final_loss, accuracy = evaluate(model, *data, loss=loss)
    assert final_loss < history.loss[0]
    threshold = 0.5 if loss in (mse, binary_cross_entropy) else 0.0
    guesses = [
        o[0].data > threshold if size == 1 else max(range(size), key=lambda k: o[k].data)
        for o in map(model.outputs, data[0])
    ]
    hits = sum(guess == label for guess, label in zip(guesses, data[1], strict=True))
    assert accuracy == hits / len(data[1]) > 0.7


@both_ways
def test_targets_that_are_no_labels_have_no_accuracy(compile):
    history = train(MLP(1, [2, 1], seed=0), LINE, loss=mse, optimizer=SGD(0.01), compile=compile)
    assert history.accuracy == []
    final_loss, accuracy = evaluate(MLP(1, [1], init="zeros"), *LINE, loss=mse)
    assert (final_loss, accuracy) == (21.0, None)


@settings(max_examples=20)
@given(
    st.integers(0, 10**6),
    st.sampled_from(sorted(set(ACTIVATIONS) - {"linear"})),
    st.sampled_from([lambda: SGD(0.1), lambda: SGD(0.1, momentum=0.9), lambda: Adam(0.01)]),
    st.sampled_from([None, 1, 7]),
)
def test_compiled_and_eager_training_give_the_same_numbers(seed, activation, make, batch_size):
    results = []
    for compiled in (True, False):
        model, optimizer = net(seed=seed, activation=activation), make()
        options = {"optimizer": optimizer, "batch_size": batch_size, "compile": compiled}
        history = train(model, **options, loss=binary_cross_entropy_with_logits)
        numbers = [p.data for p in model.parameters()] + history.loss + history.accuracy
        states = [optimizer.state[p] for p in model.parameters()]
        results.append((numbers, [x for state in states for x in state]))
    (compiled, state), (eager, same_state) = results
    assert compiled == pytest.approx(eager, rel=1e-9, abs=1e-12)
    assert state == pytest.approx(same_state, rel=1e-9, abs=1e-12)


@both_ways
def test_training_goes_on_where_it_stopped(compile):
    once, twice = net(), net()
    train(once, optimizer=Adam(0.1), epochs=5, compile=compile)
    optimizer = Adam(0.1)
    for epochs in (2, 3):
        train(twice, optimizer=optimizer, epochs=epochs, compile=compile)
    assert bits(twice) == bits(once)


@both_ways
def test_labels_may_be_one_hot_and_targets_lists(compile):
    one_hot = [[1, 0] if label == 0 else [0, 1] for label in MOONS[1]]
    by_index, by_list, by_array = (MLP(2, [2], seed=0) for _ in range(3))
    train(by_index, loss=cross_entropy, compile=compile)
    train(by_list, (MOONS[0], one_hot), loss=cross_entropy, compile=compile)
    train(by_array, (MOONS[0], np.array(one_hot)), loss=cross_entropy, compile=compile)
    assert bits(by_list) == bits(by_index) == bits(by_array)
    model = MLP(2, [2], seed=0)
    itself = MOONS[0], MOONS[0]
    history = train(model, itself, loss=mse, optimizer=SGD(0.5), epochs=50, compile=compile)
    assert history.loss[-1] < 0.1 * history.loss[0]


def test_arrays_and_iterators_are_data_too():
    X, y = MOONS
    expected, arrays, iterators = net(), net(), net()
    train(expected)
    train(arrays, (np.array(X), np.array(y)))
    train(iterators, (iter(X), iter(y)))
    assert bits(arrays) == bits(expected) == bits(iterators)


@given(st.integers(0, 10**6), st.booleans())
def test_visible_sums_train_to_the_same_numbers(seed, momentum):
    models = [net(seed=seed, expand=expand) for expand in (False, True)]
    for model in models:
        train(model, XOR, optimizer=SGD(0.1, momentum=0.9 * momentum))
    compact, expanded = [[p.data for p in model.parameters()] for model in models]
    assert expanded == pytest.approx(compact, rel=1e-12, abs=1e-12)


@both_ways
def test_labels_of_minus_one_and_one_are_those_of_zero_and_one(compile):
    zero_one, signs = net(), net()
    history = train(zero_one, compile=compile)
    y = [2 * label - 1 for label in MOONS[1]]
    assert train(signs, (MOONS[0], y), compile=compile) == history
    assert bits(signs) == bits(zero_one)
    assert history.accuracy[-1] > 0


@both_ways
def test_a_loss_of_ones_own_is_any_function_of_prediction_and_target(compile):
    def absolute_error(prediction, target):
        return abs(prediction - target)

    model = MLP(1, [1], seed=0)
    options = {"loss": absolute_error, "optimizer": SGD(0.05), "epochs": 200}
    history = train(model, LINE, **options, compile=compile)
    assert history.loss[-1] < 0.3 < history.loss[0]
    assert history.accuracy == []
    assert evaluate(model, *LINE, loss=absolute_error)[0] == pytest.approx(
        sum(abs(model(x).data - t) for x, t in zip(*LINE, strict=True)) / 4
    )


@both_ways
def test_a_loss_of_ones_own_is_given_lists_where_there_are_more_outputs(compile):
    def likeness(outputs, target):
        return -sum(o * t for o, t in zip(outputs, target, strict=True))

    model = MLP(2, [2], init="zeros")
    train(model, ([[1.0, 0.0]], [[0.0, 2.0]]), loss=likeness, epochs=1, compile=compile)
    first, second = model.layers[0].neurons
    assert (first.w[0].data, second.w[0].data, second.w[1].data) == (0.0, 0.2, 0.0)


@both_ways
def test_a_loss_may_use_values_that_are_not_the_models(compile):
    model, weight = MLP(1, [1], init="zeros"), Value(2.0, "weight")
    train(model, ([[1.0]], [3.0]), loss=lambda z, t: -weight * t * z, epochs=1, compile=compile)
    assert model.layers[0].neurons[0].w[0].data == pytest.approx(0.6)
    assert weight.data == 2.0


@both_ways
def test_an_op_of_ones_own_trains_as_an_activation(compile):
    square = Op("square", lambda x: x * x, lambda z, x: (2 * x,), lambda np, x: x * x)
    model = MLP(1, [2, 1], activation=square, seed=0)
    parabola = [[x / 4] for x in range(-6, 7)], [(x / 4) ** 2 for x in range(-6, 7)]
    options = {"loss": mse, "optimizer": Adam(0.05), "epochs": 150}
    history = train(model, parabola, **options, compile=compile)
    assert history.loss[-1] < 1e-2 < history.loss[0]


# --- Same bits every run ---------------------------------------------------------------------


@both_ways
def test_the_same_seed_gives_the_same_bits(compile):
    runs = []
    for _ in range(2):
        model = net()
        history = train(model, optimizer=Adam(0.1), batch_size=6, seed=4, compile=compile)
        runs.append((bits(model), history))
    assert runs[0] == runs[1]


@pytest.mark.slow
def test_processes_that_hash_differently_train_to_the_same_bits():
    program = textwrap.dedent("""
        from nn import MLP, Adam, datasets, fit, losses
        model = MLP(2, [4, 1], seed=3)
        options = {"loss": losses.hinge, "optimizer": Adam(0.1), "epochs": 4, "batch_size": 7}
        history = fit(model, *datasets.moons(20, seed=1), seed=5, progress=False, **options)
        print(*[x.hex() for x in [*history.loss, *[p.data for p in model.parameters()]]])
    """)
    printed = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1")
    }
    assert len(printed) == 1
    assert len(printed.pop().split()) == 4 + 17


# --- Batches ---------------------------------------------------------------------------------


def steps_seen(n, batch_size, epochs=1, seed=0):
    """How far each example has moved a weight that belongs to it alone: 1 / its batch's size."""
    model = MLP(n, [1], init="zeros")
    X = [[float(i == j) for j in range(n)] for i in range(n)]
    options = {"loss": plain_product, "optimizer": SGD(1.0)}
    train(model, (X, [-1.0] * n), epochs=epochs, batch_size=batch_size, seed=seed, **options)
    return [w.data for w in model.layers[0].neurons[0].w]


@given(st.integers(1, 8), st.integers(1, 10), st.integers(0, 100))
def test_batches_show_every_example_once_an_epoch(n, batch_size, seed):
    sizes = [min(batch_size, n - start) for start in range(0, n, batch_size)]
    expected = sorted(1 / size for size in sizes for _ in range(size))
    assert sorted(steps_seen(n, batch_size, seed=seed)) == pytest.approx(expected)


@given(st.integers(1, 6), st.integers(1, 4))
def test_batches_of_one_show_every_example_once_in_each_epoch(n, epochs):
    assert steps_seen(n, 1, epochs=epochs) == [float(epochs)] * n


def test_batches_are_shuffled_by_the_seed():
    # Of 5 examples in batches of 2, the last is alone, and its weight moves twice as far.
    last = {seed: steps_seen(5, 2, seed=seed).index(1.0) for seed in range(20)}
    assert set(last.values()) == set(range(5))
    assert all(steps_seen(5, 2, seed=seed).index(1.0) == place for seed, place in last.items())


def test_batches_are_shuffled_again_every_epoch():
    totals = steps_seen(5, 2, epochs=40)
    assert max(totals) < 40  # no example was the last of every epoch
    assert len({round(2 * (t - 20)) for t in totals}) > 1
    assert sum(totals) == pytest.approx(40 * (1 + 4 * 0.5))


@both_ways
def test_a_batch_as_large_as_the_data_is_the_full_batch(compile):
    whole, size, larger = net(), net(), net()
    train(whole, compile=compile)
    train(size, batch_size=20, seed=7, compile=compile)
    train(larger, batch_size=1000, seed=8, compile=compile)
    assert bits(whole) == bits(size) == bits(larger)


@both_ways
def test_the_record_of_an_epoch_weighs_every_example_alike(compile):
    X, y = [[0.0], [0.0], [0.0]], [0, 0, 1]  # the output is 0, and stays there
    for seed in range(10):
        options = {"loss": mse, "batch_size": 2, "optimizer": SGD(1e-300), "seed": seed}
        history = train(MLP(1, [1]), (X, y), **options, epochs=1, compile=compile)
        assert (history.loss, history.accuracy) == (pytest.approx([1 / 3]), [2 / 3])


# --- Callbacks -------------------------------------------------------------------------------


def test_callbacks_are_called_after_every_epoch_with_the_record_so_far():
    seen = []
    callbacks = [lambda h: seen.append(("a", h.epochs)), lambda h: seen.append(("b", h.epochs))]
    history = train(net(), epochs=3, callbacks=callbacks)
    assert seen == [(name, epoch) for epoch in (1, 2, 3) for name in "ab"]
    assert history.epochs == 3


@both_ways
def test_a_callback_sees_the_parameters_of_its_epoch(compile):
    model, seen = net(), []
    train(model, epochs=3, callbacks=[lambda history: seen.append(bits(model))], compile=compile)
    for epochs, found in enumerate(seen, 1):
        shorter = net()
        train(shorter, epochs=epochs, compile=compile)
        assert found == bits(shorter)


def test_a_callback_that_returns_true_ends_the_training():
    calls = []
    callbacks = [lambda history: history.epochs == 2, lambda history: calls.append(history.epochs)]
    model, shorter = net(), net()
    history = train(model, epochs=50, callbacks=callbacks)
    train(shorter, epochs=2)
    assert history.epochs == 2
    assert calls == [1, 2]  # the callbacks after it still hear of the last epoch
    assert bits(model) == bits(shorter)


@both_ways
def test_a_callback_may_change_the_learning_rate(compile):
    model, optimizer = MLP(1, [1], init="zeros"), SGD(1.0)

    def decay(history):
        optimizer.lr /= 2

    options = {"loss": plain_product, "optimizer": optimizer, "epochs": 3, "callbacks": [decay]}
    train(model, ([[0.0]], [-1.0]), **options, compile=compile)
    assert model.layers[0].neurons[0].b.data == 1.75


@both_ways
def test_a_callback_may_change_a_parameter(compile):
    model = MLP(1, [1], init="zeros")
    bias = model.layers[0].neurons[0].b

    def clip(history):
        bias.data = min(bias.data, 0.15)

    options = {"loss": plain_product, "epochs": 3, "callbacks": [clip]}
    train(model, ([[0.0]], [-1.0]), **options, compile=compile)
    assert bias.data == 0.15


@both_ways
def test_callbacks_may_be_any_iterable(compile):
    seen = []
    train(net(), callbacks=iter([lambda history: seen.append(history.epochs)]), compile=compile)
    assert seen == [1, 2, 3]


def test_what_else_a_callback_returns_is_ignored():
    history = train(net(), callbacks=[lambda history: history, lambda history: "stop"])
    assert history.epochs == 3


@pytest.mark.parametrize("raised", [RuntimeError("full"), KeyboardInterrupt(), SystemExit(3)])
@both_ways
@pytest.mark.parametrize("collecting", [True, False])
def test_what_a_callback_raises_leaves_the_last_step_the_collector_and_the_bar(
    raised, collecting, compile, capsys
):
    def stop(history):
        if history.epochs == 2:
            raise raised

    model, shorter = net(), net()
    options = {"batch_size": 6, "compile": compile}
    train(shorter, epochs=2, **options)
    with collector(collecting), pytest.raises(type(raised)) as caught:
        train(model, epochs=9, progress=True, callbacks=[stop], **options)
    assert caught.value is raised
    assert bits(model) == bits(shorter)
    shown = capsys.readouterr().err
    assert "2/9" in shown
    assert shown.endswith("\n")  # the bar is closed: what is printed next has a line of its own


@both_ways
def test_a_rate_that_a_callback_made_no_number_is_named_and_leaves_the_last_step(compile):
    model, shorter, optimizer = net(), net(), SGD(0.1)
    train(shorter, epochs=1, compile=compile)

    def slip(history):
        optimizer.lr = None

    with pytest.raises(DivergedError, match="epoch 2: the learning rate of step 2 is None"):
        train(model, optimizer=optimizer, compile=compile, callbacks=[slip])
    assert bits(model) == bits(shorter)


# --- The collector ---------------------------------------------------------------------------


class collector:
    """Garbage collection on or off inside, which must be found as it was left, then put back."""

    def __init__(self, collecting):
        self.collecting = collecting

    def __enter__(self):
        self.before = gc.isenabled()
        (gc.enable if self.collecting else gc.disable)()

    def __exit__(self, *raised):
        found = gc.isenabled()
        (gc.enable if self.before else gc.disable)()
        assert found == self.collecting


@both_ways
@pytest.mark.parametrize("collecting", [True, False])
def test_the_collector_is_as_it_was(collecting, compile):
    def broken(prediction, target):
        raise RuntimeError("broken")

    with collector(collecting):
        train(net(), compile=compile)
    with collector(collecting), pytest.raises(ValueError, match="empty"):
        train(net(), ([], []), compile=compile)
    with collector(collecting), pytest.raises(RuntimeError, match="broken"):
        train(net(), loss=broken, compile=compile)
    with collector(collecting), pytest.raises(RuntimeError, match="broken"):
        evaluate(net(), *MOONS, loss=broken)


@both_ways
def test_the_collector_is_as_it_was_after_divergence(compile):
    for collecting in (True, False):
        with collector(collecting), pytest.raises(DivergedError):
            train(net(activation="relu"), optimizer=SGD(1e200), epochs=9, compile=compile)


def test_compiled_training_runs_the_code_of_the_model_twice_to_see_that_it_does_the_same():
    calls = []

    def counted(z):
        calls.append(z)
        return z.tanh()

    model = net(activation=counted)
    calls.clear()
    train(model, epochs=5)
    assert len(calls) == 2 * 3  # neurons
    train(model, epochs=5, compile=False)
    assert len(calls) == 2 * 3 + 3 * 20 * 5


@both_ways
def test_the_collector_rests_while_a_graph_is_built(compile):
    states = []

    def watched(z):
        states.append(gc.isenabled())
        return z.tanh()

    model = net(activation=watched)
    states.clear()
    with collector(collecting=True):
        train(model, compile=compile)
    assert set(states) == {False}


def alive():
    """How many Values there are."""
    return sum(isinstance(thing, Value) for thing in gc.get_objects())


@pytest.mark.slow
def test_eager_training_leaves_no_garbage_for_the_collector():
    gc.collect()
    with collector(collecting=False):
        before = alive()
        train(net(), epochs=1, compile=False)
        assert alive() == before


@pytest.mark.slow
def test_compiled_training_leaves_nothing_that_the_collector_does_not_find():
    train(net(), epochs=1)
    gc.collect()
    before = alive()
    train(net(), epochs=1)
    gc.collect()
    assert alive() == before


# --- The progress bar ------------------------------------------------------------------------


def test_the_bar_shows_epochs_loss_and_accuracy(capsys):
    history = train(net(), epochs=5, progress=True)
    shown = capsys.readouterr().err
    assert "5/5" in shown
    assert f"loss {history.loss[-1]:.4f}" in shown
    assert f"accuracy {history.accuracy[-1]:.1%}" in shown


def test_the_bar_shows_no_accuracy_where_there_is_none(capsys):
    train(MLP(1, [1], seed=0), LINE, loss=mse, optimizer=SGD(0.01), progress=True)
    shown = capsys.readouterr().err
    assert "loss" in shown
    assert "accuracy" not in shown


def test_without_a_place_to_show_it_there_is_no_bar(monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)  # as in pythonw, or behind 2>&-
    assert train(net(), epochs=1, progress=True).epochs == 1


def test_without_progress_nothing_is_printed(capsys):
    train(net())
    assert capsys.readouterr() == ("", "")


# --- Bad input -------------------------------------------------------------------------------

GOOD = [[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [1, 1, 0]


@over(
    ("X", "y", "named"),
    [
        ([], [], "the data set is empty"),
        (GOOD[0], [0, 1], "3 examples and 2 targets"),
        ([[0.0, 1.0], [1.0]], [0, 1], r"X\[1\] has 1 inputs, the model expects 2"),
        ([[0.0, 1.0, 2.0]], [0], r"X\[0\] has 3 inputs, the model expects 2"),
        ([[0.0, 1.0], [10**400, 1.0]], [0, 1], r"X\[1\] = .*inf.* is not finite"),
        ([[0.0, 1.0], [math.nan, 1.0]], [0, 1], r"X\[1\] = .*nan.* is not finite"),
        ([[0.0, 1.0], [0.0, 1.0], [0.0, -math.inf]], [0, 1, 1], r"X\[2\] = .*inf.* is not finite"),
        (GOOD[0], [0, math.nan, 1], r"y\[1\]: hinge: .*nan"),
        (GOOD[0], [0, 1, 10**400], r"y\[2\]: hinge: .*inf"),
        (GOOD[0], [0, 1, math.inf], r"y\[2\]: hinge: .*inf"),
        (GOOD[0], [0, 1, 2], r"y\[2\]: hinge: a label must be -1, 0 or 1, got 2"),
        (GOOD[0], [0.5, 1, 1], r"y\[0\]: hinge: .* got 0.5"),
        (GOOD[0], [0, None, 1], r"y\[1\]: hinge: "),
    ],
)
@both_ways
def test_data_that_do_not_fit_are_an_error_that_names_the_first(X, y, named, compile):
    model = net()
    before = bits(model)
    with pytest.raises(ValueError, match=named):
        train(model, (X, y), compile=compile)
    with pytest.raises(ValueError, match=named):
        evaluate(model, X, y, loss=hinge)
    assert bits(model) == before


@pytest.mark.parametrize("wrong", [None, 3, 1.5])
def test_what_is_no_list_is_an_error_that_names_it(wrong):
    calls = {
        "X must be a list": lambda: train(net(), (wrong, GOOD[1])),
        "y must be a list": lambda: evaluate(net(), GOOD[0], wrong, loss=hinge),
        "validation: X must": lambda: train(net(), GOOD, validation=(wrong, wrong)),
        "sample_weight must be": lambda: train(net(), GOOD, sample_weight=wrong or 0),
        "callbacks must be": lambda: train(net(), GOOD, callbacks=wrong),
        r"callbacks\[0\] must be": lambda: train(net(), GOOD, callbacks=[wrong]),
        "seed must be": lambda: train(net(), GOOD, seed=[wrong]),
    }
    for named, call in calls.items():
        with pytest.raises(TypeError, match=f"^{named}"):
            call()


@pytest.mark.parametrize("wrong", [{0.0, 1.0}, {0: 0.0, 1: 1.0}, "01", b"01"])
def test_inputs_without_an_order_and_texts_are_refused(wrong):
    with pytest.raises(TypeError, match=r"X\[1\] must be a list of inputs, got "):
        train(net(), ([[0.0, 1.0], wrong], [0, 1]))


class Given(Module):
    """A model with the parameters, and the answer, that it is given."""

    def __init__(self, found, said=None):
        self.found, self.said = found, said

    def parameters(self):
        return self.found

    def __call__(self, x):
        return self.said


@over(
    ("model", "said"),
    [
        (Given([], Value(1.0)), "^there is no parameter to train: a Given keeps no Value"),
        (Given(None, Value(1.0)), r"^parameters\(\) must be a list or an array, got None"),
        (Given([1.0], Value(1.0)), r"^parameters\(\) must give Values .* got 1\.0"),
        (Given([2 * Value(1.0)], Value(1.0)), r"^parameters\(\) must give Values that nothing"),
        (Given([Value(1.0)]), "^the model gave None for an example: is there a return"),
    ],
)
@both_ways
def test_a_model_that_cannot_be_trained_is_refused_in_words(model, said, compile):
    with pytest.raises((TypeError, ValueError), match=said):
        train(model, GOOD, loss=mse, compile=compile)


@pytest.mark.parametrize("wrong", [Value(0.5), "0.5", None])
@both_ways
def test_a_parameter_that_holds_no_number_is_named(wrong, compile, tmp_path):
    model = net()
    (first, *_) = model.parameters()
    first.data = wrong  # as by p.data = p - lr * p.grad, which is a Value
    for use in (
        lambda: train(model, GOOD, compile=compile),
        lambda: SGD(0.1).step(model.parameters()),
        lambda: save(model, tmp_path / "m.json"),
        lambda: model(GOOD[0][0]),
    ):
        with pytest.raises(TypeError, match=r"^W1\[0,0\] holds one real number, got "):
            use()
    assert not list(tmp_path.iterdir())


class Line(Module):
    def __init__(self):
        self.w, self.b = Value(0.0), Value(0.0)

    def parameters(self):
        return [self.w, self.b]

    def __call__(self, x):
        return self.w * x[0] + self.b


@pytest.mark.parametrize(
    ("wrong", "shown"), [([Value(1.0)], r"\[Value"), (MLP, "the class MLP"), (None, "None")]
)
def test_what_is_no_model_is_refused(wrong, shown):
    with pytest.raises(TypeError, match=rf"expected a model: .* parameters\(\) .* got {shown}"):
        train(wrong, GOOD)


def test_a_model_of_the_users_own_trains_in_a_loop_of_the_users_own():
    X, y, model = [[1.0], [2.0]], [3.0, 5.0], Line()
    program, optimizer = compile(lambda x, t: (model(x) - t) ** 2, batched=True), SGD(0.2)
    for _ in range(500):
        model.zero_grad()
        program.value_and_gradient(X, y, accumulate=True)
        optimizer.step(model.parameters())
    assert [model.w.data, model.b.data] == pytest.approx([2.0, 1.0])


@pytest.mark.parametrize(
    ("loss", "sizes", "y", "named"),
    [
        (mse, [1], [0, math.nan, 1], r"y\[1\]: mse: .*nan"),
        (mse, [2], [0, 1, 1], r"y\[0\]: mse: expected 2 targets"),
        (cross_entropy, [1], [0, 1, 1], r"y\[0\]: cross_entropy: .* one output"),
        (cross_entropy, [3], [0, 1, 3], r"y\[2\]: cross_entropy: .* 0 to 2, got 3"),
        (binary_cross_entropy, [1], [0, -1, 1], r"y\[1\]: binary_cross_entropy: .* got -1"),
    ],
    ids=lambda x: getattr(x, "name", None),
)
def test_wrong_labels_are_an_error_that_names_row_loss_and_label(loss, sizes, y, named):
    with pytest.raises(ValueError, match=named):
        train(MLP(2, sizes, output="sigmoid"), (GOOD[0], y), loss=loss)


@pytest.mark.parametrize("batch_size", [0, -3])
def test_a_batch_of_nothing_is_an_error(batch_size):
    with pytest.raises(
        ValueError, match=f"batch_size must be a whole number of at least 1, got {batch_size}"
    ):
        train(net(), batch_size=batch_size)


def test_data_need_not_be_large():
    for data in (([[1.0, 2.0]], [1]), ([[1.0, 2.0]] * 3, [1] * 3)):
        assert train(net(), data).epochs == 3


# --- Divergence ------------------------------------------------------------------------------


@both_ways
@over("lr", [1e100, 1e200, 1e308])
@pytest.mark.parametrize(
    "loss", [hinge, binary_cross_entropy_with_logits, mse], ids=lambda loss: loss.name
)
def test_an_absurd_learning_rate_is_an_error_that_says_where(loss, lr, compile):
    model = net(activation="relu")
    with pytest.raises(DivergedError, match=r"epoch \d+: .*(dot|\*\*2|W\d)"):
        train(model, loss=loss, optimizer=SGD(lr), epochs=50, compile=compile)
    assert all(math.isfinite(p.data) for p in model.parameters())


@both_ways
def test_diverging_leaves_the_parameters_of_the_last_finished_step(compile):
    records = []
    model = net(activation="relu")
    callbacks = [lambda history: records.append(bits(model))]
    options = {"optimizer": SGD(1e100), "epochs": 50, "compile": compile}
    with pytest.raises(DivergedError):
        train(model, **options, callbacks=callbacks)
    assert bits(model) == records[-1]


@both_ways
def test_a_step_to_infinity_is_an_error_that_leaves_the_parameters_before_it(compile):
    model = MLP(1, [1], init="zeros")
    options = {"loss": mse, "optimizer": SGD(1e308), "epochs": 1, "compile": compile}
    with pytest.raises(DivergedError, match=r"epoch 1: .*W1\[0,0\]"):
        train(model, ([[10.0]], [1.0]), **options)
    assert [p.data for p in model.parameters()] == [0.0, 0.0]


@both_ways
def test_a_gradient_that_overflows_names_its_parameter(compile):
    model = MLP(1, [1], init="zeros")
    options = {"loss": lambda z, t: 1e200 * z, "compile": compile}
    with pytest.raises(DivergedError, match=r"epoch 1: .*W1\[0,0\]"):
        train(model, ([[1e200]], [1.0]), **options)
    assert model.parameters()[0].data == 0


@both_ways
def test_a_gradient_that_is_large_but_finite_is_no_divergence(compile):
    model = MLP(1, [1], init="zeros")
    options = {"loss": lambda z, t: 1e200 * z, "optimizer": SGD(1e-200), "epochs": 1}
    train(model, ([[1.0]], [1.0]), **options, compile=compile)
    assert model.layers[0].neurons[0].w[0].data == pytest.approx(-1)


@both_ways
def test_a_number_that_is_not_defined_names_its_op(compile):
    model = MLP(1, [1], init="zeros")
    with pytest.raises(DivergedError, match=r"epoch 1: .*log of .*0"):
        train(model, ([[1.0]], [1.0]), loss=lambda z, t: z.log(), compile=compile)


@both_ways
def test_a_nan_among_the_targets_of_a_loss_of_ones_own_is_not_silent(compile):
    options = {"loss": lambda z, t: (z - t) * (z - t), "compile": compile}
    with pytest.raises(DivergedError, match="nan"):
        train(net(), (GOOD[0], [1.0, math.nan, 0.0]), **options)


@both_ways
def test_a_parameter_that_is_nan_already_is_named(compile):
    model = net()
    model.layers[1].neurons[0].w[2].data = math.nan
    with pytest.raises(DivergedError, match=r"W2\[0,2\] = nan"):
        train(model, compile=compile)


def test_a_history_starts_empty():
    assert History() == History(loss=[], accuracy=[])
    assert History().epochs == 0


# --- Arguments that make no sense ------------------------------------------------------------


@pytest.mark.parametrize("epochs", [-1, 1.5, "3"])
def test_epochs_are_a_whole_number(epochs):
    with pytest.raises(ValueError, match="epochs must be a whole number of at least 0, got"):
        train(net(), epochs=epochs)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        ([1.0, 2.0], r"X\[0\] must be a list of inputs, got 1.0"),
        ([[1.0, 2.0], ["1", "2"]], r"X\[1\] must hold numbers, got str: '1'"),
        ([[1.0, None]], r"X\[0\] must hold numbers, got NoneType"),
    ],
)
def test_examples_are_lists_of_numbers(X, message):
    with pytest.raises(TypeError, match=message):
        train(net(), (X, [1.0] * len(X)))


@both_ways
def test_a_loss_that_returns_no_value_is_an_error(compile):
    with pytest.raises(TypeError, match=r"a loss must return a Value, got float: 0\.5"):
        train(net(), loss=lambda p, t: 0.5, compile=compile)


def test_numpy_booleans_are_labels():
    X, y = [[0.0, 1.0], [1.0, 0.0]], np.array([True, False])
    assert len(train(net(), (X, y), loss=hinge).accuracy) > 0


def test_minus_one_is_no_label_of_a_loss_that_compares_with_a_half():
    data = [[0.0, 1.0], [1.0, 0.0]], [-1, 1]
    assert train(net(), data, loss=mse).accuracy == []
    assert len(train(net(), data, loss=hinge).accuracy) > 0


# --- Data and settings of other kinds --------------------------------------------------------


class Tensor:
    """Numbers as PyTorch has them: an item is a tensor too, and gradients keep them from NumPy."""

    def __init__(self, numbers, *, requires_grad=False):
        self.numbers, self.requires_grad = np.array(numbers), requires_grad

    def __array__(self, dtype=None, copy=None):
        if self.requires_grad:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad.")
        return self.numbers

    def __len__(self):
        return len(self.numbers)

    def __iter__(self):
        return (Tensor(item) for item in self.numbers)

    def __float__(self):
        return float(self.numbers)


class Table(Tensor):
    """Numbers as pandas has them: a table goes through the names of its columns."""

    def __iter__(self):
        return iter("ab") if self.numbers.ndim == 2 else iter(self.numbers)


KINDS = {
    "array": np.array,
    "tensor": Tensor,
    "table": Table,
    "list of arrays": lambda rows: [np.array(row) for row in rows],
    "list of tensors": lambda rows: [Tensor(row) for row in rows],
    "generator": iter,
}


@both_ways
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("loss", [hinge, lambda z, t: (z - t) ** 2], ids=["loss", "function"])
def test_data_of_every_kind_train_to_the_same_bits(kind, loss, compile):
    X, y = datasets.moons(12)
    expected, found = net(), net()
    train(expected, (X, y), loss=loss, compile=compile, batch_size=5)
    train(found, (KINDS[kind](X), KINDS[kind](y)), loss=loss, compile=compile, batch_size=5)
    assert bits(found) == bits(expected)
    pair = KINDS[kind](X), KINDS[kind](y)
    assert evaluate(found, *pair, loss=loss) == evaluate(found, X, y, loss=loss)


@pytest.mark.parametrize("kind", ["array", "tensor", "table", "list of arrays"])
def test_data_of_every_kind_are_diagnosed_and_predicted(kind):
    X, y = datasets.moons(12)
    model = net()
    pair = KINDS[kind](X), KINDS[kind](y)
    assert str(diagnose(model, *pair, "hinge")) == str(diagnose(model, X, y, hinge))
    assert model(KINDS["array" if "arrays" in kind else kind](X[0])).data == model(X[0]).data


def test_inputs_may_be_truth_values_and_targets_a_column():
    X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    y = [0, 1, 1, 0]
    results = []
    for inputs, targets in ((X, y), (X.astype(bool), np.array(y).reshape(-1, 1))):
        model = net()
        history = train(model, (inputs, targets), loss=binary_cross_entropy_with_logits)
        results.append((bits(model), history.accuracy))
    assert results[0] == results[1]


def test_numbers_that_cannot_be_read_are_an_error_that_says_what_to_do():
    X, y = datasets.moons(12)
    with pytest.raises(TypeError, match=r"X: .* requires grad.*x\.detach\(\)\.cpu\(\)"):
        train(net(), (Tensor(X, requires_grad=True), y))
    with pytest.raises(TypeError, match=r"y: .* requires grad"):
        train(net(), (X, Tensor(y, requires_grad=True)))
    hidden = np.ma.masked_array(X, np.array(X) > 1)
    with pytest.raises(TypeError, match=r"X\[\d+\] must hold numbers, got NoneType"):
        train(net(), (hidden, y))


@both_ways
def test_whole_numbers_of_numpy_are_settings(compile):
    results = []
    for kind in (int, np.int64, np.uint8):
        model = net()
        options = {"epochs": kind(3), "batch_size": kind(7), "seed": kind(2)}
        train(model, compile=compile, **options)
        results.append(bits(model))
    assert results[0] == results[1] == results[2]


@over("setting", ["epochs", "batch_size"])
@over("wrong", [True, 1.5, "3", -1])
def test_a_setting_that_is_no_whole_number_is_an_error_that_names_it(setting, wrong):
    with pytest.raises(ValueError, match=f"{setting} must be a whole number"):
        train(net(), **{setting: wrong})


def test_the_class_of_an_optimiser_is_to_be_called():
    with pytest.raises(TypeError, match=r"^optimizer: SGD is a class: call it, as in SGD\(0\.5\)$"):
        fit(MLP(2, [1]), *datasets.xor(), loss="mse", optimizer=SGD, epochs=1)


def test_what_is_refused_is_told_on_one_line():
    column = np.array([["adam"], ["sgd"]])
    with pytest.raises(ValueError, match=r"^unknown optimizer a ndarray; known are adam, .*$"):
        fit(MLP(2, [1]), *datasets.xor(), loss="mse", optimizer=column, epochs=1)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"compile": False, "executor": "numpy"}, "'numpy' runs programs, and compile=False"),
        ({"callbacks": [EarlyStopping]}, r"callbacks\[0\] must be .* got the class EarlyStopping"),
    ],
)
def test_what_would_be_ignored_or_called_too_late_is_refused(wrong, said):
    with pytest.raises((TypeError, ValueError), match=said):
        fit(MLP(2, [1]), *datasets.xor(), loss="mse", optimizer="sgd", epochs=1, **wrong)


def test_a_loss_and_an_optimiser_may_be_named():
    for name, loss in LOSSES.items():
        many = loss in (cross_entropy, nll)
        sizes, output = ([3, 3], "softmax") if many else ([3, 1], "sigmoid")
        data = datasets.blobs(12) if many else MOONS
        models = [MLP(2, sizes, output=output, seed=0) for _ in range(2)]
        train(models[0], data, loss=name)
        train(models[1], data, loss=loss)
        assert bits(models[0]) == bits(models[1])
        assert evaluate(models[0], *data, loss=name) == evaluate(models[1], *data, loss=loss)
    for name, make in OPTIMIZERS.items():
        models = [net(), net()]
        train(models[0], optimizer=name)
        train(models[1], optimizer=make(make.start))
        assert bits(models[0]) == bits(models[1])


@pytest.mark.parametrize(
    ("setting", "wrong", "known"), [("loss", "msee", LOSSES), ("optimizer", "adamax", OPTIMIZERS)]
)
def test_an_unknown_name_is_an_error_that_lists_the_known_ones(setting, wrong, known):
    for name in (wrong, None, ["mse"]):
        with pytest.raises(ValueError, match=f"unknown {setting} ") as error:
            train(net(), **{setting: name})
        assert all(row in str(error.value) for row in known)


@pytest.mark.parametrize(
    "answer", [1, 1.0, np.True_, np.array([True, True]), "yes", [True]], ids=repr
)
def test_only_true_itself_ends_the_training(answer):
    history = train(net(), epochs=3, callbacks=[lambda history: answer])
    assert history.epochs == 3


@both_ways
def test_an_optimiser_starts_again_with_a_new_model(compile):
    used, options = Adam(0.01), {"epochs": 3, "compile": compile}
    train(net(), optimizer=used, **options)
    second, fresh = net(), net()
    train(second, optimizer=used, **options)
    train(fresh, optimizer=Adam(0.01), **options)
    assert bits(second) == bits(fresh)
