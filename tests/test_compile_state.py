"""A program keeps what Python did while it was recorded: where that changes, it says so.

States are things that change: a variable, an attribute, a random generator. Uses are what a
function may do with the number that it reads there.
"""

import itertools
import math
import random
from types import SimpleNamespace

import numpy as np
import pytest

from autograd_core import Op, RecordingError, Value, compile, dot, gradient, total
from nn import MLP, SGD, Adam, datasets, fit, losses
from tests.rows import over

ENTRY, ATTRIBUTE, KEYS, ARRAY = [0.0], SimpleNamespace(k=0.0), {"k": 0.0}, np.zeros(1)
PARAMETER = Value(0.0, "k")


def variable():
    k = 0.0

    def change(number):
        nonlocal k
        k = number

    return lambda: k, change


STATES = {  # how it is read, and how it is changed
    "variable": variable(),
    "list entry": (lambda: ENTRY[0], lambda number: ENTRY.__setitem__(0, number)),
    "attribute": (lambda: ATTRIBUTE.k, lambda number: setattr(ATTRIBUTE, "k", number)),
    "dict entry": (lambda: KEYS["k"], lambda number: KEYS.update(k=number)),
    "array": (lambda: float(ARRAY[0]), lambda number: ARRAY.fill(number)),
    "data of a Value": (lambda: PARAMETER.data, lambda n: setattr(PARAMETER, "data", n)),
}

W = [Value(0.5, "w0"), Value(-0.25, "w1"), Value(0.75, "w2"), Value(1.5, "w3")]


def own_op(k):
    """An op that is made anew at every call."""
    return Op("scaled", lambda x: k * x, lambda z, x: (k,), lambda np, x: k * x)


USES = {  # what is computed of x and the number k that was read, one of 1, 2 and 3
    "factor": lambda x, k: k * x * W[0],
    "term": lambda x, k: (W[0] * x + k).tanh(),
    "Value": lambda x, k: Value(k, "rate") * x * W[0],
    "exponent": lambda x, k: (x * W[0]) ** k,
    "slope of leaky_relu": lambda x, k: (x * W[0]).leaky_relu(k / 10),
    "own op": lambda x, k: own_op(k)(x * W[0]),
    "in a dot": lambda x, k: dot([x, 1.0, k], W[:3]),
    "in a total": lambda x, k: total([x * W[0], k, W[1]]),
    "branch": lambda x, k: (x * W[0]).sin() if k > 1 else (x * W[0]).tanh(),
    "length": lambda x, k: total([x * w for w in W[: round(k)]]),
    "which parameter": lambda x, k: x * W[round(k)],
    "second result": lambda x, k: (x * W[0], k),
    "only result": lambda x, k: k,
    "structure of the result": lambda x, k: (x * W[0], *[W[1]] * round(k)),
    "order of the result": lambda x, k: (W[0], x) if k > 1 else (x, W[0]),
}

each_use = pytest.mark.parametrize("use", USES.values(), ids=USES)
each_state = over(("read", "change"), STATES)


@each_use
@over("batched", [False, True])
def test_what_differs_from_call_to_call_is_refused_at_the_first(use, batched):
    count = itertools.count(1)
    program = compile(lambda x: use(x, float(next(count))), batched=batched)
    with pytest.raises(RecordingError, match="recorded again, the function"):
        program([1.0, 2.0] if batched else 1.0)


@each_use
@each_state
def test_what_changes_later_is_found_by_asking(use, read, change):
    change(1.0)
    program = compile(lambda x: use(x, read()))
    before = program(2.0)
    program.check_unchanged()
    change(2.0)
    assert program(2.0) == before
    with pytest.raises(RecordingError, match="recorded again, the function"):
        program.check_unchanged()
    change(1.0)
    program.check_unchanged()


@pytest.mark.parametrize(
    "draw",
    [
        random.random,
        random.Random(0).random,
        lambda: np.random.default_rng().uniform(),
        np.random.default_rng(0).uniform,
    ],
)
def test_random_numbers_are_refused(draw):
    def dropout(x):
        return total([v * w if draw() < 0.5 else 0.0 for v, w in zip(x * 10, W * 10, strict=True)])

    with pytest.raises(RecordingError, match="random numbers"):
        compile(dropout)([0.5] * 4)


# --- What the error says ---------------------------------------------------------------------


def said_of(f, *args):
    with pytest.raises(RecordingError) as error:
        compile(f)(*args)
    return str(error.value).split("A program keeps")[0].split("something else: ")[1].strip()


def test_the_error_names_the_constant_its_op_and_both_numbers():
    ks = itertools.count(1)
    said = said_of(lambda x: (W[0] * x - next(ks) / 4).tanh(), 1.0)
    assert said == "in - of (*(...), 0.5), the constant 0.25 has become the constant 0.5."
    ks = itertools.count(1)
    said = said_of(lambda x: W[0] * Value(next(ks), "rate"), 1.0)
    assert (
        said == "in * of (w0, rate = 2.0), the constant rate 1.0 has become the constant rate 2.0."
    )


def test_the_error_names_ops_parameters_and_what_is_not_there():
    ks = itertools.count(1)
    said = said_of(lambda x: x.sin() if next(ks) > 1 else x.tanh(), 1.0)
    assert said == "tanh of (x) has become sin of (x)."
    ks = itertools.count(0)
    said = said_of(lambda x: x * W[next(ks)], 1.0)
    assert said == "in * of (x, w1), the parameter w0 has become the parameter w1."
    ks = itertools.count(1)
    assert said_of(lambda x: x.sin().cos() if next(ks) < 2 else x.sin(), 1.0) == (
        "cos of (sin(...)) has become nothing."
    )
    ks = itertools.count(1)
    said = said_of(lambda x: x.leaky_relu(next(ks) / 8), 1.0)
    assert said.startswith("leaky_relu of (x) has become another one of that name")


def test_the_traceback_shows_the_line(tmp_path):
    ks = itertools.count(1)

    def f(x):
        y = x.sin()
        return y * next(ks)  # this line

    with pytest.raises(RecordingError) as error:
        compile(f)(1.0)
    lines = [str(entry.statement) for entry in error.traceback]
    assert any("# this line" in line for line in lines)


# --- What is no change -----------------------------------------------------------------------


def test_values_made_anew_with_the_same_numbers_are_the_same():
    def f(x):
        seeded = random.Random(3)
        constants = [Value(seeded.random()) for _ in range(3)] + [Value(math.nan) * 0]
        model = MLP(2, [3, 1], seed=1)
        return model([x, x * x]) + dot(constants[:3], W[:3]) * x

    program = compile(f)
    assert program(0.5) == pytest.approx(f(Value(0.5)).data, rel=1e-14)
    program.check_unchanged()


def test_gradients_go_through_the_same_numbers_again():
    def f(x):
        y = (0.75 * x.sin() - Value(0.25)) * (W[0] ** 2.0) / 3 + x * Value(0.5, "half")
        (slope,) = gradient(y, x)
        return gradient(slope * y, x, W[0])[0]

    program = compile(f)
    assert program(0.5) == pytest.approx(f(Value(0.5)).data, rel=1e-14)
    program.check_unchanged()


def test_ops_made_anew_by_the_same_lines_are_the_same():
    def f(x):
        ops = [own_op(0.5), own_op(0.25)]
        powers = [(x + 2) ** (1 + i / 300) for i in range(300)]  # more than are remembered
        return total([op(x * W[0]) for op in ops] + powers)

    program = compile(f)
    assert program(0.5) == pytest.approx(f(Value(0.5)).data, rel=1e-14)
    program.check_unchanged()


def test_a_layer_that_makes_its_parameters_at_the_first_call_is_refused():
    made = []

    def lazy(x):
        if not made:
            made.append(Value(0.5, "late"))
        return made[0] * x

    assert said_of(lazy, 1.0) == (
        "in * of (late, x), the constant late 0.5 has become the parameter late."
    )
    assert compile(lazy)(2.0) == 1.0  # it is there from now on


# --- Training --------------------------------------------------------------------------------

X, Y = datasets.moons(n=20)


def train(loss, callbacks, epochs=20, **options):
    model = MLP(2, [4, 1], seed=0)
    settings = {"loss": loss, "optimizer": SGD(0.1), "epochs": epochs, "progress": False}
    return fit(model, X, Y, callbacks=callbacks, **(settings | options))


def test_a_callback_that_changes_what_the_loss_reads_is_noticed_at_once():
    beta, epochs = [1.0], []

    def loss(prediction, target):
        return losses.hinge(prediction, target) * beta[0]

    def halve(history):
        epochs.append(history.epochs)
        beta[0] /= 2

    with pytest.raises(RecordingError, match=r"1\.0 has become the constant 0\.5"):
        train(loss, [halve])
    assert epochs == [1]
    beta[0] = 1.0
    train(loss, [halve], compile=False)
    assert beta[0] == 0.5**20


@pytest.mark.parametrize("when", range(1, 20))
def test_a_change_at_any_epoch_but_the_last_is_noticed(when):
    beta = [1.0]

    def loss(prediction, target):
        return losses.hinge(prediction, target) * beta[0]

    def change(history):
        beta[0] = 0.5 if history.epochs == when else beta[0]

    with pytest.raises(RecordingError, match="has become"):
        train(loss, [change])
    beta[0] = 1.0
    with pytest.raises(RecordingError, match="has become"):
        train(loss, [change, lambda history: history.epochs == when + 1])


@pytest.mark.parametrize("epochs", [1, 10, 20])
def test_a_change_after_the_last_epoch_is_none(epochs):
    beta = [1.0]

    def loss(prediction, target):
        return losses.hinge(prediction, target) * beta[0]

    def change(history):
        beta[0] = 1.0 if history.epochs < epochs else 0.5

    assert train(loss, [change], epochs).epochs == epochs


def test_callbacks_that_change_numbers_of_values_and_the_rate_are_free_to():
    scale = Value(1.0, "scale")
    optimizer = Adam(lr=0.1)

    def loss(prediction, target):
        return losses.squared_error(prediction, target) * scale

    def change(history):
        scale.data *= 0.9
        optimizer.lr *= 0.9

    compiled = train(loss, [change], optimizer=optimizer)
    scale.data, optimizer = 1.0, Adam(lr=0.1)
    eager = train(loss, [change], optimizer=optimizer, compile=False)
    np.testing.assert_allclose(compiled.loss, eager.loss, rtol=1e-12)


@pytest.mark.parametrize("data", [Value(2.0), "two", "2.0", None, [1.0]], ids=str)
def test_a_parameter_that_holds_no_number_is_named(data):
    w = Value(1.0, "w")
    program = compile(lambda x: w * x)
    program.value_and_gradient(3.0)
    w.data = data
    with pytest.raises(TypeError, match="w holds one real number"):
        program.value_and_gradient(3.0)


@pytest.mark.parametrize(
    ("at", "said"),
    [
        (np.ma.MaskedArray([1.0, 2.0], [False, True]), "at has masked numbers"),
        (np.array([1.0, 2.0j]), r"at\[0\] is .* of type complex128"),
        ([1.0, "2.0"], r"at\[1\] is '2.0', of type str"),
        ([1.0, None], r"at\[1\] is None"),
        ({"a": [1.0, 2.0]}, "at must be a list of 2 numbers"),
        ([[1.0], [2.0]], "at must be a list of 2 numbers"),
        (1.0, "at must be a list of 2 numbers"),
    ],
)
def test_numbers_for_the_parameters_that_are_none_are_named(at, said):
    a, b = Value(3.0), Value(4.0)
    program = compile(lambda x: a * x + b)
    for found in ([1, 2], (1.0, 2.0), np.array([1, 2]), np.float32([1.0, 2.0])):
        assert program(5.0, at=found) == 7.0
    with pytest.raises((TypeError, ValueError), match=said):
        program.value_and_gradient(5.0, at=at)
