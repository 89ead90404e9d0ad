import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograd_core import Value
from nn import SGD, Adam, gradient_descent
from nn.optim import Optimizer

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


@settings(deadline=None, max_examples=50)
@given(st.lists(numbers, min_size=3, max_size=3), histories, rates, shares)
def test_sgd_is_its_formula(start, history, lr, momentum):
    along = list(zip(*history, strict=True))
    expected = [plain_momentum(p, gs, lr, 0.0) for p, gs in zip(start, along, strict=True)]
    assert run(SGD(lr), start, history) == pytest.approx(expected, rel=1e-12, abs=1e-12)
    expected = [plain_momentum(p, gs, lr, momentum) for p, gs in zip(start, along, strict=True)]
    assert run(SGD(lr, momentum), start, history) == pytest.approx(expected, rel=1e-12, abs=1e-12)


@settings(deadline=None, max_examples=50)
@given(st.lists(numbers, min_size=3, max_size=3), histories, rates, shares, shares)
def test_adam_is_its_formula(start, history, lr, beta1, beta2):
    along = list(zip(*history, strict=True))
    expected = [
        plain_adam(p, gs, lr, beta1, beta2, 1e-8) for p, gs in zip(start, along, strict=True)
    ]
    found = run(Adam(lr, beta1=beta1, beta2=beta2), start, history)
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_adam_has_the_published_defaults():
    adam = Adam()
    assert (adam.lr, adam.beta1, adam.beta2, adam.eps) == (0.001, 0.9, 0.999, 1e-8)


@settings(deadline=None, max_examples=50)
@given(numbers.filter(lambda g: abs(g) > 1e-3))
def test_the_first_step_of_adam_is_lr_whatever_the_gradient(gradient):
    (moved,) = run(Adam(0.25), [0.0], [[gradient]])
    assert moved == pytest.approx(-math.copysign(0.25, gradient), rel=1e-4)


@pytest.mark.parametrize("together", [1, 2, 3])
@given(st.lists(st.integers(0, 2), min_size=1, max_size=12))
@settings(deadline=None, max_examples=25)
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


@settings(deadline=None, max_examples=50)
@given(histories, st.sampled_from([SGD(0.1), SGD(0.1, momentum=0.9), Adam(0.1)]))
def test_update_on_arrays_is_update_element_by_element(history, optimizer):
    start = [1.0, -2.0, 0.5]
    array, array_state = np.array(start), [np.full(3, x) for x in optimizer.initial]
    floats, float_states = list(start), [optimizer.initial] * 3
    for optimizer.steps, gradients in enumerate(history, 1):
        array, *array_state = optimizer.update(array, np.array(gradients), *array_state)
        for i, g in enumerate(gradients):
            floats[i], *state = optimizer.update(floats[i], g, *float_states[i])
            float_states[i] = state
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
        def update(self, p, g, *state):
            return (p - self.lr * ((g > 0) - (g < 0)),)

    assert run(SignDescent(0.5), [1.0, 1.0], [[7.0, -0.1]]) == [0.5, 1.5]


@pytest.mark.parametrize("make", [SGD, Adam])
@pytest.mark.parametrize("lr", [0, -0.1, math.nan, math.inf])
def test_a_learning_rate_that_is_not_positive_and_finite_is_an_error(make, lr):
    with pytest.raises(ValueError, match=f"learning rate must be a positive number, got {lr}"):
        make(lr)


@pytest.mark.parametrize("wrong", [-0.1, 1.0, 1.5, math.nan])
def test_a_momentum_outside_zero_to_one_is_an_error_that_names_it(wrong):
    with pytest.raises(ValueError, match=f"momentum .* got {wrong}"):
        SGD(0.1, momentum=wrong)
    with pytest.raises(ValueError, match=f"beta1 .* got {wrong}"):
        Adam(0.1, beta1=wrong)
    with pytest.raises(ValueError, match=f"beta2 .* got {wrong}"):
        Adam(0.1, beta2=wrong)


# --- Gradient descent as printed --------------------------------------------------------------


@settings(deadline=None, max_examples=50)
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
