"""Derivatives of functions: against closed forms, in every structure, nested and compiled."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from numpy.testing import assert_allclose

from autograd_core import Value, compile, gradient
from autograd_core.transforms import grad, hessian, hvp, jacobian, jvp, value_and_grad
from tests.strategies import expressions, slopes_on_arrays


@pytest.fixture
def optimize():
    return pytest.importorskip("scipy.optimize")


def rosenbrock(x):
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


X = np.linspace(-1.2, 1.0, 7)
V = np.cos(np.arange(7.0))


# --- Against closed forms ------------------------------------------------------------------------


def test_value_gradient_hessian_and_its_products_are_those_of_scipy(optimize):
    value, slopes = value_and_grad(rosenbrock)(X)
    assert value == pytest.approx(optimize.rosen(X), rel=1e-13)
    assert_allclose(slopes, optimize.rosen_der(X), rtol=1e-12)
    assert_allclose(grad(rosenbrock)(X), optimize.rosen_der(X), rtol=1e-12)
    assert_allclose(hessian(rosenbrock)(X), optimize.rosen_hess(X), rtol=1e-12, atol=1e-12)
    assert_allclose(hvp(rosenbrock)(X, V), optimize.rosen_hess_prod(X, V), rtol=1e-12)
    value, slope = jvp(rosenbrock)(X, V)
    assert (value, slope) == pytest.approx((optimize.rosen(X), optimize.rosen_der(X) @ V))


@pytest.mark.parametrize("method", ["BFGS", "CG", "Newton-CG"])
def test_scipy_minimises_by_it(optimize, method):
    options = {"hessp": hvp(rosenbrock)} if method == "Newton-CG" else {}
    x = np.linspace(0.1, 1.4, 7)
    found = optimize.minimize(value_and_grad(rosenbrock), x, jac=True, method=method, **options)
    assert_allclose(found.x, 1.0, atol=1e-4)


def test_a_jacobian_has_the_shape_of_the_result_and_then_of_the_argument():
    A = np.arange(6.0).reshape(2, 3)
    x = np.array([[0.5, 1.0], [2.0, -1.0], [0.0, 3.0]])
    slopes = jacobian(lambda x: np.dot(A, np.tanh(x)))(x)
    expected = np.einsum("ij,jk,kl->iljk", A, 1 - np.tanh(x) ** 2, np.eye(2))
    assert_allclose(slopes, expected, rtol=1e-14)
    value, along = jvp(lambda x: np.dot(A, np.tanh(x)))(x, x)
    assert_allclose(value, A @ np.tanh(x), rtol=1e-14)
    assert_allclose(along, A @ ((1 - np.tanh(x) ** 2) * x), rtol=1e-14)


# --- For any function -----------------------------------------------------------------------------


@given(expressions(max_steps=5))
def test_all_agree_with_slopes_measured_and_with_each_other(expression):
    xs = list(expression.inputs)
    v = [0.5 + i for i in range(len(xs))]

    def f(xs):
        return expression(*xs)

    value, slopes = value_and_grad(f)(xs)
    assert value == pytest.approx(expression(*xs), rel=1e-12)
    assert slopes == pytest.approx(slopes_on_arrays(expression, xs), rel=1e-9, abs=1e-9)
    assert jacobian(f)(xs) == pytest.approx(np.array(slopes), rel=1e-9, abs=1e-9)
    assert jvp(f)(xs, v)[1] == pytest.approx(np.dot(slopes, v), rel=1e-9, abs=1e-9)
    bends = hessian(f)(xs)
    scale = max(1.0, np.abs(bends).max())
    assert bends == pytest.approx(bends.T, abs=1e-9 * scale)
    assert hvp(f)(xs, v) == pytest.approx(bends @ v, abs=1e-9 * scale)


# --- Structures and arguments ------------------------------------------------------------------


def loss(parameters, x, y=0.5):
    return (np.dot(parameters["W"], x) @ np.ones(2) + parameters["rest"][1] - y) ** 2


STRUCTURED = {"W": np.array([[1.0, -2.0], [0.5, 3.0]]), "rest": [7.0, (0.25)]}


def test_a_gradient_comes_back_in_the_structure_of_its_argument():
    x = np.array([0.5, -1.5])
    value, slopes = value_and_grad(loss)(STRUCTURED, x)
    error = np.sum(STRUCTURED["W"] @ x) + 0.25 - 0.5
    assert value == pytest.approx(error**2)
    assert_allclose(slopes["W"], 2 * error * np.array([x, x]))
    assert slopes["rest"] == [0.0, pytest.approx(2 * error)]
    assert type(slopes["rest"][0]) is float


def test_any_argument_can_be_the_one():
    x = np.array([0.5, -1.5])
    found = grad(loss, 1)(STRUCTURED, x, 2.0)
    error = np.sum(STRUCTURED["W"] @ x) + 0.25 - 2.0
    assert_allclose(found, 2 * error * STRUCTURED["W"].sum(axis=0))
    bends = hessian(loss, 1)(STRUCTURED, x, 2.0)
    assert_allclose(hvp(loss, argnum=1)(STRUCTURED, x, 2.0, x), bends @ x)
    with pytest.raises(ValueError, match="counts from 0"):
        grad(loss, -1)


def test_other_numbers_and_other_structures_are_no_trouble():
    slope = grad(lambda x: sum(item * item for item in x))
    for x in ([1.0, 2.0], [3.0, 4.0], [5.0], (1.0, 2.0), np.array([2.0, 3.0])):
        assert_allclose(slope(x), 2 * np.array(x))
        assert type(slope(x)) is type(x)
    assert grad(lambda x: 3.0)([1.0, 2.0]) == [0.0, 0.0]


def test_parameters_that_a_function_closes_over_may_change():
    w = Value(2.0)
    slope = grad(lambda x: w * x * x)
    assert slope(3.0) == 12.0
    w.data = 5.0
    assert slope(3.0) == 30.0
    assert w.grad == 0.0


# --- Nested, and inside of programs -----------------------------------------------------------


def test_derivatives_nest_to_any_order():
    f, x = lambda x: x**4, 1.5
    for expected in (4 * x**3, 12 * x**2, 24 * x, 24.0, 0.0):
        f = grad(f)
        assert f(x) == pytest.approx(expected, rel=1e-13)


def test_on_values_they_compute_values():
    x = Value(1.5, "x")
    slope = grad(lambda x: x**3)(x)
    (bend,) = gradient(slope, x)
    assert (slope.data, bend.data) == (6.75, 9.0)
    assert jvp(lambda x: x**3)(x, 2.0)[1].data == 13.5


def test_inside_of_a_program_they_are_recorded():
    program = compile(lambda x, y: grad(lambda x: x**3 * y)(x) + grad(lambda x: x * x)(2.0))
    assert program(2.0, 5.0) == 64.0
    assert program.gradient_wrt_inputs(2.0, 5.0) == (60.0, 12.0)


def test_what_has_no_slope_or_is_no_number_is_refused():
    with pytest.raises(ValueError, match="sqrt has no slope"):
        grad(lambda x: x.sqrt())(0.0)
    slope = grad(lambda x: x * x)
    assert slope(3) == 6.0
    for bad in ("1", None, 1j):
        with pytest.raises(TypeError, match="one real number"):
            slope(bad)
    with pytest.raises(TypeError, match="list"):
        grad(lambda x: [x, x])(1.0)


@pytest.mark.parametrize("derivative", [grad, value_and_grad, jvp, hvp])
def test_the_derivative_of_a_value_is_refused_and_its_way_named(derivative):
    with pytest.raises(TypeError, match=r"expected a function, got Value: .* gradient\(y, x\)"):
        derivative(Value(2.0) ** 2)


def test_gradients_come_back_in_dataclasses():
    @dataclass
    class Line:
        slope: float
        at: tuple

    f = lambda line, x: line.slope * x + line.at[0] * line.at[1]  # noqa: E731
    assert grad(f)(Line(2.0, (3.0, 5.0)), 4.0) == Line(4.0, (5.0, 3.0))
    assert grad(f, argnum=1)(Line(2.0, (3.0, 5.0)), 4.0) == 2.0


def test_an_argument_that_is_not_given_is_named():
    for argnum, args in ((0, ()), (2, (1.0, 2.0))):
        with pytest.raises(TypeError, match=f"no argument {argnum} to differentiate along"):
            grad(lambda *xs: xs[0], argnum=argnum)(*args)


@pytest.mark.parametrize("derivative", [jvp, hvp])
def test_a_direction_is_given_last_and_is_as_long_as_the_argument(derivative):
    along = derivative(lambda x: x[0] * x[1])
    with pytest.raises(TypeError, match="no argument 0 to differentiate along: 0 were given"):
        along([1.0, 2.0])
    with pytest.raises(ValueError, match="a direction of 1 numbers, for 2 to go along"):
        along([1.0, 2.0], [1.0])


def test_a_value_in_place_of_a_list_is_said_to_be_one():
    x = Value(2.0, "x")
    for wrong in (
        lambda: hessian(x * x, x),
        lambda: jacobian([x * x], x),
        lambda: jacobian(x * x, [x]),
    ):
        with pytest.raises(TypeError, match="expected a list of Values, got one: Value"):
            wrong()


def test_arguments_by_keyword_are_handed_on():
    f = lambda x, *, scale, shift: scale * (x[0] ** 2 * x[1] + shift)  # noqa: E731
    x, others = [3.0, 4.0], {"scale": 2.0, "shift": 1.0}
    for some in (others, {"scale": Value(2.0), "shift": 1.0}):
        value, slopes = value_and_grad(f)(x, **some)
        assert float(value) == 74.0
        assert [float(s) for s in slopes] == [48.0, 18.0] == [float(s) for s in grad(f)(x, **some)]
        assert float(jvp(f)(x, [1.0, 0.0], **some)[1]) == 48.0
        assert [float(s) for s in hvp(f)(x, [1.0, 0.0], **some)] == [16.0, 12.0]
        assert [float(s) for s in jacobian(f)(x, **some)] == [48.0, 18.0]
        assert float(hessian(f)(x, **some)[0][1]) == 12.0
