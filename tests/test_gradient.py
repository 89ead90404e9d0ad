"""gradient, jacobian, hessian: derivatives as Values, to be differentiated again."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograd_core import (
    Value,
    dot,
    gradient,
    hessian,
    jacobian,
    logsumexp,
    softmax,
    topological,
)
from tests.strategies import expressions, slopes_on_arrays, thousandths


def data(values):
    return [v.data for v in values]


def backward_on_arrays(expression, xs):
    """The slopes along the inputs, by the chain rule of a textbook, on arrays."""
    nodes = expression.nodes(xs)
    grads = [0.0] * (len(nodes) - 1) + [1.0]
    for i, (op, operands) in reversed(list(enumerate(expression.steps, len(xs)))):
        operands_read = [nodes[x] if isinstance(x, int) else x for x in operands]
        for x, partial in zip(operands, op.partials(nodes[i], *operands_read), strict=True):
            if isinstance(x, int):
                grads[x] = grads[x] + partial * grads[i]
    return grads[: len(xs)]


@given(expressions())
def test_gradient_equals_backward_on_every_value(expression):
    _, y = expression.graph()
    order = topological(y)
    slopes = gradient(y, *order)
    y.backward()
    for v, slope in zip(order, slopes, strict=True):
        assert slope.data == pytest.approx(v.grad, rel=1e-12, abs=1e-12)


@given(expressions(max_steps=6))
def test_the_hessian_is_the_slope_of_the_gradient_and_symmetric(expression):
    leaves, y = expression.graph()
    rows = np.array([data(row) for row in hessian(y, leaves)])
    measured = [
        slopes_on_arrays(lambda *xs, i=i: backward_on_arrays(expression, xs)[i], expression.inputs)
        for i in range(len(leaves))
    ]
    scale = max(1.0, np.abs(rows).max())
    assert rows == pytest.approx(np.array(measured), abs=1e-9 * scale)
    assert rows == pytest.approx(rows.T, abs=1e-9 * scale)


@given(expressions(max_steps=6))
def test_backward_through_a_gradient_gives_second_derivatives(expression):
    leaves, y = expression.graph()
    rows = hessian(y, leaves)
    for row, slope in zip(rows, gradient(y, *leaves), strict=True):
        for x in leaves:
            x.grad = 0.0
        slope.backward()
        for x, bend in zip(leaves, row, strict=True):
            assert x.grad == pytest.approx(bend.data, rel=1e-9, abs=1e-9)


def test_derivatives_of_any_order_follow():
    x = Value(2.0)
    y, found = x**5, []
    for _ in range(7):
        found.append(y.data)
        (y,) = gradient(y, x)
    assert found == [32.0, 80.0, 160.0, 240.0, 240.0, 120.0, 0.0]


def test_the_fourth_derivative_of_sine_is_sine():
    x = Value(0.7)
    y = x.sin()
    for _ in range(4):
        (y,) = gradient(y, x)
    assert y.data == pytest.approx(math.sin(0.7), rel=1e-15)


def test_a_factor_of_one_is_no_node():
    x = Value(0.5)
    y = (x + 1.0).exp()
    assert gradient(y, x) == (y,)
    (slope,) = gradient(2.0 - y, x)
    assert [v.op.name for v in topological(slope) if v.op] == ["+", "exp", "*"]


def test_a_value_that_is_not_in_the_graph_has_gradient_zero():
    x, y, other = Value(2.0), Value(3.0), Value(4.0)
    z = x * y
    assert data(gradient(z, other, x)) == [0.0, 3.0]
    assert data(gradient(x * x, z)) == [0.0]
    assert data(gradient(gradient(z, other)[0], x)) == [0.0]


def test_a_value_has_gradient_one_along_itself():
    x = Value(2.0)
    y = x * x
    assert data(gradient(x, x)) == [1.0]
    assert data(gradient(y, y, x, x)) == [1.0, 4.0, 4.0]
    assert gradient(y) == ()


def test_results_come_in_the_order_asked_for():
    x, y, z = Value(2.0), Value(3.0), Value(5.0)
    w = x * y + z
    assert data(gradient(w, z, y, x)) == [1.0, 2.0, 3.0]
    assert data(gradient(w, x, z)) == [3.0, 1.0]


@given(expressions())
def test_gradient_touches_no_grad(expression):
    leaves, y = expression.graph()
    y.backward(0.5)
    order = topological(y)
    before = [v.grad for v in order]
    gradient(y, *leaves)
    hessian(y, leaves)
    assert [v.grad for v in order] == before


@pytest.mark.parametrize("y", [2.0, None, "y"])
def test_only_a_value_has_a_gradient(y):
    with pytest.raises(TypeError, match=f"Value, got {type(y).__name__}"):
        gradient(y, Value(1.0))


@pytest.mark.parametrize("call", [gradient, jacobian, hessian])
def test_a_list_in_place_of_the_value_is_named(call):
    x = Value(2.0)
    with pytest.raises(TypeError, match="Value, got list"):
        call([x * x], x) if call is gradient else call([[x * x]], [x])


def test_a_gradient_is_along_values_only():
    x = Value(2.0)
    for along in (2.0, None, [x]):
        with pytest.raises(TypeError, match=f"Value, got {type(along).__name__}"):
            gradient(x * x, along)
    with pytest.raises(TypeError, match="Value, got float"):
        hessian(x * x, [2.0])


def test_a_gradient_depends_on_what_it_was_computed_from():
    x = Value(-1.5, "x")
    (slope,) = gradient(x.relu(), x)
    assert slope.op.name == "step"  # a slope that jumps stays a part of the graph
    assert slope.parents == (x,)
    assert data(gradient(slope, x)) == [0.0]


@given(st.lists(thousandths(), min_size=2, max_size=5))
def test_the_hessian_of_logsumexp_is_that_of_the_textbook(numbers):
    xs = list(map(Value, numbers))
    rows = np.array([data(row) for row in hessian(logsumexp(xs), xs)])
    shares = np.array(data(softmax(xs)))
    assert rows == pytest.approx(np.diag(shares) - np.outer(shares, shares), abs=1e-13)


def test_the_jacobian_has_a_row_for_each_output():
    x, y = Value(2.0), Value(3.0)
    rows = jacobian([x * y, x**2, Value(1.0)], [x, y])
    assert [data(row) for row in rows] == [[3.0, 2.0], [4.0, 0.0], [0.0, 0.0]]
    assert jacobian([], [x]) == []


@given(st.lists(thousandths(), min_size=2, max_size=4))
def test_the_jacobian_of_softmax_is_that_of_the_textbook(numbers):
    xs = list(map(Value, numbers))
    shares = softmax(xs)
    rows = np.array([data(row) for row in jacobian(shares, xs)])
    p = np.array(data(shares))
    assert rows == pytest.approx(np.diag(p) - np.outer(p, p), abs=1e-13)


def test_the_hessian_of_a_quadratic_form_is_its_matrix():
    x, y = Value(0.3), Value(-0.7)
    form = 2 * x**2 + 3 * x * y - 5 * y**2 + dot([x, y], [7, 8])
    assert [data(row) for row in hessian(form, [x, y])] == [[4.0, 3.0], [3.0, -10.0]]


def test_a_gradient_penalty_can_be_trained_on():
    w, x = Value(0.8), Value(0.5)
    y = (w * x).tanh()
    (slope,) = gradient(y, x)
    penalty = (slope - 1) ** 2
    penalty.backward()
    t = math.tanh(0.4)
    expected = 2 * (0.8 * (1 - t * t) - 1) * ((1 - t * t) - 0.8 * 2 * t * (1 - t * t) * 0.5)
    assert w.grad == pytest.approx(expected, rel=1e-13)


def test_the_gradient_of_a_deep_chain_needs_no_recursion():
    x = Value(0.5)
    y = x
    for _ in range(10_000):
        y = y + x
    assert data(gradient(y, x)) == [10_001.0]
