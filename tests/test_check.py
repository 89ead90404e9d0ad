"""The gradient check: right derivatives pass, wrong ones raise, kinks are told apart."""

import math
from contextlib import suppress
from random import Random

import pytest
from hypothesis import given

from autograd_core import (
    Op,
    Value,
    WrongDerivativeError,
    check_gradient,
    draw,
    logsumexp,
    maximum,
    minimum,
)
from tests.rows import over
from tests.strategies import expressions

WRONG_SINE = Op("sine", math.sin, lambda z, x: (z,), "sin")


@given(expressions())
def test_right_derivatives_pass(expression):
    result = check_gradient(expression, *expression.leaves())
    assert len(result.slopes) == len(expression.inputs)
    assert result.kinks == ()
    for slope, x in zip(result.slopes, expression.inputs, strict=True):
        assert slope.ok
        assert slope.x == x
        assert abs(slope.computed - slope.measured) <= slope.tolerance


def test_an_input_is_called_what_the_function_calls_it():
    named = check_gradient(lambda weight, rate: weight * rate, 2.0, 3.0)
    assert [slope.name for slope in named.slopes] == ["weight", "rate"]
    for f in (lambda *xs: xs[0] * xs[1], lambda x, *xs: x * xs[0]):  # not all have names
        unnamed = check_gradient(f, 2.0, 3.0)
        assert [slope.name for slope in unnamed.slopes] == ["x1", "x2"]


def test_inputs_may_be_numbers_or_labelled_values():
    result = check_gradient(lambda x, y: x * y, 2.0, Value(3.0, "height"))
    assert str(result) == "x = 2: slope 3, measured 3\nheight = 3: slope 2, measured 2"


def test_a_function_of_nothing_passes():
    assert check_gradient(lambda: Value(1.0)).slopes == ()


# --- Kinks ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("f", "left", "right", "used"),
    [
        (Value.relu, 0, 1, 0),
        (Value.leaky_relu, 0.01, 1, 0.01),
        (abs, -1, 1, 0),
        (lambda x: maximum(x, 0), 0, 1, 1),
        (lambda x: maximum(0, x), 0, 1, 0),
        (lambda x: minimum(x, 3 * x), 3, 1, 1),
        (lambda x: x.exp() + 2 * abs(x), -1, 3, 1),
    ],
)
def test_a_kink_is_reported_with_the_slope_on_either_side(f, left, right, used):
    result = check_gradient(f, 0.0)
    (kink,) = result.kinks
    assert kink.ok
    assert (kink.left, kink.right) == pytest.approx((left, right), abs=1e-8)
    assert kink.computed == used
    expected = f"kink, slope {left} on the left, {right} on the right, used {used}"
    assert str(result).split(": ", 1)[1] == expected


def test_only_the_inputs_that_have_a_kink_are_kinks():
    result = check_gradient(lambda x, y: x.relu() * y + y**2, Value(0.0, "x"), Value(3.0, "y"))
    assert [kink.name for kink in result.kinks] == ["x"]
    assert len(result.slopes) == 2


def test_a_slope_outside_the_sides_of_a_kink_is_wrong():
    steep = Op("steep", lambda x: max(x, 0.0), lambda z, x: (2.0,), lambda np, x: np.maximum(x, 0))
    with pytest.raises(WrongDerivativeError, match=r"x\d? = 0: kink, .* used 2  WRONG"):
        check_gradient(steep, 0.0)


# --- Edges and steep places -------------------------------------------------------------------


def test_at_the_edge_of_a_domain_the_other_side_is_measured():
    (slope,) = check_gradient(lambda x: x**2.5, 0.0).slopes
    assert math.isnan(slope.left)
    assert slope.right == pytest.approx(0.0, abs=1e-5)
    (slope,) = check_gradient(lambda x: (1 - x) ** 3.5, 1.0).slopes
    assert math.isnan(slope.right)
    assert slope.measured == slope.left


def test_a_wrong_slope_at_the_edge_of_a_domain_raises():
    wrong = Op("wrong", lambda x: math.sqrt(x) ** 5, lambda z, x: (1.0,), "sqrt")
    with pytest.raises(WrongDerivativeError, match="slope 1, measured"):
        check_gradient(wrong, 0.0)


def test_a_function_with_a_value_at_one_point_only_has_no_slope():
    def point(x):
        return math.sqrt(x) + math.sqrt(-x)

    with pytest.raises(WrongDerivativeError, match="measured nan"):
        check_gradient(Op("point", point, lambda z, x: (0.0,), "sqrt"), 0.0)


def test_where_the_function_has_no_value_or_slope_its_own_error_is_raised():
    with pytest.raises(ValueError, match=r"cannot compute log of \(0\.0\)"):
        check_gradient(Value.log, 0.0)
    with pytest.raises(ValueError, match=r"sqrt has no slope at \(0\.0\)"):
        check_gradient(Value.sqrt, 0.0)


@over(
    ("f", "x"),
    [
        (Value.log, 1e-3),
        (Value.log, 1e-9),
        (Value.sqrt, 1e-6),
        (lambda x: 1 / x, 1e-3),
        (lambda x: x**1.5, 0.0),
        (lambda x: (1000 * x).sin(), 0.3),
        (Value.sin, 1000.0),
        (Value.exp, 700.0),
        (Value.softplus, 800.0),
        (lambda x: x * 1e-8, 1.0),
        (lambda x: x * 1e300, 1.0),
        (lambda x: x + 1e10, 0.5),
    ],
)
def test_a_right_slope_passes_in_steep_flat_and_remote_places(f, x):
    (slope,) = check_gradient(f, x).slopes
    assert slope.ok


# --- Wrong derivatives ------------------------------------------------------------------------


def test_a_wrong_derivative_raises_and_shows_every_slope():
    with pytest.raises(WrongDerivativeError) as raised:
        check_gradient(lambda x, y: WRONG_SINE(x) * y, 0.5, 2.0)
    _, first, second = str(raised.value).splitlines()
    assert first == "x = 0.5: slope 0.958851, measured 1.75517  WRONG"
    assert second == "y = 2: slope 0.479426, measured 0.479426"


@pytest.mark.parametrize("share", [0.999, 1.001, -1.0, 0.0])
def test_a_slope_off_by_a_thousandth_is_wrong(share):
    wrong = Op("square", lambda x: x * x, lambda z, x: (share * 2 * x,), "square")
    with pytest.raises(WrongDerivativeError):
        check_gradient(wrong, 1.5)


def test_a_wrong_derivative_is_an_assertion_that_failed():
    assert issubclass(WrongDerivativeError, AssertionError)


# --- Inputs and parameters are left as they were ----------------------------------------------


def test_a_parameter_that_the_function_closes_over_is_checked():
    w, b = Value(0.5, "w"), Value(-0.25, "b")

    def loss(*_):
        return logsumexp([w * 2 + b, w * b, b**2])

    result = check_gradient(loss, w, b)
    assert [slope.name for slope in result.slopes] == ["w", "b"]
    assert all(abs(slope.computed) > 0.1 for slope in result.slopes)


def test_an_input_given_twice_is_checked_as_one():
    x = Value(3.0)
    assert [slope.computed for slope in check_gradient(lambda x, y: x * y, x, x).slopes] == [
        6.0
    ] * 2


@given(expressions())
def test_data_and_grads_are_put_back(expression):
    leaves, constant = expression.leaves(), Value(1.5)
    kept = constant * 2.0  # the function may use a graph that is there already
    (expression(*leaves) * kept).backward(0.5)
    values = [*leaves, constant, kept]
    before = [(v.data, v.grad) for v in values]
    check_gradient(lambda *xs: expression(*xs) * kept, *leaves)
    assert [(v.data, v.grad) for v in values] == before


def test_an_input_that_the_function_does_not_use_has_slope_zero_and_keeps_its_grad():
    x, other = Value(1.5, "x"), Value(2.5, "other")
    other.backward(4.0)
    assert str(check_gradient(lambda x, _: x * 2, x, other).slopes[1]).startswith(
        "other = 2.5: slope 0"
    )
    assert other.grad == 4.0


def test_a_gradient_that_was_never_computed_still_shows_as_a_dash():
    x = Value(3.0, "x")
    check_gradient(lambda x: x * x, x)
    assert str(draw(x)) == "x  data 3  grad –"


@over("error", [ValueError, KeyError, KeyboardInterrupt])
@over("call", range(1, 8))
def test_data_and_grads_are_put_back_when_the_function_raises(call, error):
    x, y = Value(1.5, "x"), Value(2.5, "y")
    (x * y).backward()
    calls = []

    def f(x, y):
        calls.append(1)
        if len(calls) == call:
            raise error("mid-way")
        return x * x * y

    with suppress(error, WrongDerivativeError):
        check_gradient(f, x, y)
    assert len(calls) >= call
    assert (x.data, y.data, x.grad, y.grad) == (1.5, 2.5, 2.5, 1.5)


def test_a_wrong_derivative_leaves_data_and_grads_as_they_were():
    x = Value(1.5)
    x.backward(4.0)
    with pytest.raises(WrongDerivativeError):
        check_gradient(WRONG_SINE, x)
    assert (x.data, x.grad) == (1.5, 4.0)


def test_a_value_computed_from_others_is_no_input():
    x = Value(1.5)
    with pytest.raises(ValueError, match="computed from others"):
        check_gradient(lambda y: y * y, x * 2)


@pytest.mark.parametrize("bad", ["1", None, [1.0]])
def test_what_is_no_number_is_no_input(bad):
    with pytest.raises(TypeError, match="one real number"):
        check_gradient(lambda x: x, bad)


def test_a_function_that_gives_no_value_is_refused():
    x = Value(2.0)
    with pytest.raises(TypeError, match="expected a Value, got float"):
        check_gradient(lambda x: x.data * 2, x)
    assert x.data == 2.0


def test_a_check_gives_the_same_numbers_every_time():
    rng = Random(1)
    xs = [rng.gauss(0, 1) for _ in range(4)]
    results = [check_gradient(lambda *xs: logsumexp(xs), *xs) for _ in range(2)]
    assert results[0] == results[1]
