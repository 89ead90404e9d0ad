import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograd_core import Value, compile
from nn import SGD, Adam, gradient_descent
from nn.optim import OPTIMIZERS, AdamW, Momentum, Nesterov, Optimizer, RMSProp
from nn.schedules import SCHEDULES, warm_up
from tests.rows import over

numbers = st.floats(-100, 100)
rates = st.floats(1e-4, 1.0)
shares = st.floats(0.0, 0.99)
# The gradients of up to six steps, for three parameters.
histories = st.lists(st.lists(numbers, min_size=3, max_size=3), min_size=1, max_size=6)


def run(optimizer, start, history):
    """Where the parameters are after steps along these gradients."""
    parameters = [Value(x) for x in start]
    for gradients in history:
        for p, g in zip(parameters, gradients, strict=True):
            p.grad = g
        optimizer.step(parameters)
    return [p.data for p in parameters]


def plain_momentum(p, gradients, lr, momentum):
    v = 0.0
    for g in gradients:
        v = momentum * v + g
        p = p - lr * v
    return p


def plain_adam(p, gradients, lr, beta1, beta2, eps):
    m = v = 0.0
    for t, g in enumerate(gradients, 1):
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        p = p - lr * (m / (1 - beta1**t)) / (math.sqrt(v / (1 - beta2**t)) + eps)
    return p


@given(st.lists(numbers, min_size=3, max_size=3), histories, rates, shares)
def test_sgd_is_its_formula(start, history, lr, momentum):
    along = list(zip(*history, strict=True))
    expected = [plain_momentum(p, gs, lr, 0.0) for p, gs in zip(start, along, strict=True)]
    assert run(SGD(lr), start, history) == pytest.approx(expected, rel=1e-12, abs=1e-12)
    expected = [plain_momentum(p, gs, lr, momentum) for p, gs in zip(start, along, strict=True)]
    assert run(SGD(lr, momentum), start, history) == pytest.approx(expected, rel=1e-12, abs=1e-12)


@given(st.lists(numbers, min_size=3, max_size=3), histories, rates, shares, shares)
def test_adam_is_its_formula(start, history, lr, beta1, beta2):
    along = list(zip(*history, strict=True))
    expected = [
        plain_adam(p, gs, lr, beta1, beta2, 1e-8) for p, gs in zip(start, along, strict=True)
    ]
    found = run(Adam(lr, beta1=beta1, beta2=beta2), start, history)
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-9)


def torch_sgd(p, gradients, lr, momentum, weight_decay, nesterov):
    """As PyTorch's documentation of SGD has it, with a dampening of 0."""
    buffer = None
    for g in gradients:
        decayed = g + weight_decay * p
        buffer = decayed if buffer is None else momentum * buffer + decayed
        p = p - lr * (decayed + momentum * buffer if nesterov else buffer)
    return p


def torch_rmsprop(p, gradients, lr, alpha):
    square = 0.0
    for g in gradients:
        square = alpha * square + (1 - alpha) * g**2
        p = p - lr * g / (math.sqrt(square) + 1e-8)
    return p


def torch_adamw(p, gradients, lr, weight_decay, beta1, beta2):
    m = v = 0.0
    for t, g in enumerate(gradients, 1):
        p = p - lr * weight_decay * p
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        p = p - lr * (m / (1 - beta1**t)) / (math.sqrt(v / (1 - beta2**t)) + 1e-8)
    return p


@given(st.lists(numbers, min_size=3, max_size=3), histories, rates, shares, st.floats(0, 0.5))
def test_optimisers_are_those_of_pytorch(start, history, lr, share, weight_decay):
    cases = {
        Momentum(lr, share, weight_decay): (torch_sgd, share, weight_decay, False),
        Nesterov(lr, share, weight_decay): (torch_sgd, share, weight_decay, True),
        RMSProp(lr, alpha=share): (torch_rmsprop, share),
        AdamW(lr, 0.8, share, weight_decay=weight_decay): (torch_adamw, weight_decay, 0.8, share),
    }
    for optimizer, (formula, *rest) in cases.items():
        along = zip(start, zip(*history, strict=True), strict=True)
        expected = [formula(p, gs, lr, *rest) for p, gs in along]
        assert run(optimizer, start, history) == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_numbers_begin_as_published():
    shown = [repr(row()) for row in OPTIMIZERS.values()]
    assert shown == [
        "Adam(lr=0.001, beta1=0.9, beta2=0.999, eps=1e-08)",
        "SGD(lr=0.01, momentum=0.0, weight_decay=0.0)",
        "Momentum(lr=0.01, momentum=0.9, weight_decay=0.0)",
        "Nesterov(lr=0.01, momentum=0.9, weight_decay=0.0)",
        "RMSProp(lr=0.01, alpha=0.99, eps=1e-08)",
        "AdamW(lr=0.001, beta1=0.9, beta2=0.999, eps=1e-08, weight_decay=0.01)",
    ]


each_row = pytest.mark.parametrize("row", OPTIMIZERS.values(), ids=OPTIMIZERS)


@each_row
def test_a_formula_is_arithmetic_that_is_recorded_for_any_numbers(row):
    """No branch on a number: what is recorded once is right for other numbers, rates and steps."""
    optimizer = row()

    def step(p, g, state, lr, steps):
        moved, after = optimizer.update(p, g, tuple(state), lr, steps)
        return [moved, *after]

    program, n = compile(step), len(row.carries)
    for p, g, carried, lr, steps in ((1.0, 0.0, 0.0, 0.0, 1), (-2.0, 3.0, 0.5, 0.1, 7)):
        state = [carried] * n
        expected, after = optimizer.update(p, g, tuple(state), lr, steps)
        assert program(p, g, state, lr, steps).tolist() == pytest.approx([expected, *after])


@each_row
def test_every_number_of_a_row_has_bounds_that_are_kept(row):
    for known in row.numbers():
        assert known.what
        assert known.check(known.default) == known.default
        low = known.low if known.open else math.nextafter(known.low, -1)
        for wrong in (low, known.high, math.nan, "1", True):
            with pytest.raises(ValueError, match=f"{known.name} must be {known.bounds}, got"):
                row(**{known.name: wrong})
        assert row(**{known.name: np.float32(0.5)})


@each_row
def test_a_row_says_what_it_is(row):
    assert "" not in (row.name, row.shown, row.formula)
    assert row.start > 0
    assert all(known.name in row.formula for known in row.numbers())


def test_a_rate_may_be_a_function_of_the_steps_before():
    optimizer, p, seen = SGD(lambda step: 0.5**step), Value(0.0), []
    for _ in range(3):
        p.grad = -1.0
        optimizer.step([p])
        seen.append(p.data)
    assert seen == [1.0, 1.5, 1.75]
    assert optimizer.rate(np.array([0, 1, 2])).tolist() == [1.0, 0.5, 0.25]


@pytest.mark.parametrize("schedule", SCHEDULES.values(), ids=SCHEDULES)
def test_a_schedule_of_what_is_no_rate_or_no_number_of_steps_is_refused_by_its_name(schedule):
    for named, wrong in (
        ("^lr must be above 0 and finite, got ", lambda: schedule(-1.0, 5)),
        ("^lr must be above 0 and finite, got ", lambda: schedule("0.1", 5)),
        ("^steps must be a whole number of at least 1, got ", lambda: schedule(0.1, 0)),
        ("^steps must be a whole number of at least 1, got ", lambda: schedule(0.1, "5")),
        ("^end must be a number of at least 0, got ", lambda: schedule(0.1, 5, end=-1)),
        (
            "^steps must be a whole number of at least 0, got ",
            lambda: warm_up(schedule(0.1, 5), -1),
        ),
    ):
        with pytest.raises(ValueError, match=named):
            wrong()


@over("wrong", [-0.1, math.nan, math.inf, None, "0.1", 10**400, True, Value(0.1)])
def test_what_is_no_rate_is_refused_naming_the_step_given_by_a_function_or_set_later(wrong):
    p, changed = Value(0.0), SGD(0.1)
    changed.lr = wrong
    for optimizer in (SGD(lambda step: wrong), changed):
        with pytest.raises(ValueError, match=re.escape(f"learning rate of step 1 is {wrong!r}")):
            optimizer.step([p])
    assert p.data == 0.0


@given(numbers.filter(lambda g: abs(g) > 1e-3))
def test_the_first_step_of_adam_is_lr_whatever_the_gradient(gradient):
    (moved,) = run(Adam(0.25), [0.0], [[gradient]])
    assert moved == pytest.approx(-math.copysign(0.25, gradient), rel=1e-4)


@pytest.mark.parametrize("together", [1, 2, 3])
@given(st.lists(st.integers(0, 2), min_size=1, max_size=12))
def test_every_parameter_counts_its_own_steps(together, turns):
    """One optimiser for three lists of parameters in any turn is an optimiser for each."""
    shared, alone = Adam(0.1), [Adam(0.1) for _ in range(3)]
    lists = [[Value(float(k)) for k in range(together)] for _ in range(3)]
    twins = [[Value(float(k)) for k in range(together)] for _ in range(3)]
    for i, turn in enumerate(turns):
        for p, q in zip(lists[turn], twins[turn], strict=True):
            p.grad = q.grad = math.cos(i + p.data)
        shared.step(lists[turn])
        alone[turn].step(twins[turn])
    assert [[p.data for p in ps] for ps in lists] == [[p.data for p in ps] for ps in twins]
    made = [turns.count(turn) for turn in range(3)]
    assert [[shared.state_of(p)[0] for p in ps] for ps in lists] == [[n] * together for n in made]


@given(histories, st.sampled_from([row() for row in OPTIMIZERS.values()]))
def test_update_on_arrays_is_update_element_by_element(history, optimizer):
    start = [1.0, -2.0, 0.5]
    zeros = (0.0,) * len(optimizer.carries)
    array, array_state = np.array(start), zeros
    floats, float_states = list(start), [zeros] * 3
    for step, gradients in enumerate(history, 1):
        array, array_state = optimizer.update(array, np.array(gradients), array_state, 0.1, step)
        for i, g in enumerate(gradients):
            floats[i], float_states[i] = optimizer.update(floats[i], g, float_states[i], 0.1, step)
    np.testing.assert_allclose(array, floats, rtol=1e-14, atol=1e-14)
    columns = zip(*float_states, strict=True)
    for found, expected in zip(array_state, columns, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize("make", [lambda: SGD(0.1, momentum=0.9), lambda: Adam(0.1)])
def test_every_parameter_has_a_state_of_its_own(make):
    history = [[1.0, -5.0], [2.0, 0.0], [-1.0, 3.0]]
    together = run(make(), [0.0, 10.0], history)
    alone = [run(make(), [p], [[gs[i]] for gs in history]) for i, p in enumerate([0.0, 10.0])]
    assert together == [p for (p,) in alone]


def test_momentum_is_not_shared_between_optimizers():
    assert run(SGD(0.1, 0.9), [0.0], [[1.0]]) == run(SGD(0.1, 0.9), [0.0], [[1.0]])


def test_the_learning_rate_may_change_between_steps():
    optimizer, p = SGD(1.0), Value(0.0)
    p.grad = 1.0
    optimizer.step([p])
    optimizer.lr = 0.25
    optimizer.step([p])
    assert p.data == -1.25


def test_a_step_leaves_the_gradient_and_stays_in_place():
    p = Value(1.0, "w")
    p.grad = 2.0
    SGD(0.5).step([p])
    assert (p.data, p.grad, p.label, p.parents) == (0.0, 2.0, "w", ())


def test_a_gradient_of_zero_moves_nothing():
    for optimizer in (SGD(0.1), SGD(0.1, momentum=0.9), Adam(0.1)):
        assert run(optimizer, [3.0], [[0.0]] * 3) == [3.0]


def test_an_optimizer_of_ones_own_is_one_method():
    class SignDescent(Optimizer):
        def update(self, p, g, state, lr, steps):
            return p - lr * ((g > 0) - (g < 0)), state

    assert run(SignDescent(0.5), [1.0, 1.0], [[7.0, -0.1]]) == [0.5, 1.5]


@over("make", [SGD, Adam])
@over("lr", [0, -0.1, math.nan, math.inf, None, "0.1"])
def test_a_learning_rate_that_is_not_positive_and_finite_is_an_error(make, lr):
    with pytest.raises(ValueError, match=f"learning rate must be a positive number, got {lr!r}"):
        make(lr)


@over("digits", [400, 5000])
@over("name", ["lr", "eps", "beta1"])
def test_a_number_that_no_float_is_as_large_as_is_an_error_of_few_digits(name, digits):
    with pytest.raises(ValueError, match=f"{'rate' if name == 'lr' else name} must be .*18 digits"):
        Adam(**{name: 10**digits})


def test_parameters_where_the_rate_belongs_are_not_all_listed():
    with pytest.raises(ValueError, match=r"a positive number, got a list$"):
        SGD([Value(0.5, "w"), Value(0.5, "b")])


@pytest.mark.parametrize("wrong", [-0.1, 1.0, 1.5, math.nan])
def test_a_momentum_outside_zero_to_one_is_an_error_that_names_it(wrong):
    with pytest.raises(ValueError, match=f"momentum .* got {wrong}"):
        SGD(0.1, momentum=wrong)
    with pytest.raises(ValueError, match=f"beta1 .* got {wrong}"):
        Adam(0.1, beta1=wrong)
    with pytest.raises(ValueError, match=f"beta2 .* got {wrong}"):
        Adam(0.1, beta2=wrong)


# --- Gradient descent as printed --------------------------------------------------------------


@given(numbers, numbers, st.floats(0.01, 0.4), st.integers(0, 10))
def test_gradient_descent_is_the_printed_algorithm(start, centre, lr, steps):
    expected, expected_losses = start, []
    for _ in range(steps):
        expected_losses.append((expected - centre) ** 2)
        expected -= lr * 2 * (expected - centre)
    x = Value(start)
    losses = gradient_descent(lambda: (x - centre) ** 2, [x], lr=lr, steps=steps)
    assert x.data == pytest.approx(expected, rel=1e-12, abs=1e-12)
    assert losses == pytest.approx(expected_losses, rel=1e-12, abs=1e-12)


def test_gradient_descent_moves_all_parameters_at_once():
    x, y = Value(1.0), Value(2.0)
    gradient_descent(lambda: x * y, [x, y], lr=0.5, steps=1)
    assert (x.data, y.data) == (0.0, 1.5)  # y moved along the x before the step


def test_gradient_descent_forgets_the_gradients_there_were():
    x = Value(1.0)
    x.grad = 1000.0
    gradient_descent(lambda: x * 2, [x], lr=0.5, steps=2)
    assert x.data == -1.0


def test_gradient_descent_leaves_other_values_alone():
    x, y = Value(1.0), Value(2.0)
    gradient_descent(lambda: x * y, [x], lr=0.5, steps=3)
    assert y.data == 2.0
