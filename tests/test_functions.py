"""Functions by name: each is its row of the table, and the method of that name."""

import math
import operator
from itertools import product

import numpy as np
import pytest
from numpy.testing import assert_allclose

from autograd_core import OPS, Op, RecordingError, Value, compile, functions, where
from autograd_core.check import arities
from tests.rows import over

ROWS = {name: op for name, op in vars(functions).items() if isinstance(op, Op)}
NAMED = {name: op for name, op in ROWS.items() if name.islower()}

each = over(("name", "op"), NAMED.items())


def inside(op):
    low, high = op.domain
    return [low + (high - low) * share for share in (0.7, 0.4, 0.6)][: arities(op)[0]]


@each
def test_a_function_serves_numbers_values_and_arrays(name, op):
    xs = inside(op)
    number = op(*xs)
    assert type(number) is float
    assert op(*map(Value, xs)).data == number
    assert_allclose(op(*[np.array([x, x]) for x in xs]), [number] * 2, rtol=1e-14)


@each
def test_a_function_of_numpys_or_of_math_has_its_numbers(name, op):
    for library in (np, math):
        theirs = getattr(library, {"mod": "mod" if library is np else "_"}.get(name, name), None)
        if theirs is not None and name != "where":
            assert op(*inside(op)) == pytest.approx(float(theirs(*inside(op))), rel=1e-15)


@each
def test_a_method_of_that_name_is_the_function(name, op):
    method = getattr(Value, name, None)
    x, *others = map(Value, inside(op))
    if method is not None:
        assert method(x, *others).op is op


def test_every_row_that_is_no_operator_can_be_called_by_its_name():
    operators = {"+", "-", "*", "/", "**", "neg", "abs"}
    several = {"maximum", "minimum", "total", "dot", "logsumexp", "xlogy", "leaky_relu"}
    names = {op.name for op in OPS if not op.name.startswith("**")}
    assert names - operators - several == {op.name for op in NAMED.values()}


@pytest.mark.parametrize(("x", "y"), [(7.5, 2.0), (-7.5, 2.0), (7.5, -2.0), (-7.5, -2.0)])
def test_the_remainder_and_whole_numbers_are_pythons(x, y):
    v, w = Value(x), Value(y)
    for z in (v % w, v % y, x % w):
        assert z.data == x % y
    z.backward()
    assert w.grad == -math.floor(x / y)
    assert (math.floor(v).data, math.ceil(v).data) == (math.floor(x), math.ceil(x))


def test_where_takes_one_of_two_and_gives_it_the_gradient():
    for condition, expected in (
        (2.0, (3.0, 1.0, 0.0)),
        (0.0, (5.0, 0.0, 1.0)),
        (-1.0, (5.0, 0.0, 1.0)),
    ):
        c, x, y = Value(condition), Value(3.0), Value(5.0)
        z = functions.where(c, x, y)
        z.backward()
        assert (z.data, x.grad, y.grad) == expected
        assert c.grad == 0.0
        program = compile(functions.where)
        assert program(condition, 3.0, 5.0) == expected[0]
        assert program.gradient_wrt_inputs(condition, 3.0, 5.0) == (0.0, *expected[1:])


@pytest.mark.parametrize("compare", [operator.lt, operator.le, operator.gt, operator.ge])
def test_a_choice_by_a_recorded_number_is_refused_with_what_to_write(compare):
    with pytest.raises(RecordingError, match=r"where\(x - y, a, b\), which is a where x > y"):
        compile(lambda x, y: x * 2 if compare(x, y) else y)(1.0, 2.0)


def test_a_choice_written_as_data_is_the_one_that_python_makes():
    by_python = lambda x, y: x * y if x > y else x + 3 * y  # noqa: E731
    by_data = compile(lambda x, y: where(x - y, x * y, x + 3 * y))
    by_numpy = compile(lambda x, y: np.sum(np.where(x > y, x * y, x + 3 * y)))
    for x, y in product((-1.5, 0.0, 2.0), repeat=2):
        v, w = Value(x), Value(y)
        expected = by_python(v, w)
        expected.backward()
        assert by_data(x, y) == expected.data
        assert by_data.gradient_wrt_inputs(x, y) == (v.grad, w.grad)
        xs, ys = np.array([x]), np.array([y])
        assert by_numpy(xs, ys) == expected.data
        assert_allclose(by_numpy.gradient_wrt_inputs(xs, ys), [[v.grad], [w.grad]])
