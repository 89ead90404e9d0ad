"""The derivative table: every test runs over all of its rows, so a new row is tested as it is."""

import math
from dataclasses import replace
from functools import wraps
from itertools import product
from random import Random

import numpy as np
import pytest

from autograd_core import (
    OPS,
    Op,
    Value,
    WrongDerivativeError,
    check_gradient,
    check_op,
    compile,
    draw,
    hessian,
)
from autograd_core.check import arities, measured_slope
from autograd_core.engine import ARCTAN2, COS, gradient, power
from tests.compiled import each_executor
from tests.rows import over

ROWS = {f"{op.name}-{n}": (op, n) for op in OPS for n in arities(op)}
POINTS = 20

each_op = over("op", {op.name: op for op in OPS})
each_row = over(("op", "count"), ROWS)
one_by_one = pytest.mark.parametrize(("op", "count"), ROWS.values(), ids=ROWS)


def sample(op, count):
    """Operands in the op's domain: `count` lists of points."""
    rng = Random(f"{op.name} {count}")
    return [[rng.uniform(*op.domain) for _ in range(POINTS)] for _ in range(count)]


def slopes_on_arrays(op):
    """The rule of an op as a function of arrays alone."""
    return lambda *xs: op.partials(op(*xs), *xs)


def measured(f, points, i):
    """The slopes of a function on arrays along operand i at each point, and how exact they are."""
    found = [measured_slope(f, xs, i) for xs in zip(*points, strict=True)]
    return np.array([slope for slope, _ in found]), max(error for _, error in found)


def close(given, expected, tolerance=1e-13):
    given, expected = np.broadcast_arrays(given, expected)
    assert np.all(np.abs(given - expected) <= tolerance * np.maximum(1, np.abs(expected)))


def test_the_table_holds_every_primitive_once():
    names = [op.name for op in OPS]
    assert len(set(names)) == len(names)
    assert {
        *("+", "-", "*", "/", "**", "neg", "abs", "exp", "log", "sqrt", "sin", "cos", "tanh"),
        *("sigmoid", "relu", "leaky_relu", "softplus", "maximum", "minimum", "step"),
        *("total", "dot", "logsumexp", "tan", "sinh", "cosh", "arcsin", "arccos", "arctan"),
        *("arctan2", "hypot", "expm1", "log1p", "log2", "log10", "floor", "ceil", "mod"),
        *("erf", "gelu", "silu", "elu", "sign", "where", "equals", "exp2", "cbrt"),
        *("arcsinh", "arccosh", "arctanh"),
    } <= set(names)


@pytest.mark.parametrize("op", OPS, ids=lambda op: op.name)
def test_the_gradient_check_passes(op):
    check_op(op)


@each_row
def test_the_array_form_is_the_value_elementwise(op, count):
    points = sample(op, count)
    values = [op.value(*xs) for xs in zip(*points, strict=True)]
    arrays = op.on(np)(*map(np.array, points))
    assert arrays.shape == (POINTS,)
    close(arrays, values, 1e-15 * 8)


@each_row
def test_the_array_form_is_as_stable_as_the_value(op, count):
    for xs in product((-1e300, -800.0, 0.0, 800.0), repeat=min(count, 3)):
        try:
            expected = op.value(*xs)
        except (ArithmeticError, ValueError, TypeError):
            continue  # outside the domain, or not this many operands
        if math.isfinite(expected):
            close(op.on(np)(*[np.array([x]) for x in xs]), expected)


@each_row
def test_partials_are_the_slopes_of_the_array_form(op, count):
    points = sample(op, count)
    partials = [op(*map(Value, xs)).partials for xs in zip(*points, strict=True)]
    for i, given in enumerate(zip(*partials, strict=True)):
        close(given, *measured(op.on(np), points, i))


@each_row
def test_the_rule_reads_the_same_on_floats_values_and_arrays(op, count):
    points = sample(op, count)
    on_arrays = slopes_on_arrays(op)(*map(np.array, points))
    assert len(on_arrays) == count
    for k, xs in enumerate(zip(*points, strict=True)):
        z = op(*map(Value, xs))
        on_floats = op.partials(op.value(*xs), *xs)
        on_values = op.partials(z, *z.parents)
        assert z.partials == on_floats == tuple([float(slope) for slope in on_values])
        for slope, array in zip(on_floats, on_arrays, strict=True):
            close(np.broadcast_to(array, POINTS)[k], slope)


@one_by_one
def test_second_derivatives_are_the_slopes_of_the_rule(op, count):
    points = sample(op, count)

    def bends(*xs):
        leaves = list(map(Value, xs))
        return [[bend.data for bend in row] for row in hessian(op(*leaves), leaves)]

    found = np.array([bends(*xs) for xs in zip(*points, strict=True)])
    for i, j in product(range(count), repeat=2):
        close(found[:, i, j], *measured(lambda *xs, i=i: slopes_on_arrays(op)(*xs)[i], points, j))


@each_row
def test_numbers_give_a_number_and_one_value_gives_a_value(op, count):
    xs = [column[0] for column in sample(op, count)]
    assert type(op(*xs)) is float
    for i in range(count):
        z = op(*[Value(x) if i == j else x for j, x in enumerate(xs)])
        assert isinstance(z, Value)
        assert z.data == op(*xs)
        assert [parent.data for parent in z.parents] == xs


# --- At the edges, eager and compiled ---------------------------------------------------------

EDGES = (0.0, -0.0, -3.0, 2.0, 0.5, 1e200, -1e200)


def outcome(compute):
    """What it gives, or what it raises."""
    try:
        return compute()
    except (ArithmeticError, ValueError) as error:
        return f"{type(error).__name__}: {error}".partition(" (example")[0].partition(": float")[0]


def on_values(op, xs):
    leaves = [Value(x, f"xs[{i}]") for i, x in enumerate(xs)]
    return op(*leaves), leaves


def slopes_by_backward(op, xs):
    z, leaves = on_values(op, xs)
    z.backward()
    return [x.grad for x in leaves]


@each_executor
@one_by_one
def test_at_the_edges_a_program_gives_and_raises_what_eager_does(op, count, executor):
    def f(xs):
        return op(*[xs[i] for i in range(count)])

    programs = [compile(f, batched=batched, executor=executor) for batched in (False, True)]
    for xs in product(EDGES if count < 3 else EDGES[:2], repeat=count):
        expected = outcome(lambda xs=xs: on_values(op, xs)[0].data)
        slopes = outcome(lambda xs=xs: slopes_by_backward(op, xs))
        if isinstance(expected, float) and math.isnan(expected):
            continue  # of xlogy, for which the logarithm of a negative is no error
        if executor == "jax" and op is ARCTAN2 and max(map(abs, xs)) > 1e154:
            continue  # XLA divides by r * r where the slope divides by r twice
        for program, given in zip(programs, (np.array(xs), np.array([xs])), strict=True):
            found, found_slopes = found_by(program, given)
            assert alike(found, expected), (given, found, expected)
            assert alike(found_slopes, slopes), (given, found_slopes, slopes)


def found_by(program, given):
    """A program's number and its slopes, or what it raises."""
    number = outcome(lambda: program(given))
    return number, outcome(lambda: np.ravel(program.gradient_wrt_inputs(given)[0]))


def alike(found, expected):
    """Whether a program gave the same numbers, or raised the same."""
    if isinstance(found, str) or isinstance(expected, str):
        return found == expected
    return np.allclose(found, expected, rtol=1e-13, atol=0, equal_nan=True)


# --- A row that is wrong is caught ------------------------------------------------------------


def off_by(function, error):
    """The same function, and the same signature, with results that are a little off."""

    @wraps(function)
    def wrong(*xs):
        result = function(*xs)
        return tuple([x + error for x in result]) if isinstance(result, tuple) else result + error

    return wrong


@each_op
def test_slopes_that_are_a_little_off_are_caught(op):
    with pytest.raises(WrongDerivativeError, match=r"slope 1 is"):
        check_op(replace(op, partials=off_by(op.partials, 1e-7)))


@each_op
def test_a_value_that_is_a_little_off_is_caught(op):
    with pytest.raises(WrongDerivativeError, match="the array form is"):
        check_op(replace(op, value=off_by(op.value, 1e-9)))


@each_op
def test_an_array_form_that_is_a_little_off_is_caught(op):
    with pytest.raises(WrongDerivativeError, match="the array form is"):
        check_op(replace(op, array=lambda np, *xs: op.on(np)(*xs) + 1e-9))


def test_the_error_names_the_op_the_operands_and_the_slope():
    wrong = Op("product", lambda x, y: x * y, lambda z, x, y: (y, y), "multiply", (1.0, 2.0))
    with pytest.raises(WrongDerivativeError, match=r"product at \(1\.\d+, 1\.\d+\): slope 2 is"):
        check_op(wrong)


def test_a_wrong_slope_of_a_later_operand_is_caught():
    def partials(z, *xs):
        return tuple([1.0 if i < 4 else 2.0 for i in range(len(xs))])

    with pytest.raises(WrongDerivativeError, match="slope 5 is"):
        check_op(Op("sum", lambda *xs: sum(xs), partials, lambda np, *xs: sum(xs)))


@pytest.mark.parametrize("rule", [lambda z, x: (2 * x, 2 * x), lambda z, x: 2 * x])
def test_partials_that_are_no_tuple_of_a_slope_for_each_operand_are_shown(rule):
    square = Op("square", lambda x: x * x, rule, "square")
    with pytest.raises(TypeError, match=r"square .*\(a = 3.0\): partials gave .*6.0.* tuple of 1$"):
        square(Value(3.0, "a"))


def test_a_rule_that_breaks_on_values_is_caught():
    with pytest.raises(AttributeError, match="Value"):
        check_op(Op("square", lambda x: x * x, lambda z, x: (2 * x.real,), "square"))


def test_a_rule_that_forgets_the_history_of_values_is_caught():
    def partials(z, x):
        return (2 * x.data if isinstance(x, Value) else 2 * x,)

    with pytest.raises(WrongDerivativeError, match="slope 1 of slope 1"):
        check_op(Op("square", lambda x: x * x, partials, "square"))


def test_a_rule_that_breaks_on_arrays_is_caught():
    with pytest.raises(WrongDerivativeError, match="cannot be read with arrays"):
        check_op(Op("sine", math.sin, lambda z, x: (math.cos(x),), "sin"))


@pytest.mark.parametrize(
    "slope",
    [
        math.cos,
        lambda x: math.cos(float(x)),
        lambda x: np.cos(np.asarray(x, dtype=float)),
        lambda x: COS(x.data if isinstance(x, Value) else x),
        lambda x: COS(Value(x.data) if isinstance(x, Value) else x),
    ],
    ids=["math", "float", "asarray", "data", "a new leaf"],
)
def test_a_rule_that_leaves_the_graph_is_caught(slope):
    with pytest.raises(WrongDerivativeError, match="sine at"):
        check_op(Op("sine", math.sin, lambda z, x: (slope(x),), "sin"))


def test_a_rule_that_is_another_one_on_values_is_caught():
    def slope(x):
        return COS(x) * 1.001 if isinstance(x, Value) else COS(x)

    with pytest.raises(WrongDerivativeError, match="slope 1 on Values is"):
        check_op(Op("sine", math.sin, lambda z, x: (slope(x),), "sin"))


def test_an_op_that_is_another_function_on_complex_numbers_is_measured_by_differences():
    sign = Op("sign", lambda x: math.copysign(1.0, x), lambda z, x: (0.0,), "sign", (0.5, 2.0))
    check_op(sign)
    with pytest.raises(WrongDerivativeError, match="slope 1 is"):
        check_op(replace(sign, partials=off_by(sign.partials, 1e-6)))


def test_a_rule_that_branches_is_caught():
    rectifier = Op(
        "rectifier",
        lambda x: max(x, 0.0),
        lambda z, x: (1.0 if x > 0 else 0.0,),  # right for one number, no rule for an array
        lambda np, x: np.maximum(x, 0.0),
    )
    with pytest.raises((WrongDerivativeError, TypeError, ValueError)):
        check_op(rectifier)


def test_an_op_without_complex_numbers_is_measured_by_differences():
    def real_sine(np, x):
        if np.iscomplexobj(x):
            raise TypeError("no complex numbers here")
        return np.sin(x)

    sine = Op("sine", math.sin, lambda z, x: (COS(x),), real_sine)
    check_op(sine)
    with pytest.raises(WrongDerivativeError):
        check_op(replace(sine, partials=off_by(sine.partials, 1e-6)))


# --- An op of one's own -----------------------------------------------------------------------

CUBE = Op("cube", lambda x: x**3, lambda z, x: (3 * x * x,), lambda np, x: x**3)
LENGTH = Op("length", math.hypot, lambda z, x, y: (x / z, y / z), "hypot", (0.5, 2.0))


def test_an_op_of_ones_own_is_right_by_the_check():
    check_op(CUBE)
    check_op(LENGTH)


def test_an_op_of_ones_own_takes_numbers_values_and_arrays():
    assert CUBE(2.0) == 8.0
    assert CUBE(2) == 8
    assert CUBE(Value(2.0)).data == 8.0
    assert CUBE(np.array([1.0, 2.0])).tolist() == [1.0, 8.0]
    assert LENGTH(3.0, Value(4.0)).data == 5.0
    assert LENGTH(3.0, np.array([4.0])).tolist() == [5.0]


def test_an_op_of_ones_own_is_differentiated_like_the_others():
    x, y = Value(3.0), Value(4.0)
    z = CUBE(LENGTH(x, y)) * 2
    z.backward()
    assert (x.grad, y.grad) == (90.0, 120.0)
    assert [slope.data for slope in gradient(z, x, y)] == [90.0, 120.0]
    (bend,) = gradient(*gradient(CUBE(x), x), x)
    assert bend.data == 18.0


def test_an_op_of_ones_own_is_checked_and_drawn_like_the_others():
    x = Value(2.0, "x")
    (slope,) = check_gradient(CUBE, x).slopes
    assert slope.computed == 12.0
    assert "cube(x)" in str(draw(CUBE(x)))
    assert "cube" in draw(CUBE(x)).source


@pytest.mark.parametrize(
    ("value", "operand", "message"),
    [
        (math.log, -1.0, r"cannot compute mine of \(x = -1\.0\)"),
        (math.acosh, 0.5, r"cannot compute mine of \(x = 0\.5\)"),
        (lambda x: x**0.5, -1.0, r"cannot compute mine of \(x = -1\.0\)"),
        (lambda x: None, 1.0, r"cannot compute mine of \(x = 1\.0\)"),
    ],
    ids=["log", "acosh", "complex", "None"],
)
def test_an_op_of_ones_own_that_fails_is_named_with_its_operands(value, operand, message):
    mine = Op("mine", value, lambda z, x: (1.0,), "log")
    with pytest.raises((ValueError, TypeError), match=message):
        mine(Value(operand, "x"))


def test_a_power_is_one_op_however_many_there_are():
    square = power(2.0)
    for i in range(1000):
        power(i / 7)
    assert power(2.0) is square
