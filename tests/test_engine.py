"""Values: how they are made, what they record, and what backward does with it."""

import gc
import math
import operator
import os
import re
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograd_core import (
    OPS,
    Op,
    Value,
    dot,
    draw,
    gradient,
    logsumexp,
    maximum,
    mean,
    minimum,
    softmax,
    to_python,
    topological,
    total,
)
from autograd_core.check import arities
from autograd_core.engine import ADD, DIV, MOD, MUL, POW, SIN, SUB, power
from tests.rows import over
from tests.strategies import expressions, slopes_on_arrays, thousandths

NUMBERS = [int, float, Fraction, np.float64, np.float32, np.int64]
ARITHMETIC = [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow]
COMPARISONS = [operator.lt, operator.le, operator.gt, operator.ge]
MILLION = 1_000_000

each_op = over("op", {op.name: op for op in OPS})
finite = st.floats(allow_nan=False, allow_infinity=False)


@pytest.fixture
def without_collector():
    """Only reference counting frees anything."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def math_takes(function, count):
    """Whether a function of Python's math takes this many floats."""
    try:
        function(*[0.5] * count)
    except (TypeError, ValueError):
        return False
    return True


def count_values():
    return sum(isinstance(x, Value) for x in gc.get_objects())


# --- The numbers others have published --------------------------------------------------------


def test_the_numbers_of_the_micrograd_readme_come_out():
    a = Value(-4.0)
    b = Value(2.0)
    c = a + b
    d = a * b + b**3
    c += c + 1
    c += 1 + c + (-a)
    d += d * 2 + (b + a).relu()
    d += 3 * d + (b - a).relu()
    e = c - d
    f = e**2
    g = f / 2.0
    g += 10.0 / f
    g.backward()
    assert f"{g.data:.4f}" == "24.7041"
    assert f"{a.grad:.4f}" == "138.8338"
    assert f"{b.grad:.4f}" == "645.5773"


def test_the_neuron_of_the_micrograd_lecture_comes_out():
    x1, x2 = Value(2.0, "x1"), Value(0.0, "x2")
    w1, w2 = Value(-3.0, "w1"), Value(1.0, "w2")
    o = (x1 * w1 + x2 * w2 + Value(6.8813735870195432, "b")).tanh()
    o.backward()
    assert f"{o.data:.4f}" == "0.7071"
    slopes = (x1.grad, w1.grad, x2.grad, w2.grad)
    assert [round(slope, 4) for slope in slopes] == [-1.5, 1.0, 0.5, 0.0]


# --- A Value ----------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [*NUMBERS, bool])
def test_a_value_holds_any_real_number_as_a_float(number):
    assert Value(number(1)).data == 1.0
    assert type(Value(number(1)).data) is float


def test_a_new_value_is_a_leaf_with_no_history():
    x = Value(2.0, "x")
    assert (x.data, x.grad, x.label) == (2.0, 0.0, "x")
    assert (x.op, x.parents, x.partials) == (None, (), ())


@over("data", ["1", None, [1.0], (1.0,), 1j, Value(1.0), b"1", np.ones(2)])
def test_a_value_of_what_is_no_real_number_is_refused_by_type(data):
    with pytest.raises(TypeError, match=f"one real number, got {type(data).__name__}"):
        Value(data)


@pytest.mark.parametrize("swapped", [("w", 2.0), (2.0, 3.0)])
def test_a_label_that_is_no_text_is_refused(swapped):
    with pytest.raises(TypeError, match=r"a label is text, got float: [23]\.0"):
        Value(*swapped)


def test_nan_and_infinity_are_allowed_as_data():
    assert math.isnan(Value(math.nan).data)
    assert Value(-math.inf).data == -math.inf


def test_repr_shows_data_grad_and_label():
    x = Value(2.0, "x")
    y = x * x
    y.backward()
    assert repr(x) == "Value(data=2.0, grad=4.0, label='x')"
    assert repr(y) == "Value(data=4.0, grad=1.0)"


def test_values_are_equal_only_to_themselves():
    x = Value(1.0)
    assert x == x  # noqa: PLR0124
    assert x != Value(1.0)
    assert len({x, x, Value(1.0)}) == 2
    assert [Value(1.0), x].index(x) == 1
    assert x != "1"
    assert x != None  # noqa: E711


@given(finite, finite)
def test_values_compare_and_convert_like_their_data(x, y):
    for compare in COMPARISONS:
        assert compare(Value(x), Value(y)) == compare(x, y)
        assert compare(Value(x), y) == compare(x, y)
        assert compare(x, Value(y)) == compare(x, y)
    assert float(Value(x)) == x
    assert bool(Value(x)) == bool(x)
    for compare in (operator.eq, operator.ne):
        assert compare(Value(x), y) == compare(y, Value(x)) == compare(x, y)


@over("compare", COMPARISONS)
@over("other", ["1", None, [1.0]])
def test_comparing_with_what_is_no_number_is_refused(compare, other):
    with pytest.raises(TypeError, match="not supported between"):
        compare(Value(1.0), other)


@pytest.mark.parametrize("spec", ["", ".4f", "8.2e", "+", "g"])
def test_a_value_is_formatted_as_its_number(spec):
    x = Value(2.5, "x")
    assert f"{x:{spec}}" == (f"{2.5:{spec}}" if spec else repr(x))
    assert "%.3f %d" % (x, 3) == "2.500 3"  # noqa: UP031


# --- The number in a Value is not taken in silence ---------------------------------------------

OF_MATH = [
    (function, count)
    for function in vars(math).values()
    for count in (1, 2)
    if callable(function) and math_takes(function, count)
]


@over("graph", [lambda x: x, lambda x: x * 1.0])
@over(("function", "count"), OF_MATH)
def test_no_function_of_math_cuts_the_graph(function, count, graph):
    x, name = graph(Value(0.5)), function.__name__
    if name in {"isclose", "isfinite", "isinf", "isnan"}:
        assert function(*[x] * count) == function(*[0.5] * count)
        return
    if name in {"floor", "ceil"}:  # which Python asks a Value for, as it does for abs(x)
        assert function(x).parents == (x,)
        return
    for _ in range(20):  # what runs often is run by other instructions
        with pytest.raises(TypeError) as error:
            x * function(*[x] * count)
    for method in (name, name.replace("a", "arc", 1)):
        if hasattr(Value, method):
            assert f"use x.{method}()" in str(error.value)


def cuts():
    """Ways to the number that are not float(x) itself."""
    x, xs = Value(0.5), [Value(0.5), Value(0.25)]
    functions = [math.exp]
    yield lambda: functions[0](x)
    yield lambda: math.exp(x if xs else 0.5)
    yield lambda: math.exp(x)
    yield lambda: list(map(math.exp, xs))
    yield lambda: list(map(float, xs))
    yield lambda: [y for y in map(math.exp, xs)]  # noqa: C416
    yield lambda: math.fsum(xs)
    yield lambda: np.asarray(xs, dtype=float)
    yield lambda: np.zeros(2).__setitem__(0, x)
    yield lambda: math.hypot(*xs)
    yield lambda: float(math.sqrt(x))


@over("cut", list(cuts()))
def test_nothing_but_float_takes_the_number(cut):
    for _ in range(20):
        with pytest.raises(TypeError, match=r"would cut the graph.*\.data"):
            cut()


def test_float_takes_the_number_however_it_is_called():
    x, xs = Value(0.5), [Value(0.5), Value(0.25)]
    for _ in range(20):
        assert (float(x), float(x * 2), float(*[x]), float(xs[0] + xs[1])) == (0.5, 1.0, 0.5, 0.75)
        assert [float(v) for v in xs] == [0.5, 0.25]
        assert f"{float(x):.1f}" == "0.5"
        assert float(float(x) + float(xs[1] if x else x)) == 0.75
        assert float(x) == 0.5
        assert x.__float__() == 0.5
    assert eval("float(x) + 1", {"x": x}) == 1.5  # noqa: S307


def test_where_code_has_no_positions_the_number_is_served():
    program = (
        "import math; from autograd_core import Value; print(math.exp(Value(0.0)), float(Value(2)))"
    )
    command = [sys.executable, "-X", "no_debug_ranges", "-c", program]
    assert subprocess.run(command, capture_output=True, check=True).stdout == b"1.0 2.0\n"


# --- Numbers of other sorts --------------------------------------------------------------------


@each_op
def test_data_set_to_another_sort_of_number_computes_as_floats_do(op):
    count = arities(op)[-1]
    whole = int(op.domain[1])  # arcsin has no value at 2
    for number in (np.float64, np.float32, np.int64, int, Fraction):
        plain, changed = [[Value(whole, f"x{i}") for i in range(count)] for _ in range(2)]
        for x in changed:
            x.data = number(whole)
        z, expected = op(*changed), op(*plain)
        z.backward()
        expected.backward()
        for v, w in zip(topological(z), topological(expected), strict=True):
            assert type(v.data) is type(v.grad) is float, number
            assert {*map(type, v.partials)} <= {float}, number
            assert (v.data, v.grad, v.partials) == (w.data, w.grad, w.partials), number
    assert "np." not in to_python(z)


def test_a_step_by_an_arrays_number_leaves_errors_as_they_are():
    p = Value(0.5, "p")
    p.data -= np.float64(0.5)
    with pytest.raises(ZeroDivisionError, match=r"cannot compute / of \(1.0, p = 0.0\)"):
        1 / p
    assert float(p) == 0.0
    assert type(float(p)) is float


@pytest.mark.parametrize("data", [Value(1.0), "1", None, np.ones(2)])
def test_data_set_to_what_is_no_number_is_refused_where_it_is_used(data):
    p = Value(0.5)
    p.data = data
    with pytest.raises(TypeError, match="one real number"):
        p * 2


# --- What an operation records ----------------------------------------------------------------


@over("calculate", ARITHMETIC)
@over("number", NUMBERS)
def test_a_number_may_stand_on_either_side_of_an_operator(calculate, number):
    x, n = Value(3.0), number(2)
    for z, expected in [(calculate(x, n), calculate(3, 2)), (calculate(n, x), calculate(2, 3))]:
        assert isinstance(z, Value)
        assert z.data == pytest.approx(expected, rel=1e-15)
        assert x in z.parents


@over("number", [np.float64, np.float32, np.int64])
@over("compare", COMPARISONS)
def test_a_numpy_number_may_stand_on_either_side_of_a_comparison(compare, number):
    assert Value(3.0) == number(3) == Value(3.0) != number(2)
    assert compare(Value(3.0), number(2)) == compare(3, 2)
    assert compare(number(2), Value(3.0)) == compare(2, 3)


@given(thousandths(), thousandths())
def test_operators_compute_what_they_do_on_floats(x, y):
    for calculate in (operator.add, operator.sub, operator.mul):
        expected = calculate(x, y)
        for z in (calculate(Value(x), Value(y)), calculate(x, Value(y)), calculate(Value(x), y)):
            assert z.data == expected
    assert (-Value(x)).data == -x
    assert abs(Value(x)).data == abs(x)


def test_parents_are_in_operand_order():
    a, b, c = Value(2.0, "a"), Value(3.0, "b"), Value(4.0, "c")
    for calculate, op in zip(ARITHMETIC, (ADD, SUB, MUL, DIV, POW), strict=True):
        assert calculate(a, b).parents == (a, b)
        assert calculate(b, a).parents == (b, a)
        assert calculate(a, b).op is op
        two, second = calculate(2.0, a).parents
        assert (two.data, second) == (2.0, a)
    assert total([c, a, b]).parents == (c, a, b)
    assert logsumexp([c, a, b]).parents == (c, a, b)
    assert dot([a, b], [b, a], bias=c).parents == (a, b, b, a, c)
    assert maximum(b, a).parents == (b, a)


def test_an_operand_used_twice_is_a_parent_twice():
    a = Value(3.0)
    doubled = a + a
    assert doubled.parents == (a, a)
    assert doubled.partials == (1.0, 1.0)
    assert (a * a).partials == (3.0, 3.0)
    assert dot([a, a], [a, a]).parents == (a, a, a, a)
    doubled.backward()
    assert a.grad == 2.0


def test_a_constant_exponent_belongs_to_the_op():
    x = Value(-1.5)
    square = x**2
    assert (square.data, square.parents, square.partials) == (2.25, (x,), (-3.0,))
    assert square.op.name == "**2"
    assert (Value(0.0) ** 2).partials == (0.0,)
    assert (Value(0.0) ** 1).partials == (1.0,)
    assert (Value(0.0) ** 0).partials == (0.0,)


def test_an_exponent_may_be_a_value():
    x, n = Value(2.0), Value(3.0)
    power = x**n
    assert power.data == 8.0
    assert power.partials == pytest.approx((12.0, 8 * math.log(2)))
    assert (2**n).data == 8.0
    assert (2**n).partials[1] == pytest.approx(8 * math.log(2))


def test_partials_are_fixed_when_the_node_is_made():
    x, y = Value(2.0), Value(3.0)
    z = x * y
    x.data, y.data = 20.0, 30.0
    assert (z.data, z.partials) == (6.0, (3.0, 2.0))
    z.backward()
    assert (x.grad, y.grad) == (3.0, 2.0)


def test_micrograds_names_for_history_can_be_read():
    a, b = Value(2.0), Value(3.0)
    for v, op, parents in [(a, "", ()), (a * b, "*", (a, b)), (a.relu(), "relu", (a,))]:
        assert (v._op, v._prev) == (op, parents)  # noqa: SLF001
    with pytest.raises(AttributeError):
        a._op = "+"  # noqa: SLF001


def test_python_sums_values_from_its_zero():
    x, y = Value(1.0), Value(2.0)
    whole = sum([x, y])
    whole.backward()
    assert (whole.data, x.grad, y.grad) == (3.0, 1.0, 1.0)


# --- backward ---------------------------------------------------------------------------------


@given(expressions())
def test_backward_gives_the_slopes_of_the_array_forms(expression):
    leaves, y = expression.graph()
    y.backward()
    for leaf, measured in zip(leaves, slopes_on_arrays(expression, expression.inputs), strict=True):
        assert leaf.grad == pytest.approx(measured, rel=1e-9, abs=1e-9)


def test_backward_twice_adds_up_on_leaves_and_starts_afresh_between():
    a, b, d = Value(2.0), Value(3.0), Value(4.0)
    c = a + b
    e = c * d
    e.backward()
    assert [v.grad for v in (a, b, c, d, e)] == [4.0, 4.0, 4.0, 5.0, 1.0]
    e.backward()
    assert [v.grad for v in (a, b, c, d, e)] == [8.0, 8.0, 4.0, 10.0, 1.0]


@given(expressions(), st.integers(2, 5))
def test_k_calls_add_k_gradients_to_every_leaf(expression, k):
    _, y = expression.graph()
    y.backward()
    once = {v: v.grad for v in topological(y)}
    for _ in range(k - 1):
        y.backward()
    for v, grad in once.items():
        assert v.grad == (grad if v.parents else sum([grad] * k))


@given(expressions(), st.data())
def test_backward_starts_from_any_node_and_reaches_only_its_history(expression, data):
    _, y = expression.graph()
    order = topological(y)
    start = data.draw(st.sampled_from(order))
    start.backward()
    history = topological(start)
    slopes = gradient(start, *history)
    for v, slope in zip(history, slopes, strict=True):
        assert v.grad == pytest.approx(slope.data, rel=1e-12, abs=1e-12)
    assert all(v.grad == 0 for v in order if v not in set(history))


def test_an_inner_node_is_given_its_gradient_for_the_last_call_alone():
    x = Value(3.0)
    y = x * x
    (y * 10).backward()
    y.backward()
    assert (y.grad, x.grad) == (1.0, 66.0)


@given(expressions(), st.sampled_from([0.0, -1.0, 0.25, 1024.0]))
def test_gradients_are_linear_in_the_seed(expression, seed):
    plain, y = expression.graph()
    y.backward()
    scaled, z = expression.graph()
    z.backward(seed)
    assert z.grad == seed
    # Seeds that are powers of two change no digit, so equality is exact.
    assert [x.grad for x in scaled] == [seed * x.grad for x in plain]


def test_backward_from_a_leaf_adds_the_seed_to_it():
    x = Value(3.0)
    x.backward()
    x.backward(2)
    assert x.grad == 3.0


def test_a_seed_that_is_no_number_leaves_every_gradient_alone():
    x = Value(3.0)
    y = x * x
    y.backward()
    with pytest.raises((TypeError, ValueError)):
        y.backward("a")
    assert (x.grad, y.grad) == (6.0, 1.0)


def test_two_graphs_that_share_a_leaf_add_up_on_it():
    x = Value(3.0)
    (x * 2).backward()
    (x * 5).backward()
    assert x.grad == 7.0


@given(expressions(max_steps=12))
def test_topological_lists_each_value_once_and_parents_first(expression):
    _, root = expression.graph()
    order = topological(root)
    place = {v: i for i, v in enumerate(order)}
    assert len(place) == len(order)
    assert order[-1] is root
    for v in order:
        assert all(place[parent] < place[v] for parent in v.parents)
    assert len(order) == len(reachable(root))


def reachable(root):
    found, waiting = {root}, [root]
    while waiting:
        new = set(waiting.pop().parents) - found
        found |= new
        waiting += new
    return found


class Student:
    def __init__(self, *parents):
        self.parents = parents


class Micrograd:
    def __init__(self, *parents):
        self._prev = set(parents)


@pytest.mark.parametrize("node", [Student, Micrograd])
def test_topological_orders_the_nodes_of_any_engine(node):
    a, b = node(), node()
    c = node(a, b)
    d = node(c, a)
    order = topological(d)
    assert {*order[:2]} == {a, b}
    assert order[2:] == [c, d]


@pytest.mark.parametrize("root", [3.0, None, [Value(1.0)]])
def test_topological_needs_a_value(root):
    with pytest.raises(TypeError, match=f"expected a Value, got {type(root).__name__}"):
        topological(root)


# --- Functions with an edge -------------------------------------------------------------------


@pytest.mark.parametrize("x", [800.0, 1e4, 1e300, math.inf])
def test_functions_are_stable_far_from_zero(x):
    right, left = Value(x), Value(-x)
    assert (right.sigmoid().data, left.sigmoid().data) == (1.0, 0.0)
    assert (right.tanh().data, left.tanh().data) == (1.0, -1.0)
    assert (right.softplus().data, left.softplus().data) == (x, 0.0)
    for z in (right.sigmoid(), left.sigmoid(), right.tanh(), left.tanh()):
        assert z.partials == (0.0,)
    assert right.softplus().partials == (1.0,)
    assert left.softplus().partials == (0.0,)


@given(st.floats(-700, 700))
def test_sigmoid_and_softplus_keep_their_digits(x):
    assert Value(x).sigmoid().data == pytest.approx(0.5 + math.tanh(x / 2) / 2, abs=1e-15)
    assert Value(-x).sigmoid().data + Value(x).sigmoid().data == pytest.approx(1.0, rel=1e-15)
    difference = Value(x).softplus().data - Value(-x).softplus().data
    assert difference == pytest.approx(x, rel=1e-14)
    tail = math.log1p(math.exp(-abs(x)))
    assert Value(-abs(x)).softplus().data == pytest.approx(tail, rel=1e-14, abs=0)


METHODS = {
    "exp": math.exp(0.5),
    "log": math.log(0.5),
    "sqrt": math.sqrt(0.5),
    "sin": math.sin(0.5),
    "cos": math.cos(0.5),
    "tanh": math.tanh(0.5),
    "sigmoid": 1 / (1 + math.exp(-0.5)),
    "softplus": math.log(1 + math.exp(0.5)),
    "step": 1.0,
    "relu": 0.5,
    "leaky_relu": 0.5,
}


@over("name", [*METHODS])
def test_the_method_of_a_function_computes_it(name):
    assert getattr(Value(0.5), name)().data == pytest.approx(METHODS[name], rel=1e-15)


UNARY = {op.name: op for op in OPS if hasattr(Value, op.name) and 1 in arities(op)}
BINARY = {
    operator.add: ADD,
    operator.sub: SUB,
    operator.mul: MUL,
    operator.truediv: DIV,
    operator.mod: MOD,
}


def outcome(f, *xs):
    """What is kept of a new node, or the error."""
    try:
        z = f(*xs)
    except (ArithmeticError, ValueError) as error:
        return repr(error)
    return repr((z.data, z.grad, z.label, z.op.name, [p.data for p in z.parents], z.partials))


@given(st.floats() | st.integers(-3, 3), st.floats() | st.integers(-3, 3))
def test_methods_and_operators_make_the_node_that_their_op_records(x, y):
    assert len(UNARY) > 20
    for name, op in UNARY.items():
        assert outcome(getattr(Value(x), name)) == outcome(op.record, [Value(x)])
    for calculate, op in BINARY.items():
        recorded = outcome(op.record, [Value(x), Value(y)])
        for operands in [(Value(x), Value(y)), (x, Value(y)), (Value(x), y)]:
            assert outcome(calculate, *operands) == recorded
    for n in (2, 0.5, -1, 0):
        assert outcome(operator.pow, Value(x), n) == outcome(power(float(n)).record, [Value(x)])


def test_relu_and_its_kin_have_a_stated_slope_at_zero():
    zero = Value(0.0)
    assert zero.relu().partials == (0.0,)
    assert zero.leaky_relu().partials == (0.01,)
    assert zero.leaky_relu(0.2).partials == (0.2,)
    assert zero.step().partials == (0.0,)
    assert abs(zero).partials == (0.0,)
    assert (zero.relu().data, zero.leaky_relu().data, zero.step().data) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize("slope", [Value(0.1), "0.1", None, [0.1]])
def test_the_slope_of_leaky_relu_is_a_number(slope):
    with pytest.raises(TypeError, match=f"slope is a number.*got {type(slope).__name__}"):
        Value(1.0).leaky_relu(slope)


def test_leaky_relu_leaks_by_the_slope_it_is_given():
    assert Value(-2.0).leaky_relu().data == -0.02
    assert Value(-2.0).leaky_relu(0.5).data == -1.0
    assert Value(-2.0).leaky_relu(0.5).partials == (0.5,)
    assert Value(2.0).leaky_relu(0.5).partials == (1.0,)


@given(st.lists(thousandths(), min_size=1, max_size=6))
def test_maximum_and_minimum_give_the_slope_to_the_first_of_equals(numbers):
    for choose, best in ((maximum, max(numbers)), (minimum, min(numbers))):
        values = list(map(Value, numbers))
        z = choose(*values)
        z.backward()
        first = numbers.index(best)
        assert z.data == best
        assert [v.grad for v in values] == [float(i == first) for i in range(len(values))]


def test_maximum_and_minimum_take_numbers_and_one_operand():
    x = Value(2.0)
    assert maximum(x) is x
    assert minimum(3.0).data == 3.0
    assert maximum(x, 3).data == 3.0
    assert minimum(1, x, 5).data == 1.0


@pytest.mark.parametrize("choose", [maximum, minimum])
@pytest.mark.parametrize("numbers", [(math.nan, 1.0), (1.0, math.nan), (0.0, math.nan, 1.0)])
def test_nan_is_the_largest_and_the_smallest_wherever_it_stands(choose, numbers):
    assert math.isnan(choose(*numbers).data)
    assert math.isnan(choose(*map(Value, numbers)).data)


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "softplus", "sigmoid", "tanh", "__abs__"])
def test_nan_goes_through_every_activation(name):
    assert math.isnan(getattr(Value(math.nan), name)().data)


# --- Functions of several Values --------------------------------------------------------------

# Far apart, close together, and equal: what logits of a diverging or a confident net look like.
logits = st.lists(
    st.one_of(thousandths(), st.floats(-800, 800), st.sampled_from([1e300, -1e300, 1e17, -1e17])),
    min_size=1,
    max_size=6,
)


@given(logits)
def test_softmax_gives_shares_that_sum_to_one(xs):
    shares = [share.data for share in softmax(xs)]
    assert math.fsum(shares) == pytest.approx(1.0, abs=1e-12)
    assert all(0 <= share <= 1 for share in shares)
    assert sorted(xs) == [x for _, x in sorted(zip(shares, xs, strict=True))]


@given(st.lists(thousandths(), min_size=1, max_size=6))
def test_softmax_is_its_textbook_formula(xs):
    whole = sum(math.exp(x) for x in xs)
    assert [share.data for share in softmax(xs)] == pytest.approx([math.exp(x) / whole for x in xs])


@given(logits)
def test_the_slopes_of_logsumexp_sum_to_one(xs):
    assert math.fsum(logsumexp(xs).partials) == pytest.approx(1.0, abs=1e-12)


@given(logits)
def test_logsumexp_is_at_home_with_any_finite_numbers(xs):
    top = max(xs)
    expected = top + math.log(math.fsum(math.exp(x - top) for x in xs))
    assert logsumexp(xs).data == pytest.approx(expected, rel=1e-14, abs=1e-14)
    assert top <= logsumexp(xs).data <= top + math.log(len(xs)) + 1e-9 * abs(top)


@given(st.lists(st.tuples(thousandths(), thousandths()), max_size=6), thousandths())
def test_dot_is_the_sum_of_products(pairs, bias):
    xs, ys = [Value(x) for x, _ in pairs], [Value(y) for _, y in pairs]
    expected = math.fsum(x * y for x, y in pairs)
    assert dot(xs, ys).data == pytest.approx(expected, abs=1e-12)
    b = Value(bias)
    z = dot(xs, ys, b)
    z.backward()
    assert z.data == pytest.approx(expected + bias, abs=1e-12)
    assert [x.grad for x in xs] == [y.data for y in ys]
    assert [y.grad for y in ys] == [x.data for x in xs]
    assert b.grad == 1.0


@given(st.lists(thousandths(), min_size=1, max_size=6))
def test_total_and_mean_are_one_node_and_its_share(numbers):
    values = list(map(Value, numbers))
    assert total(values).data == pytest.approx(math.fsum(numbers), abs=1e-12)
    assert total(values).parents == tuple(values)
    average = mean(values)
    average.backward()
    assert average.data == pytest.approx(math.fsum(numbers) / len(numbers), abs=1e-12)
    assert [v.grad for v in values] == [1 / len(numbers)] * len(numbers)


def test_functions_of_several_values_take_any_iterable_and_numbers():
    assert total(x for x in (1, 2.0, Value(3.0))).data == 6.0
    assert mean(x for x in (1, 2.0, Value(3.0))).data == 2.0
    assert dot((x for x in (1, 2)), iter((3.0, Value(4.0)))).data == 11.0
    assert logsumexp(iter([0.0, 0])).data == math.log(2)
    assert [share.data for share in softmax(iter([0, 0.0]))] == [0.5, 0.5]


def test_empty_sums_are_zero():
    assert total([]).data == 0.0
    assert dot([], []).data == 0.0
    bias = Value(3.0)
    z = dot([], [], bias)
    z.backward()
    assert (z.data, bias.grad) == (3.0, 1.0)


@pytest.mark.parametrize("function", [mean, logsumexp, softmax])
def test_what_no_values_do_not_have_is_refused(function):
    with pytest.raises(ValueError, match="of no values is not defined"):
        function([])


@pytest.mark.parametrize("bias", [None, 1.0])
def test_dot_refuses_lists_of_unequal_length(bias):
    with pytest.raises(ValueError, match="one length, got 3 and 2"):
        dot([1, 2, 3], [1, 2], bias)


# --- Bad input --------------------------------------------------------------------------------


@over(
    ("compute", "error", "named"),
    [
        (lambda x: (x * 0).log(), ValueError, "cannot compute log of (0.0)"),
        (lambda x: (-x).log(), ValueError, "cannot compute log of (-8.0)"),
        (lambda x: (-x).sqrt(), ValueError, "cannot compute sqrt of (-8.0)"),
        (lambda x: 1 / (x * 0), ZeroDivisionError, "cannot compute / of (1.0, 0.0)"),
        (lambda x: x / 0, ZeroDivisionError, "cannot compute / of (x = 8.0, 0.0)"),
        (lambda x: x / Value(0, "n"), ZeroDivisionError, "cannot compute / of (x = 8.0, n = 0.0)"),
        (lambda x: (x * 100).exp(), OverflowError, "cannot compute exp of (800.0)"),
        (lambda x: x**400, OverflowError, "of (x = 8.0): the result is too large for a float"),
        (lambda x: x ** Value(400), OverflowError, "** of (x = 8.0, 400.0): the result is too"),
        (lambda x: 1e9**x**3, OverflowError, "cannot compute ** of (1000000000.0, 512.0)"),
        (lambda x: (-x) ** (1 / 3), ValueError, "cannot compute **0.333333 of (-8.0): a negative"),
        (lambda x: (-x) ** Value(0.5), ValueError, "cannot compute ** of (-8.0, 0.5)"),
        (lambda x: (x * 0) ** -1, ZeroDivisionError, "cannot compute **-1 of (0.0)"),
        (lambda x: SIN(x, x), TypeError, "cannot compute sin of (x = 8.0, x = 8.0)"),
        (ADD, TypeError, "cannot compute + of (x = 8.0)"),
        (lambda x: maximum(x, "1"), TypeError, "one real number, got str: '1'"),
        (lambda x: total([x, None]), TypeError, "one real number, got NoneType: None"),
        (lambda x: dot([x], [[1.0]]), TypeError, "one real number, got list: [1.0]"),
    ],
)
def test_an_error_names_the_op_its_operands_and_their_labels(compute, error, named):
    with pytest.raises(error) as raised:
        compute(Value(8.0, "x"))
    assert type(raised.value) is error
    assert named in str(raised.value)


@over("calculate", ARITHMETIC)
@over("other", ["1", None, [1.0], {}, 1j])
def test_an_operator_refuses_what_is_no_number(calculate, other):
    for operands in ((Value(1.0), other), (other, Value(1.0))):
        with pytest.raises(TypeError, match="Value"):
            calculate(*operands)


# --- Values without a slope -------------------------------------------------------------------

NO_SLOPE = [
    (lambda x: (x * 0).sqrt(), 0.0, "sqrt has no slope at (0.0)"),
    (lambda x: (x * 0) ** 0.5, 0.0, "**0.5 has no slope at (0.0)"),
    (
        lambda x: (x * 0) ** Value(0.5, "n"),
        0.0,
        "** has no slope along operand 1 at (0.0, n",
    ),
    (lambda x: (-x) ** Value(3.0), -512.0, "** has no slope along operand 2 at (-8.0, 3.0)"),
    (lambda x: (-2.0) ** x, 256.0, "** has no slope along operand 2 at (-2.0, x = 8.0)"),
    (lambda x: Op("flat", abs, lambda z, x: (math.nan,), "abs")(x), 8.0, "flat has no slope at (x"),
]


@pytest.mark.parametrize(("compute", "value", "message"), NO_SLOPE)
def test_what_has_no_slope_has_its_value_and_says_so_when_a_slope_is_wanted(
    compute, value, message
):
    x = Value(8.0, "x")
    x.backward(5.0)
    y = compute(x)
    assert y.data == value
    leaves = [v for v in topological(y) if not v.parents]
    for differentiate in (y.backward, (y * 0.0).backward, lambda: gradient(y + x, *leaves)):
        with pytest.raises(ValueError, match=re.escape(message)):
            differentiate()
        assert [v.grad for v in leaves] == [5.0 if v is x else 0.0 for v in leaves]
    assert gradient(y, y)[0].data == 1.0
    assert "nan" in str(draw(y))


@pytest.mark.parametrize(
    ("x", "n", "along_x", "along_n"),
    [(0.0, 2.0, 0.0, 0.0), (-2.0, 3.0, 12.0, None), (0.0, 1.0, 1.0, 0.0)],
)
def test_a_power_has_the_slopes_that_there_are(x, n, along_x, along_n):
    x, n = Value(x), Value(n)
    z = x**n
    assert z.data == x.data**n.data
    assert [slope.data for slope in gradient(z, x)] == [along_x]
    if along_n is not None:
        assert [slope.data for slope in gradient(z, n)] == [along_n]
        z.backward()
        assert (x.grad, n.grad) == (along_x, along_n)


@pytest.mark.parametrize("data", [math.nan, math.inf])
def test_a_nan_that_comes_from_numbers_is_no_missing_slope(data):
    x = Value(data)
    y = (x - x) * x
    y.backward()
    assert math.isnan(x.grad)
    assert math.isnan(gradient(y, x)[0].data)


# --- Size, memory and bits --------------------------------------------------------------------


@pytest.mark.parametrize("n", [20_000, pytest.param(MILLION, marks=pytest.mark.slow)])
def test_a_deep_chain_is_built_differentiated_and_freed(n, without_collector):
    before = count_values()
    x = Value(1.5)
    y = x
    for _ in range(n):
        y = -y
    y.backward()
    assert (y.data, x.grad) == (1.5, 1.0)
    del y
    assert count_values() == before + 1


def test_graphs_have_no_cycles(without_collector):
    before = count_values()
    x = Value(0.5)
    y = softmax([x, x * x, dot([x, 2.0], [x, x], x).tanh()])[0] ** 2
    y.backward()
    (slope,) = gradient(y, x)
    gradient(slope, x)[0].backward()
    del x, y, slope
    assert count_values() == before
    assert gc.collect() == 0


def test_a_failed_operation_leaves_nothing_behind(without_collector):
    before = count_values()
    x = Value(0.0)
    try:
        (x * 2).log()
    except ValueError:
        del x
    assert count_values() == before


PROGRAM = """
from autograd_core import *
values = [Value(0.1 * i - 0.7, f"x{i}") for i in range(20)]
nodes = values
for _ in range(4):
    nodes = [dot([a, b], [b, c], a) for a in nodes[:5] for b in nodes[:4] for c in nodes[3:5]]
    nodes = [node.tanh() for node in nodes]
loss = mean([share * x for share, x in zip(softmax(nodes), nodes)]) + logsumexp(nodes) ** 2
loss.backward()
slopes = gradient(loss, *values)
print(loss.data.hex(), *[x.grad.hex() for x in values], *[s.data.hex() for s in slopes])
"""


def test_gradients_have_the_same_bits_in_every_process():
    printed = {
        subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "31337")
    }
    assert len(printed) == 1
    assert len(printed.pop().split()) == 41
