"""Training on arrays: the same as training on graphs, and nothing is lost on the way."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograd_core import Op, RecordingError, Value, dot, mean, total
from nn import MLP, SGD, Adam, DivergedError, datasets, fit
from nn.losses import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cross_entropy,
    hinge,
    mse,
    nll,
    squared_error,
)
from nn.optim import Optimizer

MOONS = datasets.moons(15)
BLOBS = datasets.blobs(15)
OPTIMIZERS = {
    "SGD": lambda: SGD(0.1),
    "momentum": lambda: SGD(0.05, momentum=0.9),
    "Adam": lambda: Adam(0.05),
}
LOSSES = {
    "squared_error": (squared_error, MOONS, [3, 1], "linear"),
    "hinge": (hinge, MOONS, [3, 1], "linear"),
    "binary_cross_entropy": (binary_cross_entropy, MOONS, [3, 1], "sigmoid"),
    "with_logits": (binary_cross_entropy_with_logits, MOONS, [3, 1], "linear"),
    "cross_entropy": (cross_entropy, BLOBS, [3, 3], "linear"),
    "nll": (nll, BLOBS, [3, 3], "softmax"),
}


def net(sizes=(3, 1), **options):
    return MLP(2, sizes, **{"activation": "tanh", "seed": 0, **options})


def train(model, data=MOONS, **options):
    defaults = {"loss": mse, "optimizer": SGD(0.1), "epochs": 3, "progress": False}
    return fit(model, *data, **{**defaults, **options})


def numbers(model):
    return [p.data for p in model.parameters()]


def bits(model):
    return [number.hex() for number in numbers(model)]


def close(found, expected):
    return found == pytest.approx(expected, rel=1e-10, abs=1e-10)


def both(make=net, data=MOONS, optimizer=lambda: SGD(0.1), **options):
    """Train compiled and eagerly, and hold one against the other."""
    models = make(), make()
    histories = [
        train(model, data, optimizer=optimizer(), compile=compiled, **options)
        for model, compiled in zip(models, (True, False), strict=True)
    ]
    assert close(numbers(models[0]), numbers(models[1]))
    assert close(histories[0].loss, histories[1].loss)
    assert histories[0].accuracy == histories[1].accuracy
    return models[0]


# --- The same numbers ------------------------------------------------------------------------


# Batches of 7 leave one example for the last.
@pytest.mark.parametrize("batch_size", [None, 7])
@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
@pytest.mark.parametrize(("loss", "data", "sizes", "output"), LOSSES.values(), ids=LOSSES)
def test_both_ways_give_the_same(loss, data, sizes, output, optimizer, batch_size):
    both(
        lambda: net(sizes, output=output),
        data,
        optimizer,
        loss=loss,
        epochs=10,
        batch_size=batch_size,
        seed=3,
    )


@pytest.mark.parametrize("batch_size", [1, 15, 1000])
def test_both_ways_give_the_same_for_any_batch(batch_size):
    both(batch_size=batch_size)


def test_both_ways_give_the_same_for_visible_products():
    both(lambda: net(expand=True))


def test_both_ways_give_the_same_where_outputs_are_not_used():
    both(lambda: net([3, 2]), loss=lambda p, t: (p[0] - t) ** 2, optimizer=lambda: Adam(0.1))


def test_both_ways_give_the_same_for_no_epochs():
    both(epochs=0)


def test_the_same_seed_gives_the_same_bits():
    models = net(), net()
    for model in models:
        train(model, batch_size=4, seed=5, optimizer=Adam(0.05))
    assert bits(models[0]) == bits(models[1])


@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_an_optimiser_goes_on_where_it_stopped_whichever_way_it_trained(optimizer):
    turns, throughout = net(), net()
    one, other = optimizer(), optimizer()
    for compiled in (True, False, True, True, False):
        train(turns, optimizer=one, compile=compiled, batch_size=6)
        train(throughout, optimizer=other, compile=False, batch_size=6)
        assert close(numbers(turns), numbers(throughout))
    for p, q in zip(turns.parameters(), throughout.parameters(), strict=True):
        assert close(one.state[p], other.state[q])
        assert one.state[p][0] == 45


def test_numbers_set_by_hand_between_trainings_count():
    models = net(), net()
    for model, compiled in zip(models, (True, False), strict=True):
        optimizer = SGD(0.1, momentum=0.5)
        train(model, optimizer=optimizer, compile=compiled)
        model.parameters()[0].data = 0.25
        train(model, optimizer=optimizer, compile=compiled)
    assert close(numbers(models[0]), numbers(models[1]))


def test_a_weight_that_two_neurons_share():
    def tied():
        model = net([2, 2, 1])
        model.layers[1].neurons[0].w[0] = model.layers[0].neurons[0].w[0]
        return model

    both(tied)


# --- Losses and activations of the user's own ------------------------------------------------


def test_a_loss_of_the_users_own():
    both(loss=lambda p, t: (p - t).softplus() + 0.1 * p * p)


def test_a_loss_with_several_outputs_and_a_list_of_targets():
    X, _ = MOONS
    Y = [[x1, x1 * x2] for x1, x2 in X]
    both(
        lambda: net([3, 2]),
        (X, Y),
        loss=lambda p, t: total([(a - b) ** 2 for a, b in zip(p, t, strict=True)]),
    )


def test_a_loss_with_a_penalty_on_the_weights():
    results = []
    for compiled in (True, False):
        model = net()
        weights = model.parameters()

        def loss(p, t, weights=weights):
            return (p - t) ** 2 + 1e-2 * dot(weights, weights)

        train(model, loss=loss, compile=compiled, batch_size=4)
        results.append(numbers(model))
    assert close(*results)


def test_a_value_that_is_not_the_models_stays_as_it_is():
    scale = Value(2.0, "scale")
    both(loss=lambda p, t: scale * (p - t) ** 2)
    assert scale.data == 2.0


def test_a_loss_that_is_constant_trains_nothing():
    model = net()
    before = bits(model)
    history = train(model, loss=lambda p, t: Value(1.0))
    assert bits(model) == before
    assert history.loss == [1.0] * 3


def test_an_activation_of_the_users_own():
    both(lambda: net(activation=lambda z: z * z.sigmoid()))


def test_an_op_of_the_users_own():
    softsign = Op(
        "softsign",
        lambda x: x / (1 + abs(x)),
        lambda z, x: (1 / ((1 + abs(x)) * (1 + abs(x))),),
        lambda np, x: x / (1 + np.abs(x)),
    )
    both(lambda: net(activation=softsign))


@pytest.mark.parametrize(
    ("options", "loss"),
    [
        ({"activation": lambda z: z if z > 0 else 0.1 * z}, mse),
        ({}, lambda p, t: p * p if t > 0 else (1 - p) ** 2),
        ({}, lambda p, t: p * p if t == 1 else (1 - p) ** 2),
        ({}, lambda p, t: [p * p, (1 - p) ** 2][t]),
        ({}, lambda p, t: (p - t) ** 2 if p.data > 0 else p),
    ],
)
def test_a_python_branch_is_refused_saying_what_to_do(options, loss):
    model = net(**options)
    before = bits(model)
    with pytest.raises(RecordingError, match=r"relu\(\), step\(\), maximum\(\) or minimum\(\)"):
        train(model, loss=loss)
    assert bits(model) == before
    train(model, loss=loss, compile=False)
    assert bits(model) != before


# --- Callbacks and interruptions -------------------------------------------------------------


def test_callbacks_see_the_parameters_of_every_epoch():
    seen = {True: [], False: []}
    for compiled, rows in seen.items():
        model = net()
        train(
            model,
            compile=compiled,
            batch_size=4,
            epochs=5,
            callbacks=[lambda history, model=model, rows=rows: rows.append(numbers(model))],
        )
        assert rows[-1] == numbers(model)
    for found, expected in zip(seen[True], seen[False], strict=True):
        assert close(found, expected)


def test_callbacks_may_change_parameters_and_the_learning_rate():
    def clipped(model, optimizer):
        def callback(history):
            optimizer.lr *= 0.9
            for p in model.parameters():
                p.data = max(-0.3, min(0.3, p.data))

        return callback

    results = []
    for compiled in (True, False):
        model, optimizer = net(), SGD(0.3)
        callbacks = [clipped(model, optimizer)]
        train(model, optimizer=optimizer, compile=compiled, callbacks=callbacks)
        results.append(numbers(model))
    assert close(*results)


def test_a_callback_may_end_the_training():
    model, reference = net(), net()
    history = train(model, epochs=9, callbacks=[lambda history: history.epochs == 4])
    train(reference, epochs=4)
    assert history.epochs == 4
    assert bits(model) == bits(reference)


def test_an_interrupting_callback_loses_nothing():
    def interrupt(history):
        if history.epochs == 3:
            raise KeyboardInterrupt

    model, reference = net(), net()
    one, other = Adam(0.05), Adam(0.05)
    with pytest.raises(KeyboardInterrupt):
        train(model, optimizer=one, epochs=9, callbacks=[interrupt])
    train(reference, optimizer=other, epochs=3)
    assert bits(model) == bits(reference)
    assert {state[0] for state in [*one.state.values(), *other.state.values()]} == {3}
    train(model, optimizer=one)
    train(reference, optimizer=other)
    assert bits(model) == bits(reference)


class Decaying(Optimizer):
    """An optimiser without state that follows the number of the step."""

    def update(self, p, g, state, lr, steps):
        return p - lr / steps * g, state


ways = st.tuples(st.booleans(), st.booleans(), st.integers(0, 3))  # compiled, watched, epochs


@pytest.mark.parametrize("make", [Decaying, Adam, SGD], ids=lambda make: make.__name__)
@given(parts=st.lists(ways, min_size=1, max_size=4))
def test_steps_are_counted_alike_over_fits_with_and_without_callbacks_compiled_or_not(make, parts):
    model, reference = net(), net()
    one, other = make(0.05), make(0.05)
    for compiled, watched, epochs in parts:
        callbacks = [lambda history: None] if watched else []
        options = {"compile": compiled, "callbacks": callbacks, "epochs": epochs}
        train(model, optimizer=one, **options)
    total = sum(epochs for _, _, epochs in parts)
    train(reference, optimizer=other, epochs=total, compile=False)
    assert close(numbers(model), numbers(reference))
    assert {one.state_of(p)[0] for p in model.parameters()} == {total}


def test_parameters_that_have_made_different_numbers_of_steps_train_alike_compiled_or_not():
    """The last layer has made steps of its own before the whole model is trained."""
    results = []
    for compiled in (True, False):
        model, optimizer = net(), Adam(0.05)
        for _ in range(3):
            for p in model.layers[-1].parameters():
                p.grad = 0.5
            optimizer.step(model.layers[-1].parameters())
        train(model, optimizer=optimizer, epochs=3, compile=compiled)
        results.append(numbers(model))
        counts = [optimizer.state_of(p)[0] for p in model.parameters()]
        assert sorted(set(counts)) == [3, 6]
        assert all(type(count) is int for count in counts)
    assert close(*results)


def after_five_steps():
    """A model and an optimiser after five steps, by hand, on the batches of 4 that `fit` takes."""
    model, optimizer, (X, y) = net(), Adam(0.05), MOONS
    rng, batches = random.Random(0), []
    for _ in range(2):
        keys = rng.randbytes(8 * 15)
        parts = [int.from_bytes(keys[i : i + 8], "little") for i in range(0, 120, 8)]
        order = sorted(range(15), key=parts.__getitem__)
        batches += [order[start : start + 4] for start in range(0, 15, 4)]
    for batch in batches[:5]:
        model.zero_grad()
        mean([mse(model(X[i]), y[i]) for i in batch]).backward()
        optimizer.step(model.parameters())
    return model, optimizer


@pytest.mark.parametrize("compiled", [True, False])
def test_an_interruption_in_an_epoch_leaves_the_last_finished_step(compiled, monkeypatch):
    expected, by_hand = after_five_steps()
    model, optimizer = net(), Adam(0.05)
    update, calls = Adam.update, []

    def interrupted(self, p, g, *rest):
        calls.append(p)
        if len(calls) == (6 if compiled else 5 * len(model.parameters()) + 3):
            raise KeyboardInterrupt
        return update(self, p, g, *rest)

    monkeypatch.setattr(Adam, "update", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train(model, optimizer=optimizer, compile=compiled, batch_size=4)
    assert close(numbers(model), numbers(expected))
    for p, q in zip(model.parameters(), expected.parameters(), strict=True):
        assert optimizer.state[p][0] == by_hand.state[q][0] == 5  # steps
        assert close(optimizer.state[p], by_hand.state[q])


# --- Training that fails ---------------------------------------------------------------------


def failure(compiled, make, data=MOONS, **options):
    model = make()
    with pytest.raises(DivergedError) as error:
        train(model, data, compile=compiled, **options)
    return str(error.value), numbers(model)


@pytest.mark.parametrize(
    ("activation", "output", "loss"),
    [
        (lambda z: (z - 5).log(), "linear", mse),
        ("relu", "relu", binary_cross_entropy),
        (lambda z: (z * 1000).exp(), "linear", mse),
    ],
)
def test_a_domain_error_ends_both_ways_at_the_same_step(activation, output, loss):
    def make():
        return net(activation=activation, output=output)

    compiled, eager = [failure(way, make, loss=loss, epochs=9) for way in (True, False)]
    assert compiled[0].startswith(eager[0].split(":")[0])
    assert close(compiled[1], eager[1])


def test_a_step_that_is_far_too_large_ends_both_ways_in_the_same_epoch():
    def make():
        return net(activation="relu")

    options = {"loss": squared_error, "optimizer": SGD(1e3), "epochs": 50}
    (compiled, _), (eager, _) = [
        failure(way, make, **{**options, "optimizer": SGD(1e3)}) for way in (True, False)
    ]
    assert compiled.split(":")[0] == eager.split(":")[0]


@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_huge_numbers_train_without_a_warning(optimizer):
    X, y = MOONS
    data = [[1e150 * v for v in x] for x in X], y
    results = []
    for compiled in (True, False):
        model = net(activation="relu")
        try:
            train(model, data, loss=hinge, optimizer=optimizer(), compile=compiled)
        except DivergedError as error:
            results.append(str(error)[:12])
        else:
            results.append("trained")
    assert results[0] == results[1]


def test_a_wrong_example_is_named_by_its_place_in_the_data():
    X = [[0.5, 0.5]] * 7 + [[-9.0, -9.0]] + [[0.5, 0.5]] * 8
    model = MLP(2, [1], init=lambda rng, n_in, n_out: 1.0, output=lambda z: (z + 1).log())
    with pytest.raises(DivergedError, match="example 7"):
        train(model, (X, [0.0] * 16), batch_size=3, optimizer=SGD(1e-9), seed=1)


def test_targets_that_are_no_numbers_are_refused_saying_what_to_do():
    data = MOONS[0], ["a", "b", "c"] * 5

    def loss(p, t):
        return p * p if t == "a" else (1 - p) ** 2

    with pytest.raises((TypeError, ValueError), match="compile=False"):
        train(net(), data, loss=loss)
    train(net(), data, loss=loss, compile=False)


def test_numpy_data_trains_as_lists_do():
    X, y = MOONS
    models = net(), net()
    train(models[0], (X, y))
    train(models[1], (np.array(X), np.array(y)))
    assert bits(models[0]) == bits(models[1])
